"""Templates, reading and pasting, with real files (R28)."""

from __future__ import annotations

import csv
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from shared.errors import InputError, WorkbookError
from shared.fields import Kind
from shared.record import RecordType
from shared.sheets.checking import check_rows
from shared.sheets.layout import LOOKS, header, letter
from shared.sheets.reading import read_rows
from shared.sheets.template import write_template
from shared.sheets.text import parse_pasted
from tests.fixtures.sheets import (
    BUREAU,
    CODES,
    ENTITY,
    EVERY,
    PENALTY,
    PERMIT,
    by_hand,
    check,
    entity,
    fill,
    first,
    save,
    uscc,
)


# --- template ----------------------------------------------------------------
def test_template_is_filled_read_and_good(tmp_path: Path) -> None:
    path = tmp_path / "模板.xlsx"
    write_template(path, ENTITY, CODES)
    fill(path, entity(1, registered_capital=100.5, established_on=datetime(2020, 5, 1)), entity(2))
    rows = read_rows(path, ENTITY)
    report = check_rows(rows, ENTITY, CODES)
    assert [r.number for r in report.good] == [2, 3] and not report.bad and not report.warnings
    assert report.good[0].values["registered_capital"] == 100_500_000
    assert report.good[0].values["established_on"] == date(2020, 5, 1)
    assert report.good[0].values["status"] == CODES.find("登记状态", "存续")
    assert rows.marker is not None
    assert (rows.marker.type_name, rows.marker.schema_version) == ("market_entity", 1)
    assert rows.marker.codes["登记状态"] == str(CODES.version("登记状态"))
    assert rows.notes == []


