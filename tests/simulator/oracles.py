"""The five questions asked after every history (proof.md). Each raises AssertionError and says what is wrong."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
import zstandard

from server_stub import epochs, lines
from server_stub.hub import Hub
from server_stub.partitions import streams_of
from shared.changes import (
    GENESIS,
    SEQ_BITS,
    SEQ_MASK,
    Op,
    chain,
    decode_block,
    join_blocks,
    split_blocks,
    unpack,
)
from shared.record import PROVENANCE
from shared.store import audit, exchange, incarnations, rewinding, sql
from shared.store.digest import Digest, digest_of
from shared.store.facts import read_fact, read_number
from shared.store.follow import OWN_NOTES
from shared.store.incarnations import head_at
from shared.store.journal import raw_blocks
from shared.store.references import Origins
from shared.store.store import Store
from sync import changeset, messages
from sync.messages import Cursor, Receipt
from sync.signing import RECEIPT, Envelope, VerifyKey, verify
from tests.simulator.model import Change, Clash, Key, Life, Record, Ref
from tests.simulator.seat import Seat

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tests.simulator.world import World

FINAL = {"applied", "conflicted", "quarantined", "rejected"}
_Known = tuple[Op, str, str, dict[str, object]]
MODELLED = ("market_entity", "permit", "officer", "claim", "user", "bureau")
UNREPEATABLE = ("exchange", "backup")
"""Hold fingerprints, which HPKE makes different each time."""


def unpacked(payload: bytes) -> bytes:
    """A change set as the hub archived it."""
    return zstandard.ZstdDecompressor().decompress(payload)


def followed(hub: Hub, seat: Seat, *, but_notes: bool = False) -> bool:
    """Whether a seat has nothing pending and has heard everything.

    :param but_notes: what the hub notes about seats need not have been heard: two copies of one device
        say in turn how far they are, and the hub notes each of it.
    """
    at = seat.reach()
    if at.written != at.receipted:
        return False
    if seat.revoked:
        return True  # it hears nothing any more
    with hub.store.read() as connection:
        device = hub.ledger.device(seat.device)
        assert device is not None
        tops = dict(sql.execute(connection, "SELECT name, n FROM stream").fetchall())
        wanted = {name: tops.get(name, 0) for name in streams_of(connection, device.bureau, admin=device.admin)}
        forks = epochs.read(connection)
    with seat.store.read() as connection:
        # Who hears nothing new of a stream after a restore keeps its place there, in the name of the epoch before.
        have = {
            c.stream: c.n
            for c in exchange.cursors(connection)
            if c.epoch == hub.epoch or forks.start(c.stream, Cursor(c.epoch, c.n, c.head)).n == c.n
        }
        if rewinding.doubts(connection):
            return False
    behind = {name: have.get(name, 0) for name, n in wanted.items() if have.get(name, 0) < n}
    return not behind or (but_notes and all(_notes_alone(hub, *one) for one in behind.items()))


def _notes_alone(hub: Hub, stream: str, after: int) -> bool:
    """Whether a stream holds nothing but the hub's notes about seats beyond a number."""
    with hub.store.read() as connection:
        rows = sql.execute(
            connection, "SELECT payload FROM stream_block WHERE stream = ? AND last > ?", (stream, after)
        ).fetchall()
    blocks = [decode_block(unpack(bytes(payload))) for (payload,) in rows]
    return {hub.store.by_number[run.type].name for block in blocks for run in block.runs} <= OWN_NOTES


def standing(store: Store) -> dict[Key, Record]:
    """What stands in a store, in the model's words."""
    out: dict[Key, Record] = {}
    with store.read() as connection:
        origins = Origins(connection)

        def ref(packed: int) -> Ref:
            return (*origins.name(packed >> SEQ_BITS), packed & SEQ_MASK)

        for name in MODELLED:
            declared = store.types[name]
            names = ("id", *declared.names, "_w", "_fw", "_deleted")
            for record_id, *values, w, fw, deleted in sql.execute(
                connection, f'SELECT {sql.quoted(names)} FROM "{name}"'
            ).fetchall():
                own = msgspec.msgpack.decode(bytes(fw), type=dict[int, int]) if fw else {}
                writers = {declared.by_number[n].name: ref(one) for n, one in own.items()}
                stored = dict(zip(declared.names, values, strict=True))
                out[name, record_id] = Record(ref(w), stored, writers, bool(deleted))
    return out


