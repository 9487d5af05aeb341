"""One queue on a page: filter, what a step asks, the list, and the record beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from desktop.ui.pages.page import Panes
from desktop.ui.queues.detail import RecordDetail
from desktop.ui.queues.step_panel import StepPanel
from desktop.ui.tables.columns import Column
from desktop.ui.tables.filterbar import FilterBar
from desktop.ui.tables.view import RecordTable
from desktop.work.jobs import Jobs
from shared.filters import Filter
from shared.lifecycle import WorkQueue

if TYPE_CHECKING:
    from desktop.work.records import Records, Row


@dataclass(frozen=True, slots=True)
class Segment:
    """A queue as one segment of a page.

    :param empty: what an empty list says, and what to do then.
    :param columns: fields shown, where the declared columns are too many.
    :param hides: fields that only the program reads, left out beside the list.
    :param standing: whether it matters where these records stand on their way to the hub.
    """

    queue: WorkQueue
    title: str
    empty: tuple[str, str] = ("没有待办", "")
    columns: tuple[str, ...] = ()
    standing: bool = True
    hides: tuple[str, ...] = ()


def combined(queue: Filter, asked: Filter) -> Filter:
    """What the queue is, and what the person asked for on top (its conditions are among those asked)."""
    return replace(queue, conditions=asked.conditions, text=asked.text, order=asked.order or queue.order)


class QueueView(QWidget):
    """The content of one segment; ``chosen(row)`` and ``opened(row)`` tell the page."""

    chosen = Signal(object)
    opened = Signal(object)

    def __init__(
        self,
        segment: Segment,
        records: Records,
        jobs: Jobs,
        columns: Sequence[Column],
        share: float = 0.66,
    ) -> None:
        super().__init__()
        self.segment = segment
        self.declared = records.type(segment.queue.type_name)
        self.bar = FilterBar(self.declared, records, jobs, fixed=segment.queue.filter.conditions)
        self.panel = StepPanel(self.declared, records, jobs)
        self.table = RecordTable(self.declared, records, jobs, columns)
        self.table.set_empty_words(*segment.empty)
        self.detail = RecordDetail(records, jobs, "选中左侧一条，在这里查看详情", segment.hides)
        self.side = QStackedWidget()
        self.side.addWidget(self.detail)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.bar)
        column.addWidget(self.panel)
        column.addWidget(Panes(self.table, self.side, share), 1)
        self.bar.changed.connect(self._ask)
        self.panel.closed.connect(self.table.setFocus)
        self.table.activated.connect(self.opened)
        self.table.selection_changed.connect(self._selected)
        self.table.model.counted.connect(self._loaded)
        self.setFocusProxy(self.table)
        self._asked = False
        self._wanted = ""

    def load(self) -> None:
        """Read the list, or read it again where it stands."""
        if self._asked:
            self.table.reload()
        else:
            self._ask(self.bar.filter())

    def show_filter(self, wanted: Filter) -> None:
        """Narrow the list to this."""
        self.bar.set_filter(wanted)

    def look_for(self, record_id: str) -> None:
        """Make this record current once the list is read."""
        self._wanted = record_id
        self.bar.clear()

    def want(self, record_id: str) -> None:
        """Make this record current after the next reading, if it is in the list."""
        self._wanted = record_id

    def show_side(self, widget: QWidget | None) -> None:
        """Put something else beside the list (a form); None = the record's detail."""
        if widget is not None and self.side.indexOf(widget) < 0:
            self.side.addWidget(widget)
        self.side.setCurrentWidget(widget or self.detail)

    def name_of(self, row: Row) -> str:
        """A record in a few words, as its own list shows it."""
        names = [c.name for c in self.table.model.columns]
        position = self.table.model.position_of(row.id)
        label = self.declared.label
        if position is None or label not in names:
            return self.declared.title
        return self.table.model.text_at(position, names.index(label))

    def _ask(self, asked: Filter) -> None:
        self._asked = True
        narrowed = len(asked.conditions) > len(self.segment.queue.filter.conditions) or bool(asked.text)
        words = ("没有符合条件的记录", "换个条件，或点“清除”") if narrowed else self.segment.empty
        self.table.set_empty_words(*words)
        self.table.set_filter(combined(self.segment.queue.filter, asked))

    def _loaded(self, count: int) -> None:
        """Something is always chosen: the keys work at once."""
        wanted, self._wanted = self._wanted, ""
        if wanted and self.table.select(wanted):
            return
        if count and self.table.current() is None:
            self.table.grid.selectRow(0)

    def _selected(self, row: Row | None) -> None:
        self.detail.show_record(self.declared, row)
        self.chosen.emit(row)
