"""Sealing what a device gets back: one package, or the volumes of a first load."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from server_stub import loads
from server_stub.answers import ANSWER_RAW, Answers, Carried
from server_stub.devices import DeviceRow
from server_stub.keys import HubKeys
from server_stub.loads import Load
from server_stub.partitions import streams_of
from server_stub.pieces import ANSWER_PIECES
from server_stub.proving import Said
from server_stub.snapshots import Snapshots
from shared.ids import new_id
from shared.store.store import Store
from sync import package
from sync.entries import Entry
from sync.layout import Kind, Volume
from sync.messages import Ask
from sync.package import CoreDraft, Sealed
from sync.suite import SealPublic

MEDIA_RAW = 2 << 30
MEDIA_PIECES = 1 << 30
"""Together an answer by stick stays below one volume."""


class Shelf(Protocol):
    """Where the volumes of an answer go that may be more than one file.

    :param limit: bytes one volume may have; :param waits: until a first load is built.
    """

    limit: int
    waits: bool

    def open(self, index: int) -> BinaryIO:
        """A file for volume ``index``, from 2."""


@dataclass(slots=True)
class Answer:
    """What is to be answered.

    :param answers: id of the package that asked.
    :param pieces: what is said about contents of attachments, within so many bytes.
    :param receipt: None where no changes came.
    :param trust_version: how much of the chain of trust the device knows.
    """

    device: DeviceRow
    ask: Ask
    answers: str
    by_stick: bool
    pieces: Callable[[int], Iterator[Entry]]
    receipt: bytes | None = None
    arrived: Sequence[str] = ()
    carried: Carried | None = None
    trust_version: int = 0
    proofs: Said = field(default_factory=Said)


class Answering:
    """Writes answers of one hub."""

    def __init__(self, store: Store, keys: HubKeys, answers: Answers, snapshots: Snapshots) -> None:
        self._store = store
        self._keys = keys
        self._answers = answers
        self._snapshots = snapshots

    def write(self, answer: Answer, out: BinaryIO, shelf: Shelf | None = None) -> list[Sealed]:
        """Seal an answer: volume 1 into ``out``, others onto the shelf."""
        alone = answer.receipt is None or answer.device.revoked
        volumes = [None] if alone else self._divided(answer, shelf)
        done: list[Sealed] = []
        set_id = new_id()
        for i, load in enumerate(volumes, 1):
            last = i == len(volumes)
            several = {"volumes": len(volumes)} if len(volumes) > 1 else {}
            draft = CoreDraft(
                Kind.ANSWER, self._keys.hub_id, self._keys.hub_id, self._store.clock.stamp(),
                prereqs={"answers": answer.answers, **several, **self._keys.said(answer.trust_version)},
                trust_version=self._keys.version,
                volume=Volume(i, set_id) if several else None,
            )  # fmt: skip
            done.append(
                package.seal(
                    out if i == 1 or shelf is None else shelf.open(i),
                    draft,
                    [SealPublic.from_bytes(answer.device.seal)],
                    self._keys.sign,
                    self._entries(answer, load, shelf.limit if shelf is not None else loads.FULL),
                    [one.fingerprint for one in done] if last else None,
                )
            )
        return done

    def _entries(self, answer: Answer, load: Load | None, limit: int) -> Iterator[Entry]:
        """What one volume holds."""
        if answer.device.revoked and answer.receipt is not None:
            return self._answers.farewell(answer.device, answer.receipt)
        streams, pieces = (
            (MEDIA_RAW, MEDIA_PIECES) if answer.by_stick else (ANSWER_RAW, ANSWER_PIECES)
        )
        if load is not None and answer.by_stick:
            half = loads.room(load, limit) // 2
            streams, pieces = min(streams, half), min(pieces, half)
        said = answer.pieces(pieces) if load is None or load.streams or not answer.by_stick else iter(())
        if answer.receipt is None:
            return said
        return self._answers.entries(
            answer.device, answer.receipt, answer.ask, limit=streams, arrived=answer.arrived,
            carried=answer.carried, then=said, load=load, proofs=answer.proofs.result,
        )  # fmt: skip

    def _divided(self, answer: Answer, shelf: Shelf | None) -> list[Load | None]:
        """What goes into each volume; a single None for an answer with streams alone."""
        with self._store.read() as connection:
            names = streams_of(connection, answer.device.bureau, admin=answer.device.admin)
        offer = self._snapshots.offer(
            names, answer.ask, self._answers.stands(answer.ask, names),
            at_once=shelf is not None and shelf.waits,
        )
        if offer is None or (answer.by_stick and offer.kept is None):
            return [None]  # nobody waits at the other end of a stick: streams serve as well
        if not answer.by_stick:
            return [loads.by_network(offer)]
        volumes = loads.by_volumes(offer, shelf.limit if shelf is not None else loads.FULL)
        return list(volumes if shelf is not None else volumes[:1])


__all__ = ["MEDIA_RAW", "Answer", "Answering", "Shelf"]
