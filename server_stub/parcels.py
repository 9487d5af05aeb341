"""Larger mail: first loads and contents of attachments for bureaus that only couriers reach (ADR 0025).

Both are divided into letters of a size, sealed to the same devices as other mail. The
letters of one state of things follow each other; a courier that holds some gets the next.
What a bureau took in it says with its next ask, and only what is missing then is sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from server_stub import loads
from server_stub.answers import Answers
from server_stub.loads import Load
from server_stub.pieces import HubPieces, Named
from server_stub.postal import Recipient, together
from server_stub.snapshots import Snapshots
from shared.attachments import piece_size
from sync.entries import Entry
from sync.messages import PROTOCOL, Ask, Holding

LOAD, CONTENTS = "load", "contents"
LETTER = 32 << 20
"""Bytes of contents in one letter."""
VOLUME = 64 << 20
"""Bytes one letter of a first load may have; a part of one takes some megabytes."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What one letter would hold.

    :param about: names its series; :param start: where in the series it begins, ``end`` where it stops.
    """

    kind: str
    about: str
    start: int
    end: int
    size: int
    load: Load | None = None
    of: int = 0
    pieces: tuple[tuple[Named, int], ...] = ()


class Parcels:
    """Finds what larger mail is due for a group of devices."""

    def __init__(self, answers: Answers, snapshots: Snapshots, pieces: HubPieces) -> None:
        self._answers = answers
        self._snapshots = snapshots
        self._pieces = pieces

    def divided(self, group: list[Recipient]) -> list[list[Recipient]]:
        """Those at their very beginning apart, where a first load is due that is of no use to the others."""
        new = [r for r in group if r.asked.ask.snapshot is not None and not r.asked.ask.cursors]
        if not 0 < len(new) < len(group) or not self._snapshots.shorten(group[0].streams, {}):
            return [group]
        return [new, [r for r in group if r not in new]]

    def loads(self, group: Sequence[Recipient], *, at_once: bool = False) -> list[Letter] | None:
        """Volumes of a first load; ``[]`` while it is being built, None when streams serve."""
        return self._volumes(group, self._asked_together(group), at_once=at_once)

    def earlier(self, group: Sequence[Recipient]) -> Iterator[list[Letter]]:
        """The same from each snapshot that is still here, newest first, for who has no part of any."""
        ask = self._asked_together(group)
        if ask.snapshot is None or ask.snapshot.id or ask.snapshot.anew:
            return
        for name in self._snapshots.kept(group[0].streams):
            holding = Holding(ask.snapshot.schema, name)
            yield self._volumes(group, msgspec.structs.replace(ask, snapshot=holding)) or []

    def _volumes(
        self, group: Sequence[Recipient], ask: Ask, *, at_once: bool = False
    ) -> list[Letter] | None:
        if ask.snapshot is None:
            return None
        names = list(group[0].streams)
        offer = self._snapshots.offer(names, ask, self._answers.stands(ask, names), at_once=at_once)
        if offer is None:
            return None
        if offer.kept is None:
            return []
        volumes = loads.by_volumes(offer, VOLUME)
        about = _name(LOAD, [offer.kept.head.id, offer.missing, [r.device.device for r in group]])
        return [
            Letter(LOAD, about, n, n + 1, sum(offer.kept.packed[p] for p in one.parts), one, len(volumes))
            for n, one in enumerate(volumes)
        ]

    def contents(self, group: Sequence[Recipient], limit: int = LETTER) -> Iterator[Letter]:
        """Contents the devices miss and the hub has, letter by letter."""
        due = self._due(group)
        about = _name(CONTENTS, [(n.sha256, no) for n, no in due])
        at = 0
        while at < len(due):
            inside: list[tuple[Named, int]] = []
            size = 0
            for named, no in due[at:]:
                size += piece_size(named.size, no)
                if inside and size > limit:
                    size -= piece_size(named.size, no)
                    break
                inside.append((named, no))
            yield Letter(CONTENTS, about, at, at + len(inside), size, pieces=tuple(inside))
            at += len(inside)

    def entries(self, one: Letter) -> Iterator[Entry]:
        """The pieces of a letter."""
        for named, no in one.pieces:
            found = self._pieces.piece(named, no)
            if found is not None:
                yield found

    # --- inside --------------------------------------------------------------
    def _due(self, group: Sequence[Recipient]) -> list[tuple[Named, int]]:
        """Wanted pieces that are here, each once, in the order they were asked for."""
        found: dict[tuple[str, int], tuple[Named, int]] = {}
        for one in group:
            ask = one.asked.ask.pieces
            for named, numbers in self._pieces.offered(one.device, ask) if ask is not None else ():
                for no in numbers:
                    found.setdefault((named.sha256, no), (named, no))
        return list(found.values())

    def _asked_together(self, group: Sequence[Recipient]) -> Ask:
        """What all of them want: from the one furthest behind, and only what none of them has of a load."""
        first = group[0].asked.ask
        cursors = together(group, self._answers).cursors
        held = [r.asked.ask.snapshot for r in group]
        holding: Holding | None = None
        known = [h for h in held if h is not None]
        if len(known) == len(held):
            same = {h.id for h in known}
            schema = min(h.schema for h in known)
            parts = set(known[0].parts).intersection(*(h.parts for h in known))
            holding = Holding(schema, same.pop(), sorted(parts)) if len(same) == 1 else Holding(schema)
        return Ask(v=PROTOCOL, incarnation=first.incarnation, cursors=cursors, refresh={}, snapshot=holding)


def _name(kind: str, said: object) -> str:
    return f"{kind}:{hashlib.sha256(msgspec.msgpack.encode(said)).hexdigest()[:40]}"


__all__ = ["CONTENTS", "LETTER", "LOAD", "VOLUME", "Letter", "Parcels"]
