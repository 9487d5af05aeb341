"""Pages encrypted by our own codec are what SQLCipher itself would have written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from sqlcipher3 import dbapi2

from shared.store.pages import PAGE, PageCipher, make_blank

KEY = bytes(range(32))
SALT = bytes(range(100, 116))


def _plain(path: Path) -> bytes:
    """A database with an index and a search table, over several hundred pages."""
    make_blank(path)
    handle = dbapi2.connect(str(path))
    handle.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, body BLOB)")
    handle.execute("CREATE INDEX by_name ON item (name)")
    handle.execute("CREATE VIRTUAL TABLE found USING fts5(words, content='', contentless_delete=1)")
    rows = [(i, f"名称{i:05d}", os.urandom(i % 9000)) for i in range(600)]
    handle.executemany("INSERT INTO item VALUES (?, ?, ?)", rows)
    handle.executemany("INSERT INTO found (rowid, words) VALUES (?, ?)", [(i, " ".join(n)) for i, n, _ in rows])
    handle.commit()
    assert handle.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    handle.close()
    return path.read_bytes()


def _opened(path: Path, key: bytes = KEY) -> Any:
    handle = dbapi2.connect(str(path))
    handle.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    return handle


@pytest.fixture
def encrypted(tmp_path: Path) -> tuple[Path, bytes]:
    plain = _plain(tmp_path / "plain.db")
    cipher, target = PageCipher(KEY, SALT), tmp_path / "cipher.db"
    with target.open("wb") as out:  # the later pages first, as parts may come in any order
        middle = len(plain) // PAGE // 2
        out.seek(middle * PAGE)
        out.write(cipher.encrypt(middle + 1, plain[middle * PAGE :]))
        out.seek(0)
        out.write(cipher.encrypt(1, memoryview(plain)[: middle * PAGE]))
    return target, plain


def test_sqlcipher_opens_what_the_codec_wrote(encrypted: tuple[Path, bytes]) -> None:
    handle = _opened(encrypted[0])
    assert handle.execute("PRAGMA cipher_integrity_check").fetchall() == []
    assert handle.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert handle.execute("SELECT count(*) FROM item WHERE name = '名称00042'").fetchone() == (1,)
    assert handle.execute("SELECT count(*) FROM found WHERE found MATCH '\"0 0 5 9 9\"'").fetchone() == (1,)
    handle.execute("PRAGMA journal_mode = WAL")
    handle.execute("INSERT INTO item VALUES (9999, 'neu', NULL)")
    handle.commit()
    handle.close()
    handle = _opened(encrypted[0])
    assert handle.execute("SELECT name FROM item WHERE id = 9999").fetchone() == ("neu",)
    handle.close()


def test_nothing_plain_is_in_the_file(encrypted: tuple[Path, bytes]) -> None:
    written = encrypted[0].read_bytes()
    assert "名称".encode() in encrypted[1]
    assert "名称".encode() not in written and b"CREATE TABLE" not in written and b"SQLite format" not in written
    assert written[:16] == SALT


def test_another_key_does_not_open_it(encrypted: tuple[Path, bytes]) -> None:
    handle = _opened(encrypted[0], bytes(32))
    with pytest.raises(dbapi2.DatabaseError):
        handle.execute("SELECT count(*) FROM item")
    handle.close()


def test_a_page_in_another_place_is_noticed(encrypted: tuple[Path, bytes]) -> None:
    path = encrypted[0]
    data = bytearray(path.read_bytes())
    data[5 * PAGE : 6 * PAGE], data[6 * PAGE : 7 * PAGE] = data[6 * PAGE : 7 * PAGE], data[5 * PAGE : 6 * PAGE]
    path.write_bytes(data)
    handle = _opened(path)
    assert len(handle.execute("PRAGMA cipher_integrity_check").fetchall()) == 2
    handle.close()


def test_only_whole_pages_are_taken() -> None:
    cipher = PageCipher(KEY, SALT)
    with pytest.raises(ValueError):
        cipher.encrypt(1, bytes(PAGE + 1))
    with pytest.raises(ValueError):
        cipher.encrypt(0, bytes(PAGE))
