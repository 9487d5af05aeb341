"""One conflict: what both sides say, who said it when, and the choice between them."""

from __future__ import annotations

from difflib import SequenceMatcher
from html import escape
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QRadioButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from desktop.ui.actions import button, link_button
from desktop.ui.factlist import Fact, FactList
from desktop.ui.forms.editor import Editor
from desktop.ui.forms.editors import editor_for
from desktop.ui.plain import plain_label
from desktop.ui.words import moment
from desktop.work.jobs import Jobs

if TYPE_CHECKING:
    from desktop.work.conflicts import Detail, Side
    from desktop.work.records import Records

_WORDS = {
    "ours": "采用中心现值",
    "theirs": "改用未采用的值",
    "other": "另填",
    "keep": "保留记录",
    "void": "作废记录",
    "both": "两条都保留",
}
_WORDS_OF = {
    "unique": {"ours": "保留先录入的，作废后录入的", "theirs": "保留后录入的，作废先录入的"},
    "rule": {"ours": "保持中心现值", "theirs": "改为未采用的值"},
}
_SIDES = ("中心现值", "未采用的值")
_SIDES_THEN = ("当时的中心值", "当时未采用的值")
"""Of a conflict that was decided: by now either may stand."""
_TITLES = {"unique": ("先录入的记录", "后录入的记录")}
_SAID = {
    "field": "{who}在没有看到对方修改时改了同一处。中心保留了先到的值，请选择以哪个为准：",
    "deletion": "一方作废了这条记录，另一方在没有看到作废时修改了它。请决定保留还是作废：",
    "unique": "两条记录的编号相同，都已入库。请决定保留哪一条；确属两件事的，两条都保留并写明理由。",
    "rule": "双方各自的修改都没有错，合在一起不合规则，中心保留了先到的内容：",
}
_WHO = {
    "bureaus": "两个单位", "one_bureau": "同一单位的两个席位",
    "one_seat": "同一席位的两份数据（设备可能被复制或恢复过）",
}
_COPIES = "双方是同一席位的两份数据（设备可能被复制或恢复过）。"
_READ_ONLY = "处理冲突由单位管理员或中心管理员办理，您可以查看双方的值；需要更正时请告知本单位管理员。"


