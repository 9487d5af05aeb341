"""Ctrl+K: everything that can be done or opened, found by a few letters."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QAction, QIcon, QKeyEvent, QKeySequence, QPixmap
from PySide6.QtWidgets import QFrame, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from desktop.ui.twopart import DETAIL, TwoPartDelegate
from shared.pinyin import name_initials

_WIDTH = 480
_ROWS = 13


class Palette(QFrame):
    """A pop-up with a search line; matches title, name and pinyin initials."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._over = parent
        self.setProperty("commands", True)
        self._actions: list[tuple[QAction, str]] = []
        self._word = QLineEdit()
        self._word.setPlaceholderText("输入名称或拼音首字母，回车执行")
        self._word.setAccessibleName("命令")
        self._word.textChanged.connect(self._search)
        self._word.installEventFilter(self)
        self._list = QListWidget()
        self._list.setAccessibleName("命令列表")
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.setItemDelegate(TwoPartDelegate(self._list))
        self._list.itemClicked.connect(self._run)
        box = QVBoxLayout(self)
        box.setContentsMargins(8, 8, 8, 8)
        box.setSpacing(4)
        box.addWidget(self._word)
        box.addWidget(self._list)

    def open_with(self, actions: Iterable[QAction]) -> None:
        """Show over the parent window with these actions; disabled ones are left out."""
        self._actions = [(a, name_initials(a.text()).lower()) for a in actions if a.isEnabled()]
        parent = self._over
        self.resize(_WIDTH, 26 * _ROWS + 56)
        self.move(parent.mapToGlobal(QPoint((parent.width() - _WIDTH) // 2, 60)))
        self._word.clear()
        self._search("")
        self.show()
        self._word.setFocus()

    def titles(self) -> list[str]:
        """What is listed now, best first."""
        listed = (self._list.item(i).data(Qt.ItemDataRole.UserRole) for i in range(self._list.count()))
        return [action.text() for action in listed if action is not None]

    def search(self, word: str) -> None:
        """Type ``word`` into the search line."""
        self._word.setText(word)

    def eventFilter(self, watched: QObject, event: QEvent, /) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            key = event.key()
            if key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
                step = 1 if key == Qt.Key.Key_Down else -1
                self._list.setCurrentRow((self._list.currentRow() + step) % max(1, self._list.count()))
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._run(self._list.currentItem())
                return True
        return super().eventFilter(watched, event)

    def _search(self, word: str) -> None:
        word = word.strip().lower()
        self._list.clear()
        blank = _blank()
        found = sorted(
            (rank, i)
            for i, (a, initials) in enumerate(self._actions)
            if (rank := _rank(word, a, initials)) is not None
        )
        for _, i in found:
            action = self._actions[i][0]
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            item = QListWidgetItem(action.icon() if not action.icon().isNull() else blank, action.text())
            item.setData(DETAIL, keys)
            item.setData(Qt.ItemDataRole.UserRole, action)
            self._list.addItem(item)
        if not found:
            nothing = QListWidgetItem("没有匹配的命令，换个词试试")
            nothing.setFlags(Qt.ItemFlag.NoItemFlags)
            self._list.addItem(nothing)
        self._list.setCurrentRow(0)

    def _run(self, item: QListWidgetItem | None) -> None:
        action = item.data(Qt.ItemDataRole.UserRole) if item is not None else None
        if action is not None:
            self.hide()
            action.trigger()


def _blank() -> QIcon:
    """For commands without a picture: their words stand under those of the others."""
    picture = QPixmap(16, 16)
    picture.fill(Qt.GlobalColor.transparent)
    return QIcon(picture)


def _rank(word: str, action: QAction, initials: str) -> int | None:
    """Lower is better; None = no match."""
    title = action.text().lower()
    if not word or title.startswith(word):
        return 0
    if initials.startswith(word):
        return 1
    if word in title:
        return 2
    if word in initials or word in action.objectName():
        return 3
    return None
