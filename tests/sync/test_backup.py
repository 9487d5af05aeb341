"""Backups of the hub: opened before they count, refused with a sentence, and told to every device."""

from __future__ import annotations

import errno
import io
import os
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from server_stub import backup, backup_file, backup_place, cli
from server_stub.enrolment import Account
from server_stub.hub import Hub
from shared.errors import HubRefused, YizhanError
from shared.fictitious import market_entities
from shared.store import sql
from sync import enrol
from sync.trust import InviteCode
from tests.fixtures.agreeing import agree
from tests.fixtures.backups import Disaster
from tests.fixtures.devices import Enrol, handle, rows
from tests.fixtures.hubs import DIVISION, PASSPHRASE, Place, make_place

ENTITIES = list(market_entities(8, DIVISION, 5))


def archives(folder: Path) -> list[str]:
    """Archives and what could be taken for one, half-done ones too."""
    beside = {"yizhan-attachments"}
    return sorted(p.name for p in folder.iterdir() if p.name not in beside and p.suffix != ".key")


def refused(run: Any) -> str:
    with pytest.raises(YizhanError) as caught:
        run()
    assert caught.value.hint
    return caught.value.message


def test_what_is_in_a_verified_backup_is_archived_for_everybody(
    place: Place, enrol_at: Enrol, folder: Path
) -> None:
    chen, zhou = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    chen.insert("market_entity", ENTITIES[0])
    zhou.insert("market_entity", ENTITIES[1])
    chen.sync()
    package = zhou.export()
    _, answer = handle(place.hub, package)
    zhou.take(answer)
    assert chen.statuses() == zhou.statuses() == ["applied"]

    target, verified = backup.make(place.hub, folder)
    assert archives(folder) == [target.name] and verified.found["sets"] == 2
    assert oct(target.stat().st_mode & 0o777) == "0o600"
    (record,) = rows(place.hub.store, "backup")
    assert (record["outcome"], record["size"]) == ("done", target.stat().st_size)
    assert record["fingerprint"] == verified.fingerprint

    chen.sync()  # has nothing to send, and hears of it
    assert chen.statuses() == ["archived"]
    _, again = handle(place.hub, package)  # the same stick a second time
    zhou.take(again)
    assert zhou.statuses() == ["archived"]
    assert handle(place.hub, package)[1] != again  # sealed anew,
    zhou.take(handle(place.hub, package)[1])  # but the receipt inside is the same
    with zhou.store.read() as connection:
        assert sql.execute(connection, "SELECT count(*) FROM receipt").scalar() == 2

    chen.insert("market_entity", ENTITIES[2])
    chen.sync()
    assert chen.statuses() == ["archived", "applied"]


