"""信息录入: one room per record type, chosen by tabs; collection first, registers and lists behind."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QStackedWidget, QTabBar, QToolButton

from desktop.ui.actions import Action
from desktop.ui.choosing import Files
from desktop.ui.entry.room import EntryRoom
from desktop.ui.entry.sheets import Sheets
from desktop.ui.pages.page import Page
from desktop.ui.theme import icon
from desktop.work.jobs import Job
from shared.record import RecordType
from shared.supervision import queues

if TYPE_CHECKING:
    from desktop.work.desk import Desk

_GROUPS = (("registry", "名录"), ("list", "清单"), ("system", "系统"))
_PAGES_OF_THEIR_OWN = {"conflict", "exchange", "media_intake", "held_set", "data_problem"}


class RecordsPage(Page):
    """Parameters of ``shown``: ``type``; ``id`` opens a record; ``new``, ``fill`` (raw texts) begin one;
    ``filter`` or ``queue`` narrows the table; ``drafts`` lists them."""

    def __init__(self, desk: Desk, files: Files | None = None) -> None:
        super().__init__("records", "信息录入", "edit", "归集")
        self.desk = desk
        self.files = files or Files()
        self._stack = QStackedWidget()
        self._rooms: dict[str, tuple[EntryRoom, Sheets]] = {}
        self._types = self._readable("collection")
        self._actions = self._offer_all()
        self.tabs = QTabBar()
        self.tabs.setAccessibleName("信息类别")
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self._tabbed = list(self._types)
        for declared in self._tabbed:
            self.tabs.addTab(declared.title)
        line = QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(self.tabs)
        for group, title in _GROUPS:
            menu = self._menu(group, title)
            if menu is not None:
                line.addWidget(menu)
        line.addStretch(1)
        self.body.addLayout(line)
        self.body.addWidget(self._stack, 1)
        self.tabs.currentChanged.connect(self._tab_chosen)

    # --- the page ------------------------------------------------------------
    def shown(self, params: dict[str, Any]) -> None:
        name = params.get("type") or next(iter(params.get("types") or ()), "")
        known = {t.name for t in self._all_types()}
        if name not in known:
            name = self._types[0].name if self._stack.count() == 0 and self._types else ""
        if params.get("queue"):
            params = {**params, "filter": queues.by_name(params["queue"]).filter}
        if name:
            self.open_type(name, params)
        elif self.room is not None:
            self.room.begin(params)

    def refresh(self, types: frozenset[str]) -> None:
        for name, (room, _) in self._rooms.items():
            if name in types:
                room.reload()
            if "attachment" in types:
                room.reload_attachments()

    def open_type(self, name: str, params: dict[str, Any] | None = None) -> EntryRoom:
        """Go to the room of a type, made now if need be."""
        room, _ = self._rooms.get(name) or self._make(name)
        self._show_tab(room.declared)
        self._stack.setCurrentWidget(room)
        self.messages.clear()
        room.begin(params or {})
        self.update_actions()
        return room

    @property
    def room(self) -> EntryRoom | None:
        """The room in front."""
        found = self._stack.currentWidget()
        return found if isinstance(found, EntryRoom) else None

    @property
    def sheets(self) -> Sheets | None:
        """The spreadsheets of the room in front."""
        return self._rooms[self.room.declared.name][1] if self.room is not None else None

    def update_actions(self) -> None:
        super().update_actions()
        count = self.room.draft_count if self.room is not None else 0
        self._actions["drafts"].setText(f"草稿 {count}" if count else "草稿")

    # --- inside --------------------------------------------------------------
    def _offer_all(self) -> dict[str, QAction]:
        def on_room(run: Callable[[EntryRoom], Any]) -> Callable[[], Job | None]:
            def act() -> Job | None:
                out = run(self.room) if self.room is not None else None
                return out if isinstance(out, Job) else None

            return act

        def on_sheets(run: Callable[[Sheets], Job | None]) -> Callable[[], Job | None]:
            return lambda: run(self.sheets) if self.sheets is not None else None

        def asks(may: Callable[[EntryRoom], bool]) -> Callable[[], bool]:
            return lambda: self.room is not None and may(self.room)

        create = asks(EntryRoom.may_create)
        save = asks(EntryRoom.may_save)
        offered = (
            Action("new", "新增", on_room(lambda r: r.new()), "Ctrl+N", "plus", create),
            Action("save", "保存", on_room(lambda r: r.save()), "Ctrl+S", "save", save),
            Action(
                "save_next",
                "保存并继续",
                on_room(lambda r: r.save(and_next=True)),
                "Ctrl+Return",
                "right",
                save,
            ),
            Action("discard", "放弃输入", on_room(lambda r: r.discard()), "", "cancel", save),
            Action("void", "作废", on_room(lambda r: r.ask_void()), "", "delete", asks(EntryRoom.may_void)),
            Action("drafts", "草稿", on_room(lambda r: r.show_drafts()), "", "clock", create),
            Action("paste", "粘贴", on_sheets(Sheets.paste), "", "copy", create),
            Action("template", "模板", on_sheets(Sheets.save_template), "", "table", create),
            Action("import", "导入", on_sheets(Sheets.import_file), "Ctrl+I", "import", create),
            Action(
                "export", "导出", on_sheets(Sheets.export), "Ctrl+E", "export", lambda: self.room is not None
            ),
            Action(
                "report", "反馈问题", on_room(lambda r: r.raising.begin()), "", "warning",
                asks(lambda r: r.raising.may_begin()),
            ),
            Action("find", "查找", on_room(lambda r: r.bar.focus_search()), "Ctrl+F", "search"),
        )
        made = {action.name: self.offer(action) for action in offered}
        for step, key, title in ((1, "Ctrl+Tab", "下一类信息"), (-1, "Ctrl+Shift+Tab", "上一类信息")):
            self.offer(Action(f"type{step:+d}", title, partial(self._next_type, step), key))
        return made

    def _readable(self, group: str) -> list[RecordType]:
        records = self.desk.records
        return [t for t in records.types(group) if records.may("read", t)]

    def _all_types(self) -> list[RecordType]:
        return [*self._types, *(t for group, _ in _GROUPS for t in self._readable(group))]

    def _menu(self, group: str, title: str) -> QToolButton | None:
        found = [t for t in self._readable(group) if t.name not in _PAGES_OF_THEIR_OWN]
        if not found:
            return None
        tool = QToolButton()
        tool.setText(title)
        tool.setIconSize(QSize(12, 12))
        tool.setAccessibleName(title)
        tool.setIcon(icon("down", "muted"))
        tool.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        tool.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        tool.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        tool.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        menu = QMenu(tool)
        for declared in found:
            menu.addAction(declared.title, partial(self._go, declared.name))
        tool.setMenu(menu)
        return tool

    def _go(self, name: str) -> None:
        self.open_type(name)

    def _make(self, name: str) -> tuple[EntryRoom, Sheets]:
        room = EntryRoom(self.desk.records.type(name), self.desk, self.messages, self._actions)
        sheets = Sheets(room, lambda: self.files)
        room.state_changed.connect(self.update_actions)
        self._rooms[name] = (room, sheets)
        self._stack.addWidget(room)
        return room, sheets

    def _show_tab(self, declared: RecordType) -> None:
        """A register or list chosen from a menu becomes one more tab."""
        if declared not in self._tabbed:
            self._tabbed.append(declared)
            self.tabs.blockSignals(True)
            self.tabs.addTab(declared.title)
            self.tabs.blockSignals(False)
        self.tabs.blockSignals(True)
        self.tabs.setCurrentIndex(self._tabbed.index(declared))
        self.tabs.blockSignals(False)

    def _tab_chosen(self, index: int) -> None:
        if index >= 0 and (self.room is None or self.room.declared is not self._tabbed[index]):
            self.open_type(self._tabbed[index].name)

    def _next_type(self, step: int) -> None:
        self.tabs.setCurrentIndex((self.tabs.currentIndex() + step) % self.tabs.count())
