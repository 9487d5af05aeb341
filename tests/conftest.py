"""Before any test: windows are drawn off screen unless a platform was chosen."""

from __future__ import annotations

import gc
import itertools
import os
import tempfile
from collections.abc import Iterator

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("PYTEST_QT_API", "pyside6")
# A test's own backend would register itself for every test of the process, and for none it starts.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"

# What an installation keeps outside its data folder stays out of the tester's own.
os.environ.setdefault("YIZHAN_STATE", tempfile.mkdtemp(prefix="yizhan-state-"))

_TURNS = itertools.count(1)

pytest_plugins = ["tests.fixtures.hubs", "tests.fixtures.devices", "tests.fixtures.first_loads", "tests.fixtures.longer"]


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """As in the program, windows are collected between events, never in the middle of one."""
    gc.disable()
    yield
    gc.collect(1)
    if next(_TURNS) % 8 == 0:
        gc.collect()
