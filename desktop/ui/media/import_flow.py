"""导入: choose the file, read the report, confirm or pass on, keep the intake record."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QPlainTextEdit

from desktop.ui.factlist import Fact, FactList
from desktop.ui.forms.small import PathLine, SmallForm
from desktop.ui.media.export_flow import hand_over_facts, other_facts
from desktop.ui.media.flow import Flow, MediumForm, make_button, paragraph
from desktop.ui.media.report_view import ReportView
from desktop.ui.media.sheet import SheetButtons
from desktop.ui.theme import TOKENS
from desktop.ui.words import OUTCOMES, moment
from desktop.work.jobs import Job

if TYPE_CHECKING:
    from desktop.work.desk import Desk
    from desktop.work.media import AppliedReport, ExportResult, Received

STEPS = ("选择文件", "查看校验报告", "确认", "打印单据")
_READS = "先把文件复制到本机再核验，介质可以是只读的（光盘、写保护的 U 盘）；在您确认之前不会改动任何数据。"
_COURIER = (
    "这个交换包由其他设备封装，本机打不开。可以把它原样送到中心，再把中心的回件写到介质上，由原单位带回。"
)
_CARRY = "请把介质上的文件原样交给接收方；本机没有改动它，也没有需要写入的内容。"


class ImportFlow(Flow):
    """Leads through one import."""

    conflicts_wanted = Signal()
    problems_wanted = Signal()
    sync_wanted = Signal()
    courier_wanted = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, STEPS)
        self._received: Received | None = None
        self.file = PathLine("驿站交换包 (*.yzp);;所有文件 (*)", "选择交换包文件")
        self.file_form = SmallForm(5)
        self.file_form.add("file", "交换包文件", self.file, "扩展名为 .yzp")
        self.medium = MediumForm(desk)
        self.load_words = paragraph("")
        self.load_words.hide()
        about = paragraph(_READS, muted=True)
        self.add_page(self.load_words, self.file_form, self.medium, about, name="选择文件")
        self.report = ReportView()
        self.add_page(self.report, name="校验报告")
        self._asked = QLabel()
        self._asked.setWordWrap(True)
        self.analysis = QPlainTextEdit()
        self.analysis.setFixedHeight(72)
        self.answer_folder = PathLine(dialog_title="选择存放回件的文件夹")
        self.confirm_form = SmallForm(6)
        self.confirm_form.add("folder", "回件存放", self.answer_folder, "通常就是对方带来的介质")
        self.confirm_form.add(
            "analysis", "人工分析", self.analysis, "数据异常时的分析与技术处理，记入入库记录单；没有可不填"
        )
        self.add_page(self._asked, self.confirm_form, name="确认")
        self._result = QLabel()
        self._result.setProperty("tileValue", True)
        self._result.setWordWrap(True)
        self.result_facts = FactList(6, columns=2)
        self.sheet = SheetButtons(desk, self.messages)
        self.add_page(self._result, self.result_facts, self.sheet, name="入库记录单")
        self.file.entered.connect(self.examine)

    def start(self) -> None:
        """From the beginning; an examined copy is dropped."""
        self.drop()
        self.messages.clear()
        self.medium.load()
        self.analysis.clear()
        self.file_form.clear_problems()
        self.desk.jobs.run(
            "首批数据", lambda _: self.desk.media.load_words(), self._show_load, self.failed,
            quiet=True, owner=self, newest=True,
        )  # fmt: skip
        self.show_page(0)
        self.set_buttons(make_button("核验", self.examine, primary=True))
        self.file.setFocus()

    def _show_load(self, words: str) -> None:
        """Which volumes of a first load are here, and which are missing."""
        self.load_words.setText(f"{words}。请依次选择其余的分卷，先后不限。" if words else "")
        self.load_words.setVisible(bool(words))

    def drop(self) -> None:
        """Forget the examined package."""
        if self._received is not None:
            self._received.close()
            self._received = None

    @property
    def received(self) -> Received | None:
        """The examined package."""
        return self._received

    # --- 1: the file -------------------------------------------------------------
    def examine(self) -> Job | None:
        """Copy to the spool and verify."""
        path = self.file.path()
        self.file_form.set_problem("file", "" if path else "请选择交换包文件")
        if self.job_line.busy or path is None:
            self.file.setFocus()
            return None
        if not self.medium.check():
            return None
        media = self.desk.media
        return self.follow(
            self.desk.jobs.run(
                "核验交换包",
                lambda p: media.receive(path, p),
                self._examined,
                self.failed,
                quiet=True,
                owner=self,
            )
        )

    # --- 2: the report -------------------------------------------------------------
    def _examined(self, received: Received) -> None:
        self.drop()
        self._received = received
        self.report.show_report(received.report)
        self.show_page(1)
        back = make_button("重新选择", self.start)
        match received.report.verdict.name:
            case "APPLY":
                self.set_buttons(make_button("下一步：写入本机", self._ask_apply, primary=True), back)
            case "REPEATED":
                self.set_buttons(make_button("仍然登记一次", self._ask_apply), back)
            case "FORWARD":
                keep = make_button("收下，联网时再送", self.keep)
                self.set_buttons(make_button("下一步：转交中心", self._ask_forward, primary=True), keep, back)
            case "CARRY":
                self.report.setAccessibleDescription(_CARRY)
                self.set_buttons(back)
            case _:
                self.set_buttons(make_button("登记拒绝入库", self._ask_refuse), back)

    # --- 3: the decision -----------------------------------------------------------
    def _ask_apply(self) -> None:
        assert self._received is not None
        found = self._received.report.preview
        total = found.total + found.echoes if found else 0
        receipts = len(found.receipts) if found else 0
        load = f"{found.load.words}。{found.load.hint}\n" if found and found.load and found.load.fresh else ""
        self._ask(
            f"{load}确认后写入本机：{total:,} 条变更，{receipts:,} 个变更集的回执。"
            "可以重复导入，不会产生重复数据。",
            make_button("确认写入", self.apply, primary=True),
            folder=False, analysis=True,
        )  # fmt: skip

    def _ask_forward(self) -> None:
        assert self._received is not None
        source = self.file.path()
        self.answer_folder.set_path(source.parent if source else "")
        self._ask(_COURIER, make_button("转交中心", self.forward, primary=True), folder=True, analysis=False)

    def _ask_refuse(self) -> None:
        self._ask(
            "这个交换包不会写入本机。登记后留下一份“拒绝入库”的记录，便于与发出方核对。",
            make_button("登记拒绝入库", self.refuse, primary=True),
            folder=False, analysis=True,
        )  # fmt: skip

    def _ask(self, text: str, main: Any, *, folder: bool, analysis: bool) -> None:
        self._asked.setText(text)
        self.confirm_form.clear_problems()
        self.confirm_form.show_line("folder", folder)
        self.confirm_form.show_line("analysis", analysis)
        self.show_page(2)
        self.set_buttons(main, make_button("返回报告", self._back_to_report))

    def _back_to_report(self) -> None:
        if self._received is not None:
            received, self._received = self._received, None
            self._examined(received)

    def apply(self) -> Job | None:
        """Write what was examined."""
        if self.job_line.busy or self._received is None:
            return None
        media, received, medium = self.desk.media, self._received, self.medium.medium()
        analysis = self.analysis.toPlainText().strip()
        return self.follow(
            self.desk.jobs.run(
                "写入本机",
                lambda p: media.apply(received, medium, p, analysis),
                self._applied,
                self.failed,
                lane="alone",
                quiet=True,
                owner=self,
            )
        )

    def refuse(self) -> Job | None:
        """Keep the record of a refused package."""
        if self.job_line.busy or self._received is None:
            return None
        media, received, medium = self.desk.media, self._received, self.medium.medium()
        analysis = self.analysis.toPlainText().strip()
        return self.follow(
            self.desk.jobs.run(
                "登记拒绝入库",
                lambda _: media.refuse(received, medium, analysis),
                lambda values: self._show_intake("已登记：拒绝入库", TOKENS.danger, values, []),
                self.failed,
                lane="exchange",
                quiet=True,
                owner=self,
            )
        )

    def forward(self) -> Job | None:
        """Carry it to the hub and write the answer back."""
        if self.job_line.busy or self._received is None:
            return None
        folder = self.answer_folder.path()
        self.confirm_form.set_problem("folder", "" if folder else "请选择存放回件的文件夹")
        if folder is None:
            return None
        media, received, medium = self.desk.media, self._received, self.medium.medium()
        return self.follow(
            self.desk.jobs.run(
                "转交中心",
                lambda p: media.forward(received, folder, medium, p),
                self._forwarded,
                self.failed,
                lane="write",
                quiet=True,
                owner=self,
            )
        )

    def keep(self) -> Job | None:
        """Into the box; it goes to the hub with the next network."""
        if self.job_line.busy or self._received is None:
            return None
        courier, received = self.desk.courier, self._received
        return self.follow(
            self.desk.jobs.run(
                "收下代转", lambda _: courier.keep(received), lambda _: self._kept(), self.failed,
                lane="alone", quiet=True, owner=self,
            )
        )  # fmt: skip

    def _kept(self) -> None:
        self._leave()
        self.messages.say(
            "success", "已收下，可以拔出介质。", "下次同步时送往中心，中心的回件会放进代转箱。",
            button="打开代转箱", run=self.courier_wanted.emit,
        )  # fmt: skip

    # --- 4: the record -------------------------------------------------------------
    def _applied(self, done: AppliedReport) -> None:
        if done.repeated:
            text = "以前已经导入过，没有新内容"
        else:
            text = f"已入库：{done.changes:,} 条变更，{done.receipts:,} 份回执"
        text = done.load or text
        whole = done.complete or done.load
        more = [] if whole else [Fact("提示", "中心还有后续数据，请再导出一次取回", "wait")]
        if done.held:
            more.append(Fact("保留本机修改", f"{done.held:,} 处尚未同步的修改仍显示本机的值", "wait"))
        if done.arrived:
            more.append(Fact("介质送达", f"{done.arrived:,} 份交接单已由中心签收", "good"))
        problems = self._problems_brought()
        if problems:
            more.append(Fact("问题数据", f"{problems:,} 条，请到“问题数据”页面查看、整改", "wait"))
        self._show_intake(text, TOKENS.good, done.intake, more)
        if "conflict" in done.types and not done.load:
            self.messages.say(
                "warning", "其中有冲突需要处理。", button="处理冲突", run=self.conflicts_wanted.emit
            )
        elif done.trouble:
            counts = Counter(OUTCOMES.get(s.status, (s.status, ""))[0] for s in done.trouble)
            said = "、".join(f"{word} {n:,} 个" for word, n in counts.items())
            self.messages.say(
                "warning", f"本机上报的变更集中有：{said}。", "原因在“同步”页面逐个列出。",
                button="查看原因", run=self.sync_wanted.emit,
            )  # fmt: skip
        elif problems:
            self.messages.say(
                "warning", f"带来 {problems:,} 条问题数据。", "整改和申辩不需要网络，下次导出时一并带回。",
                button="查看问题数据", run=self.problems_wanted.emit,
            )  # fmt: skip

    def _problems_brought(self) -> int:
        """How many problems of the data, new or with news, the package held."""
        found = self._received.report.preview if self._received is not None else None
        one = found.changes.get("data_problem") if found is not None else None
        return one.total if one is not None else 0

    def _show_intake(self, text: str, colour: str, values: dict[str, Any], more: list[Fact]) -> None:
        self._result.setText(text)
        self._result.setStyleSheet(f"color: {colour};")
        codes = self.desk.records.codes
        facts = [
            Fact("介质类型", codes.name("介质类型", str(values["media_kind"]))),
            Fact("介质编号", str(values["media_no"])),
            Fact("来自", str(values["sent_from"] or "")),
            Fact("入库结论", codes.name("入库结论", str(values["outcome"]))),
            Fact("入库条数", f"{values['applied']:,}"),
            Fact("未入库条数", f"{values['refused']:,}"),
            Fact("入库时间", moment(values["received_at"])),
            Fact("指纹", str(values["fingerprint"]), "accent"),
            *more,
        ]
        self.result_facts.set_sections([("", facts)])
        self.sheet.offer("介质入库记录单", lambda: intake_html(self.desk, values))
        self._finish()

    def _forwarded(self, result: ExportResult) -> None:
        self._result.setText("已转交中心，回件已写入并核对，可以拔出介质")
        self._result.setStyleSheet(f"color: {TOKENS.good};")
        facts = hand_over_facts(result.hand_over) + other_facts(result)
        self.result_facts.set_sections([("", facts)])
        hand_over = result.hand_over

        def html() -> str:
            from desktop.work.printing import hand_over_sheet

            return hand_over_sheet(hand_over)

        self.sheet.offer(f"介质交接单-{result.package_id[-8:]}", html)
        self._finish()
        if result.carried is not None and result.carried.failed is not None:
            failed = result.carried.failed
            self.messages.say("warning", f"有附件包没有转交：{failed.message}", failed.hint)

    def _finish(self) -> None:
        self.show_page(3)
        self.set_buttons(make_button("完成", self._leave))
        self.sheet.print_button.setFocus()
        self.drop()
        self.finished.emit()

    def _leave(self) -> None:
        self.file.set_path("")
        self.start()


def intake_html(desk: Desk, values: dict[str, Any]) -> str:
    """The intake sheet of a record; asked for in a job."""
    from desktop.work.printing import intake_sheet

    return intake_sheet(values, desk.session.bureau.name, desk.records.show)
