"""导出: look at what goes, choose the medium, write and check it, print the hand-over sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QCheckBox

from desktop.ui.factlist import Fact, FactList, Section
from desktop.ui.jobline import size_text
from desktop.ui.media.flow import Flow, MediumForm, make_button, paragraph
from desktop.ui.media.sheet import SheetButtons
from desktop.ui.notify import WARNING
from desktop.ui.plain import plain_label
from desktop.ui.tables.plain import PlainColumn, PlainRow, PlainTable
from desktop.ui.theme import TOKENS
from desktop.ui.words import moment
from desktop.work.jobs import Job, Progress
from shared import gaps
from shared.errors import YizhanError
from shared.gaps import Span

if TYPE_CHECKING:
    from desktop.work.attachments import Waiting
    from desktop.work.desk import Desk
    from desktop.work.media import ExportPlan, ExportResult, HandOver
    from desktop.work.media_pieces import Carried
    from desktop.work.syncing import PendingType

STEPS = ("核对将要带走的数据", "选择介质", "写入并校验", "打印介质交接单")
_PROMISE = (
    "数据导出后仍留在本机，状态为“已封装”，收到中心的回执才算入库。"
    "介质丢失不会丢数据，可以再次导出；拾到的人没有密钥，打不开。"
)
_DISC = "文件名改用光盘都能保存的英文，再用刻录软件把该文件夹刻到光盘上"


class ExportFlow(Flow):
    """Leads through one export; may be repeated at will."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, STEPS)
        self._result: ExportResult | None = None
        self._lacking: tuple[Span, ...] = ()
        self.plan_facts = FactList(7)
        self.types = PlainTable(
            "将要带走的内容",
            (
                PlainColumn("类型", 24, "left", grows=True),
                PlainColumn("记录", 10, "right"),
                PlainColumn("变更", 10, "right"),
            ),
            "类",
        )
        self.types.set_empty_words("没有待上报的数据", "仍可导出：交换包会请中心把给本单位的数据和回执带回来")
        self.types.setMinimumHeight(240)
        self.with_attachments = QCheckBox("附件一并导出")
        self.with_attachments.setChecked(True)
        self.add_page(
            self.plan_facts, self.with_attachments, paragraph(_PROMISE, muted=True), self.types, name="核对"
        )
        self.medium = MediumForm(desk, "存放位置", "U 盘上的文件夹；供刻录时可以是本机的文件夹")
        self.for_burning = QCheckBox("导出到文件夹供刻录光盘")
        self.for_burning.setToolTip(_DISC)
        self.add_page(self.medium, self.for_burning, paragraph(_DISC, muted=True), name="选择介质")
        self._written = plain_label()
        self._written.setProperty("tileValue", True)
        self.result_facts = FactList(5)
        self.add_page(self._written, self.result_facts, name="写入并校验")
        self.sheet_facts = FactList(6, columns=2)
        self.sheet = SheetButtons(desk, self.messages)
        self.add_page(
            paragraph("交接单与介质一起交给接收人，双方核对指纹后签字，各留一份。"),
            self.sheet_facts, self.sheet, name="打印介质交接单",
        )  # fmt: skip

    def start(self, lacking: tuple[Span, ...] = ()) -> None:
        """From the beginning.

        :param lacking: numbers the hub lacks: what waits there for them does not travel again.
        """
        self._result = None
        self._lacking = lacking
        self.messages.clear()
        self.medium.load()
        self.show_page(0)
        self.set_buttons(make_button("下一步", self._choose_medium, primary=True))
        media, syncing, attachments = self.desk.media, self.desk.syncing, self.desk.attachments
        self.desk.jobs.run(
            "核对将要带走的数据",
            lambda _: (
                media.plan_export(lacking=bool(lacking)), syncing.pending_types(lacking=bool(lacking)),
                attachments.waiting(),
            ),
            lambda found: self._show_plan(*found),
            self.failed, quiet=True, owner=self,
        )  # fmt: skip

    def result(self) -> ExportResult | None:
        """What was written."""
        return self._result

    # --- steps -----------------------------------------------------------------
    def _show_plan(self, plan: ExportPlan, types: list[PendingType], attached: Waiting) -> None:
        count, size = attached.to_send, size_text(attached.to_send_bytes)
        self.with_attachments.setText(f"附件一并导出（{count:,} 个，{size}）" if count else "没有待传的附件")
        self.with_attachments.setEnabled(bool(count))
        before = f"其中 {plan.exported_before:,} 个以前导出过，中心还没有回执，会再次带上"
        sets = f"{plan.sets:,} 个" + (f"（{before}）" if plan.exported_before else "")
        if self._lacking:
            lacked = gaps.said(self._lacking)
            sets = f"{plan.sets:,} 个：中心缺少的第 {lacked} 号，和此后新录入的；已在中心等候的不再带"
        self.plan_facts.set_sections(
            [
                (
                    "",
                    [
                        Fact("接收方", plan.hub_name),
                        Fact("待上报变更", f"{plan.changes:,} 条", "wait" if plan.changes else "good"),
                        Fact("变更集", sets),
                        Fact("同时请中心", "签发回执，并带回给本单位的数据"),
                    ],
                )
            ]
        )
        rows = [PlainRow((t.title, f"{t.records:,}", f"{t.changes:,}")) for t in types]
        self.types.set_rows(rows, f"共 {sum(t.records for t in types):,} 条记录、{plan.changes:,} 条变更")

    def _choose_medium(self) -> None:
        self.show_page(1)
        self.messages.clear()
        back = make_button("上一步", lambda: self.start(self._lacking))
        self.set_buttons(make_button("写入介质", self.write, primary=True), back)
        self.medium.setFocus()

    def write(self) -> Job | None:
        """Seal, write, read back."""
        if self.job_line.busy or not self.medium.check():
            return None
        media, folder, medium = self.desk.media, self.medium.path(), self.medium.medium()
        burning, lacking = self.for_burning.isChecked(), bool(self._lacking)
        along = self.with_attachments.isEnabled() and self.with_attachments.isChecked()

        def work(progress: Progress) -> ExportResult:
            return media.export(
                folder, medium, progress, for_burning=burning, attachments=along, lacking=lacking
            )

        self._written.setText("正在写入，请不要拔出介质…")
        self._written.setStyleSheet("")
        self.result_facts.set_sections([])
        self.show_page(2)
        self.set_buttons(
            make_button("重试", self.write, primary=True), make_button("上一步", self._choose_medium)
        )
        return self.follow(
            self.desk.jobs.run(
                "写入介质",
                work,
                self._done,
                self._not_written,
                lane="alone",
                quiet=True,
                owner=self,
            )
        )

    def _not_written(self, error: YizhanError) -> None:
        self._written.setText("没有写入")
        self.failed(error)

    def _done(self, result: ExportResult) -> None:
        self._result = result
        carried = result.carried
        if carried is not None and carried.failed is not None:
            what = "附件没有带全" if carried.files else "附件没有带上"
            self.messages.say(WARNING, f"{what}：{carried.failed.message}", carried.failed.hint)
        burning = self.for_burning.isChecked()
        self._written.setText("已写入并回读核对，可以刻录了" if burning else "已写入并回读核对，可以拔出介质")
        self._written.setStyleSheet(f"color: {TOKENS.good};")
        self.result_facts.set_sections(
            [
                (
                    "",
                    [
                        Fact("文件", str(result.path)),
                        Fact("大小", size_text(result.size)),
                        Fact("指纹", result.fingerprint_text, "accent"),
                        Fact("交换包号", result.package_id),
                        *other_facts(result),
                    ],
                ),
                *_attachment_facts(carried),
            ]
        )
        self.sheet_facts.set_sections([("", hand_over_facts(result.hand_over))])
        self.sheet.offer(f"介质交接单-{result.package_id[-8:]}", lambda: _sheet(result.hand_over))
        self.set_buttons(make_button("下一步：打印交接单", self._show_sheet, primary=True))
        self.finished.emit()

    def _show_sheet(self) -> None:
        self.show_page(3)
        self.set_buttons(make_button("完成", self._leave))
        self.sheet.print_button.setFocus()

    def _leave(self) -> None:
        self.start()


