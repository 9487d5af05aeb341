"""What the hub's writer is set to, so that millions of records do not slow it and no power cut takes anything."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
import sqlalchemy as sa

from shared.store import database
from shared.store.database import Database, open_plain, open_url


def _says(opened: Database, name: str, *, writer: bool = True) -> int:
    engine = opened.writer if writer else opened.reader
    with engine.connect() as connection:
        return int(connection.execute(sa.text(f"PRAGMA {name}")).scalar_one())


def test_the_hub_folds_its_log_in_rarely_and_still_flushes_every_commit(tmp_path: Path) -> None:
    with contextlib.closing(open_url(f"sqlite:///{tmp_path / 'hub.db'}")) as hub:
        assert _says(hub, "synchronous") == 2
        assert _says(hub, "wal_autocheckpoint") == database.HUB_LOG_PAGES
    with contextlib.closing(open_plain(tmp_path / "own.db")) as own:
        assert _says(own, "wal_autocheckpoint") == 1000


@pytest.mark.parametrize(("memory_gib", "cache_mib"), [(0, 96), (1, 96), (4, 256), (64, 512)])
def test_the_hubs_cache_keeps_to_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory_gib: int, cache_mib: int
) -> None:
    monkeypatch.setattr(database, "_memory_kib", lambda: memory_gib << 20)
    with contextlib.closing(open_url(f"sqlite:///{tmp_path / 'hub.db'}")) as hub:
        assert _says(hub, "cache_size") == -cache_mib * 1024
        assert _says(hub, "cache_size", writer=False) == -96 * 1024
