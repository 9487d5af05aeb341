"""Records as the windows use them: look up, check, save, drafts, steps of a workflow.

Everything a page asks of data goes through here; nothing here draws.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from shared import access
from shared.access import Action, Actor
from shared.codes import Codes
from shared.errors import AccessDenied, IllegalTransition, Level, Problem, Rejected, StaleRecord
from shared.fields import Field, Kind
from shared.filters import Filter
from shared.ids import new_id
from shared.parsing import Context, Parsed, clean_text, code_text, is_blank, parse, printable, show
from shared.record import RecordType
from shared.standing import Standing
from shared.store import audit, drafts, duplicates, query
from shared.store.drafts import Draft
from shared.store.lookups import StoreReferences
from shared.store.query import Place, StoredRow
from shared.store.standings import Standings
from shared.store.store import Store
from shared.store.unit import Unit

Changed = Callable[[frozenset[str], str], None]


@dataclass(frozen=True, slots=True)
class Row:
    """One record for a window."""

    id: str
    rowid: int
    values: dict[str, Any]
    standing: Standing
    seen: str


@dataclass(frozen=True, slots=True)
class Saved:
    """A record was written; ``warnings`` did not stop it."""

    id: str
    warnings: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A record offered while somebody types."""

    id: str
    label: str
    detail: str


