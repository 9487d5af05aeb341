"""Every declared record type: numbers, references, samples, rules, lifecycles."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from shared.codes import Codes, load_resource_codes
from shared.errors import IllegalTransition, Level
from shared.fictitious import MOST, item_rows, market_entities, penalty_rows, permit_rows
from shared.fields import Kind, Merge
from shared.parsing import PARSERS, Context, Parsed, parse
from shared.record import Part, RecordType
from shared.resource_files import licence_catalogue
from shared.types import catalog
from tests.fixtures.samples import ENTITY_USCC, ID_CARD, ORDER, sample, second_officer

EVERY = pytest.mark.parametrize("declared", catalog.ALL, ids=lambda d: d.name)
GROUPS = {"collection", "registry", "work", "list", "system"}


@pytest.fixture(scope="module")
def context() -> Context:
    return Context(Codes.from_rows(*load_resource_codes()))


def rejected(parsed: Parsed) -> set[str]:
    return {p.field for p in parsed.problems if p.level is Level.REJECT}


def warned(parsed: Parsed) -> set[str]:
    return {p.field for p in parsed.problems if p.level is Level.WARN}


# --- the catalogue -----------------------------------------------------------
def test_catalogue_finds_by_name_and_number() -> None:
    assert len({d.number for d in catalog.ALL}) == len({d.name for d in catalog.ALL}) == len(catalog.ALL)
    for declared in catalog.ALL:
        assert catalog.by_name(declared.name) is declared
        assert catalog.by_number(declared.number) is declared
    with pytest.raises(KeyError):
        catalog.by_name("nothing")
    assert set(ORDER) == {d.name for d in catalog.ALL}


def test_wire_numbers_never_change() -> None:
    """Numbers on the wire and in packages already written: extend this, never edit it."""
    assert {d.number: d.name for d in catalog.ALL} == {
        1: "market_entity", 2: "bureau", 3: "user", 4: "officer", 5: "external_unit",
        10: "permit", 11: "penalty", 12: "supervision", 13: "sanction", 14: "alert",
        15: "other_information", 20: "approval_item", 21: "penalty_item", 22: "supervision_item",
        23: "licence_catalogue_item", 24: "code_table", 25: "code_item", 30: "claim", 31: "task",
        32: "inspection", 33: "verification", 40: "conflict", 41: "exchange", 42: "device",
        43: "media_intake", 44: "held_set", 45: "attachment", 46: "seat_state", 47: "medium", 48: "hand_over",
        49: "backup", 50: "seat_account", 51: "data_problem",
    }  # fmt: skip


@EVERY
def test_declaration_is_sound(declared: RecordType, context: Context) -> None:
    tables = set(context.codes.tables())  # type: ignore[attr-defined]
    assert declared.group in GROUPS
    assert declared.title and declared.requirement
    assert len({f.title for f in declared.fields}) == len(declared.fields)
    for one in declared.own_fields:
        assert one.number >= 10, one.name
        if one.kind in (Kind.CODE, Kind.CODES):
            assert one.table in tables, one.name
        if one.kind in (Kind.REF, Kind.REFS):
            assert catalog.by_name(one.target)
        if one.derive_from:
            target = catalog.by_name(one.target)
            assert declared.by_name[one.derive_from].title == target.by_name[target.key[0]].title
        if one.required:
            assert one in declared.form_fields and one in declared.sheet_fields
    named = [*declared.key, *(n for u in declared.unique for n in u), declared.label]
    named += [declared.about] if declared.about else []
    named += [p.field for p in declared.partitions if p.field]
    named += [declared.table_order.removeprefix("-")] if declared.table_order else []
    named += [n for r in declared.rules for n in (*r.needs, *r.also)]
    assert set(named) <= set(declared.by_name)
    assert set(declared.key) <= declared.required_names
    if declared.about:
        assert declared.by_name[declared.about].target == "market_entity"


@EVERY
def test_lists_stay_readable(declared: RecordType) -> None:
    assert 3 <= len(declared.column_fields) <= 8
    assert len(declared.search_fields) <= 3
    assert all(f.kind in (Kind.TEXT, Kind.NOTE) for f in declared.search_fields)


@EVERY
def test_lifecycle_is_sound(declared: RecordType) -> None:
    cycle = declared.lifecycle
    if cycle is None:
        return
    state = declared.by_name[cycle.field]
    assert state.kind is Kind.TEXT and not state.form and state.index
    assert state.default == cycle.initial()
    names = {s.name for s in cycle.states}
    reached = {cycle.initial()}
    for step in cycle.transitions:
        assert {step.target, *step.sources} <= names
        assert set(step.needs) <= set(declared.by_name)
        reached.add(step.target)
    assert reached == names


@EVERY
def test_every_partition_can_be_told_from_the_record(declared: RecordType) -> None:
    targets = {Part.BUREAU: "bureau", Part.ENTITY_DIVISION: "market_entity"}
    for partition in declared.partitions:
        if partition.part in targets:
            assert declared.by_name[partition.field].target == targets[partition.part]
        elif partition.part is Part.DIVISION:
            assert declared.by_name[partition.field].table == "行政区划"
    assert declared.partitions


# --- samples and examples ------------------------------------------------------
@EVERY
def test_sample_is_valid(declared: RecordType, context: Context) -> None:
    raw = sample(declared.name)
    assert set(raw) <= {f.name for f in declared.form_fields}
    parsed = parse(declared, raw, context)
    assert parsed.problems == []
    record = declared.from_values(declared.record_id(parsed.values), parsed.values)
    assert len(record.id) == 32


@EVERY
def test_each_required_field_is_demanded(declared: RecordType, context: Context) -> None:
    raw = sample(declared.name)
    for name in declared.required_names:
        missing = {k: v for k, v in raw.items() if k != name}
        assert name in rejected(parse(declared, missing, context)), name


@EVERY
def test_examples_can_be_entered_as_printed(declared: RecordType, context: Context) -> None:
    for one in declared.own_fields:
        if one.example:
            assert PARSERS[one.kind](one, one.example, context) not in (None, ""), one.name


@EVERY
def test_too_long_texts_are_refused(declared: RecordType, context: Context) -> None:
    for one in declared.form_fields:
        if one.max is not None and one.check is None and one.kind in (Kind.TEXT, Kind.NOTE):
            raw = sample(declared.name, **{one.name: "长" * (one.max + 1)})
            assert one.name in rejected(parse(declared, raw, context)), one.name


def test_second_officer_differs(context: Context) -> None:
    parsed = parse(catalog.by_name("officer"), second_officer(), context)
    assert parsed.problems == []
    assert second_officer()["certificate_no"] != sample("officer")["certificate_no"]


# --- rules -------------------------------------------------------------------
NATURAL: dict[str, str] = {
    "party_kind": "自然人", "uscc": "", "org_code": "", "legal_person": "",
    "legal_person_id_type": "", "legal_person_id": "",
}  # fmt: skip
PARTY_CASES: list[tuple[dict[str, str], set[str]]] = [
    ({"uscc": ""}, {"uscc"}),
    ({"uscc": "91310113XN12345668"}, {"uscc"}),
    ({"legal_person": ""}, {"legal_person"}),
    ({"party_kind": "个体工商户", "legal_person": ""}, set()),
    ({"party_kind": "个体工商户", "uscc": ""}, {"uscc"}),
    ({"legal_person_id": "110105194912310021"}, {"legal_person_id"}),
    ({"legal_person_id_type": "护照", "legal_person_id": "E00000000"}, set()),
    (NATURAL, {"person_id_type", "person_id"}),
    (NATURAL | {"person_id_type": "身份证", "person_id": ID_CARD}, set()),
    (NATURAL | {"person_id_type": "身份证", "person_id": "123"}, {"person_id"}),
    (NATURAL | {"person_id_type": "护照", "person_id": "E00000000"}, set()),
    ({"party_kind": "机关"}, {"party_kind"}),
    ({"org_code": "XN1234567"}, {"org_code"}),
    ({"registration_no": "12"}, {"registration_no"}),
    ({"authority_uscc": "11310113XN0000012"}, {"authority_uscc"}),
]
CASES: list[tuple[str, dict[str, str], set[str]]] = [
    *(("permit", changes, fields) for changes, fields in PARTY_CASES),
    *(("penalty", changes, fields) for changes, fields in PARTY_CASES),
    ("permit", {"valid_to": "2026-04-30"}, {"valid_to"}),
    ("permit", {"valid_to": "长期"}, set()),
    ("permit", {"decided_on": "2026-02-30"}, {"decided_on"}),
    ("permit", {"category": "09"}, {"category"}),
    ("permit", {"decided_on": "2032-01-01"}, {"valid_to"}),
    ("penalty", {"fine": ""}, {"fine"}),
    ("penalty", {"fine": "0"}, {"fine"}),
    ("penalty", {"fine": "-1"}, {"fine"}),
    ("penalty", {"fine": "两千元"}, {"fine"}),
    ("penalty", {"confiscated": ""}, {"confiscated"}),
    ("penalty", {"categories": "警告", "fine": "", "confiscated": ""}, set()),
    ("penalty", {"categories": "警告；05"}, {"withheld_licence"}),
    ("penalty", {"categories": "警告；没有这类"}, {"categories"}),
    ("penalty", {"valid_to": "2026-04-30"}, {"valid_to"}),
    ("penalty", {"published_until": "2026-04-30"}, {"published_until"}),
    ("market_entity", {"revoked_on": "2018-01-01"}, {"revoked_on"}),
    ("market_entity", {"division": "鬼城"}, {"division"}),
    ("market_entity", {"registered_capital": "-50"}, {"registered_capital"}),
    ("user", {"account": "陈 敏"}, {"account"}),
    ("user", {"email": "chenmin"}, {"email"}),
    ("user", {"phone": "138"}, {"phone"}),
    ("user", {"roles": "superuser"}, {"roles"}),
    ("officer", {"id_number": "110105194912310021"}, {"id_number"}),
    ("supervision", {"result": "发现问题已责令改正"}, {"findings"}),
    ("sanction", {"uscc": ""}, {"uscc"}),
    ("sanction", {"party_kind": "失信个人", "uscc": ""}, {"person_id_type", "person_id"}),
    ("sanction", {"valid_to": "2026-04-30"}, {"valid_to"}),
    ("alert", {"valid_to": "2026-05-05"}, {"valid_to"}),
    ("other_information", {"valid_to": "2026-05-05"}, {"valid_to"}),
    ("code_item", {"retired_version": "0"}, {"retired_version"}),
    ("task", {"remind_on": "2026-05-16"}, {"warn_on"}),
    ("task", {"warn_on": "2026-05-21"}, {"due_on"}),
    ("task", {"warn_on": "", "remind_on": "2026-05-21"}, {"due_on"}),
    ("inspection", {"officers": "李伟"}, {"officers"}),
    ("inspection", {"officers": "李伟；李伟"}, {"officers"}),
    ("inspection", {"ended_at": "2026-05-06 09:00"}, {"ended_at"}),
    ("inspection", {"ended_at": "2026-05-06T02:00:00+00:00"}, set()),
    ("inspection", {"ended_at": "2026-05-06T01:00:00+00:00"}, {"ended_at"}),
    ("verification", {"data_until": "2026-05-07 08:40"}, {"verified_at"}),
    ("exchange", {"bytes": "-1"}, {"bytes"}),
    ("media_intake", {"refused": "1"}, {"applied"}),
    ("medium", {"capacity_gb": "-1"}, {"capacity_gb"}),
    ("hand_over", {"sets": "-1"}, {"sets"}),
]


@pytest.mark.parametrize(("name", "changes", "fields"), CASES)
def test_bad_inputs_are_refused(
    name: str, changes: dict[str, str], fields: set[str], context: Context
) -> None:
    parsed = parse(catalog.by_name(name), sample(name, **changes), context)
    assert rejected(parsed) == fields
    assert all(p.message for p in parsed.problems)


@pytest.mark.parametrize(
    ("name", "changes", "field"),
    [
        ("permit", {"valid_from": "2026-04-01"}, "valid_from"),
        ("penalty", {"categories": "警告", "confiscated": ""}, "fine"),
        ("penalty", {"categories": "警告；罚款"}, "confiscated"),
        ("penalty", {"fine": "20000"}, "fine"),
        ("penalty", {"categories": "警告；罚款；03；99", "remark": ""}, "remark"),
        ("market_entity", {"status": "吊销"}, "revoked_on"),
        ("officer", {"certificate_expires": ""}, "certificate_expires"),
        ("sanction", {"occurred_on": "2026-05-02"}, "valid_from"),
        ("inspection", {"disposition": "4"}, "disposition"),
        ("inspection", {"result": "8"}, "disposition"),
    ],
)
def test_doubtful_inputs_are_warned_of(
    name: str, changes: dict[str, str], field: str, context: Context
) -> None:
    parsed = parse(catalog.by_name(name), sample(name, **changes), context)
    assert (rejected(parsed), warned(parsed)) == (set(), {field})


def test_bureau_is_not_its_own_parent(context: Context) -> None:
    bureau = catalog.by_name("bureau")
    own = bureau.id_for_key(sample("bureau")["code"])
    assert rejected(parse(bureau, sample("bureau", parent=own), context)) == {"parent"}


# --- the standards ----------------------------------------------------------------
PARTY_STANDARD = (
    "XDR_MC", "XDR_LB", "XDR_SHXYM", "XDR_GSZC", "XDR_ZZJG", "XDR_SWDJ", "XDR_SYDW", "XDR_SHZZ",
    "FRDB", "FR_ZJLX", "FR_ZJHM", "XDR_ZJLX", "XDR_ZJHM",
)  # fmt: skip
PERMIT_STANDARD = (
    "XKWS", "WSH", "XKLB", "XKZS", "XKBH", "NR", "JDRQ", "YXQZ", "YXQZI", "XKJG", "XKJGDM", "ZT",
    "LYDW", "LYDWDM",
)  # fmt: skip
PENALTY_STANDARD = (
    "WSH", "WFXW", "SY", "YJ", "CFLB", "NR", "NR_FK", "NR_WFFF", "NR_ZKDX", "JDRQ", "YXQ", "GSJZQ",
    "CFJG", "CFJGDM", "SJLY", "SJLYDM",
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "prefix", "own", "count"),
    [("permit", "XK_", PERMIT_STANDARD, 28), ("penalty", "CF_", PENALTY_STANDARD, 30)],
)
def test_double_publicity_fields_are_complete(
    name: str, prefix: str, own: tuple[str, ...], count: int
) -> None:
    """双公示 (发改办财金〔2018〕424号): every field, in the standard's order."""
    declared = [f.standard for f in catalog.by_name(name).own_fields if f.standard]
    assert declared == [prefix + s for s in (*PARTY_STANDARD, *own)] + ["BZ"]
    assert len(declared) == count