def _attachment_facts(carried: Carried | None) -> list[Section]:
    """The packages of attachments beside the changes; the hub takes them in after those."""
    if carried is None:
        return []
    facts = [
        Fact("附件包", f"{one.path.name}　{size_text(one.size)}　指纹 {one.fingerprint_text}")
        for one in carried.files
    ]
    facts.append(Fact("送到中心", "与变更包放在同一个文件夹，中心会一并导入"))
    if carried.left:
        text = f"{carried.left:,} 个（{size_text(carried.left_bytes)}）：介质放不下，请换一个介质再导出一次"
        facts.append(Fact("没有带上", text, "wait"))
    return [("附件", facts)]


def other_facts(result: ExportResult) -> list[Fact]:
    """The packages before the last one, when one did not hold everything."""
    return [
        Fact("另有一个包", f"{one.path.name}，指纹 {one.fingerprint_text}；交接单在“往来登记”里打印")
        for one in result.others
    ]


def hand_over_facts(one: HandOver) -> list[Fact]:
    """A hand-over sheet on the screen."""
    return [
        Fact("介质类型", one.medium_type),
        Fact("介质编号", one.medium_number),
        Fact("移交单位", one.sent_from),
        Fact("接收单位", one.sent_to),
        Fact("内容", one.content),
        Fact("经办人", one.person),
        Fact("变更集", one.inside[0]),
        Fact("变更", one.inside[1]),
        Fact("大小", size_text(one.size)),
        Fact("生成时间", moment(one.created)),
        Fact("文件名", one.file_name),
        Fact("指纹", one.fingerprint, "accent"),
        *(
            Fact(f"附件包 {n}", f"{f.file_name}　{f.content}　{size_text(f.size)}　指纹 {f.fingerprint}")
            for n, f in enumerate(one.beside, 1)
        ),
    ]


def _sheet(one: HandOver) -> str:
    from desktop.work.printing import hand_over_sheet

    return hand_over_sheet(one)
