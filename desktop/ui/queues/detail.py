"""One record to read beside the list: what is filled in, by group, nothing to type."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from desktop.ui.factlist import Fact, FactList, Section, scrolled
from desktop.work.jobs import Job, Jobs
from shared.errors import YizhanError
from shared.fields import Kind
from shared.record import RecordType

if TYPE_CHECKING:
    from desktop.work.records import Records, Row

_ENTITY_FACTS = ("name", "uscc", "status", "legal_person", "address", "phone", "scope")


class RecordDetail(QWidget):
    """Shows the chosen record, and the entity it is about."""

    def __init__(self, records: Records, jobs: Jobs, empty: str, hides: Collection[str] = ()) -> None:
        super().__init__()
        self._hides = frozenset(hides)
        self.setAccessibleName("详情")
        self._records, self._jobs, self._empty = records, jobs, empty
        self._job: Job | None = None
        self._heading = QLabel()
        self._heading.setWordWrap(True)
        self._heading.setTextFormat(Qt.TextFormat.PlainText)
        self.facts = FactList(label_chars=8)
        self._area = scrolled(self.facts, "详情内容")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._heading)
        column.addWidget(self._area, 1)
        self._put("", [])

    def show_record(self, declared: RecordType, row: Row | None) -> None:
        """Show this one; None = say what to do."""
        if self._job is not None:
            self._job.cancel()
        if row is None:
            self._put("", [])
            return
        hides = self._hides
        self._job = self._jobs.run(
            f"读取{declared.title}",
            lambda _: (_title(self._records, declared, row), _sections(self._records, declared, row, hides)),
            lambda found: self._put(*found),
            _leave_as_it_is,
            quiet=True,
            owner=self,
        )

    def _put(self, title: str, sections: list[Section]) -> None:
        self._heading.setText(title or self._empty)
        self._heading.setProperty("strong", bool(title))
        self._heading.setProperty("muted", not title)
        self._heading.style().unpolish(self._heading)
        self._heading.style().polish(self._heading)
        self.facts.set_sections(sections)
        self._area.verticalScrollBar().setValue(0)


def _title(records: Records, declared: RecordType, row: Row) -> str:
    field = declared.by_name.get(declared.label)
    value = row.values.get(declared.label)
    return records.show(field, value) if field is not None and value else declared.title


def _sections(
    records: Records, declared: RecordType, row: Row, hides: frozenset[str]
) -> list[Section]:
    """Filled fields by group; then what one must know of the entity to go there."""
    cycle = declared.lifecycle
    groups: dict[str, list[Fact]] = {}
    for one in declared.own_fields:
        value = row.values.get(one.name)
        if value in (None, "") or one.derive_from or one.name in {declared.label, declared.about, *hides}:
            continue
        shade = cycle.state(str(value)).tone if cycle is not None and one.name == cycle.field else "plain"
        unit = f" {one.unit}" if one.kind is Kind.MONEY else ""
        groups.setdefault(one.group, []).append(Fact(one.title, records.show(one, value) + unit, shade))
    sections: list[Section] = list(groups.items())
    about = str(row.values.get(declared.about) or "") if declared.about else ""
    return [*sections, *_entity(records, about)]


def _entity(records: Records, entity_id: str) -> list[Section]:
    declared = records.type("market_entity")
    row = records.get(declared, entity_id) if entity_id else None
    if row is None:
        return []
    shown = [declared.by_name[n] for n in _ENTITY_FACTS if row.values.get(n)]
    return [(declared.title, [Fact(f.title, records.show(f, row.values[f.name])) for f in shown])]


def _leave_as_it_is(_: YizhanError) -> None:
    """Another record was chosen meanwhile; a store that is gone is told by the table."""
