"""The database of a first load takes the place of the one in use (ADR 0014).

Steps, each of which may be the last before the power goes: the new file is checked;
it gets this installation's own tables; the old file is moved aside; the new one
takes its name; own changes the hub has not signed for are laid over its rows; the
old file goes. :func:`recover` and :func:`complete` bring any of these to an end:
until the new file has the name, the old one has it all.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from shared.durable import sync_folder
from shared.errors import DatabaseBusy, StoreError, why
from shared.store import tables
from shared.store.database import explain, open_cipher
from shared.store.loading import ANEW, FACT, UnderWay, new_file, remove_file, under_way
from shared.store.migrate import CLIENT, HEAD, known_revisions, revision_of, upgrade
from shared.store.overlay import DUE, Overlay
from shared.store.store import Store

FROM_HUB = frozenset(
    {"origin", "stream_cursor", "shadow", "held_run", "stream_tail", "doubtful", "leaving"}
)
"""Tables of the client that a snapshot brings, or that speak of the streams it replaces."""
IN = "first_load_in"
_BESIDE = ("-wal", "-shm")
"""What lies beside a database in use."""
Step = Callable[[str], None]


class DamagedLoad(StoreError):
    """What lies on the disk is not what the hub had sent; it must come again."""

    code = "damaged_load"


def set_aside(path: Path) -> Path:
    """Where the old database waits until the new one is in."""
    return path.with_name(path.name + ".before")


def recover(path: Path) -> None:
    """Before opening: when the swap broke off between the two renames, the old file gets its name back."""
    aside = set_aside(path)
    if aside.exists() and not path.exists():
        os.replace(aside, path)
        sync_folder(path.parent)


def complete(store: Store, step: Step = lambda _: None) -> bool:
    """After opening: finish what came after the renames; False when there was nothing.

    Parts of a first load that this database knows nothing of go: it is an older copy, put back.
    """
    path = store.database.path
    if path is None:
        return False
    with store.read() as connection:
        waiting = under_way(connection) is not None
    if not waiting:
        remove_file(new_file(path))
    if not set_aside(path).exists():
        return False
    key = store.database.key or b""
    with store.read() as connection:
        due = Overlay.due(connection)
    if due is not None:
        old = open_cipher(set_aside(path), key)
        try:
            Overlay(store, due).lay(old)
        finally:
            old.close()
    step("laid")
    with contextlib.suppress(OSError):  # it is of no use any more; the next start tries again
        _remove(set_aside(path), "", *_BESIDE)
        sync_folder(path.parent)
    step("removed")
    return True


def put_back(store: Store, new: Path) -> None:
    """Own changes could not be laid over the new file: the old one is in use again, as before.

    Nobody has written to the new file meanwhile; it waits to be swapped in once more.
    """
    path = store.database.path
    assert path is not None
    store.database.close()
    _remove(path, *_BESIDE)  # a log of the new file must not be taken for one of the old
    os.replace(path, new)
    recover(path)


def _remove(path: Path, *tails: str) -> None:
    for tail in tails:
        path.with_name(path.name + tail).unlink(missing_ok=True)


def check(store: Store, state: UnderWay) -> None:
    """Read every page of the new file; raises :class:`DamagedLoad`.

    Readers and writers of the present database go on meanwhile.
    """
    from sqlcipher3 import dbapi2

    path, key = _file(store)
    handle = dbapi2.connect(str(path))
    try:
        handle.execute("PRAGMA cipher_log_level = NONE")
        handle.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        bad = handle.execute("PRAGMA cipher_integrity_check").fetchall()
        pages = handle.execute("PRAGMA page_count").fetchone()[0] if not bad else 0
        found = handle.execute("SELECT version_num FROM alembic_version").fetchone() if not bad else None
    except dbapi2.DatabaseError as failed:
        raise _damaged() from failed
    finally:
        handle.close()
    if bad or pages < state.pages or found is None:
        raise _damaged()
    if found[0] != HEAD:
        _upgrade(path, key)


def swap_in(
    store: Store, state: UnderWay, recent_after: int, step: Step = lambda _: None
) -> None:
    """Put the checked new file in the place of the present one, own pending changes kept.

    :param recent_after: own changes above this number may be younger than the snapshot.
    :param step: told after each step; tests stop there.
    Raises :class:`DatabaseBusy` or :class:`StoreError` (a full disk, too); then the old one is in
    use as before.
    """
    new, key = _file(store)
    path = store.database.path
    assert path is not None
    with store.alone():
        _fold_log(path, key)
        _carry_own_tables(path, new, key, state, recent_after)
        step("copied")
        try:
            os.replace(path, set_aside(path))
            step("aside")
            os.replace(new, path)
        except OSError as bad:
            recover(path)
            raise StoreError(
                f"首批数据暂时不能启用（{why(bad)}）。",
                "本机数据没有变动；请关闭占用数据文件夹的程序后再同步。",
            ) from bad
        sync_folder(path.parent)
        step("renamed")
        try:
            complete(store, step)
        except (StoreError, OSError):
            put_back(store, new)
            raise


# --- inside ------------------------------------------------------------------
def _file(store: Store) -> tuple[Path, bytes]:
    path, key = store.database.path, store.database.key
    if path is None or key is None:
        raise ValueError("only an encrypted client database is exchanged")
    return new_file(path), key


def _damaged() -> DamagedLoad:
    return DamagedLoad(
        "已收到的首批数据在本机磁盘上损坏了。", "再同步一次，会重新装载；本机已有的数据没有变动。"
    )


def _upgrade(path: Path, key: bytes) -> None:
    """A hub of an older version sent it: bring it up to this program's tables."""
    database = open_cipher(path, key)
    try:
        with database.writer.begin() as connection:
            found = revision_of(connection)
            if found not in known_revisions():
                raise _damaged()
            upgrade(connection, CLIENT)
    finally:
        database.close()
    _fold_log(path, key)


