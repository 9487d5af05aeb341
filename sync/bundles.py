"""What goes out in more than one package: split between change sets, each package applicable alone."""

from __future__ import annotations

from collections.abc import Iterable

from shared.store.exchange import SetRow
from sync import changeset

BUNDLE_RAW = 3 << 30
"""Uncompressed bytes of one package at most, so that the sealed file stays below FAT32's 4 GiB."""


def bundles(sets: Iterable[SetRow], limit: int = BUNDLE_RAW) -> list[list[str]]:
    """Names of change sets, in order, in as few groups as hold them; one empty group for none."""
    groups: list[list[str]] = [[]]
    size = 0
    for one in sets:
        raw = changeset.peek(one.envelope).raw_len
        if groups[-1] and size + raw > limit:
            groups.append([])
            size = 0
        groups[-1].append(one.cs_id)
        size += raw
    return groups
