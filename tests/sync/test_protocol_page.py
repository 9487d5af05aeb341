"""docs/protocol.md says what travels: a reader written from that page alone opens what the program writes.

When a test here fails, the wire has changed: the page, its version and every other
client are concerned.
"""

from __future__ import annotations

import ast
import http.client
import io
import json
import os
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlcipher3 import dbapi2

from server_stub.enrolment import Account
from shared.ids import new_id
from shared.record import Part
from shared.store.migrate import HEAD
from shared.types import catalog
from sync import enrol
from sync.package import CoreDraft, Entry, Kind, seal_bytes
from sync.trust import DeviceKeys, InviteCode
from tests.fixtures import protocol_page
from tests.fixtures.attached import attach, scan, wish
from tests.fixtures.devices import Device, Enrol, handle
from tests.fixtures.hubs import DIVISION, Place, serving
from tests.fixtures.protocol_page import (
    ASK,
    DOWN,
    GRANT,
    HOLDINGS,
    LETTER,
    LETTERS,
    MIB,
    RECEIPT,
    SNAPSHOT,
    STATE,
    STATEMENT,
    WORKED,
    Change,
    Unlike,
    blocks,
    chained,
    changes,
    database,
    digest,
    entries,
    invite_name,
    listed,
    mapping,
    nonce_of,
    package,
    pin,
    proof,
    record_id,
    short,
    signed,
    steps,
    unpack,
    verified,
)

USCC, NAME = "91310113XN12345667", "上海宝山青穗餐饮有限公司"
ENTITY = {"uscc": USCC, "name": NAME, "status": "1", "division": DIVISION, "registered_capital": 50_000_000}


@pytest.fixture
def hub_url(tmp_path: Path, hub_template: Path) -> str:
    """The wire is one whatever database the hub has; here SQLite."""
    shutil.copyfile(hub_template, tmp_path / "hub.db")
    return f"sqlite:///{tmp_path / 'hub.db'}"


def worked(place: Place, enrol_at: Enrol) -> tuple[Device, str]:
    """A device that entered a market entity, edited it, and made and withdrew another."""
    device = enrol_at(place.a, "chenmin")
    (entity,) = device.insert("market_entity", ENTITY)
    device.update("market_entity", entity, legal_person="言初", registered_capital=60_000_000)
    (other,) = device.insert("market_entity", {**ENTITY, "uscc": "91310113XN12345742"})
    device.delete("market_entity", other, "重复录入")
    return device, entity


def test_a_package_of_changes(place: Place, enrol_at: Enrol) -> None:
    device, entity = worked(place, enrol_at)
    hub, public = place.hub.keys, device.keys.sign.public.to_bytes()
    one = package(device.export())
    assert one.core["kind"] == "changes" and one.core["hub_id"] == hub.hub_id
    assert one.core["exporter"] == device.grant.device and one.core["prereqs"] == {"carrier": "media"}
    assert one.core["ranges"] == [[device.grant.device, 1, 1, 4]] and one.core["exporter_key"] == b""
    asked, *sets = entries(one, public, hub.seal.raw, hub.seal.public.to_bytes())
    assert asked[0] == "ask" and mapping(asked[1]["ask"], *ASK)["cursors"] == {}

    assert [kind for kind, _, _ in sets] == ["change_set"]
    (_, meta, payload) = sets[0]
    raw_statement = signed(meta["envelope"], "statement", public)
    said = mapping(raw_statement, *STATEMENT)
    assert said["payload_hash"] == digest(payload) and said["raw_len"] == len(payload)
    assert (said["first"], said["last"], said["incarnation"]) == (1, 4, 1) and said["hub_id"] == hub.hub_id
    raws = blocks(payload)
    assert said["prev_head"] == bytes(32) and said["head"] == chained(bytes(32), raws)

    found = [change for raw in raws for change in changes(raw)]
    me, number = (device.grant.device, 1), {f: n for n, (f, *_) in listed()["market_entity"].fields.items()}
    assert [(c.type, c.op, c.seq) for c in found] == [(1, 1, 1), (1, 2, 2), (1, 1, 3), (1, 3, 4)]
    assert all(c.author == me and c.actor == device.actor.user and c.writers == {} for c in found)
    entered, edited, _, withdrawn = found
    assert entered.record == edited.record == entity == record_id("market_entity", USCC)
    expected = {number[k]: v for k, v in ENTITY.items()}
    assert {n: v for n, v in entered.values.items() if n >= 10} == expected
    assert entered.values[1] == place.a and entered.values[3] == device.actor.user
    assert entered.values[4] == "entry" and entered.values[2].endswith("+08:00")
    assert edited.values == {number["legal_person"]: "言初", number["registered_capital"]: 60_000_000}
    assert edited.bases[number["registered_capital"]] == (*me, 1)
    assert edited.bases[number["legal_person"]] in (None, (*me, 1))
    assert withdrawn.values == {} and withdrawn.cause == "重复录入"
    assert set(withdrawn.bases) >= set(expected) and set(withdrawn.bases.values()) == {(*me, 3)}


