"""What an honest client has proven before it signed, looked at again at the hub.

Only our program repeats the rules of its forms; a modified one need not. Per run,
not per record: every rule runs once for each combination of values it names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from shared.changes import Op, Value
from shared.errors import ExchangeError, Level
from shared.fields import Field, Kind
from shared.ids import key_id
from shared.record import RecordType, Rule, View
from shared.store import bureau_tree, sql
from shared.store.incoming import Incoming, Malformed
from shared.store.membership import Membership, judged
from shared.store.rowstate import RowState
from shared.store.values import FROM_STORED

_READERS: dict[Kind, Callable[[str], object]] = {
    Kind.DATE: date.fromisoformat,
    Kind.TIME: datetime.fromisoformat,
}
HINT = "请核对该设备上的程序；内容留在中心待处理。"


class BrokenRules(ExchangeError):
    """A change set holds what no form of the program lets through."""

    code = "rules"


class MissingTarget(ExchangeError):
    """A change refers to a record the hub has never had."""

    code = "no_such_record"


class Vetting:
    """Checks of one transaction; what was looked up is remembered."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._membership = Membership(connection)
        self._there: dict[str, set[str]] = {}

    def new(self, one: Incoming) -> None:
        """Raise :class:`BrokenRules` or :class:`MissingTarget` for new records that may not be."""
        declared = one.declared
        columns = {f.name: c for f, c in zip(one.fields, one.columns, strict=True)}
        self.readable(one)
        if one.run.schema >= declared.schema_version:  # an older program could not know what came later
            self._required(declared, columns, Op.INSERT)
            self._sound(declared, {f: columns[f.name] for f in judged(declared, columns)})
            for rule in declared.rules:
                wanted = [columns.get(n) for n in rule.needs]
                if None in wanted:
                    continue
                names = (*rule.needs, *rule.also)
                empty: list[Value] = [None] * len(one.ids)
                rows = zip(*(columns.get(n, empty) for n in names), strict=True)
                for _, found in _failing(declared, rule, rows):
                    raise BrokenRules(f"{declared.title}：{found}。", HINT)
        self._targets(declared, columns)
        self._there.setdefault(declared.name, set()).update(one.ids)

    def readable(self, one: Incoming) -> None:
        """Raise :class:`Malformed` for what no program could read or find again: nobody can waive that."""
        self.keys(one)
        _days(one.declared, {f.name: c for f, c in zip(one.fields, one.columns, strict=True)})

    def rooted(self, one: Incoming) -> None:
        """Bureaus stay a tree, whoever releases or decides; raises :class:`Malformed`."""
        columns = {f.name: c for f, c in zip(one.fields, one.columns, strict=True)}
        if one.declared.name != bureau_tree.TYPE or bureau_tree.FIELD not in columns:
            return
        parents = (None if p is None else str(p) for p in columns[bureau_tree.FIELD])
        moved = dict(zip(one.ids, parents, strict=True))
        if sentence := bureau_tree.ring(self._connection, one.declared, moved):
            raise Malformed(f"{one.declared.title}：{sentence}。", HINT)

    def keys(self, one: Incoming) -> None:
        """The id of a record with a key is the one its key yields; raises :class:`Malformed`."""
        self.rooted(one)
        declared = one.declared
        if not declared.key:
            return
        columns = {f.name: c for f, c in zip(one.fields, one.columns, strict=True)}
        key = [columns.get(n) for n in declared.key]
        known = [c for c in key if c is not None]
        whole = len(known) == len(key) and all(None not in c for c in known)
        if not whole or any(
            key_id(declared.name, [str(v) for v in values]) != record_id
            for record_id, *values in zip(one.ids, *known, strict=True)
        ):
            titles = "、".join(declared.by_name[n].title for n in declared.key)
            raise Malformed(f"{declared.title}的标识与其{titles}不符。", HINT)

    def changed(
        self, one: Incoming, states: Mapping[str, RowState], *, waived: bool = False
    ) -> dict[int, dict[str, str]]:
        """What an edit breaks together with what stands: row → field → the rule's sentence.

        :param waived: a person released it: what it breaks by itself counts all the same.
        Raises :class:`BrokenRules` where the edit alone breaks it: then nobody else is concerned.
        """
        declared = one.declared
        columns = {f.name: c for f, c in zip(one.fields, one.columns, strict=True)}
        _days(declared, columns)
        if one.run.schema >= declared.schema_version and not waived:
            self._required(declared, columns, Op.UPDATE)
            self._sound(declared, {f: _news(one, states, f, columns) for f in judged(declared, columns)})
        if not waived:
            self._targets(declared, columns)
        out: dict[int, dict[str, str]] = {}
        for rule in declared.rules:
            names = (*rule.needs, *rule.also)
            mine = [n for n in names if n in columns]
            if not mine or one.run.schema < declared.schema_version:
                continue
            for row, sentence in _failing(declared, rule, _after(one, states, columns, names)):
                before = [tuple(states[one.ids[row]].values[n] for n in names)]
                if any(_failing(declared, rule, before)):
                    continue  # it was so before
                if len(mine) == len(names) and waived:
                    continue
                if len(mine) == len(names):
                    raise BrokenRules(f"{declared.title}：{sentence}。", HINT)
                out.setdefault(row, {}).update(dict.fromkeys(mine, sentence))
        return out

    # --- inside --------------------------------------------------------------
    def _sound(self, declared: RecordType, values: Mapping[Field, Iterable[Value]]) -> None:
        if complaint := self._membership.complaint(declared, values):
            raise BrokenRules(complaint, HINT)

    def _required(self, declared: RecordType, columns: Mapping[str, Sequence[Value]], op: Op) -> None:
        for one in declared.own_fields:
            if one.required and (op is Op.INSERT or one.name in columns):
                column = columns.get(one.name)
                if column is None or None in column:
                    raise BrokenRules(f"{declared.title}缺少必填的“{one.title}”。", HINT)
            if one.max is not None and one.name in columns and _longest(columns[one.name]) > one.max:
                raise BrokenRules(f"{declared.title}的“{one.title}”超过 {one.max} 个字。", HINT)

    def _targets(self, declared: RecordType, columns: Mapping[str, Sequence[Value]]) -> None:
        for one in declared.own_fields:
            if one.kind not in (Kind.REF, Kind.REFS) or not one.must_exist or one.name not in columns:
                continue
            there = self._there.setdefault(one.target, set())
            values = set(columns[one.name])
            ids = {i for v in values if v for i in str(v).split(",")} - there
            if not ids:
                continue
            there.update(r[0] for r in sql.fetch(self._connection, one.target, ("id",), sorted(ids)))
            if not ids <= there:
                raise MissingTarget(
                    f"{declared.title}的“{one.title}”所指的记录在中心不存在，可能还在隔离的变更集里。",
                    "请中心管理员一并核对。",
                )


