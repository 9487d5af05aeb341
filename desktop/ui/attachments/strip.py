"""附件 of one record (or one entity): small pictures, state words, and what can be done with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, Qt, QUrl, Signal
from PySide6.QtGui import (
    QDesktopServices,
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QKeySequence,
    QShortcut,
)
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
)

from desktop.ui.actions import Action, refresh_action, to_qaction, tool_button
from desktop.ui.attachments.pictures import SIDE, facts_of, picture_of, sources_of
from desktop.ui.choosing import Files
from desktop.ui.notify import ERROR, INFO, SUCCESS, WARNING, MessageBar
from desktop.ui.plain import plain_label, tip
from desktop.ui.reason import ReasonLine
from desktop.ui.theme import tone
from desktop.work.attached import TONE_OF, Attached
from desktop.work.attaching import Source, safe_name
from desktop.work.attachments import NotHere
from desktop.work.jobs import Job, Progress
from desktop.work.odd_names import readable, really
from shared.attachments import ALLOWED_WORDS, MAX_FILE_WORDS, SUFFIXES
from shared.errors import YizhanError

if TYPE_CHECKING:
    from desktop.work.attachments import Added
    from desktop.work.desk import Desk
    from shared.record import RecordType

TRANSFER = "附件传输"
_CELL = QSize(128, 116)
_KINDS = " ".join(f"*{suffix}" for suffixes in SUFFIXES.values() for suffix in suffixes)
_FILTER = f"可以作为附件的文件 ({_KINDS});;所有文件 (*)"


@dataclass(frozen=True, slots=True)
class Whose:
    """What the strip shows attachments of.

    :param entity: everything about this entity, not only what hangs on the record itself.
    """

    declared: RecordType
    record_id: str
    values: dict[str, Any]
    entity: bool = False

_OUTSIDE = "存出去的文件不再加密，请妥善保管；照片已去掉拍摄位置和相机信息，原件仍在本机。"


class AttachmentStrip(QFrame):
    """Shows, adds, opens, saves and removes; says what happened in the page's message bar."""

    counted = Signal(int)

    def __init__(
        self, desk: Desk, messages: MessageBar, title: str = "附件", files: Files | None = None,
        view: Callable[[Path], object] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.setProperty("panel", True)
        self.setAcceptDrops(True)
        self.desk, self.messages = desk, messages
        self.files = files or Files()
        self.shown: list[Attached] = []
        self._title = title
        self._whose: Whose | None = None
        self._empty_words = ""
        self._view = view or (lambda path: QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))))
        self._editable = False
        self.grid = QListWidget()
        self._heading = plain_label()
        self._heading.setProperty("section", True)
        self._note = plain_label()
        self._note.setProperty("muted", True)
        self._actions = [
            (action, to_qaction(action, self))
            for action in (
                Action("attach", "添加", self.choose, "", "plus", self.may_add),
                Action("open_attachment", "打开", self.open_current, "", "verify", self._chosen),
                Action("save_attachment", "另存为", self.save_current, "", "save", self._chosen),
                Action("remove_attachment", "移除", self._ask_remove, "", "delete", self._may_remove),
            )
        ]
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._heading)
        head.addWidget(self._note, 1)
        for _, made in self._actions:
            head.addWidget(tool_button(made, words=True))
        self.grid.setAccessibleName(title)
        self.grid.setViewMode(QListWidget.ViewMode.IconMode)
        self.grid.setIconSize(QSize(SIDE, SIDE))
        self.grid.setGridSize(_CELL)
        self.grid.setUniformItemSizes(True)
        self.grid.setWordWrap(True)
        self.grid.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.grid.setMovement(QListWidget.Movement.Static)
        self.grid.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.grid.setFrameShape(QFrame.Shape.NoFrame)
        self.grid.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.grid.setFixedHeight(_CELL.height() + 4)
        self.grid.setStyleSheet("QListWidget { border: none; }")
        self.grid.setAcceptDrops(False)
        self.grid.itemActivated.connect(lambda _: self.open_current())
        self.grid.currentRowChanged.connect(lambda _: self.update_actions())
        self._empty = QLabel()
        self._empty.setProperty("muted", True)
        self._empty.setWordWrap(True)
        self._reason = ReasonLine("移除", "拍错了")
        self._reason.confirmed.connect(self.remove_current)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 12, 6)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self._reason)
        column.addWidget(self._empty)
        column.addWidget(self.grid)
        keyed = QKeySequence.StandardKey
        for keys, run in ((keyed.Paste, self.paste), (keyed.Delete, self._ask_remove)):
            short = QShortcut(QKeySequence(keys), self)
            short.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            short.activated.connect(run)
        self.show_of(None)

    # --- what it shows -------------------------------------------------------
    def show_of(self, whose: Whose | None, *, editable: bool = True, why: str = "") -> None:
        """Attachments of this record; None for one that was never saved. ``why`` says what to do then."""
        self._whose, self._editable = whose, editable
        self._empty_words = why or "保存以后可以在这里添加照片和文件。"
        self._reason.hide()
        if whose is None:
            self._came([], {})
        else:
            self.reload()

    def reload(self) -> None:
        """Read again; small pictures come with it."""
        whose, attachments = self._whose, self.desk.attachments
        if whose is None:
            return

        def work(progress: Progress) -> tuple[list[Attached], dict[str, bytes]]:
            found = (
                attachments.of_entity(whose.record_id)
                if whose.entity
                else attachments.of_record(whose.declared, whose.record_id)
            )
            small: dict[str, bytes] = {}
            for one in found:
                progress.check()
                picture = attachments.small_picture(one)
                if picture is not None:
                    small[one.id] = picture
            return found, small

        self.desk.jobs.run(
            "读取附件", work, lambda found: self._came(*found), self.messages.error, quiet=True, owner=self,
            newest=True,
        )  # fmt: skip

    def texts(self) -> list[str]:
        """What stands under each picture."""
        return [self.grid.item(i).text() for i in range(self.grid.count())]

    def note(self) -> str:
        """The words beside the heading, or those of an empty strip."""
        return self._empty.text() if self._empty.isVisibleTo(self) else self._note.text()

    @property
    def current(self) -> Attached | None:
        """The one that is chosen."""
        row = self.grid.currentRow()
        return self.shown[row] if 0 <= row < len(self.shown) else None

    def update_actions(self) -> None:
        """Ask every action again whether it may run."""
        for action, made in self._actions:
            refresh_action(action, made)

    # --- adding ----------------------------------------------------------------
    def may_add(self) -> bool:
        """Whether something may be attached now."""
        whose = self._whose
        return (
            whose is not None and self._editable
            and self.desk.attachments.may_add(whose.declared, whose.values)
        )  # fmt: skip

    def choose(self) -> Job | None:
        """Ask for a file."""
        path = self.files.to_open(self, "添加附件", _FILTER)
        if path is None:
            return None
        path = really(path)
        return self.add([Source(readable(path.name), path)])

    def paste(self) -> Job | None:
        """Files or a picture from the clipboard."""
        found = sources_of(QApplication.clipboard().mimeData())
        if not found:
            self.messages.say(INFO, "剪贴板里没有图片或文件。", "先复制照片或文件，再粘贴。")
            return None
        return self.add(found)

    def add(self, sources: Sequence[Source]) -> Job | None:
        """Attach files to the record that is shown."""
        whose = self._whose
        if whose is None or not self.may_add():
            why = self._empty_words if whose is None else "没有权限，或本机暂为只读。"
            self.messages.say(WARNING, "现在不能添加附件。", why)
            return None
        attachments = self.desk.attachments
        return self.desk.jobs.run(
            "添加附件",
            lambda progress: attachments.add(whose.declared, whose.record_id, sources, progress),
            self._added, self.messages.error, lane="write", owner=self,
        )  # fmt: skip

    # --- looking ---------------------------------------------------------------
    def open_current(self) -> Job | None:
        """With the system's own program, through a private copy."""
        one = self.current
        if one is None:
            return None
        return self.desk.jobs.run(
            "打开附件", lambda _: self.desk.attachments.open_copy(one), self._show_file, self._not_opened,
            quiet=True, owner=self,
        )  # fmt: skip

    def save_current(self) -> Job | None:
        """Where the person wants it."""
        one = self.current
        if one is None:
            return None
        path = self.files.to_save(
            self, "附件另存为", safe_name(one.file_name, one.media_type), "所有文件 (*)"
        )
        if path is None:
            return None
        return self.desk.jobs.run(
            "附件另存为",
            lambda _: self.desk.attachments.save_as(one, path),
            lambda _: self.messages.say(SUCCESS, f"已存为 {path}。", _OUTSIDE),
            self._not_opened, quiet=True, owner=self,
        )  # fmt: skip

    def remove_current(self, reason: str) -> Job | None:
        """Void it with a reason."""
        one = self.current
        if one is None:
            return None
        self._reason.hide()
        return self.desk.jobs.run(
            "移除附件",
            lambda _: self.desk.attachments.remove(one.id, reason),
            lambda _: self._removed(),
            self.messages.error, lane="write", quiet=True, owner=self,
        )  # fmt: skip

    def transfer(self) -> Job | None:
        """Send and fetch now."""
        if any(job.title == TRANSFER for job in self.desk.jobs.active):
            return None
        return self.desk.jobs.run(
            TRANSFER, self.desk.attachments.transfer, lambda _: self.reload(), self.messages.error, owner=self
        )

    # --- dropping ------------------------------------------------------------
    def dragEnterEvent(self, event: QDragEnterEvent, /) -> None:
        self._judge(event)

    def dragMoveEvent(self, event: QDragMoveEvent, /) -> None:
        self._judge(event)

    def dropEvent(self, event: QDropEvent, /) -> None:
        found = sources_of(event.mimeData())
        if found:
            event.acceptProposedAction()
            self.add(found)

    # --- inside --------------------------------------------------------------
    def _judge(self, event: QDragMoveEvent) -> None:
        if event.mimeData().hasUrls() or event.mimeData().hasImage():
            event.acceptProposedAction()

    def _came(self, found: list[Attached], small: dict[str, bytes]) -> None:
        chosen = self.current.id if self.current is not None else ""
        self.shown = found
        self.grid.clear()
        for one in found:
            item = QListWidgetItem(picture_of(small.get(one.id), one), f"{one.title}\n{one.state_text}")
            item.setForeground(tone(TONE_OF[one.state]))
            item.setToolTip(tip(facts_of(one)))
            item.setTextAlignment(Qt.AlignmentFlag.AlignHCenter)
            item.setSizeHint(_CELL)
            self.grid.addItem(item)
            if one.id == chosen:
                self.grid.setCurrentItem(item)
        waiting = sum(one.state != "已入库" for one in found)
        self._heading.setText(f"{self._title} {len(found)}" if found else self._title)
        self._note.setText(f"{waiting} 个还没有入库或下载" if waiting else "")
        self._empty.setText(self._empty_words if self._whose is None else self._invitation())
        self._empty.setVisible(not found)
        self.grid.setVisible(bool(found))
        self.update_actions()
        self.counted.emit(len(found))

    def _invitation(self) -> str:
        if not self.may_add():
            return "没有附件。"
        allowed = f"可以附 {ALLOWED_WORDS}，每个不超过 {MAX_FILE_WORDS}。"
        return f"把照片或文件拖到这里、粘贴，或点“添加”。{allowed}"

    def _added(self, added: Added) -> None:
        self.reload()
        count = len(added.ids)
        if not added.refused:
            self.messages.say(SUCCESS, f"已添加 {count} 个附件，待传。", "记录先同步，内容随后上传。")
            return
        name, first = added.refused[0]
        more = f"等 {len(added.refused)} 个" if len(added.refused) > 1 else ""
        kept = f"已添加 {count} 个；" if count else ""
        self.messages.say(ERROR, f"{kept}“{name}”{more}没有添加：{first.message}", first.hint)

    def _removed(self) -> None:
        self.reload()
        self.messages.say(SUCCESS, "已移除附件。", "原因随下次同步上报中心。")

    def _show_file(self, path: Path) -> None:
        self._view(path)

    def _not_opened(self, error: YizhanError) -> None:
        if isinstance(error, NotHere):
            self.reload()
            self.messages.say(
                WARNING, error.message, error.hint, button="立即下载", run=self.transfer
            )
        else:
            self.messages.error(error)

    def _chosen(self) -> bool:
        return self.current is not None

    def _may_remove(self) -> bool:
        one = self.current
        return (
            one is not None and self._editable
            and self.desk.records.may("delete", self.desk.attachments.declared, one.values)
        )  # fmt: skip

    def _ask_remove(self) -> None:
        one = self.current
        if one is not None and self._may_remove():
            self._reason.ask(f"移除附件 {one.title}")
