"""Lists the hub publishes: code tables and the catalogue, loaded again at will."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.access import HUB_ACTOR
from shared.codes import Codes, load_resource_codes
from shared.errors import Level, Problem, Rejected
from shared.filters import Filter
from shared.parsing import Context, is_blank, parse
from shared.record import RecordType
from shared.resource_files import licence_catalogue
from shared.store import audit, bureau_tree, query, sql
from shared.store.lookups import StoreReferences
from shared.store.query import Place
from shared.store.store import Store
from shared.store.unit import Unit


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load did."""

    added: int
    changed: int


def load_codes(store: Store) -> Loaded:
    """The shipped code tables and the 142 items of the licence catalogue; adds and corrects."""
    tables, items = load_resource_codes()
    codes = Codes.from_rows(tables, items)
    parts = [
        put(store, "code_table", tables, codes),
        put(store, "code_item", items, codes),
        put(store, "licence_catalogue_item", licence_catalogue(), codes),
    ]
    return Loaded(sum(p.added for p in parts), sum(p.changed for p in parts))


def load_new_tables(store: Store) -> Loaded:
    """Shipped code tables that a hub which has others does not know: an upgrade brought them.

    What is there already stays as it is; a hub without any is loaded by its administrator.
    """
    with store.read() as connection:
        known = {str(r[0]) for r in sql.execute(connection, "SELECT name FROM code_table")}
    tables, items = load_resource_codes()
    new = {t["name"] for t in tables} - known
    if not known or not new:
        return Loaded(0, 0)
    codes = Codes.from_rows(tables, items)
    parts = [
        put(store, "code_table", [t for t in tables if t["name"] in new], codes),
        put(store, "code_item", [i for i in items if i["table_name"] in new], codes),
    ]
    return Loaded(sum(p.added for p in parts), sum(p.changed for p in parts))


def put(
    store: Store,
    type_name: str,
    rows: Iterable[Mapping[str, Any]],
    codes: Codes,
    provenance: Mapping[str, Any] | None = None,
    note: tuple[str, str] | None = None,
    clear: Collection[str] = (),
) -> Loaded:
    """Insert or correct records of a type from raw texts, through the hub's own door.

    What a row leaves blank stays as it was. Types without a key are only ever added.
    :param note: event and detail for the audit chain, if anything came of it.
    :param clear: fields to be emptied where the record is there.
    Raises :class:`Rejected` for the first wrong row.
    """
    declared = store.types[type_name]
    rows = list(rows)
    with store.read() as connection:
        context = Context(codes, StoreReferences(connection, store.types))
        parsed = [parse(declared, row, context) for row in rows]
    for one in parsed:
        if any(p.level is Level.REJECT for p in one.problems):
            raise Rejected(one.problems)
    values = [one.values for one in parsed]
    with store.unit(HUB_ACTOR) as unit:
        known = unit.load(declared, [declared.record_id(v) for v in values]) if declared.key else {}
        new = [v for v in values if not declared.key or declared.record_id(v) not in known]
        old = [
            (declared.record_id(v), {n: v[n] for n in row if not is_blank(row[n])} | dict.fromkeys(clear))
            for row, v in zip(rows, values, strict=True)
            if declared.key and declared.record_id(v) in known
        ]
        if declared.name == bureau_tree.TYPE:
            _stay_a_tree(unit, declared, [*((declared.record_id(v), v) for v in new), *old])
        unit.insert(declared, new, way="exchange", proven=True, provenance=provenance)
        changed = unit.update_many(declared, old, proven=True)
        if note is not None and (new or changed):
            audit.note(unit.connection, store.clock.stamp(), HUB_ACTOR.user, *note)
    return Loaded(len(new), changed)


def _stay_a_tree(unit: Unit, declared: RecordType, edits: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    moved = {i: values[bureau_tree.FIELD] for i, values in edits if bureau_tree.FIELD in values}
    if sentence := bureau_tree.ring(unit.connection, declared, moved):
        raise Rejected([Problem(bureau_tree.FIELD, sentence)])


def codes_of(store: Store) -> Codes:
    """The code tables as the hub holds them now."""
    with store.read() as connection:
        tables = query.first(connection, store.types["code_table"], Filter(), Place(), 10_000)
        items = query.first(connection, store.types["code_item"], Filter(), Place(), 10**6)
    return Codes.from_rows([t.values for t in tables], [i.values for i in items])
