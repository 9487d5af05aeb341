"""The list of findings above a form; each line leads to its field."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QFrame, QListWidget, QListWidgetItem, QVBoxLayout

from desktop.ui.plain import plain_label, tip
from desktop.ui.theme import TONES
from shared.errors import Level, Problem

_LINES = 4
_LINE = 24


class Summary(QFrame):
    """Counts what must be mended, lists it, and jumps on click or Enter."""

    jump = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._title = plain_label()
        self._title.setProperty("strong", True)
        self._list = QListWidget()
        self._list.setAccessibleName("需要修改的内容")
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setUniformItemSizes(True)
        self._list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._list.itemClicked.connect(self._go)
        self._list.itemActivated.connect(self._go)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 4)
        column.setSpacing(0)
        column.addWidget(self._title)
        column.addWidget(self._list)
        self.hide()

    def show_problems(self, found: Sequence[tuple[str, str, Problem]]) -> None:
        """Field name, field title and finding, in the form's order; nothing = hidden."""
        self._list.clear()
        rejects = sum(1 for _, _, p in found if p.level is Level.REJECT)
        warns = len(found) - rejects
        said = [f"{rejects} 处需要修改，改好后才能保存" if rejects else ""]
        said.append(f"{warns} 处提醒，不影响保存" if warns else "")
        self._title.setText("；".join(s for s in said if s) + "（点击跳到该项）")
        self.setProperty("bar", "error" if rejects else "warning")
        self.style().unpolish(self)
        self.style().polish(self)
        for name, title, problem in found:
            item = QListWidgetItem(f"{title}：{problem.message}" if title else problem.message)
            item.setData(Qt.ItemDataRole.UserRole, name)
            item.setToolTip(tip(item.text()))
            item.setForeground(QColor(TONES["bad" if problem.level is Level.REJECT else "wait"]))
            self._list.addItem(item)
        line = max(_LINE, self._list.sizeHintForRow(0))
        self._list.setFixedHeight(line * min(_LINES, max(1, len(found))) + 4)
        self.setVisible(bool(found))

    def lines(self) -> list[str]:
        """What is listed."""
        return [self._list.item(i).text() for i in range(self._list.count())]

    def _go(self, item: QListWidgetItem) -> None:
        self.jump.emit(str(item.data(Qt.ItemDataRole.UserRole)))
