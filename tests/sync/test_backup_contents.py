"""Contents of attachments in backups: once each, found wrong by their bytes, brought back, asked for again."""

from __future__ import annotations

from pathlib import Path

import pytest

from server_stub import backup, backup_contents, cli
from shared.errors import InputError
from shared.store import pieces
from tests.fixtures.attached import attach, scan, wish
from tests.fixtures.backups import restored
from tests.fixtures.devices import Device, Direct, Enrol, handle, quiet, rows
from tests.fixtures.hubs import PASSPHRASE, Place

MB = 1_000_000


def brought(device: Device) -> int:
    """Records, then pieces; gives the bytes of pieces that went."""
    device.sync()
    return device.engine.pieces.run(Direct(device.hub), quiet).sent


def shelf(folder: Path, sha256: str) -> Path:
    return folder / "yizhan-attachments" / sha256[:2] / sha256


def test_a_backup_copies_only_what_no_backup_has_yet(place: Place, enrol_at: Enrol, folder: Path) -> None:
    a, content = enrol_at(place.a, "chenmin"), scan(3 * MB)
    sha256, _ = attach(a, content)
    brought(a)
    file, first = backup.make(place.hub, folder / "one.yzbackup")
    assert first.contents is not None
    assert (first.contents.new, first.contents.size) == (1, len(content))
    assert shelf(folder, sha256).read_bytes() == content
    before = shelf(folder, sha256).stat()
    other, _ = attach(a, scan(MB, 2))
    brought(a)
    _, second = backup.make(place.hub, folder / "two.yzbackup")
    assert second.contents is not None
    assert (second.contents.new, len(second.contents.here)) == (1, 2)
    after = shelf(folder, sha256).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert not list(folder.glob("yizhan-attachments/*/*.part"))
    found = backup.verify(file, PASSPHRASE)  # the first names the first alone
    assert found.contents is not None and [one.sha256 for one in found.contents.here] == [sha256]
    assert shelf(folder, other).exists()


def test_a_hub_on_a_new_disk_has_its_contents_back(place: Place, enrol_at: Enrol, folder: Path) -> None:
    a, content = enrol_at(place.a, "chenmin"), scan(2 * MB)
    sha256, _ = attach(a, content)
    brought(a)
    file, _ = backup.make(place.hub, folder / "one.yzbackup")
    done = restored(place, file, a, lost=True)
    assert (done.contents.new, done.contents.lost) == (1, [])
    assert place.hub.pieces.path(sha256).read_bytes() == content
    assert brought(a) < 1000  # nothing of it goes a second time
    again = restored(place, file, a)  # what lies there right stays
    assert again.contents.new == 0 and len(again.contents.here) == 1


