"""Error workbooks and exports, read back (R29, R30)."""

from __future__ import annotations

import os
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from shared.errors import Cancelled, DiskFull, Level, Problem, WorkbookError
from shared.parsing import LONG_TERM
from shared.sheets.checking import BadRow, check_rows
from shared.sheets.errors_book import write_error_workbook
from shared.sheets.export import write_export
from shared.sheets.reading import read_rows
from shared.sheets.template import write_template
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
    permit,
    reasons,
    say,
)


# --- error workbook ----------------------------------------------------------
def test_error_workbook_is_mended_and_imported(tmp_path: Path) -> None:
    source = by_hand(
        tmp_path / "x.xlsx",
        entity(1),
        entity(2, status="不存在", registered_capital=12.5, established_on=datetime(2020, 5, 1)),
        entity(3, name="+1+1", division=""),
    )
    report = check(source)
    path = tmp_path / "错误.xlsx"
    write_error_workbook(path, ENTITY, report.bad, CODES)
    book = openpyxl.load_workbook(path)
    data = book["数据"]
    names = [x.name for x in ENTITY.sheet_fields]
    at: dict[str, Any] = {name: data.cell(2, names.index(name) + 3) for name in names}
    assert [data["A1"].value, data["B1"].value] == ["错误原因", "原行号"]
    assert "【登记状态】" in data["A2"].value and data["B2"].value == 3
    assert at["status"].fill.fgColor.rgb.endswith("F8C9C4")
    assert at["status"].comment is not None and "不存在" in at["status"].comment.text
    assert at["name"].fill.fill_type is None and at["name"].comment is None
    assert at["registered_capital"].value == 12.5 and at["established_on"].is_date
    assert data.cell(3, names.index("name") + 3).data_type == "s"
    at["status"].value = "存续"
    data.cell(3, names.index("division") + 3).value = "310113"
    book.save(path)
    rows = read_rows(path, ENTITY)
    assert rows.notes == []
    mended = check_rows(rows, ENTITY, CODES)
    assert not mended.bad and [r.values["name"] for r in mended.good] == ["企业2", "+1+1"]
    assert mended.good[0].values["registered_capital"] == 12_500_000
    assert mended.good[0].values["established_on"] == date(2020, 5, 1)


def test_error_workbook_of_every_cell_type(tmp_path: Path) -> None:
    raw = {
        "no": 12.0, "title_": True, "story": datetime(2020, 5, 1, 9, 30), "industry": date(2020, 5, 1),
        "fine": "=SUM(A1)", "day": datetime(2020, 5, 1), "people": 3.0, "phone": None,
    }  # fmt: skip
    problems = [Problem("", "整行有误"), Problem("day", "可疑", Level.WARN)]
    path = tmp_path / "x.xlsx"
    write_error_workbook(path, EVERY, [BadRow(7, problems, raw)], CODES)
    ((number, row),) = read_rows(path, EVERY)
    assert number == 2
    assert {k: row[k] for k in ("no", "title_", "industry")} == {
        "no": "12", "title_": "是", "industry": "2020-05-01",
    }  # fmt: skip
    assert row["story"] == "2020-05-01 09:30:00" and row["fine"] == "=SUM(A1)" and row["people"] == 3
    text = openpyxl.load_workbook(path)["数据"]["A2"].value
    assert text == "整行有误\n【日期】可疑（提示）"


# --- export ------------------------------------------------------------------
FULL: dict[str, Any] = {
    "no": "310113199001010011", "title_": "=HYPERLINK(1)", "story": "第一行\n+第二行", "industry": "A",
    "ways": "A,01,G", "fine": 123_456, "capital": 1_234_567, "day": LONG_TERM,
    "moment": "2026-05-01T09:30:15+08:00", "people": 12, "share": "0.125", "open_": False,
    "above": None, "items": "a" * 32, "phone": "13800000000",
}  # fmt: skip


