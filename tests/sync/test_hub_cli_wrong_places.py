"""``yizhan-hub`` pointed at a place that is not there, or is not its own: refused in a sentence, nothing made."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from server_stub import backup_place, cli
from tests.fixtures.hubs import PASSPHRASE, Place, Postgres

Run = Callable[..., str]
DAY = 86_400
COMMANDS = (
    ("status",), ("serve", "--port", "0"), ("audit", "check"), ("audit", "list"), ("log",), ("held", "list"),
    ("backup", "."), ("keys", "rotate"), ("bureau", "add", "X", "某局", "--division", "310113"),
)  # fmt: skip


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs one command and returns what it printed; refusals are a sentence and a hint."""
    monkeypatch.setenv("YIZHAN_HUB_DATA", str(tmp_path / "own"))
    monkeypatch.setenv("YIZHAN_HUB_PASSPHRASE", PASSPHRASE)
    monkeypatch.delenv("YIZHAN_HUB_DATABASE", raising=False)
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")

    def run(*words: str, code: int = 0) -> str:
        assert cli.main(words) == code
        said = capsys.readouterr()
        assert not code or said.err.count("\n") == 2
        return said.err if code else said.out

    return run


@pytest.fixture
def data(run: Run, tmp_path: Path) -> Path:
    """The folder of a hub."""
    run("init")
    return tmp_path / "own"


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A folder for backups."""
    made = tmp_path / "box"
    made.mkdir()
    return made


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# --- the database --------------------------------------------------------------------
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_database_that_is_gone_never_becomes_an_empty_hub(
    run: Run, data: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    for path in data.glob("hub.db*"):
        path.unlink()
    said = run(*command, code=1)
    assert f"找不到中心的数据库“{data / 'hub.db'}”" in said
    assert "挂载" in said and "--database" in said and "restore" in said
    assert names(data) <= {"hub.key", "hub.lock", "proofs.lock"}
    said = run("--database", f"sqlite:///{tmp_path}/away/typo.db", *command, code=1)
    assert f"找不到中心的数据库“{tmp_path}/away/typo.db”" in said and not (tmp_path / "away").exists()
    assert names(tmp_path / "cwd") == set()


def test_a_hub_whose_database_came_back_goes_on(run: Run, data: Path, tmp_path: Path) -> None:
    hub_id = run("status").split()[0:2]
    (data / "hub.db").rename(tmp_path / "aside.db")
    run("status", code=1)
    (tmp_path / "aside.db").rename(data / "hub.db")
    assert run("status").split()[0:2] == hub_id


def test_a_lost_database_is_restored_in_its_place(run: Run, data: Path, box: Path) -> None:
    run("backup", str(box / "one.yzbackup"))
    for path in data.glob("hub.db*"):
        path.unlink()
    run("status", code=1)  # and holds nothing that would be in the way
    assert "已从备份恢复" in run("restore", str(box / "one.yzbackup"))
    assert "核验通过" in run("audit", "check")


def test_an_empty_database_is_not_a_hub(run: Run, data: Path, hub_url: str) -> None:
    said = run("--database", hub_url, "status", code=1)
    assert "是空的" in said and "restore" in said
    run("status")


def test_a_database_of_another_hub_is_refused(run: Run, data: Path, box: Path, place: Place) -> None:
    run("backup", str(box / "one.yzbackup"))
    for command in (("status",), ("audit", "check"), ("serve", "--port", "0")):
        assert "是另一个中心的" in run("--database", place.url, *command, code=1)
    assert "没有恢复" in run("--database", place.url, "restore", str(box / "one.yzbackup"), code=1)
    said = run("--data", str(box / "new"), "--database", place.url, "init", code=1)
    assert "已经有一个中心" in said and not (box / "new").exists()
    with place.hub.store.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM epoch").scalar() == 0
    assert place.hub.store.identity() == (place.hub.keys.hub_id, 1)


def test_a_password_in_the_address_is_not_said(run: Run, data: Path, postgres: Postgres) -> None:
    empty = postgres.fresh().replace("postgres@", "postgres:geheim@") + "&password=geheim2"
    said = run("--database", empty, "status", code=1)
    assert "是空的" in said and "postgres:***@" in said and "geheim" not in said
    away = "postgresql+psycopg://a:geheim@127.0.0.1:1/x?password=geheim2"
    said = run("--database", away, "status", code=1)
    assert "连不上中心的数据库“postgresql+psycopg://a:***@127.0.0.1:1/x" in said and "geheim" not in said
    nonsense = "postgresql//a:geheim@127.0.0.1/x"
    said = run("--database", nonsense, "status", code=1)
    assert "数据库地址不能使用" in said and "geheim" not in said


def test_a_backup_is_noted_only_in_the_audit_of_its_own_hub(
    run: Run, data: Path, box: Path, place: Place
) -> None:
    run("backup", str(box / "one.yzbackup"))
    assert "备份完好" in run("--database", place.url, "verify", str(box / "one.yzbackup"))
    with place.hub.store.read() as connection:
        found = connection.exec_driver_sql("SELECT count(*) FROM audit WHERE event = 'backup_checked'")
        assert found.scalar() == 0
    assert "数据库地址不能使用" in run("--database", "nonsense", "restore", str(box / "one.yzbackup"), code=1)


# --- init ----------------------------------------------------------------------------
def test_an_init_that_fails_leaves_no_dead_end(run: Run, tmp_path: Path) -> None:
    data = tmp_path / "own"
    assert "数据库地址不能使用" in run("--database", "nonsense", "init", code=1)
    unreachable = "postgresql+psycopg://a@127.0.0.1:1/x"
    assert "连不上" in run("--database", unreachable, "init", code=1)
    assert not data.exists()
    run("init")
    run("status")


def test_keys_of_an_init_that_fails_late_go_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shared.errors import DiskFull
    from shared.store.store import Store

    def full(*_: object) -> None:
        raise DiskFull("磁盘空间不足。", "请清理磁盘。")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "identify", full)
        assert "磁盘空间不足" in run("init", code=1)
    assert not (tmp_path / "own" / "hub.key").exists()
    run("init")
    run("status")


def test_a_folder_that_cannot_be_is_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for place in (tmp_path / "file" / "sub", Path("/proc/xx")):
        said = run("--data", str(place), "init", code=1)
        assert str(place) in said and "不能使用" in said
        said = run("--data", str(place), "--database", f"sqlite:///{tmp_path}/a.db", "init", code=1)
        assert str(place) in said and "密钥不能写到" in said


# --- numbers -------------------------------------------------------------------------
def test_numbers_out_of_range_are_sentences(run: Run, data: Path) -> None:
    for port in ("99999", "-1"):
        assert "--port 应是 0 至 65535" in run("serve", "--port", port, code=1)
    for limit in ("99999999999999999999", "0", "-1"):
        assert "--limit 应是 1 至" in run("log", "--limit", limit, code=1)
        assert "--limit 应是 1 至" in run("audit", "list", "--limit", limit, code=1)


# --- where a backup goes ---------------------------------------------------------------
def test_a_folder_that_is_missing_is_not_made_a_file(run: Run, data: Path, box: Path) -> None:
    for place in (box / "backup", box / "away" / "one.yzbackup"):
        said = run("backup", str(place), code=1)
        folder = place if place.suffix == "" else place.parent
        assert f"没有文件夹“{folder}”" in said and "挂载" in said and "建立" in said
    assert names(box) == set()
    for empty in ("", " "):
        assert "没有写明备份到哪里" in run("backup", empty, code=1)
    assert names(Path.cwd()) == set()
    run("backup", str(box))
    archives = [one for one in names(box) if one.endswith(".yzbackup")]
    assert len(archives) == 1 and archives[0].startswith("yizhan-")
    assert names(box) - set(archives) == {"yizhan-attachments", *(n for n in names(box) if n.endswith(".key"))}
    run("backup", str(box / "named.yzbackup"))
    assert (box / "named.yzbackup").is_file()


# --- what a killed backup leaves ---------------------------------------------------------
def _left(box: Path) -> tuple[list[Path], list[Path]]:
    """What killed backups left two days ago, and what is not theirs or may be under way."""
    room, busy, own, strange = (
        box / f".yizhan-{n}" for n in ("abcd1234", "abcd5678", "notours!", "abcd9999")
    )
    for folder in (room, busy, own, strange):
        folder.mkdir()
        (folder / "hub.db").write_bytes(b"half")
    (strange / "notes.txt").write_bytes(b"mine")
    key = f"yizhan-{'0' * 32}-1.key"
    gone = [room, box / "old.yzbackup.part", box / f"{key}.{'a' * 12}.part"]
    stay = [busy, own, strange, box / "film.part", box / key, box / "new.yzbackup.part"]
    for path in (*gone, *stay):
        if not path.is_dir():
            path.write_bytes(b"half")
    then = time.time() - 2 * DAY
    for path in (*gone, own, strange, box / "film.part", box / key):
        for one in (*(path.iterdir() if path.is_dir() else ()), path):
            os.utime(one, (then, then))
    os.utime(busy, (then, then))  # an old folder in which is still written
    return gone, stay


def test_the_next_backup_removes_what_killed_ones_left(run: Run, data: Path, box: Path) -> None:
    gone, stay = _left(box)
    assert "已清理以前中断的备份留下的 3 项" in run("backup", str(box))
    assert [one for one in gone if one.exists()] == [] and [one for one in stay if not one.exists()] == []
    assert "已清理以前" not in run("backup", str(box / "again.yzbackup"))


def test_a_share_whose_clock_is_far_behind_keeps_the_place_of_the_backup(
    run: Run, data: Path, box: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is made there just now looks as old as what killed backups left."""
    monkeypatch.setattr(backup_place.time, "time", lambda now=time.time: now() + 90 * DAY)
    run("backup", str(box / "one.yzbackup"))
    assert "备份完好" in run("verify", str(box / "one.yzbackup"))


def test_an_archive_that_was_not_finished_is_not_good(run: Run, data: Path, box: Path) -> None:
    run("backup", str(box / "one.yzbackup"))
    part = box / "two.yzbackup.part"
    shutil.copyfile(box / "one.yzbackup", part)  # killed between the last byte and its name
    said = run("verify", str(part), code=1)
    assert "没有做完的备份" in said and "backup" in said
    assert "备份完好" in run("verify", str(box / "one.yzbackup"))


def test_locks_are_not_asked_to_be_saved(run: Run, data: Path, box: Path) -> None:
    (data / "proofs.lock").write_bytes(b"")
    (data / "cert.pem").write_bytes(b"x")
    said = run("backup", str(box))
    assert "未包含在内，请另行保存：cert.pem" in said and ".lock" not in said
