"""One seat: a real store and engine over files that survive a restart, and the person's pen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from shared.access import Actor
from shared.changes import Op
from shared.clock import Clock
from shared.store import sql, swapping
from shared.store.database import open_cipher
from shared.store.exchange import Reach, reach
from shared.store.facts import write_number
from shared.store.incarnations import line_head
from shared.store.journal import Journal
from shared.store.store import Store
from shared.store.unit import Unit
from shared.store.values import to_stored
from shared.types import catalog
from sync import enrol, lines
from sync.engine import Engine
from sync.lines import Mark
from sync.outbox import Outbox
from sync.rotation import ring_of
from tests.fixtures.devices import KEY
from tests.simulator.mishaps import Crash, Mishaps
from tests.simulator.model import Change, Life, Model
from tests.simulator.seeded import Wall
from tests.simulator.town import Enrolled


class Seat:
    """A device and who sits at it.

    :param wall: its clock, right or wrong.
    :param life: what this copy of the device's data has done so far; None for a device's first.
    :param mark: kept outside the database; :param marked: whether one is kept at all.
    """

    def __init__(
        self, index: int, enrolled: Enrolled, folder: Path, wall: Wall, model: Model, mishaps: Mishaps,
        life: Life | None = None, mark: Mark | None = None, marked: bool = False,
    ) -> None:  # fmt: skip
        self.mishaps = mishaps
        self.index = index
        self.name = enrolled.place.name
        self.enrolled = enrolled
        self.folder = folder
        self.wall = wall
        self.model = model
        self.life = life or model.live(enrolled.grant.device)
        self.ring = ring_of(enrolled.keys)
        self.mark, self.marked = mark, marked
        self.carries: list[str] = []
        self.revoked = False
        self.doubtful: tuple[int, list[Change]] | None = None
        self.open()

    # --- its life ------------------------------------------------------------
    def open(self) -> None:
        """Start the program."""
        path = self.folder / "client.db"
        swapping.recover(path)
        database = open_cipher(path, KEY)
        self.mishaps.watch(database.writer, self.folder.name)
        self.store = Store(database, catalog.ALL, Clock(self.wall))
        swapping.complete(self.store)
        self.box = Outbox(self.store, lambda: self.engine.credentials.hub, self.folder / "mail", lambda: self.carries)
        self.engine = Engine(
            self.store, self.ring, enrol.trust_of(self.enrolled.grant), self.folder / "spool", self.box, self._keep_mark
        )
        self.engine.credentials.told = self.settle_keys
        self.device, _ = self.store.identity()
        self._settle_doubt()
        self.settle_keys()
        self._settle_incarnation()

    def close(self) -> None:
        """Leave it."""
        self.store.close()

    def die(self) -> None:
        """The program is gone; start it again on what it left."""
        self.mishaps.die(self.folder.name, self.close, self.folder / "client.db")
        self.open()

    def restart(self) -> None:
        """Leave, and start again."""
        self.close()
        self.open()

    # --- what lies outside the database, as the program keeps it --------------
    def _keep_mark(self, mark: Mark) -> None:
        if self.marked:
            self.mark = mark

    def _settle_incarnation(self) -> None:
        """As at sign-in: a database that does not fit the mark outside it goes on under a new incarnation."""
        if not self.marked:
            return
        with self.store.read() as connection:
            why = lines.contradiction(connection, self.mark)
        if why:
            self.engine.begin_incarnation(why, after=self.mark.incarnation if self.mark else 0)
        self.note_mark()

    def note_mark(self) -> None:
        """Keep a mark of how far this copy has come, from now on."""
        self.marked = True
        with self.store.write() as connection:
            self.mark = Mark(self.incarnation, reach(connection).written, line_head(connection))
            write_number(connection, "marked", 1)

    def settle_keys(self) -> None:
        """As at sign-in and after each answer: the key file follows what database and hub say."""
        credentials = self.engine.credentials
        ring = credentials.ring
        if credentials.confirmed():
            ring = replace(ring, change="").promoted(self.store.clock.now().isoformat())
        elif ring.next is not None and not ring.change:
            ring = replace(ring, next=None)
        if ring != credentials.ring:
            self.ring = ring
            credentials.follow(ring)

    @property
    def incarnation(self) -> int:
        """Which life of the device's numbers this database is in."""
        return self.store.identity()[1]

    # --- work ----------------------------------------------------------------
    @property
    def actor(self) -> Actor:
        """The person signed in."""
        return self.enrolled.actor

    @contextmanager
    def pen(self, cause: str = "") -> Iterator[Pen]:
        """One act of the person: what is written within is one transaction, and noted in the model."""
        before = self.written()
        pen: Pen | None = None
        try:
            with self.store.unit(self.actor, cause=cause) as unit:
                pen = Pen(unit, self.store)
                yield pen
        except Crash:
            # It may have come just after the commit: then it was done, and is there when we look again.
            self.doubtful = (before, pen.changes) if pen is not None and pen.changes else None
            raise
        except BaseException:
            assert self.written() == before, "a refused act was kept"
            raise
        self.model.act(self.life, self.incarnation, before + 1, pen.changes)

    def _settle_doubt(self) -> None:
        if self.doubtful is None:
            return
        (before, changes), self.doubtful = self.doubtful, None
        if (now := self.written()) != before:
            assert now == before + len(changes), f"half an act was kept: {before} → {now} of {len(changes)}"
            self.model.act(self.life, self.incarnation, before + 1, changes)

    # --- what is there ---------------------------------------------------------
    def written(self) -> int:
        """Number of the last own change."""
        with self.store.read() as connection:
            return Journal().last_seq(connection)

    def reach(self) -> Reach:
        """How far own changes have come."""
        with self.store.read() as connection:
            return reach(connection)

    def ids(self, type_name: str, where: str = "1 = 1", *values: Any) -> list[str]:
        """Present records of a type, in an order that does not depend on this run."""
        with self.store.read() as connection:
            rows = sql.execute(
                connection,
                f'SELECT id FROM "{type_name}" WHERE "_deleted" = 0 AND {where} ORDER BY id', values,
            )
            return [r[0] for r in rows]

    def row(self, type_name: str, record_id: str, *names: str) -> tuple[Any, ...]:
        """Some values of a record."""
        with self.store.read() as connection:
            return sql.fetch(connection, type_name, names, [record_id])[0]


