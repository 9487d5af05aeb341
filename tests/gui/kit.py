"""For the tests of the UI kit: records kept in a list.

``ListRecords`` answers as ``desktop.work.records`` does; it is a stand-in for the kit's
own tests only, pages are tested with the real thing.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from desktop.ui.tables.model import PAGE
from shared.codes import Codes, load_resource_codes
from shared.fields import Field
from shared.filters import Filter
from shared.parsing import Context, Parsed, parse, show
from shared.record import RecordType, type_of
from shared.standing import Standing
from shared.types.bureau import Bureau
from shared.types.market_entity import MarketEntity

ENTITY = type_of(MarketEntity)
BUREAU = type_of(Bureau)
GOOD_CODE = "91310113XN00000019"


@dataclass(frozen=True)
class Row:
    id: str
    rowid: int
    values: dict[str, Any]
    standing: Standing
    seen: str = ""


@dataclass(frozen=True)
class Suggestion:
    id: str
    label: str
    detail: str


@dataclass
class ListRecords:
    """Records of one type in a list; remembers what it was asked."""

    codes: Codes
    count: int = 0
    asked_rows: list[int] = field(default_factory=list)
    asked_labels: int = 0

    def row(self, rowid: int) -> Row:
        values = {
            "uscc": f"91310113XN{rowid:08d}",
            "code": f"{rowid:04d}",
            "name": f"上海青穗第{rowid}餐饮管理有限公司",
            "status": "1" if rowid % 5 else "3",
            "division": "310113",
            "legal_person": "陈敏",
            "address": f"上海市宝山区友谊路{rowid}号",
            "parent": "b1" if rowid % 2 else "b2",
        }
        return Row(f"id{rowid}", rowid, values, list(Standing)[rowid % len(Standing)])

    def row_ids(self, declared: RecordType, wanted: Filter) -> array[int]:
        found = [
            i
            for i in range(1, self.count + 1)
            if not wanted.text or wanted.text in self.row(i).values["name"]
        ]
        return array("q", reversed(found) if wanted.order == "-name" else found)

    def first(self, declared: RecordType, wanted: Filter, limit: int = PAGE) -> list[Row]:
        return [self.row(i) for i in self.row_ids(declared, wanted)[:limit]]

    def rows(self, declared: RecordType, rowids: Sequence[int]) -> list[Row]:
        self.asked_rows.append(len(rowids))
        return [self.row(i) for i in rowids]

    def check(self, declared: RecordType, raw: Mapping[str, Any]) -> Parsed:
        return parse(declared, raw, Context(self.codes))

    def label(self, target: str, record_id: str) -> str:
        return {"b1": "宝山区局", "b2": "杨浦区局"}.get(record_id, "")

    def labels(self, target: str, ids: Collection[str]) -> dict[str, str]:
        self.asked_labels += 1
        return {i: self.label(target, i) for i in ids}

    def suggest(self, target: str, word: str, limit: int = 20) -> list[Suggestion]:
        known = [Suggestion("b1", "宝山区局", "310113"), Suggestion("b2", "杨浦区局", "310110")]
        return [s for s in known if word in s.label]

    def show(self, one: Field, value: Any) -> str:
        return show(one, value, self.codes)


@pytest.fixture(scope="session")
def codes() -> Codes:
    return Codes.from_rows(*load_resource_codes())


@pytest.fixture
def records(codes: Codes) -> Any:
    return ListRecords(codes)


def on_screen(qtbot: QtBot, widget: QWidget, width: int = 1200, height: int = 650) -> None:
    qtbot.addWidget(widget)
    widget.resize(width, height)
    with qtbot.waitExposed(widget):
        widget.show()
    widget.activateWindow()
    qtbot.waitUntil(widget.isActiveWindow)


def commit(widget: QWidget, text: str) -> None:
    """Type Chinese as an input method does."""
    event = QInputMethodEvent()
    event.setCommitString(text)
    QApplication.sendEvent(widget, event)
