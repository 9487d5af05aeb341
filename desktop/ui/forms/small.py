"""Hand-made forms of a few lines, where no record type stands behind: sign-in, settings, media."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget

from desktop.ui.plain import plain_label
from desktop.ui.theme import ROW

_GAP = 4
"""Between one line's note and the next line, besides the grid's own spacing."""


class SmallForm(QWidget):
    """Titles left, controls right, what is wrong under each control."""

    def __init__(self, title_chars: int = 5) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnMinimumWidth(0, self.fontMetrics().horizontalAdvance("字" * title_chars))
        self._grid.setColumnStretch(1, 1)
        self._lines: dict[str, tuple[QLabel, QWidget, QLabel]] = {}

    def add(self, name: str, title: str, control: QWidget, note: str = "") -> None:
        """One line; ``note`` is shown under the control while nothing is wrong with it."""
        label = QLabel(title)
        label.setFixedHeight(ROW)
        label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        label.setBuddy(control)
        control.setAccessibleName(title)
        under = plain_label()
        under.setWordWrap(True)
        under.setProperty("normal_text", note)
        row = self._grid.rowCount()
        if self._lines:
            self._grid.setRowMinimumHeight(row, _GAP)
            row += 1
        self._grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(control, row, 1)
        self._grid.addWidget(under, row + 1, 1)
        self._lines[name] = (label, control, under)
        self.set_problem(name, "")
        line = control.line if isinstance(control, PathLine) else control
        if isinstance(line, QLineEdit):
            line.textChanged.connect(lambda: self._mended(name))

    def set_problem(self, name: str, message: str, level: str = "reject") -> None:
        """Say what is wrong with a line (``level`` reject or warn); ``""`` takes it away."""
        _, control, under = self._lines[name]
        note = str(under.property("normal_text") or "")
        under.setText(message or note)
        under.setProperty("problem", level if message else None)
        under.setProperty("muted", not message)
        _restyle(under)
        under.setVisible(bool(under.text()))
        control.setProperty("problem", level if message else None)
        control.setAccessibleDescription(message or note)
        _restyle(control)

    def _mended(self, name: str) -> None:
        """Somebody is at it: the refusal goes away, a warning stays."""
        if self._lines[name][2].property("problem") == "reject":
            self.set_problem(name, "")

    def set_note(self, name: str, note: str) -> None:
        """Other words under a line."""
        self._lines[name][2].setProperty("normal_text", note)
        self.set_problem(name, "")

    def problem(self, name: str) -> str:
        """What is said to be wrong with a line."""
        under = self._lines[name][2]
        return under.text() if under.property("problem") else ""

    def clear_problems(self) -> None:
        """Nothing is wrong any more."""
        for name in self._lines:
            self.set_problem(name, "")

    def show_line(self, name: str, on: bool) -> None:
        """Show or hide a whole line."""
        label, control, under = self._lines[name]
        label.setVisible(on)
        control.setVisible(on)
        under.setVisible(on and bool(under.text()))

    def focus(self, name: str) -> None:
        """Put the keyboard on a line."""
        self._lines[name][1].setFocus()


class PathLine(QWidget):
    """A path that is typed or chosen; a folder, or a file with one of the given endings.

    :param files: filter of the file dialog; ``""`` asks for a folder.
    """

    changed = Signal(str)
    entered = Signal()

    def __init__(self, files: str = "", dialog_title: str = "选择文件夹") -> None:
        super().__init__()
        self._files = files
        self._title = dialog_title
        self.line = QLineEdit()
        self.line.setClearButtonEnabled(False)
        self._browse = QPushButton("浏览…")
        self._browse.setAutoDefault(False)
        self._browse.setAccessibleName(dialog_title)
        self._browse.clicked.connect(self._choose)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.line, 1)
        row.addWidget(self._browse)
        self.setFocusProxy(self.line)
        self.line.textChanged.connect(self.changed)
        self.line.returnPressed.connect(self.entered)

    def path(self) -> Path | None:
        """What is named; None when nothing is."""
        text = self.line.text().strip().strip('"')
        return Path(text).expanduser() if text else None

    def set_path(self, path: Path | str) -> None:
        """Show this path."""
        self.line.setText(str(path))

    def setAccessibleName(self, name: str, /) -> None:
        super().setAccessibleName(name)
        self.line.setAccessibleName(name)

    def _choose(self) -> None:
        start = self.line.text().strip()
        if self._files:
            chosen, _ = QFileDialog.getOpenFileName(self, self._title, start, self._files)
        else:
            chosen = QFileDialog.getExistingDirectory(self, self._title, start)
        if chosen:
            self.line.setText(chosen)


def secret_line(placeholder: str = "") -> QLineEdit:
    """A line for a password."""
    line = QLineEdit()
    line.setEchoMode(QLineEdit.EchoMode.Password)
    line.setPlaceholderText(placeholder)
    line.setMaxLength(200)
    return line


def _restyle(widget: QWidget) -> None:
    widget.style().unpolish(widget)
    widget.style().polish(widget)
