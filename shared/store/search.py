"""Search by any substring of Chinese and by pinyin initials (R173).

FTS5's trigram index finds nothing for two characters, which is how people search
names. So every character is its own token and a query is a phrase; initials are
indexed the same way in a second column.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from shared.pinyin import name_initials

_LATIN = re.compile(r"[0-9a-z]+")
_GAP = " zzgapzz "


def spaced(text: str) -> str:
    """Text as single-character tokens, lower case, signs left out."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return " ".join(ch for ch in folded if ch.isalnum())


def indexed(values: Iterable[object]) -> tuple[str, str]:
    """The two columns for one record; a gap token keeps phrases inside one field."""
    words = [str(v) for v in values if v]
    return (
        _GAP.join(spaced(w) for w in words),
        _GAP.join(" ".join(name_initials(w)) for w in words),
    )


def phrase(query: str) -> str:
    """The MATCH expression for what a person typed; ``""`` when nothing searchable."""
    parts: list[str] = []
    for word in query.split():
        tokens = spaced(word)
        if not tokens:
            continue
        one = f'words : "{tokens}"'
        if _LATIN.fullmatch(tokens.replace(" ", "")):
            one = f'({one} OR initials : "{tokens}")'
        parts.append(one)
    return " AND ".join(parts)
