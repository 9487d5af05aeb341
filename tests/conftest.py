"""Before any test: windows are drawn off screen unless a platform was chosen."""

from __future__ import annotations

import gc
import itertools
import os
import sys
import tempfile
from collections.abc import Iterator

import pytest

from tests.fixtures.memory import in_memory

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("PYTEST_QT_API", "pyside6")
# A test's own backend would register itself for every test of the process, and for none it starts.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"

# Tests flush as often as the program does: ten minutes of a run would be waiting for the disk.
if (memory := in_memory()) is not None:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", memory)

# What an installation keeps outside its data folder stays out of the tester's own.
os.environ.setdefault("YIZHAN_STATE", tempfile.mkdtemp(prefix="yizhan-state-", dir=memory))

_TURNS = itertools.count(1)

pytest_plugins = [
    "tests.fixtures.made_once", "tests.fixtures.hubs", "tests.fixtures.devices", "tests.fixtures.first_loads",
    "tests.fixtures.longer",
]  # fmt: skip



LONGEST_FIRST = ("story", "sync", "gui")
"""A file that takes minutes must not be the last that is begun, while the other process has nothing to do."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Folders of long tests first, histories before everything."""

    def turn(item: pytest.Item) -> int:
        folder = item.path.parent.name
        if item.path.name.startswith("test_simulated_"):
            return 0
        return 1 + LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else 1 + len(LONGEST_FIRST)

    items.sort(key=turn)


def pytest_collection_finish() -> None:
    """What was imported stays for the whole run: nobody need look through it for garbage again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """As in the program, windows are collected between events, never in the middle of one."""
    gc.disable()
    yield
    _let_windows_go()
    gc.collect(1)
    if next(_TURNS) % 8 == 0:
        gc.collect()


def _let_windows_go() -> None:
    """As the event loop of the program does: windows that wait to be deleted, are."""
    core = sys.modules.get("PySide6.QtCore")
    if core is not None and core.QCoreApplication.instance() is not None:
        core.QCoreApplication.sendPostedEvents(None, core.QEvent.Type.DeferredDelete)
