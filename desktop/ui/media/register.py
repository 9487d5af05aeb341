"""往来登记: everything that went out or came in on media, its sheets, and the media themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QSplitter, QVBoxLayout, QWidget

from desktop.ui.choosing import Files
from desktop.ui.jobline import JobLine, size_text
from desktop.ui.media.again import AgainPanel
from desktop.ui.media.flow import make_button
from desktop.ui.media.import_flow import intake_html
from desktop.ui.media.sheet import SheetButtons
from desktop.ui.notify import SUCCESS, MessageBar
from desktop.ui.tables.plain import PlainColumn, PlainRow, PlainTable
from desktop.ui.words import NOTHING, moment
from desktop.work.jobs import Job

if TYPE_CHECKING:
    from desktop.work.desk import Desk
    from desktop.work.media_facts import ExportResult
    from desktop.work.media_register import Medium, Movement

ALL, OUT, IN, UNDER_WAY, LOST = "all", "out", "in", "under_way", "lost"
_KINDS = ((ALL, "全部往来"), (OUT, "导出"), (IN, "导入"), (UNDER_WAY, "已交出、未送达"), (LOST, "已丢失"))
_COLUMNS = (
    PlainColumn("时间", 17),
    PlainColumn("方向", 6),
    PlainColumn("介质编号", 15, "left"),
    PlainColumn("内容", 18, "left"),
    PlainColumn("对方", 18, "left"),
    PlainColumn("变更", 8, "right"),
    PlainColumn("状态", 10),
    PlainColumn("说明", 18, "left", grows=True),
)
_MEDIA = (
    PlainColumn("介质编号", 18, "left"),
    PlainColumn("类型", 22, "left"),
    PlainColumn("容量", 9, "right"),
    PlainColumn("保管人", 12, "left"),
    PlainColumn("状态", 10),
    PlainColumn("说明", 24, "left", grows=True),
)
STEPS = (("lose", "报失"), ("damage", "报损"), ("restore", "恢复使用"), ("destroy", "销毁"))


class Register(QWidget):
    """Movements above, registered media below."""

    def __init__(self, desk: Desk, messages: MessageBar) -> None:
        super().__init__()
        self._desk, self._messages = desk, messages
        self._found: list[Movement] = []
        self._wanted = ""
        """Id of a movement to be chosen as soon as it is in the list."""
        self.files = Files()
        self.search = QLineEdit()
        self.search.setPlaceholderText("介质编号、单位、指纹、交换包号")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("筛选介质往来")
        self.kind = QComboBox()
        self.kind.setAccessibleName("哪一类往来")
        for name, title in _KINDS:
            self.kind.addItem(title, name)
        self.table = PlainTable("介质往来", _COLUMNS, "次")
        self.table.set_empty_words("还没有介质往来", "导出或导入一次，这里就多一行，单据可以随时再打印")
        self.sheet = SheetButtons(desk, messages)
        self.sheet.print_button.setText("打印单据…")
        self.sheet.print_button.setProperty("primary", False)
        self.again_button = make_button("介质丢失，重新导出…", self._open_again)
        self.export_button = make_button("导出表格…", self.export)
        for tool in (self.sheet, self.again_button, self.export_button):
            self.table.add_tool(tool)
        self.job_line = JobLine(desk.jobs)
        self.again = AgainPanel(desk, self._again)
        self.again.hide()
        self.media = PlainTable("介质登记", _MEDIA, "个")
        self.media.set_empty_words("还没有登记介质", "导出或导入时填写编号，介质就登记在这里")
        self.reason = QLineEdit()
        self.reason.setPlaceholderText("报失、报损或销毁的原因")
        self.reason.setMaxLength(200)
        self.reason.setMinimumWidth(220)
        self.reason.setAccessibleName("介质状态变更的原因")
        self.media.add_tool(self.reason)
        self.steps = {name: make_button(title, lambda n=name: self.step(n)) for name, title in STEPS}
        for push in self.steps.values():
            self.media.add_tool(push)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.kind)
        line.addWidget(self.search, 1)
        both = QSplitter(Qt.Orientation.Vertical)
        both.setChildrenCollapsible(False)
        both.setHandleWidth(13)
        both.addWidget(self.table)
        both.addWidget(self.media)
        both.setStretchFactor(0, 3)
        both.setStretchFactor(1, 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(8)
        column.addLayout(line)
        column.addWidget(self.again)
        column.addWidget(self.job_line)
        column.addWidget(both, 1)
        self.search.textChanged.connect(lambda _: self._show())
        self.kind.currentIndexChanged.connect(lambda _: self._show())
        self.table.chosen.connect(self._selected)
        self.media.chosen.connect(self._medium_selected)
        self._selected(None)
        self._medium_selected(None)

    def start(self) -> None:
        """Read again."""
        register = self._desk.media.register
        self._desk.jobs.run(
            "读取介质往来", lambda _: (register.movements(), register.media()), self._read,
            self._messages.error, quiet=True, owner=self, newest=True,
        )  # fmt: skip

    # --- movements -------------------------------------------------------------
    def export(self) -> Job | None:
        """What is shown, as a workbook."""
        today = self._desk.session.store.clock.today()
        path = self.files.to_save(self, "导出介质往来", f"介质往来-{today:%Y%m%d}.xlsx")
        if path is None:
            return None
        session = self._desk.session
        rows = self.table.texts()
        facts = [
            ("导出人", session.actor.name), ("导出时间", moment(session.store.clock.stamp())),
            ("查询条件", f"{self.kind.currentText()} {self.search.text()}".strip()),
        ]  # fmt: skip

        def work(_: object) -> int:
            from shared.sheets.listing import write_listing

            return write_listing(path, "介质往来", [c.title for c in _COLUMNS], rows, facts)

        return self._desk.jobs.run(
            "导出介质往来", work, lambda n: self._messages.say(SUCCESS, f"已导出 {n:,} 条：{path}"),
            self._messages.error, owner=self,
        )  # fmt: skip

    def _read(self, found: tuple[list[Movement], list[Medium]]) -> None:
        self._found, media = found
        self._show()
        codes = self._desk.records.codes
        rows = []
        for m in media:
            size = f"{m.capacity:,} GB" if m.capacity else NOTHING
            kind = codes.name("介质类型", m.kind)
            texts = (m.number, kind, size, m.keeper or NOTHING, m.word, m.reason or NOTHING)
            rows.append(PlainRow(texts, ((4, m.tone),), m))
        self.media.set_rows(rows)

    def _show(self) -> None:
        """The chosen line stays chosen when the list is read again."""
        kind, word = str(self.kind.currentData()), self.search.text().strip().lower()
        before: Movement | None = self.table.current()
        chosen = self._wanted or (before.id if before is not None else "")
        shown = [m for m in self._found if _of_kind(m, kind) and _has(m, word)]
        self.table.set_rows([_row(m) for m in shown])
        if at := [i for i, m in enumerate(shown) if m.id == chosen]:
            self.table.select(at[0])
            self._wanted = ""

    def _selected(self, one: Movement | None) -> None:
        self.sheet.setEnabled(one is not None)
        self.again_button.setEnabled(one is not None and one.way == OUT and one.word in ("已交出", "已丢失"))
        if one is None:
            return
        values = dict(one.values)
        if one.way == IN:
            self.sheet.offer("介质入库记录单", lambda: intake_html(self._desk, values))
        else:
            name = f"介质交接单-{one.package_id[-8:]}"
            self.sheet.offer(name, lambda: _hand_over_html(self._desk, values))

    # --- lost ------------------------------------------------------------------
    def _open_again(self) -> None:
        one = self.table.current()
        if one is not None:
            self.again.open(one)

    def _again(self) -> Job | None:
        """Mark lost and export again."""
        one, media = self.again.movement, self._desk.media
        if one is None or self.job_line.busy or not self.again.check():
            return None
        folder, medium, reason = self.again.medium.path(), self.again.medium.medium(), self.again.said
        job = self._desk.jobs.run(
            "重新导出", lambda p: media.export_again(one.id, reason, folder, medium, p),
            self._exported,
            self._messages.error, lane="alone", quiet=True, owner=self,
        )  # fmt: skip
        job.on_end(self.start)
        return self.job_line.follow(job)

    def _exported(self, done: ExportResult) -> None:
        """The new line is chosen, so that 打印单据 prints its sheet and not that of the lost one."""
        self.again.hide()
        self._wanted = done.hand_over_id
        self.search.clear()
        self.kind.setCurrentIndex(0)
        words = f"已标记丢失并重新导出，可以拔出介质：{done.path}"
        self._messages.say(SUCCESS, words, "变更集与丢失的那份相同；请打印新的交接单。")

    # --- media -------------------------------------------------------------------
    def step(self, name: str) -> Job | None:
        """A step of the chosen medium."""
        one, register, reason = self.media.current(), self._desk.media.register, self.reason.text()
        if one is None:
            return None
        word = dict(STEPS)[name]

        def done(_: object) -> None:
            self.reason.clear()
            self._messages.say(SUCCESS, f"介质“{one.number}”：已{word}。")
            self.start()

        return self._desk.jobs.run(
            f"介质{word}", lambda _: register.step(one, name, reason), done, self._messages.error,
            lane="write", quiet=True, owner=self,
        )  # fmt: skip

    def _medium_selected(self, one: Medium | None) -> None:
        open_in = {
            "in_use": ("lose", "damage", "destroy"), "lost": ("restore", "destroy"),
            "damaged": ("restore", "destroy"),
        }  # fmt: skip
        allowed = open_in.get(one.state, ()) if one is not None else ()
        for name, push in self.steps.items():
            push.setEnabled(name in allowed)


def _of_kind(one: Movement, kind: str) -> bool:
    if kind in (OUT, IN):
        return one.way == kind
    if kind == UNDER_WAY:
        return one.word == "已交出"
    return kind == ALL or one.word == "已丢失"


def _has(one: Movement, word: str) -> bool:
    squeezed = word.replace(" ", "")
    mark = str(one.values.get("fingerprint") or "").replace(" ", "").lower()
    said = (one.medium_no, one.other, one.package_id, one.content, one.note)
    return not word or any(word in text.lower() for text in said) or squeezed in mark


def _row(one: Movement) -> PlainRow:
    changes = NOTHING if one.changes is None else f"{one.changes:,}"
    size = one.values.get("bytes")
    note = one.note or (size_text(int(size)) if size else NOTHING)
    way = "导出" if one.way == OUT else "导入"
    texts = (moment(one.at), way, one.medium_no, one.content, one.other or NOTHING, changes, one.word, note)
    return PlainRow(texts, ((6, one.tone),), one)


def _hand_over_html(desk: Desk, values: dict[str, object]) -> str:
    """The hand-over sheet of a record; asked for in a job."""
    from desktop.work.media_facts import of_record
    from desktop.work.printing import hand_over_sheet

    beside = desk.media.register.beside(values)
    return hand_over_sheet(of_record(values, desk.records.codes, desk.records.label, beside))
