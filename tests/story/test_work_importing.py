"""A thousand penalties of which 23 rows are wrong: told, mended, in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pytest

from desktop.work.importing import Checked
from shared.changes import Op
from shared.errors import AccessDenied, Cancelled, WorkbookError
from shared.fictitious import penalty_rows
from shared.filters import Filter
from shared.filters import Op as Compare
from shared.types import catalog
from tests.fixtures.desk import ENTITIES, OTHERS, OURS, SHOP, SHOP_ID, Bureau
from tests.fixtures.sheets import by_hand, first

PENALTY = catalog.by_name("penalty")
ENTITY = catalog.by_name("market_entity")
SHOPS = [e for e in ENTITIES if e["status"] == "1"]
MISTAKES: tuple[tuple[str, str, str], ...] = (
    ("uscc", "91310113XN12345678", "uscc"),
    ("decided_on", "2026-13-01", "decided_on"),
    ("item", "CF9999", "item"),
    ("valid_to", "2020-01-01", "valid_to"),
    ("offence", "", "offence"),
    ("fine", "二千", "fine"),
)


def thousand() -> tuple[list[dict[str, Any]], dict[int, tuple[str, str]]]:
    """1,000 rows; by row number, the field that is wrong and what it should hold."""
    rows: list[dict[str, Any]] = list(penalty_rows(1000, SHOPS))
    wrong: dict[int, tuple[str, str]] = {}
    for place in range(22):
        at, (name, bad, told) = 40 * place + 7, MISTAKES[place % len(MISTAKES)]
        wrong[at + 2] = (told, str(rows[at][name]))
        rows[at] = rows[at] | {name: bad}
    rows[900] = rows[900] | {k: rows[899][k] for k in ("document_no", "party_name", "uscc", "legal_person")}
    wrong[902] = ("authority_uscc", "")
    return rows, wrong


def told(checked: Checked) -> dict[int, set[str]]:
    return {b.number: {p.field for p in b.problems} for b in checked.report.bad}


def test_a_thousand_rows_with_23_mistakes_end_all_in(bureau: Bureau, tmp_path: Path) -> None:
    importing = bureau.desk.importing
    rows, wrong = thousand()
    seen: list[tuple[int, int]] = []
    checked = importing.check(by_hand(tmp_path / "处罚.xlsx", *rows, declared=PENALTY), PENALTY,
                              lambda done, total: seen.append((done, total)))  # fmt: skip
    assert checked.report.total == 1000
    assert len(checked.report.bad) == 23 and seen[-1] == (1000, 1000)
    assert {n: f for n, (f, _) in wrong.items()} == {n: min(f) for n, f in told(checked).items()}
    assert checked.text.startswith("共 1,000 行，可入库 977 行，有错误 23 行")
    assert bureau.rows("penalty") == 0
    assert bureau.journal() == []

    report = importing.store(checked)
    assert (report.inserted, report.updated, report.refused, report.total) == (977, 0, 23, 1000)
    assert report.source.name == "处罚.xlsx" and len(report.source.digest) == 64
    assert "未入库 23 行" in report.text
    runs = bureau.journal()
    assert {(r.cause, r.op) for r in runs} == {(f"import:{report.id}", Op.INSERT)}
    assert len({r.tx for r in runs}) == 1
    row = bureau.desk.records.first(PENALTY, Filter(), 1)[0]
    assert (row.values["entry_way"], row.values["source_bureau"]) == ("import", OURS)

    errors = tmp_path / "错误.xlsx"
    importing.error_workbook(errors, checked)
    mend(errors, wrong)
    again = importing.check(errors, PENALTY)
    assert (len(again.report.good), again.report.bad) == (23, [])
    importing.store(again)
    assert bureau.rows("penalty") == 1000


def mend(path: Path, wrong: dict[int, tuple[str, str]]) -> None:
    """As a person does: by the reason beside the row, in the column it names."""
    book = openpyxl.load_workbook(path)
    sheet = book["数据"]
    heads = {str(c.value).rstrip("*"): int(c.column or 0) for c in sheet[1]}
    names = {str(f.title) for f in PENALTY.sheet_fields}
    assert {"错误原因", "原行号"} <= set(heads)
    for row in range(2, sheet.max_row + 1):
        number = int(str(sheet.cell(row, heads["原行号"]).value))
        name, good = wrong.pop(number)
        title = PENALTY.by_name[name].title
        reason = str(sheet.cell(row, heads["错误原因"]).value)
        assert title in names and f"【{title}】" in reason, reason
        if name == "authority_uscc":
            sheet.cell(row, heads[PENALTY.by_name["document_no"].title], "驿罚〔2026〕补1号")
            continue
        at = next(c for h, c in heads.items() if h.split("（")[0] == title.split("（")[0])
        sheet.cell(row, at, good)
    assert not wrong
    book.save(path)


def test_the_same_file_again_stores_nothing_twice(bureau: Bureau, tmp_path: Path) -> None:
    importing = bureau.desk.importing
    path = by_hand(tmp_path / "处罚.xlsx", *penalty_rows(5, SHOPS), declared=PENALTY)
    importing.store(importing.check(path, PENALTY))
    again = importing.check(path, PENALTY)
    assert again.report.good == []
    reasons = {p.message for b in again.report.bad for p in b.problems}
    assert len(again.report.bad) == 5 and len(reasons) == 1
    assert "已存在" in reasons.pop()
    assert importing.store(again).inserted == 0
    assert bureau.rows("penalty") == 5


def test_a_keyed_type_updates_what_is_on_file_and_wipes_nothing(bureau: Bureau, tmp_path: Path) -> None:
    importing, records = bureau.desk.importing, bureau.desk.records
    same, new = SHOPS[1], "91310113XN12345667"
    path = by_hand(
        tmp_path / "主体.xlsx",
        {"uscc": SHOP["uscc"], "name": "改名后的商行", "status": "存续", "division": "310113", "address": ""},
        {"uscc": new, "name": "新开的商行", "status": "存续", "division": "310113", "address": "驿东路9号"},
        {"uscc": same["uscc"], "name": same["name"], "status": "存续", "division": "310113", "address": ""},
    )
    checked = importing.check(path, ENTITY)
    assert set(checked.updates) == {2, 4} and checked.report.bad == []
    assert "其中更新已有记录 2 行" in checked.text
    report = importing.store(checked)
    assert (report.inserted, report.updated, report.unchanged) == (1, 1, 1)
    shop = records.get(ENTITY, SHOP_ID)
    assert shop is not None
    assert (shop.values["name"], shop.values["address"]) == ("改名后的商行", SHOP["address"])
    assert [r.id for r in bureau.desk.claims.find("改名后")] == [SHOP_ID]
    made = records.get(ENTITY, ENTITY.id_for_key(new))
    assert made is not None and made.values["address"] == "驿东路9号"


def test_a_voided_record_is_entered_again_by_import(bureau: Bureau, tmp_path: Path) -> None:
    bureau.desk.records.delete(ENTITY, SHOP_ID, "重复登记")
    path = by_hand(
        tmp_path / "主体.xlsx",
        {"uscc": SHOP["uscc"], "name": SHOP["name"], "status": "存续", "division": "310113"},
    )
    checked = bureau.desk.importing.check(path, ENTITY)
    assert not checked.report.bad
    done = bureau.desk.importing.store(checked)
    assert (done.refused, done.inserted + done.updated) == (0, 1)
    back = bureau.desk.records.get(ENTITY, SHOP_ID)
    assert back is not None and back.values["name"] == SHOP["name"]


def test_claims_of_another_bureau_are_not_ours_to_import(bureau: Bureau, tmp_path: Path) -> None:
    claim = catalog.by_name("claim")
    bureau.about_shop("claim", bureau="BSWJ02", source=OTHERS)
    raw = {"entity_id": SHOP["uscc"], "bureau": "BSWJ02", "claimed_on": "2026-05-06", "way": "1"}
    path = by_hand(tmp_path / "认领.xlsx", raw, declared=claim)
    checked = bureau.desk.importing.check(path, claim)
    assert "其他单位" in checked.report.bad[0].problems[0].message


def test_cancelling_stores_nothing(bureau: Bureau, tmp_path: Path) -> None:
    path = by_hand(tmp_path / "处罚.xlsx", *penalty_rows(1500, SHOPS), declared=PENALTY)
    checked = bureau.desk.importing.check(path, PENALTY)

    def stop(done: int, total: int) -> None:
        if done:
            raise Cancelled("操作已取消。")

    with pytest.raises(Cancelled):
        bureau.desk.importing.store(checked, stop)
    assert bureau.rows("penalty") == 0
    assert bureau.journal() == []


def test_pasted_rows_are_judged_like_a_file(bureau: Bureau) -> None:
    rows = list(penalty_rows(3, SHOPS))
    rows[1]["decided_on"] = "昨天"
    names = [f.name for f in PENALTY.sheet_fields if f.name in rows[0]]
    lines = [[PENALTY.by_name[n].title for n in names], *[[r[n] for n in names] for r in rows]]
    text = "\n".join("\t".join(line) for line in lines)
    importing = bureau.desk.importing
    assert importing.paste(text, PENALTY)[0]["document_no"] == rows[0]["document_no"]
    checked = importing.check_pasted(text, PENALTY)
    assert told(checked) == {2: {"decided_on"}}
    assert importing.store(checked).inserted == 2
    with pytest.raises(WorkbookError, match="没有可以粘贴的行"):
        importing.check_pasted(" \n", PENALTY)


def test_templates_offer_what_is_on_file(bureau: Bureau, tmp_path: Path) -> None:
    path = tmp_path / "模板.xlsx"
    bureau.desk.importing.template(path, PENALTY)
    sheet = openpyxl.load_workbook(path)["数据"]
    column = [f.name for f in PENALTY.sheet_fields].index("item")
    cell = sheet.cell(2, column + 1).coordinate
    offered = [str(v.formula1) for v in sheet.data_validations.dataValidation if cell in v.sqref]
    assert len(offered) == 1 and "对超范围经营的处罚" in offered[0]


def test_who_may_not_enter_may_not_import(bureau: Bureau, tmp_path: Path) -> None:
    path = by_hand(tmp_path / "处罚.xlsx", *penalty_rows(1, SHOPS), declared=PENALTY)
    bureau.sign_in(roles=frozenset({"hub_admin"}))
    with pytest.raises(AccessDenied):
        bureau.desk.importing.check(path, PENALTY)


def test_an_export_says_who_when_which_and_until_when(bureau: Bureau, tmp_path: Path) -> None:
    importing = bureau.desk.importing
    importing.store(importing.check(
        by_hand(tmp_path / "处罚.xlsx", *penalty_rows(30, SHOPS), declared=PENALTY), PENALTY
    ))  # fmt: skip
    wanted = Filter(text="青").where("authority", Compare.HAS, "驿城").where("decided_on", Compare.GE, "2026-01-01")
    path = tmp_path / "导出.xlsx"
    number = importing.export(path, PENALTY, wanted, purpose="季度统计")
    assert number == bureau.desk.records.count(PENALTY, wanted) > 0
    book = openpyxl.load_workbook(path)
    facts = {r[0].value: r[1].value for r in book["说明"].iter_rows(min_row=3)}
    assert facts["导出人"] == "陈敏" and facts["导出单位"] == "驿城文化和旅游局"
    assert facts["导出时间"] == "2026-05-06 12:00" and facts["导出用途"] == "季度统计"
    assert facts["数据截止时间"] == "2026-05-06 08:40"
    assert facts["查询条件"] == "关键字“青”；处罚机关含 驿城；处罚决定日期不早于 2026-01-01"
    assert first(book).max_row == number + 1


def test_an_export_can_come_back_in(bureau: Bureau, tmp_path: Path) -> None:
    importing = bureau.desk.importing
    importing.export(tmp_path / "主体.xlsx", ENTITY, Filter(), masked=False)
    checked = importing.check(tmp_path / "主体.xlsx", ENTITY)
    assert (checked.report.total, len(checked.updates), checked.report.bad) == (60, 60, [])
    assert importing.store(checked).unchanged == 60
    assert bureau.journal() == []
