"""Several entities fit what was asked: a person chooses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from desktop.ui.tables.plain import PlainColumn, PlainRow, PlainTable

if TYPE_CHECKING:
    from desktop.work.records import Records, Row

_SHOWN = ("name", "uscc", "status", "address")
_REGISTERED = "1"
_MOST = 50


def candidate_rows(found: Sequence[Row], records: Records) -> list[PlainRow]:
    """One line each, made in a job; cancelled entities are red."""
    declared = records.type("market_entity")
    rows = []
    for one in found:
        texts = tuple(records.show(declared.by_name[n], one.values.get(n)) for n in _SHOWN)
        gone = one.values.get("status") != _REGISTERED
        rows.append(PlainRow(texts, tuple((i, "bad") for i in range(len(_SHOWN))) if gone else (), one))
    return rows


class Candidates(PlainTable):
    """``opened(row)`` when one was chosen."""

    def __init__(self) -> None:
        super().__init__(
            "请选择",
            (
                PlainColumn("主体名称", 30, "left", grows=True),
                PlainColumn("统一社会信用代码", 20),
                PlainColumn("登记状态", 10),
                PlainColumn("住所", 30, "left", grows=True),
            ),
            "户",
        )

    def offer(self, word: str, rows: Sequence[PlainRow]) -> None:
        """Show these and take the keyboard."""
        words = (
            f"与“{word}”相符的较多，只列出前 {len(rows)} 户：选定一户后回车，或输入更完整的名称"
            if len(rows) >= _MOST
            else f"有 {len(rows)} 户与“{word}”相符，选定一户后回车"
        )
        self.set_rows(rows, words)
        self.select(0)
        self.setFocus()
