"""Unsaved input is never lost: kept every few seconds, set aside before the form turns elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.ui.entry.drafts import RECORD, SEEN, DraftList, draft_name
from desktop.ui.entry.editing import Editing
from desktop.ui.notify import INFO, WARNING, MessageBar
from shared.ids import new_id

if TYPE_CHECKING:
    from desktop.work.desk import Desk
    from desktop.work.records import Draft, Row

EVERY_MS = 3000


class Drafting(QObject):
    """Keeps what stands in one form.

    The draft's name is chosen here, before it is first written: writing and
    dropping both run in the write lane, in the order they were asked for, and
    can never cross.
    """

    counted = Signal(int)
    restored = Signal()
    """The form shows a draft now."""

    def __init__(self, desk: Desk, editing: Editing, messages: MessageBar) -> None:
        super().__init__(editing)
        self.list = DraftList(editing.declared)
        self._desk = desk
        self._editing = editing
        self._form = editing.form
        self._declared = editing.declared
        self._messages = messages
        self._id = ""
        self._written: dict[str, str] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(EVERY_MS)
        self._timer.timeout.connect(self.keep)
        self._form.edited.connect(self._touched)
        self.list.chosen.connect(self.restore)
        self.list.dropped.connect(self._drop)

    @property
    def draft_id(self) -> str:
        """The draft of what stands in the form; ``""`` when none was written."""
        return self._id

    # --- keeping -------------------------------------------------------------
    def keep(self) -> None:
        """Write unsaved input down now."""
        self._timer.stop()
        if self._form.is_dirty:
            self._write(self._raw())

    def let_go(self) -> str:
        """The form turns to something else; gives the draft it leaves, to be dropped or kept."""
        self._timer.stop()
        name, self._id, self._written = self._id, "", {}
        return name

    def set_aside(self, *, tell: bool = True) -> None:
        """What is unsaved becomes a draft of its own before the form is used for something else."""
        dirty, raw, row = self._form.is_dirty, self._raw(), self._editing.record
        if dirty:
            self._write(raw)
        name = self.let_go()
        if dirty and tell:
            self._messages.say(
                INFO,
                "刚才未保存的输入已存为草稿。",
                button="恢复",
                run=lambda: self._show(name, raw, row),
            )

    def discard(self) -> Callable[[], None] | None:
        """Drop the draft of what stands in the form; gives what brings it back, if there is anything."""
        raw, row, dirty = self._raw(), self._editing.record, self._form.is_dirty
        name = self.let_go()
        self._form.mark_clean()
        if name:
            self._forget(name)
        if not (dirty or name):
            return None

        def back() -> None:
            self._show("", raw, row)
            self._write(raw)

        return back

    # --- finding again -------------------------------------------------------
    def count(self) -> None:
        """Ask how many there are."""
        self._read(self._came)

    def offer(self) -> None:
        """Say what was left unsaved the last time."""
        self._read(self._offer)

    def open_list(self, then: Callable[[], None]) -> None:
        """Read the list, then show it."""
        self.keep()

        def came(drafts: list[Draft]) -> None:
            self._came(drafts)
            then()

        self._read(came)

    def restore(self, draft: Draft) -> None:
        """Go on with a draft."""
        if draft.id != self._id:
            self.set_aside(tell=False)
        record_id, seen = draft.raw.get(RECORD, ""), draft.raw.get(SEEN, "")
        if not record_id:
            self._show(draft.id, draft.raw, None)
            return

        def found(row: Row | None) -> None:
            if row is None:
                self._messages.say(WARNING, "草稿所改的记录已不存在。", "保存将新增一条记录。")
            elif row.seen != seen:
                text = "存草稿之后，这条记录又有改动。"
                self._messages.say(WARNING, text, "请核对：保存时以表单中的内容为准。")
            self._show(draft.id, draft.raw, row)

        self._run("打开草稿", lambda _: self._desk.records.get(self._declared, record_id), found)

    # --- inside --------------------------------------------------------------
    def _raw(self) -> dict[str, str]:
        raw, row = self._form.raw(), self._editing.record
        return raw if row is None else {**raw, RECORD: row.id, SEEN: row.seen}

    def _touched(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _write(self, raw: Mapping[str, str]) -> None:
        wanted = {k: v for k, v in raw.items() if v}
        if wanted == self._written:
            return
        self._id = name = self._id or new_id()
        self._written = wanted
        records = self._desk.records
        self._run(
            "保存草稿",
            lambda _: records.save_draft(self._declared, wanted, name),
            lambda _: self.count(),
            lane="write",
        )

    def _show(self, name: str, raw: Mapping[str, str], row: Row | None) -> None:
        if name != self._id:
            self.set_aside(tell=False)
        if row is None:
            self._editing.show_new()
        else:
            self._editing.show_record(
                row, editable=self._desk.records.may("update", self._declared, row.values)
            )
        self._form.set_raw(raw)
        self._id, self._written = name, {k: v for k, v in raw.items() if v} if name else {}
        self.restored.emit()

    def _offer(self, drafts: list[Draft]) -> None:
        self._came(drafts)
        if not drafts or self._form.is_dirty:
            return
        newest = drafts[0]
        at = newest.updated_at[5:16].replace("T", " ")
        more = f"，共 {len(drafts)} 份草稿" if len(drafts) > 1 else ""
        self._messages.say(
            INFO,
            f"上次有未保存的{self._declared.title}：“{draft_name(self._declared, newest)}”（{at}）{more}。",
            button="恢复",
            run=lambda: self.restore(newest),
        )

    def _came(self, drafts: list[Draft]) -> None:
        self.list.show_drafts(drafts)
        self.counted.emit(len(drafts))

    def _drop(self, draft: Draft) -> None:
        if draft.id == self._id:
            self.let_go()
            self._form.mark_clean()
        self._forget(draft.id)

    def _forget(self, name: str) -> None:
        records = self._desk.records
        self._run("删除草稿", lambda _: records.drop_draft(name), lambda _: self.count(), lane="write")

    def _read(self, then: Callable[[list[Draft]], None]) -> None:
        self._run("读取草稿", lambda _: self._desk.records.drafts(self._declared), then)

    def _run(self, title: str, work: Any, done: Any, *, lane: str = "read") -> None:
        self._desk.jobs.run(
            title,
            work,
            done,
            self._messages.error,
            lane=lane,
            cancellable=lane == "read",
            quiet=True,
            owner=self,
        )
