"""现场检查: the bureau's inspections, and one of them in a form (R96, R97, R107)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from desktop.ui.actions import Action
from desktop.ui.inspecting.form import InspectionForm
from desktop.ui.notify import ERROR, INFO, SUCCESS, WARNING
from desktop.ui.queues.page import WorkQueuePage
from desktop.ui.queues.view import Segment
from desktop.work.inspecting import Begun, Submitted
from desktop.work.jobs import Job, Progress
from desktop.work.records import Saved
from shared.errors import Problem, Rejected, StaleRecord, YizhanError
from shared.fields import Kind
from shared.filters import MY_BUREAU, Filter, Op
from shared.lifecycle import WorkQueue
from shared.supervision import queues

if TYPE_CHECKING:
    from desktop.work.desk import Desk
    from desktop.work.records import Draft, Row

_OURS = Filter(order="-started_at").where("source_bureau", Op.EQ, MY_BUREAU)
_FIELDS = ("entity_id", "started_at", "result")
SEGMENTS = (
    Segment(
        replace(queues.UNSUBMITTED, transitions=()),  # submitting is the form's: it also closes the task
        "我的未提交",
        ("没有未提交的检查", "从任务“开始检查”，或点“新建检查”"),
        _FIELDS,
    ),
    Segment(
        WorkQueue("submitted", "已提交检查", "inspection", _OURS.where("state", Op.EQ, "submitted")),
        "已提交",
        ("还没有提交过检查", "填写检查情况后点“提交”"),
        _FIELDS,
    ),
    Segment(
        WorkQueue("all_inspections", "全部检查", "inspection", _OURS),
        "全部",
        ("还没有检查记录", "从任务“开始检查”，或点“新建检查”"),
        ("entity_id", "started_at", "result", "state"),
        standing=False,
    ),
)


class InspectionsPage(WorkQueuePage):
    """``shown``: {"task": id}, {"entity": id}, {"id": inspection}, {"new": True}, {"queue": name}."""

    share = 0.5

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, "inspections", "现场检查", "inspect", SEGMENTS)
        self._editable, self._dirty = True, False
        new = self.offer(Action("new", "新建检查", self._new, "Ctrl+N", "plus", enabled=self._may_create))
        submit = self.offer(Action("submit", "提交", self._submit, "Ctrl+Return", "ok", enabled=self._may))
        save = self.offer(Action("save", "保存（不提交）", self._save, "Ctrl+S", "save", enabled=self._may))
        discard = self.offer(
            Action("discard", "放弃修改", self._discard, "Ctrl+Shift+Z", enabled=lambda: self._dirty)
        )
        self.add_button(new)
        self.form = InspectionForm(desk, submit, save, discard, self.messages)
        self.form.state_changed.connect(self._dressed)
        self.form.entity_chosen.connect(self._fill_from)
        self.form.form.edited.connect(self._dressed)
        self._holding = False
        self._first = True

    # --- coming here -----------------------------------------------------------
    def shown(self, params: dict[str, Any]) -> None:
        task, entity = str(params.get("task") or ""), str(params.get("entity") or "")
        self._holding = bool(task or entity or params.get("new"))
        super().shown({k: v for k, v in params.items() if k in ("queue", "filter", "id")})
        if self._first:
            self._first = False
            self.desk.jobs.run(
                "读取执法人员",
                lambda _: self.desk.inspecting.officers(),
                self.form.officers.set_officers,
                self.report,
                quiet=True,
                owner=self,
            )
            if not self._holding:
                self.form.keeping.newest(self._offer_draft)
        if task or entity:
            self._start(task, entity)
        elif params.get("new"):
            self._new()

    def refresh(self, types: frozenset[str]) -> None:
        super().refresh(types)
        if "attachment" in types:
            self.form.photos.reload()

    def turned(self) -> None:
        self.view.show_side(self.form)

    def chosen(self, row: Row | None) -> None:
        """Walking through the list shows each; what is being typed is not pushed away by a reload."""
        super().chosen(row)
        busy = self._holding or self.form.form.is_dirty
        if row is not None and (self.view.table.grid.hasFocus() or not busy):
            self._open(row.id)

    def opened(self, row: Row) -> None:
        self._open(row.id, to_form=True)

    # --- what may be done --------------------------------------------------------
    def _may_create(self) -> bool:
        return self.desk.records.may("create", self.desk.inspecting.declared)

    def _may(self) -> bool:
        return self._may_create() and self._editable

    def _dressed(self) -> None:
        self._editable, self._dirty = self.form.editable, self.form.form.is_dirty
        self.update_actions()

    # --- beginning -----------------------------------------------------------
    def _new(self) -> None:
        if not self._may_create():
            return
        self._set_aside()
        self._holding = True
        self.form.show_new()
        self.form.form.jump_to("entity_id")

    def _start(self, task: str, entity: str) -> None:
        inspecting = self.desk.inspecting
        self._set_aside()

        def done(begun: Begun) -> None:
            self.form.show_begun(begun)
            if begun.record_id:
                self.messages.say(INFO, "这次检查尚未提交，接着上次继续录入。")
            self.form.form.jump_to("officers" if not begun.record_id else "findings")

        def failed(error: YizhanError) -> None:
            self._holding = False
            self.report(error)

        self.desk.jobs.run(
            "开始检查",
            lambda _: inspecting.start(task_id=task or None, entity_id=entity or None),
            done,
            failed,
            quiet=True,
            owner=self,
        )

    def _fill_from(self, raw: str) -> None:
        """The entity was named in a new inspection: fill in what is known of it."""
        records, inspecting = self.desk.records, self.desk.inspecting
        declared = records.type("market_entity")

        def work(_: Progress) -> Begun | None:
            for candidate in (raw, declared.id_for_key(raw.strip().upper())):
                if records.get(declared, candidate) is not None:
                    return inspecting.start(entity_id=candidate)
            return None

        def done(begun: Begun | None) -> None:
            if begun is None or self.form.form.raw()["entity_id"] != raw:
                return
            if begun.record_id:
                self.form.show_begun(begun)
                self.messages.say(INFO, "这户有一次未提交的检查，已接着录入。")
                return
            filled = self.form.fill(begun)
            if filled:
                self.messages.say(INFO, f"已从本机资料带出：{'、'.join(filled)}。", "请核对。")

        self.desk.jobs.run("查找检查对象", work, done, self.report, quiet=True, owner=self)

    def _open(self, record_id: str, *, to_form: bool = False) -> None:
        if record_id == self.form.subject.record_id:
            if to_form:
                self.form.setFocus()
            return
        records, declared = self.desk.records, self.desk.inspecting.declared

        def work(_: Progress) -> tuple[Row, dict[str, str], str]:
            row = records.get(declared, record_id)
            if row is None:
                raise StaleRecord("这条检查记录已不存在。", "请刷新列表。")
            for one in declared.form_fields:  # names the editors will ask for
                if one.kind in (Kind.REF, Kind.REFS) and row.values.get(one.name):
                    records.labels(one.target, str(row.values[one.name]).split(","))
            return row, records.raw(declared, row), records.label("market_entity", row.values["entity_id"])

        def done(found: tuple[Row, dict[str, str], str]) -> None:
            self._set_aside()
            self._holding = False
            self.form.show_row(*found)
            if to_form:
                self.form.setFocus()

        self.desk.jobs.run("打开检查记录", work, done, self.report, quiet=True, owner=self)

    # --- keeping -------------------------------------------------------------
    def _save(self) -> Job | None:
        inspecting, subject = self.desk.inspecting, self.form.subject
        return self._write(
            "保存检查",
            lambda raw: inspecting.save(raw, subject.record_id, subject.seen, initiator=self.name),
            self._saved,
        )

    def _submit(self) -> Job | None:
        inspecting, subject = self.desk.inspecting, self.form.subject
        return self._write(
            "提交检查",
            lambda raw: inspecting.submit(raw, subject.record_id, subject.seen, initiator=self.name),
            self._submitted,
        )

    def _write(
        self, title: str, work: Callable[[dict[str, str]], Any], tell: Callable[[Any], None]
    ) -> Job | None:
        if not self._may():
            return None
        raw, draft = self.form.form.raw(), self.form.keeping.draft_id
        records, declared = self.desk.records, self.desk.inspecting.declared

        def job(_: Progress) -> tuple[Any, Row | None, dict[str, str], str]:
            saved = work(raw)
            if draft:
                records.drop_draft(draft)
            row = records.get(declared, saved.id)
            name = records.label("market_entity", row.values["entity_id"]) if row else ""
            return saved, row, records.raw(declared, row) if row else {}, name

        def done(found: tuple[Any, Row | None, dict[str, str], str]) -> None:
            saved, row, text, name = found
            self.form.keeping.let_go()
            self._holding = False
            if row is not None:
                self.form.show_row(row, text, name)
                self.form.form.show_problems(saved.warnings)
            tell(saved)
            self.show_record(saved.id, row)

        return self.desk.jobs.run(title, job, done, self._refused, lane="write", owner=self)

    def show_record(self, record_id: str, row: Row | None) -> None:
        """Stand on a record that was just written, in the list where it is now."""
        state = str(row.values["state"]) if row is not None else ""
        self._stale |= set(self._views)
        self.bar.choose("submitted" if state == "submitted" else queues.UNSUBMITTED.name)
        self.reload_all(select=record_id)

    def _saved(self, saved: Saved) -> None:
        self.messages.say(SUCCESS, "检查已保存，尚未提交。", "补齐结束时间、检查情况、结果和处置后提交。")

    def _submitted(self, found: Submitted) -> None:
        text = "检查已提交，待同步。" + ("相关任务已办结。" if found.task_id else "")
        if found.warnings:
            self.messages.say(WARNING, text, f"提醒：{_named(self.desk, found.warnings[0])}")
        else:
            self.messages.say(SUCCESS, text)

    def _refused(self, error: YizhanError) -> None:
        if isinstance(error, Rejected) and self.form.refused(error):
            self.messages.say(ERROR, "没有保存。", "请按红色提示修改后再试。")
        else:
            self.report(error)

    def _discard(self) -> None:
        record_id = self.form.subject.record_id
        self.form.keeping.drop()
        self.form.form.mark_clean()
        self._holding = False
        self.form.show_new()
        if record_id:
            self._open(record_id)
        self.messages.say(INFO, "已放弃未保存的修改。")

    def _set_aside(self) -> None:
        """Unsaved input becomes a draft before the form turns to something else."""
        if not self.form.form.is_dirty:
            self.form.keeping.let_go()
            return
        self.form.keeping.keep()
        self.form.keeping.let_go()
        self.messages.say(
            INFO,
            "刚才未保存的输入已存为草稿。",
            button="恢复",
            run=lambda: self.form.keeping.newest(self._restore),
        )

    def _offer_draft(self, draft: Draft) -> None:
        at = draft.updated_at[5:16].replace("T", " ")
        self.messages.say(
            INFO, f"上次有未保存的检查（{at}）。", button="恢复", run=lambda: self._restore(draft)
        )

    def _restore(self, draft: Draft) -> None:
        self._holding = True
        self.form.show_draft(draft)
        self.form.setFocus()


def _named(desk: Desk, problem: Problem) -> str:
    known = desk.inspecting.declared.by_name.get(problem.field)
    return f"{known.title}：{problem.message}" if known else problem.message
