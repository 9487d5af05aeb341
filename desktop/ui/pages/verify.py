"""核查: one question, an answer from the local data, and the evidence it rests on (R65, R181, N15)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from desktop.ui.actions import Action, button
from desktop.ui.choosing import Files
from desktop.ui.notify import SUCCESS
from desktop.ui.pages.page import Page, Panes
from desktop.ui.tables.columns import columns_for
from desktop.ui.tables.plain import PlainRow
from desktop.ui.tables.view import RecordTable
from desktop.ui.verifying.answer import AnswerView
from desktop.ui.verifying.candidates import Candidates, candidate_rows
from desktop.ui.verifying.content import Content, content_of, content_of_kept
from desktop.ui.verifying.intro import Intro
from desktop.ui.verifying.question import Question
from desktop.work.jobs import Job, Progress
from desktop.work.paper import Watermark, write_pdf
from desktop.work.printing import PENALTIES, PERMITS, SANCTIONS, verification_sheet
from desktop.work.verifying import Answer
from shared.errors import Rejected, YizhanError
from shared.filters import Filter

if TYPE_CHECKING:
    from desktop.work.desk import Desk
    from desktop.work.records import Row

PDFS = "PDF 文件 (*.pdf)"
_SECTIONS = ((PERMITS, "行政许可"), (SANCTIONS, "联合惩戒"), (PENALTIES, "行政处罚"))


class VerifyPage(Page):
    """``shown``: {"word": text}, {"entity": id}, {"id": earlier verification}, {"purpose": text}."""

    def __init__(self, desk: Desk, files: Files | None = None) -> None:
        super().__init__("verify", "核查", "verify")
        self.desk = desk
        self.files = files or Files()
        self._answer: Answer | None = None
        self._record = ""
        ask = self.offer(Action("ask", "核查", self._ask, "", "verify"))
        self.offer(Action("find", "输入核查对象", self._focus, "Ctrl+F", "search"))
        self.offer(Action("new", "重新核查", self._clear, "Ctrl+N"))
        self._print = self.offer(
            Action("print", "打印核查单", self._to_paper, "Ctrl+P", "print", enabled=self._answered)
        )
        self._keep = self.offer(
            Action("keep", "保存核查记录", self._save, "Ctrl+S", "save", enabled=self._may_keep)
        )
        dossier = self.offer(
            Action("dossier", "查看档案", self._open_entity, "Ctrl+O", "building", enabled=self._has_entity)
        )
        self.question = Question(ask)
        self.question.asked.connect(ask.trigger)
        self.answer = AnswerView()
        self.candidates = Candidates()
        self.candidates.opened.connect(self._choose)
        self.intro = Intro()
        self.side = QStackedWidget()
        self._tools = QWidget()
        tools = QHBoxLayout(self._tools)
        tools.setContentsMargins(0, 0, 0, 0)
        tools.setSpacing(8)
        tools.addWidget(button(self._print, primary=True))
        tools.addWidget(button(self._keep))
        tools.addWidget(button(dossier))
        tools.addSpacing(8)
        tools.addWidget(QLabel("打印"))
        self._parts = {name: QCheckBox(title) for name, title in _SECTIONS}
        for box in self._parts.values():
            box.setChecked(True)
            box.setAccessibleName(f"打印{box.text()}")
            tools.addWidget(box)
        tools.addStretch(1)
        answered = QWidget()
        column = QVBoxLayout(answered)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._tools)
        column.addWidget(self.answer, 1)
        self._answered_pane = answered
        for pane in (self.intro, self.candidates, answered):
            self.side.addWidget(pane)
        declared = desk.verifying.declared
        columns = columns_for(declared, ("verified_at", "subject"), opens=False, standing=False)
        self.history = RecordTable(declared, desk.records, desk.jobs, columns[1:])
        self.history.set_empty_words("还没有核查记录", "核查后点“保存核查记录”")
        self.history.activated.connect(self._show_kept)
        right = QWidget()
        stack = QVBoxLayout(right)
        stack.setContentsMargins(0, 0, 0, 0)
        stack.setSpacing(4)
        heading = QLabel("以往的核查")
        heading.setProperty("section", True)
        stack.addWidget(heading)
        stack.addWidget(self.history, 1)
        self.body.addWidget(self.question)
        self.body.addWidget(Panes(self.side, right, 0.68), 1)
        self._begun = False

    # --- Page ------------------------------------------------------------------
    def shown(self, params: dict[str, Any]) -> None:
        if not self._begun:
            self._begun = True
            self.history.set_filter(Filter(order="-verified_at"))
        self._look_at_data()
        if params.get("purpose"):
            self.question.purpose.set_free(str(params["purpose"]))
        if params.get("word"):
            self.question.word.setText(str(params["word"]))
            self._ask()
        elif params.get("entity"):
            self._name_entity(str(params["entity"]))
        elif params.get("id"):
            self._open_kept(str(params["id"]))
        else:
            self._focus()

    def refresh(self, types: frozenset[str]) -> None:
        if "verification" in types:
            self.history.reload()
        self._look_at_data()

    # --- asking ----------------------------------------------------------------
    def _ask(self) -> Job:
        word, purpose = self.question.word.text(), self.question.purpose.value()
        return self._run(lambda: self.desk.verifying.verify(word, purpose))

    def _choose(self, entity: Row) -> None:
        purpose = self.question.purpose.value()
        self._run(lambda: self.desk.verifying.verify_entity(entity.id, purpose))

    def _name_entity(self, entity: str) -> None:
        """Somebody came here about one entity; the purpose is still theirs to say."""
        records = self.desk.records

        def named(row: Row | None) -> None:
            if row is None:
                return
            self.question.word.setText(str(row.values["uscc"]))
            if self.question.purpose.value().strip():
                self._choose(row)
            else:
                self.question.purpose.setFocus()

        declared = records.type("market_entity")
        self.desk.jobs.run(
            "读取市场主体",
            lambda _: records.get(declared, entity),
            named,
            self.report,
            quiet=True,
            owner=self,
        )

    def _run(self, verify: Callable[[], Answer]) -> Job:
        records = self.desk.records

        def work(_: Progress) -> tuple[Answer, Content | None, list[PlainRow]]:
            answer = verify()
            finding = answer.finding
            content = content_of(answer, finding, records) if finding is not None else None
            return answer, content, candidate_rows(answer.candidates, records)

        def done(found: tuple[Answer, Content | None, list[PlainRow]]) -> None:
            answer, content, candidates = found
            self.question.show_problems([])
            self.messages.clear()
            self._record = ""
            if content is not None:
                self._put(answer, content)
                return
            self._answer = None
            self.side.setCurrentWidget(self.candidates)
            self.candidates.offer(answer.word, candidates)
            self.update_actions()

        def failed(error: YizhanError) -> None:
            if isinstance(error, Rejected):
                self.question.show_problems(error.problems)
            else:
                self.report(error)

        return self.desk.jobs.run("核查", work, done, failed, owner=self)

    def _put(self, answer: Answer, content: Content) -> None:
        self._answer = answer
        self.answer.show_content(content)
        self._tools.show()
        self.side.setCurrentWidget(self._answered_pane)
        self.question.word.setFocus()
        self.question.word.selectAll()
        self.update_actions()

    # --- what may be done --------------------------------------------------------
    def _answered(self) -> bool:
        return self._answer is not None

    def _may_keep(self) -> bool:
        may = self.desk.records.may("create", self.desk.verifying.declared)
        return self._answered() and not self._record and may

    def _has_entity(self) -> bool:
        return self._answer is not None and self._answer.entity is not None

    def _open_entity(self) -> None:
        if self._answer is not None and self._answer.entity is not None:
            self.open_page.emit("entities", {"id": self._answer.entity.id})

    # --- keeping and printing --------------------------------------------------
    def _save(self) -> Job | None:
        answer = self._answer
        if answer is None or not self._may_keep():
            return None
        verifying = self.desk.verifying

        def done(record: str) -> None:
            self._kept(answer, record)
            self.messages.say(SUCCESS, "核查记录已保存，待同步。")

        return self.desk.jobs.run(
            "保存核查记录",
            lambda _: verifying.record(answer, initiator=self.name),
            done,
            self.report,
            lane="write",
            owner=self,
        )

    def _kept(self, answer: Answer, record: str) -> None:
        if record and self._answer is answer:
            self._record = record
        self.history.reload()
        self.update_actions()

    def _to_paper(self) -> Job | None:
        """A PDF to print or hand over; what is handed over is also kept as a record."""
        answer = self._answer
        if answer is None or answer.finding is None:
            return None
        chosen = self.files.to_save(self, "保存核查单", f"核查单_{_safe(answer.subject)}.pdf", PDFS)
        if chosen is None:
            return None
        path = chosen if chosen.suffix.lower() == ".pdf" else chosen.with_suffix(".pdf")
        sections = [name for name, box in self._parts.items() if box.isChecked()]
        keep, desk, finding = self._may_keep(), self.desk, answer.finding

        def work(_: Progress) -> tuple[int, str]:
            actor = desk.records.actor
            sheet = verification_sheet(
                finding,
                answer.entity.values if answer.entity else None,
                subject=answer.subject,
                purpose=answer.purpose,
                person=actor.name,
                bureau=desk.records.label("bureau", actor.bureau),
                show=desk.records.show,
                sections=sections,
            )
            pages = write_pdf(sheet, path, Watermark(actor.name, finding.evidence.asked_at), "核查单")
            return pages, desk.verifying.record(answer, initiator=self.name) if keep else ""

        def done(found: tuple[int, str]) -> None:
            pages, record = found
            self._kept(answer, record)
            also = "，并保存了核查记录" if record else ""
            self.messages.say(
                SUCCESS,
                f"核查单已生成，共 {pages} 页{also}：{path}",
                button="打开",
                run=lambda: _open_file(path),
            )

        return desk.jobs.run("生成核查单", work, done, self.report, lane="write", owner=self)

    # --- earlier answers ---------------------------------------------------------
    def _show_kept(self, row: Row) -> None:
        records = self.desk.records

        def done(content: Content) -> None:
            self._answer = None
            self.question.word.setText(content.subject)
            self.answer.show_content(content)
            self._tools.hide()
            self.side.setCurrentWidget(self._answered_pane)
            self.update_actions()

        self.desk.jobs.run(
            "读取核查记录", lambda _: content_of_kept(row, records), done, self.report, quiet=True, owner=self
        )

    def _open_kept(self, record: str) -> None:
        records, declared = self.desk.records, self.desk.verifying.declared

        def done(row: Row | None) -> None:
            if row is not None:
                self._show_kept(row)

        self.desk.jobs.run(
            "读取核查记录", lambda _: records.get(declared, record), done, self.report, quiet=True, owner=self
        )

    # --- before a question -----------------------------------------------------
    def _look_at_data(self) -> None:
        """How far the data reach, before anybody asks."""
        self.desk.jobs.run(
            "读取数据截止时间",
            lambda _: self.desk.evidence(),
            self.intro.show_evidence,
            self.report,
            quiet=True,
            owner=self,
        )

    def _focus(self) -> None:
        self.question.word.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.question.word.selectAll()

    def _clear(self) -> None:
        self._answer = None
        self.question.word.clear()
        self.question.show_problems([])
        self.side.setCurrentWidget(self.intro)
        self.update_actions()
        self._focus()


def _open_file(path: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))


def _safe(name: str) -> str:
    return "".join("_" if c in '\\/:*?"<>|' else c for c in name)[:40]
