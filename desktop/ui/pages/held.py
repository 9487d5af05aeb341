"""隔离待审: what the hub keeps without effect, why, what is inside, and the decision (R41, R208)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QStackedWidget, QVBoxLayout, QWidget

from desktop.ui.actions import Action, button
from desktop.ui.held.many import ManyHeld
from desktop.ui.notify import SUCCESS, WARNING
from desktop.ui.pages.page import Page, Panes
from desktop.ui.queues.segments import Segments
from desktop.ui.tables.columns import columns_for
from desktop.ui.tables.plain import PlainColumn, PlainRow, PlainTable
from desktop.ui.tables.view import RecordTable
from desktop.work.held import numbers
from desktop.work.jobs import Job
from shared.filters import Condition, Filter, Op

if TYPE_CHECKING:
    from desktop.work.desk import Desk
    from desktop.work.held import Decided, Inside, Prospect
    from desktop.work.records import Row

_SEGMENTS = (("held", "待审"), ("released", "已放行"), ("rejected", "已退回"))
_COLUMNS = ("summary", "bureau", "kind", "held_at")
_MOST_NAMED = 5
_INSIDE = (
    PlainColumn("类型", 16, "left"),
    PlainColumn("操作", 6),
    PlainColumn("记录", 24, "left"),
    PlainColumn("内容", 40, "left", grows=True),
)


class HeldPage(Page):
    """``shown``: {"id": held set}. One selected shows what is inside; several are decided together."""

    def __init__(self, desk: Desk) -> None:
        super().__init__("held", "隔离待审", "lock")
        self._desk = desk
        self._row: Row | None = None
        self._prospect: Prospect | None = None
        self._told = False
        self.declared = desk.records.type("held_set")
        self.segments = Segments(_SEGMENTS, "处理情况")
        self.table = RecordTable(
            self.declared, desk.records, desk.jobs,
            columns_for(self.declared, _COLUMNS, opens=False, standing=False),
        )  # fmt: skip
        self.table.set_empty_words("没有这样的变更集", "有疑问的上报先隔离在这里，等待放行或退回")
        self.why = QLabel()
        self.why.setWordWrap(True)
        self.inside = PlainTable("变更内容", _INSIDE, "条")
        self.note = QLineEdit()
        self.note.setPlaceholderText("处理说明（退回时必填，填报人会看到）")
        self.note.setAccessibleName("处理说明")
        self.release_action = self.offer(
            Action("release", "放行", self.release, "", "check", enabled=self._may_release)
        )
        self.reject_action = self.offer(
            Action("reject", "退回", self.reject, "", "", enabled=self._may_reject)
        )
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.why)
        column.addWidget(self.inside, 1)
        line = QHBoxLayout()
        line.addWidget(self.note, 1)
        line.addWidget(button(self.release_action, primary=True))
        line.addWidget(button(self.reject_action))
        column.addLayout(line)
        self.body.addWidget(self.segments)
        self.many = ManyHeld()
        self.many.decided.connect(lambda release, note: self._decide_many(release=release, note=note))
        self._right = QStackedWidget()
        self._right.addWidget(right)
        self._right.addWidget(self.many)
        self.body.addWidget(Panes(self.table, self._right, 0.5), 1)
        self.segments.chosen.connect(lambda _: self._turned())
        self.table.selection_changed.connect(self._selected)
        self.table.model.counted.connect(self._counted)

    def shown(self, params: dict[str, Any]) -> None:
        self._ask()
        self.table.setFocus()

    def refresh(self, types: frozenset[str]) -> None:
        if "held_set" in types:
            self.table.reload()

    def release(self) -> Job | None:
        """Let the selected set take effect."""
        return self._decide(release=True)

    def reject(self) -> Job | None:
        """Leave it without effect; the author learns why."""
        return self._decide(release=False)

    # --- inside --------------------------------------------------------------
    def _turned(self) -> None:
        self._told = False
        self._ask()

    def _ask(self) -> None:
        wanted = Condition("state", Op.EQ, self.segments.current)
        self.table.set_filter(Filter((wanted,), "", "-held_at"))

    def _counted(self, count: int, final: bool) -> None:
        if count and self.table.current() is None:
            self.table.grid.selectRow(0)
        elif not count:
            self._selected(None)

    def _selected(self, row: Row | None) -> None:
        self._row = row
        self._prospect = None
        rowids = self.table.selected_rowids()
        if len(rowids) > 1:
            self._told = False
            self._show_many(list(rowids))
            return
        if self._told and row is None:
            self.update_actions()
            return  # nothing is left to look at: what became of the sets stays to be read
        self._told = False
        self._right.setCurrentIndex(0)
        if row is None:
            self.why.setText("")
            self.inside.set_rows([])
            self.update_actions()
            return
        held = self._desk.held

        def came(found: tuple[list[Inside], Prospect]) -> None:
            if self._row is not None and self._row.id == row.id:
                self._show_one(row, *found)

        self._desk.jobs.run(
            "读取隔离内容", lambda _: (held.inside(row), held.prospects([row])[0]), came, self.report,
            quiet=True, owner=self,
        )  # fmt: skip

    def _show_one(self, row: Row, found: list[Inside], prospect: Prospect) -> None:
        one = row.values
        self._prospect = prospect
        seat = f"席位：{prospect.seat}　" if prospect.seat else ""
        said = [f"{seat}第 {numbers(one)} 号变更，填报人：{one['persons'] or '未知'}"]
        said += [t for t in (one["reason"], one["result"], one["decision_note"]) if t]
        if one["state"] == "held":
            said += self._beforehand(prospect)
        self.why.setText("\n".join(said))
        rows = [PlainRow((i.title, i.operation, i.label, i.values), thing=i) for i in found]
        shown = f"共 {one['changes']:,} 条"
        more = f"，显示前 {len(rows):,} 条" if one["changes"] > len(rows) else ""
        self.inside.set_rows(rows, shown + more)
        self.update_actions()

    def _beforehand(self, prospect: Prospect) -> list[str]:
        """What the buttons cannot do, and why."""
        against = {r: prospect.against(release=r, chosen={}) for r in (True, False)}
        if against[True] and against[False]:
            return [f"不能放行，也不能退回：{against[True]}"]
        words = (("放行", against[True]), ("退回", against[False]))
        return [f"不能{word}：{why}" for word, why in words if why]

    def _may_decide(self, *, release: bool) -> bool:
        return self._prospect is not None and not self._prospect.against(release=release, chosen={})

    def _may_release(self) -> bool:
        return self._may_decide(release=True)

    def _may_reject(self) -> bool:
        return self._may_decide(release=False)

    def _decide(self, *, release: bool) -> Job | None:
        if self._row is None or not (self._may_release() if release else self._may_reject()):
            return None
        return self._run([self._row.id], release=release, note=self.note.text(), then=self._done)

    def _run(
        self, ids: list[str], *, release: bool, note: str, then: Callable[[Decided, bool], None]
    ) -> Job:
        held = self._desk.held
        return self._desk.jobs.run(
            "处理隔离变更集",
            lambda _: held.decide(ids, release=release, note=note, initiator=self.name),
            lambda found: then(found, release),
            self.report,
            lane="write", cancellable=False, owner=self,
        )  # fmt: skip

    def _done(self, found: Decided, release: bool) -> None:
        word = "放行" if release else "退回"
        if found.left:
            one, why = found.left[0]
            self.messages.say(WARNING, f"{one.named}没有处理：{why}。")
        else:
            self.note.clear()
            self.messages.say(SUCCESS, f"已{word}，同步后在中心生效，填报的席位随后得知。")
        self.table.reload()

    # --- several --------------------------------------------------------------
    def _show_many(self, rowids: list[int]) -> None:
        held, records, declared = self._desk.held, self._desk.records, self.declared

        def came(found: list[Prospect]) -> None:
            if list(self.table.selected_rowids()) == rowids:
                self.many.show_sets(found)
                self._right.setCurrentIndex(1)
                self.update_actions()

        self._desk.jobs.run(
            "读取所选变更集", lambda _: held.prospects(records.rows(declared, rowids)), came, self.report,
            quiet=True, owner=self, newest=True,
        )  # fmt: skip

    def _decide_many(self, *, release: bool, note: str) -> Job:
        ids = [one.row.id for one in self.many.able(release=release)]
        rest = [one.row.id for one in self.many.chosen if one.row.id not in ids]
        return self._run([*ids, *rest], release=release, note=note, then=self._done_many)

    def _done_many(self, found: Decided, release: bool) -> None:
        self.many.show_outcome(found, release=release)
        self._right.setCurrentIndex(1)
        self._told = True
        word = "放行" if release else "退回"
        if found.left:
            named = "；".join(f"{one.named}：{why}" for one, why in found.left[:_MOST_NAMED])
            more = f"；另有 {len(found.left) - _MOST_NAMED:,} 个" if len(found.left) > _MOST_NAMED else ""
            self.messages.say(
                WARNING, f"已{word} {len(found.done):,} 个，{len(found.left):,} 个没有处理。", named + more
            )
        else:
            self.messages.say(SUCCESS, f"已{word} {len(found.done):,} 个，同步后在中心生效。")
        self.table.reload()
