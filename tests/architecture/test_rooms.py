"""The picture of the house, held against the code."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

from shared.upcasting import PROGRAM

ROOT = Path(__file__).parents[2]
ROOMS = ("desktop", "resources", "server_stub", "shared", "sync")


@pytest.fixture(scope="module", autouse=True)
def _read_once() -> Iterator[None]:
    """Syntax trees serve every test here, and then go: whoever collects garbage would walk through them."""
    yield
    parsed.cache_clear()
    imported.cache_clear()


@cache
def parsed(folder: str) -> tuple[tuple[str, ast.Module], ...]:
    found = sorted((ROOT / folder).rglob("*.py"))
    return tuple((p.relative_to(ROOT).as_posix(), ast.parse(p.read_text(encoding="utf-8"))) for p in found)


def sources(*under: str) -> Iterator[tuple[str, ast.Module]]:
    return chain.from_iterable(parsed(folder) for folder in under or ROOMS)


@cache
def imported(tree: ast.Module) -> tuple[str, ...]:
    return tuple(_imported(tree))


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def importers(module: str) -> set[str]:
    return {
        path
        for path, tree in sources()
        if any(name == module or name.startswith(f"{module}.") for name in imported(tree))
    }


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("PySide6", "desktop/"),
        ("PySide6.QtWidgets", "desktop/(ui/|bootstrap|demo/)"),
        ("keyring", r"desktop/work/vault\.py"),
        ("requests", r"sync/http\.py"),
        ("openpyxl", "(shared/sheets/|desktop/demo/)"),
        ("xlsxwriter", "shared/sheets/"),
        ("python_calamine", "shared/sheets/"),
        ("sqlalchemy", "(shared/store/|server_stub/)"),
        ("sqlcipher3", "shared/store/"),
        ("fastapi", "server_stub/"),
        ("uvicorn", "server_stub/"),
    ],
)
def test_a_library_stays_in_its_room(module: str, allowed: str) -> None:
    outside = {path for path in importers(module) if not re.match(allowed, path)}
    assert outside == set()


def test_windows_import_neither_store_nor_exchange() -> None:
    for path, tree in sources("desktop/ui"):
        for name in imported(tree):
            assert not name.startswith(("shared.store", "sync", "sqlalchemy")), (path, name)


def test_record_types_do_not_import_each_other() -> None:
    for path, tree in sources("shared/types"):
        if path.endswith("catalog.py"):
            continue
        assert not [n for n in imported(tree) if n.startswith("shared.types.")], path


def test_pages_do_not_import_each_other() -> None:
    for path, tree in sources("desktop/ui/pages"):
        if path.endswith("catalog.py"):
            continue
        known = "desktop.ui.pages.page"
        others = [n for n in imported(tree) if n.startswith("desktop.ui.pages.") and not n.startswith(known)]
        assert not others, path


RECORD_WRITE = re.compile(r"\b(INSERT INTO|UPDATE|DELETE FROM)\s+\"?\{?[a-z_.]*name\}?", re.IGNORECASE)


def test_only_the_write_door_writes_records() -> None:
    """Statements on a table named by a declaration stand in the store's door alone."""
    doors = {"shared/store/sql.py", "shared/store/unit.py", "shared/store/journal.py"}
    for path, tree in sources():
        if path in doors or "/migrations/" in path or path.startswith("desktop/demo"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                text = ast.unparse(node)
                assert not RECORD_WRITE.search(text), (path, text)


def test_no_wastebasket_modules() -> None:
    assert not [p for p, _ in sources() if Path(p).name in ("utils.py", "helpers.py", "misc.py", "common.py")]


def test_nothing_swallows_everything() -> None:
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler) and node.type is None:
                raise AssertionError(f"{path}:{node.lineno}: bare except")


def test_the_program_has_one_version() -> None:
    """What people read in 设置 and what a device says of itself in the control room."""
    said = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert said.startswith(f"{PROGRAM}.")