# --- O1 --------------------------------------------------------------------------
def every_change_accounted_for(world: World) -> None:
    """Every committed local change is applied, parked, conflicted or quarantined exactly once."""
    hub = world.hub
    assert hub is not None
    for device in dict.fromkeys(life.device for life in world.model.lives):
        with hub.store.read() as connection:
            rows = sql.execute(
                connection,
                "SELECT incarnation, first, last, status, payload, reason, kind FROM accepted_set"
                " WHERE device = ? ORDER BY incarnation, kind = 'fork', first",
                (device,),
            ).fetchall()
        lives = [life for life in world.model.lives if life.device == device]
        counted: list[Counter[tuple[int, int]]] = [Counter() for _ in lives]
        for incarnation, first, last, status, payload, reason, kind in rows:
            name = f"{device[-4:]} {incarnation}: {first}–{last}"
            assert status in FINAL, f"O1: {name} is {status}"
            if status in ("quarantined", "rejected"):
                assert world.trouble.excuses(device, kind), f"O1: {name} {status} ({kind}): {reason}"
            inside = _changes(hub.store, unpacked(bytes(payload)))
            assert list(inside) == list(range(first, last + 1)), f"O1: {name} has other numbers"
            made = [_made(life, incarnation, inside) for life in lives]
            assert any(inside.keys() <= found for found in made), f"O1: {name} was never made like this"
            for count, found in zip(counted, made, strict=True):
                # A fork may begin with what is there already; the same numbers with another meaning are new.
                again = {n for n in found if kind == "fork" and count[incarnation, n]}
                count.update((incarnation, n) for n in found - again)
        for life, count in zip(lives, counted, strict=True):
            twice = [key for key, n in count.items() if n > 1]
            assert not twice, f"O1: {device[-4:]} {twice[:3]} are there more than once"
            missing = life.acts.keys() - count.keys()
            seat = next((s for s in world.seats if s.life is life), None)
            if seat is None or seat.revoked:
                assert life.over or seat is not None
                continue
            assert not missing, f"O1: {seat.name} made {sorted(missing)[:3]}, which the hub has not"
            top = max((n for _, n in life.acts), default=0)
            assert seat.written() == top, f"O1: {seat.name} made {top}, the journal says {seat.written()}"


def _made(life: Life, incarnation: int, inside: Mapping[int, _Known]) -> set[int]:
    """Which of these are what was done there."""
    found = set()
    for number, (op, type_name, record_id, values) in inside.items():
        done = life.acts.get((incarnation, number))
        if done is None or (done.op, done.type_name, done.record_id) != (op, type_name, record_id):
            continue
        if all(values.get(name) == value for name, value in done.values.items()):
            found.add(number)
    return found


def _changes(store: Store, payload: bytes) -> dict[int, _Known]:
    out: dict[int, _Known] = {}
    for raw in split_blocks(payload):
        for run in decode_block(raw).runs:
            declared = store.by_number[run.type]
            names = [declared.by_number[n].name for n in run.fields]
            for row, record_id in enumerate(run.record_ids()):
                values: dict[str, object] = {n: c[row] for n, c in zip(names, run.columns, strict=False)}
                out[run.first + row] = Op(run.op), declared.name, record_id, values
    return out


