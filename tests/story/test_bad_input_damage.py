"""Files of the installation damaged, gone, of a newer program, taken; the disk full."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.store import sql
from tests.fixtures.hubs import serving
from tests.fixtures.programs import Start
from tests.gui.exchange_desks import PASSWORD, Stage

Harm = Callable[[Path], object]


def keys(change: Callable[[dict[str, Any]], object]) -> Harm:
    """Change one thing in the key file."""

    def harm(folder: Path) -> None:
        path = folder / "keys.json"
        found = json.loads(path.read_bytes())
        change(found)
        path.write_text(json.dumps(found))

    return harm


def entry(**values: str) -> Harm:
    return keys(lambda found: found["entries"][0].update(values))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096 + 50] ^= 0xFF
    path.write_bytes(data)


def folder_instead(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


KEYS_DAMAGED = "本机的密钥文件已损坏。请从备份恢复 keys.json；没有它无法打开数据库。"
DATABASE_DAMAGED = "本机的数据库文件打不开：已损坏，或不是这次登记的。请先把"
REFUSED: dict[str, tuple[Harm, str]] = {
    "keys empty": (lambda f: (f / "keys.json").write_bytes(b""), KEYS_DAMAGED),
    "keys cut": (lambda f: cut(f / "keys.json"), KEYS_DAMAGED),
    "keys, no salt": (entry(salt="AAAA"), KEYS_DAMAGED),
    "keys, no nonce": (entry(nonce="AAAA"), KEYS_DAMAGED),
    "keys a folder": (lambda f: folder_instead(f / "keys.json"), "读不到本机的密钥文件。请检查"),
    "keys of a newer program": (
        keys(lambda found: found.update(v=9)), "密钥文件由更新版本的驿站生成。请用新版本的程序打开",
    ),
    "database gone": (lambda f: (f / "yizhan.db").unlink(), "本机的数据库文件不见了。请从备份恢复"),
    "database empty": (
        lambda f: (f / "yizhan.db").write_bytes(b""), "数据库与密钥文件不属于同一次登记。请把两者从同一份备份中恢复。",
    ),
    "database cut": (lambda f: cut(f / "yizhan.db"), DATABASE_DAMAGED),
    "database nonsense": (lambda f: (f / "yizhan.db").write_bytes(b"no" * 9999), DATABASE_DAMAGED),
    "database, one byte": (lambda f: flip(f / "yizhan.db"), "本机的数据库文件已损坏。请退出程序"),
    "database a folder": (lambda f: folder_instead(f / "yizhan.db"), "本机的数据库文件打不开。请检查"),
}  # fmt: skip


@pytest.mark.parametrize("harm", REFUSED)
def test_damage_is_said_at_sign_in_and_nothing_is_made_worse(
    start: Start, place_of_work: Stage, harm: str
) -> None:
    folder = place_of_work.folder / "chenmin"
    before = {name: (folder / name).read_bytes() for name in ("keys.json", "yizhan.db")}
    do, said = REFUSED[harm]
    do(folder)
    window = start()
    assert not window.inside and window.said.startswith(said)
    for name, data in before.items():  # restored from the backup, as it was told
        path = folder / name
        if path.is_dir():
            path.rmdir()
        path.write_bytes(data)
    window.sign_in("chenmin")
    assert window.inside


@pytest.mark.parametrize("retry_at", ["nonsense", "2999-01-01T00:00:00", "2026-01-01T00:00:00"])
def test_a_strange_date_in_the_key_file_locks_nobody_out(
    start: Start, place_of_work: Stage, retry_at: str
) -> None:
    entry(retry_at=retry_at)(place_of_work.folder / "chenmin")
    assert start().inside


def test_a_wrong_password_then_the_right_one(start: Start) -> None:
    window = start(password="猜" * 10_000)
    assert not window.inside
    assert window.said == "密码不正确。请重新输入，注意大小写和输入法；忘记了请点“忘记密码”。"
    window.sign_in("chenmin", "half\ud83d")
    assert not window.inside and "密码不正确" in window.said
    window.sign_in("chenmin")
    assert window.inside


def test_a_second_window_is_sent_to_the_first(start: Start) -> None:
    first = start()
    second = start()
    assert not second.inside
    assert second.said.startswith("驿站已在运行，本机数据正由另一个窗口使用。请切换到已打开的窗口")
    record = first.edit("021-2")
    first.close()
    second.sign_in("chenmin")
    assert second.inside and second.phone(record) == "021-2"


def test_a_database_of_a_newer_program(start: Start, place_of_work: Stage) -> None:
    window = start()
    with window.desk.session.store.write() as connection:
        sql.execute(connection, "UPDATE alembic_version SET version_num = '9999'")
    window.close()
    database = place_of_work.folder / "chenmin" / "yizhan.db"
    before = database.read_bytes()
    again = start()
    assert not again.inside and "更新版本" in again.said and "升级" in again.said
    assert database.read_bytes() == before


@pytest.mark.parametrize("body", [b"", b"\xff\x00{{", b"[1]", None], ids=["empty", "nonsense", "list", "folder"])
def test_settings_that_cannot_be_read(start: Start, place_of_work: Stage, body: bytes | None) -> None:
    path = place_of_work.folder / "chenmin" / "settings.json"
    folder_instead(path)
    if body is not None:
        path.rmdir()
        path.write_bytes(body)
    window = start(password="wrong one")
    assert window.settings.damaged
    window = start()
    assert window.inside
    window.settings.set("auto_sync_minutes", 0)
    window.settings.set("hub_url", "http://127.0.0.1:1")
    assert json.loads(path.read_bytes())["hub_url"] == "http://127.0.0.1:1"
    kept = path.with_name("settings-damaged.json")
    assert kept.is_dir() if body is None else kept.read_bytes() == body


def test_lost_settings_are_told_before_signing_in(place_of_work: Stage, start: Start) -> None:
    from tests.fixtures.programs import Running

    (place_of_work.folder / "chenmin" / "settings.json").write_bytes(b"{half")
    window = Running(place_of_work.folder / "chenmin")
    assert window.said.startswith("本机的设置文件读不出来，已改用默认设置。数据没有受影响")
    window.close()


def test_a_restored_older_database_goes_on_by_itself(start: Start, place_of_work: Stage) -> None:
    """The hub knows other changes by these numbers: the copy takes new ones, nothing is lost, nothing asked."""
    database = place_of_work.folder / "chenmin" / "yizhan.db"
    backup = database.read_bytes()
    hub = place_of_work.hub()
    with serving(hub) as url:
        window = start(url=url)
        window.edit("021-1")
        window.sync()
        window.close()
        database.write_bytes(backup)
        window = start()
        window.edit("021-2", 3)
        said = window.sync()
        window.program.look_at_state()
        window.settle()
    assert "上报 1 条" in said and "需要处理" not in said
    assert window.program.shell is not None
    assert window.program.shell.status_text("pending") == "全部已入库"
    with hub.store.read() as connection:
        kept = connection.exec_driver_sql("SELECT phone FROM market_entity WHERE phone LIKE '021-_' ORDER BY 1")
        assert [phone for (phone,) in kept] == ["021-1", "021-2"]
    hub.close()


ON_A_FULL_DISK = """
import json, resource, sys
from pathlib import Path
import tests.conftest
from PySide6.QtWidgets import QApplication
from tests.fixtures.programs import Running
from shared.errors import YizhanError
from shared.filters import Filter

