"""A line edit with a list of suggestions: the base of code, yes/no and reference fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QCompleter, QLineEdit, QWidget

from desktop.ui.theme import icon
from desktop.ui.twopart import DETAIL, TwoPartDelegate

Index = QModelIndex | QPersistentModelIndex

_LISTED = 12


@dataclass(frozen=True, slots=True)
class Choice:
    """One suggestion: the raw value it stands for, what is shown, and something to tell it apart by."""

    value: str
    text: str
    detail: str = ""


Offer = Callable[[Sequence[Choice]], None]
Source = Callable[[str, Offer], None]
"""Asked with what was typed (``""`` = everything sensible); calls back now or later."""


class SuggestEdit(QLineEdit):
    """Holds either a picked choice or free text.

    Down or the arrow opens the list; Enter takes the marked choice and asks for
    the next field by ``next_wanted``.
    """

    picked = Signal()
    next_wanted = Signal()

    def __init__(self, source: Source, delay_ms: int = 0, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._source = source
        self._choice: Choice | None = None
        self._asked = 0
        self._model = _Choices(self)
        self._completer = QCompleter(self._model, self)
        self._completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        self._completer.setMaxVisibleItems(_LISTED)
        self._completer.setWidget(self)
        popup = self._completer.popup()
        popup.setItemDelegate(TwoPartDelegate(popup))
        popup.setAccessibleName("候选")
        self._completer.activated[QModelIndex].connect(self._take_index)  # type: ignore[index]
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(delay_ms)
        self._timer.timeout.connect(self._ask)
        self.textEdited.connect(self._typed)
        arrow = self.addAction(icon("down", "muted"), QLineEdit.ActionPosition.TrailingPosition)
        arrow.setText("展开候选")
        arrow.setToolTip("展开候选（↓）")
        arrow.triggered.connect(self.open_all)

    def value(self) -> str:
        """The picked choice's value, else the text as typed."""
        if self._choice is not None and self._choice.text == self.text():
            return self._choice.value
        return self.text()

    def take(self, choice: Choice) -> None:
        """Hold this choice."""
        self._choice = choice
        self.setText(choice.text)
        self.setCursorPosition(0)

    def set_free(self, text: str) -> None:
        """Hold text that is no choice."""
        self._choice = None
        self.setText(text)
        self.setCursorPosition(0)

    @property
    def choice(self) -> Choice | None:
        """What is picked, if it still stands in the line."""
        return self._choice if self._choice is not None and self._choice.text == self.text() else None

    def open_all(self) -> None:
        """Show everything sensible, whatever is typed."""
        self.setFocus()
        self._ask("")

    def choices(self) -> list[Choice]:
        """What is offered now."""
        return list(self._model.choices)

    def popup_open(self) -> bool:
        """Whether the list is showing."""
        return self._completer.popup().isVisible()

    def keyPressEvent(self, event: QKeyEvent, /) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if self.popup_open() and (enter or event.key() == Qt.Key.Key_Tab):
            index = self._completer.popup().currentIndex()
            self._completer.popup().hide()
            self._take_index(index)
            self.next_wanted.emit()
            event.accept()
        elif event.key() == Qt.Key.Key_Down and not self.popup_open():
            self.open_all()
            event.accept()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent, /) -> None:
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self._timer.stop()
            self._asked += 1

    def _typed(self, text: str) -> None:
        if text.strip():
            self._timer.start()
        else:
            self._timer.stop()
            self._completer.popup().hide()

    def _ask(self, word: str | None = None) -> None:
        self._asked += 1
        asked = self._asked

        def offer(choices: Sequence[Choice]) -> None:
            if asked == self._asked and self.hasFocus():
                self._open(choices, mark=bool((self.text() if word is None else word).strip()))

        self._source(self.text().strip() if word is None else word, offer)

    def _open(self, choices: Sequence[Choice], *, mark: bool) -> None:
        popup = self._completer.popup()
        self._model.replace(choices or [Choice("", "没有匹配的内容", "换个词试试")], real=bool(choices))
        self._completer.setCompletionPrefix("")
        self._completer.complete(QRect(0, 0, max(self.width(), 260), self.height()))
        standing = next(
            (i for i, c in enumerate(choices) if self._choice is not None and c == self._choice), 0
        )
        popup.setCurrentIndex(
            self._completer.completionModel().index(standing, 0) if choices and mark else QModelIndex()
        )

    def _take_index(self, index: Index) -> None:
        if index.isValid() and self._model.real:
            self.take(self._model.choices[index.row()])
            self.picked.emit()


class _Choices(QAbstractListModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.choices: list[Choice] = []
        self.real = True

    def replace(self, choices: Sequence[Choice], *, real: bool) -> None:
        self.beginResetModel()
        self.choices = list(choices)
        self.real = real
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.choices)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        choice = self.choices[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return choice.text
        if role == DETAIL:
            return choice.detail
        return None
