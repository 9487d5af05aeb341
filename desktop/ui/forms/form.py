"""The entry form of a record type, built from its declaration alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop.ui.forms.editor import Editor
from desktop.ui.forms.editors import editor_for
from desktop.ui.forms.summary import Summary
from desktop.ui.theme import ROW, TOKENS, icon
from desktop.work.jobs import Jobs
from shared.errors import Level, Problem
from shared.fields import Field
from shared.record import RecordType

if TYPE_CHECKING:
    from desktop.work.records import Records

_TWO_COLUMNS = 760
"""Narrower forms have one column."""

_LABEL_LEAST, _LABEL_MOST = 6, 11
"""Characters of a label on one line."""


class RecordForm(QWidget):
    """Fields in one or two columns by ``field.group``; holds raw text and shows findings.

    Enter goes to the next field; F8 pins the field with the keyboard, so that its
    value stays when the form is cleared for the next record.

    :param only: build just these fields, for a step that needs a reason or a date;
        such fields may be kept from the entry form, and all of them must be filled.
    :param pins: False where no second record follows the first.
    """

    edited = Signal()
    field_left = Signal(str, str)
    """Name and raw text, when the focus leaves a field whose text changed since."""

    def __init__(
        self,
        declared: RecordType,
        records: Records,
        jobs: Jobs,
        only: Collection[str] | None = None,
        *,
        pins: bool = True,
    ) -> None:
        super().__init__()
        self.declared = declared
        self._step = only is not None
        self.setAccessibleName(f"{declared.title}表单")
        shown = _in_order(
            list(declared.form_fields)
            if only is None
            else [replace(f, required=True, group="") for f in declared.own_fields if f.name in only],
            declared,
        )
        width = _label_width(self, shown)
        self._boxes = {f.name: _FieldBox(f, editor_for(f, records, jobs), width) for f in shown}
        self._saved: dict[str, str] = {}
        self._last_left: dict[str, str] = {}
        self._summary = Summary()
        self._summary.jump.connect(self.jump_to)
        self._sections = _Sections(list(self._boxes.values()))
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(self._sections)
        self._sections.setAutoFillBackground(False)
        area.viewport().setAutoFillBackground(False)
        self._area = area
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._summary)
        column.addWidget(area, 1)
        for name, box in self._boxes.items():
            box.pin.setVisible(pins and only is None)
            box.editor.edited.connect(self.edited)
            box.editor.left.connect(lambda n=name: self._left(n))
            box.editor.next_wanted.connect(self.focusNextChild)
        pin = QShortcut(QKeySequence("F8"), self)
        pin.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        pin.activated.connect(self._pin_current)
        self.set_raw(self._defaults())
        first = next(iter(self._boxes.values()), None)
        if first is not None:
            self.setFocusProxy(first.editor)

    # --- values ------------------------------------------------------------
    def raw(self) -> dict[str, str]:
        """What is typed, by field name; blank fields are ``""``."""
        return {name: box.editor.raw() for name, box in self._boxes.items()}

    def set_raw(self, raw: Mapping[str, str]) -> None:
        """Show these texts, clear the rest and all findings; the form is clean afterwards."""
        for name, box in self._boxes.items():
            box.editor.set_raw(raw.get(name) or "")
        self.mark_clean()
        self.show_problems([])

    def clear(self, *, keep_pinned: bool = True) -> None:
        """Ready for the next record: defaults, and the values of pinned fields."""
        kept = {n: self._boxes[n].editor.raw() for n in self.pinned} if keep_pinned else {}
        self.set_raw({**self._defaults(), **kept})
        self._area.verticalScrollBar().setValue(0)
        self.setFocus()

    def fill(self, values: Mapping[str, str]) -> list[str]:
        """Fill in what is known, blank fields only; gives the titles of those filled."""
        filled = []
        for name, text in values.items():
            box = self._boxes.get(name)
            if box is not None and text and not box.editor.raw().strip():
                box.editor.set_raw(text)
                filled.append(box.field.title)
        if filled:
            self.edited.emit()
        return filled

    @property
    def is_dirty(self) -> bool:
        """Something differs from what was last set or saved."""
        return self.raw() != self._saved

    def mark_clean(self) -> None:
        """What stands here now is saved."""
        self._saved = self.raw()
        self._last_left = dict(self._saved)

    # --- pins --------------------------------------------------------------
    @property
    def pinned(self) -> frozenset[str]:
        """Fields whose values survive :meth:`clear`."""
        return frozenset(name for name, box in self._boxes.items() if box.pin.isChecked())

    def set_pinned(self, names: Collection[str]) -> None:
        """Pin these fields and no others."""
        for name, box in self._boxes.items():
            box.pin.setChecked(name in names)

    def set_locked(self, names: Collection[str]) -> None:
        """These fields are shown but cannot be changed (the key of an existing record)."""
        for name, box in self._boxes.items():
            box.editor.set_locked(name in names)

    # --- findings ----------------------------------------------------------
    def show_problems(self, problems: Sequence[Problem]) -> None:
        """Each finding under its field, all of them in the summary on top."""
        by_field: dict[str, list[Problem]] = {}
        for problem in problems:
            by_field.setdefault(self._place_of(problem.field), []).append(problem)
        for name, box in self._boxes.items():
            box.show_problems(by_field.get(name, []))
        named = [
            (place, self._boxes[place].field.title if place else "", problem)
            for place in ("", *self._boxes)
            if not (self._step and place)  # a field or two need no list of their findings
            for problem in by_field.get(place, [])
        ]
        self._summary.show_problems(named)

    def jump_to(self, name: str) -> None:
        """Bring a field into view and give it the keyboard."""
        box = self._boxes.get(name)
        if box is not None:
            self._area.ensureWidgetVisible(box, 0, ROW * 2)
            box.editor.setFocus(Qt.FocusReason.TabFocusReason)

    def jump_to_first_problem(self) -> None:
        """Go where mending begins."""
        for name, box in self._boxes.items():
            if box.has_problem:
                self.jump_to(name)
                return

    def full_height(self) -> int:
        """Height at which nothing needs to scroll, at the present width."""
        layout = self._sections.layout()
        assert layout is not None
        layout.activate()
        wanted = self._sections.sizeHint().height()
        if layout.hasHeightForWidth():
            wanted = layout.heightForWidth(self._area.viewport().width())
        return wanted + (self._summary.sizeHint().height() + 8 if self._summary.lines() else 0)

    def editor(self, name: str) -> Editor:
        """The editor of one field."""
        return self._boxes[name].editor

    def problem_text(self, name: str) -> str:
        """What stands under a field; ``""`` when it is fine."""
        return self._boxes[name].problem_text

    def summary_lines(self) -> list[str]:
        """What the summary lists."""
        return self._summary.lines()

    def resizeEvent(self, event: QResizeEvent, /) -> None:
        super().resizeEvent(event)
        self._sections.arrange(2 if event.size().width() >= _TWO_COLUMNS else 1)

    # --- keys --------------------------------------------------------------
    def keyPressEvent(self, event: QKeyEvent, /) -> None:
        plain = event.modifiers() in (
            Qt.KeyboardModifier.NoModifier,
            Qt.KeyboardModifier.KeypadModifier,
        )
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and plain:
            self.focusNextChild()
            event.accept()
        else:
            super().keyPressEvent(event)

    def _pin_current(self) -> None:
        for box in self._boxes.values():
            if box.isAncestorOf(self.focusWidget() or self):
                box.pin.toggle()

    def _left(self, name: str) -> None:
        raw = self._boxes[name].editor.raw()
        if raw != self._last_left.get(name, ""):
            self._last_left[name] = raw
            self.field_left.emit(name, raw)

    def _defaults(self) -> dict[str, str]:
        return {n: str(b.field.default) for n, b in self._boxes.items() if b.field.default is not None}

    def _place_of(self, name: str) -> str:
        """The shown field a finding belongs to; ``""`` = the whole record."""
        if name in self._boxes:
            return name
        declared = self.declared.by_name.get(name)
        if declared is not None and declared.derive_from in self._boxes:
            return declared.derive_from
        return ""


class _FieldBox(QWidget):
    """Label, editor, pin; findings below."""

    def __init__(self, field: Field, editor: Editor, label_width: int) -> None:
        super().__init__()
        self.field = field
        self.editor = editor
        self.has_problem = False
        star = f'<span style="color:{TOKENS.accent}"> *</span>' if field.required else ""
        label = QLabel(f"{escape(field.title)}{star}")
        label.setTextFormat(Qt.TextFormat.RichText)
        label.setWordWrap(True)
        label.setFixedWidth(label_width)
        label.setMinimumHeight(ROW)
        label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        label.setBuddy(editor)
        label.setToolTip(field.hint)
        self.pin = QToolButton()
        self.pin.setCheckable(True)
        self.pin.setIcon(icon("pin", "line"))
        self.pin.toggled.connect(lambda on: self.pin.setIcon(icon("pin", "accent" if on else "line")))
        self.pin.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.pin.setFixedSize(24, 24)
        self.pin.setAccessibleName(f"固定{field.title}")
        self.pin.setToolTip("固定：保存并继续后保留此项（F8）")
        self._problem = QLabel()
        self._problem.setWordWrap(True)
        self._problem.setTextFormat(Qt.TextFormat.PlainText)
        self._problem.hide()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(0)
        top = Qt.AlignmentFlag.AlignTop
        grid.addWidget(label, 0, 0, top)
        grid.addWidget(editor, 0, 1, top)
        grid.addWidget(self.pin, 0, 2, top)
        grid.addWidget(self._problem, 1, 1, 1, 2)
        grid.setColumnStretch(1, 1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)

    @property
    def problem_text(self) -> str:
        return self._problem.text() if self.has_problem else ""

    def show_problems(self, problems: Sequence[Problem]) -> None:
        self.has_problem = bool(problems)
        worst = Level.REJECT if any(p.level is Level.REJECT for p in problems) else Level.WARN
        text = "\n".join(p.message for p in problems)
        self.editor.set_problem(text or None, worst)
        self._problem.setText(text)
        self._problem.setProperty("problem", worst.value)
        self._problem.style().unpolish(self._problem)
        self._problem.style().polish(self._problem)
        self._problem.setVisible(bool(problems))


class _Sections(QWidget):
    """Places the boxes by group, in one column or two."""

    def __init__(self, boxes: list[_FieldBox]) -> None:
        super().__init__()
        self._boxes = boxes
        self._columns = 0
        self._headings: dict[str, QWidget] = {}
        groups = list(dict.fromkeys(b.field.group for b in boxes))
        for group in groups:
            if group:
                self._headings[group] = _heading(group)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 12, 8)
        self._grid.setHorizontalSpacing(24)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(0, 1)
        self.arrange(2)

    def arrange(self, columns: int) -> None:
        """Place everything in that many columns."""
        if columns == self._columns:
            return
        self._columns = columns
        for widget in (*self._boxes, *self._headings.values()):
            # takeAt would leak the old items, and with them stale cached heights
            self._grid.removeWidget(widget)
        self._grid.setColumnStretch(1, 1 if columns == 2 else 0)
        row, column, group = 0, 0, ""
        previous: QWidget | None = None
        for box in self._boxes:
            if box.field.group != group:
                group = box.field.group
                row, column = (row + 1, 0) if column else (row, 0)
                if group:
                    self._grid.addWidget(self._headings[group], row, 0, 1, columns)
                    row += 1
            if box.editor.tall or columns == 1:
                row, column = (row + 1, 0) if column else (row, 0)
                self._grid.addWidget(box, row, 0, 1, columns)
                row += 1
            else:
                self._grid.addWidget(box, row, column, Qt.AlignmentFlag.AlignTop)
                row, column = (row + 1, 0) if column else (row, 1)
            if previous is not None:
                QWidget.setTabOrder(previous, box.editor)
            previous = box.editor
        for used in range(self._grid.rowCount()):
            self._grid.setRowStretch(used, 0)
        self._grid.setRowStretch(row + 1, 1)


def _heading(text: str) -> QWidget:
    line = QFrame()
    line.setProperty("rule", True)
    label = QLabel(text)
    label.setProperty("section", True)
    made = QWidget()
    row = QHBoxLayout(made)
    row.setContentsMargins(0, 4, 0, 0)
    row.setSpacing(8)
    row.addWidget(label)
    row.addWidget(line, 1)
    return made


def _in_order(fields: Sequence[Field], declared: RecordType) -> list[Field]:
    """By group; in each, the code another record is known by comes first: it fills in the rest."""
    groups = list(dict.fromkeys(f.group for f in fields))
    keys = {f.derive_from for f in declared.own_fields if f.derive_from}
    return sorted(fields, key=lambda f: (groups.index(f.group), f.name not in keys))


def _label_width(widget: QWidget, fields: Sequence[Field]) -> int:
    """Room for the longest usual title; longer ones wrap."""
    chars = max([len(f.title) for f in fields if len(f.title) <= _LABEL_MOST] + [_LABEL_LEAST])
    return widget.fontMetrics().horizontalAdvance("字" * chars + " *") + 2