folder, url, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
crashes, told = [], {}
sys.excepthook = lambda kind, error, trace: crashes.append(repr(error))
QApplication([])

def room(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

def tried(work):
    try:
        work()
        return "done"
    except YizhanError as refused:
        return str(refused)

room(limit)
window = Running(folder)
window.sign_in("chenmin", sys.argv[4])
told["sign in"] = "done" if window.inside else window.said
room(resource.RLIM_INFINITY)
if not window.inside:
    window.sign_in("chenmin", sys.argv[4])
window.edit("021-1")
stick = folder / "stick"
stick.mkdir()
room(limit)
told["sync"] = window.sync(None)
told["edit"] = tried(lambda: window.edit("021-2", 1))
records = window.desk.records
draft = lambda: records.save_draft(records.type("market_entity"), {"name": "x" * 5000})
told["draft"] = tried(draft)
flow = window.page("media").exporting
flow.button("下一步").click()
flow.medium.number.setText("U1")
flow.medium.folder.set_path(stick)
flow.button("写入介质").click()
window.settle()
told["export"] = flow.messages.text() or flow._written.text()
told["stick"] = [p.name for p in stick.iterdir()]
told["settings"] = tried(lambda: window.settings.set("medium_number", "x" * limit))
room(resource.RLIM_INFINITY)
told["later"] = window.sync(None)
told["pending"] = window.pending
window.edit("021-3", 1)
told["drafts"] = len(records.drafts(records.type("market_entity")))
with window.desk.session.store.read() as connection:
    told["integrity"] = connection.exec_driver_sql("PRAGMA integrity_check").scalar()
window.close()
told["left"] = sorted(p.name for p in (folder / "spool").iterdir())
print(json.dumps({"told": told, "crashes": crashes}))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process")
@pytest.mark.parametrize("limit", [0, 16_000])
def test_a_full_disk(place_of_work: Stage, limit: int) -> None:
    hub = place_of_work.hub()
    folder = place_of_work.folder / "chenmin"
    with serving(hub) as url:
        from desktop.work.settings import Settings

        Settings(folder).set("hub_url", url)
        done = subprocess.run(
            [sys.executable, "-c", ON_A_FULL_DISK, str(folder), url, str(limit), PASSWORD],
            capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": os.getcwd()},
        )  # fmt: skip
    hub.close()
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    told = said["told"]
    assert said["crashes"] == []
    for what in ("sync", "edit", "draft", "export", "sign in", "settings"):
        assert "磁盘" in told[what], (what, told)
        assert told[what] != "done"
    assert told["stick"] == []
    assert "上报 1 条" in told["later"] and told["pending"] == 0
    assert told["drafts"] == 0 and told["integrity"] == "ok" and told["left"] == []
