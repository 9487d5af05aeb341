"""Fixtures of the exchange: two bureaus and a stick, a place for backups."""

from tests.fixtures.backups import disaster, folder  # noqa: F401
from tests.fixtures.sticks import answer, centre, far, near, stick, url  # noqa: F401
