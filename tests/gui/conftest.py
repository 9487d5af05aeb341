"""Shared by the window tests: the theme, jobs that always end, and a small store for the kit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from desktop.ui.theme import apply_theme
from desktop.work.jobs import Jobs
from tests.gui.desks import desk, poor_desk, world  # noqa: F401  fixtures of the page tests
from tests.gui.exchange_desks import post, stage  # noqa: F401
from tests.gui.kit import codes, records  # noqa: F401  fixtures of the kit tests


@pytest.fixture(scope="session")
def themed(qapp: QApplication) -> QApplication:
    """The application with our look."""
    apply_theme(qapp)
    return qapp


@pytest.fixture
def jobs(themed: QApplication) -> Iterator[Jobs]:
    """Jobs; nothing may be left running."""
    made = Jobs()
    yield made
    assert made.shutdown(), "a job did not end"
