"""The two-officer rule in sight: how many are chosen, and who may still be chosen."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QToolButton, QVBoxLayout, QWidget

from desktop.ui.actions import link_button
from desktop.ui.flow import FlowLayout
from desktop.ui.plain import plain_label
from desktop.ui.theme import TONES
from shared.types.inspection import LEAST_OFFICERS

if TYPE_CHECKING:
    from desktop.work.records import Row

_OFFERED = 12


class OfficerLine(QWidget):
    """``picked(id)`` when somebody is chosen here."""

    picked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._officers: list[Row] = []
        self._known = False
        self._chosen: frozenset[str] = frozenset()
        self._words = plain_label()
        self._words.setWordWrap(True)
        self._names = QWidget()
        self._flow = FlowLayout(self._names, 4)
        self._links: list[QToolButton] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._words)
        column.addWidget(self._names)
        self.set_chosen("")

    def set_officers(self, officers: Sequence[Row]) -> None:
        """Who may inspect today."""
        self._officers = list(officers)
        self._known = True
        self._arrange()

    def set_chosen(self, raw: str) -> None:
        """The officers' field as it stands."""
        self._chosen = frozenset(w.strip() for w in raw.split(",") if w.strip())
        self._arrange()

    def text(self) -> str:
        """What the line says."""
        return self._words.text()

    def offered(self) -> list[str]:
        """Names that can be chosen with one click."""
        return [link.text() for link in self._links]

    def _arrange(self) -> None:
        count = len(self._chosen)
        missing = LEAST_OFFICERS - count
        if missing > 0:
            words = f"检查人员不得少于 {LEAST_OFFICERS} 人：已选 {count} 人，还差 {missing} 人。"
            if self._known and len(self._officers) < LEAST_OFFICERS:
                words += "本单位有效持证人员不足，请先在人员名录中补录。"
        else:
            words = f"检查人员已选 {count} 人，符合不少于 {LEAST_OFFICERS} 人的要求。"
        self._words.setText(words)
        self._words.setStyleSheet(f"color: {TONES['wait' if missing > 0 else 'good']};")
        for link in self._links:
            self._flow.removeWidget(link)
            link.hide()
            link.deleteLater()
        free = [o for o in self._officers if o.id not in self._chosen]
        self._links = [self._link(o) for o in free[:_OFFERED]]
        for link in self._links:
            self._flow.addWidget(link)
        self._names.setVisible(bool(self._links))

    def _link(self, officer: Row) -> QToolButton:
        name, number = officer.values["name"], officer.values["certificate_no"]
        return link_button(
            f"＋{name} {number}",
            partial(self.picked.emit, officer.id),
            f"加入检查人员：{name}，执法证号 {number}",
        )