def test_mail_for_several_and_a_courier(place: Place, enrol_at: Enrol) -> None:
    first, second, courier = enrol_at(place.b, "lin"), enrol_at(place.b, "zhou"), enrol_at(place.a, "chen")
    hub, public = place.hub.keys, place.hub.keys.sign.public.to_bytes()
    ask = {"v": 1, "incarnation": 1, "cursors": {}, "mail": {place.b: [["0" * 32, 12]]}}
    draft = CoreDraft(Kind.CHANGES, hub.hub_id, courier.grant.device, "2026-05-06T09:00:00+08:00")
    asking = Entry("ask", {"ask": msgspec.msgpack.encode(ask)})
    _, data = handle(place.hub, seal_bytes(draft, [hub.seal.public], courier.keys.sign, [asking]))
    seal = courier.keys.seal
    found = entries(package(data), public, seal.raw, seal.public.to_bytes())
    (_, meta, letter_data), last = found[-2:]
    assert [last[0], found[-2][0]] == ["state", "mail"] and mapping(last[1]["state"], *STATE)["more"] is False
    letter = mapping(meta["letter"], *LETTER)
    assert (letter["bureau"], letter["offset"], letter["size"]) == (place.b, 0, len(letter_data))

    inner = package(letter_data)
    assert inner.core["prereqs"] == {"mail": 1} and inner.core["package_id"] == letter["package_id"]
    assert digest(signed(inner.trailer, "trailer", public)) == letter["fingerprint"]
    assert len(inner.core["audience"]) == 2
    for one in (first, second):
        own = one.keys.seal
        said = entries(inner, public, own.raw, own.public.to_bytes())
        receipts = [mapping(signed(m["envelope"], "receipt", public), *RECEIPT) for k, m, _ in said if k == "receipt"]
        assert {r["device"] for r in receipts} == {first.grant.device, second.grant.device}