def test_bad_backups_are_refused_with_a_sentence(
    place: Place, enrol_at: Enrol, folder: Path, tmp_path: Path, hub_url: str
) -> None:
    chen = enrol_at(place.a, "chenmin")
    chen.insert("market_entity", *ENTITIES)
    chen.sync()
    target, _ = backup.make(place.hub, folder)
    data, whole = place.hub.data, target.read_bytes()
    assert backup.verify(target, PASSPHRASE, data=data).found["sets"] == 1
    assert "口令不正确" in refused(lambda: backup.verify(target, "别的口令", data=data))
    assert "找不到" in refused(lambda: backup.verify(folder / "none", PASSPHRASE))

    broken = folder / "broken"
    for cut in (0, 10, len(whole) // 2, len(whole) - 200):
        broken.write_bytes(whole[:cut])
        assert "不完整" in refused(lambda: backup.verify(broken, PASSPHRASE, data=data))
    for at in (*range(0, len(whole), len(whole) // 60), *range(len(whole) - 40, len(whole))):
        flipped = bytearray(whole)
        flipped[at] ^= 1
        broken.write_bytes(flipped)
        said = refused(lambda: backup.verify(broken, PASSPHRASE, data=data))
        assert said == "备份文件不完整，或已损坏。", at
    assert not list(folder.glob(".yizhan-*"))

    place.hub.close()
    other = make_place(f"sqlite:///{tmp_path / 'other.db'}", tmp_path / "other")
    other.hub.close()
    foreign = lambda: backup.restore(target, other.url, tmp_path / "other", PASSPHRASE)  # noqa: E731
    assert "另一个中心" in refused(foreign)


def packed_anew(whole: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """The archive somebody makes who changes one file of it and compresses it well again."""
    with zstandard.ZstdDecompressor().stream_reader(whole[:-36]) as reader:
        raw = reader.read()
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(raw)) as before, tarfile.open(fileobj=out, mode="w") as after:
        for member in before:
            stream = before.extractfile(member)
            assert stream is not None
            data = stream.read()
            data = change(data) if member.name == name else data
            member.size = len(data)
            after.addfile(member, io.BytesIO(data))
    archive = io.BytesIO(zstandard.ZstdCompressor().compress(out.getvalue()))
    backup_file.seal(archive)
    return archive.getvalue()


def flipped(at: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("hub.db", flipped(5000), "备份中的 hub.db 与清单不符。"),
        ("hub.key", flipped(-30), "备份中的 hub.key 与清单不符。"),
        ("contents.list", lambda data: data + b"0" * 64 + b" 1\n", "备份中的 contents.list 与清单不符。"),
        ("manifest.json", lambda data: data.replace(b'"reach"', b'"peach"'), "备份的清单读不懂。"),
        (
            "manifest.json", lambda data: data.replace("测试中心".encode(), "别家中心".encode()),
            "备份的清单不是由这个中心签署的，或被改动过。",
        ),
        ("manifest.sig", lambda _: b"nothing", "备份的清单不是由这个中心签署的，或被改动过。"),
    ],
)  # fmt: skip
def test_what_somebody_changed_and_packed_anew_is_told_by_its_name(
    place: Place, folder: Path, name: str, change: Callable[[bytes], bytes], sentence: str
) -> None:
    target, _ = backup.make(place.hub, folder)
    broken = folder / "broken"
    broken.write_bytes(packed_anew(target.read_bytes(), name, lambda data: data))
    assert backup.verify(broken, PASSPHRASE, data=place.hub.data)
    broken.write_bytes(packed_anew(target.read_bytes(), name, change))
    assert refused(lambda: backup.verify(broken, PASSPHRASE, data=place.hub.data)) == sentence


def test_content_that_does_not_fit_is_found_although_hashes_do(
    place: Place, enrol_at: Enrol, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chen = enrol_at(place.a, "chenmin")
    chen.insert("market_entity", *ENTITIES)
    chen.sync()
    copy_out = backup.copying.copy_out
    import sqlite3

    def spoil(statement: str) -> str:
        def copied(database: Any, target: Path) -> None:
            copy_out(database, target)
            with sqlite3.connect(target) as connection:
                connection.execute(statement)

        monkeypatch.setattr(backup.copying, "copy_out", copied)
        message = refused(lambda: backup.make(place.hub, folder))
        assert not archives(folder)
        assert rows(place.hub.store, "backup")[-1]["outcome"] == "failed"
        return message

    assert "变更链不齐" in spoil("DELETE FROM accepted_set")
    assert "数据流" in spoil("UPDATE stream_block SET prev_head = zeroblob(32) WHERE first > 1")
    assert "末尾不齐" in spoil("DELETE FROM stream_block WHERE stream LIKE 'division%'")
    assert "未知的密钥" in spoil("UPDATE device_key SET sign_key = zeroblob(32)")
    assert "更新版本" in spoil("UPDATE alembic_version SET version_num = '9999'")
    chen.sync()
    assert chen.statuses() == ["applied"]  # nothing of that counts as archived


@pytest.mark.parametrize(("code", "words"), [(errno.ENOSPC, "空间不足"), (errno.EROFS, "只读")])
def test_a_full_or_read_only_disk_leaves_no_half_backup(
    place: Place, folder: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    def fails(*_: Any) -> str:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(backup_file, "write", fails)
    assert words in refused(lambda: backup.make(place.hub, folder))
    assert not archives(folder)
    assert "已经存在" in refused(lambda: backup.make(place.hub, Path(__file__)))


def test_two_backups_of_one_second_are_two(
    place: Place, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "_stamp", lambda _: "20261122-130000")
    names = [backup.make(place.hub, folder)[0].name for _ in range(3)]
    assert names == [f"yizhan-20261122-130000{n}.yzbackup" for n in ("", "-2", "-3")]
    assert archives(folder) == sorted(names)
    assert [r["name"] for r in rows(place.hub.store, "backup")] == names
    for name in names:
        backup.verify(folder / name, PASSPHRASE)


def test_nobody_writes_into_the_draft_of_another_backup(folder: Path) -> None:
    (target, first), (other, second) = (backup_place.claim(folder, "now") for _ in range(2))
    assert (target.name, other.name) == ("yizhan-now.yzbackup", "yizhan-now-2.yzbackup")
    assert "另一个备份命令" in refused(lambda: backup_place.claim(target, "now"))
    os.write(first, b"whole")
    os.replace(f"{target}.part", target)
    os.close(first), os.close(second)
    assert "另一个备份命令" in refused(lambda: backup_place.claim(target, "now"))
    assert target.read_bytes() == b"whole"
    again, third = backup_place.claim(other, "now")  # a draft whose backup was killed is nobody's
    os.close(third)
    assert again == other


def test_the_hub_must_not_be_serving(place: Place, folder: Path) -> None:
    target, _ = backup.make(place.hub, folder)
    message = refused(lambda: backup.restore(target, place.url, place.hub.data, PASSPHRASE))
    assert "正在运行" in message


def test_the_three_commands(
    place: Place, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("YIZHAN_HUB_DATA", str(place.hub.data))
    monkeypatch.setenv("YIZHAN_HUB_DATABASE", place.url)
    monkeypatch.setenv("YIZHAN_HUB_PASSPHRASE", PASSPHRASE)
    assert cli.main(["backup", str(folder)]) == 0  # the hub of this test is open: online
    said = capsys.readouterr().out
    found = re.search(r"备份已核验：(.*)", said)
    assert found is not None and "链和签名都完好" in said
    assert cli.main(["verify", found[1]]) == 0
    assert "备份完好" in capsys.readouterr().out
    place.hub.close()
    assert cli.main(["restore", found[1]]) == 0
    assert "恢复前的数据另存在" in capsys.readouterr().out
    place.hub = Hub(place.url, place.hub.data, PASSPHRASE)


def test_a_device_enrolled_after_the_backup_comes_back_with_a_new_code(
    place: Place, enrol_at: Enrol, disaster: Disaster
) -> None:
    chen = enrol_at(place.a, "chenmin")
    disaster.back_up()
    second = enrol_at(place.a, "chenmin")  # the same person's second computer
    (entity,) = second.insert("market_entity", ENTITIES[0])
    second.sync()
    disaster.restore([chen, second])
    with pytest.raises(HubRefused, match="从备份恢复过，不认识这台设备"):
        second.sync()
    hub = place.hub
    code = hub.enrolment.invite(Account("chenmin", "chenmin", place.a, ("officer", "bureau_admin")))
    typed, out = InviteCode.parse(code.shown()), io.BytesIO()
    enrol.seal_request(out, second.grant.device, second.keys, typed, "第二台", hub.clock.stamp())
    handle(hub, out.getvalue())
    second.sync()
    chen.by_stick()
    assert chen.value("market_entity", entity, "name") == ENTITIES[0]["name"]
    agree(place, second)
