"""Stretches of a device's numbers that are missing, and how they are said (sync.md, Receipts)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Span = tuple[int, int]
"""First and last number."""
MOST_SAID = 5


def between(contiguous_to: int, parked: Iterable[Span]) -> list[Span]:
    """What is missing between the numbers that are in and those parked, which come in order."""
    found: list[Span] = []
    reached = contiguous_to
    for first, last in parked:
        if first > reached + 1:
            found.append((reached + 1, first - 1))
        reached = max(reached, last)
    return found


def beyond(spans: Iterable[Span], reached: int) -> list[Span]:
    """What of them is still missing when everything up to ``reached`` is in."""
    return [(max(first, reached + 1), last) for first, last in spans if last > reached]


def said(spans: Sequence[Span]) -> str:
    """As people read them: 12–14、18; the first few of many."""
    texts = [f"{first:,}–{last:,}" if first != last else f"{first:,}" for first, last in spans[:MOST_SAID]]
    return "、".join(texts) + (" 等" if len(spans) > MOST_SAID else "")


__all__ = ["Span", "between", "beyond", "said"]