def test_an_answer(place: Place, enrol_at: Enrol) -> None:
    device, entity = worked(place, enrol_at)
    sent = device.export()
    _, data = handle(place.hub, sent)
    hub, public = place.hub.keys, place.hub.keys.sign.public.to_bytes()
    seal, number = device.keys.seal, {f: n for n, (f, *_) in listed()["market_entity"].fields.items()}
    one = package(data)
    assert (one.core["kind"], one.core["exporter"]) == ("answer", hub.hub_id)
    assert one.core["prereqs"] == {"answers": package(sent).core["package_id"]}
    (first, *downs, last) = entries(one, public, seal.raw, seal.public.to_bytes())

    receipt = mapping(signed(first[1]["envelope"], "receipt", public), *RECEIPT)
    author = device.keys.sign.public.to_bytes()
    _, (_, meta, _) = entries(package(sent), author, hub.seal.raw, hub.seal.public.to_bytes())
    statement = signed(meta["envelope"], "statement", author)
    assert receipt["sets"] == [[digest(statement).hex(), 1, 4, "applied", ""]]
    assert (receipt["contiguous_to"], receipt["gaps"], receipt["prev_receipt"]) == (4, [], "")
    assert (receipt["device"], receipt["hub_id"]) == (device.grant.device, hub.hub_id)

    state = mapping(last[1]["state"], *STATE)
    assert (first[0], last[0], state["more"]) == ("receipt", "state", False)
    assert {"common", f"division:{DIVISION}", f"bureau:{place.a}"} <= set(state["streams"])
    streams: dict[str, list[Change]] = {}
    for kind, meta, data in downs:
        said = mapping(signed(meta["envelope"], "down", public), *DOWN)
        assert kind == "down" and said["payload_hash"] == digest(data) and said["epoch"] == state["epoch"]
        raws = blocks(data)
        assert (said["after"], said["prev_head"]) == (0, bytes(32)) and chained(bytes(32), raws) == said["head"]
        assert all(unpack(raw)[0][0] == [hub.hub_id, 1] for raw in raws)
        streams[said["stream"]] = [change for raw in raws for change in changes(raw)]
        assert said["to"] == len(streams[said["stream"]])
    names = {c.values[11] for c in streams["common"] if c.type == 2}
    assert names == {"甲局", "乙局", "甲局一所"}
    stands: dict[int, Any] = {}
    for change in streams[f"division:{DIVISION}"]:
        if change.record == entity:
            stands |= change.values
            assert change.author == (device.grant.device, 1) and change.writers == {}
    assert stands[number["name"]] == NAME and stands[number["registered_capital"]] == 60_000_000


def test_what_stands_names_its_writers(place: Place, enrol_at: Enrol) -> None:
    """Two devices decide differently: what the hub kept comes down under the name of its author."""
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    (entity,) = a.insert("market_entity", ENTITY)
    a.sync(), b.sync()
    a.update("market_entity", entity, legal_person="言初")
    b.update("market_entity", entity, legal_person="许诺")
    a.sync()
    _, data = handle(place.hub, b.export())
    key = b.keys.seal
    got = entries(package(data), place.hub.keys.sign.public.to_bytes(), key.raw, key.public.to_bytes())
    told = [c for kind, _, data in got if kind == "down" for raw in blocks(data) for c in changes(raw)]
    kept = [c for c in told if c.record == entity]
    assert [c.values for c in kept] == [{14: "言初"}, {14: "言初"}]
    assert kept[0].writers == {} and kept[0].author == (a.grant.device, 1)
    assert kept[1].writers == {14: (a.grant.device, 1, 2)} and kept[1].author == (b.grant.device, 1)
    (conflict,) = (c for c in told if c.type == 40)
    fields = {f: n for n, (f, *_) in listed()["conflict"].fields.items()}
    assert conflict.values[fields["theirs_value"]] == "许诺" and conflict.actor == "hub"


def test_enrolment(place: Place) -> None:
    code = place.hub.enrolment.invite(Account("chenmin", "陈敏", place.a, ("officer",))).text
    hub = place.hub.keys.sign.public.to_bytes()
    assert len(code) == 25 and set(code) <= set(LETTERS) and code[16:] == pin(hub)
    keys, device, out = DeviceKeys.generate(), new_id(), io.BytesIO()
    enrol.seal_request(out, device, keys, InviteCode(code), "宝山文旅-01", place.hub.clock.stamp())
    one, public = package(out.getvalue()), keys.sign.public.to_bytes()
    verified(one, public)
    sealing = keys.seal.public.to_bytes()
    assert (one.core["kind"], one.core["hub_id"], one.core["exporter"]) == ("enrol_request", "", device)
    assert one.core["exporter_key"] == public and len(sealing) == 1217 and sealing[0] == 1
    assert one.core["prereqs"] == {
        "request": 1, "seal_key": sealing.hex(), "invite": invite_name(code), "label": "宝山文旅-01",
        "proof": proof(code, public, sealing).hex(), "snapshot": HEAD,
    }  # fmt: skip
    assert entries(one, public, keys.seal.raw, sealing) == []

    _, answer = handle(place.hub, out.getvalue())
    grant_package = package(answer)
    assert grant_package.core["prereqs"] == {"hub_key": hub.hex()}
    ((kind, meta, _),) = entries(grant_package, hub, keys.seal.raw, sealing)
    grant = mapping(meta["grant"], *GRANT)
    assert kind == "grant" and grant["device"] == device and grant["bureau"] == place.a
    assert grant["proof"] == proof(code, grant["hub_sign_key"], grant["hub_seal_key"])
    assert grant["hub_sign_key"] == hub and grant["roles"] == ["officer"]