def test_penalty_amounts_are_typed_in_ten_thousands(context: Context) -> None:
    values = parse(catalog.by_name("penalty"), sample("penalty"), context).values
    assert (values["fine"], values["confiscated"]) == (200_000, 30_000)
    assert values["categories"] == "01,02,03"


def test_a_party_leads_to_its_entity(context: Context) -> None:
    entity = catalog.by_name("market_entity")
    for declared in catalog.ALL:
        derived = [f for f in declared.own_fields if f.derive_from]
        if derived:
            values = parse(declared, sample(declared.name), context).values
            assert values[derived[0].name] == entity.id_for_key(ENTITY_USCC)
    natural = parse(
        catalog.by_name("permit"),
        sample("permit", **NATURAL, person_id_type="01", person_id=ID_CARD),
        context,
    )
    assert natural.values["entity_id"] is None


def test_legal_facts_are_never_decided_by_a_machine() -> None:
    for name in ("permit", "penalty", "sanction", "inspection"):
        assert {f.merge for f in catalog.by_name(name).own_fields} == {Merge.ASK}
    assert catalog.by_name("user").by_name["roles"].merge is Merge.ASK
    dates = [f for t in catalog.ALL for f in t.own_fields if f.kind is Kind.DATE]
    assert len(dates) > 20 and {f.merge for f in dates} == {Merge.ASK}