def test_template_has_headers_formats_lists_and_guide(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    write_template(path, EVERY, CODES, choices={"approval_item": [f"事项，第{n}项" for n in range(300)]})
    book = openpyxl.load_workbook(path)
    data = book["数据"]
    assert [c.value for c in data[1]] == [header(x) for x in EVERY.sheet_fields]
    assert data["A1"].value == "编号*" and data["G1"].value == "资本（万元）"
    assert data["A1"].comment is not None and "必填" in data["A1"].comment.text
    assert data.freeze_panes == "A2"
    formats = {x.name: data.column_dimensions[letter(i)] for i, x in enumerate(EVERY.sheet_fields)}
    assert formats["no"].number_format == "@" and formats["day"].number_format == "yyyy-mm-dd"
    lists = {str(v.sqref).split("1048576")[0][0]: v.formula1 for v in data.data_validations.dataValidation}
    assert lists["L"] == '"是,否"'
    assert lists["D"].startswith("'代码'!$A$2") or lists["D"].startswith("代码!$A$2")
    assert book["代码"].sheet_state == "hidden" and book["_yizhan"].sheet_state == "veryHidden"
    named = {c[0].value: [x.value for x in c[1:] if x.value] for c in book["代码"].iter_cols()}
    assert len(named["approval_item"]) == 300
    assert len(named["行业代码"]) == len(CODES.entries("行业代码"))
    guide: dict[Any, Any] = {r[0]: r for r in book["填写说明"].iter_rows(min_row=5, values_only=True)}
    assert set(guide) == {x.title for x in EVERY.sheet_fields}
    assert guide["编号"][1] == "是" and "最多 20 字" in guide["编号"][2] and "不得重复" in guide["编号"][4]
    assert "万元" in guide["资本"][2]
    assert "有罚款时人数不得为零" in guide["罚款金额"][4] and "有罚款时人数不得为零" in guide["人数"][4]


def test_every_word_a_list_offers_leads_to_its_code(tmp_path: Path) -> None:
    entries = CODES.entries("行业代码")
    path = tmp_path / "t.xlsx"
    write_template(path, EVERY, CODES)
    words = [c.value for c in openpyxl.load_workbook(path)["代码"]["A"]][1:]
    rows = [{"no": str(n), "title_": f"第{n}", "industry": w} for n, w in enumerate(words)]
    report = check_rows(list(enumerate(rows, 2)), EVERY, CODES)
    assert [r.values["industry"] for r in report.good] == [e.code for e in entries]


def test_every_kind_has_a_look() -> None:
    assert set(LOOKS) == set(Kind)


@pytest.mark.parametrize("declared", [ENTITY, PERMIT, PENALTY, BUREAU], ids=lambda d: d.name)
def test_template_headers_are_recognised(tmp_path: Path, declared: RecordType) -> None:
    path = tmp_path / "t.xlsx"
    write_template(path, declared, CODES)
    fill(path, {declared.sheet_fields[0].name: "x"}, declared=declared)
    rows = read_rows(path, declared)
    assert list(rows.match.columns) == [x.name for x in declared.sheet_fields]
    assert not rows.match.missing and not rows.match.unknown


# --- reading -----------------------------------------------------------------
def test_wrong_header_names_missing_and_unknown(tmp_path: Path) -> None:
    path = save(tmp_path / "x.xlsx", [["主体名称", "登记状态", "区划", "备注二"], ["a", "存续", "1", "2"]])
    with pytest.raises(WorkbookError) as bad:
        read_rows(path, ENTITY)
    assert "缺少必填的列：统一社会信用代码、行政区划" in bad.value.message
    assert "不认识的列：区划、备注二" in bad.value.message
    assert bad.value.hint


def test_template_of_another_type_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    write_template(path, PENALTY, CODES)
    with pytest.raises(WorkbookError, match="是“行政处罚”的表格，这里要导入的是“行政许可”"):
        read_rows(path, PERMIT)


def test_merged_cells_in_the_data_are_named(tmp_path: Path) -> None:
    path = by_hand(tmp_path / "x.xlsx", entity(1), entity(2), entity(3))
    book = openpyxl.load_workbook(path)
    first(book).merge_cells("C2:C4")
    book.save(path)
    with pytest.raises(WorkbookError, match="合并单元格：C2:C4") as bad:
        read_rows(path, ENTITY)
    assert "取消合并" in bad.value.hint


def test_title_above_the_header_may_be_merged(tmp_path: Path) -> None:
    head = ["序号", "统一社会信用代码 *", "主体名称", "登记状态：", "行政区划"]
    titles = [["市场主体登记表"], ["填报单位：某局"], head]
    path = save(tmp_path / "x.xlsx", [*titles, [1, uscc(1), "甲", "存续", "310113"], [2], [3]])
    book = openpyxl.load_workbook(path)
    first(book).merge_cells("A1:E1")
    book.save(path)
    found = read_rows(path, ENTITY)
    assert found.header_row == 3
    assert [(n, r["name"]) for n, r in found] == [(4, "甲")]


def test_empty_columns_and_rows_in_front_do_not_shift(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    book = openpyxl.Workbook()
    for column, title in enumerate(["统一社会信用代码", "主体名称", "登记状态", "行政区划"], 3):
        first(book).cell(4, column, title)
    for column, value in enumerate([uscc(1), "甲", "存续", "310113"], 3):
        first(book).cell(7, column, value)
    first(book).cell(900, 3).number_format = "@"
    book.save(path)
    found = read_rows(path, ENTITY)
    assert [(n, r["uscc"]) for n, r in found] == [(7, uscc(1))]
    assert found.match.columns["uscc"] == 2


def test_column_given_twice_is_named(tmp_path: Path) -> None:
    path = save(tmp_path / "x.xlsx", [["主体名称", "登记状态", "主体名称（新）"], ["a", "b", "c"]])
    with pytest.raises(WorkbookError, match="“主体名称”出现了两次（A 列和 C 列）"):
        read_rows(path, ENTITY)


def test_best_sheet_is_taken_and_columns_left_out_are_told(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    first(book).append(["说明", "无关"])
    other = book.create_sheet("名单")
    other.append(["统一社会信用代码", "主体名称", "登记状态", "行政区划", "负责人"])
    other.append([uscc(1), "甲", "存续", "310113", "张"])
    book.save(tmp_path / "x.xlsx")
    found = read_rows(tmp_path / "x.xlsx", ENTITY)
    assert found.sheet == "名单"
    assert any("负责人" in note for note in found.notes)


def test_unit_in_the_header_is_obeyed(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["统一社会信用代码", "主体名称", "登记状态", "行政区划", "注册资本（元）"]]
    rows += [[uscc(1), "甲", "存续", "310113", 1_000_000], [uscc(2), "乙", "存续", "310113", "５０万"]]
    report = check(save(tmp_path / "x.xlsx", rows))
    assert [r.values["registered_capital"] for r in report.good] == [100_000_000, 50_000_000]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.xlsx", b"", "空文件"),
        ("a.xlsx", b"PK\x03\x04 broken", "已损坏"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "打开密码"),
        ("a.xls", b"\xd0\xcf\x11\xe0" + bytes(600), "不是电子表格"),
        ("a.xls", b"<html><table><tr><td>1</td></tr></table></html>", "网页格式"),
        ("a.csv", b"\x89PNG\r\n\0\0\0", "不是电子表格"),
        ("a.csv", "没有,表头\n1,2\n".encode(), "没有找到“市场主体”的表头"),
        ("~$a.xlsx", b"x", "临时文件"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(WorkbookError, match=words) as bad:
        read_rows(path, ENTITY)
    assert bad.value.hint


def test_missing_and_held_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WorkbookError, match="找不到文件"):
        read_rows(tmp_path / "x.xlsx", ENTITY)

    def held(_: Path) -> bytes:
        raise PermissionError(13, "held")

    (tmp_path / "x.xlsx").write_bytes(b"held by another program")
    monkeypatch.setattr(Path, "read_bytes", held)
    with pytest.raises(WorkbookError, match="正被 Excel 占用"):
        read_rows(tmp_path / "x.xlsx", ENTITY)


def test_zip_that_is_no_workbook_and_empty_workbooks(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as packed:
        packed.writestr("word/document.xml", "<w/>")
    with pytest.raises(WorkbookError, match="不是电子表格"):
        read_rows(tmp_path / "a.xlsx", ENTITY)
    openpyxl.Workbook().save(tmp_path / "b.xlsx")
    with pytest.raises(WorkbookError, match="没有任何内容"):
        read_rows(tmp_path / "b.xlsx", ENTITY)
    write_template(tmp_path / "c.xlsx", ENTITY, CODES)
    with pytest.raises(WorkbookError, match="没有数据行") as bad:
        read_rows(tmp_path / "c.xlsx", ENTITY)
    assert "第 2 行" in bad.value.hint


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-8-sig", "utf-16"])
def test_csv_in_the_encodings_people_have(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "x.csv"
    with path.open("w", encoding=encoding, newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["统一社会信用代码", "主体名称", "登记状态", "行政区划", "经营范围"])
        writer.writerow([f'="{uscc(1)}"', "上海𠮷祥，有限", "存续", "310113", "零售\n批发"])
        writer.writerow([])
        writer.writerow([uscc(2), "乙"])
    report = check(path)
    assert [r.values["name"] for r in report.good] == ["上海𠮷祥，有限"]
    assert report.good[0].values["uscc"] == uscc(1) and report.good[0].values["scope"] == "零售\n批发"
    assert report.bad[0].number == 4


def test_opendocument(tmp_path: Path) -> None:
    def cells(*words: str) -> str:
        inner = "".join(
            f'<table:table-cell office:value-type="string"><text:p>{w}</text:p></table:table-cell>'
            for w in words
        )
        return f"<table:table-row>{inner}</table:table-row>"

    names = "".join(
        f' xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "table", "text")
    )
    body = cells("统一社会信用代码", "主体名称", "登记状态", "行政区划")
    body += cells(uscc(1), "甲", "存续", "310113")
    with zipfile.ZipFile(tmp_path / "x.ods", "w") as packed:
        packed.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        packed.writestr("META-INF/manifest.xml", "<manifest/>")
        packed.writestr(
            "content.xml",
            f'<?xml version="1.0"?><office:document-content{names}><office:body><office:spreadsheet>'
            f'<table:table table:name="表">{body}</table:table></office:spreadsheet></office:body>'
            "</office:document-content>",
        )
    assert [r.values["uscc"] for r in check(tmp_path / "x.ods").good] == [uscc(1)]


# --- paste -------------------------------------------------------------------
def test_paste_with_headers_in_any_order() -> None:
    text = "主体名称\t统一社会信用代码*\t多余\t注册资本（元）\r\n"
    text += f'"甲\n公司"\t{uscc(1)}\tx\t100\r\n\r\n乙\t{uscc(2)}\r\n'
    assert parse_pasted(text, ENTITY) == [
        {"name": "甲\n公司", "uscc": uscc(1), "registered_capital": "100元"},
        {"name": "乙", "uscc": uscc(2), "registered_capital": ""},
    ]


def test_paste_by_position() -> None:
    rows = parse_pasted(f'{uscc(1)}\t甲\t\n{uscc(2)}\t5" 管\n', ENTITY)
    assert [(r["uscc"], r["name"]) for r in rows] == [(uscc(1), "甲"), (uscc(2), '5" 管')]
    assert parse_pasted("  \n", ENTITY) == []
    with pytest.raises(InputError, match="第 1 行有 40 列"):
        parse_pasted("\t".join("x" * 40), ENTITY)
