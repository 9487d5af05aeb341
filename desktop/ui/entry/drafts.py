"""The list of drafts: go on with one, or throw it away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from desktop.ui.actions import link_button
from desktop.ui.twopart import DETAIL, TwoPartDelegate
from shared.record import RecordType

if TYPE_CHECKING:
    from desktop.work.records import Draft

RECORD, SEEN = "_record", "_seen"
"""Keys of a draft's raw text that say which record it would change."""


def draft_name(declared: RecordType, draft: Draft) -> str:
    """What a person recognizes it by: number and party, as far as they are filled."""
    names = dict.fromkeys((declared.label, *(f.name for f in declared.search_fields)))
    known = [draft.raw[n] for n in names if draft.raw.get(n) and not declared.by_name[n].personal]
    return "  ".join(known[:2]) or draft.title or "（未填名称）"


class DraftList(QWidget):
    """The person's drafts of one type: continue or discard."""

    chosen = Signal(object)
    dropped = Signal(object)
    closed = Signal()

    def __init__(self, declared: RecordType) -> None:
        super().__init__()
        self._declared = declared
        self._drafts: list[Draft] = []
        title = QLabel(f"{declared.title}草稿")
        title.setProperty("section", True)
        head = QHBoxLayout()
        head.addWidget(title)
        head.addStretch(1)
        head.addWidget(link_button("返回表单", self.closed.emit))
        self._list = QListWidget()
        self._list.setAccessibleName(f"{declared.title}草稿列表")
        self._list.setItemDelegate(TwoPartDelegate(self._list))
        self._list.itemActivated.connect(lambda _: self._choose())
        self._words = QLabel("没有草稿。\n录入时未保存的内容每隔几秒自动存在这里，断电也不会丢失。")
        self._words.setProperty("muted", True)
        self._words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._open = _push("继续录入", self._choose)
        self._drop = _push("删除草稿", self._discard)
        foot = QHBoxLayout()
        foot.addWidget(self._open)
        foot.addWidget(self._drop)
        foot.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(head)
        column.addWidget(self._words, 1)
        column.addWidget(self._list, 1)
        column.addLayout(foot)
        self.setFocusProxy(self._list)
        self.show_drafts([])

    def show_drafts(self, drafts: Sequence[Draft]) -> None:
        """List these, newest first."""
        row = max(self._list.currentRow(), 0)
        self._drafts = list(drafts)
        self._list.clear()
        for draft in self._drafts:
            item = QListWidgetItem(draft_name(self._declared, draft))
            kind = "修改  " if draft.raw.get(RECORD) else ""
            item.setData(DETAIL, kind + draft.updated_at[:16].replace("T", " "))
            self._list.addItem(item)
        self._list.setCurrentRow(min(row, len(self._drafts) - 1))
        for widget in (self._list, self._open, self._drop):
            widget.setVisible(bool(self._drafts))
        self._words.setVisible(not self._drafts)

    def keyPressEvent(self, event: QKeyEvent, /) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        elif event.key() == Qt.Key.Key_Delete:
            self._discard()
        else:
            super().keyPressEvent(event)

    def _current(self) -> Draft | None:
        row = self._list.currentRow()
        return self._drafts[row] if 0 <= row < len(self._drafts) else None

    def _choose(self) -> None:
        draft = self._current()
        if draft is not None:
            self.chosen.emit(draft)

    def _discard(self) -> None:
        draft = self._current()
        if draft is not None:
            self.dropped.emit(draft)


def _push(text: str, run: Callable[[], None]) -> QPushButton:
    made = QPushButton(text)
    made.setAccessibleName(text)
    made.setAutoDefault(False)
    made.clicked.connect(lambda: run())
    return made
