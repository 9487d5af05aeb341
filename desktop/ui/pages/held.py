"""隔离待审: what the hub keeps without effect, why, what is inside, and the decision (R41, R208)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from desktop.ui.actions import Action, button
from desktop.ui.notify import SUCCESS
from desktop.ui.pages.page import Page, Panes
from desktop.ui.queues.segments import Segments
from desktop.ui.tables.columns import columns_for
from desktop.ui.tables.plain import PlainColumn, PlainRow, PlainTable
from desktop.ui.tables.view import RecordTable
from desktop.work.jobs import Job
from shared.filters import Condition, Filter, Op

if TYPE_CHECKING:
    from desktop.work.desk import Desk
    from desktop.work.held import Inside
    from desktop.work.records import Row

_SEGMENTS = (("held", "待审"), ("released", "已放行"), ("rejected", "已退回"))
_COLUMNS = ("summary", "bureau", "kind", "held_at")
_INSIDE = (
    PlainColumn("类型", 16, "left"),
    PlainColumn("操作", 6),
    PlainColumn("记录", 24, "left"),
    PlainColumn("内容", 40, "left", grows=True),
)


class HeldPage(Page):
    """``shown``: {"id": held set}."""

    def __init__(self, desk: Desk) -> None:
        super().__init__("held", "隔离待审", "lock")
        self._desk = desk
        self._row: Row | None = None
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
            Action("release", "放行", self.release, "", "check", enabled=self._may_decide)
        )
        self.reject_action = self.offer(
            Action("reject", "退回", self.reject, "", "", enabled=self._may_decide)
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
        self.body.addWidget(Panes(self.table, right, 0.5), 1)
        self.segments.chosen.connect(lambda _: self._ask())
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
        if row is None:
            self.why.setText("")
            self.inside.set_rows([])
            self.update_actions()
            return
        held = self._desk.held

        def came(found: list[Inside]) -> None:
            if self._row is not None and self._row.id == row.id:
                one = row.values
                said = [f"第 {one['first']:,}–{one['last']:,} 号变更，填报人：{one['persons'] or '未知'}"]
                said += [t for t in (one["reason"], one["result"], one["decision_note"]) if t]
                self.why.setText("\n".join(said))
                rows = [PlainRow((i.title, i.operation, i.label, i.values), thing=i) for i in found]
                shown = f"共 {one['changes']:,} 条"
                more = f"，显示前 {len(rows):,} 条" if one["changes"] > len(rows) else ""
                self.inside.set_rows(rows, shown + more)
                self.update_actions()

        self._desk.jobs.run(
            "读取隔离内容", lambda _: held.inside(row), came, self.report, quiet=True, owner=self
        )

    def _may_decide(self) -> bool:
        return self._row is not None and self._desk.held.may_decide(self._row)

    def _decide(self, *, release: bool) -> Job | None:
        if self._row is None or not self._may_decide():
            return None
        held, wanted, note = self._desk.held, self._row.id, self.note.text()
        return self._desk.jobs.run(
            "处理隔离变更集",
            lambda _: held.decide([wanted], release=release, note=note, initiator=self.name),
            lambda _: self._done(release),
            self.report,
            lane="write", cancellable=False, owner=self,
        )  # fmt: skip

    def _done(self, release: bool) -> None:
        self.note.clear()
        word = "放行" if release else "退回"
        self.messages.say(SUCCESS, f"已{word}，下次同步后在中心生效，填报的席位随后得知。")
        self.table.reload()
