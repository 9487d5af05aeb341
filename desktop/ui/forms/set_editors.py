"""Editors of sets: several codes, several other records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QListView, QListWidget, QListWidgetItem, QVBoxLayout

from desktop.ui.actions import link_button
from desktop.ui.forms.choosing_editors import RefEditor
from desktop.ui.forms.editor import Editor
from desktop.ui.theme import icon
from desktop.work.jobs import Jobs
from shared.fields import Field
from shared.parsing import words_of_set

if TYPE_CHECKING:
    from desktop.work.records import Records


class CodesEditor(Editor):
    """A set of codes: tick them; 全选 and 清除."""

    tall = True

    def __init__(self, field: Field, records: Records, jobs: Jobs) -> None:
        super().__init__(field, records, jobs)
        self._list = _wrapped_list()
        self._extra = ""
        for entry in records.codes.entries(field.table):
            if not entry.retired:
                item = QListWidgetItem(entry.name)
                item.setData(Qt.ItemDataRole.UserRole, entry.code)
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                item.setCheckState(Qt.CheckState.Unchecked)
                self._list.addItem(item)
        self._count = QLabel()
        self._count.setProperty("muted", True)
        tools = QHBoxLayout()
        tools.setSpacing(0)
        tools.addWidget(link_button("全选", lambda: self._all(True), f"{field.title}：全选"))
        tools.addWidget(link_button("清除", lambda: self._all(False), f"{field.title}：清除"))
        tools.addSpacing(8)
        tools.addWidget(self._count)
        tools.addStretch(1)
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(self._list)
        column.addLayout(tools)
        self._row.addLayout(column)
        self._adopt(self._list)
        self._list.itemChanged.connect(self._changed)
        self._tell()

    def raw(self) -> str:
        ticked = (i.data(Qt.ItemDataRole.UserRole) for i in self._items() if _is_ticked(i))
        return ",".join([*ticked, *([self._extra] if self._extra else [])])

    def set_raw(self, raw: str) -> None:
        find, table = self.records.codes.find, self.field.table
        known = {i.data(Qt.ItemDataRole.UserRole) for i in self._items()}
        codes = {w: find(table, w) for w in words_of_set(raw, lambda word: find(table, word))}
        chosen = {c for c in codes.values() if c in known}
        self._extra = ",".join(w for w, c in codes.items() if c not in known)
        self._list.blockSignals(True)
        for item in self._items():
            _tick(item, item.data(Qt.ItemDataRole.UserRole) in chosen)
        self._list.blockSignals(False)
        self._list.viewport().update()
        self._tell()

    def _all(self, on: bool) -> None:
        self._extra = ""
        self._list.blockSignals(True)
        for item in self._items():
            _tick(item, on)
        self._list.blockSignals(False)
        self._list.viewport().update()
        self._changed()

    def _items(self) -> list[QListWidgetItem]:
        return [self._list.item(i) for i in range(self._list.count())]

    def _changed(self) -> None:
        self._tell()
        self.edited.emit()

    def _tell(self) -> None:
        ticked = sum(1 for i in self._items() if _is_ticked(i))
        unknown = f"，未识别：{self._extra}" if self._extra else ""
        self._count.setText(f"已选 {ticked} 项，共 {self._list.count()} 项{unknown}")


class RefsEditor(Editor):
    """Several other records: find one, it joins the list; Delete takes it out."""

    tall = True

    def __init__(self, field: Field, records: Records, jobs: Jobs) -> None:
        super().__init__(field, records, jobs)
        self._find = RefEditor(field, records, jobs)
        self._list = _wrapped_list()
        self._list.setAccessibleName(f"已选的{field.title}")
        self._list.setToolTip("Delete 或双击移除")
        self._list.itemDoubleClicked.connect(self._remove)
        column = QVBoxLayout()
        column.setSpacing(4)
        column.addWidget(self._find)
        column.addWidget(self._list)
        self._row.addLayout(column)
        self._adopt(self._find.line)
        self._list.installEventFilter(self)
        self._find.line.picked.connect(self._add)
        self._find.line.textEdited.connect(lambda: self.edited.emit())
        self._find.line.next_wanted.connect(self.next_wanted)
        self._list.hide()

    def raw(self) -> str:
        ids = [self._list.item(i).data(Qt.ItemDataRole.UserRole) for i in range(self._list.count())]
        typed = self._find.line.text().strip()
        return ",".join([*ids, *([typed] if typed else [])])

    def set_raw(self, raw: str) -> None:
        self._list.clear()
        self._find.line.set_free("")
        for word in raw.replace("，", ",").replace("、", ",").split(","):
            if word.strip():
                label = self.records.label(self.field.target, word.strip())
                self._put(word.strip(), label or word.strip())
        self._list.setVisible(self._list.count() > 0)

    def eventFilter(self, watched: QObject, event: QEvent, /) -> bool:
        if (
            watched is self._list
            and isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)
        ):
            self._remove(self._list.currentItem())
            return True
        return super().eventFilter(watched, event)

    def _add(self) -> None:
        choice = self._find.line.choice
        self._find.line.set_free("")
        if choice is not None and choice.value not in self.raw().split(","):
            self._put(choice.value, choice.text)
            self._list.show()
            self.edited.emit()

    def _put(self, record_id: str, label: str) -> None:
        item = QListWidgetItem(icon("cancel", "muted"), label)
        item.setData(Qt.ItemDataRole.UserRole, record_id)
        self._list.addItem(item)

    def _remove(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            self._list.takeItem(self._list.row(item))
            self._list.setVisible(self._list.count() > 0)
            self.edited.emit()


class _Wrapped(QListWidget):
    """As tall as its wrapped items, up to six lines."""

    def sizeHint(self) -> QSize:
        return QSize(200, self._height())

    def resizeEvent(self, event: QResizeEvent, /) -> None:
        super().resizeEvent(event)
        self.setFixedHeight(self._height())

    def _height(self) -> int:
        if self.count() == 0:
            return 30
        self.doItemsLayout()
        bottom = max(self.visualItemRect(self.item(i)).bottom() for i in range(self.count()))
        return max(30, min(bottom + self.verticalOffset() + 5, 6 * 28))


def _wrapped_list() -> QListWidget:
    made = _Wrapped()
    made.setFlow(QListView.Flow.LeftToRight)
    made.setWrapping(True)
    made.setResizeMode(QListView.ResizeMode.Adjust)
    made.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    made.setTabKeyNavigation(False)
    return made


def _is_ticked(item: QListWidgetItem) -> bool:
    return item.checkState() == Qt.CheckState.Checked


def _tick(item: QListWidgetItem, on: bool) -> None:
    item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
