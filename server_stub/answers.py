"""What a device gets back: receipts, and what stands in the streams it subscribes to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from server_stub.keys import HubKeys
from server_stub.ledger import DeviceRow
from server_stub.loads import Load
from server_stub.partitions import streams_of
from server_stub.streams import Segment, segment
from shared.changes import GENESIS, join_blocks
from shared.store.facts import read_number
from shared.store.store import Store
from sync import messages, signing
from sync.entries import Entry
from sync.messages import DOWN, PROTOCOL, RECEIPT, STATE, Ask, Cursor, Down, State

ANSWER_RAW = 24 << 20
"""About how many uncompressed bytes one answer over the network brings."""
SEGMENT_RAW = 4 << 20
MOST = 2**63 - 1
LEASE = "lease_days"
LEASE_DAYS = 30


def lease_days(connection: sa.Connection) -> int:
    """How many days devices may work without hearing from the hub."""
    return read_number(connection, LEASE) or LEASE_DAYS


@dataclass(slots=True)
class Post:
    """How much room an answer has left for others' mail, and whether some had to stay."""

    left: int
    more: bool = False


Carried = Callable[[Ask, Post], Iterator[Entry]]


class Answers:
    """Builds the entries of answer packages."""

    def __init__(self, store: Store, keys: HubKeys, epoch: str) -> None:
        self._store = store
        self._keys = keys
        self._epoch = epoch

    def entries(
        self,
        device: DeviceRow,
        receipt: bytes | None,
        ask: Ask,
        *,
        limit: int = ANSWER_RAW,
        arrived: Sequence[str] = (),
        carried: Carried | None = None,
        then: Iterable[Entry] = (),
        load: Load | None = None,
    ) -> Iterator[Entry]:
        """Receipt first, then streams, then what is said about the whole.

        :param arrived: the device's latest packages; :param carried: what it takes along for others;
        :param then: what else is said before the state of the whole;
        :param load: parts of a first load, which come instead of streams or before what follows them.
        """
        if receipt is not None:
            yield Entry(RECEIPT, {"envelope": receipt})
        if load is not None:
            yield from load.entries(self._keys.sign)
        post = Post(limit, more=True)
        with self._store.read() as connection:
            names = streams_of(connection, device.bureau, admin=device.admin)
            lease = lease_days(connection)
            if load is None or load.streams:
                stands = self.stands(ask, names) if load is None else load.stands(names, self._epoch)
                post.more = False
                yield from self._streams(connection, stands, post)
        if carried is not None and not post.more:
            yield from carried(ask, post)
        yield from then
        state = State(
            v=PROTOCOL,
            epoch=self._epoch,
            at=self._store.clock.stamp(),
            streams=names,
            more=post.more,
            hub_name=self._keys.name,
            arrived=list(arrived),
            wait=load.wait if load is not None else 0,
            lease_days=lease,
            device_key=device.sign.key_id,
        )
        yield Entry(STATE, {"state": messages.encode(state)})

    def stands(self, ask: Ask, names: Sequence[str]) -> dict[str, Cursor]:
        """From where each stream goes on for a device, in the order they are sent."""
        return {name: self._cursor(ask, name) for name in names}

    def _streams(
        self, connection: sa.Connection, stands: Mapping[str, Cursor], post: Post
    ) -> Iterator[Entry]:
        """What follows in each stream, as far as there is room."""
        for name, cursor in stands.items():
            while True:
                if post.left <= 0:
                    post.more = True
                    break
                found, rest = segment(
                    connection, name, cursor.n, max_raw=min(SEGMENT_RAW, post.left)
                )
                if found is None:
                    break
                entry = self._down(found)
                post.left -= len(entry.data)
                cursor = Cursor(self._epoch, found.to, found.head)
                yield entry
                if not rest:
                    break

    def _cursor(self, ask: Ask, name: str) -> Cursor:
        """Where the device stands; from the start when it speaks of another epoch."""
        found = ask.cursors.get(name)
        if found is None or found.epoch != self._epoch or not 0 <= found.n <= MOST:
            return Cursor(self._epoch, 0, GENESIS)
        return found

    def _down(self, found: Segment) -> Entry:
        payload = join_blocks(found.raw_blocks)
        body = Down(
            v=PROTOCOL,
            hub_id=self._keys.hub_id,
            epoch=self._epoch,
            stream=found.stream,
            after=found.after,
            to=found.to,
            prev_head=found.prev_head,
            head=found.head,
            payload_hash=hashlib.sha256(payload).digest(),
            at=self._store.clock.stamp(),
        )
        envelope = signing.sign(self._keys.sign, signing.DOWN, messages.encode(body))
        return Entry(DOWN, {"envelope": envelope.encode()}, payload)
