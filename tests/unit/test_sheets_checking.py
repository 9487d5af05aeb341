"""The dry run of an import (R29)."""

from __future__ import annotations

import csv
import time
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from shared.errors import Cancelled, Level
from shared.parsing import LONG_TERM, Context, parse
from shared.sheets.checking import check_rows
from shared.sheets.reading import SheetRows, read_rows
from tests.fixtures.sheets import (
    CODES,
    ENTITY,
    EVERY,
    ITEMS,
    PERMIT,
    Known,
    by_hand,
    check,
    entity,
    first,
    permit,
    reasons,
    uscc,
)


# --- checking ----------------------------------------------------------------
def test_dates_as_text_full_width_digits_and_mangled_numbers(tmp_path: Path) -> None:
    wide = uscc(1).translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789"})
    path = by_hand(
        tmp_path / "x.xlsx",
        entity(1, uscc=wide, established_on="２０２０年５月１日", registered_capital="１００．５"),
        entity(2, established_on="20200501", registry_office=310113000123456.0),
        entity(3, established_on=20200501),
        entity(4, established_on=datetime(2020, 5, 1)),
        entity(5, established_on=43952, registered_capital=0.1 + 0.2),
        entity(6, uscc=911101130000000000),
        entity(7, uscc="9.11E+17", established_on="2020-13-01"),
        entity(8, legal_person_id="310113********0011"),
        entity(9, registered_capital=0.1 + 0.2),
    )
    report = check(path)
    assert [r.number for r in report.good] == [2, 3, 4, 5, 10]
    assert {r.values["established_on"] for r in report.good[:4]} == {date(2020, 5, 1)}
    assert report.good[0].values["uscc"] == uscc(1)
    assert report.good[0].values["registered_capital"] == 100_500_000
    assert report.good[1].values["registry_office"] == "310113000123456"
    assert report.good[4].values["registered_capital"] == 300_000
    found = reasons(report)
    assert [(n, name) for n, name, _ in found] == [
        (6, "established_on"), (7, "uscc"), (8, "uscc"), (8, "established_on"), (9, "legal_person_id"),
    ]  # fmt: skip
    assert "日期格式" in found[0][2] and "文本格式" in found[1][2] and "科学计数" in found[2][2]
    assert "脱敏" in found[4][2]
    assert report.by_field()["uscc"] == 2


def test_failed_formulas_are_reported_not_lost(tmp_path: Path) -> None:
    path = by_hand(tmp_path / "x.xlsx", entity(1, legal_person="张"), entity(2, legal_person="李"))
    book = openpyxl.load_workbook(path)
    first(book)["E3"].value, first(book)["E3"].data_type = "#N/A", "e"
    book.save(path)
    assert [(n, name) for n, name, _ in reasons(check(path))] == [(3, "legal_person")]
    assert "公式错误 #N/A" in reasons(check(path))[0][2]


def test_duplicates_name_the_first_row(tmp_path: Path) -> None:
    path = by_hand(tmp_path / "x.xlsx", entity(1), entity(2), entity(1, name="别名"), entity(1))
    report = check(path)
    assert [r.number for r in report.good] == [2, 3]
    assert [(n, name) for n, name, _ in reasons(report)] == [(4, "uscc"), (5, "uscc")]
    assert all("与第 2 行重复（统一社会信用代码相同）" in message for _, _, message in reasons(report))


def test_duplicates_by_a_unique_set() -> None:
    rows = [(n, {"no": str(n), "title_": t}) for n, t in enumerate(["甲", "乙", "甲"], 2)]
    report = check_rows(rows, EVERY, CODES)
    assert [r.number for r in report.bad] == [4] and "名称相同" in report.bad[0].problems[0].message


