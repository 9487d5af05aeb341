"""The database across versions: nothing pending is lost, an older program never touches a newer one."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from server_stub.migrate import open_hub_database
from server_stub.revision import difference
from server_stub.tables import hub as hub_tables
from shared.clock import Clock
from shared.errors import DatabaseBusy, DiskFull, NewerDatabase, StoreError
from shared.store import exchange, migrate, tables
from shared.store.database import Database, open_cipher, open_url
from shared.store.journal import raw_blocks
from shared.store.store import Store, create_client_tables
from shared.types import catalog
from tests.fixtures.devices import rows
from tests.fixtures.hubs import Postgres
from tests.migration.make_fixture import ADDRESS, DEVICE, FIXTURES, KEY, NAME, PERSON, USCC

ROOT = Path(__file__).parents[2]


# --- what is migrated is what is declared --------------------------------------------
def test_head_is_the_newest_revision() -> None:
    assert migrate.known_revisions()[0] == migrate.HEAD


def test_no_revision_is_missing(tmp_path: Path) -> None:
    """`make migration` would write nothing."""
    assert set(difference(tmp_path, migrate.HEAD).values()) == {""}


def shape(database: Database) -> dict[str, Any]:
    """Everything about every table that its behaviour depends on."""
    out: dict[str, Any] = {}
    with database.reader.connect() as connection:
        found = sa.inspect(connection)
        for name in found.get_table_names():
            if name == "alembic_version":
                continue
            out[name] = {
                "columns": sorted(  # a column that came later stands last: everything is read by name
                    (c["name"], str(c["type"]), c["nullable"], str(c["default"]))
                    for c in found.get_columns(name)
                ),
                "key": found.get_pk_constraint(name),
                "indexes": sorted(
                    (str(i["name"]), tuple(i["column_names"]), i["unique"]) for i in found.get_indexes(name)
                ),
                "uniques": sorted(
                    (str(u["name"]), tuple(u["column_names"])) for u in found.get_unique_constraints(name)
                ),
            }
    return out


def created(database: Database, role: str) -> Database:
    """The derived schema, made directly."""
    if role == migrate.CLIENT:
        create_client_tables(database, catalog.ALL)
        return database
    tables.derive_all(catalog.ALL)
    with database.writer.begin() as connection:
        tables.records.create_all(connection)
        hub_tables.create_all(connection)
    return database


@pytest.fixture
def closing() -> Iterator[list[Database]]:
    made: list[Database] = []
    yield made
    for one in made:
        one.close()


def test_a_migrated_client_is_as_declared(tmp_path: Path, closing: list[Database]) -> None:
    closing += [
        migrate.open_client_database(tmp_path / "a.db", KEY),
        created(open_cipher(tmp_path / "b.db", KEY), migrate.CLIENT),
    ]
    migrated, derived = map(shape, closing)
    assert migrated == derived
    assert {"permit", "journal", "search_permit"} <= set(migrated) and "accepted_set" not in migrated


def test_a_migrated_hub_is_as_declared(
    hub_url: str, tmp_path: Path, closing: list[Database], request: pytest.FixtureRequest
) -> None:
    other = f"sqlite:///{tmp_path / 'other.db'}"
    if not hub_url.startswith("sqlite"):
        server: Postgres = request.getfixturevalue("postgres")
        other = server.fresh("template0")
    closing += [open_hub_database(hub_url), created(open_url(other), migrate.HUB)]
    migrated, derived = map(shape, closing)
    assert migrated == derived
    assert {"permit", "accepted_set"} <= set(migrated) and "journal" not in migrated


def test_workers_that_start_together_migrate_once(postgres: Postgres) -> None:
    url = postgres.fresh("template0")
    gate = threading.Barrier(4)

    def start(_: int) -> None:
        gate.wait()
        open_hub_database(url).close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(start, range(4)))
    database = open_hub_database(url)
    with database.reader.connect() as connection:
        assert migrate.revision_of(connection) == migrate.HEAD
    database.close()


# --- opening ------------------------------------------------------------------------------
def stamp(path: Path, revision: str) -> None:
    """Make a database say it is of another revision."""
    database = open_cipher(path, KEY)
    with database.writer.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = ?", (revision,))
    database.close()


def test_what_every_version_left_pending_survives(tmp_path: Path) -> None:
    """Each fixture holds one record entered and one edit, neither sent; see make_fixture."""
    kept = sorted(FIXTURES.glob("client-[0-9][0-9][0-9][0-9].db"))
    assert kept[0].stem == "client-0001"
    for path in kept:
        shutil.copyfile(path, tmp_path / path.name)
        store = Store(migrate.open_client_database(tmp_path / path.name, KEY), catalog.ALL, Clock())
        assert store.identity() == (DEVICE, 1)
        (entity,) = rows(store, "market_entity")
        assert (entity["uscc"], entity["name"], entity["address"]) == (USCC, NAME, ADDRESS)
        with store.read() as connection:
            assert exchange.reach(connection).written == 2
            assert sum(one.last - one.first + 1 for one in exchange.uncut(connection)) == 2
            assert len(list(raw_blocks(connection, 1, 2))) == 2
        with store.unit(PERSON) as unit:
            unit.update(store.types["market_entity"], entity["id"], {"address": "二号"})
        store.close()


def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    migrate.open_client_database(path, KEY).close()
    stamp(path, "9999")
    before = path.read_bytes()
    with pytest.raises(NewerDatabase, match="更新版本") as refused:
        migrate.open_client_database(path, KEY)
    assert "升级" in refused.value.hint
    assert path.read_bytes() == before
    assert list(tmp_path.glob("*.bak*")) == []


def test_tables_without_a_revision_are_not_ours_to_change(tmp_path: Path) -> None:
    created(open_cipher(tmp_path / "a.db", KEY), migrate.CLIENT).close()
    with pytest.raises(StoreError, match="没有版本标记"):
        migrate.open_client_database(tmp_path / "a.db", KEY)


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This program, one revision further: 9001 adds a table on both sides."""
    folder = tmp_path / "tree"
    shutil.copytree(migrate._FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    body = (
        'from alembic import op\nrevision = "9001"\ndown_revision = {0!r}\n'
        "def upgrade():\n    op.execute('CREATE TABLE novelty (n INTEGER)')\n"
    )
    (folder / "versions" / "9001_novelty.py").write_text(body.format(migrate.HEAD))
    monkeypatch.setattr(migrate, "_FOLDER", folder)
    monkeypatch.setattr(migrate, "HEAD", "9001")
    return folder


def aged(path: Path) -> Path:
    """A database of the released version with something pending."""
    shutil.copyfile(FIXTURES / "client-0001.db", path)
    return path


def test_a_copy_is_made_before_a_migration(tmp_path: Path, next_version: Path) -> None:
    path = aged(tmp_path / "a.db")
    before = path.read_bytes()
    database = migrate.open_client_database(path, KEY)
    copy = tmp_path / "a.db.bak-0001"
    with database.reader.connect() as connection:
        assert sa.inspect(connection).has_table("novelty")
        assert migrate.revision_of(connection) == "9001"
    database.close()
    assert copy.read_bytes() == before
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    stamp_free = open_cipher(copy, KEY)
    with stamp_free.reader.connect() as connection:
        assert migrate.revision_of(connection) == "0001"
    stamp_free.close()


def test_the_copy_holds_what_was_still_in_the_log(tmp_path: Path, next_version: Path) -> None:
    path = aged(tmp_path / "a.db")
    store = Store(open_cipher(path, KEY), catalog.ALL, Clock())
    with store.unit(PERSON) as unit:
        unit.update(store.types["market_entity"], rows(store, "market_entity")[0]["id"], {"address": "三号"})
    for suffix in ("", "-wal"):  # as after a crash: the log was not folded in
        shutil.copyfile(f"{path}{suffix}", f"{tmp_path / 'crashed.db'}{suffix}")
    store.close()
    migrate.open_client_database(tmp_path / "crashed.db", KEY).close()
    copy = Store(open_cipher(tmp_path / "crashed.db.bak-0001", KEY), catalog.ALL, Clock())
    assert rows(copy, "market_entity")[0]["address"] == "三号"
    copy.close()


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, next_version: Path) -> None:
    path = aged(tmp_path / "a.db")
    script = next_version / "versions" / "9001_novelty.py"
    script.write_text(f"{script.read_text()}    op.execute('nonsense')\n")
    with pytest.raises(sa.exc.OperationalError):
        migrate.open_client_database(path, KEY)
    database = open_cipher(path, KEY)
    with database.reader.connect() as connection:
        assert migrate.revision_of(connection) == "0001"
        assert not sa.inspect(connection).has_table("novelty")
    database.close()


