"""Editors over a list of suggestions: one code, yes or no, another record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from desktop.ui.forms.editor import Editor, short_width
from desktop.ui.forms.suggest import Choice, Offer, SuggestEdit
from desktop.work.jobs import Job, Jobs
from shared.errors import YizhanError
from shared.fields import Field

if TYPE_CHECKING:
    from desktop.work.records import Records

_MOST_CODES = 400
_SUGGESTIONS = 20
_TYPING_MS = 120


class ChoiceEditor(Editor):
    """Base of editors over a :class:`SuggestEdit`."""

    delay_ms = 0

    def __init__(self, field: Field, records: Records, jobs: Jobs) -> None:
        super().__init__(field, records, jobs)
        self.line = SuggestEdit(self.offer, self.delay_ms)
        self._row.addWidget(self.line)
        self._adopt(self.line)
        self.line.textEdited.connect(lambda: self.edited.emit())
        self.line.picked.connect(self.edited)
        self.line.next_wanted.connect(self.next_wanted)

    def offer(self, word: str, answer: Offer) -> None:
        """Find suggestions for ``word``."""
        raise NotImplementedError

    def raw(self) -> str:
        return self.line.value()


class CodeEditor(ChoiceEditor):
    """One code: by code, word or pinyin initials."""

    def __init__(self, field: Field, records: Records, jobs: Jobs) -> None:
        super().__init__(field, records, jobs)
        example = records.codes.find(field.table, field.example) if field.example else None
        if example is not None and not field.hint:
            self.line.setPlaceholderText(f"如 {records.codes.name(field.table, example)}")
        if not self.line.placeholderText():
            self.line.setPlaceholderText("代码、名称或拼音首字母")

    def offer(self, word: str, answer: Offer) -> None:
        codes, table = self.records.codes, self.field.table
        entries = codes.search(table, word, _SUGGESTIONS) if word else codes.entries(table)
        answer([Choice(e.code, e.name, e.code) for e in entries if not e.retired][:_MOST_CODES])

    def set_raw(self, raw: str) -> None:
        found = self.records.codes.find(self.field.table, raw.strip()) if raw.strip() else None
        if found is None:
            self.line.set_free(raw)
        else:
            self.line.take(Choice(found, self.records.codes.name(self.field.table, found), found))

    def _leave(self) -> None:
        """A code or initials that fit one entry become its name."""
        text = self.line.text().strip()
        if text and self.line.choice is None:
            found = self.records.codes.find(self.field.table, text)
            if found is None:
                near = self.records.codes.search(self.field.table, text, 2)
                found = near[0].code if len(near) == 1 else None
            if found is not None:
                self.set_raw(found)
                self.edited.emit()
        super()._leave()


class BoolEditor(ChoiceEditor):
    """是 or 否; also 1/0, y/n, s/f."""

    _CHOICES = (Choice("是", "是", "1 y s"), Choice("否", "否", "0 n f"))

    def __init__(self, field: Field, records: Records, jobs: Jobs) -> None:
        super().__init__(field, records, jobs)
        self.line.setFixedWidth(short_width(self))
        self._row.addStretch(1)
        if not self.line.placeholderText():
            self.line.setPlaceholderText("是 / 否")

    def offer(self, word: str, answer: Offer) -> None:
        found = [c for c in self._CHOICES if word.lower() in (c.text, *c.detail.split())]
        answer(found if word else list(self._CHOICES))

    def set_raw(self, raw: str) -> None:
        word = {"true": "是", "false": "否"}.get(raw.strip().lower(), raw)
        found = next((c for c in self._CHOICES if word.lower() in (c.text, *c.detail.split())), None)
        if found is None:
            self.line.set_free(raw)
        else:
            self.line.take(found)

    def _leave(self) -> None:
        if self.line.choice is None and self.line.text().strip():
            self.set_raw(self.line.text().strip())
        super()._leave()


class RefEditor(ChoiceEditor):
    """Another record: found by typing, off the GUI thread."""

    delay_ms = _TYPING_MS

    def __init__(self, field: Field, records: Records, jobs: Jobs) -> None:
        super().__init__(field, records, jobs)
        self._job: Job | None = None
        if not self.line.placeholderText():
            self.line.setPlaceholderText("输入代码、名称或拼音首字母查找")

    def offer(self, word: str, answer: Offer) -> None:
        if self._job is not None:
            self._job.cancel()
        target, records = self.field.target, self.records

        def found(suggestions: Sequence[Any]) -> None:
            answer([Choice(s.id, s.label, s.detail) for s in suggestions])

        self._job = self.jobs.run(
            f"查找{self.field.title}",
            lambda _: records.suggest(target, word, _SUGGESTIONS),
            found,
            _nothing,
            quiet=True,
            owner=self,
        )

    def set_raw(self, raw: str) -> None:
        label = self.records.label(self.field.target, raw) if raw.strip() else ""
        if label:
            self.line.take(Choice(raw, label))
        else:
            self.line.set_free(raw)


def _nothing(_: YizhanError) -> None:
    """A search that was cancelled or found no store simply offers nothing."""
