"""One inspection in a form: begun, kept, submitted, locked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QHideEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from desktop.ui.actions import button
from desktop.ui.attachments.strip import AttachmentStrip, Whose
from desktop.ui.entry.drafts import RECORD, SEEN
from desktop.ui.forms.form import RecordForm
from desktop.ui.inspecting.officers import OfficerLine
from desktop.ui.plain import plain_label
from desktop.ui.queues.keeping import Keeping
from desktop.ui.theme import TONES
from shared.errors import Rejected, YizhanError

if TYPE_CHECKING:
    from desktop.ui.notify import MessageBar
    from desktop.work.desk import Desk
    from desktop.work.inspecting import Begun
    from desktop.work.records import Draft, Row

LOCKED = "检查已提交，不能再修改；如有遗漏，请另记一次检查。"

PHOTOS_LATER = "先点“保存（不提交）”，再把现场照片拖到这里、粘贴，或点“添加”；提交后不能再添加。"


@dataclass(frozen=True, slots=True)
class Subject:
    """What the form is about.

    :param record_id: None for an inspection that was never saved.
    """

    name: str = ""
    record_id: str | None = None
    seen: str | None = None
    state: str = ""


class InspectionForm(QWidget):
    """Heading with state and buttons, the two-officer line, the fields."""

    state_changed = Signal()
    entity_chosen = Signal(str)
    """Raw text of 检查对象, when the person left that field of a new inspection."""

    def __init__(
        self, desk: Desk, submit: QAction, save: QAction, discard: QAction, messages: MessageBar
    ) -> None:
        super().__init__()
        self.desk = desk
        self.subject = Subject()
        self._editable = True
        declared = desk.inspecting.declared
        self.form = RecordForm(declared, desk.records, desk.jobs, pins=False)
        self.keeping = Keeping(self.form, desk.records, desk.jobs, self._which)
        self.officers = OfficerLine()
        self.officers.picked.connect(self._add_officer)
        self._title = QLabel()
        self._title.setProperty("section", True)
        self._title.setTextFormat(Qt.TextFormat.PlainText)
        self._title.setWordWrap(True)
        self._state = QLabel()
        self._note = plain_label()
        self._note.setProperty("muted", True)
        self._note.setWordWrap(True)
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self._title, 1)
        head.addWidget(self._state)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(button(submit, primary=True))
        buttons.addWidget(button(save))
        buttons.addStretch(1)
        buttons.addWidget(button(discard))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(head)
        column.addLayout(buttons)
        column.addWidget(self._note)
        column.addWidget(self.officers)
        column.addWidget(self.form, 1)
        self.photos = AttachmentStrip(desk, messages, "现场照片")
        column.addWidget(self.photos)
        self.setFocusProxy(self.form)
        self.form.edited.connect(self._edited)
        self.form.field_left.connect(self._left)
        self.show_new()

    # --- what it shows -------------------------------------------------------
    @property
    def editable(self) -> bool:
        """Whether something may be typed."""
        return self._editable

    def show_new(self) -> None:
        """An empty form for an inspection of whomever the person names."""
        self.form.clear(keep_pinned=False)
        self._dress(Subject(), True)

    def show_begun(self, begun: Begun) -> None:
        """What is known of a task's or an entity's inspection; an unsubmitted one goes on."""
        self.form.set_raw({**self._blank(), **begun.raw})
        state = "draft" if begun.record_id else ""
        self._dress(Subject(str(begun.entity.values["name"]), begun.record_id, begun.seen, state), True)

    def fill(self, begun: Begun) -> list[str]:
        """The entity was named in the form: fill what is still blank; gives what was filled."""
        filled = self.form.fill(begun.raw)
        self._dress(Subject(str(begun.entity.values["name"])), True)
        return filled

    def show_row(self, row: Row, raw: dict[str, str], name: str) -> None:
        """A saved inspection; locked once it is submitted, or when it is somebody else's."""
        state = str(row.values["state"])
        mine = self.desk.records.may("update", self.desk.inspecting.declared, row.values)
        self.form.set_raw(raw)
        self._dress(Subject(name, row.id, row.seen, state), state == "draft" and mine)

    def show_draft(self, draft: Draft) -> None:
        """Input of an earlier day that was never saved."""
        raw = {k: v for k, v in draft.raw.items() if k not in (RECORD, SEEN)}
        self.form.set_raw({})
        self.form.fill(raw)
        name = self.desk.records.label("market_entity", raw.get("entity_id", ""))
        record_id, seen = draft.raw.get(RECORD) or None, draft.raw.get(SEEN) or None
        self.keeping.adopt(draft)
        self._dress(Subject(name, record_id, seen, "draft" if record_id else ""), True)

    def refused(self, error: YizhanError) -> bool:
        """Show what is wrong; False when no field can show it."""
        if not isinstance(error, Rejected):
            return False
        self.form.show_problems(error.problems)
        self.form.jump_to_first_problem()
        return True

    @property
    def title(self) -> str:
        """The heading."""
        return self._title.text()

    def hideEvent(self, event: QHideEvent, /) -> None:
        self.keeping.keep()
        super().hideEvent(event)

    # --- inside --------------------------------------------------------------
    def _blank(self) -> dict[str, str]:
        return {f.name: str(f.default) for f in self.form.declared.form_fields if f.default is not None}

    def _dress(self, subject: Subject, editable: bool) -> None:
        self.subject, self._editable = subject, editable
        cycle = self.desk.inspecting.declared.lifecycle
        assert cycle is not None
        self._title.setText(f"检查：{subject.name}" if subject.name else "新建检查")
        state = cycle.state(subject.state) if subject.state else None
        self._state.setText(state.title if state else "未保存")
        self._state.setStyleSheet(f"color: {TONES[state.tone if state else 'off']};")
        needs = "、".join(self.form.declared.by_name[n].title for n in cycle.transition("submit").needs)
        self._note.setText(
            f"提交前须填写：{needs}。"
            if editable
            else LOCKED
            if subject.state == "submitted"
            else "只能查看：不是本单位的检查。"
        )
        self.officers.setVisible(editable)
        self.officers.set_chosen(self.form.raw()["officers"])
        fields = {f.name for f in self.form.declared.form_fields}
        fixed = {"entity_id"} if subject.record_id else set()
        self.form.set_locked(fixed if editable else fields)
        declared, photos = self.desk.inspecting.declared, None
        if subject.record_id:
            photos = Whose(declared, subject.record_id, {"state": subject.state})
        self.photos.show_of(photos, editable=editable, why=PHOTOS_LATER)
        self.state_changed.emit()

    def _which(self) -> dict[str, str]:
        one = self.subject
        return {RECORD: one.record_id, SEEN: one.seen or ""} if one.record_id else {}

    def _edited(self) -> None:
        self.officers.set_chosen(self.form.raw()["officers"])

    def _left(self, name: str, raw: str) -> None:
        if name == "entity_id" and raw.strip() and self.subject.record_id is None:
            self.entity_chosen.emit(raw)

    def _add_officer(self, officer: str) -> None:
        chosen = [w for w in self.form.raw()["officers"].split(",") if w.strip()]
        self.form.editor("officers").set_raw(",".join([*chosen, officer]))
        self.form.edited.emit()
