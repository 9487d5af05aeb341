"""问题数据: what is wrong with provided data, mended by who provided it and closed above (R52, R54)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QWidget

from desktop.ui.actions import Action
from desktop.ui.problems.finding import FindingPanel
from desktop.ui.problems.statistics import StatisticsPanel
from desktop.ui.queues.page import WorkQueuePage
from desktop.ui.queues.view import Segment
from desktop.work.todo import PAGES
from shared.filters import MY_BUREAU, Filter, Op
from shared.lifecycle import Transition, WorkQueue
from shared.supervision import queues
from shared.supervision.deadlines import Deadline

if TYPE_CHECKING:
    from desktop.work.desk import Desk
    from desktop.work.records import Row

_BELOW = Filter(order="due_on").where("provider", Op.NE, MY_BUREAU).where("state", Op.EQ, "open")
SENT = WorkQueue("sent_problems", "待下级整改", "data_problem", _BELOW, ("close",), deadline="due_on")
CLOSED = WorkQueue(
    "closed_problems", "已核销", "data_problem", Filter(order="-decided_at").where("state", Op.EQ, "closed")
)
ALL = WorkQueue(
    "all_problems", "全部", "data_problem", Filter(order="-entered_at"),
    ("mend", "plead", "close", "send_back"), deadline="due_on",
)  # fmt: skip

_WHAT = ("subject", "record_type", "kind")
_HIDES = ("record_id", "field")
_OURS = (
    Segment(
        queues.OPEN_PROBLEMS, "待整改", ("没有待整改的问题数据", "上级反馈的问题随同步或介质到达"),
        ("subject", "kind", "due_on"), hides=_HIDES,
    ),
)  # fmt: skip
_ABOVE = (
    Segment(
        queues.ANSWERED_PROBLEMS, "待核销", ("没有待核销的问题数据", "提供单位整改或申辩后出现在这里"),
        (*_WHAT, "provider", "state"), hides=_HIDES,
    ),
    Segment(
        SENT, "待下级整改", ("没有待下级整改的问题数据", "用“查找问题”，或在信息录入的表中选中后反馈"),
        ("subject", "kind", "due_on", "provider"), hides=_HIDES,
    ),
)  # fmt: skip
_REST = (
    Segment(
        CLOSED, "已核销", ("还没有核销过问题数据", ""), (*_WHAT, "provider"), standing=False, hides=_HIDES
    ),
    Segment(ALL, "全部", ("没有问题数据", ""), (*_WHAT, "provider", "state"), hides=_HIDES),
)


class ProblemsPage(WorkQueuePage):
    """``shown``: {"queue": name}, {"filter": Filter}, {"id": problem}."""

    share = 0.7

    def __init__(self, desk: Desk) -> None:
        raises = desk.problems.may_raise()
        segments = (*(_ABOVE if raises else ()), *_OURS, *_REST)
        self._finding: FindingPanel | None = None
        self._statistics: StatisticsPanel | None = None
        self._front: QWidget | None = None
        super().__init__(desk, "problems", "问题数据", "warning", segments)
        self.bar.chosen.connect(lambda _: self._back())
        look = self.offer(
            Action("open_record", "打开记录", self._open, "Ctrl+O", "edit", enabled=self._has_row)
        )
        self.add_button(look)
        if raises:
            find = Action("find_problems", "查找问题", self.show_finding, "Ctrl+N", "search")
            self.add_button(self.offer(find))
            count = Action("statistics", "统计", self.show_statistics, "", "chart")
            self.add_button(self.offer(count))

    @property
    def finding(self) -> FindingPanel:
        """The look through the records, made when first wanted."""
        if self._finding is None:
            self._finding = FindingPanel(self.desk, self.messages, self.name)
            self._finding.closed.connect(self._back)
            self._finding.told.connect(self.reload_all)
            self.stack.addWidget(self._finding)
        return self._finding

    @property
    def statistics(self) -> StatisticsPanel:
        """The figures, made when first wanted."""
        if self._statistics is None:
            self._statistics = StatisticsPanel(self.desk, self.messages)
            self._statistics.closed.connect(self._back)
            self.stack.addWidget(self._statistics)
        return self._statistics

    def shown(self, params: dict[str, Any]) -> None:
        if params:
            self._front = None
        super().shown(params)

    def judge(self, segment: Segment) -> Callable[[Row], Deadline] | None:
        if not segment.queue.deadline:
            return None
        return lambda row: self.desk.problems.deadline(row.values)

    def opened(self, row: Row) -> None:
        """The record it is about, to be mended there."""
        name = str(row.values["record_type"])
        params: dict[str, Any] = {"type": name, "id": row.values["record_id"]}
        self.open_page.emit(PAGES.get(name, "records"), params)

    def show_finding(self) -> None:
        """查找问题 in place of the lists."""
        self._show_instead(self.finding)
        self.finding.choice.setFocus()

    def show_statistics(self) -> None:
        """统计 in place of the lists."""
        self._show_instead(self.statistics)
        self.statistics.load()
        self.statistics.table.setFocus()

    def turned(self) -> None:
        """Lists that are read again behind something else do not put it away."""
        if self._front is not None:
            self.stack.setCurrentWidget(self._front)
            self.update_actions()

    # --- inside --------------------------------------------------------------
    def _has_row(self) -> bool:
        return self._front is None and self.view.table.current() is not None

    def _may_step(self, transition: Transition) -> bool:
        return self._front is None and super()._may_step(transition)

    def _open(self) -> None:
        row = self.view.table.current()
        if row is not None:
            self.opened(row)

    def _show_instead(self, widget: QWidget) -> None:
        self.messages.clear()
        self._front = widget
        self.turned()

    def _back(self) -> None:
        self._front = None
        self.stack.setCurrentWidget(self.view)
        self.view.setFocus()
        self.update_actions()