def test_four_routes(place: Place, enrol_at: Enrol) -> None:
    device, _ = worked(place, enrol_at)
    data = device.export()
    where = f"/v1/packages/{package(data).core['package_id']}"
    with serving(place.hub) as url, closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)) as line:

        def ask(method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Any, bytes]:
            line.request(method, path, body, headers)
            answer = line.getresponse()
            assert answer.headers["X-Yizhan"] == "1"
            return answer.status, answer.headers, answer.read()

        about = json.loads(ask("GET", "/v1/hub")[2])
        assert set(about) == {"hub_id", "name", "sign_key", "time"}
        assert about["sign_key"] == place.hub.keys.sign.public.to_bytes().hex()
        assert ask("HEAD", where)[0] == 404
        assert ask("GET", f"{where}/answer")[0] == 404
        status, _, refusal = ask("PUT", f"{where}?offset=5&size={len(data)}", data[5:])
        assert status == 422 and set(json.loads(refusal)) == {"code", "message", "hint"}
        for at, piece in ((0, data[:1000]), (1000, data[1000:])):
            status, headers, _ = ask("PUT", f"{where}?offset={at}&size={len(data)}", piece)
            assert status == 200 and headers["Upload-Offset"] == str(at + len(piece))
            assert ask("HEAD", where)[1]["Upload-Offset"] == str(at + len(piece))
        status, _, whole = ask("GET", f"{where}/answer")
        assert status == 200 and package(whole).core["kind"] == "answer"
        status, _, rest = ask("GET", f"{where}/answer", Range="bytes=100-")
        assert status == 206 and rest == whole[100:]
        assert ask("GET", f"{where}/answer", Range=f"bytes={len(whole)}-")[0] == 416


def test_a_first_load(place: Place, enrol_at: Enrol, tmp_path: Path) -> None:
    author, entity = worked(place, enrol_at)
    author.sync()
    device = enrol_at(place.a, "liwei")
    place.hub.snapshots.large, place.hub.snapshots.part_pages = 1, 30
    sent = device.export("network")
    asked = entries(
        package(sent), device.keys.sign.public.to_bytes(), place.hub.keys.seal.raw,
        place.hub.keys.seal.public.to_bytes(),
    )[0]  # fmt: skip
    assert mapping(asked[1]["ask"], *ASK)["snapshot"] == ["0004", "", [], False]
    public, found = place.hub.keys.sign.public.to_bytes(), []
    while True:
        _, data = handle(place.hub, device.export("network"))
        brought = entries(package(data), public, device.keys.seal.raw, device.keys.seal.public.to_bytes())
        state = mapping(brought[-1][1]["state"], *STATE)
        assert (state["more"], state["wait"]) == (True, 0) and not any(kind == "down" for kind, *_ in brought)
        parts = [entry for entry in brought if entry[0] == "snapshot"]
        assert 0 < len(parts) <= 3
        found += parts
        with pytest.raises(Unlike):
            database([("snapshot", parts[0][1], parts[0][2][:-1])], public)
        if len(found) == len(mapping(signed(parts[0][1]["head"], "snapshot", public), *SNAPSHOT)["parts"]):
            break
        device.take(data, "network")
    head, whole = database(found, public)
    assert (head["hub_id"], head["epoch"], head["schema"]) == (place.hub.keys.hub_id, place.hub.epoch, "0004")
    (tmp_path / "plain.db").write_bytes(whole)
    with closing(dbapi2.connect(str(tmp_path / "plain.db"))) as plain:
        name, w, fw = plain.execute(
            "SELECT name, _w, _fw FROM market_entity WHERE id = ? AND _deleted = 0", (entity,)
        ).fetchone()
        assert name == NAME and plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        who = {no: (name, n) for no, name, n in plain.execute("SELECT no, device, incarnation FROM origin")}
        assert (*who[w >> 40], w % 2**40) == (author.grant.device, 1, 1)
        edited = unpack(fw)[14]
        assert (*who[edited >> 40], edited % 2**40) == (author.grant.device, 1, 2)
        at = {s: [e, n, h] for s, e, n, h in plain.execute("SELECT stream, epoch, n, head FROM stream_cursor")}
        assert at == head["cursors"] and f"division:{DIVISION}" in at
        assert {t for (t,) in plain.execute("SELECT name FROM sqlite_master")} >= set(listed())


