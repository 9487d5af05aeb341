"""The column that says how urgent an entry is: a word and a colour."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from desktop.ui.tables.columns import Column, Shown
from shared.supervision.deadlines import Deadline

if TYPE_CHECKING:
    from desktop.work.records import Row

DEADLINE = "_deadline"
_CHARS = 20


def deadline_column(judge: Callable[[Row], Deadline]) -> Column:
    """时限: 提醒 amber, 警示 and 超期 red."""

    def shows(row: Row) -> Shown:
        found = judge(row)
        return Shown(found.word, found.tone)

    centre = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter
    return Column(DEADLINE, "时限", _CHARS, centre, shows=shows)
