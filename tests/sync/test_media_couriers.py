"""A networked client passes on what somebody else's stick holds, and brings the answer back."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest

from desktop.work.media_report import Verdict
from desktop.work.syncing import Syncing
from shared.errors import (
    HubRefused,
    PackageError,
    UnknownSigner,
    Unreachable,
)
from sync import package
from sync.whence import whence
from tests.fixtures.hubs import Place
from tests.fixtures.stations import (
    PASSWORD,
    STICK,
    Station,
    enrolment,
    invite,
    quiet,
)
from tests.fixtures.sticks import ENTITIES, bring_in, refused


def test_a_networked_client_carries_for_another_bureau(
    near: Station, far: Station, stick: Path, centre: Place
) -> None:
    far.insert("market_entity", *ENTITIES[20:25])
    out = far.media.export(stick, STICK, quiet)
    received = near.media.receive(out.path, quiet)
    report = received.report
    assert report.verdict is Verdict.FORWARD and report.sealed_for == "测试中心"
    assert not report.signed and any("无法核实签名" in p.message for p in report.problems)
    assert report.fingerprint_text == out.fingerprint_text  # as on the hand-over sheet
    with pytest.raises(PackageError):
        near.media.apply(received, STICK, quiet)
    back = near.media.forward(received, stick, STICK, quiet)
    received.close()
    assert near.count("market_entity") == 0  # carried, not read
    assert bring_in(far, back.path) >= 20
    assert Syncing(far.session).state().receipted == 7
    with centre.hub.store.read() as connection:
        logged = connection.exec_driver_sql("SELECT carrier, outcome FROM exchange WHERE kind = 'changes'")
        assert [tuple(r) for r in logged] == [("media", "applied")]


def test_a_courier_is_told_whose_package_it_is(
    near: Station, far: Station, stick: Path, centre: Place
) -> None:
    """Of other bureaus' seats it has no record: the cover names the bureau, on a stick only."""
    Syncing(near.session).sync_now(quiet)  # bureaus are known to everybody
    out = far.media.export(stick, STICK, quiet)
    received = near.media.receive(out.path, quiet)
    assert received.report.sealed_by == f"乙局·席位 {far.session.device[-8:]}"
    core = received.report.core
    assert core is not None and core.prereqs["bureau"] == whence(core) == centre.b
    for wrong in ("../../etc", 7, {"a": 1}, centre.b.upper()):
        assert whence(msgspec.structs.replace(core, prereqs={"bureau": wrong})) == ""
    back = near.media.forward(received, stick, STICK, quiet)
    received.close()
    assert back.hand_over.sent_to == f"乙局·席位 {far.session.device[-8:]}"
    with io.BytesIO() as raw:
        near.session.engine.prepare(raw, "network")
        raw.seek(0)
        assert package.inspect(raw).core.prereqs == {"carrier": "network"}


def test_a_courier_takes_enrolment_files_too(
    near: Station, centre: Place, stick: Path, tmp_path: Path
) -> None:
    fresh = enrolment(tmp_path / "fresh")
    code = invite(centre.hub, centre.b, "sun", "小孙")
    request = fresh.write_request(stick, code, "乙局-02", PASSWORD, quiet)
    received = near.media.receive(request.path, quiet)
    assert received.report.verdict is Verdict.FORWARD and received.report.signed
    assert received.report.sealed_by == "待登记的席位“乙局-02”"
    back = near.media.forward(received, stick, STICK, quiet)
    assert near.media.receive(back.path, quiet).report.verdict is Verdict.CARRY
    done = fresh.read_grant(back.path, PASSWORD, quiet)
    assert (done.person, done.hub_name) == ("小孙", "测试中心")


def test_a_courier_notices_damage_and_hears_the_hub_refuse(
    near: Station, far: Station, stick: Path, centre: Place
) -> None:
    whole = far.media.export(stick, STICK, quiet).path
    bad = bytearray(whole.read_bytes())
    bad[len(bad) // 2] ^= 1
    (stick / "bad.yzp").write_bytes(bad)
    assert refused(near, stick / "bad.yzp").code in ("tampered", "truncated")
    with centre.hub.store.write() as connection:
        connection.exec_driver_sql(
            "DELETE FROM device_key WHERE device = ?", (far.session.device,)
        )
    received = near.media.receive(whole, quiet)
    with pytest.raises((HubRefused, UnknownSigner)):
        near.media.forward(received, stick, STICK, quiet)
    assert sorted(p.suffix for p in stick.iterdir()) == [".yzp", ".yzp"]


def test_forwarding_without_network_keeps_the_package(near: Station, far: Station, stick: Path) -> None:
    out = far.media.export(stick, STICK, quiet)
    received = near.media.receive(out.path, quiet)
    near.session.settings.set("hub_url", "http://127.0.0.1:9")
    with pytest.raises(Unreachable):
        near.media.forward(received, stick, STICK, quiet)
    assert [p.name for p in stick.iterdir()] == [out.path.name]
    assert Syncing(near.session).state().attempts[0].outcome == "failed"
