"""Columns as objects, derived from fields: title, width, alignment."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from shared.fields import Field, Kind
from shared.record import RecordType

if TYPE_CHECKING:
    from desktop.work.records import Row

OPEN, NUMBER, STANDING = "_open", "_number", "_standing"

_LEFT_WORDS = ("名称", "住所", "地址", "事项", "内容", "事由", "结果", "依据", "范围", "备注")
_LEFT_KINDS = (Kind.NOTE, Kind.REF, Kind.REFS, Kind.CODES)
_RIGHT_KINDS = (Kind.MONEY, Kind.INTEGER, Kind.DECIMAL)
_LONG = 100

_CHARS = {
    Kind.DATE: 10,
    Kind.TIME: 16,
    Kind.BOOL: 6,
    Kind.MONEY: 14,
    Kind.INTEGER: 8,
    Kind.DECIMAL: 10,
    Kind.CODE: 14,
    Kind.CODES: 20,
    Kind.NOTE: 36,
    Kind.REF: 26,
    Kind.REFS: 26,
}
"""Widths in half-width characters."""

_MIDDLE = Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True, slots=True)
class Shown:
    """What a computed cell says, and in which tone (``desktop.ui.theme.TONES``)."""

    text: str
    tone: str = "plain"


@dataclass(frozen=True, slots=True)
class Column:
    """What one table column shows.

    :param chars: width in half-width characters; scales with the type size.
    :param field: None for 操作, 序号 and 同步状态.
    :param shows: computes the cell from the whole row (in a read job) instead of showing ``field``.
    """

    name: str
    title: str
    chars: int
    align: Qt.AlignmentFlag
    field: Field | None = None
    shows: Callable[[Row], Shown] | None = None

    @property
    def sortable(self) -> bool:
        """A reference sorts by its id, which nobody understands: not offered."""
        return self.field is not None and self.field.kind not in (Kind.REF, Kind.REFS, Kind.NOTE)

    @property
    def grows(self) -> bool:
        """Takes the room that is left over."""
        return (
            self.field is not None and self.align & Qt.AlignmentFlag.AlignLeft == Qt.AlignmentFlag.AlignLeft
        )


def column_of(field: Field) -> Column:
    """The column of one field: names and addresses left, numbers right, the rest centred."""
    unit = f"（{field.unit}）" if field.kind is Kind.MONEY else ""
    title = field.title + unit
    return Column(field.name, title, max(_chars(field), len(title) * 2 + 3), _align(field) | _MIDDLE, field)


def columns_for(
    declared: RecordType,
    fields: Iterable[str] | None = None,
    *,
    opens: bool = True,
    standing: bool = True,
) -> tuple[Column, ...]:
    """操作, 序号, 同步状态, the named fields (else the declared columns)."""
    chosen = declared.column_fields if fields is None else [declared.by_name[n] for n in fields]
    centre = Qt.AlignmentFlag.AlignHCenter | _MIDDLE
    return (
        *([Column(OPEN, "操作", 6, centre)] if opens else []),
        Column(NUMBER, "序号", 8, centre),
        # in front: beside an open form the last columns are out of sight, and this is never to be
        *([Column(STANDING, "同步状态", 11, centre)] if standing else []),
        *(column_of(f) for f in chosen),
    )


def _align(field: Field) -> Qt.AlignmentFlag:
    if field.kind in _RIGHT_KINDS:
        return Qt.AlignmentFlag.AlignRight
    if field.target == "user":
        return Qt.AlignmentFlag.AlignHCenter
    long_text = field.kind is Kind.TEXT and (
        (field.max or 0) >= _LONG or any(word in field.title for word in _LEFT_WORDS)
    )
    if field.kind in _LEFT_KINDS or long_text:
        return Qt.AlignmentFlag.AlignLeft
    return Qt.AlignmentFlag.AlignHCenter


def _chars(field: Field) -> int:
    if field.words or field.target == "user":
        return 10
    if field.kind is Kind.TEXT:
        longest = field.max or 18
        return 30 if longest >= _LONG else 12 if longest > 20 else max(10, longest + 1)
    return _CHARS[field.kind]