class Pen:
    """Writes through the write door and remembers what was written, in order."""

    def __init__(self, unit: Unit, store: Store) -> None:
        self._unit, self._store = unit, store
        self.changes: list[Change] = []

    def insert(self, type_name: str, rows: Sequence[Mapping[str, Any]], way: str = "entry") -> list[str]:
        """Enter records."""
        declared = self._store.types[type_name]
        ids = self._unit.insert(declared, rows, way=way, proven=True)
        for record_id, row in zip(ids, rows, strict=True):
            values = {n: to_stored(declared.by_name[n], v) for n, v in row.items() if n != "id"}
            self.changes.append(Change(Op.INSERT, type_name, record_id, values))
        return ids

    def update(self, type_name: str, record_id: str, **values: Any) -> None:
        """Edit a record."""
        declared = self._store.types[type_name]
        state = self._unit.load(declared, [record_id])[record_id]
        stored = {n: to_stored(declared.by_name[n], v) for n, v in values.items()}
        new = {n: v for n, v in stored.items() if v != state.values[n]}
        assert self._unit.update(declared, record_id, values, proven=True) == bool(new)
        if new:
            self.changes.append(Change(Op.UPDATE, type_name, record_id, new))

    def delete(self, type_name: str, record_id: str, reason: str = "重复录入") -> None:
        """Delete a record."""
        self._unit.delete(self._store.types[type_name], record_id, reason)
        self.changes.append(Change(Op.DELETE, type_name, record_id, {}))
