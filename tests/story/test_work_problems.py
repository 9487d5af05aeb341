"""问题数据 at a desk: looked for, told once, with a deadline in working days, and counted at home (R52, R54)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from desktop.work.jobs import Progress
from desktop.work.problem_statistics import HEADS
from desktop.work.problems import MOST_OF_EACH, Finding, told_in_words
from shared.errors import AccessDenied, Rejected
from shared.filters import Filter, Op
from shared.ids import key_id
from shared.record import RecordType
from shared.store import sql
from shared.types import catalog
from tests.fixtures.desk import OTHERS, OURS, Bureau

HUB_ADMIN = frozenset({"hub_admin"})
PERMIT = catalog.by_name("permit")


@pytest.fixture
def centre(bureau: Bureau) -> Bureau:
    """The desk of somebody who administers the hub."""
    bureau.sign_in(roles=HUB_ADMIN)
    return bureau


def found(bureau: Bureau, *types: RecordType) -> dict[tuple[str, str], list[Finding]]:
    problems = bureau.desk.problems
    out: dict[tuple[str, str], list[Finding]] = {}
    for one in problems.find(types or problems.checked_types(), Progress()).findings:
        out.setdefault((one.kind, one.field), []).append(one)
    return out


def permit(bureau: Bureau, number: str, **raw: str) -> str:
    return bureau.about_shop("permit", document_no=number, **raw)


def told(bureau: Bureau) -> list[dict[str, object]]:
    rows = bureau.desk.records.first(bureau.desk.problems.declared, Filter(order="due_on"))
    return [r.values for r in rows]


# --- looking ---------------------------------------------------------------------
def test_what_is_missing_repeated_or_about_nobody_is_found(centre: Bureau) -> None:
    whole = permit(centre, "许1", content="糕点")
    bare = permit(centre, "许2", content="凉菜", licence_no="", remark="", tax_no="")
    twin = permit(centre, "许3", content="糕点")
    lost = centre.arrive("permit", document_no="许4", content="奶茶", uscc="91310113XN12345742")
    seen = found(centre, PERMIT)
    assert {k: [f.record_id for f in v] for k, v in seen.items()} == {
        ("1", "licence_no"): [bare], ("2", ""): [twin], ("3", "uscc"): [lost],
    }  # fmt: skip
    (again,) = seen["2", ""]
    assert (again.other, again.subject, again.provider) == ("许1", "许3", OTHERS)
    assert whole not in {f.record_id for fs in seen.values() for f in fs}
    words = centre.desk.problems.describe(seen["1", "licence_no"][0])
    assert words == "缺“许可编号”，请补填；确实没有的请申辩并说明。"


def test_voided_records_and_those_of_nobody_are_not_looked_at(centre: Bureau) -> None:
    made = permit(centre, "许1", licence_no="")
    assert list(found(centre)) == [("1", "licence_no")]  # entities of the registry have no provider
    with centre.store.unit(replace(centre.me, roles=frozenset({"hub"}))) as unit:
        unit.delete(PERMIT, made, "重复")
    assert found(centre) == {}


def test_a_bureau_above_looks_at_those_below_only(bureau: Bureau) -> None:
    permit(bureau, "许1", licence_no="")
    permit(bureau, "许2", content="己", source=OURS, licence_no="")
    bureau.sign_in(bureaus=frozenset({OURS, OTHERS}))
    ((one,),) = found(bureau, PERMIT).values()
    assert one.provider == OTHERS
    bureau.sign_in(bureaus=frozenset({OURS}))
    assert not bureau.desk.problems.may_raise() and found(bureau, PERMIT) == {}


def test_more_than_can_be_shown_is_counted_and_comes_up_later(centre: Bureau) -> None:
    declared = centre.desk.records.type("alert")
    alert = {"uscc": "91310113XN12345742", "kind": "1", "origin": "2", "reason": "查无此企业"}
    alert |= {"entity_id": key_id("market_entity", ["91310113XN12345742"]), "raised_on": date(2026, 5, 1)}
    rows = [{**alert, "entity_name": f"第{n}家"} for n in range(MOST_OF_EACH + 3)]
    with centre.store.unit(replace(centre.me, roles=frozenset({"hub"}))) as unit:
        unit.insert(declared, rows, proven=True, provenance={"source_bureau": OTHERS})
    problems = centre.desk.problems
    first = problems.find([declared], Progress())
    assert (len(first.findings), first.total) == (MOST_OF_EACH, MOST_OF_EACH + 3)
    assert problems.raise_found(first.findings, Progress()).done == MOST_OF_EACH
    rest = problems.find([declared], Progress())
    assert (len(rest.findings), rest.total) == (3, 3)


# --- telling ---------------------------------------------------------------------
def test_what_is_told_once_is_not_told_again_until_it_is_closed(centre: Bureau) -> None:
    permit(centre, "许1", licence_no="", licence_name="")
    problems = centre.desk.problems
    seen = problems.find([PERMIT], Progress()).findings
    assert problems.raise_found(seen, Progress()).done == 2  # one of each field
    again = problems.raise_found(seen, Progress())
    assert (again.done, again.known) == (0, 2) and found(centre, PERMIT) == {}
    first = told(centre)[0]
    assert (first["state"], first["provider"], first["subject"]) == ("open", OTHERS, "许1")
    assert first["due_on"] == date(2026, 5, 19)  # ten working days after 6 May 2026: Saturday the 9th is one
    (row, _) = centre.desk.records.first(problems.declared, Filter())
    centre.desk.records.step(
        problems.declared, row.id, "close", {"decided_by": centre.me.user, "decided_at": "2026-05-06 12:00"}
    )
    assert problems.raise_found(seen, Progress()).done == 1


def test_selected_records_are_told_with_one_description_and_ours_are_left_out(bureau: Bureau) -> None:
    permit(bureau, "许1")
    permit(bureau, "许2", content="己", source=OURS)
    bureau.sign_in(roles=frozenset({"bureau_admin"}), bureaus=frozenset({OURS, OTHERS}))
    problems, records = bureau.desk.problems, bureau.desk.records
    rowids = list(records.row_ids(PERMIT, Filter()))
    raw = {"kind": "信息有误", "description": "许可内容与证书不符", "due_on": "2026-05-15"}
    out = problems.raise_about(PERMIT, rowids, raw, Progress())
    assert (out.done, out.known, out.others) == (1, 0, 1)
    assert told_in_words(out) == (
        "已反馈 1 条问题数据，同步后送达提供单位。", "1 条不是下级单位提供的，没有反馈。"
    )
    (one,) = told(bureau)
    assert (one["kind"], one["due_on"], one["business_on"]) == ("4", date(2026, 5, 15), date(2026, 5, 1))
    assert problems.raise_about(PERMIT, rowids, raw, Progress()).known == 1
    with pytest.raises(Rejected, match="问题说明"):
        problems.raise_about(PERMIT, rowids, {**raw, "description": " "}, Progress())


def test_who_stands_above_nobody_tells_nothing(bureau: Bureau) -> None:
    permit(bureau, "许1", licence_no="")
    rowids = list(bureau.desk.records.row_ids(PERMIT, Filter()))
    raw = {"kind": "信息有误", "description": "不符", "due_on": "2026-05-15"}
    with pytest.raises(AccessDenied, match="没有新增这条问题数据的权限"):
        bureau.desk.problems.raise_about(PERMIT, rowids, raw, Progress())
    assert told(bureau) == []


# --- the provider's day ------------------------------------------------------------
def test_home_counts_what_waits_with_the_nearest_day(bureau: Bureau) -> None:
    for due in ("2026-05-05", "2026-05-06", "2026-05-12", "2026-05-20"):
        bureau.arrive("data_problem", provider=OURS, due_on=due)
    bureau.arrive("data_problem", provider=OTHERS, due_on="2026-05-07")
    items = {i.queue: i for i in bureau.desk.todo.counts()}
    mine = items["open_problems"]
    assert (mine.count, mine.overdue, mine.due_today, mine.nearest) == (4, 1, 1, "2026-05-12")
    assert (mine.page, mine.params["queue"]) == ("problems", "open_problems")
    assert items["answered_problems"].count is None  # stands above nobody
    bureau.sign_in(roles=HUB_ADMIN)
    bureau.arrive("data_problem", "mended", provider=OTHERS)
    assert {i.queue: i.count for i in bureau.desk.todo.counts()}["answered_problems"] == 1


def test_mended_or_pleaded_and_then_closed_or_sent_back(bureau: Bureau) -> None:
    records, declared = bureau.desk.records, bureau.desk.problems.declared
    one = bureau.arrive("data_problem", provider=OURS)
    said = {"answered_by": bureau.me.user, "answered_at": "2026-05-06 12:00"}
    with pytest.raises(Rejected, match="整改或申辩说明"):
        records.step(declared, one, "plead", said)
    records.step(declared, one, "plead", {**said, "answer": "该证件依法不采集"})
    with pytest.raises(AccessDenied):
        records.save(declared, {"description": "别的"}, one)
    bureau.sign_in(roles=HUB_ADMIN)
    decided = {"decided_by": bureau.me.user, "decided_at": "2026-05-06 13:00"}
    records.step(declared, one, "send_back", {**decided, "decision_note": "应当采集"})
    (row,) = records.first(declared, Filter().where("state", Op.EQ, "open"))
    assert (row.values["answer"], row.values["decision_note"]) == ("该证件依法不采集", "应当采集")


# --- the figures ---------------------------------------------------------------------
def test_figures_by_bureau_and_by_type_against_the_former_month(centre: Bureau, tmp_path: Path) -> None:
    hub = replace(centre.me, roles=frozenset({"hub"}))
    declared = centre.desk.problems.declared
    for provider, kind, state in (
        (OURS, "permit", "open"), (OTHERS, "permit", "open"), (OTHERS, "penalty", "mended"),
        (OTHERS, "penalty", "pleaded"),
    ):
        centre.arrive("data_problem", state, provider=provider, record_type=kind)
    closed = [centre.arrive("data_problem", provider=OTHERS) for _ in range(3)]
    with centre.store.unit(hub) as unit:
        for made, day in zip(closed, ("2026-04-30", "2026-05-01", "2026-03-31"), strict=True):
            decided = {"state": "closed", "decided_at": f"{day}T10:00:00+08:00"}
            unit.update(declared, made, decided, proven=True)
    with centre.store.write() as connection:  # two were raised a month ago
        for made in closed[:2]:
            sql.execute(
                connection, 'UPDATE "data_problem" SET entered_at = ? WHERE id = ?',
                ("2026-04-02T09:00:00+08:00", made),
            )
    figures = centre.desk.problem_statistics
    lines = figures.lines("provider")
    # open, answered, closed; raised this month and the last, the difference; closed this month and the last
    assert [(one.name, one.figures) for one in lines] == [
        ("驿城卫生健康委员会", ("1", "2", "3", "4", "2", "+2", "1", "1")),
        ("驿城文化和旅游局", ("1", "0", "0", "1", "0", "+1", "0", "0")),
        ("合计", ("2", "2", "3", "5", "2", "+3", "1", "1")),
    ]
    by_type = {one.name: one.figures[:3] for one in figures.lines("record_type")}
    assert by_type == {"行政许可": ("2", "0", "3"), "行政处罚": ("0", "2", "0"), "合计": ("2", "2", "3")}
    assert figures.export(tmp_path / "统计.xlsx", "provider") == 3
    sheet = CalamineWorkbook.from_path(tmp_path / "统计.xlsx").get_sheet_by_index(0).to_python()
    assert sheet[0][:4] == ["提供单位", *HEADS[:3]] and sheet[3][:2] == ["合计", "2"]