def test_no_room_for_the_copy_means_no_migration(
    tmp_path: Path, next_version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = aged(tmp_path / "a.db")
    monkeypatch.setattr(migrate.shutil, "copyfileobj", full)
    with pytest.raises(DiskFull, match="备份没有做成"):
        migrate.open_client_database(path, KEY)
    assert list(tmp_path.glob("*.bak*")) == []
    database = open_cipher(path, KEY)
    with database.reader.connect() as connection:
        assert migrate.revision_of(connection) == "0001"
    database.close()


def test_another_window_at_work_delays_the_migration(
    tmp_path: Path, next_version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.store.database.BUSY_MS", 50)
    path = aged(tmp_path / "a.db")
    other = open_cipher(path, KEY)
    with other.writer.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE busy (n INTEGER)")
        with pytest.raises(DatabaseBusy, match="另一个窗口"):
            migrate.open_client_database(path, KEY)
    other.close()
    migrate.open_client_database(path, KEY).close()


def test_a_hub_on_sqlite_is_copied_too(tmp_path: Path, next_version: Path) -> None:
    path = tmp_path / "hub.db"
    database = open_url(f"sqlite:///{path}")
    with database.writer.begin() as connection:
        migrate.upgrade(connection, migrate.HUB, "0001")
    database.close()
    open_hub_database(f"sqlite:///{path}").close()
    assert (tmp_path / "hub.db.bak-0001").exists()


def test_opening_at_head_does_not_import_alembic(tmp_path: Path) -> None:
    migrate.open_client_database(tmp_path / "a.db", KEY).close()
    program = (
        "import sys; from pathlib import Path; from shared.store.migrate import open_client_database;"
        "open_client_database(Path(sys.argv[1]), bytes.fromhex(sys.argv[2])).close();"
        "assert 'alembic' not in sys.modules"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "a.db"), KEY.hex()]
    subprocess.run(command, check=True, cwd=ROOT)
