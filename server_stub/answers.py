"""What a device gets back: receipts, and what stands in the streams it subscribes to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from server_stub import epochs
from server_stub.backup_contents import LAST
from server_stub.devices import DeviceRow, revocation
from server_stub.keys import HubKeys
from server_stub.loads import Load
from server_stub.partitions import streams_of
from server_stub.proving import Result
from server_stub.refresh import Refresher
from server_stub.streams import Segment, segment
from shared.changes import join_blocks
from shared.store.facts import read_number, read_text
from shared.store.store import Store
from sync import messages, signing
from sync.entries import Entry
from sync.messages import DOWN, PROTOCOL, RECEIPT, STATE, Ask, Cursor, Down, State

ANSWER_RAW = 24 << 20
"""About how many uncompressed bytes one answer over the network brings."""
SEGMENT_RAW = 4 << 20
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
        with store.read() as connection:
            self._lineage = epochs.read(connection)

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
        proofs: Result | None = None,
    ) -> Iterator[Entry]:
        """Receipt first, then streams, records asked for, then what is said about the whole.

        :param arrived: the device's latest packages; :param carried: what it takes along for others;
        :param then: what else is said before the state of the whole;
        :param proofs: what the hub found about its evidence, for who asked;
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
            backed_up = read_text(connection, LAST)
            if load is None or load.streams:
                stands = self.stands(ask, names) if load is None else load.stands(names, self._epoch)
                post.more = False
                yield from self._streams(connection, stands, post)
                refresher = Refresher(connection, self._store, self._keys.hub_id, self._epoch, names)
                yield from refresher.entries(ask.refresh or {}, post)
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
            rewound=self.rewound(ask, names),
            proofs=proofs.proofs if proofs else [],
            proofs_at=proofs.at if proofs else "",
            backup=backed_up,
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

    def rewound(self, ask: Ask, names: Sequence[str]) -> dict[str, tuple[int, bytes]]:
        """Streams that go on before the place the device has come to."""
        stands = self.stands(ask, names)
        known = {name: one for name, one in ask.cursors.items() if name in stands}
        return {
            name: (stands[name].n, stands[name].head)
            for name, at in known.items()
            if at.epoch != self._epoch and stands[name].n < at.n
        }

    def farewell(self, device: DeviceRow, receipt: bytes) -> Iterator[Entry]:
        """What a revoked device still gets: its receipt, and that it is revoked (N10)."""
        yield Entry(RECEIPT, {"envelope": receipt})
        with self._store.read() as connection:
            at, why = revocation(connection, device.device)
        state = State(
            v=PROTOCOL, epoch=self._epoch, at=self._store.clock.stamp(), streams=[], more=False,
            hub_name=self._keys.name, revoked_at=at or self._store.clock.stamp(), revoke_reason=why,
        )  # fmt: skip
        yield Entry(STATE, {"state": messages.encode(state)})

    def _cursor(self, ask: Ask, name: str) -> Cursor:
        """From where a stream goes on; an earlier program starts anew in a new epoch."""
        found = ask.cursors.get(name)
        if ask.refresh is None and found is not None and found.epoch != self._epoch:
            found = None
        return self._lineage.start(name, found)

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
