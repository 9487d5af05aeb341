"""Packages on a stick that are not taken: each with its sentence, and nothing at all is applied."""

from __future__ import annotations

import io
from contextlib import closing
from pathlib import Path

import pytest

from desktop.work.media_report import Verdict
from server_stub import backup
from server_stub.hub import Hub
from shared.errors import (
    MediaError,
    PackageError,
)
from sync import package
from sync.package import CoreDraft, Kind
from sync.trust import DeviceKeys
from tests.fixtures.hubs import PASSPHRASE, Place, make_place, serving
from tests.fixtures.stations import (
    STICK,
    Station,
    quiet,
    station,
)
from tests.fixtures.sticks import at_hub, bring_in, marks, refused


def test_truncated(far: Station, answer: Path) -> None:
    whole = answer.read_bytes()
    for cut in (0, 3, 10, len(whole) // 2, len(whole) - 1):
        answer.write_bytes(whole[:cut])
        assert "不完整" in refused(far, answer).message


def test_flipped(far: Station, answer: Path) -> None:
    whole = bytearray(answer.read_bytes())
    for at in (len(whole) // 2, len(whole) - 40):
        bad = bytearray(whole)
        bad[at] ^= 1
        answer.write_bytes(bad)
        assert refused(far, answer).code in ("tampered", "truncated")


def test_newer_version(far: Station, answer: Path) -> None:
    whole = bytearray(answer.read_bytes())
    whole[3] = ord("2")
    answer.write_bytes(whole)
    error = refused(far, answer)
    assert "更新版本" in error.message and "升级" in error.hint


def test_not_a_package(far: Station, stick: Path) -> None:
    path = stick / "photo.yzp"
    path.write_bytes(b"\xff\xd8\xff\xe0 a picture")
    assert "不是驿站交换包" in refused(far, path).message
    (stick / "folder.yzp").mkdir()
    with pytest.raises(MediaError, match="文件夹"):
        far.media.receive(stick / "folder.yzp", quiet)


def test_another_hub(far: Station, stick: Path, tmp_path: Path) -> None:
    other = make_place(f"sqlite:///{tmp_path / 'other.db'}", tmp_path / "other")
    with serving(other.hub) as url:
        stranger = station(other.hub, url, other.a, tmp_path / "stranger", "wu", "小吴")
    path = stranger.media.export(stick, STICK, quiet).path
    foreign = at_hub(other.hub, path)
    stranger.session.close()
    other.hub.close()
    assert "另一个中心" in refused(far, path).message
    assert "另一个中心" in refused(far, foreign).message


def test_a_forged_hub_is_not_believed(far: Station, answer: Path) -> None:
    """A package that names our hub but is signed by a stranger's key."""
    hub = far.session.hub_trust
    draft = CoreDraft(Kind.ANSWER, hub.hub_id, hub.hub_id, far.session.store.clock.stamp())
    forger = DeviceKeys.generate()
    answer.write_bytes(package.seal_bytes(draft, [far.session.device_keys.seal.public], forger.sign, []))
    assert "不在本机信任的名单" in refused(far, answer).message


def test_a_package_id_never_becomes_a_path(near: Station, stick: Path) -> None:
    hub = near.session.hub_trust
    draft = CoreDraft(Kind.CHANGES, hub.hub_id, "f" * 32, "2026-05-06", package_id="../../../evil")
    path = stick / "evil.yzp"
    path.write_bytes(package.seal_bytes(draft, [hub.seal], DeviceKeys.generate().sign, []))
    assert "编号不合规定" in refused(near, path).message


def test_for_another_bureau(near: Station, answer: Path) -> None:
    before = marks(near)
    received = near.media.receive(answer, quiet)
    assert received.report.verdict is Verdict.CARRY and received.report.signed
    assert received.report.preview is None and received.report.sealed_for == "另一台设备"
    assert any("另一台设备" in p.message for p in received.report.problems)
    with pytest.raises(PackageError, match="原样"):
        near.media.apply(received, STICK, quiet)
    with pytest.raises(PackageError):
        near.media.forward(received, answer.parent, STICK, quiet)
    assert marks(near) == before


def test_a_refused_package_is_on_record(far: Station, answer: Path) -> None:
    answer.write_bytes(answer.read_bytes()[:-5])
    received = far.media.receive(answer, quiet)
    values = far.media.refuse(received, STICK, "封条破损，退回")
    assert values["outcome"] == "3" and values["analysis"].startswith("封条破损，退回；交换包不完整")
    assert far.count("media_intake") == 1 and far.count("market_entity") == 0


def test_damage_shows_without_knowing_the_signer(far: Station, stick: Path) -> None:
    whole = far.media.export(stick, STICK, quiet).path.read_bytes()
    told = package.intact(io.BytesIO(whole))
    assert told.size == len(whole)
    body = len(whole) - 700  # behind it stands the signature, which only the hub can check
    for at in range(body - 300, body, 7):
        bad = bytearray(whole)
        bad[at] ^= 4
        with pytest.raises(PackageError):
            package.intact(io.BytesIO(bad))


def test_made_before_the_hub_was_restored(centre: Place, far: Station, stick: Path, tmp_path: Path) -> None:
    early = at_hub(centre.hub, far.media.export(stick, STICK, quiet).path)
    file, _ = backup.make(centre.hub, tmp_path / "centre.yzbackup")
    beside = f"sqlite:///{tmp_path / 'beside.db'}"
    backup.restore(file, beside, tmp_path / "beside", PASSPHRASE)
    with closing(Hub(beside, tmp_path / "beside", PASSPHRASE)) as now:
        bring_in(far, at_hub(now, far.media.export(stick, STICK, quiet).path))
    said = refused(far, early)
    assert "恢复以前签发" in said.message and "取回新的回件" in said.hint