def _fold_log(path: Path, key: bytes) -> None:
    """Everything into the file itself; also shows that no other handle is open."""
    handle = _open(path, key)
    try:
        mode = handle.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    except _errors() as bad:
        raise explain(bad) from bad
    finally:
        handle.close()
    if mode != "delete":
        raise DatabaseBusy("本机数据正在被其他程序使用。", "请关闭它后再同步一次；已收到的部分都在。")


def _carry_own_tables(path: Path, new: Path, key: bytes, state: UnderWay, recent_after: int) -> None:
    """Everything that is this installation's own goes over, in one transaction; may be repeated."""
    handle = _open(new, key)
    try:
        handle.execute("PRAGMA synchronous = FULL")
        handle.execute(f"ATTACH DATABASE ? AS old KEY \"x'{key.hex()}'\"", (str(path),))
        handle.execute("BEGIN IMMEDIATE")
        for table in own_tables():
            names = ", ".join(f'"{c.name}"' for c in table.columns)
            handle.execute(f'DELETE FROM main."{table.name}"')
            handle.execute(
                f'INSERT INTO main."{table.name}" ({names}) SELECT {names} FROM old."{table.name}"'
            )
        _own_origin(handle)
        handle.execute("DELETE FROM main.fact WHERE name IN (?, ?)", (FACT, ANEW))
        facts = (
            (IN, state.id.encode()), (DUE, recent_after.to_bytes(8, "big")),
            ("complete_at", state.at.encode()),
        )  # fmt: skip
        handle.executemany("INSERT OR REPLACE INTO main.fact (name, value) VALUES (?, ?)", facts)
        handle.execute("COMMIT")
        handle.execute("DETACH DATABASE old")
    except _errors() as bad:
        raise explain(bad) from bad
    finally:
        handle.close()


def own_tables() -> Iterable[Any]:
    """Tables of the client that hold what only this installation knows."""
    return [t for t in tables.client.sorted_tables if t.name not in FROM_HUB]


def _own_origin(handle: Any) -> None:
    """The number of this device among the hub's origins; it gets one when it has none."""
    number = int.from_bytes(
        handle.execute("SELECT value FROM old.fact WHERE name = 'origin'").fetchone()[0], "big"
    )
    device, incarnation = handle.execute(
        "SELECT device, incarnation FROM old.origin WHERE no = ?", (number,)
    ).fetchone()
    known = handle.execute(
        "SELECT no FROM main.origin WHERE device = ? AND incarnation = ?", (device, incarnation)
    ).fetchone()
    if known is None:
        known = handle.execute("SELECT coalesce(max(no), 0) + 1 FROM main.origin").fetchone()
        handle.execute(
            "INSERT INTO main.origin (no, device, incarnation) VALUES (?, ?, ?)",
            (known[0], device, incarnation),
        )
    handle.execute("UPDATE main.fact SET value = ? WHERE name = 'origin'", (known[0].to_bytes(8, "big"),))


def _open(path: Path, key: bytes) -> Any:
    from sqlcipher3 import dbapi2

    handle = dbapi2.connect(str(path), timeout=1.0, isolation_level=None)
    handle.execute("PRAGMA cipher_log_level = NONE")
    handle.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    return handle


def _errors() -> type[Exception]:
    from sqlcipher3 import dbapi2

    found: type[Exception] = dbapi2.DatabaseError
    return found


__all__ = ["DamagedLoad", "check", "complete", "own_tables", "recover", "swap_in"]