class DecisionPanel(QWidget):
    """One conflict at a time.

    ``record_wanted(type, id)``; ``siblings_wanted(words)`` finds the record's other conflicts;
    ``changed()`` when :attr:`ready` may have changed.
    """

    record_wanted = Signal(str, str)
    siblings_wanted = Signal(str)
    changed = Signal()

    def __init__(self, records: Records, jobs: Jobs, device: str) -> None:
        super().__init__()
        self._records = records
        self._device = device
        self._jobs = jobs
        self._detail: Detail | None = None
        self._allowed = False
        self._editor: Editor | None = None
        self._title = plain_label()
        self._title.setProperty("strong", True)
        self._title.setWordWrap(True)
        self._link = link_button("查看记录", self._open, "打开这条记录")
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(self._link, 0, Qt.AlignmentFlag.AlignTop)
        self._how = QLabel()
        self._how.setWordWrap(True)
        self._base, self._ours, self._theirs = _SideBox("原值"), _SideBox(_SIDES[0]), _SideBox(_SIDES[1])
        sides = QGridLayout()
        sides.setSpacing(8)
        for place, box in enumerate((self._base, self._ours, self._theirs)):
            sides.addWidget(box, 0, place)
            sides.setColumnStretch(place, 1)
        self._moved = plain_label()
        self._moved.setWordWrap(True)
        self._moved.setProperty("problem", "warn")
        self._group = QButtonGroup(self)
        self._choices: dict[str, QRadioButton] = {}
        self._choice_area = QWidget()
        choices = QVBoxLayout(self._choice_area)
        choices.setContentsMargins(0, 0, 0, 0)
        choices.setSpacing(8)
        for name, words in _WORDS.items():
            radio = QRadioButton(words)
            radio.setAccessibleName(words)
            radio.toggled.connect(self._chosen)
            self._group.addButton(radio)
            self._choices[name] = radio
            choices.addWidget(radio)
        self._editor_row = QVBoxLayout()
        self._editor_row.setContentsMargins(24, 0, 0, 0)
        self._editor_row.setSpacing(2)
        choices.insertLayout(3, self._editor_row)
        self._siblings = link_button("", self._more, "查看同一记录的其他冲突")
        self._reason = QLineEdit()
        self._reason.setPlaceholderText("处理理由（可不填），随处理结果送到双方")
        self._reason.setAccessibleName("处理理由")
        self._reason.setMaxLength(1000)
        self._problem = plain_label()
        self._problem.setWordWrap(True)
        self._problem.setProperty("problem", "reject")
        self._editor_row.addWidget(self._problem)
        self._problem.hide()
        self._buttons = QHBoxLayout()
        choices.addWidget(self._reason)
        choices.addLayout(self._buttons)
        self._note = QLabel(_READ_ONLY)
        self._note.setWordWrap(True)
        self._note.setProperty("muted", True)
        self._result = FactList(5)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(12)
        column.addLayout(head)
        column.addWidget(self._siblings, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._how)
        column.addLayout(sides)
        for widget in (self._moved, self._choice_area, self._note, self._result):
            column.addWidget(widget)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inner)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)

    def set_decide(self, action: QAction) -> None:
        """The page's action that writes the decision."""
        self._buttons.addWidget(button(action, primary=True))
        self._buttons.addStretch(1)

    def show_detail(self, detail: Detail, allowed: bool, decided_by: str) -> None:
        """Another conflict; nothing is chosen yet."""
        one = detail.conflict.values
        self._detail, self._allowed = detail, allowed and one["state"] == "open"
        unit = f"（{detail.field.unit}）" if detail.field is not None and detail.field.unit else ""
        self._title.setText(f"{detail.declared.title} {detail.label} · {one['field_title']}{unit}")
        self._link.setVisible(detail.record is not None)
        is_open = one["state"] == "open"
        names = _TITLES.get(detail.kind, _SIDES if is_open else _SIDES_THEN)
        here = detail.made_at(self._device)
        self._base.setVisible(detail.base is not None)
        before = detail.base.text if detail.base is not None else None
        if detail.base is not None:
            self._base.put(detail.base, "原值", detail.base.text)
        self._ours.put(detail.ours, names[0], detail.theirs.text if before is None else before, here[0])
        self._theirs.put(detail.theirs, names[1], detail.ours.text if before is None else before, here[1])
        self._siblings.setText(f"同一记录还有 {detail.siblings} 处待处理")
        self._siblings.setVisible(detail.siblings > 0)
        self._how.setText("".join((_said(detail), str(one["explanation"] or ""))))
        self._how.setVisible(is_open)
        self._reason.clear()
        moved = is_open and detail.moved
        self._moved.setText(f"冲突产生以后，这一处又被改为：{detail.current or '（空）'}。" if moved else "")
        self._moved.setVisible(moved)
        self._offer_choices(detail)
        self._note.setText(_READ_ONLY if not allowed else self._why_not(detail))
        self._note.setVisible(is_open and (not allowed or bool(self._note.text())))
        self._result.setVisible(not is_open)
        if not is_open:
            facts = [
                Fact("处理结果", str(one["resolution"] or ""), "good"),
                Fact("处理理由", str(one["reason"] or "")),
                Fact("处理人", decided_by),
                Fact("处理时间", moment(one["resolved_at"])),
            ]
            self._result.set_sections([("处理", facts)])
        self.changed.emit()

    @property
    def ready(self) -> bool:
        """Whether something was chosen that may be written."""
        return self._allowed and self._choice() != ""

    def choose(self, name: str) -> None:
        """Choose ``ours``, ``theirs``, ``other``, ``keep`` or ``void``."""
        self._choices[name].setChecked(True)

    def decision(self) -> tuple[str, str | None]:
        """The choice, and the third value as typed."""
        other = self._choice() == "other" and self._editor is not None
        return self._choice(), self._editor.raw() if other and self._editor is not None else None

    def reason(self) -> str:
        """Why, as typed."""
        return self._reason.text()

    @property
    def editor(self) -> Editor | None:
        """Where the third value is typed."""
        return self._editor

    def show_problem(self, message: str) -> bool:
        """Say what is wrong with the third value; False when none is being typed."""
        shown = bool(message) and self._choice() == "other" and self._editor is not None
        self._problem.setText(message if shown else "")
        self._problem.setVisible(shown)
        if self._editor is not None:
            self._editor.set_problem(message if shown else None)
        return shown

    def words(self) -> str:
        """Everything the panel says, for readers and tests."""
        boxes = [b.accessibleName() for b in (self._base, self._ours, self._theirs) if not b.isHidden()]
        links = [self._siblings.text()] if not self._siblings.isHidden() else []
        parts = [self._title.text(), self._how.text(), *boxes, *links]
        hidden = self._note.isHidden()
        return "\n".join([*parts, *([] if hidden else [self._note.text()]), self._result.text()])

    # --- inside --------------------------------------------------------------
    def _offer_choices(self, detail: Detail) -> None:
        self._group.setExclusive(False)
        for name, radio in self._choices.items():
            radio.setChecked(False)
            radio.setText(_WORDS_OF.get(detail.kind, {}).get(name, _WORDS[name]))
            radio.setAccessibleName(radio.text())
            why = detail.closed.get(name, "")  # type: ignore[call-overload]
            radio.setVisible(name in detail.choices or bool(why))
            radio.setEnabled(not why)
            radio.setToolTip(why)
            if why:
                radio.setAccessibleDescription(why)
        self._group.setExclusive(True)
        if self._editor is not None:
            self._editor_row.removeWidget(self._editor)
            self._editor.hide()
            self._editor.deleteLater()
            self._editor = None
        if detail.field is not None and self._allowed:
            self._editor = editor_for(detail.field, self._records, self._jobs)
            if detail.record is not None:
                value = detail.record.values.get(detail.field.name)
                self._editor.set_raw(self._records.raw_text(detail.field, value))
            self._editor.edited.connect(lambda: self.show_problem(""))
            self._editor_row.insertWidget(0, self._editor)
            self._editor.hide()
        self.show_problem("")
        self._choice_area.setVisible(self._allowed)

    def _why_not(self, detail: Detail) -> str:
        """Which choices are grey, and why."""
        reasons: dict[str, list[str]] = {}
        for name, why in detail.closed.items():
            reasons.setdefault(why, []).append(f"“{self._choices[name].text()}”")
        return "\n".join(f"{'、'.join(names)}不能选：{why}。" for why, names in reasons.items())

    def _choice(self) -> str:
        return next((n for n, radio in self._choices.items() if radio.isChecked()), "")

    def _chosen(self) -> None:
        choice = self._choice()
        self._ours.mark(choice in ("ours",))
        self._theirs.mark(choice in ("theirs",))
        if self._editor is not None:
            was_hidden = self._editor.isHidden()
            self._editor.setVisible(choice == "other")
            if choice == "other" and was_hidden:
                self._editor.setFocus()
        self.show_problem("")
        self.changed.emit()

    def _more(self) -> None:
        if self._detail is not None:
            self.siblings_wanted.emit(self._detail.label)

    def _open(self) -> None:
        if self._detail is not None and self._detail.record is not None:
            self.record_wanted.emit(self._detail.declared.name, self._detail.record.id)