# --- O2 --------------------------------------------------------------------------
def content_equal(world: World) -> None:
    """The content of a scope is the same everywhere, and it is what the model says."""
    hub = world.hub
    assert hub is not None
    at_hub: dict[str, Digest] = {}
    noted = OWN_NOTES if world.trouble.recut else frozenset()
    types = [t for name, t in hub.store.types.items() if name not in noted]
    for seat in world.seats:
        if seat.revoked:
            continue
        with hub.store.read() as connection:
            device = hub.ledger.device(seat.device)
            assert device is not None
            names = streams_of(connection, device.bureau, admin=device.admin)
            for name in names:
                if name not in at_hub:
                    at_hub[name] = digest_of(connection, types, name, without=world.model.left)
        with seat.store.read() as connection:
            for name in names:
                mine = digest_of(connection, types, name, without=world.model.left)
                assert mine == at_hub[name], f"O2: {seat.name} differs in {name}: {_where(world, seat)}"
    modelled, really = world.model.records, standing(hub.store)
    for key in sorted(modelled.keys() | really.keys()):
        if key[0] not in MODELLED:
            continue
        ours, theirs = modelled.get(key), really.get(key)
        assert ours is not None and theirs is not None, f"O2: {key}: model {ours}, hub {theirs}"
        assert ours.deleted == theirs.deleted, f"O2: {key} deleted: model {ours.deleted}"
        if not ours.deleted:
            wanted, stands = ours.present(), theirs.present()
            for name in PROVENANCE:
                wanted.pop(name, None), stands.pop(name, None)
            assert wanted == stands, f"O2: {key}: model {wanted}, hub {stands}"
    with hub.store.read() as connection:
        steady = [t for t in types if t.name not in UNREPEATABLE]
        for name in sorted(at_hub):
            one = digest_of(connection, steady, name, without=world.model.left)
            world.say(f"    {name.split(':')[0]} {one.count} {one.text[:16]}")


def _where(world: World, seat: Seat) -> str:
    """The first record that differs, for whoever must find out."""
    assert world.hub is not None
    mine, hubs = standing(seat.store), standing(world.hub.store)
    for key in sorted(mine.keys() & hubs.keys()):
        a, b = mine[key], hubs[key]
        if a.deleted != b.deleted or (not a.deleted and a.present() != b.present()):
            mine_only, hubs_only = _unlike(a, b), _unlike(b, a)
            return f"{key}: seat {mine_only} deleted {a.deleted}; hub {hubs_only} deleted {b.deleted}"
    missing = sorted(k for k in hubs.keys() ^ mine.keys())
    return f"only at one of them: {missing[:3]}"


def _unlike(one: Record, other: Record) -> dict[str, tuple[object, Ref]]:
    theirs = other.present()
    return {name: said for name, said in one.present().items() if theirs.get(name) != said}


# --- at any time: what is pending stays (N7) -----------------------------------------
def pending_stays(seat: Seat) -> None:
    """What somebody entered or changed and the hub has never signed for is on the screen, whatever else comes.

    What it had signed for and forgot by a restore is pending again, but may have been deleted since by another.
    """
    last: dict[Key, Change] = {}
    with seat.store.read() as connection:
        ever = max(exchange.reach(connection).receipted, read_number(connection, rewinding.REWOUND_TO))
    for (_, number), change in seat.life.acts.items():
        if number > ever and change.type_name in MODELLED:
            last[change.type_name, change.record_id] = change
    for (type_name, record_id), change in last.items():
        if change.op is not Op.DELETE:
            there = seat.ids(type_name, '"id" = ?', record_id)
            assert there, f"N7: {seat.name} lost {type_name} {record_id} while its own change was pending"


# --- O3 --------------------------------------------------------------------------
def nothing_receipted_lost(world: World) -> None:
    """What any receipt ever said is accounted for, the hub still has."""
    hub = world.hub
    assert hub is not None
    with hub.store.read() as connection:
        kept = dict(sql.execute(connection, "SELECT cs_id, status FROM accepted_set").fetchall())
        reached = {
            (d, i): lines.reach(connection, d, i).contiguous_to
            for d, i in sql.execute(connection, "SELECT device, incarnation FROM device_reach").fetchall()
        }
    for seat in world.seats:
        for receipt in receipts(world, seat):
            for one in receipt.sets:
                if world.trouble.recut and one.cs_id not in kept:
                    continue  # the hub has these changes from another copy, cut otherwise: O1 counts them
                assert one.cs_id in kept, f"O3: {seat.name} {one.first}–{one.last} was receipted and is gone"
                if one.status in FINAL:
                    assert kept[one.cs_id] in FINAL, f"O3: {seat.name} {one.first} fell back to {kept[one.cs_id]}"
            have = reached[receipt.device, receipt.incarnation]
            assert receipt.contiguous_to <= have, f"O3: {seat.name} was told {receipt.contiguous_to}, hub has {have}"