def test_export_reads_back_equal(tmp_path: Path) -> None:
    big = FULL | {"no": "2", "title_": "@x", "fine": 12_345_678_901_234_567, "share": "0.1234567890123456789"}
    twins = [e.code for e in CODES.entries("行业代码")]
    many = [FULL | {"no": f"n{c}", "title_": f"-{c}", "industry": c, "ways": f"A,{c}"} for c in twins[:200]]
    rows = [FULL, big, *many]
    path = tmp_path / "x.xlsx"
    facts = [("导出人", "陈敏"), ("数据截止时间", "2026-05-01 16:00")]
    assert write_export(path, EVERY, rows, say, facts, CODES, masked=False) == len(rows)
    known = Known({"approval_item": {"a" * 32: "a" * 32}})
    report = check(path, EVERY, known)
    assert not report.bad, reasons(report)[:3]
    for before, after in zip(rows, report.good, strict=True):
        codes = sorted(set(before["ways"].split(",")))
        assert sorted(after.values["ways"].split(",")) == codes
        assert after.values | {"ways": ""} == before | {"ways": ""}
    book = openpyxl.load_workbook(path)
    assert ("导出人", "陈敏") in list(book["说明"].iter_rows(values_only=True))
    assert ("记录数", f"{len(rows):,}") in list(book["说明"].iter_rows(values_only=True))
    at: dict[str, Any] = {x.name: book["数据"].cell(2, i) for i, x in enumerate(EVERY.sheet_fields, 1)}
    assert at["fine"].value == 1234.56 and at["capital"].value == 1.234567
    assert at["day"].is_date and at["no"].data_type == "s"


def test_export_never_writes_formulas(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    words = ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "{=1}", "http://x", "1"]
    rows = [{"no": str(n), "title_": w} for n, w in enumerate(words)]
    write_export(path, EVERY, rows, say, [("条件", "=1+1")], CODES)
    with zipfile.ZipFile(path) as packed:
        sheets = [packed.read(n) for n in packed.namelist() if n.startswith("xl/worksheets/sheet")]
        assert not any(b"<f>" in s or b"<hyperlink" in s for s in sheets)
    cells = [c.value for c in openpyxl.load_workbook(path)["数据"]["B"]][1:]
    assert cells == words


def test_export_masks_personal_data_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    provenance = {
        "source_bureau": "b1",
        "entered_at": "2026-05-01T09:30:15+08:00",
        "entry_way": CODES.find("归集方式", "批量导入"),
    }
    write_export(path, EVERY, [FULL | provenance], say, [], CODES)
    book = openpyxl.load_workbook(path)
    row = dict(zip([c.value for c in book["数据"][1]], [c.value for c in book["数据"][2]], strict=True))
    assert row["电话"] == "138****0000"
    assert (row["来源单位"], row["录入方式"]) == ("b1", "批量导入")
    assert ("个人信息", "已脱敏") in list(book["说明"].iter_rows(values_only=True))
    report = check(path, EVERY, Known({"approval_item": {"a" * 32: "a" * 32}}))
    assert read_rows(path, EVERY).notes == []
    assert [(n, name) for n, name, _ in reasons(report)] == [(2, "phone")]


def test_export_and_import_of_permits(tmp_path: Path) -> None:
    good = check_rows([(2, permit(1)), (3, permit(2))], PERMIT, CODES, ITEMS).good
    path = tmp_path / "x.xlsx"
    write_export(path, PERMIT, [r.values for r in good], lambda one, value: "SP0001", [], CODES, masked=False)
    again = check(path, PERMIT, ITEMS)
    assert [r.values for r in again.good] == [r.values for r in good]


def test_cancelled_or_failed_writing_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.xlsx"
    path.write_bytes(b"old")

    def stop(done: int, total: int) -> None:
        raise Cancelled("已取消。")

    rows = [{"no": str(n), "title_": "x"} for n in range(1000)]
    with pytest.raises(Cancelled):
        write_export(path, EVERY, rows, say, [], CODES, progress=stop)
    assert path.read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == ["x.xlsx"]

    def held(*_: Any) -> None:
        raise PermissionError(13, "held")

    monkeypatch.setattr(os, "replace", held)
    with pytest.raises(WorkbookError, match="正被 Excel 打开"):
        write_template(path, EVERY, CODES)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(DiskFull):
        write_template(path, EVERY, CODES)
    assert [p.name for p in tmp_path.iterdir()] == ["x.xlsx"]
    with pytest.raises(WorkbookError, match="不存在"):
        write_template(tmp_path / "no" / "x.xlsx", EVERY, CODES)
