"""The desk of a bureau for stories told through the use cases, and the program for those of its windows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.work.highwater import STATE_VARIABLE
from tests.fixtures.desk import Bureau, build, open_bureau
from tests.fixtures.made_once import Once
from tests.fixtures.programs import enrolled, place_of_work, start  # noqa: F401
from tests.fixtures.sticks import stick  # noqa: F401
from tests.fixtures.towns import Town, built_town  # noqa: F401  what ``town`` copies


@pytest.fixture(scope="session")
def filled(once: Once) -> Path:
    """A store as after the first load; copied for each test."""
    return once("filled", lambda to: build(to / "filled.db")) / "filled.db"


@pytest.fixture
def bureau(filled: Path, tmp_path: Path) -> Iterator[Bureau]:
    """陈敏 at her desk at noon of 6 May 2026, without network."""
    one = open_bureau(tmp_path / "bureau.db", filled)
    yield one
    one.store.close()


@pytest.fixture
def town(built_town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:  # noqa: F811
    """The whole program, hub and computers: this test's own copy."""
    made = Town(tmp_path / "town")
    shutil.copytree(built_town, made.folder)
    monkeypatch.setenv(STATE_VARIABLE, str(made.state))
    yield made
    made.close()