def receipts(world: World, seat: Seat) -> list[Receipt]:
    """All receipts a seat holds, oldest first, signatures checked."""
    with seat.store.read() as connection:
        rows = sql.execute(connection, "SELECT envelope FROM receipt ORDER BY no").fetchall()
    envelopes = [Envelope.decode(bytes(r[0])) for r in rows]
    found = []
    for one in envelopes:
        key = world.hub_keys.own(one.keyid)
        assert key is not None, f"O3: {seat.name} holds a receipt that the hub never signed"
        found.append(messages.decode(verify(one, key, RECEIPT), Receipt))
    return found


# --- O4 --------------------------------------------------------------------------
def chains_whole(world: World) -> None:
    """Journal, streams, accepted sets and audit: each a chain from its beginning."""
    assert world.hub is not None
    for seat in world.seats:
        with seat.store.read() as connection:
            head, n = GENESIS, 0
            branched = {b.start: b.parent_head for b in incarnations.branches(connection)}
            discarded = exchange.kept_from(connection) - 1
            for first, last, kept, payload in sql.execute(
                connection, "SELECT first_seq, last_seq, head, payload FROM journal ORDER BY first_seq"
            ).fetchall():
                assert first == n + 1, f"O4: journal of {seat.name}: {first} follows {n}"
                head = branched.get(n, head)
                if not payload:  # discarded: its statement, below, says whether the head is right
                    assert last <= discarded, f"O4: journal of {seat.name}: {first} is empty"
                    head, n = bytes(kept), last
                    continue
                head, n = chain(head, unpack(bytes(payload))), last
                assert head == bytes(kept), f"O4: journal of {seat.name} at {first}"
            head = branched.get(n, head)
            assert (read_fact(connection, "head") or GENESIS) == head, f"O4: journal of {seat.name}: its end"
            for one in exchange.all_sets(connection, 100_000):
                gone = one.last <= discarded
                payload = None if gone else join_blocks(raw_blocks(connection, one.first, one.last))
                made = changeset.check(
                    one.envelope, payload, _signer(seat, one.envelope), world.hub_keys.hub_id
                )
                assert made.cs_id == one.cs_id, f"O4: {seat.name} {one.first}"
                if gone:
                    ends = (head_at(connection, one.first - 1), head_at(connection, one.last))
                    said = made.statement
                    assert (said.prev_head, said.head) == ends, f"O4: {seat.name} {one.first}: discarded"
            _audit(connection, seat.name)
    _hub_chains(world)


def _hub_chains(world: World) -> None:
    assert world.hub is not None
    with world.hub.store.read() as connection:
        tops: dict[str, dict[int, bytes]] = {}
        for name, n, head in sql.execute(connection, "SELECT name, n, head FROM stream").fetchall():
            at, count = GENESIS, 0
            tops[name] = {0: GENESIS}
            for first, last, before, payload in sql.execute(
                connection,
                "SELECT first, last, prev_head, payload FROM stream_block WHERE stream = ? ORDER BY first",
                (name,),
            ).fetchall():
                assert first == count + 1 and bytes(before) == at, f"O4: {name} at {first}"
                at, count = chain(at, unpack(bytes(payload))), last
                tops[name][count] = at
            assert (n, bytes(head)) == (count, at), f"O4: {name}: its end"
        _hub_lines(world, connection)
        for seat in world.seats:
            with seat.store.read() as mine:
                for cursor in exchange.cursors(mine):
                    known = tops.get(cursor.stream, {}).get(cursor.n)
                    assert known == cursor.head, f"O4: {seat.name} follows another {cursor.stream}"
        _audit(connection, "hub")
    for seat in world.seats:
        seen = {hashlib.sha256(messages.encode(r)).hexdigest(): r for r in receipts(world, seat)}
        befores = [(r.epoch, r.prev_receipt) for r in seen.values() if r.prev_receipt]
        assert len(befores) == len(set(befores)), f"O4: receipts of {seat.name} fork"


