"""Writes what the first release left behind: a device with unsent work, its stick and its hub.

Run once, by the first release's own code: check out its last commit into a folder outside the
repository and there ``PYTHONPATH=. python …/tests/migration/make_pending_fixture.py FOLDER``.
``tests/migration/fixtures/README.md`` says what the files are.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
from pathlib import Path

import msgspec

from shared.clock import Clock
from shared.fictitious import market_entities
from sync import messages
from tests.fixtures.devices import enrol_device
from tests.fixtures.hubs import DIVISION, make_place

ACCEPTED, SEALED, PENDING = 10, 20, 100
NOW = 1_777_777_777_000


def main(to: Path) -> None:
    """Ten records the hub has, twenty on the stick without a receipt, a hundred changes not sealed."""
    to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        work = Path(made)
        place = make_place(f"sqlite:///{work / 'hub.db'}", work / "hub", Clock(lambda: NOW))
        device = enrol_device(
            place.hub, place.a, work / "device", name="陈敏", clock=Clock(lambda: NOW + 60_000)
        )
        rows = list(market_entities(ACCEPTED + SEALED + PENDING // 2, DIVISION))
        ids = device.insert("market_entity", *rows[:ACCEPTED])
        device.sync()
        ids += device.insert("market_entity", *rows[ACCEPTED : ACCEPTED + SEALED])
        (to / "package-0001.yzp").write_bytes(device.export())
        for row in rows[ACCEPTED + SEALED :]:
            ids += device.insert("market_entity", row)
        for number, one in enumerate(ids[5 : 5 + PENDING // 2]):
            device.update("market_entity", one, address=f"驿西路{number}号")
        kept = (device.keys.to_bytes(), messages.encode(device.grant))
        (to / "device-0001.keys").write_bytes(msgspec.msgpack.encode(kept))
        device.close()
        place.hub.close()
        (to / "client-0001-pending.db").write_bytes((work / "device" / "client.db").read_bytes())
        (to / "hub-0001.key").write_bytes((work / "hub" / "hub.key").read_bytes())
        (to / "hub-0001.db.gz").write_bytes(gzip.compress((work / "hub.db").read_bytes(), mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
