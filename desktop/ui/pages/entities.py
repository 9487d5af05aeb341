"""市场主体: found while one types, and the file of each (一屏式档案)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from desktop.ui.actions import Action, tool_button
from desktop.ui.attachments.strip import AttachmentStrip
from desktop.ui.choosing import Files
from desktop.ui.dossier.view import IN_FORCE, Dossier, DossierView, read_dossier
from desktop.ui.history.part import HistoryPart
from desktop.ui.notify import ERROR, INFO, SUCCESS
from desktop.ui.pages.page import Page
from desktop.ui.tables.filterbar import FilterBar
from desktop.ui.tables.view import RecordTable
from desktop.work.jobs import Job
from shared.errors import Cancelled, YizhanError
from shared.filters import Filter, Op
from shared.record import RecordType

if TYPE_CHECKING:
    from desktop.work.claims import Claimed
    from desktop.work.desk import Desk

_PAGE_OF = {"claim": "claims", "task": "tasks", "inspection": "inspections", "verification": "verify"}
"""Page of a work record; all others are opened by the page of records."""

_EMPTY = ("没有符合条件的市场主体", "换个名称、代码或拼音首字母；要查注销的主体，请清除“登记状态”")
_UNKNOWN = ("本机没有这个市场主体的登记信息。", "请同步后再查，或核对统一社会信用代码。")

_ENTERED_HERE = ("permit", "penalty", "supervision", "alert")


class EntitiesPage(Page):
    """Parameters of ``shown``: ``id`` opens one entity's file, ``filter`` narrows the list."""

    def __init__(self, desk: Desk, files: Files | None = None) -> None:
        super().__init__("entities", "市场主体", "building", "归集")
        self.desk = desk
        self.files = files or Files()
        self.declared = desk.records.type("market_entity")
        self.stack = QStackedWidget()
        self.bar = FilterBar(
            self.declared, desk.records, desk.jobs, default=Filter().where("status", Op.EQ, IN_FORCE)
        )
        self.table = RecordTable(self.declared, desk.records, desk.jobs)
        self.table.set_empty_words(*_EMPTY)
        self._begun = False
        self._asked = ""
        self._offer_list_actions()
        photos = AttachmentStrip(desk, self.messages, "附件", self.files)
        history = HistoryPart(desk.history, desk.jobs, self.messages)
        self.dossier = DossierView([self.offer(a) for a in self._dossier_actions()], photos, history)
        lists = QWidget()
        column = QVBoxLayout(lists)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.bar)
        column.addWidget(self.table, 1)
        self.stack.addWidget(lists)
        self.stack.addWidget(self.dossier)
        self.body.addWidget(self.stack, 1)
        self.bar.changed.connect(self.table.set_filter)
        self.table.activated.connect(lambda row: self.open_entity(row.id))
        self.table.selection_changed.connect(lambda _: self.update_actions())
        self.dossier.left.connect(self.show_list)
        self.dossier.opened.connect(self._open_record)
        self.dossier.all_wanted.connect(self._open_all)
        for keys in ("Esc", "Alt+Left"):
            back = QShortcut(QKeySequence(keys), self.dossier)
            back.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            back.activated.connect(self.show_list)

    # --- the page ------------------------------------------------------------
    def shown(self, params: dict[str, Any]) -> None:
        if params.get("filter") is not None:
            self.show_list()
            self.bar.set_filter(params["filter"])
        elif not self._begun:
            self.table.set_filter(self.bar.filter())
        self._begun = True
        if params.get("id"):
            self.open_entity(str(params["id"]))
        elif self.showing is None:
            self.bar.focus_search()

    def refresh(self, types: frozenset[str]) -> None:
        if self.declared.name in types:
            self.table.reload()
        if self.showing is not None:
            self.open_entity(self.showing.row.id)

    @property
    def showing(self) -> Dossier | None:
        """The entity whose file is open."""
        return None if self._on_list else self.dossier.dossier

    def open_entity(self, entity_id: str) -> Job:
        """Show the file of one entity."""
        self._asked = entity_id

        def came(found: Dossier | None) -> None:
            if self._asked != entity_id:
                return
            if found is None:
                self.messages.say(ERROR, *_UNKNOWN)
                return
            before = self.showing
            arriving = before is None
            if before is None or before.row.id != entity_id:
                self.messages.clear()
            self.dossier.show_dossier(found)
            self.stack.setCurrentWidget(self.dossier)
            if arriving:
                self.dossier.setFocus()
            self.update_actions()

        return self.desk.jobs.run(
            "读取档案",
            lambda _: read_dossier(self.desk, entity_id),
            came,
            self.report,
            quiet=True,
            owner=self,
        )

    def show_list(self) -> None:
        """Back to the list, where it was left."""
        self._asked = ""
        self.stack.setCurrentIndex(0)
        self.table.setFocus()
        self.update_actions()

    # --- actions ---------------------------------------------------------------
    def _offer_list_actions(self) -> None:
        export = Action("export", "导出", self._export, "Ctrl+E", "export", lambda: self._on_list)
        add = Action("new", "新增", self._new, "Ctrl+N", "plus", self._may_create(self.declared.name))
        find = Action("find", "查找", self._find, "Ctrl+F", "search")
        for action in (add, export):
            self.table.add_tool(tool_button(self.offer(action), words=True))
        self.offer(find)

    def _dossier_actions(self) -> list[Action]:
        records = self.desk.records

        def here(may: Callable[[], bool]) -> Callable[[], bool]:
            return lambda: self.showing is not None and may()

        def claimable() -> bool:
            return self.showing is not None and not self.showing.ours and self._may_create("claim")()

        made = [
            Action("claim", "认领", self._claim, "", "claim", claimable),
            Action("verify", "核查", partial(self._go, "verify"), "", "verify",
                   here(self._may_create("verification"))),
            Action("task", "新建任务", partial(self._go, "tasks"), "", "task",
                   here(self._may_create("task"))),
            Action("inspect", "现场检查", partial(self._go, "inspections"), "", "inspect",
                   here(self._may_create("inspection"))),
        ]  # fmt: skip
        for name in _ENTERED_HERE:
            declared = records.type(name)
            made.append(
                Action(f"enter_{name}", f"录入{declared.title}", partial(self._enter, declared), "", "plus",
                       here(self._may_create(name)))
            )  # fmt: skip
        made.append(Action("edit", "修改登记信息", self._edit, "", "edit", here(self._may_edit)))
        return made

    @property
    def _on_list(self) -> bool:
        return self.stack.currentIndex() < 1

    def _may_create(self, name: str) -> Callable[[], bool]:
        records = self.desk.records
        return lambda: records.may("create", records.type(name))

    def _may_edit(self) -> bool:
        showing = self.showing
        return showing is not None and self.desk.records.may("update", self.declared, showing.row.values)

    def _find(self) -> None:
        if not self._on_list:
            self.show_list()
        self.bar.focus_search()

    def _new(self) -> None:
        self.open_page.emit("records", {"type": self.declared.name, "new": True})

    def _go(self, page: str) -> None:
        if self.showing is not None:
            self.open_page.emit(page, {"new": True, "entity": self.showing.row.id})

    def _enter(self, declared: RecordType) -> None:
        """A new record about this entity; the rest is filled in from its code."""
        if self.showing is not None:
            fill = {"uscc": str(self.showing.row.values.get("uscc") or "")}
            self.open_page.emit("records", {"type": declared.name, "fill": fill})

    def _edit(self) -> None:
        if self.showing is not None:
            self.open_page.emit("records", {"type": self.declared.name, "id": self.showing.row.id})

    def _claim(self) -> Job | None:
        showing = self.showing
        if showing is None:
            return None
        claims = self.desk.claims

        def done(claimed: Claimed) -> None:
            self.messages.say(SUCCESS if claimed.new or claimed.again else INFO, claimed.text)
            self.open_entity(showing.row.id)

        return self.desk.jobs.run(
            "认领",
            lambda _: claims.claim([showing.row.id], initiator=self.name),
            done,
            self.report,
            lane="write",
            cancellable=False,
            quiet=True,
            owner=self,
        )

    def _export(self) -> Job | None:
        wanted, exporting = self.table.model.filter, self.desk.exporting
        today = self.desk.store.clock.today().strftime("%Y%m%d")
        path = self.files.to_save(self, "导出市场主体", f"市场主体{today}.xlsx")
        if path is None:
            return None
        return self.desk.jobs.run(
            "导出市场主体",
            lambda progress: exporting.export(path, self.declared, wanted, progress),
            lambda count: self.messages.say(SUCCESS, f"已导出 {count:,} 户（个人信息已脱敏）：{path}。"),
            self._not_exported,
            owner=self,
        )

    def _not_exported(self, error: YizhanError) -> None:
        if isinstance(error, Cancelled):
            self.messages.say(INFO, "已取消导出。")
        else:
            self.report(error)

    def _open_record(self, name: str, record_id: str) -> None:
        page = _PAGE_OF.get(name, "records")
        self.open_page.emit(page, {"type": name, "id": record_id})

    def _open_all(self, name: str) -> None:
        if self.showing is not None:
            about = self.desk.records.type(name).about
            wanted = Filter().where(about, Op.EQ, self.showing.row.id)
            self.open_page.emit(_PAGE_OF.get(name, "records"), {"type": name, "filter": wanted})