def test_agrees_with_parse_on_every_row() -> None:
    """The fast way and the plain way must never differ."""
    cells: list[Any] = ["", None, " ", "1", 1, 1.0, True, "是", "2020-05-01", date(2020, 5, 1), "甲", "农业"]
    fields = EVERY.own_fields
    rows = [
        {"no": f"{i}-{j}", "title_": f"第{i}-{j}", "people": 2} | {one.name: cell}
        for i, one in enumerate(fields)
        for j, cell in enumerate(cells)
    ]
    report = check_rows(list(enumerate(rows)), EVERY, CODES)
    good = {r.number: r.values for r in report.good}
    bad = {r.number: {p.field for p in r.problems if "重复" not in p.message} for r in report.bad}
    assert len(good) > 10 and len(bad) > 10
    for number, row in enumerate(rows):
        plain = parse(EVERY, row, Context(CODES))
        if number in good:
            assert (good[number], []) == (plain.values, plain.problems)
        else:
            assert bad[number] == {p.field for p in plain.problems}


def test_references_are_asked_once_and_rows_may_refer_to_each_other() -> None:
    known = Known({"approval_item": ITEMS.words["approval_item"], "every_kind": {"旧": "c" * 32}})
    rows = [
        (2, {"no": "1", "title_": "总局", "items": "SP0001、食品经营许可,SP0002"}),
        (3, {"no": "2", "title_": "分局", "above": "总局"}),
        (4, {"no": "3", "title_": "站", "above": "２"}),
        (5, {"no": "4", "title_": "点", "above": "旧"}),
        (6, {"no": "5", "title_": "所", "above": "不存在", "items": "SP9"}),
    ]
    report = check_rows(rows, EVERY, CODES, known)
    assert known.asked == ["every_kind", "approval_item"]
    values = [r.values for r in report.good]
    assert values[0]["items"] == "a" * 32 + "," + "b" * 32
    assert [v["above"] for v in values[1:]] == [EVERY.id_for_key("1"), EVERY.id_for_key("2"), "c" * 32]
    assert [(n, name) for n, name, _ in reasons(report)] == [(6, "above"), (6, "items")]


def test_permits_with_rules_warnings_and_unknown_entities(tmp_path: Path) -> None:
    path = by_hand(
        tmp_path / "x.xlsx",
        permit(1),
        permit(2, valid_to="2026-04-01"),
        permit(3, legal_person=""),
        permit(4, valid_from="2026-04-01"),
        permit(5, item="清单外"),
        permit(6),
        declared=PERMIT,
    )
    ids = [ENTITY.id_for_key(uscc(n)) for n in (1, 2, 3, 4)]
    report = check(path, PERMIT, Known(ITEMS.words, ids))
    assert report.total == 6
    assert [r.number for r in report.good] == [2, 5, 7]
    assert [r.number for r in report.bad] == [3, 4, 6]
    assert [(w.number, w.problem.field) for w in report.warnings] == [(5, "valid_from"), (7, "uscc")]
    assert all(w.problem.level is Level.WARN for w in report.warnings)
    assert report.good[0].values["valid_to"] == LONG_TERM
    assert report.good[0].values["entity_id"] == ids[0]


def test_progress_is_told_and_its_exception_ends_the_check(tmp_path: Path) -> None:
    rows = [(n, entity(n)) for n in range(2, 2502)]
    told: list[tuple[int, int]] = []
    check_rows(iter(rows), ENTITY, CODES, progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 2500), (1000, 2500), (2000, 2500), (2500, 2500)]

    def stop(done: int, total: int) -> None:
        if done:
            raise Cancelled("已取消。")

    with pytest.raises(Cancelled):
        check_rows(rows, ENTITY, CODES, progress=stop)


# --- size --------------------------------------------------------------------
def test_fifty_thousand_rows(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    values = [[permit(n)[k] for k in permit(0)] for n in (1, 2)]
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow([PERMIT.by_name[k].title for k in permit(0)])
        number = list(permit(0)).index("document_no")
        for n in range(50_000):
            values[n % 2][number] = f"宝许〔2026〕{n}号" if n != 40_000 else ""
            writer.writerow(values[n % 2])
    rows: SheetRows = read_rows(path, PERMIT)
    started = time.process_time()
    report = check_rows(rows, PERMIT, CODES, ITEMS)
    assert time.process_time() - started < 10
    assert (report.total, len(report.good), [r.number for r in report.bad]) == (50_000, 49_999, [40_002])
