"""A restore that is killed half-way: what it left goes at the next restore or start, nothing of the hub does."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from server_stub import backup
from server_stub.hub import Hub
from shared.errors import InputError, YizhanError
from shared.fictitious import market_entities
from tests.fixtures.attached import attach, scan
from tests.fixtures.devices import Direct, Enrol, quiet, rows
from tests.fixtures.hubs import DIVISION, PASSPHRASE, Place

ROOT = Path(__file__).parents[2]
ENTITIES = list(market_entities(4, DIVISION, 5))
KILLED = """
import os, signal, sys
from server_stub import {module}, cli
def dies(*said, real={module}.{name}, **more):
    real(*said, **more)
    os.kill(os.getpid(), signal.SIGKILL)
{module}.{name} = dies
cli.main(sys.argv[1:])
"""
"""The command as an operator runs it; it is killed after this step."""
LAID_OUT, BROUGHT, READY = ("backup", "_new_epoch"), ("content_folder", "digest_of"), ("backup", "shutil.move")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "backups"
    made.mkdir()
    return made


@pytest.fixture
def archive(place: Place, enrol_at: Enrol, folder: Path) -> Path:
    """A backup of a hub with an entity and a content, which the hub has lost since."""
    chen = enrol_at(place.a, "chenmin")
    chen.insert("market_entity", ENTITIES[0])
    sha256, _ = attach(chen, scan(500_000))
    chen.sync()
    chen.engine.pieces.run(Direct(place.hub), quiet)
    file, _ = backup.make(place.hub, folder / "one.yzbackup")
    place.hub.pieces.path(sha256).unlink()
    place.hub.close()
    return file


def environment() -> dict[str, str]:
    return {**os.environ, "YIZHAN_HUB_PASSPHRASE": PASSPHRASE}


def killed(place: Place, archive: Path, where: tuple[str, str]) -> None:
    module, name = where
    command = [sys.executable, "-c", KILLED.format(module=module, name=name), "--data", str(place.hub.data)]
    done = subprocess.run(
        [*command, "--database", place.url, "restore", str(archive)], cwd=ROOT, env=environment(), check=False
    )
    assert done.returncode == -signal.SIGKILL


@contextmanager
def served(place: Place) -> Iterator[None]:
    command = [sys.executable, "-m", "server_stub.cli", "--data", str(place.hub.data), "--database", place.url]
    with subprocess.Popen(
        [*command, "serve", "--port", "0"], cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("listening on ")
        try:
            yield
        finally:
            process.terminate()


def left(place: Place) -> list[str]:
    """What a restore put into the data folder and no hub has."""
    data = place.hub.data
    database = Path(place.url.removeprefix("sqlite:///"))
    ready = [database.with_name(database.name + ".restoring")] if place.url.startswith("sqlite") else []
    found = [*data.glob(".yizhan-*"), *data.glob("attachments/*/*.part"), *(p for p in ready if p.exists())]
    return [path.name for path in found]


def test_the_next_restore_clears_what_a_killed_one_left(place: Place, archive: Path) -> None:
    killed(place, archive, BROUGHT)
    room, draft = sorted(left(place))
    assert room.startswith(".yizhan-restore-") and draft.endswith(".part")
    place.hub = Hub(place.url, place.hub.data, PASSPHRASE)  # the hub is as it was
    place.hub.close()
    assert len(left(place)) == 2
    backup.restore(archive, place.url, place.hub.data, PASSPHRASE)
    assert left(place) == []
    place.hub = Hub(place.url, place.hub.data, PASSPHRASE)
    assert len(rows(place.hub.store, "market_entity")) == 1


@pytest.mark.parametrize("hub_url", ["sqlite"], indirect=True)
def test_a_hub_that_starts_clears_what_a_killed_restore_left(place: Place, archive: Path) -> None:
    killed(place, archive, LAID_OUT)
    assert len(left(place)) == 1
    mine = place.hub.data / ".yizhan-restore-notes.txt"
    mine.write_bytes(b"not a restore's")
    with served(place):
        assert left(place) == [mine.name]


@pytest.mark.parametrize("hub_url", ["sqlite"], indirect=True)
def test_the_copy_of_the_database_that_was_about_to_take_the_place_goes_too(
    place: Place, archive: Path
) -> None:
    killed(place, archive, READY)
    assert sorted(left(place))[-1] == "hub.db.restoring" and len(left(place)) == 2
    with served(place):
        assert left(place) == []


@pytest.mark.parametrize("hub_url", ["sqlite"], indirect=True)
def test_an_archive_that_was_not_finished_is_not_restored_from(place: Place, archive: Path) -> None:
    part = archive.with_name("two.yzbackup.part")
    shutil.copyfile(archive, part)  # whole, but killed before it was looked at
    with pytest.raises(YizhanError, match="没有做完的备份") as refused:
        backup.restore(part, place.url, place.hub.data, PASSPHRASE)
    assert "已完成的备份" in refused.value.hint
    with pytest.raises(InputError, match="找不到文件"):
        backup.restore(archive.with_name("none.part"), place.url, place.hub.data, PASSPHRASE)
    place.hub = Hub(place.url, place.hub.data, PASSPHRASE)
    assert not place.hub.ledger.restored_at
