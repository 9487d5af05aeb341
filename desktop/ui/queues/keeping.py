"""Unfinished input of a form beside a list: written down every few seconds, found again after a crash."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from desktop.ui.forms.form import RecordForm
from desktop.work.jobs import Jobs
from shared.ids import new_id

if TYPE_CHECKING:
    from desktop.work.records import Draft, Records

EVERY_MS = 3000


class Keeping(QObject):
    """Keeps what stands in one form as one draft.

    The draft is named before it is first written; writing and dropping both run
    in the write lane in the order they were asked for, so they never cross.

    :param extra: raw texts kept beside the fields (which record the form changes).
    """

    def __init__(
        self,
        form: RecordForm,
        records: Records,
        jobs: Jobs,
        extra: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        super().__init__(form)
        self._form, self._records, self._jobs, self._extra = form, records, jobs, extra
        self._id = ""
        self._written: dict[str, str] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(EVERY_MS)
        self._timer.timeout.connect(self.keep)
        form.edited.connect(self._touched)

    @property
    def draft_id(self) -> str:
        """The draft of what stands in the form; ``""`` when none was written."""
        return self._id

    def keep(self) -> None:
        """Write unsaved input down now."""
        self._timer.stop()
        wanted = {k: v for k, v in {**self._form.raw(), **self._extra()}.items() if v}
        if not self._form.is_dirty or wanted == self._written:
            return
        self._id, self._written = self._id or new_id(), wanted
        name, declared = self._id, self._form.declared
        self._write("保存草稿", lambda: self._records.save_draft(declared, wanted, name))

    def let_go(self) -> str:
        """The form turns to something else; gives the name of the draft it leaves behind."""
        self._timer.stop()
        name, self._id, self._written = self._id, "", {}
        return name

    def drop(self) -> None:
        """What stands in the form is not wanted any more."""
        name = self.let_go()
        if name:
            self._write("删除草稿", lambda: self._records.drop_draft(name))

    def adopt(self, draft: Draft) -> None:
        """The form now shows this draft."""
        self._timer.stop()
        self._id, self._written = draft.id, dict(draft.raw)

    def newest(self, then: Callable[[Draft], None]) -> None:
        """Look for what was left unsaved; ``then`` is called only when there is something."""
        records, declared = self._records, self._form.declared

        def came(found: list[Draft]) -> None:
            if found and not self._form.is_dirty and not self._id:
                then(found[0])

        self._jobs.run("读取草稿", lambda _: records.drafts(declared), came, quiet=True, owner=self)

    def _touched(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _write(self, title: str, work: Callable[[], object]) -> None:
        self._jobs.run(title, lambda _: work(), lane="write", quiet=True, cancellable=False, owner=self)