def test_what_is_missing_or_wrong_beside_a_backup_is_named_and_asked_from_the_devices(
    place: Place, enrol_at: Enrol, folder: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a = enrol_at(place.a, "chenmin")
    contents = [scan(2 * MB, seed) for seed in (1, 2, 3)]
    whole, gone, wrong = (attach(a, content)[0] for content in contents)
    brought(a)
    file, _ = backup.make(place.hub, folder / "one.yzbackup")
    shelf(folder, gone).unlink()
    damaged = bytearray(contents[2])
    damaged[MB] ^= 1
    shelf(folder, wrong).write_bytes(damaged)

    found = backup.verify(file, PASSPHRASE)
    assert found.contents is not None
    assert {one.sha256 for one in found.contents.lost} == {gone, wrong}
    quick = backup.verify(file, PASSPHRASE, quick=True)
    assert quick.contents is not None and [one.sha256 for one in quick.contents.lost] == [gone]
    monkeypatch.setenv("YIZHAN_HUB_PASSPHRASE", PASSPHRASE)
    assert cli.main(["--data", str(place.hub.data), "--database", place.url, "verify", str(file)]) == 1
    said = capsys.readouterr().err
    assert "附件内容缺少或损坏 2 个" in said and gone[:16] in said and wrong[:16] in said

    done = restored(place, file, a, lost=True)
    assert {one.sha256 for one in done.contents.lost} == {gone, wrong}
    assert not place.hub.pieces.path(wrong).exists()
    assert 4 * MB <= brought(a) < 4 * MB + 10_000  # these two alone
    for sha256, content in zip((whole, gone, wrong), contents, strict=True):
        assert place.hub.pieces.path(sha256).read_bytes() == content


def test_contents_that_came_after_the_backup_are_gone_on_with_and_in_the_next(
    place: Place, enrol_at: Enrol, folder: Path
) -> None:
    a = enrol_at(place.a, "chenmin")
    file, _ = backup.make(place.hub, folder / "one.yzbackup")
    late, _ = attach(a, scan(2 * MB))
    spoilt, _ = attach(a, scan(2 * MB, 2))
    brought(a)
    place.hub.pieces.path(spoilt).write_bytes(bytes(2 * MB))
    done = restored(place, file, a)
    assert done.adopted == 1 and not place.hub.pieces.path(spoilt).exists()
    assert 2 * MB <= brought(a) < 2 * MB + 10_000  # only the spoilt one is sent anew
    _, second = backup.make(place.hub, folder / "two.yzbackup")
    assert second.contents is not None and {one.sha256 for one in second.contents.here} == {late, spoilt}


def test_what_no_archive_names_any_more_goes_with_prune(place: Place, enrol_at: Enrol, folder: Path) -> None:
    a = enrol_at(place.a, "chenmin")
    sha256, _ = attach(a, scan(MB))
    brought(a)
    file, _ = backup.make(place.hub, folder / "one.yzbackup")
    stray = shelf(folder, "ab" * 32)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"of a backup that was deleted")
    gone = backup_contents.prune(folder)
    assert [one.sha256 for one in gone.lost] == ["ab" * 32] and shelf(folder, sha256).exists()

    unreadable = folder / "old.yzbackup"
    unreadable.write_bytes(file.read_bytes()[:100])
    with pytest.raises(InputError, match=r"“old\.yzbackup”读不出来"):
        backup_contents.prune(folder)
    assert shelf(folder, sha256).exists()
    unreadable.unlink()
    with backup_contents.beside(file).held(), pytest.raises(InputError, match="正在被另一个备份命令使用"):
        backup_contents.prune(folder)
    file.unlink()
    backup_contents.prune(folder)
    assert not shelf(folder, sha256).exists()


def test_a_content_the_hub_has_spoilt_is_told_and_not_taken_for_archived(
    place: Place, enrol_at: Enrol, folder: Path
) -> None:
    a = enrol_at(place.a, "chenmin")
    good, _ = attach(a, scan(MB))
    bad, _ = attach(a, scan(MB, 2))
    brought(a)
    place.hub.pieces.path(bad).write_bytes(bytes(MB))  # as long, and something else
    file, done = backup.make(place.hub, folder / "one.yzbackup")
    assert done.contents is not None
    assert [one.sha256 for one in done.contents.here] == [good]
    assert [one.sha256 for one in done.contents.lost] == [bad]
    (record,) = rows(place.hub.store, "backup")
    assert record["outcome"] == "done" and bad[:16] in record["reason"]
    found = backup.verify(file, PASSPHRASE)
    assert found.contents is not None and not found.contents.lost
    assert MB <= brought(a) < MB + 10_000  # the device hears of the backup, asks, and sends it again
    assert (level(a, good), level(a, bad)) == ("archived", "delivered")
    backup.make(place.hub, folder / "two.yzbackup")
    brought(a)
    assert level(a, bad) == "archived"


def test_a_content_is_archived_only_when_a_backup_holds_it_and_stays_till_then(
    place: Place, enrol_at: Enrol, folder: Path
) -> None:
    """The record was archived before: its content came after the backup."""
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.a, "wanglei")
    sha256, _ = attach(a, scan(MB))
    a.sync()
    backup.make(place.hub, folder / "one.yzbackup")
    brought(a)
    assert a.statuses() == ["archived"] and level(a, sha256) == "delivered"
    assert not removable(a)
    b.sync()
    wish(b, sha256, MB)
    brought(b)
    assert removable(b) == [sha256]  # fetched from the hub: there it is, and at its author's

    backup.make(place.hub, folder / "two.yzbackup")
    _, answer = handle(place.hub, a.export())  # by stick: it hears that there is a backup,
    a.take(answer)
    a.take(handle(place.hub, a.export())[1])  # asks, and learns
    assert level(a, sha256) == "archived" and removable(a) == [sha256]


def level(device: Device, sha256: str) -> str:
    with device.store.read() as connection:
        row = pieces.of(connection, [sha256])[sha256]
    return "archived" if row.archived else "delivered" if row.delivered else "here"


def removable(device: Device) -> list[str]:
    with device.store.read() as connection:
        return [row.sha256 for row in pieces.removable(connection)]
