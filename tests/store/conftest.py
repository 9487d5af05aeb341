"""A store of one device, on real SQLCipher."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.access import Actor
from shared.clock import Clock
from shared.ids import key_id, new_id
from shared.store.database import open_cipher
from shared.store.store import Store
from shared.types import catalog
from tests.fixtures.devices import KEY

BUREAU = key_id("bureau", ["A"])


@pytest.fixture
def officer() -> Actor:
    """陈敏, an officer of bureau A."""
    return Actor(new_id(), "陈敏", BUREAU, frozenset({"officer"}), frozenset({BUREAU}))


@pytest.fixture
def path(tmp_path: Path, client_template: Path) -> Path:
    """A migrated, empty database."""
    return Path(shutil.copyfile(client_template, tmp_path / "client.db"))


def opened(path: Path) -> Store:
    """One window of the program on it."""
    return Store(open_cipher(path, KEY), catalog.ALL, Clock())


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """The store of an enrolled device."""
    made = opened(path)
    made.identify(new_id(), 1)
    yield made
    made.close()
