"""One database with its write door and its readers."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa

from shared.access import Actor
from shared.clock import Clock
from shared.errors import StoreError
from shared.record import RecordType
from shared.store import tables
from shared.store.database import Database, storage_errors
from shared.store.facts import read_number, read_text, write_number, write_text
from shared.store.gate import Gate
from shared.store.journal import Journal
from shared.store.references import Origins
from shared.store.unit import Sink, Unit


class Store:
    """Records of one installation.

    :param types: the catalogue.
    :param sink: journal on the client, streams at the hub.
    :param searching: keep search indexes (client).
    """

    def __init__(
        self,
        database: Database,
        types: Sequence[RecordType],
        clock: Clock,
        *,
        sink: Sink | None = None,
        searching: bool = True,
    ) -> None:
        self.database = database
        self.types = {t.name: t for t in types}
        self.by_number = {t.number: t for t in types}
        self.clock = clock
        self.searching = searching
        self._sink: Sink = sink or Journal()
        self._lock = threading.Lock()
        self._gate = Gate()
        self._closed = False

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection that cannot write."""
        self._check_open()
        with self._gate.passing(), storage_errors(), self.database.reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction for the exchange's own tables; records go through :meth:`unit`."""
        self._check_open()
        with self._gate.passing(), self._lock, storage_errors(), self.database.writer.begin() as connection:
            yield connection

    @contextmanager
    def unit(self, actor: Actor, *, cause: str = "") -> Iterator[Unit]:
        """One transaction through the write door."""
        with self.write() as connection:
            unit = self.unit_on(connection, actor, cause=cause)
            yield unit
            unit.finish()

    def unit_on(self, connection: sa.Connection, actor: Actor, *, cause: str = "") -> Unit:
        """A unit inside a transaction that is already open; the caller finishes it."""
        return Unit(
            connection,
            origin=read_number(connection, "origin"),
            sink=self._sink,
            actor=actor,
            clock=self.clock,
            cause=cause,
            searching=self.searching,
        )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else reads or writes and no handle on the file is open, so that it may be exchanged.

        Raises :class:`DatabaseBusy` when somebody else does not finish in time.
        """
        self._check_open()
        with self._gate.closed():
            self.database.close()  # the next who reads or writes opens what then lies there
            try:
                yield
            finally:
                self.database.close()

    def take_turn(self, connection: sa.Connection) -> None:
        """Hold the numbering of own changes until commit, before anything is read that decides.

        Every unit does; whoever decides before it has a unit, or locks other rows, takes it first. So
        what is read from here on nobody else changes meanwhile, and two transactions never wait for
        each other.
        """
        self._sink.last_seq(connection)

    def identify(self, device: str, incarnation: int) -> None:
        """Say which device this database belongs to; its changes carry this origin."""
        with self.write() as connection:
            number = Origins(connection).number(device, incarnation)
            write_number(connection, "origin", number)
            write_text(connection, "device", device)
            write_number(connection, "incarnation", incarnation)

    def identity(self) -> tuple[str, int]:
        """Device id and incarnation; ``("", 0)`` before enrolment."""
        with self.read() as connection:
            return read_text(connection, "device"), read_number(connection, "incarnation")

    def close(self) -> None:
        """Give the database back; work that comes too late is refused, not done behind the next owner."""
        self._closed = True
        self.database.close()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("本机数据已经关闭。", "请重新登录。")


def create_client_tables(database: Database, types: Sequence[RecordType]) -> None:
    """All tables of a client, straight from the declarations.

    The program itself migrates (``shared.store.migrate``); a test holds both equal.
    """
    tables.derive_all(types)
    with database.writer.begin() as connection:
        tables.records.create_all(connection)
        tables.client.create_all(connection)
        for declared in types:
            if declared.search_fields:
                connection.exec_driver_sql(tables.search_ddl(declared))
