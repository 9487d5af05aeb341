"""Fixtures of the exchange: two bureaus and a stick."""

from tests.fixtures.sticks import answer, centre, far, near, stick, url  # noqa: F401