class Records:
    """The records of one signed-in person.

    :param changed: told the names of the types a save changed, and who began it.
    :param read_only: whether the offline lease has run out.
    """

    def __init__(
        self,
        store: Store,
        actor: Callable[[], Actor],
        changed: Changed = lambda types, initiator: None,
        read_only: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._actor = actor
        self._changed = changed
        self._read_only = read_only
        self._codes: Codes | None = None
        self._labels: dict[tuple[str, str], str] = {}

    # --- what there is -------------------------------------------------------
    @property
    def actor(self) -> Actor:
        """Who is signed in."""
        return self._actor()

    @property
    def codes(self) -> Codes:
        """The code tables of this database; read again after they change."""
        if self._codes is None:
            with self._store.read() as connection:
                types = self._store.types
                tables = query.first(connection, types["code_table"], Filter(), Place(), 10_000)
                items = query.first(connection, types["code_item"], Filter(order="order_no"), Place(), 10**6)
            self._codes = Codes.from_rows([t.values for t in tables], [i.values for i in items])
        return self._codes

    def type(self, name: str) -> RecordType:
        """The declaration of that name."""
        return self._store.types[name]

    def types(self, group: str) -> list[RecordType]:
        """Declarations a page of this group offers."""
        return [t for t in self._store.types.values() if t.group == group]

    def may(self, action: str, declared: RecordType, values: Mapping[str, Any] | None = None) -> bool:
        """Whether the signed-in person may, by form or workbook: ``import`` asks as create, ``export`` as
        read. A step may also be taken with what a use case made, unless it leads elsewhere."""
        asked = {"import": Action.CREATE, "export": Action.READ}.get(action, action)
        allowed = _may_step(declared) if asked == Action.STEP else declared.typed
        if asked != Action.READ and (self._read_only() or not allowed):
            return False
        return access.allows(self.actor, asked, declared, values)

    def forget(self, types: Collection[str]) -> None:
        """Drop what is remembered of types that changed."""
        if {"code_table", "code_item"} & set(types):
            self._codes = None
        self._labels = {k: v for k, v in self._labels.items() if k[0] not in types}

    # --- reading -------------------------------------------------------------
    def row_ids(self, declared: RecordType, wanted: Filter) -> array[int]:
        """Row numbers of everything that matches, in order."""
        self._may_read(declared)
        with self._store.read() as connection:
            return query.row_ids(connection, declared, wanted, self._place())

    def count(self, declared: RecordType, wanted: Filter) -> int:
        """How many match."""
        self._may_read(declared)
        with self._store.read() as connection:
            return query.count(connection, declared, wanted, self._place())

    def first(self, declared: RecordType, wanted: Filter, limit: int = query.FIRST_PAGE) -> list[Row]:
        """The first rows that match."""
        self._may_read(declared)
        with self._store.read() as connection:
            found = query.first(connection, declared, wanted, self._place(), limit)
            return self._rows(Standings(connection), found)

    def rows(self, declared: RecordType, rowids: Sequence[int]) -> list[Row]:
        """Rows by row number, in that order."""
        self._may_read(declared)
        with self._store.read() as connection:
            found = query.by_rids(connection, declared, rowids)
            return self._rows(Standings(connection), found)

    def get(self, declared: RecordType, record_id: str) -> Row | None:
        """One record; None when it is not here."""
        self._may_read(declared)
        with self._store.read() as connection:
            found = query.by_ids(connection, declared, [record_id])
            rows = self._rows(Standings(connection), list(found.values()))
        return rows[0] if rows else None

    def get_many(self, declared: RecordType, ids: Collection[str]) -> dict[str, Row]:
        """Records by id."""
        with self._store.read() as connection:
            found = query.by_ids(connection, declared, ids)
            rows = self._rows(Standings(connection), list(found.values()))
        return {r.id: r for r in rows}

    def label(self, target: str, record_id: str) -> str:
        """The one-line name of a record; ``""`` when unknown."""
        return self.labels(target, [record_id]).get(record_id, "")

    def labels(self, target: str, ids: Collection[str]) -> dict[str, str]:
        """The same for many, in one query."""
        declared = self._store.types[target]
        wanted = {i for i in ids if i}
        missing = [i for i in wanted if (target, i) not in self._labels]
        if missing:
            with self._store.read() as connection:
                found = query.labels(connection, declared, missing)
            found = self._through(declared, found)
            self._labels |= {(target, i): found.get(i, "") for i in missing}
        return {i: self._labels[target, i] for i in wanted if self._labels[target, i]}

    def suggest(self, target: str, word: str, limit: int = 20) -> list[Suggestion]:
        """Records whose name fits what was typed so far."""
        declared = self._store.types[target]
        with self._store.read() as connection:
            wanted = Filter(text=word) if declared.search_fields else Filter()
            found = query.first(connection, declared, wanted, self._place(), limit)
        labels = self._through(declared, {r.id: str(r.values.get(declared.label) or "") for r in found})
        return [Suggestion(r.id, labels[r.id], self._detail(declared, r)) for r in found]

    def fill_from(self, declared: RecordType, name: str, value: str) -> dict[str, str]:
        """Enter once: what the entity's record knows, as text by field name."""
        entity_type = self._store.types["market_entity"]
        if name not in ("uscc", "party_uscc") or declared is entity_type or not value.strip():
            return {}
        row = self.get(entity_type, entity_type.id_for_key(code_text(value)))
        if row is None:
            return {}
        out: dict[str, str] = {}
        for one in declared.form_fields:
            source = _SAME_AS.get(one.name, one.name)
            known = entity_type.by_name.get(source)
            if known is None or (known.kind, known.table) != (one.kind, one.table) or one.name == name:
                continue
            if row.values.get(source) is not None:
                out[one.name] = self.raw_text(known, row.values[source])
        return out

    # --- text ----------------------------------------------------------------
    def show(self, one: Field, value: Any) -> str:
        """A value as people read it; personal data masked."""
        return show(one, value, self.codes, self)

    def raw_text(self, one: Field, value: Any) -> str:
        """A value as it would be typed, to fill a form with; nothing is masked."""
        if value is None:
            return ""
        if one.words or one.kind in (Kind.REF, Kind.REFS, Kind.CODES, Kind.CODE):
            return str(value)
        if one.kind is Kind.MONEY:
            return show(one, value, self.codes).replace(",", "")
        return show(one, value, self.codes, masked=False)

    def raw(self, declared: RecordType, row: Row) -> dict[str, str]:
        """A whole record as it would be typed."""
        return {f.name: self.raw_text(f, row.values.get(f.name)) for f in declared.own_fields}

    # --- writing -------------------------------------------------------------
    def check(self, declared: RecordType, raw: Mapping[str, Any]) -> Parsed:
        """Parse and run every rule; never raises for bad input."""
        with self._store.read() as connection:
            references = StoreReferences(connection, self._store.types)
            parsed = parse(declared, raw, Context(self.codes, references))
            parsed.problems += _absent(declared, parsed, references)
        return parsed

    def save(
        self,
        declared: RecordType,
        raw: Mapping[str, Any],
        record_id: str | None = None,
        seen: str | None = None,
        *,
        initiator: str = "",
    ) -> Saved:
        """Write a record from typed text; raises :class:`Rejected` and leaves all as it was."""
        self._may_type(declared)
        parsed = self.check(declared, raw)
        parsed.problems += self._taken(declared, parsed.values, record_id)
        if any(p.level is Level.REJECT for p in parsed.problems):
            raise Rejected(parsed.problems)
        with self._store.unit(self.actor) as unit:
            if record_id is None:
                saved = unit.insert(declared, [parsed.values], proven=True)[0]
            else:
                given = {k: v for k, v in parsed.values.items() if k in raw or _derived(declared, k)}
                unit.update(declared, record_id, given, seen=seen, proven=True)
                saved = record_id
        self.announce({declared.name}, initiator)
        return Saved(saved, [p for p in parsed.problems if p.level is Level.WARN])

    def delete(self, declared: RecordType, record_id: str, reason: str, *, initiator: str = "") -> None:
        """Void a record with a reason."""
        self._may_type(declared)
        if is_blank(reason):
            raise Rejected([Problem("", "请填写作废原因")])
        with self._store.unit(self.actor) as unit:
            unit.delete(declared, record_id, clean_text(reason))
        self.announce({declared.name}, initiator)

    def step(
        self,
        declared: RecordType,
        record_id: str,
        transition: str,
        raw: Mapping[str, Any],
        *,
        initiator: str = "",
    ) -> None:
        """Take a step of the record's workflow with the fields it needs."""
        if not _may_step(declared):
            require_typed(declared)
        self._may_write()
        cycle = declared.lifecycle
        if cycle is None:
            raise ValueError(f"{declared.name} has no lifecycle")
        wanted = cycle.transition(transition)
        row = self.get(declared, record_id)
        if row is None:
            raise StaleRecord(f"这条{declared.title}已不存在。", "请刷新列表。")
        now = str(row.values[cycle.field])
        if now not in wanted.sources:
            raise IllegalTransition(
                f"这条{declared.title}现为“{cycle.state(now).title}”，不能{wanted.title}。", "请刷新后查看。"
            )
        whole = {**self.raw(declared, row), **raw}
        parsed = self.check(declared, whole)
        problems = [
            Problem(n, f"请填写{declared.by_name[n].title}")
            for n in wanted.needs
            if parsed.values.get(n) is None
        ]
        problems += [p for p in parsed.problems if p.field in raw or p.field in wanted.needs]
        if any(p.level is Level.REJECT for p in problems):
            raise Rejected(problems)
        changes = {n: parsed.values[n] for n in {*raw, *wanted.needs}} | {cycle.field: wanted.target}
        with self._store.unit(self.actor) as unit:
            unit.update(declared, record_id, changes, seen=row.seen, proven=True)
        self.announce({declared.name}, initiator)

    def note(self, event: str, detail: str = "") -> None:
        """Add what the person does to the audit chain (R217); the journal already proves what is entered."""
        with self._store.write() as connection:
            audit.note(connection, self._store.clock.stamp(), self.actor.user, event, detail)

    @contextmanager
    def unit(self, cause: str = "", *, initiator: str = "") -> Iterator[Unit]:
        """One transaction over several records; everybody is told once it stands."""
        self._may_write()
        with self._store.unit(self.actor, cause=cause) as unit:
            yield unit
        if unit.changed:
            self.announce(unit.changed, initiator)

    def announce(self, types: Collection[str], initiator: str = "") -> None:
        """Tell everybody that records of these types changed."""
        self.forget(types)
        self._changed(frozenset(types), initiator)

    # --- drafts --------------------------------------------------------------
    def save_draft(self, declared: RecordType, raw: Mapping[str, Any], draft_id: str | None = None) -> str:
        """Keep unfinished input; never synchronized."""
        name = draft_id or new_id()
        title = str(raw.get(declared.label) or "") or next((str(v) for v in raw.values() if v), "")
        kept = {k: printable(str(v)) for k, v in raw.items() if not is_blank(v)}
        with self._store.write() as connection:
            drafts.keep(
                connection, name, declared.name, self.actor.user, printable(title)[:80], kept,
                self._store.clock.stamp(),
            )
        return name

    def drafts(self, declared: RecordType) -> list[Draft]:
        """The person's drafts of a type, newest first."""
        with self._store.read() as connection:
            return drafts.listed(connection, declared.name, self.actor.user)

    def draft_counts(self) -> dict[str, int]:
        """How many drafts the person has, by type."""
        with self._store.read() as connection:
            return drafts.counts(connection, self.actor.user)

    def drop_draft(self, draft_id: str) -> None:
        """Forget a draft."""
        with self._store.write() as connection:
            drafts.drop(connection, draft_id)

    # --- inside --------------------------------------------------------------
    def _place(self) -> Place:
        actor = self.actor
        return Place(actor.user, actor.bureau, self._store.clock.today())

    def _may_read(self, declared: RecordType) -> None:
        access.require(self.actor, Action.READ, declared)

    def _may_write(self) -> None:
        if self._read_only():
            raise AccessDenied(
                "离线时间已超过允许期限，本机暂为只读。", "请联网同步，或用介质与中心交换一次后再录入。"
            )

    def _may_type(self, declared: RecordType) -> None:
        require_typed(declared)
        self._may_write()

    def _taken(
        self, declared: RecordType, values: Mapping[str, Any], record_id: str | None
    ) -> list[Problem]:
        """Another record with what must be unique (R46)."""
        out: list[Problem] = []
        with self._store.read() as connection:
            for names in declared.unique:
                other = duplicates.holder(connection, declared, names, values)
                if other is not None and other != record_id:
                    titles = "、".join(declared.by_name[n].title for n in names)
                    text = f"本机已有一条{declared.title}，{titles}都相同；请在已有记录上修改"
                    out.append(Problem(names[-1], text))
        return out

    def _rows(self, standings: Standings, found: Sequence[StoredRow]) -> list[Row]:
        return [Row(r.id, r.rid, r.values, standings.of(r.id, r.tag), r.seen) for r in found]

    def _detail(self, declared: RecordType, row: StoredRow) -> str:
        names = dict.fromkeys((*declared.key, *_TELLING))
        parts = [str(row.values[n]) for n in names if n != declared.label and row.values.get(n)]
        return "  ".join(parts[:2])

    def _through(self, declared: RecordType, found: dict[str, str]) -> dict[str, str]:
        """A label that is itself a reference is named by what it refers to."""
        label = declared.by_name.get(declared.label)
        if label is None or label.kind is not Kind.REF:
            return found
        names = self.labels(label.target, found.values())
        return {i: names.get(v, "") for i, v in found.items()}


_TELLING = ("code", "account", "certificate_no", "address")
_SAME_AS = {"party_name": "name", "entity_name": "name"}


def require_typed(declared: RecordType) -> None:
    """Raise :class:`AccessDenied` for a type whose records no form and no workbook may bring."""
    if not declared.typed:
        raise AccessDenied(f"{declared.title}不能在这里录入、导入或修改。", f"请到“{declared.made_by}”办理。")


def _may_step(declared: RecordType) -> bool:
    """Whether steps are taken wherever the record is shown, or it is a typed one."""
    return declared.typed or (declared.lifecycle is not None and not declared.lifecycle.at)


def _derived(declared: RecordType, name: str) -> bool:
    return bool(declared.by_name[name].derive_from)


def _absent(declared: RecordType, parsed: Parsed, references: StoreReferences) -> list[Problem]:
    """Derived references that point nowhere: a warning, the entity may arrive later (R44)."""
    out: list[Problem] = []
    for one in declared.own_fields:
        value = parsed.values.get(one.name)
        if one.derive_from and value and not references.existing(one.target, [value]):
            level = Level.REJECT if one.must_exist else Level.WARN
            text = f"本机没有这个{one.title}的登记信息，保存后列入待关联"
            out.append(Problem(one.derive_from, text, level))
    return out


__all__ = ["Draft", "Records", "Row", "Saved", "Suggestion", "require_typed"]