def test_a_package_of_several_chunks(place: Place) -> None:
    keys, hub = DeviceKeys.generate(), place.hub.keys
    noise = [os.urandom(size) for size in (MIB + 5, 0, MIB)]
    draft = CoreDraft(Kind.CHANGES, hub.hub_id, new_id(), place.hub.clock.stamp())
    data = seal_bytes(draft, [keys.seal.public, hub.seal.public], keys.sign, [Entry("x", {"i": 1}, n) for n in noise])
    one = package(data)
    assert len(one.chunks) == 3 and len(one.wraps) == 2
    for key in (keys.seal, hub.seal):
        got = entries(one, keys.sign.public.to_bytes(), key.raw, key.public.to_bytes())
        assert got == [("x", {"i": 1}, n) for n in noise]


def test_any_other_byte_is_refused(place: Place, enrol_at: Enrol) -> None:
    device, _ = worked(place, enrol_at)
    data, hub = device.export(), place.hub.keys
    public, sealing = device.keys.sign.public.to_bytes(), hub.seal.public.to_bytes()
    assert len(entries(package(data), public, hub.seal.raw, sealing)) == 2
    for at in range(0, len(data), 37):
        broken = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises((Unlike, ValueError, TypeError)):
            entries(package(broken), public, hub.seal.raw, sealing)


def test_worked_values() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    public = key.public_key().public_bytes_raw()
    code = "ABCDEFGHJKLMNPQR" + pin(public)
    assert public.hex() == WORKED["hub_public"] and short(public) == WORKED["keyid"]
    assert "-".join(code[i : i + 5] for i in range(0, 25, 5)) == WORKED["code"]
    assert invite_name(code) == WORKED["invite"] and proof(code, b"\1\2", b"\3").hex() == WORKED["proof"]
    sig = key.sign(b"DSSEv1 3 a/b 5 hello")
    assert msgspec.msgpack.encode(["a/b", b"hello", short(public), sig]).hex() == WORKED["envelope"]
    assert record_id("market_entity", USCC) == WORKED["record"] and nonce_of(1, True).hex() == WORKED["nonce"]
    raw = bytes.fromhex(WORKED["block"])
    (change,) = changes(raw)
    device = ("0123456789abcdef" * 2, 1)
    assert (change.type, change.op, change.author, change.seq) == (1, 2, device, 7)
    assert change.values == {14: "言初"} and change.bases == {14: (*device, 5)}
    assert chained(bytes(32), [raw]).hex() == WORKED["head"]


