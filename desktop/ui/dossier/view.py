"""The file of one entity: who it is, what may be done about it, and everything known, section by section."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from desktop.ui.actions import button, link_button
from desktop.ui.attachments.strip import AttachmentStrip, Whose
from desktop.ui.dossier.section import SectionView, Shown, prepare
from desktop.ui.factlist import Fact, FactList
from desktop.ui.flow import FlowLayout
from desktop.ui.history.part import HISTORY, HistoryPart
from desktop.ui.plain import plain_label
from desktop.ui.theme import TONES
from desktop.ui.twopart import DETAIL, TwoPartDelegate
from shared.fields import Field, Kind

if TYPE_CHECKING:
    from desktop.work.desk import Desk
    from desktop.work.records import Row

IN_FORCE = "1"
_LONG = ("address", "scope")
_HEAD = ("name", "status")
_LIMIT = 50
_LABEL = 9
"""Characters of the longest title."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything the page shows of one entity; made in a job.

    :param ours: the bureau holds a claim on it.
    :param warnings: what nobody may overlook: sanctions and alerts in force.
    """

    row: Row
    status: str
    facts: list[tuple[str, str]]
    long_facts: list[tuple[str, str]]
    sections: list[Shown]
    as_of: str
    ours: bool = False
    warnings: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The entity."""
        return str(self.row.values.get("name") or "")


def read_dossier(desk: Desk, entity_id: str) -> Dossier | None:
    """In a job; None when the entity is not here."""
    records = desk.records
    declared = records.type("market_entity")
    row = records.get(declared, entity_id)
    if row is None:
        return None

    def fact(one: Field) -> tuple[str, str]:
        unit = f" {one.unit}" if one.kind is Kind.MONEY and row.values.get(one.name) is not None else ""
        return one.title, records.show(one, row.values.get(one.name)) + unit

    shown = [f for f in declared.own_fields if f.name not in _HEAD and row.values.get(f.name) is not None]
    about = desk.verifying.everything_about(entity_id, _LIMIT)
    found = [s for s in about if s.declared.name != "attachment"]  # those are shown as pictures
    mine = records.actor.bureau
    in_force = {
        "sanction": [r for s in found if s.declared.name == "sanction" for r in s.rows
                     if r.values.get("state") == "in_force"],
        "alert": [r for s in found if s.declared.name == "alert" for r in s.rows
                  if r.values.get("state") == "raised"],
    }  # fmt: skip
    warnings = []
    if in_force["sanction"]:
        warnings.append(f"惩戒中 {len(in_force['sanction'])} 项")
    if in_force["alert"]:
        warnings.append(f"预警中 {len(in_force['alert'])} 项")
    return Dossier(
        row,
        records.show(declared.by_name["status"], row.values.get("status")),
        [fact(f) for f in shown if f.name not in _LONG],
        [fact(f) for f in shown if f.name in _LONG],
        [prepare(s, records) for s in found],
        desk.evidence().data_until,
        any(
            s.declared.name == "claim"
            and any(r.values.get("bureau") == mine and r.values.get("state") == "claimed" for r in s.rows)
            for s in found
        ),
        warnings,
    )


