"""Finding a market entity by what people type: code or name."""

from __future__ import annotations

from desktop.work.records import Records, Row
from shared.filters import Filter, Op
from shared.parsing import clean_text, code_text

SHOWN = 50


def find_entities(records: Records, word: str, limit: int = SHOWN) -> list[Row]:
    """Entities with that 统一社会信用代码, else that name, else a name that holds the word."""
    word = clean_text(word)
    if not word:
        return []
    declared = records.type("market_entity")
    by_code = records.get(declared, declared.id_for_key(code_text(word)))
    if by_code is not None:
        return [by_code]
    exact = records.first(declared, Filter(text=word).where("name", Op.EQ, word), limit)
    return exact or records.first(declared, Filter(text=word), limit)
