"""The place where histories happen: a hub, five bureaus, six seats; built once, copied per history."""

from __future__ import annotations

import atexit
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unittest.mock import patch

from server_stub.hub import Hub
from server_stub.keys import HubKeys
from shared.access import HUB_ACTOR, Actor
from shared.clock import Clock
from shared.fictitious import market_entities
from shared.store.migrate import open_client_database
from sync.messages import Grant
from sync.signing import SigningKey
from sync.suite import OpenKey
from sync.trust import DeviceKeys
from tests.fixtures.devices import KEY, enrol_device
from tests.fixtures.memory import in_memory
from tests.simulator.seeded import Time, Wall, determined

DIVISION = "310113"
NEXT_DOOR = "310112"
"""Another division, with one bureau and one seat."""
SHARED = 5
"""Entities everybody has from the beginning."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a seat stands: its account and bureau."""

    name: str
    bureau: str
    roles: tuple[str, ...] = ("officer", "bureau_admin")


PLACES = (
    Place("chenmin", "A"),
    Place("laozhou", "B"),
    Place("liwei", "A1", ("officer",)),
    Place("wangfang", "A", ("officer",)),
    Place("zhongxin", "C", ("hub_admin", "bureau_admin")),
    Place("hong", "D"),
)
ADMIN, NEIGHBOUR = 4, 5
"""Seats that not every history has: the centre's, and the one of the next division. Others are numbered below."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """One seat as enrolment left it."""

    place: Place
    keys: DeviceKeys
    grant: Grant
    actor: Actor


@dataclass(frozen=True, slots=True)
class Town:
    """The template: files to copy, and what is needed to open them."""

    folder: Path
    hub_keys: HubKeys
    bureaus: dict[str, str]
    seats: tuple[Enrolled, ...]

    def hub_copy(self, folder: Path) -> None:
        """The hub's database, fresh."""
        shutil.copyfile(self.folder / "hub.db", folder / "hub.db")

    def seat_copy(self, index: int, folder: Path) -> None:
        """A seat's database, fresh."""
        shutil.copyfile(self.folder / f"seat{index}" / "client.db", folder / "client.db")


@cache
def town() -> Town:
    """The template of this process."""
    folder = Path(tempfile.mkdtemp(prefix="yzsim", dir=in_memory()))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return build(folder, f"sqlite:///{folder / 'hub.db'}")


@contextmanager
def _seeded_keys(rng: random.Random) -> Iterator[HubKeys]:
    """Keys from the seed instead of from OpenSSL."""

    def pair() -> tuple[SigningKey, OpenKey]:
        return SigningKey.from_bytes(rng.randbytes(32)), OpenKey(1, rng.randbytes(96))

    hub = HubKeys(rng.randbytes(16).hex(), "模拟中心", *pair())
    with (
        patch("server_stub.hub.hub_keys.create", lambda *_: hub),
        patch("server_stub.hub.new_id", lambda: hub.hub_id),
        patch.object(DeviceKeys, "generate", classmethod(lambda cls: cls(*pair()))),
    ):
        yield hub


def build(folder: Path, url: str) -> Town:
    """Make hub and seats under a fixed seed, let everybody synchronize once."""
    (folder / "hub").mkdir(exist_ok=True)
    rng, time = random.Random("town"), Time()
    time.pass_by(-30 * 24 * 3600 * 1000)
    with determined(time, rng), _seeded_keys(rng) as keys:
        hub = Hub.create(url, folder / "hub", "", keys.name, clock=Clock(Wall(time)))
        bureaus: dict[str, str] = {}
        with hub.store.unit(HUB_ACTOR) as unit:
            for code, parent in (("A", ""), ("B", ""), ("C", ""), ("A1", "A"), ("D", "")):
                row = {
                    "code": code, "name": f"{code}局", "parent": bureaus.get(parent),
                    "division": NEXT_DOOR if code == "D" else DIVISION,
                }  # fmt: skip
                (bureaus[code],) = unit.insert(hub.store.types["bureau"], [row], way="exchange")
            item = {"code": "SP0001", "name": "食品经营许可", "department": "市场监管", "tier": "3"}
            unit.insert(hub.store.types["approval_item"], [item], way="exchange", proven=True)
            entities = list(market_entities(SHARED, DIVISION, 99))
            unit.insert(hub.store.types["market_entity"], entities, way="exchange", proven=True)
        template = folder / "client.db"
        open_client_database(template, KEY).close()
        made = []
        for index, place in enumerate(PLACES):
            device = enrol_device(
                hub, bureaus[place.bureau], folder / f"seat{index}", account=place.name, name=place.name,
                roles=place.roles, clock=Clock(Wall(time)), template=template,
            )  # fmt: skip
            made.append(device)
        for device in made:
            device.sync()
            device.close()
        hub.close()
        seats = tuple(
            Enrolled(place, d.keys, d.grant, d.actor) for place, d in zip(PLACES, made, strict=True)
        )
        return Town(folder, keys, bureaus, seats)