# --- lifecycles ---------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "before", "after", "role", "legal"),
    [
        ("claim", None, "claimed", "officer", True),
        ("claim", "claimed", "returned", "officer", True),
        ("claim", None, "returned", "officer", False),
        ("task", "open", "claimed", "officer", True),
        ("task", "claimed", "open", "officer", True),
        ("task", "open", "done", "officer", False),
        ("task", "done", "open", "bureau_admin", False),
        ("inspection", "draft", "submitted", "officer", True),
        ("inspection", "submitted", "draft", "officer", False),
        ("conflict", "open", "resolved", "hub_admin", True),
        ("conflict", "open", "resolved", "officer", False),
        ("user", "active", "frozen", "officer", False),
        ("user", "frozen", "active", "bureau_admin", True),
        ("device", "active", "revoked", "bureau_admin", False),
        ("device", "revoked", "active", "hub_admin", False),
        ("sanction", "in_force", "lifted", "officer", True),
    ],
)
def test_steps(name: str, before: str | None, after: str, role: str, legal: bool) -> None:
    cycle = catalog.by_name(name).lifecycle
    assert cycle is not None
    if legal:
        cycle.require(before, after, role)
    else:
        with pytest.raises(IllegalTransition):
            cycle.require(before, after, role)


# --- fictitious and shipped data fits the declarations --------------------------------
def test_catalogue_items_are_valid(context: Context) -> None:
    declared = catalog.by_name("licence_catalogue_item")
    ids = set()
    for raw in licence_catalogue():
        parsed = parse(declared, raw, context)
        assert parsed.problems == []
        ids.add(declared.record_id(parsed.values))
    assert len(ids) == 142


