"""审计核验: one button goes through every chain and signature; below, what was done here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from desktop.ui.actions import Action, button
from desktop.ui.jobline import JobLine
from desktop.ui.notify import ERROR, SUCCESS
from desktop.ui.pages.page import Page
from desktop.ui.tables.plain import PlainColumn, PlainRow, PlainTable
from desktop.ui.words import NOTHING, moment
from desktop.work.auditing import Act, HubFound, Proof
from desktop.work.jobs import Job

if TYPE_CHECKING:
    from desktop.work.desk import Desk

_PROOFS = (
    PlainColumn("核验内容", 20, "left"),
    PlainColumn("已核验", 12, "right"),
    PlainColumn("结论", 10),
    PlainColumn("说明", 40, "left", grows=True),
)
_ASK_HUB = "点“核验审计链”，中心在下次同步或介质交换时一并核验自己的数据"
_ACTS = (
    PlainColumn("时间", 20),
    PlainColumn("人员", 12),
    PlainColumn("行为", 14),
    PlainColumn("内容", 40, "left", grows=True),
)


class Proofs(QWidget):
    """What was checked with its result, and the latest acts on this device."""

    def __init__(self, desk: Desk, page: Page) -> None:
        super().__init__()
        self._desk = desk
        self._page = page
        self._running: Job | None = None
        prove = page.offer(Action("prove", "核验审计链", self.prove, "", "check", self._may_start))
        self.button = button(prove, primary=True)
        self.job_line = JobLine(desk.jobs)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.button)
        row.addWidget(self.job_line, 1)
        row.addStretch(0)
        self.results = PlainTable("核验结果", _PROOFS, "项")
        self.results.set_empty_words("还没有核验", "点“核验审计链”，逐条核对审计记录、变更日志、签名和回执")
        self.acts = PlainTable("本机行为记录", _ACTS, "条")
        self.acts.set_empty_words("还没有记录", "登录、导出、导入、打印等都会记在这里")
        both = QSplitter(Qt.Orientation.Vertical)
        both.setChildrenCollapsible(False)
        both.setHandleWidth(13)
        both.addWidget(self.results)
        self.hub = PlainTable("中心核验结果", _PROOFS, "项")
        self.hub.set_empty_words("中心还没有核验", _ASK_HUB)
        self.hub.setVisible(desk.auditing.may_ask_hub)
        both.addWidget(self.hub)
        both.addWidget(self.acts)
        both.setSizes([220, 255, 175] if desk.auditing.may_ask_hub else [220, 0, 320])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(both, 1)

    def start(self) -> None:
        """Read the acts and the hub's last word again."""
        if self._desk.auditing.may_ask_hub:
            self._desk.jobs.run(
                "读取中心核验结果", lambda _: self._desk.auditing.of_hub(), self._show_hub, self._page.report,
                quiet=True, owner=self,
            )  # fmt: skip
        self._desk.jobs.run(
            "读取行为记录", lambda _: self._desk.auditing.acts(), self._show_acts, self._page.report,
            quiet=True, owner=self, newest=True,
        )  # fmt: skip

    def prove(self) -> Job | None:
        """Go through everything; may take a while with a long journal."""
        if not self._may_start():
            return None
        self._page.messages.clear()
        self._running = self._desk.jobs.run(
            "核验审计链", self._desk.auditing.prove, self._show, self._page.report, owner=self
        )
        self._page.update_actions()
        self._running.on_end(self._over)
        return self.job_line.follow(self._running)

    def _may_start(self) -> bool:
        return self._running is None or self._running.over

    def _over(self) -> None:
        self._page.update_actions()
        self.start()

    def _show(self, found: list[Proof]) -> None:
        self.results.set_rows([_proof_row(one) for one in found])
        broken = [one for one in found if not one.whole]
        if broken:
            said = "；".join(f"{one.title}{one.trouble}" for one in broken)
            self._page.messages.say(
                ERROR, f"核验发现 {len(broken)} 处不完整。",
                f"{said}。请保留现场，停止录入并联系中心管理员。",
            )
        else:
            total = sum(one.count for one in found)
            self._page.messages.say(SUCCESS, f"核验通过：{total:,} 条记录和签名完整，没有改动、缺失或截断。")

    def _show_hub(self, found: HubFound) -> None:
        waiting = "已请中心核验，下次同步或导入中心的介质时带回结果"
        self.hub.set_empty_words(
            "等待中心核验的结果" if found.wanted else "中心还没有核验",
            waiting if found.wanted else _ASK_HUB,
        )
        when = f"中心于 {moment(found.at)} 核验" if found.at else ""
        said = "；".join(t for t in (when, waiting if found.wanted and found.at else "") if t)
        self.hub.set_rows([_proof_row(one) for one in found.proofs], said)

    def _show_acts(self, acts: list[Act]) -> None:
        rows = [
            PlainRow((moment(a.at, seconds=True), a.who, a.what, a.detail or NOTHING), (), a) for a in acts
        ]
        self.acts.set_rows(rows, f"最近 {len(rows):,} 条")


def _proof_row(one: Proof) -> PlainRow:
    word, tone = ("完整", "good") if one.whole else ("有问题", "bad")
    return PlainRow((one.title, f"{one.count:,}", word, one.trouble or NOTHING), ((2, tone),), one)
