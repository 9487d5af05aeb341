"""A newer program takes over a hub: what it needs of code tables is there by itself."""

from __future__ import annotations

from server_stub.hub import Hub
from server_stub.lists import load_codes
from shared.store import sql
from tests.fixtures.hubs import PASSPHRASE, Place

NEW = "问题种类"


def _as_before_the_upgrade(place: Place, *tables: str) -> None:
    """The hub as a program without these tables left it."""
    with place.hub.store.write() as connection:
        for name in tables:
            sql.execute(connection, "DELETE FROM code_table WHERE name = ?", (name,))
            sql.execute(connection, "DELETE FROM code_item WHERE table_name = ?", (name,))
        sql.execute(connection, "DELETE FROM fact WHERE name = 'schema_tried'")


def _opened_again(place: Place) -> None:
    data = place.hub.data
    place.hub.close()
    place.hub = Hub(place.url, data, PASSPHRASE)


def _items(place: Place) -> dict[str, int]:
    with place.hub.store.read() as connection:
        found = sql.execute(connection, "SELECT table_name, count(*) FROM code_item GROUP BY table_name")
        return {str(name): int(count) for name, count in found}


def test_a_new_table_comes_in_and_what_was_changed_stays(place: Place) -> None:
    load_codes(place.hub.store)
    whole = _items(place)
    assert whole[NEW] >= 5
    with place.hub.store.write() as connection:
        sql.execute(connection, "UPDATE code_item SET name = '本地叫法' WHERE table_name = '归集方式' AND order_no = 1")
    _as_before_the_upgrade(place, NEW)
    _opened_again(place)
    assert _items(place) == whole
    with place.hub.store.read() as connection:
        kept = sql.execute(connection, "SELECT count(*) FROM code_item WHERE name = '本地叫法'").scalar()
        told = sql.execute(connection, "SELECT n FROM stream WHERE name = 'common'").scalar()
    assert kept == 1
    _opened_again(place)  # once
    with place.hub.store.read() as connection:
        assert sql.execute(connection, "SELECT n FROM stream WHERE name = 'common'").scalar() == told


def test_a_hub_without_any_is_left_to_its_administrator(place: Place) -> None:
    _as_before_the_upgrade(place)
    _opened_again(place)
    assert _items(place) == {}
