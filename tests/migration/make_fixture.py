"""Writes the database kept as a fixture: ``python -m tests.migration.make_fixture``.

Run once per released schema (and while nothing is released, after 0001 was made
anew). The file holds pending changes that every later version must keep.
"""

from __future__ import annotations

from pathlib import Path

from shared.access import Actor
from shared.clock import Clock
from shared.ids import key_id
from shared.store.migrate import HEAD, open_client_database
from shared.store.store import Store
from shared.types import catalog

FIXTURES = Path(__file__).parent / "fixtures"
KEY = bytes.fromhex("59" * 32)
"""The raw SQLCipher key of every fixture database; it protects nothing."""

DEVICE = "01f0" * 8
BUREAU = key_id("bureau", ["BSWH01"])
PERSON = Actor("02aa" * 8, "陈敏", BUREAU, frozenset({"officer"}), frozenset({BUREAU}))
USCC = "91310113XN12345667"
NAME, ADDRESS = "上海宝山青穗餐饮有限公司", "驿西路1号"


def main() -> None:
    """One record entered and one edited, neither sent."""
    path = FIXTURES / f"client-{HEAD}.db"
    path.unlink(missing_ok=True)
    store = Store(open_client_database(path, KEY), catalog.ALL, Clock(lambda: 1_777_777_777_000))
    store.identify(DEVICE, 1)
    declared = store.types["market_entity"]
    with store.unit(PERSON) as unit:
        (entity,) = unit.insert(
            declared, [{"uscc": USCC, "name": NAME, "status": "1", "division": "310113"}]
        )
    with store.unit(PERSON) as unit:
        unit.update(declared, entity, {"address": ADDRESS})
    store.close()  # the last connection folds the write-ahead log into the file


if __name__ == "__main__":
    main()
