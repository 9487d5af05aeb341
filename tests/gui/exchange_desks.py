"""Desks that exchange: three people, each with a real enrolled installation, and their hub.

The stage (hub, key files, databases after a first load) is made once per run and
copied whole for each test, hub included, so that a test may do to it what it likes.

``chenmin`` is an officer of 甲局, ``linwei`` an administrator of 乙局, ``wang`` an
administrator of the hub.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from desktop.work.desk import Desk
from desktop.work.enrolment import Enrolment
from desktop.work.events import Events
from desktop.work.highwater import STATE_VARIABLE
from desktop.work.jobs import Jobs
from desktop.work.key_format import Argon
from desktop.work.keys import KeyFile
from desktop.work.session import Session, sign_in
from desktop.work.settings import Settings
from server_stub.enrolment import Account
from server_stub.hub import Hub
from shared.access import HUB_ACTOR
from shared.codes import Codes, load_resource_codes
from shared.fictitious import market_entities
from shared.parsing import Context, parse
from shared.store import sql
from tests.fixtures.devices import Direct, quiet
from tests.fixtures.hubs import DIVISION, PASSPHRASE
from tests.fixtures.made_once import Once

PASSWORD = "Yizhan-2026"
WEAK = Argon(1, 8, 1)
"""Cheap to guess, quick to test."""

PEOPLE = {
    "chenmin": ("陈敏", "甲局", ("officer",)),
    "linwei": ("林伟", "乙局", ("officer", "bureau_admin")),
    "wang": ("王主任", "监管平台中心", ("hub_admin",)),
}
_SMALL = ("行政区划", "街镇", "行业代码")


@dataclass
class Stage:
    """A folder with a hub and enrolled installations, ready to be copied."""

    folder: Path

    @property
    def state(self) -> Path:
        """What its installations keep outside their data folders: it goes with the copy."""
        return self.folder / "state"

    def copy(self, to: Path) -> Stage:
        """The same, to be changed at will."""
        shutil.copytree(self.folder, to)
        return Stage(to)

    def hub(self) -> Hub:
        """The hub, opened."""
        return Hub(f"sqlite:///{self.folder / 'hub.db'}", self.folder / "hub", PASSPHRASE)

    def keys(self, account: str) -> KeyFile:
        """The key file of an installation."""
        return KeyFile(self.folder / account, vault=lambda: None, argon=WEAK)

    def session(self, account: str, changed: Callable[[frozenset[str], str], None]) -> Session:
        """Somebody signs in."""
        settings = Settings(self.folder / account)
        return sign_in(settings, account, PASSWORD, keys=self.keys(account), changed=changed)


def build_stage(folder: Path, entities: int = 40) -> Stage:
    """Hub with codes, three bureaus and entities; three installations that have it all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STATE_VARIABLE, str(Stage(folder).state))
        return _build(Stage(folder), entities)


def _build(stage: Stage, entities: int) -> Stage:
    folder = stage.folder
    hub = Hub.create(f"sqlite:///{folder / 'hub.db'}", folder / "hub", PASSPHRASE, "测试中心")
    bureaus = _fill(hub, entities)
    for (account, (name, bureau, roles)) in PEOPLE.items():
        code = hub.enrolment.invite(Account(account, name, bureaus[bureau], roles))
        enrolment = Enrolment(Settings(folder / account), stage.keys(account), argon=WEAK)
        request = enrolment.write_request(folder, code.shown(), f"{bureau}-01", PASSWORD, quiet)
        grant = folder / "grant.yzp"
        with request.path.open("rb") as stream, grant.open("w+b") as out:
            hub.handle(stream, out)
        enrolment.read_grant(grant, PASSWORD, quiet)
    for account in PEOPLE:
        session = stage.session(account, lambda types, initiator: None)
        session.engine.sync(Direct(hub), quiet)
        session.close()
    hub.close()
    return stage