class DossierView(QWidget):
    """Emits ``left`` for the way back, ``opened`` and ``all_wanted`` from its sections."""

    left = Signal()
    opened = Signal(str, str)
    all_wanted = Signal(str)

    def __init__(self, actions: Sequence[QAction], photos: AttachmentStrip, history: HistoryPart) -> None:
        super().__init__()
        self.setAccessibleName("一屏式档案")
        self.dossier: Dossier | None = None
        self.sections: list[SectionView] = []
        self._name = plain_label()
        self._name.setProperty("tileValue", True)
        self._name.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._status = plain_label()
        self._warnings = plain_label()
        self._as_of = plain_label()
        self._as_of.setProperty("muted", True)
        first = QHBoxLayout()
        first.setSpacing(12)
        first.addWidget(link_button("‹ 返回列表", self.left.emit, "返回列表（Esc）"))
        first.addWidget(self._name)
        first.addWidget(self._status)
        first.addWidget(self._warnings)
        first.addStretch(1)
        first.addWidget(self._as_of)
        second = QWidget()
        line = FlowLayout(second, 8)
        for action in actions:
            line.addWidget(button(action))
        self._facts = FactList(_LABEL, 3)
        self._long = FactList(_LABEL)
        panel = QFrame()
        panel.setProperty("panel", True)
        inside = QVBoxLayout(panel)
        inside.setContentsMargins(12, 8, 12, 8)
        inside.setSpacing(6)
        inside.addWidget(self._facts)
        inside.addWidget(self._long)
        self._index = QListWidget()
        self._index.setAccessibleName("档案目录")
        self._index.setItemDelegate(TwoPartDelegate(self._index))
        self._index.setFixedWidth(168)
        self._index.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._index.itemClicked.connect(self._jump)
        self._index.itemActivated.connect(self._jump)
        self._holder = QWidget()
        self._column = QVBoxLayout(self._holder)
        self._column.setContentsMargins(0, 0, 8, 0)
        self._column.setSpacing(12)
        self.photos = photos
        self._entity_type = photos.desk.records.type("market_entity")
        self._column.addWidget(photos)
        self.history = history
        self._column.addWidget(history)
        self._column.addStretch(1)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setWidget(self._holder)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        lower = QHBoxLayout()
        lower.setSpacing(12)
        lower.addWidget(self._index)
        lower.addWidget(self._area, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(first)
        column.addWidget(second)
        column.addWidget(panel)
        column.addLayout(lower, 1)
        self.setFocusProxy(self._index)

    def show_dossier(self, dossier: Dossier) -> None:
        """Show this entity; the place in the file stays when it is the same one."""
        same = self.dossier is not None and self.dossier.row.id == dossier.row.id
        place = self._area.verticalScrollBar().value() if same else 0
        chosen = self._index.currentRow() if same else 0
        self.dossier = dossier
        gone = dossier.row.values.get("status") != IN_FORCE
        self._name.setText(dossier.name)
        self._name.setStyleSheet(f"color: {TONES['bad' if gone else 'plain']};")
        self._status.setText(dossier.status)
        self._status.setStyleSheet(f"color: {TONES['bad' if gone else 'good']};")
        self._warnings.setText("　".join(dossier.warnings))
        self._warnings.setStyleSheet(f"color: {TONES['bad']};")
        until = dossier.as_of[:16].replace("T", " ")
        self._as_of.setText(f"数据截止时间 {until}" if until else "本机尚未与中心完成同步")
        self._facts.set_sections([("", [Fact(*f) for f in dossier.facts])])
        self._long.set_sections([("", [Fact(*f) for f in dossier.long_facts])])
        for old in self.sections:
            self._column.removeWidget(old)
            old.hide()
            old.deleteLater()
        self.sections = [self._section(s) for s in dossier.sections]
        self._index.clear()
        for shown in dossier.sections:
            item = QListWidgetItem(shown.declared.title)
            item.setData(DETAIL, f"{shown.total:,}" if shown.total else "无")
            self._index.addItem(item)
        self._index.addItem(QListWidgetItem(HISTORY))
        self._index.setCurrentRow(max(chosen, 0))
        self.photos.show_of(Whose(self._entity_type, dossier.row.id, dossier.row.values, entity=True))
        self.history.show_of(self._entity_type, dossier.row.id)
        self._area.verticalScrollBar().setValue(place)

    def text(self) -> str:
        """Facts as lines."""
        return f"{self._facts.text()}\n{self._long.text()}"

    def counts(self) -> dict[str, int]:
        """Rows known by type name."""
        return {s.shown.declared.name: s.shown.total for s in self.sections}

    def _section(self, shown: Shown) -> SectionView:
        view = SectionView(shown)
        view.opened.connect(self.opened)
        view.all_wanted.connect(self.all_wanted)
        self._column.insertWidget(self._column.count() - 2, view)
        return view

    def _jump(self, item: QListWidgetItem) -> None:
        row = self._index.row(item)
        if row == len(self.sections):
            self.history.open()
        section = self.sections[row] if row < len(self.sections) else self.history
        self._area.verticalScrollBar().setValue(section.pos().y())