def test_shipped_codes_are_valid_records(context: Context) -> None:
    tables, items = load_resource_codes()
    for name, rows in (("code_table", tables), ("code_item", items)):
        declared = catalog.by_name(name)
        assert all(parse(declared, row, context).problems == [] for row in rows)


def test_fictitious_entities_are_valid_different_and_repeatable(context: Context) -> None:
    declared = catalog.by_name("market_entity")
    rows = list(market_entities(3000, "310113", seed=7))
    assert rows[:50] == list(market_entities(50, "310113", seed=7))
    assert rows[:50] != list(market_entities(50, "310113", seed=8))
    assert len({r["name"] for r in rows}) == len({r["uscc"] for r in rows}) == 3000
    assert all(r["uscc"][8:10] == "XN" for r in rows)
    for values in rows[:300]:
        assert set(values) == {f.name for f in declared.own_fields}
        raw = {k: _typed_back(k, v) for k, v in values.items()}
        parsed = parse(declared, raw, context)
        assert parsed.problems == []
        assert parsed.values == values
    assert MOST >= 200_000


def _typed_back(name: str, value: Any) -> Any:
    if name == "registered_capital":
        return f"{value // 100}元"
    return value.isoformat() if isinstance(value, date) else value


def test_fictitious_rows_are_valid(context: Context) -> None:
    entities = list(market_entities(40))
    for name, rows in (
        ("permit", list(permit_rows(100, entities))),
        ("penalty", list(penalty_rows(100, entities))),
        *((kind, item_rows(kind)) for kind in ("approval_item", "penalty_item", "supervision_item")),
    ):
        for raw in rows:
            assert parse(catalog.by_name(name), raw, context).problems == []
    assert len({r["document_no"] for r in permit_rows(100, entities)}) == 100
