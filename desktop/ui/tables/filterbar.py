"""The filter above a table, derived from the record type."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from desktop.ui.actions import link_button
from desktop.ui.flow import FlowLayout
from desktop.ui.tables.conditions import ConditionBox, condition_box
from desktop.ui.theme import icon
from desktop.work.jobs import Jobs
from shared.fields import Kind
from shared.filters import Condition, Filter, Here, Op
from shared.record import RecordType

if TYPE_CHECKING:
    from desktop.work.records import Records

DEBOUNCE_MS = 30
_BASIC_KINDS = (Kind.CODE, Kind.DATE, Kind.TIME)
_HERE = {"me": "本人", "bureau": "本单位", "today": "今天"}
_OPS = {
    Op.EQ: "为",
    Op.NE: "不为",
    Op.IN: "为",
    Op.LT: "<",
    Op.LE: "≤",
    Op.GT: ">",
    Op.GE: "≥",
    Op.HAS: "含",
    Op.EMPTY: "为空",
    Op.FILLED: "已填",
}


class FilterBar(QWidget):
    """Free text, the declared basic conditions, 更多 for the rest, 清除.

    :param default: what a query page starts with (存续, 有效); 清除 takes it away.
    :param fixed: conditions that are the page itself (a work queue): always in
        force, never shown.

    Conditions of :meth:`set_filter` that no box can show (今天起 30 天内, 非空) are
    shown as words that can be clicked away: no filter is ever hidden.
    """

    changed = Signal(object)

    def __init__(
        self,
        declared: RecordType,
        records: Records,
        jobs: Jobs,
        default: Filter | None = None,
        fixed: Sequence[Condition] = (),
    ) -> None:
        super().__init__()
        self.declared = declared
        self._order = ""
        self._fixed = tuple(fixed)
        self._extra: list[Condition] = []
        self._chips: list[QToolButton] = []
        self._boxes: dict[str, ConditionBox] = {}
        self._records, self._jobs = records, jobs
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DEBOUNCE_MS)
        self._timer.timeout.connect(self._tell)
        settled = {c.field for c in fixed if c.op is Op.EQ}
        basic = [
            f
            for f in declared.own_fields
            if f.column
            and f.name not in settled
            and (
                f.words or f.kind in _BASIC_KINDS or (f.name == declared.about and not declared.search_fields)
            )
        ]
        self._rest = [
            f
            for f in (*declared.own_fields, declared.by_name["source_bureau"])
            if f not in basic and not f.derive_from and f.name not in settled
        ]
        self.search = self._search_line()
        top = QWidget()
        line = self._top_line = FlowLayout(top, 8)
        if declared.search_fields:
            line.addWidget(self.search)
        for field in basic:
            box = self._add_box(field.name)
            if box is not None:
                line.addWidget(box)
        self._more = link_button("更多", self._toggle_more, "显示或收起其余条件")
        line.addWidget(self._more)
        line.addWidget(link_button("清除", self.clear, "清除全部条件"))
        self._rest_area = QWidget()
        self._rest_line = FlowLayout(self._rest_area, 8)
        self._rest_area.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(top)
        column.addWidget(self._rest_area)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName(f"{declared.title}筛选")
        if default is not None:
            self.set_filter(default, tell=False)

    # --- the filter ----------------------------------------------------------
    def filter(self) -> Filter:
        """What is asked for now."""
        conditions = [c for box in self._boxes.values() for c in box.conditions()]
        wanted = (*self._fixed, *self._extra, *conditions)
        return Filter(wanted, self.search.text().strip(), self._order)

    def set_filter(self, wanted: Filter, *, tell: bool = True) -> None:
        """Show this filter (a to-do count opens a filtered page); sends ``changed`` at once."""
        names = {c.field for c in wanted.conditions}
        if any(f.name in names for f in self._rest):
            self._show_rest(True)
        self.search.setText(wanted.text)
        self._order = wanted.order
        unshown = [c for c in wanted.conditions if c.field not in self._boxes]
        for name, box in self._boxes.items():
            mine = [c for c in wanted.conditions if c.field == name]
            box.put(mine)
            if _meaning(box.conditions()) != _meaning(mine):
                box.put([])
                unshown += mine
        self._set_extra(unshown)
        self._timer.stop()
        if tell:
            self._tell()

    def clear(self) -> None:
        """No condition at all but the fixed ones."""
        self.set_filter(Filter())

    def focus_search(self) -> None:
        """For Ctrl+F."""
        self.search.setFocus()
        self.search.selectAll()

    @property
    def more_shown(self) -> bool:
        """Whether the rest of the conditions is open."""
        return not self._rest_area.isHidden()

    # --- inside --------------------------------------------------------------
    def _search_line(self) -> QLineEdit:
        line = QLineEdit()
        titles = "、".join(f.title for f in self.declared.search_fields)
        line.setPlaceholderText(f"{titles}，可输拼音首字母")
        line.setAccessibleName("查找")
        line.setToolTip(f"在{titles}中查找（Ctrl+F）")
        wipe = line.addAction(icon("cancel", "muted"), QLineEdit.ActionPosition.TrailingPosition)
        wipe.setText("清空查找")
        wipe.setVisible(False)
        wipe.triggered.connect(line.clear)
        line.textChanged.connect(lambda text: wipe.setVisible(bool(text)))
        picture: QIcon = icon("search", "muted")
        line.addAction(picture, QLineEdit.ActionPosition.LeadingPosition)
        line.setFixedWidth(self.fontMetrics().horizontalAdvance("字" * 22))
        line.textChanged.connect(lambda: self._timer.start())
        line.returnPressed.connect(self._tell)
        return line

    def _add_box(self, name: str) -> ConditionBox | None:
        box = condition_box(self.declared.by_name[name], self._records, self._jobs)
        if box is not None:
            self._boxes[name] = box
            box.changed.connect(lambda: self._timer.start())
        return box

    def _set_extra(self, conditions: list[Condition]) -> None:
        self._extra = conditions
        for chip in self._chips:
            self._top_line.removeWidget(chip)
            chip.deleteLater()
        self._chips = []
        for condition in conditions:
            words = self._words(condition)
            chip = link_button(f"{words} ×", partial(self._drop, condition), f"去掉条件：{words}")
            self._top_line.addWidget(chip)
            self._chips.append(chip)

    def _drop(self, condition: Condition) -> None:
        self._set_extra([c for c in self._extra if c != condition])
        self._tell()

    def _words(self, condition: Condition) -> str:
        field = self.declared.by_name[condition.field]
        value = condition.value
        if isinstance(value, Here):
            word = _HERE[value.what] + (f"{value.days:+d} 天" if value.days else "")
        elif isinstance(value, tuple | list):
            word = "、".join(self._records.show(field, v) for v in value)
        else:
            word = self._records.show(field, value) if value is not None else ""
        return f"{field.title} {_OPS[condition.op]} {word}".strip()

    def _toggle_more(self) -> None:
        self._show_rest(self._rest_area.isHidden())

    def _show_rest(self, on: bool) -> None:
        """Boxes of the rest are made when first asked for: forms have many fields."""
        if on and self._rest_line.count() == 0:
            for field in self._rest:
                box = self._add_box(field.name)
                if box is not None:
                    self._rest_line.addWidget(box)
        self._rest_area.setVisible(on)
        self._more.setText("收起" if on else "更多")

    def _tell(self) -> None:
        self._timer.stop()
        self.changed.emit(self.filter())


def _meaning(conditions: Iterable[Condition]) -> set[tuple[object, ...]]:
    """To compare conditions: one code asked for by EQ or by IN is the same."""
    return {
        (c.field, Op.IN, frozenset([c.value] if c.op is Op.EQ else c.value))
        if c.op in (Op.EQ, Op.IN)
        else (c.field, c.op, c.value)
        for c in conditions
    }