def _said(detail: Detail) -> str:
    """What happened, and between whom."""
    said = _SAID[detail.kind].format(who=_WHO[detail.parties])
    return _COPIES + said if detail.kind != "field" and detail.parties == "one_seat" else said


def marked(text: str, against: str) -> str:
    """A text as HTML, underlined where it differs from another."""
    parts = []
    for what, start, stop, _, _ in SequenceMatcher(None, text, against, autojunk=False).get_opcodes():
        piece = escape(text[start:stop]).replace("\n", "<br>")
        parts.append(piece if what == "equal" else f"<u>{piece}</u>" if piece else "")
    return "".join(parts)


class _SideBox(QFrame):
    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        self.setProperty("tile", True)
        self._heading = heading = QLabel(title)
        heading.setProperty("section", True)
        heading.setIndent(0)
        self._value = QLabel()
        self._value.setWordWrap(True)
        self._value.setTextFormat(Qt.TextFormat.RichText)
        self._value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._value.setProperty("tileValue", True)
        self._facts = FactList(2)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 12)
        column.setSpacing(8)
        column.addWidget(heading)
        column.addWidget(self._value)
        column.addWidget(self._facts)
        column.addStretch(1)

    def put(self, side: Side, title: str, against: str, own: bool = False) -> None:
        """Another value; what differs from ``against`` is marked.

        :param own: it was entered at this very seat.
        """
        person = f"{side.person}（本席位）" if own else side.person
        self._title = title
        self._heading.setText(title)
        self._value.setText(marked(side.text, against))
        facts = [Fact("人员", person), Fact("单位", side.bureau), Fact("时间", side.at)]
        self._facts.set_sections([("", facts)])
        self.setAccessibleName(f"{self._title}：{side.text}，{person}，{side.bureau}，{side.at}")
        self.mark(False)

    def mark(self, chosen: bool) -> None:
        self.setProperty("chosen", chosen)
        self.style().unpolish(self)
        self.style().polish(self)
