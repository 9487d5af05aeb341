"""A real desk for page tests: an enrolled device that once synchronized with a real hub.

The hub, its code tables, lists, people and entities are made once per run; each
test gets its own copy of the device's encrypted database.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from desktop.ui.pages.page import PageSpec
from desktop.ui.shell import Shell
from desktop.work.desk import Desk
from desktop.work.events import Events
from desktop.work.guard import InstanceGuard
from desktop.work.jobs import Jobs
from desktop.work.keys import KeyFile, Unlocked
from desktop.work.local import open_local
from desktop.work.session import Session
from desktop.work.settings import Settings
from server_stub.hub import Hub
from shared.access import HUB_ACTOR
from shared.clock import Clock
from shared.codes import Codes, load_resource_codes
from shared.fictitious import item_rows, market_entities
from shared.parsing import Context, parse
from shared.store import sql
from shared.store.lookups import StoreReferences
from sync import enrol
from tests.fixtures.devices import KEY, Device, enrol_device
from tests.fixtures.samples import BUREAU_USCC, sample, second_officer

ENTITIES = 60
DIVISION = "310113"
OFFICER, ADMIN = ("officer",), ("officer", "bureau_admin")


@dataclass
class World:
    """A hub with two bureaus and their devices, by roles."""

    hub: Hub
    folder: Path
    bureau: str
    other: str
    entities: list[dict[str, Any]]
    devices: dict[tuple[str, ...], Device] = field(default_factory=dict)

    def add(self, type_name: str, rows: Iterable[Mapping[str, Any]], *, actor: Any = HUB_ACTOR) -> list[str]:
        """Records of the hub, from raw texts."""
        store = self.hub.store
        declared = store.types[type_name]
        with store.read() as connection:
            context = Context(CODES, StoreReferences(connection, store.types))
            parsed = [parse(declared, row, context) for row in rows]
        assert not [p for one in parsed for p in one.problems if p.level == "reject"], parsed
        with store.unit(actor) as unit:
            return unit.insert(declared, [one.values for one in parsed], way="exchange", proven=True)

    def device(self, roles: tuple[str, ...]) -> Device:
        """The synchronized device whose database tests copy."""
        if roles not in self.devices:
            account = "-".join(roles) or "nobody"
            made = enrol_device(
                self.hub, self.bureau, self.folder / account, account=account, name="陈敏",
                roles=roles or ("officer",),
            )
            if not roles:  # nobody is invited to do nothing: the right was taken away later
                self._take_away(account)
            made.sync()
            made.close()
            self.devices[roles] = made
        return self.devices[roles]

    def _take_away(self, account: str) -> None:
        with self.hub.store.unit(HUB_ACTOR) as unit:
            (row,) = sql.execute(
                unit.connection, 'SELECT id FROM "user" WHERE account = ?', (account,)
            ).fetchall()
            unit.update(self.hub.store.types["user"], row[0], {"roles": ""}, proven=True)


CODES = Codes.from_rows(*load_resource_codes())


def make_world(folder: Path, entities: int = ENTITIES) -> World:
    """A hub with code tables, lists, two bureaus, two officers and fictitious entities."""
    hub = Hub.create(f"sqlite:///{folder / 'hub.db'}", folder / "hub", "测试口令", "测试中心")
    world = World(hub, folder, "", "", list(market_entities(entities, DIVISION)))
    tables, items = load_resource_codes()
    world.add("code_table", tables)
    world.add("code_item", items)
    world.bureau, world.other = world.add(
        "bureau",
        [
            {"code": "YCWL", "name": "驿城文化和旅游局", "division": DIVISION, "uscc": BUREAU_USCC},
            {"code": "YCSJ", "name": "驿城市场监督管理局", "division": DIVISION},
        ],
    )
    for name in ("approval_item", "penalty_item", "supervision_item"):
        world.add(name, item_rows(name))
    world.add("officer", [{**one, "bureau": "YCWL"} for one in (sample("officer"), second_officer())])
    with hub.store.unit(HUB_ACTOR) as unit:
        unit.insert(hub.store.types["market_entity"], world.entities, way="exchange", proven=True)
    return world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The hub of the whole run."""
    made = make_world(tmp_path_factory.mktemp("world"))
    yield made
    made.hub.close()


@contextmanager
def open_desk(world: World, folder: Path, jobs: Jobs, roles: tuple[str, ...] = ADMIN) -> Iterator[Desk]:
    """A desk on a copy of the device's database."""
    device = world.device(roles)
    settings = Settings(folder)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(device.folder / "client.db", settings.database)
    guard = InstanceGuard(folder)
    guard.acquire()
    events = Events()
    session = Session(
        settings,
        open_local(settings.database, KEY, Clock()),
        Unlocked(KEY, device.keys, enrol.trust_of(device.grant), device.grant),
        guard,
        KeyFile(folder),
        events.records_changed.emit,
    )
    try:
        yield Desk.of(session, jobs, events)
    finally:
        assert jobs.wait_idle()
        session.close()


@pytest.fixture
def desk(world: World, tmp_path: Path, jobs: Jobs) -> Iterator[Desk]:
    """The desk of an officer who also administers the bureau."""
    with open_desk(world, tmp_path / "desk", jobs) as made:
        yield made


@pytest.fixture
def poor_desk(world: World, tmp_path: Path, jobs: Jobs) -> Iterator[Desk]:
    """The desk of somebody without any right to write."""
    with open_desk(world, tmp_path / "poor", jobs, ()) as made:
        yield made


def shell_with(desk: Desk, specs: Sequence[PageSpec]) -> Shell:
    """A window with these pages, told of changes as in the program."""
    shell = Shell(specs, desk.jobs)
    desk.events.records_changed.connect(shell.refresh)
    return shell
