"""Two who move bureaus at the same moment, each below the other: one is told that it cannot be."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from server_stub.hub import Hub
from server_stub.lists import put
from shared.access import HUB_ACTOR
from shared.codes import Codes, load_resource_codes
from shared.errors import Rejected
from shared.store import bureau_tree, sql
from tests.fixtures.devices import value
from tests.fixtures.hubs import DIVISION, PASSPHRASE, Place


@pytest.fixture
def other(place: Place) -> Iterator[Hub]:
    """A second process at the same database."""
    made = Hub(place.url, place.hub.data, PASSPHRASE)
    yield made
    made.close()


@pytest.mark.parametrize("hub_url", ["postgresql"], indirect=True)
def test_two_transactions_at_once_do_not_form_a_ring(place: Place, other: Hub) -> None:
    said: list[str] = []
    codes = Codes.from_rows(*load_resource_codes())

    def below_a() -> None:
        try:
            put(other.store, "bureau", [{"code": "B", "name": "乙局", "division": DIVISION, "parent": "A"}], codes)
        except Rejected as refused:
            said.append(refused.message)

    second = threading.Thread(target=below_a)
    declared = place.hub.store.types["bureau"]
    with place.hub.store.unit(HUB_ACTOR) as unit:
        assert bureau_tree.ring(unit.connection, declared, {place.a: place.b}) == ""
        second.start()
        while second.is_alive() and not waiting(place):
            second.join(0.01)
        unit.update(declared, place.a, {"parent": place.b})
    second.join()
    assert len(said) == 1 and "上级单位不能是本单位自己或它的下级" in said[0]
    assert value(place.hub.store, "bureau", place.a, "parent") == place.b
    assert value(place.hub.store, "bureau", place.b, "parent") is None


def waiting(place: Place) -> bool:
    """Whether somebody at this database waits for a lock."""
    with place.hub.store.read() as connection:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return bool(sql.execute(connection, asked).scalar())
