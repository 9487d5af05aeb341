"""A page of work queues: segments, lists, and the steps open there, all from declarations.

A later kind of work needs a :class:`~shared.lifecycle.WorkQueue` and a
:class:`Segment`; buttons, fields asked, counts and colours follow from them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QStackedWidget

from desktop.ui.actions import Action, button
from desktop.ui.notify import SUCCESS, WARNING
from desktop.ui.pages.page import Page
from desktop.ui.queues.deadline import deadline_column
from desktop.ui.queues.segments import Segments
from desktop.ui.queues.steps import Taken, asked, is_open, known, take_all
from desktop.ui.queues.view import QueueView, Segment
from desktop.ui.tables.columns import Column, columns_for
from desktop.work.jobs import Job, Progress
from shared.errors import AccessDenied, YizhanError
from shared.filters import Filter
from shared.lifecycle import Transition
from shared.record import RecordType
from shared.supervision.deadlines import Deadline

if TYPE_CHECKING:
    from desktop.work.desk import Desk
    from desktop.work.records import Row

STEP_KEYS = ("F2", "F3", "F4", "F6", "F7")


class WorkQueuePage(Page):
    """Segments over one stack of :class:`QueueView`; views are made when first looked at."""

    share = 0.66
    """Part of the width the list takes."""

    def __init__(
        self,
        desk: Desk,
        name: str,
        title: str,
        icon_name: str,
        segments: Sequence[Segment],
    ) -> None:
        super().__init__(name, title, icon_name)
        self.desk = desk
        self._segments = {s.queue.name: s for s in segments}
        self._views: dict[str, QueueView] = {}
        self._stale: set[str] = set()
        self._steps: dict[str, tuple[Transition, str]] = {}
        self._buttons: list[tuple[QPushButton, Collection[str] | None]] = []
        self.bar = Segments([(s.queue.name, s.title) for s in segments], f"{title}分栏")
        self.bar.chosen.connect(self._turn)
        self.stack = QStackedWidget()
        self._tools = QHBoxLayout()
        self._tools.setSpacing(8)
        top = QHBoxLayout()
        top.setSpacing(12)
        top.addWidget(self.bar)
        top.addStretch(1)
        top.addLayout(self._tools)
        self.body.addLayout(top)
        self.body.addWidget(self.stack, 1)
        self._offer_steps()
        self.offer(Action("find", "查找", lambda: self.view.bar.focus_search(), "Ctrl+F", "search"))
        self.offer(Action("reload", "刷新", lambda: self.reload_all(), "F5", "refresh"))
        for place, segment in enumerate(segments):
            key = f"Ctrl+{place + 1}" if place < 9 else ""
            run = partial(self.bar.choose, segment.queue.name)
            self.offer(Action(f"segment_{segment.queue.name}", f"查看{segment.title}", run, key))

    # --- for subclasses ------------------------------------------------------
    def take(self, row: Row, transition: Transition, raw: dict[str, str]) -> None:
        """In a write job: the step itself. A use case with rules of its own goes here."""
        declared = self.desk.records.type(self._steps[transition.name][1])
        whole = {**known(declared, transition, self.desk.records.actor.user), **raw}
        self.desk.records.step(declared, row.id, transition.name, whole, initiator=self.name)

    def judge(self, segment: Segment) -> Callable[[Row], Deadline] | None:
        """How urgent an entry of this queue is; None = it has no deadline."""
        return None

    def taken(self, transition: Transition, found: Taken) -> None:
        """A step was taken; the lists are being read again."""

    def turned(self) -> None:
        """Another segment came to the front."""

    def chosen(self, row: Row | None) -> None:
        """Another record of the list is current; buttons follow."""
        self.update_actions()

    def opened(self, row: Row) -> None:
        """Enter, double click or 打开: by default the entity it is about."""
        about = self.view.declared.about
        entity = str(row.values.get(about) or "") if about else row.id
        if entity:
            self.open_page.emit("entities", {"id": entity})

    def add_button(
        self, made: QAction, segments: Collection[str] | None = None, *, primary: bool = False
    ) -> QPushButton:
        """A button beside the segments; shown only while one of ``segments`` is in front."""
        push = button(made, primary=primary)
        if made.shortcut().toString():
            made.setToolTip(f"{made.text()}（{made.shortcut().toString()}）")
        self._buttons.append((push, segments))
        self._tools.addWidget(push)
        return push

    # --- Page ------------------------------------------------------------------
    @property
    def view(self) -> QueueView:
        """The segment in front."""
        return self._view(self.bar.current)

    def shown(self, params: dict[str, Any]) -> None:
        wanted = params.get("filter")
        name = str(params.get("queue") or "")
        if isinstance(wanted, Filter):
            name = next((n for n, s in self._segments.items() if s.queue.filter == wanted), "")
        if name in self._segments:
            self.bar.choose(name)
        elif isinstance(wanted, Filter):
            self.bar.choose(list(self._segments)[-1])
            self.view.show_filter(wanted)
        if params.get("id"):
            self.bar.choose(list(self._segments)[-1])
            self.view.look_for(str(params["id"]))
        elif not isinstance(wanted, Filter) or name:
            self._turn(self.bar.current)
        self._count()
        self.view.setFocus()

    def refresh(self, types: frozenset[str]) -> None:
        touched = {n for n, s in self._segments.items() if types & _types_of(s)}
        if touched:
            self._stale |= touched
            self._turn(self.bar.current)
            self._count()

    # --- segments ------------------------------------------------------------
    def _view(self, name: str) -> QueueView:
        view = self._views.get(name)
        if view is None:
            segment = self._segments[name]
            records = self.desk.records
            declared = records.type(segment.queue.type_name)
            view = QueueView(
                segment, records, self.desk.jobs, self._columns_of(declared, segment), self.share
            )
            view.chosen.connect(partial(self._chosen_in, name))
            view.opened.connect(self.opened)
            self._views[name] = view
            self._stale.add(name)
            self.stack.addWidget(view)
        return view

    def _chosen_in(self, name: str, row: Row | None) -> None:
        """A list that was read again when another had come in front already changes nothing."""
        if name == self.bar.current:
            self.chosen(row)

    def _columns_of(self, declared: RecordType, segment: Segment) -> list[Column]:
        found = list(columns_for(declared, segment.columns or None, standing=segment.standing))
        judge = self.judge(segment)
        if judge is not None:
            names = [c.name for c in found]
            after = segment.queue.deadline or "due_on"
            place = names.index(after) + 1 if after in names else len(found) - 1
            found.insert(place, deadline_column(judge))
        return found

    def _turn(self, name: str) -> None:
        view = self._view(name)
        self.stack.setCurrentWidget(view)
        if name in self._stale:
            self._stale.discard(name)
            view.load()
        for push, segments in self._buttons:
            push.setVisible(segments is None or name in segments)
        self.update_actions()
        self.turned()

    def reload_all(self, select: str = "") -> None:
        """Read lists and counts again; ``select`` is the record to stand on."""
        self._stale |= set(self._views)
        self.view.want(select)
        self._turn(self.bar.current)
        self._count()

    def _count(self) -> None:
        records = self.desk.records

        def work(_: object) -> dict[str, int | None]:
            return {n: self._count_of(records.type(s.queue.type_name), s) for n, s in self._segments.items()}

        def done(counts: dict[str, int | None]) -> None:
            for name, count in counts.items():
                self.bar.set_count(name, count)

        self.desk.jobs.run("统计待办", work, done, self.report, quiet=True, owner=self, newest=True)

    def _count_of(self, declared: RecordType, segment: Segment) -> int | None:
        try:
            return self.desk.records.count(declared, segment.queue.filter)
        except AccessDenied:
            return None

    # --- steps -----------------------------------------------------------------
    def _offer_steps(self) -> None:
        for segment in self._segments.values():
            declared = self.desk.records.type(segment.queue.type_name)
            for name in segment.queue.transitions:
                cycle = declared.lifecycle
                assert cycle is not None, f"{declared.name} has no lifecycle"
                if name not in self._steps:
                    self._offer_step(cycle.transition(name), declared)

    def _offer_step(self, transition: Transition, declared: RecordType) -> None:
        key = STEP_KEYS[len(self._steps)] if len(self._steps) < len(STEP_KEYS) else ""
        self._steps[transition.name] = (transition, declared.name)
        made = self.offer(
            Action(
                transition.name,
                transition.title,
                partial(self._begin, transition),
                key,
                enabled=partial(self._may_step, transition),
            )
        )
        where = {n for n, s in self._segments.items() if transition.name in s.queue.transitions}
        self.add_button(made, where, primary=not self._buttons)

    def _may_step(self, transition: Transition) -> bool:
        view = self.view
        row = view.table.current()
        return (
            transition.name in view.segment.queue.transitions
            and row is not None
            and is_open(self.desk.records, view.declared, row, transition)
        )

    def _begin(self, transition: Transition) -> Job | None:
        """Ask what the step needs, or take it at once."""
        view = self.view
        rowids = view.table.selected_rowids()
        row = view.table.current()
        if row is None or not rowids:
            return None
        fields = asked(view.declared, transition)
        run = partial(self._step, view, transition, list(rowids))
        if not fields:
            return run({})
        about = f"所选 {len(rowids):,} 条" if len(rowids) > 1 else view.name_of(row)
        view.panel.ask(transition.title, about, fields, run)
        return None

    def _step(self, view: QueueView, transition: Transition, rowids: list[int], raw: dict[str, str]) -> Job:
        records = self.desk.records

        def work(progress: Progress) -> Taken:
            return take_all(records, view.declared, rowids, transition, raw, self.take, progress)

        def done(found: Taken) -> None:
            view.panel.close_panel()
            self._tell(transition, view.declared, found)
            self.reload_all()
            self.taken(transition, found)

        def failed(error: YizhanError) -> None:
            if view.panel.isVisible():
                view.panel.refuse(error)
            else:
                self.report(error)

        return self.desk.jobs.run(transition.title, work, done, failed, lane="write", owner=self)

    def _tell(self, transition: Transition, declared: RecordType, found: Taken) -> None:
        text = f"已{transition.title} {len(found.done):,} 条{declared.title}，待同步。"
        if found.refused:
            self.messages.say(WARNING, f"{text} 另有 {len(found.refused):,} 条未办：", str(found.refused[0]))
        elif found.skipped:
            left = f"另有 {found.skipped:,} 条当前状态不能{transition.title}，未动。"
            self.messages.say(WARNING, text, left)
        else:
            self.messages.say(SUCCESS, text)


def _types_of(segment: Segment) -> set[str]:
    """Types whose changes change this list."""
    return {segment.queue.type_name, *(r.declared.name for r in segment.queue.filter.related)}
