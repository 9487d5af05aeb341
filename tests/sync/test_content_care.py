"""Contents that went bad at the hub after they were backed up: found, told whose, brought back from a backup."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from server_stub import backup, cli, content_folder
from server_stub.holding import lock, release
from tests.fixtures.attached import attach, scan
from tests.fixtures.devices import Device, Direct, Enrol, quiet
from tests.fixtures.hubs import PASSPHRASE, Place

MB = 1_000_000
Run = Callable[..., str]


@pytest.fixture
def run(place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("YIZHAN_HUB_PASSPHRASE", PASSPHRASE)

    def run(*words: str, code: int = 0) -> str:
        assert cli.main(["--data", str(place.hub.data), "--database", place.url, *words]) == code
        said = capsys.readouterr()
        assert bool(said.err) == bool(code)
        return said.out + said.err

    return run


def brought(device: Device) -> int:
    """Records, then pieces; gives the bytes of pieces that went."""
    device.sync()
    return device.engine.pieces.run(Direct(device.hub), quiet).sent


def flip(path: Path) -> None:
    """One bit of it, in the middle; as long as before."""
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "backups"
    made.mkdir()
    return made


def test_a_content_that_went_bad_is_found_and_brought_back_from_a_backup(
    place: Place, enrol_at: Enrol, folder: Path, run: Run
) -> None:
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    whole, spoilt, gone = (attach(d, scan(MB, n))[0] for n, d in enumerate((a, a, b), 1))
    brought(a), brought(b)
    assert "已核对中心的附件内容 3 个（3,000,000 字节）\n全部完好。" in run("verify", "--live")
    file, _ = backup.make(place.hub, folder / "one.yzbackup")
    late, _ = attach(a, scan(MB, 4))  # in no backup yet
    brought(a)
    at = place.hub.pieces.path
    for sha256 in (spoilt, late):
        flip(at(sha256))
    at(gone).unlink()

    said = run("verify", "--live", code=1)
    lines = {line.split()[0]: line for line in said.splitlines() if "已损坏" in line or "已丢失" in line}
    assert set(lines) == {one[:16] for one in (spoilt, late, gone)} and whole[:16] not in said
    assert "甲局" in lines[spoilt[:16]] and "已损坏" in lines[spoilt[:16]]
    assert "乙局" in lines[gone[:16]] and "已丢失" in lines[gone[:16]]
    assert "还有 3 个附件内容损坏或丢失" in said and at(late).exists()  # told, not touched
    assert "2 个进过备份，请从备份取回：yizhan-hub verify --live 备份文件；" in said
    assert "1 个从未进过备份，请向设备索取：yizhan-hub verify --live --ask。" in said
    assert "还有 1 个" in run("verify", "--live", "--quick", code=1)  # one is shorter than it should be

    said = run("verify", "--live", str(file), code=1)
    assert "已从备份取回 2 个" in said and "还有 1 个附件内容损坏或丢失" in said
    assert f"1 个从未进过备份，请向设备索取：yizhan-hub verify --live {file} --ask。" in said
    assert "进过备份，请从备份取回" not in said
    assert at(spoilt).read_bytes() == scan(MB, 2) and at(gone).read_bytes() == scan(MB, 3)
    assert brought(a) < 10_000  # nobody was asked yet
    again = run("verify", "--live", str(file), "--ask")
    assert "已从备份取回" not in again and "1 个在下一次同步或介质交换时，向还有原件的设备索取" in again
    a.sync()  # hears that it must look again, and then says what it has
    assert MB <= brought(a) < MB + 10_000
    assert at(late).read_bytes() == scan(MB, 4)
    flip(at(whole))  # its device was told that a backup has it, and does not offer it again
    said = run("verify", "--live", "--ask", code=1)
    assert "已归档过，只能从备份取回" in said and at(whole).exists()
    assert "1 个进过备份，请从备份取回：yizhan-hub verify --live 备份文件；各份备份都没有的，请原录入单位" in said
    assert "已从备份取回 1 个" in run("verify", "--live", str(file))
    assert "全部完好" in run("verify", "--live")


@pytest.mark.parametrize("hub_url", ["sqlite"], indirect=True)
def test_a_pass_that_was_broken_off_is_gone_on_with_by_the_next(
    place: Place, enrol_at: Enrol, folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = enrol_at(place.a, "chenmin")
    names = sorted(attach(a, scan(MB, n))[0] for n in (1, 2, 3))
    brought(a)
    file, _ = backup.make(place.hub, folder / "one.yzbackup")
    for sha256 in names:
        flip(place.hub.pieces.path(sha256))
    real, left = content_folder.os.replace, [1]

    def replace(*paths: object) -> None:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        real(*paths)

    monkeypatch.setattr(content_folder.os, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        run("verify", "--live", str(file))
    monkeypatch.setattr(content_folder.os, "replace", real)
    assert not list(place.hub.data.glob("attachments/*/*.part"))
    assert "已从备份取回 2 个" in run("verify", "--live", str(file))  # the first is whole since


@pytest.mark.parametrize("hub_url", ["sqlite"], indirect=True)
def test_what_the_disk_cannot_read_any_more_is_damaged(
    place: Place, enrol_at: Enrol, folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = enrol_at(place.a, "chenmin")
    sha256, _ = attach(a, scan(MB))
    brought(a)
    bad = OSError(errno.EIO, "Input/output error")
    with monkeypatch.context() as disk:
        disk.setattr(content_folder, "digest_of", lambda _: (_ for _ in ()).throw(bad))
        assert f"{sha256[:16]}" in run("verify", "--live", code=1)


@pytest.mark.parametrize("hub_url", ["sqlite"], indirect=True)
def test_what_cannot_be_done_is_told_and_changes_nothing(
    place: Place, enrol_at: Enrol, folder: Path, run: Run
) -> None:
    a = enrol_at(place.a, "chenmin")
    sha256, _ = attach(a, scan(MB))
    brought(a)
    flip(place.hub.pieces.path(sha256))
    alone = folder / "alone.yzbackup"
    alone.write_bytes(b"x")
    for words, said in (
        (("verify",), "没有写明核对哪一份备份"),
        (("verify", "--ask", str(alone)), "--ask 要与 --live 一起使用"),
        (("verify", "--live", str(folder / "none.yzbackup"), "--ask"), "找不到备份文件"),
        (("verify", "--live", str(alone), "--ask"), "备份旁边没有附件内容的文件夹"),
    ):
        assert said in run(*words, code=1)
    held = lock(place.hub.pieces.folder / "sweep.lock", alone=True)
    assert "正在被另一个命令清理或核对" in run("verify", "--live", "--ask", code=1)
    release(held)
    assert place.hub.pieces.path(sha256).exists() and brought(a) < 10_000