def _fill(hub: Hub, entities: int) -> dict[str, str]:
    types = hub.store.types
    tables, items = load_resource_codes()
    codes = Codes.from_rows(tables, items)
    rows = {
        "code_table": [t for t in tables if t["name"] not in _SMALL],
        "code_item": [i for i in items if i["table_name"] not in _SMALL],
    }
    names = [bureau for _, bureau, _ in PEOPLE.values()]
    with hub.store.unit(HUB_ACTOR) as unit:
        made = unit.insert(
            types["bureau"],
            [{"code": f"J{n}", "name": name, "division": DIVISION} for n, name in enumerate(names)],
            way="exchange",
        )
        for name, raws in rows.items():
            values = [parse(types[name], raw, Context(codes)).values for raw in raws]
            unit.insert(types[name], values, way="exchange", proven=True)
        found = list(market_entities(entities, DIVISION, 1))
        unit.insert(types["market_entity"], found, way="exchange", proven=True)
    return dict(zip(names, made, strict=True))


class Post:
    """A copy of the stage: who signs in gets a desk, and the hub is at hand."""

    def __init__(self, stage: Stage, jobs: Jobs) -> None:
        self.stage = stage
        self.hub = stage.hub()
        self._jobs = jobs
        self._made: dict[str, Desk] = {}

    def desk(self, account: str) -> Desk:
        """The desk of that person."""
        if account not in self._made:
            events = Events()
            session = self.stage.session(account, events.records_changed.emit)
            self._made[account] = Desk.of(session, self._jobs, events)
        return self._made[account]

    def sync(self, *accounts: str) -> None:
        """These synchronize, one after the other, without a network between."""
        for account in accounts:
            session = self.desk(account).session
            done = session.engine.sync(Direct(self.hub), quiet, session.actor.name)
            session.records.announce(done.received.types, "sync")
            session.refresh()

    def insert(self, account: str, type_name: str, **values: Any) -> str:
        """Somebody enters a record."""
        session = self.desk(account).session
        with session.store.unit(session.actor) as unit:
            return unit.insert(session.store.types[type_name], [values])[0]

    def update(self, account: str, type_name: str, record_id: str, **values: Any) -> None:
        """Somebody edits a record."""
        session = self.desk(account).session
        with session.store.unit(session.actor) as unit:
            unit.update(session.store.types[type_name], record_id, values)

    def entity(self, place: int = 0) -> str:
        """Id of one of the entities everybody has."""
        with self.hub.store.read() as connection:
            found = connection.exec_driver_sql("SELECT id FROM market_entity ORDER BY rid").fetchall()
            return str(found[place][0])

    def freeze(self, account: str, state: str = "frozen") -> None:
        """The hub closes an account, or opens it again."""
        users = self.hub.store.types["user"]
        with self.hub.store.unit(HUB_ACTOR) as unit:
            found = unit.connection.exec_driver_sql('SELECT id, account FROM "user"').fetchall()
            (user,) = [str(i) for i, name in found if name == account]
            unit.update(users, user, {"state": state})

    def value(self, account: str, type_name: str, record_id: str, name: str) -> Any:
        """A stored value on somebody's screen."""
        with self.desk(account).store.read() as connection:
            found = sql.fetch(connection, type_name, (name,), [record_id])
        return found[0][0] if found else None

    def close(self) -> None:
        """Everybody goes home."""
        for desk in self._made.values():
            desk.session.close()
        self.hub.close()


def settle(jobs: Jobs) -> None:
    """Until no job is left, also none that the end of another one started."""
    for _ in range(50):
        jobs.wait_idle()
        QApplication.processEvents()
        if not jobs.active:
            return
    raise AssertionError("jobs do not end")


@pytest.fixture(scope="session")
def stage(once: Once) -> Stage:
    """Made once per run."""
    return Stage(once("stage", build_stage))


@pytest.fixture
def post(
    stage: Stage, tmp_path: Path, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Post]:
    """A copy that is this test's own."""
    made = Post(stage.copy(tmp_path / "stage"), jobs)
    monkeypatch.setenv(STATE_VARIABLE, str(made.stage.state))
    yield made
    jobs.wait_idle()
    made.close()
