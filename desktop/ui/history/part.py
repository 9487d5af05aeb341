"""历史 under a record: closed until somebody wants it, read in a job, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from desktop.ui.actions import link_button
from desktop.ui.factlist import Fact, FactList
from desktop.ui.notify import MessageBar
from desktop.ui.plain import plain_label
from desktop.ui.theme import TONES
from desktop.ui.words import moment
from desktop.work.jobs import Job, Jobs

if TYPE_CHECKING:
    from desktop.work.history import Entry, History, RecordHistory
    from shared.record import RecordType

HISTORY = "历史"
LOW = 300
"""Pixels the list takes at most where it stands under a form."""

_PAGE = 20
_LABEL = 9


class HistoryPart(QFrame):
    """A line with a button; open, the entries under it.

    :param most: pixels the list may take before it scrolls in itself; 0 for as many as it needs.
    """

    def __init__(self, history: History, jobs: Jobs, messages: MessageBar, *, most: int = 0) -> None:
        super().__init__()
        self.setProperty("panel", True)
        self.shown: RecordHistory | None = None
        self._history, self._jobs, self._messages = history, jobs, messages
        self._of: tuple[RecordType, str] | None = None
        self._room = _PAGE
        self._views: list[_EntryView] = []
        heading = QLabel(HISTORY)
        heading.setProperty("section", True)
        self._note = plain_label()
        self._note.setProperty("muted", True)
        self._toggle = link_button("查看历史", self.toggle, "这条记录在本机所知的全部经过")
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(heading)
        head.addWidget(self._note, 1)
        head.addWidget(self._toggle)
        self._more = link_button("更早的…", self.older, "再往前查看")
        self._list = QWidget()
        self._column = QVBoxLayout(self._list)
        self._column.setContentsMargins(0, 4, 8, 4)
        self._column.setSpacing(12)
        self._column.addWidget(self._more, 0, Qt.AlignmentFlag.AlignLeft)
        self._column.addStretch(1)
        self._body: QWidget = self._list
        if most:
            area = QScrollArea()
            area.setWidgetResizable(True)
            area.setFrameShape(QFrame.Shape.NoFrame)
            area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            area.setAccessibleName(HISTORY)
            area.setWidget(self._list)
            area.setFixedHeight(most)
            for surface in (area.viewport(), self._list):  # the panel's own ground shows through
                surface.setAutoFillBackground(False)
            self._body = area
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 12, 6)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self._body)
        self._body.hide()
        self.hide()

    @property
    def is_open(self) -> bool:
        """Whether the entries are shown."""
        return not self._body.isHidden()

    def show_of(self, declared: RecordType, record_id: str) -> None:
        """Another record, or the same anew; none for ``""``. Stays open on the same record alone."""
        same = self._of is not None and self._of == (declared, record_id)
        self._of = (declared, record_id) if record_id else None
        self.setVisible(bool(record_id))
        if not same:
            self._close()
        elif self.is_open:
            self._read()

    def reload(self) -> None:
        """Records changed."""
        if self._of is not None and self.is_open:
            self._read()

    def toggle(self) -> None:
        """Open or close."""
        if self.is_open:
            self._close()
        else:
            self.open()

    def open(self) -> Job | None:
        """Read and show."""
        return None if self.is_open else self._read()

    def older(self) -> Job | None:
        """What is further back: of what was read, else of the journal."""
        shown = self.shown
        if shown is None:
            return None
        self._room += _PAGE
        if len(shown.entries) > self._room - _PAGE or not shown.rest:
            self._show(shown)
            return None
        return self._read(shown)

    def texts(self) -> list[str]:
        """What the entries say, for readers and tests."""
        return [view.text for view in self._views]

    # --- inside --------------------------------------------------------------
    def _close(self) -> None:
        self._body.hide()
        self._toggle.setText("查看历史")
        self._note.setText("")
        self._room = _PAGE
        self.shown = None
        self._clear()

    def _read(self, earlier: RecordHistory | None = None) -> Job | None:
        if self._of is None:
            return None
        of = self._of

        def came(found: RecordHistory) -> None:
            if self._of == of:
                self._show(found)

        return self._jobs.run(
            "读取历史",
            lambda _: self._history.of(*of, earlier),
            came,
            self._messages.error,
            quiet=True,
            owner=self,
        )

    def _show(self, found: RecordHistory) -> None:
        self.shown = found
        self._clear()
        for entry in (found.now, *found.entries[: self._room]):
            view = _EntryView(entry)
            self._column.insertWidget(self._column.count() - 2, view)
            self._views.append(view)
        further = bool(found.rest) or len(found.entries) > self._room
        self._more.setVisible(further)
        self._note.setText("本机所知：本机录入的变更、冲突、隔离待审和现状")
        self._toggle.setText("收起")
        self._body.show()

    def _clear(self) -> None:
        for view in self._views:
            self._column.removeWidget(view)
            view.hide()
            view.deleteLater()
        self._views = []


class _EntryView(QWidget):
    def __init__(self, entry: Entry) -> None:
        super().__init__()
        at = plain_label(moment(entry.at))
        at.setProperty("muted", True)
        title = plain_label(entry.title)
        title.setProperty("strong", True)
        who = plain_label(entry.who)
        state = plain_label(entry.state)
        state.setStyleSheet(f"color: {TONES[entry.tone]};")
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(at)
        head.addWidget(title)
        head.addWidget(who)
        head.addStretch(1)
        head.addWidget(state)
        facts = FactList(_LABEL)
        facts.set_sections([("", [Fact(one.label, one.said, one.tone) for one in entry.lines])])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(head)
        column.addWidget(facts)
        words = [one.words for one in entry.lines]
        self.text = "\n".join([f"{moment(entry.at)} {entry.title} {entry.who} {entry.state}", *words])
        self.setAccessibleName(self.text)
