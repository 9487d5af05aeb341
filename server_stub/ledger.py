"""The ledger: change sets come in, in order, each exactly once.

Every change set is one transaction. What comes early is parked, what may not be
done is quarantined with its reason, what two people decided differently becomes
a :class:`Conflict` record; nothing is dropped (sync.md, Order, merge, conflict).
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
import zstandard

from server_stub import accounts, collisions, epochs, lines
from server_stub.clocks import in_time
from server_stub.conflicts import Clerk, conflict_words
from server_stub.device_keys import bound, set_key
from server_stub.devices import (
    DeviceRow,
    author_of,
    find_device,
    is_revoked,
    revoke_device,
    take_effect,
)
from server_stub.keys import HubKeys
from server_stub.lines import Reach
from server_stub.people import People
from server_stub.receipts import APPLIED, CONFLICTED, PARKED, QUARANTINED, Intake, Receipts
from server_stub.refusals import (
    REFUSALS,
    AfterRevocation,
    Clone,
    Fork,
    Quarantine,
    kind_of,
    unknown,
)
from server_stub.review import Review
from shared.access import HUB_ACTOR
from shared.errors import (
    UnknownSigner,
    YizhanError,
)
from shared.store import sql
from shared.store.incoming import check_origins, understand
from shared.store.merging import Merger
from shared.store.references import Origins, local_table
from shared.store.store import Store
from sync import changeset, signing
from sync.changeset import ChangeSet
from sync.messages import Branch, SetReceipt


class Ledger:
    """Applies change sets to the hub's store."""

    def __init__(self, store: Store, keys: HubKeys, epoch: str) -> None:
        self._store = store
        self._keys = keys
        self.receipts = Receipts(store, keys, epoch)
        with store.read() as connection:
            self._lineage = epochs.read(connection)
        self.review = Review(store, self._apply, REFUSALS)

    @property
    def restored_at(self) -> str:
        """When the hub last came back from a backup; ``""`` = never."""
        return self._lineage.began_at

    # --- devices -------------------------------------------------------------
    def device(self, device: str) -> DeviceRow | None:
        """The device's keys; None when unknown."""
        with self._store.read() as connection:
            return find_device(connection, device)

    def speaks_for(self, connection: sa.Connection, device: str, user: str) -> bool:
        """Whether an account was put on a device."""
        return accounts.speaks_for(connection, device, user)

    def revoke(self, device: str, reason: str) -> None:
        """See :func:`server_stub.devices.revoke_device`."""
        revoke_device(self._store, device, reason)

    def learn(self, device: str, branches: list[Branch]) -> None:
        """Take note of a device's incarnations; a new one supersedes those before it."""
        if not branches:
            return
        declared = self._store.types["device"]
        with self._store.unit(HUB_ACTOR) as unit:
            lines.lock(unit.connection, device)
            begun = lines.learn(unit.connection, device, branches)
            if begun and device in unit.load(declared, [device]):
                unit.update(declared, device, {"incarnation": begun}, proven=True)

    # --- change sets ---------------------------------------------------------
    def take(self, sets: Iterable[tuple[bytes, bytes]], package_id: str, exporter: str) -> Intake:
        """Accept signed change sets ``(envelope, payload)`` of one device in the order given.

        Raises :class:`UnknownSigner` or :class:`PackageTampered` before anything of
        the offending set is stored; sets before it stay.
        """
        intake = Intake()
        for envelope, payload in sets:
            one = self._verified(envelope, payload, exporter)
            self._take_one(one, package_id, intake)
            self._take_parked(one, package_id, intake)
        if self._lineage.restored and intake.sets:
            self._wake(exporter, package_id, intake)
            intake.freed = self._try_again()
        return intake

    # --- inside --------------------------------------------------------------
    def _verified(self, envelope: bytes, payload: bytes, exporter: str) -> ChangeSet:
        author = changeset.peek(envelope).device
        known = self.device(author)
        if known is None or author != exporter:
            raise UnknownSigner("变更集不是由发来它的设备签署的。", "请在填报的设备上重新导出。")
        statement, key_id = changeset.peek(envelope), signing.Envelope.decode(envelope).keyid
        with self._store.read() as connection:
            key = set_key(connection, known, key_id, statement.incarnation, statement.last)
        return changeset.check(envelope, payload, key, self._keys.hub_id)

    def _take_parked(self, after: ChangeSet, package_id: str, intake: Intake) -> None:
        """Sets of the same device that waited for this one."""
        reached = 0
        while (following := self._next_parked(after)) is not None and following.statement.last > reached:
            self._take_one(following, package_id, intake)
            reached = following.statement.last

    def _wake(self, exporter: str, package_id: str, intake: Intake) -> None:
        """Sets of any device that built on what has come again now, until nothing moves."""
        moved = True
        while moved:
            moved = False
            for one in self._waiting():
                woken = Intake()
                self._take_one(one, package_id, woken)
                if woken.repeated:
                    continue
                moved = True
                self._take_parked(one, package_id, woken)
                for said in woken.sets if one.statement.device == exporter else ():
                    intake.add(said)

    def _try_again(self) -> int:
        """Sets that waited in vain after a restore and were put aside: what they lacked may have come now.

        Returns how many are in; their authors ask what became of them, and are told.
        """
        freed, before = 0, -1
        while freed > before:
            before = freed
            with self._store.read() as connection:
                lacking = self.review.lacking(connection)
            for held, device in lacking:
                with self._store.write() as connection:
                    self._turn_of(connection, device)
                    freed += not is_revoked(connection, device) and self.review.try_again(connection, held)
        return freed

    def _waiting(self) -> list[ChangeSet]:
        with self._store.read() as connection:
            rows = epochs.waiting(connection)
        return [self._verified(envelope, payload, device) for envelope, payload, device in rows]

    def _take_one(self, one: ChangeSet, package_id: str, intake: Intake) -> None:
        """Apply a set, park it, or put it aside for a person; each in one transaction.

        Another process may be handling the same set: whoever has the first turn does
        the work, the other finds it done.
        """
        try:
            with self._store.write() as connection:
                said, repeated = self._accept(connection, one, package_id)
        except REFUSALS as refused:
            with self._store.write() as connection:
                said, repeated = self._put_aside(connection, one, package_id, refused)
        intake.add(said, repeated=repeated)

    def _accept(
        self, connection: sa.Connection, one: ChangeSet, package_id: str
    ) -> tuple[SetReceipt, bool]:
        st = one.statement
        self._turn_of(connection, st.device)
        at = lines.reach(connection, st.device, st.incarnation)
        early = st.first > at.contiguous_to + 1
        known = _known(connection, one)
        if known is not None and (early or known.status != PARKED):
            return known, True
        if at.strange:
            raise Fork("这一代次接续的变更与中心已有的不同，设备可能被复制或回退过。")
        if st.last <= at.contiguous_to and (again := lines.same_again(connection, one)) is not None:
            return again, True
        if lines.of_a_copy(connection, one):
            raise Clone("这台设备的数据已在别处恢复使用，较早的一份又发来了新的内容。")
        if is_revoked(connection, st.device):
            raise AfterRevocation("这台设备已被吊销，此后提交的内容须经审核。")
        if early:
            return self._keep(connection, one, PARKED, "前面的变更集还没有到达", package_id), False
        _same_chain(at, one)
        if missing := self._still_missing(connection, one):
            return self._keep(connection, one, PARKED, missing, package_id), known is not None
        status, reason = self._apply(connection, one)
        said = self._keep(connection, one, status, reason, package_id)
        lines.move(connection, st.device, st.incarnation, st.last, st.head)
        bound(connection, st.device, st.incarnation, st.first, one.envelope)
        return said, False

    def _turn_of(self, connection: sa.Connection, device: str) -> None:
        """One process at a time decides about sets: the numbering first, then the device, everywhere."""
        self._store.take_turn(connection)
        lines.lock(connection, device)

    def _still_missing(self, connection: sa.Connection, one: ChangeSet) -> str:
        """What a set offered again after a restore builds on and the hub has not got back."""
        if not self._lineage.restored:
            return ""
        now = self._store.clock.now()
        return epochs.waits_for(
            connection, self._lineage, one.statement.device, changeset.blocks(one), now,
            self._store.types["held_set"].number,
        )  # fmt: skip

    def _put_aside(
        self, connection: sa.Connection, one: ChangeSet, package_id: str, refused: YizhanError
    ) -> tuple[SetReceipt, bool]:
        """Accounted for, but without effect; a fork does not move the device on."""
        st = one.statement
        self._turn_of(connection, st.device)
        known = _known(connection, one)
        if known is not None and known.status != PARKED:
            return known, True
        kind = kind_of(refused)
        said = self._keep(connection, one, QUARANTINED, refused.message, package_id, kind)
        self.review.hold(connection, one, kind, refused)
        at = lines.reach(connection, st.device, st.incarnation)
        if kind != lines.FORK and (st.first, st.prev_head) == (at.contiguous_to + 1, at.head):
            lines.move(connection, st.device, st.incarnation, st.last, st.head)
        return said, False

    def _apply(
        self, connection: sa.Connection, one: ChangeSet, *, waived: bool = False, kind: str = ""
    ) -> tuple[str, str]:
        """Merge a set; raises one of the refusals.

        :param waived: a person released it: its authors' rights are not asked for.
        :param kind: why it was held; a fork's numbers mean something else already.
        """
        unit = self._store.unit_on(connection, HUB_ACTOR)
        unit.author = author_of(connection, one.statement.device)
        merger = Merger(unit)
        people = People(connection)
        origins = Origins(connection)
        clerk = Clerk(unit, people, self._store, origins, one.statement.device)
        late, devices, decided = 0, set[str](), list[str]()
        for block in changeset.blocks(one):
            check_origins(block.origins)
            named = [lines.fork_origin(one), *block.origins[1:]] if kind == lines.FORK else block.origins
            table = local_table(origins, named)
            for run in block.runs:
                known = understand(run, table, self._store.by_number)
                if known is None or known.partial:
                    raise Quarantine(unknown(one.statement.schema_version))
                if kind == lines.FORK:
                    lines.rebase_fork(connection, one, known, origins)
                actor = (people.waived if waived else people.actor)(run.actor, one.statement.device)
                known = in_time(known, one.statement.sealed_at, self._store.clock.now())
                settled = epochs.settle(unit, self._lineage, known)
                if settled is None:
                    continue
                if not waived:
                    accounts.require(connection, settled, actor)
                if known.declared.name == "held_set":
                    decided += known.ids
                merger.apply(settled, actor)
                clerk.note(settled)
                late += known.doubtful
                self._store.clock.observe(known.run.hlc)
                if known.declared.name == "device":
                    devices.update(known.ids)
        doubles = collisions.find(connection, unit.captured)
        clerk.clashes(merger.clashes)
        clerk.collisions(doubles)
        clerk.close(collisions.settled(unit, list(unit.captured)))
        unit.finish()
        take_effect(self._store, connection, devices)
        self.review.carry_out(connection, decided)
        if merger.clashes or doubles:
            return CONFLICTED, conflict_words(len(merger.clashes), len(doubles))
        return APPLIED, "设备时钟超前，顺序不受影响" if late else ""

    def _keep(
        self, connection: sa.Connection, one: ChangeSet, status: str, reason: str, package_id: str,
        kind: str = "",
    ) -> SetReceipt:
        st = one.statement
        sql.execute(
            connection,
            "INSERT INTO accepted_set (cs_id, device, incarnation, first, last, status, reason,"
            " envelope, payload, package_id, received_at, kind)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (cs_id) DO UPDATE"
            " SET status = excluded.status, reason = excluded.reason, kind = excluded.kind",
            (
                one.cs_id, st.device, st.incarnation, st.first, st.last, status, reason,
                one.envelope, zstandard.ZstdCompressor(level=3).compress(one.payload), package_id,
                self._store.clock.stamp(), kind,
            ),
        )
        return SetReceipt(one.cs_id, st.first, st.last, status, reason)

    def _next_parked(self, after: ChangeSet) -> ChangeSet | None:
        """A parked set of the same device whose turn has come, of whichever incarnation."""
        device = after.statement.device
        with self._store.read() as connection:
            rows = sql.execute(
                connection,
                "SELECT incarnation, min(first) FROM accepted_set WHERE device = ? AND status = ?"
                " GROUP BY incarnation ORDER BY incarnation",
                (device, PARKED),
            ).fetchall()
            for incarnation, first in rows:
                if first > lines.reach(connection, device, incarnation).contiguous_to + 1:
                    continue
                row = sql.execute(
                    connection,
                    "SELECT envelope, payload FROM accepted_set WHERE device = ? AND incarnation = ?"
                    " AND status = ? AND first = ? ORDER BY cs_id",
                    (device, incarnation, PARKED, first),
                ).fetchone()
                payload = zstandard.ZstdDecompressor().decompress(bytes(row[1]))
                return self._verified(bytes(row[0]), payload, device)
        return None


def _known(connection: sa.Connection, one: ChangeSet) -> SetReceipt | None:
    row = sql.execute(
        connection, "SELECT status, reason FROM accepted_set WHERE cs_id = ?", (one.cs_id,)
    ).fetchone()
    return SetReceipt(one.cs_id, one.statement.first, one.statement.last, *row) if row else None


def _same_chain(reach: Reach, one: ChangeSet) -> None:
    """Raise :class:`Fork` unless this set continues the device's chain."""
    if one.statement.first <= reach.contiguous_to:
        raise Fork("同一顺序号出现了另一份内容，设备可能被复制或回退过；请重新登记该设备。")
    if one.statement.prev_head != reach.head:
        raise Fork("与该设备此前的变更链接不上，设备可能被复制或回退过；请重新登记该设备。")


__all__ = ["Ledger"]