def _hub_lines(world: World, connection: Connection) -> None:
    """The accepted sets of each incarnation continue each other from where it branched off."""
    for seat in {s.device: s for s in world.seats}.values():
        starts = {
            i: (start, bytes(head) if parent else GENESIS)
            for i, start, parent, head in sql.execute(
                connection,
                "SELECT incarnation, start, parent, parent_head FROM device_reach WHERE device = ?",
                (seat.device,),
            ).fetchall()
        }
        at: dict[int, tuple[int, bytes]] = dict(starts)
        for incarnation, envelope, payload, reason, kind in sql.execute(
            connection,
            "SELECT incarnation, envelope, payload, reason, kind FROM accepted_set WHERE device = ?"
            " ORDER BY incarnation, first",
            (seat.device,),
        ).fetchall():
            one = changeset.check(
                bytes(envelope), unpacked(bytes(payload)), _signer(seat, bytes(envelope)), world.hub_keys.hub_id
            )
            if kind in ("fork", "clone"):
                continue  # the work of another copy: it continues what that one had
            last, head = at[incarnation]
            st = one.statement
            assert (st.first, st.prev_head) == (last + 1, head), f"O4: sets of {seat.name} at {st.first}: {reason}"
            at[incarnation] = (st.last, st.head)


def _signer(seat: Seat, envelope: bytes) -> VerifyKey:
    """Which of a device's keys, present or past, says it signed this."""
    named = Envelope.decode(envelope).keyid
    found = next((k for k in seat.engine.credentials.ring.signers if k.key_id == named), None)
    assert found is not None, f"O4: {seat.name} has no key {named}"
    return found


def _audit(connection: object, whose: str) -> None:
    found = audit.check(connection)  # type: ignore[arg-type]
    assert found.whole, f"O4: audit of {whose}: {found.broken} {found.reason}"


# --- O5 --------------------------------------------------------------------------
def receipts_explain(world: World) -> None:
    """Whatever did not simply come to stand, or is kept no more, a receipt explains to its author."""
    hub = world.hub
    assert hub is not None
    with hub.store.read() as connection:
        sets = {
            r[0]: r
            for r in sql.execute(
                connection, "SELECT cs_id, status, reason, device, first, last FROM accepted_set"
            ).fetchall()
        }
        asked = {
            Clash(r[0], r[1], r[2] or "", _name(r[3]))
            for r in sql.execute(
                connection, 'SELECT record_type, record_id, field, theirs_ref FROM "conflict"'
            ).fetchall()
        }
    for seat in world.seats:
        told = {s.cs_id: s for r in receipts(world, seat) for s in r.sets}
        with seat.store.read() as connection:
            mine = exchange.all_sets(connection, 100_000)
            kept = read_number(connection, "receipted")
        for one in mine:
            if one.last > kept:
                assert seat.revoked, f"O5: {seat.name} {one.first}–{one.last} has no receipt"
                continue
            said = told.get(one.cs_id)
            if world.trouble.recut and one.cs_id not in sets:
                assert said is not None, f"O5: {seat.name} {one.first}–{one.last}: nobody said that it was there"
                continue
            _, status, *_ = sets[one.cs_id]
            if status != "applied":
                assert said is not None, f"O5: {seat.name} {one.first} is {status}, which nobody told it"
                assert said.status == status and said.reason, f"O5: {seat.name} {one.first}: {said}"
            assert one.status in (status, "archived"), f"O5: {seat.name} {one.first}: {one.status}, not {status}"
    assert world.model.clashes == asked, f"O5: clashes without a conflict or the other way: {world.model.clashes ^ asked}"
    open_at = {s.index: set(s.ids("conflict")) for s in world.seats}
    for seat in world.seats:
        for clash in world.model.clashes:
            if clash.theirs[0] == seat.device and not seat.revoked:
                found = [
                    i for i in open_at[seat.index]
                    if seat.row("conflict", i, "record_id", "field") == (clash.record_id, clash.field or None)
                    or seat.row("conflict", i, "record_id", "field") == (clash.record_id, clash.field)
                ]  # fmt: skip
                assert found, f"O5: {seat.name} never learns of {clash}"


def _name(text: str) -> Ref:
    device, incarnation, number = str(text).split(":")
    return device, int(incarnation), int(number)