def test_the_reader_knows_the_page_and_nothing_else() -> None:
    tree = ast.parse(Path(str(protocol_page.__file__)).read_text(encoding="utf-8"))
    named = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    named |= {str(n.module) for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    ours = {"desktop", "server_stub", "shared", "sync", "tests", "resources"}
    assert {name.partition(".")[0] for name in named}.isdisjoint(ours)


def test_contents_of_attachments(place: Place, enrol_at: Enrol) -> None:
    """§ 14: what a device asks and sends, what the hub signs and sends down."""
    device, other = enrol_at(place.a, "chenmin"), enrol_at(place.a, "wanglei")
    content = scan(MIB + 5)
    sha256, _ = attach(device, content)
    hub, public = place.hub.keys, place.hub.keys.sign.public.to_bytes()

    def exchanged(who: Device, kind: str) -> tuple[list[Any], list[Any]]:
        out = io.BytesIO()
        if kind == "changes":
            who.engine.prepare(out, "media")
        else:
            who.engine.pieces.seal(out, "network", "", who.engine.pieces.entries(MIB * 16, blind=True))
        sent = package(out.getvalue())
        assert sent.core["kind"] == kind
        author, seal = who.keys.sign.public.to_bytes(), who.keys.seal
        up = entries(sent, author, hub.seal.raw, hub.seal.public.to_bytes())
        _, data = handle(place.hub, out.getvalue())
        who.take(data)
        return up, entries(package(data), public, seal.raw, seal.public.to_bytes())

    def word(answer: list[Any]) -> dict[str, Any]:
        (meta,) = [meta for kind, meta, _ in answer if kind == "pieces"]
        return mapping(signed(meta["envelope"], "pieces", public), *HOLDINGS)

    up, answer = exchanged(device, "changes")
    assert mapping(up[0][1]["ask"], *ASK)["pieces"] == {"have": [digest(content)], "want": []}
    assert word(answer)["lacks"] == [[digest(content), [[0, 1]]]] and word(answer)["held"] == []
    assert [kind for kind, _, _ in answer][-2:] == ["pieces", "state"]

    up, answer = exchanged(device, "attachments")
    assert [kind for kind, _, _ in up] == ["ask", "piece", "piece"]
    assert up[1][1] == {"content": digest(content), "no": 0, "size": MIB + 5}
    assert up[1][2] + up[2][2] == content and len(up[1][2]) == MIB
    assert word(answer)["held"] == [digest(content)] and word(answer)["device"] == device.grant.device

    other.sync()
    wish(other, sha256, len(content))
    up, answer = exchanged(other, "attachments")
    assert mapping(up[0][1]["ask"], *ASK)["pieces"]["want"] == [[digest(content), [[0, 1]]]]
    assert word(answer)["offered"] == [digest(content)]
    assert b"".join(data for kind, _, data in answer if kind == "piece") == content


def test_the_page_lists_every_type() -> None:
    merging = {"union": "∪", "max": "↑", "latest": "↻", "first": "⊢", "ask": ""}
    page = listed()
    assert set(page) == {one.name for one in catalog.ALL}
    for one in catalog.ALL:
        said = page[one.name]
        assert (said.number, said.key) == (one.number, list(one.key))
        fields = {f.number: (f.name, f.kind.value, f.target, merging[f.merge.value]) for f in one.own_fields}
        assert said.fields == fields, one.name
        demands = {
            f.number: (f.table, f.required, f.max, bool(f.target) and not f.must_exist) for f in one.own_fields
        }
        assert said.demands == demands, one.name
        streams = {
            Part.COMMON: "`common`", Part.ADMIN: "`admin`", Part.DIVISION: "`division:{%s}`",
            Part.BUREAU: "`bureau:{%s}`", Part.ENTITY_DIVISION: "`division:{%s → division}`",
        }  # fmt: skip
        told = [streams[p.part].replace("%s", p.field) for p in one.partitions]
        assert said.streams.split(", ") == told, one.name
        cycle = one.lifecycle
        assert (cycle is not None) == (one.name in steps()), one.name
        if cycle is not None:
            legal = {f"{'+'.join(t.sources)} → {t.target} ({', '.join(t.roles)})" for t in cycle.transitions}
            assert steps()[one.name] == (cycle.initial(), legal) and cycle.field == "state"
