"""One room of 信息录入: the records of one type in a table, one of them in a form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QHideEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from desktop.ui.actions import tool_button
from desktop.ui.attachments.strip import AttachmentStrip, Whose
from desktop.ui.entry.drafting import Drafting
from desktop.ui.entry.editing import Editing
from desktop.ui.entry.steps import StepRow
from desktop.ui.history.part import LOW, HistoryPart
from desktop.ui.notify import ERROR, INFO, SUCCESS, WARNING, MessageBar
from desktop.ui.pages.page import Panes
from desktop.ui.problems.raising import RaisingPanel
from desktop.ui.tables.filterbar import FilterBar
from desktop.ui.tables.view import RecordTable
from desktop.work.jobs import Job
from desktop.work.starting import starting_values
from shared.errors import Level, Problem, Rejected, StaleRecord, YizhanError
from shared.fields import Kind
from shared.record import RecordType

if TYPE_CHECKING:
    from desktop.work.desk import Desk
    from desktop.work.records import Row, Saved

NAME = "records"


class EntryRoom(QWidget):
    """Filter and table left, form right.

    :param actions: the page's actions by name; the room puts them on buttons.
    """

    state_changed = Signal()
    """What may be done now is different, or the number of drafts is."""

    def __init__(
        self, declared: RecordType, desk: Desk, messages: MessageBar, actions: Mapping[str, QAction]
    ) -> None:
        super().__init__()
        self.declared = declared
        self.desk = desk
        self.messages = messages
        self.draft_count = 0
        self._begun = False
        self._starting: dict[str, str] = {}
        records, jobs = desk.records, desk.jobs
        self.bar = FilterBar(declared, records, jobs)
        self.table = RecordTable(declared, records, jobs)
        self._say_empty()
        self.raising = RaisingPanel(desk, self.table, messages, NAME)
        shown = ("report",) if self.raising.may_begin() else ()
        for name in (*shown, "new", "paste", "template", "import", "export", "drafts"):
            self.table.add_tool(tool_button(actions[name], words=True))
        self.editing = Editing(declared, records, jobs, actions)
        self.form = self.editing.form
        self.drafting = Drafting(desk, self.editing, messages)
        self.steps = StepRow(declared, desk)
        self.editing.add_above(self.steps)
        self.editing.turned.connect(lambda _: self.steps.show_of(self.editing.record))
        self.steps.taken.connect(self._stepped)
        self.strip: AttachmentStrip | None = None
        if declared.attachments:
            self.strip = AttachmentStrip(desk, messages)
            self.editing.add_below(self.strip)
            self.editing.turned.connect(self._show_attachments)
        self.history = HistoryPart(desk.history, jobs, messages, most=LOW)
        self.editing.add_below(self.history)
        self.editing.turned.connect(lambda _: self._show_history())
        self.side = QStackedWidget()
        self.side.addWidget(self.editing)
        self.side.addWidget(self.drafting.list)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.bar)
        column.addWidget(self.raising)
        column.addWidget(self.table, 1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(Panes(left, self.side, 0.54))
        self.bar.changed.connect(self.table.set_filter)
        self.table.activated.connect(lambda row: self.open_record(row.id))
        self.form.field_left.connect(self._fill_from)
        self.editing.void_confirmed.connect(self._void)
        self.drafting.counted.connect(self._drafts_counted)
        self.drafting.restored.connect(self.show_form)
        self.drafting.list.closed.connect(self.show_form)
        paste = QShortcut(QKeySequence(QKeySequence.StandardKey.Paste), self.table)
        paste.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        paste.activated.connect(actions["paste"].trigger)

    # --- coming here -----------------------------------------------------------
    def begin(self, params: Mapping[str, Any]) -> None:
        """The person came here; see ``RecordsPage.shown``."""
        self._say_empty()
        first, self._begun = not self._begun, True
        if params.get("filter") is not None:
            self.bar.set_filter(params["filter"])
        elif first:
            self.table.set_filter(self.bar.filter())
        if first:
            self.drafting.offer()
            self._run(
                "读取单位信息", lambda _: starting_values(self.desk.records, self.declared), self._start
            )
        if params.get("id"):
            self.open_record(params["id"])
        elif params.get("new") or params.get("fill"):
            self.new(params.get("fill"))
        elif params.get("drafts"):
            self.show_drafts()
        elif params.get("filter") is not None:
            self.table.setFocus()
        else:
            self.side.currentWidget().setFocus()

    def reload(self) -> None:
        """Records of this type changed, here or elsewhere."""
        if self._begun:
            self.table.reload()
            self.history.reload()

    def reload_attachments(self) -> None:
        """Contents came or went, or the hub has signed for them."""
        if self._begun and self.strip is not None:
            self.strip.reload()

    def hideEvent(self, event: QHideEvent, /) -> None:
        self.drafting.keep()
        super().hideEvent(event)

    # --- what may be done --------------------------------------------------------
    def may_create(self) -> bool:
        """Whether the person may enter records of this type."""
        return self.desk.records.may("create", self.declared)

    def may_save(self) -> bool:
        """Whether what stands in the form may be saved."""
        if self.side.currentWidget() is not self.editing:
            return False
        row = self.editing.record
        if row is None:
            return self.may_create()
        return self.desk.records.may("update", self.declared, row.values)

    def may_void(self) -> bool:
        """Whether the record in the form may be voided."""
        row = self.editing.record
        return row is not None and self.desk.records.may("delete", self.declared, row.values)

    # --- the form ------------------------------------------------------------------
    def new(self, given: Mapping[str, str] | None = None) -> None:
        """An empty form; pinned fields keep their values, ``given`` is filled in."""
        self.messages.clear()
        self.drafting.set_aside()
        self._clear()
        if given:
            self.form.fill(given)
            for name in given:
                self._fill_from(name, self.form.raw().get(name, ""))
        self.form.setFocus()

    def open_record(self, record_id: str, problems: Sequence[Problem] = (), done: str = "") -> Job:
        """Show a record in the form, with findings about it, and what was just done with it."""
        declared, records = self.declared, self.desk.records

        def work(_: object) -> tuple[Row, dict[str, str], str] | None:
            row = records.get(declared, record_id)
            if row is None:
                return None
            for one in declared.form_fields:  # names the editors will ask for
                if one.kind in (Kind.REF, Kind.REFS) and row.values.get(one.name):
                    records.labels(one.target, str(row.values[one.name]).split(","))
            owner = records.label("bureau", str(row.values.get("source_bureau") or ""))
            return row, records.raw(declared, row), owner

        def opened(found: tuple[Row, dict[str, str], str] | None) -> None:
            if found is None:
                self.messages.say(ERROR, f"这条{declared.title}已不存在。", "列表已刷新。")
                self.table.reload()
                return
            row, raw, owner = found
            self.messages.clear()
            if done:
                self.messages.say(SUCCESS, done)
            self.drafting.set_aside()
            self.form.set_raw(raw)
            editable = records.may("update", declared, row.values)
            self.editing.show_record(row, editable=editable, owner=f"来源单位是{owner}" if owner else "")
            self.form.show_problems(problems)
            self.show_form()

        return self._run(f"打开{declared.title}", work, opened)

    def save(self, *, and_next: bool = False) -> Job | None:
        """Save what stands in the form."""
        if not self.may_save():
            return None
        declared, records = self.declared, self.desk.records
        raw, row, draft = self.form.raw(), self.editing.record, self.drafting.draft_id

        def work(_: object) -> tuple[Saved, Row | None]:
            saved = records.save(
                declared, raw, row.id if row else None, row.seen if row else None, initiator=NAME
            )
            if draft:
                records.drop_draft(draft)
            return saved, records.get(declared, saved.id)

        def done(out: tuple[Saved, Row | None]) -> None:
            self._saved(raw, *out, and_next=and_next)

        return self._run(f"保存{declared.title}", work, done, self._not_saved, lane="write")

    def discard(self) -> None:
        """Forget what was typed; it can be had back at once."""
        row = self.editing.record
        back = self.drafting.discard()
        if row is not None:
            self.open_record(row.id)
        else:
            self._clear()
        if back is not None:
            self.messages.say(INFO, "已放弃刚才的输入。", button="撤销放弃", run=back)
        self.form.setFocus()

    def ask_void(self) -> None:
        """Ask why the record in the form is to be voided."""
        self.editing.ask_void()

    def show_form(self) -> None:
        """The form again, after drafts or an import."""
        self.side.setCurrentWidget(self.editing)
        self.state_changed.emit()
        self.form.setFocus()

    def show_drafts(self) -> None:
        """The list of drafts in place of the form."""
        self.drafting.open_list(self._show_list)

    def show_beside(self, widget: QWidget) -> None:
        """Something else in place of the form: the outcome of an import."""
        if self.side.indexOf(widget) < 0:
            self.side.addWidget(widget)
        self.side.setCurrentWidget(widget)
        self.state_changed.emit()
        widget.setFocus()

    # --- inside ----------------------------------------------------------------
    def _show_history(self) -> None:
        row = self.editing.record
        self.history.show_of(self.declared, row.id if row is not None else "")

    def _stepped(self, record_id: str, words: str) -> None:
        self.table.reload(select=record_id)
        self.open_record(record_id, done=words)

    def _show_attachments(self, editable: bool) -> None:
        row = self.editing.record
        if self.strip is not None:
            whose = Whose(self.declared, row.id, row.values) if row is not None else None
            self.strip.show_of(whose, editable=editable)

    def _start(self, known: dict[str, str]) -> None:
        self._starting = known
        if self.editing.record is None and not self.form.is_dirty:
            self.form.fill(known)
            self.form.mark_clean()

    def _clear(self) -> None:
        self.editing.show_new()
        self.side.setCurrentWidget(self.editing)
        self.form.clear()
        self.form.fill(self._starting)
        self.form.mark_clean()
        self.state_changed.emit()

    def _show_list(self) -> None:
        self.show_beside(self.drafting.list)

    def _drafts_counted(self, count: int) -> None:
        self.draft_count = count
        self.state_changed.emit()

    def _saved(self, raw: dict[str, str], saved: Saved, row: Row | None, *, and_next: bool) -> None:
        self.drafting.let_go()
        name = str(row.values.get(self.declared.label) or "") if row is not None else ""
        self.table.reload(select=saved.id)
        untouched = self.form.raw() == raw
        if and_next and untouched:
            self._clear()
            self.form.setFocus()
        elif row is not None:
            if untouched:
                self.form.mark_clean()
            self.editing.show_record(row, editable=True)
            self.form.show_problems(saved.warnings)
        self._tell_saved(saved, name, and_next)
        self.drafting.count()
        self.state_changed.emit()

    def _tell_saved(self, saved: Saved, name: str, and_next: bool) -> None:
        text = f"已保存{self.declared.title}{f'“{name}”' if name else ''}，待同步。"
        if not saved.warnings:
            self.messages.say(SUCCESS, text)
            return
        first = saved.warnings[0]
        known = self.declared.by_name.get(first.field)
        what = f"{known.title}：{first.message}" if known else first.message
        hint = f"提醒：{what}" + (f"等 {len(saved.warnings)} 处" if len(saved.warnings) > 1 else "") + "。"
        if and_next:
            look = lambda: self.open_record(saved.id, saved.warnings)  # noqa: E731
            self.messages.say(WARNING, text, hint, button="查看", run=look)
        else:
            self.messages.say(WARNING, text, hint)

    def _not_saved(self, error: YizhanError) -> None:
        if isinstance(error, Rejected):
            self.form.show_problems(error.problems)
            count = sum(p.level is Level.REJECT for p in error.problems)
            self.form.jump_to_first_problem()
            self.messages.say(ERROR, f"没有保存：有 {count} 处需要修改。", "请按红色提示修改后再保存。")
        elif isinstance(error, StaleRecord) and self.editing.record is not None:
            record_id = self.editing.record.id
            self.messages.say(
                ERROR,
                error.message,
                f"{error.hint}您的输入会存为草稿。",
                button="载入最新内容",
                run=lambda: self.open_record(record_id),
            )
        else:
            self.messages.error(error)

    def _fill_from(self, name: str, text: str) -> None:
        """Enter once: what the cache knows of the code just typed."""
        if not text.strip():
            return
        records, declared = self.desk.records, self.declared

        def known(values: dict[str, str]) -> None:
            if self.form.raw().get(name) != text:
                return
            filled = self.form.fill(values)
            if filled:
                self.messages.say(INFO, f"已从本机资料带出：{'、'.join(filled)}。", "请核对。")

        self._run("查找已有资料", lambda _: records.fill_from(declared, name, text), known)

    def _void(self, reason: str) -> None:
        row, draft = self.editing.record, self.drafting.draft_id
        if row is None:
            return
        records, declared = self.desk.records, self.declared

        def work(_: object) -> None:
            records.delete(declared, row.id, reason, initiator=NAME)
            if draft:
                records.drop_draft(draft)

        def done(_: object) -> None:
            self.drafting.let_go()
            self._clear()
            self.table.reload()
            self.drafting.count()
            self.messages.say(SUCCESS, f"已作废这条{declared.title}。", "原因随下次同步上报中心。")

        self.editing.close_void()
        self._run(f"作废{declared.title}", work, done, lane="write")

    def _say_empty(self) -> None:
        """What an empty table advises, as the rights are now."""
        declared = self.declared
        advice = "在右边录入，或从 Excel 粘贴、导入" if declared.typed else f"请到“{declared.made_by}”办理"
        if declared.typed and not self.desk.records.may("create", declared):
            advice = "本机现在只读，不能录入" if self.desk.session.read_only else "您的账号不录入这类信息"
        self.table.set_empty_words(f"没有{declared.title}", advice)

    def _run(self, title: str, work: Any, done: Any, failed: Any = None, *, lane: str = "read") -> Job:
        return self.desk.jobs.run(
            title,
            work,
            done,
            failed or self.messages.error,
            lane=lane,
            cancellable=lane == "read",
            quiet=True,
            owner=self,
        )
