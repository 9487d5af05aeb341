"""查找问题: a look through the records of one type or all, and ticks before what is told (R54)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from desktop.ui.media.flow import make_button
from desktop.ui.notify import ERROR, SUCCESS, WARNING, MessageBar
from desktop.work.jobs import Job, Progress
from desktop.work.problems import Finding, Found, Raised, told_in_words

if TYPE_CHECKING:
    from desktop.work.desk import Desk

_HINT = (
    "在本机数据中查找缺项、内容重复和查不到主体的记录；勾选后反馈给提供单位。已有未核销的同样问题不再列出。"
)
_UNDERWAY = "正在查找…"
_COLUMNS = ("记录", "信息类别", "问题种类", "问题说明", "提供单位")
_WIDTHS = (40, 14, 14, 0, 32)
_ALL = "全部业务信息"


class FindingPanel(QWidget):
    """``closed`` when the person is done; ``told`` when problems were raised."""

    closed = Signal()
    told = Signal()

    def __init__(self, desk: Desk, messages: MessageBar, initiator: str) -> None:
        super().__init__()
        self._desk, self._messages, self._initiator = desk, messages, initiator
        self._types = desk.problems.checked_types()
        self._job: Job | None = None
        self.choice = QComboBox()
        self.choice.setAccessibleName("查找哪类信息")
        self.choice.addItem(_ALL)
        for declared in self._types:
            self.choice.addItem(declared.title)
        self.go = make_button("开始查找", self.look, primary=True)
        self.all = make_button("全选", lambda: self._tick_all(on=True))
        self.none = make_button("全不选", lambda: self._tick_all(on=False))
        self.tell = make_button("反馈勾选的问题", self.raise_ticked, primary=True)
        self.back = make_button("返回列表", self.closed.emit)
        self.said = QLabel(_HINT)
        self.said.setProperty("muted", True)
        self.said.setWordWrap(True)
        self.list = QTreeWidget()
        self.list.setAccessibleName("查到的问题")
        self.list.setHeaderLabels(_COLUMNS)
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setAlternatingRowColors(True)
        header = self.list.header()
        wide = self.fontMetrics().horizontalAdvance("x")
        for at, chars in enumerate(_WIDTHS):
            if chars:
                self.list.setColumnWidth(at, chars * wide)
            else:
                header.setSectionResizeMode(at, QHeaderView.ResizeMode.Stretch)
        header.setStretchLastSection(False)
        line = QHBoxLayout()
        line.setSpacing(8)
        for widget in (self.choice, self.go):
            line.addWidget(widget)
        line.addStretch(1)
        for widget in (self.all, self.none, self.tell, self.back):
            line.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(line)
        column.addWidget(self.said)
        column.addWidget(self.list, 1)
        self.list.itemChanged.connect(lambda *_: self._refresh())
        self._refresh()

    def look(self) -> Job:
        """Look through what is chosen, in the background; it can be cancelled."""
        at = self.choice.currentIndex()
        types = self._types if at == 0 else [self._types[at - 1]]
        problems = self._desk.problems
        self.go.setEnabled(False)
        self.said.setText(_UNDERWAY)
        job = self._desk.jobs.run(
            "查找问题", lambda p: problems.find(types, p), self._show, self._failed, owner=self
        )
        job.on_end(self._ended)
        return job

    def findings(self) -> list[Finding]:
        """What the list shows."""
        return [i.data(0, Qt.ItemDataRole.UserRole) for i in self._items()]

    def ticked(self) -> list[Finding]:
        """What would be told."""
        on = Qt.CheckState.Checked
        return [i.data(0, Qt.ItemDataRole.UserRole) for i in self._items() if i.checkState(0) is on]

    def tick(self, at: int, *, on: bool = True) -> None:
        """Choose a line, or leave it out."""
        self._items()[at].setCheckState(0, Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)

    def raise_ticked(self) -> Job:
        """Tell the bureaus what is ticked."""
        problems, chosen, initiator = self._desk.problems, self.ticked(), self._initiator

        def work(progress: Progress) -> Raised:
            return problems.raise_found(chosen, progress, initiator=initiator)

        return self._desk.jobs.run(
            "反馈问题", work, self._told, self._messages.error, lane="write", owner=self
        )

    # --- inside --------------------------------------------------------------
    def _items(self) -> list[QTreeWidgetItem]:
        return [self.list.topLevelItem(i) for i in range(self.list.topLevelItemCount())]

    def _show(self, found: Found) -> None:
        records, problems = self._desk.records, self._desk.problems
        kind = problems.declared.by_name["kind"]
        items = []
        for one in found.findings:
            item = QTreeWidgetItem(
                [
                    one.subject, records.type(one.type_name).title, records.show(kind, one.kind),
                    problems.describe(one), records.label("bureau", one.provider),
                ]
            )  # fmt: skip
            item.setData(0, Qt.ItemDataRole.UserRole, one)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(0, Qt.CheckState.Checked)
            item.setToolTip(3, item.text(3))
            items.append(item)
        self.list.blockSignals(True)
        self.list.clear()
        self.list.addTopLevelItems(items)
        self.list.blockSignals(False)
        shown = len(items)
        more = f"，先列出 {shown:,} 条；反馈后再查，其余会接着列出" if found.total > shown else ""
        self.said.setText(f"查到 {found.total:,} 处问题{more}。" if shown else "没有查到新的问题。")
        self._refresh()

    def _ended(self) -> None:
        self.go.setEnabled(True)
        if self.said.text() == _UNDERWAY:
            self.said.setText("查找已取消，上次查到的还在下面。")

    def _failed(self, error: object) -> None:
        self.said.setText(_HINT)
        self._messages.error(error)  # type: ignore[arg-type]

    def _told(self, found: Raised) -> None:
        text, rest = told_in_words(found)
        if found.done:
            self._messages.say(WARNING if rest else SUCCESS, text, rest)
        else:
            self._messages.say(ERROR, "没有反馈。", rest)
        for item in self._items():
            if item.checkState(0) is Qt.CheckState.Checked:
                self.list.takeTopLevelItem(self.list.indexOfTopLevelItem(item))
        self._refresh()
        self.told.emit()

    def _tick_all(self, *, on: bool) -> None:
        state = Qt.CheckState.Checked if on else Qt.CheckState.Unchecked
        self.list.blockSignals(True)
        for item in self._items():
            item.setCheckState(0, state)
        self.list.blockSignals(False)
        self._refresh()

    def _refresh(self) -> None:
        count = len(self.ticked())
        self.tell.setText(f"反馈勾选的 {count:,} 条" if count else "反馈勾选的问题")
        self.tell.setEnabled(bool(count))
        for push in (self.all, self.none):
            push.setEnabled(self.list.topLevelItemCount() > 0)