def _news(
    one: Incoming, states: Mapping[str, RowState], field: Field, columns: Mapping[str, Sequence[Value]]
) -> list[Value]:
    """What an edit brings to a field; what was so before is nobody's news."""
    pairs = zip(one.ids, columns[field.name], strict=True)
    return [new for i, new in pairs if new != states[i].values[field.name]]


def _after(
    one: Incoming,
    states: Mapping[str, RowState],
    columns: Mapping[str, Sequence[Value]],
    names: Sequence[str],
) -> Iterator[tuple[Value, ...]]:
    """The values a rule names, row by row, as they would stand."""
    for row, record_id in enumerate(one.ids):
        old = states[record_id].values
        yield tuple(columns[n][row] if n in columns else old[n] for n in names)


def _failing(
    declared: RecordType, rule: Rule, rows: Any
) -> Iterator[tuple[int, str]]:
    """Rows that a rule refuses, with its sentence; each combination of values is tried once."""
    names = (*rule.needs, *rule.also)
    fields = [declared.by_name[n] for n in names]
    known: dict[tuple[Value, ...], str] = {}
    for row, values in enumerate(rows):
        if values not in known:
            known[values] = _sentence(rule, fields, values)
        if known[values]:
            yield row, known[values]


def _sentence(rule: Rule, fields: Sequence[Field], values: Sequence[Value]) -> str:
    if any(v is None for v in values[: len(rule.needs)]):
        return ""
    typed = {f.name: _typed(f, v) for f, v in zip(fields, values, strict=True)}
    for problem in rule.body(View(typed, typed)):
        if problem.level is Level.REJECT:
            return problem.message
    return ""


def _typed(field: Field, value: Value) -> Any:
    convert = FROM_STORED.get(field.kind)
    return convert(value) if convert else value


def _days(declared: RecordType, columns: Mapping[str, Sequence[Value]]) -> None:
    """Days and moments are such: no client could read others."""
    for name, column in columns.items():
        one = declared.by_name[name]
        read = _READERS.get(one.kind)
        if read is None:
            continue
        try:
            for value in {v for v in column if v is not None}:
                read(str(value))
        except ValueError:
            raise Malformed(f"{declared.title}的“{one.title}”不是日期。", HINT) from None


def _longest(column: Sequence[Value]) -> int:
    return max((len(v) for v in column if isinstance(v, str)), default=0)


__all__ = ["BrokenRules", "MissingTarget", "Vetting"]
