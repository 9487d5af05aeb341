"""Spreadsheets in and out, with real files (R28 to R30)."""

from __future__ import annotations

import csv
import os
import time
import zipfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from shared import fields as f
from shared.codes import Codes, load_resource_codes
from shared.errors import Cancelled, DiskFull, InputError, Level, Problem, WorkbookError
from shared.fields import Field, Kind
from shared.identifiers import make_uscc
from shared.parsing import LONG_TERM, Context, parse, show
from shared.record import RecordType, record_type, rule, type_of
from shared.sheets.checking import BadRow, CheckReport, check_rows
from shared.sheets.errors_book import write_error_workbook
from shared.sheets.export import write_export
from shared.sheets.layout import LOOKS, header, letter
from shared.sheets.reading import SheetRows, read_rows
from shared.sheets.template import write_template
from shared.sheets.text import parse_pasted
from shared.types.bureau import Bureau
from shared.types.market_entity import MarketEntity
from shared.types.penalty import Penalty
from shared.types.permit import Permit

ENTITY = type_of(MarketEntity)
PERMIT = type_of(Permit)
PENALTY = type_of(Penalty)
BUREAU = type_of(Bureau)
CODES = Codes.from_rows(*load_resource_codes())


@record_type("every_kind", "样样都有", number=9001, key=("no",), unique=(("title_",),), label="title_")
class EveryKind:
    """One field of every kind."""

    no: str = f.text(10, "编号", required=True, max=20)
    title_: str = f.text(11, "名称", required=True, max=50)
    story: str | None = f.note(12, "经过", max=4000)
    industry: str | None = f.code(13, "行业", "行业代码")
    ways: str | None = f.codes(14, "行业范围", "行业代码")
    fine: int | None = f.money(15, "罚款金额")
    capital: int | None = f.money(16, "资本", unit="万元")
    day: date | None = f.date_(17, "日期")
    moment: str | None = f.time_(18, "时刻")
    people: int | None = f.integer(19, "人数")
    share: str | None = f.decimal_(20, "比例")
    open_: bool | None = f.bool_(21, "是否公开")
    above: str | None = f.ref(22, "上级", "every_kind")
    items: str | None = f.refs(23, "事项", "approval_item")
    phone: str | None = f.text(24, "电话", max=20, personal=True)

    @rule("fine", "people")
    def enough(self: Any) -> Iterator[Problem]:
        """A fine needs people."""
        if self.fine and not self.people:
            yield Problem("people", "有罚款时人数不得为零")


EVERY = type_of(EveryKind)


class Known:
    """References that know a few words, and how often they were asked."""

    def __init__(self, words: dict[str, dict[str, str]], ids: Collection[str] = ()) -> None:
        self.words = words
        self.ids = set(ids)
        self.asked: list[str] = []

    def resolve(self, target: str, word: str) -> str | None:
        self.asked.append(word)
        return self.words.get(target, {}).get(word)

    def resolve_many(self, target: str, words: Collection[str]) -> dict[str, str]:
        self.asked.append(target)
        table = self.words.get(target, {})
        return {w: table[w] for w in words if w in table}

    def existing(self, target: str, ids: Iterable[str]) -> set[str]:
        return self.ids & set(ids)


ITEMS = Known({"approval_item": {"SP0001": "a" * 32, "食品经营许可": "a" * 32, "SP0002": "b" * 32}})


def uscc(number: int) -> str:
    return make_uscc("91", "310113", f"MA{number:06d}")


def entity(number: int, **changed: Any) -> dict[str, Any]:
    return {"uscc": uscc(number), "name": f"企业{number}", "status": "存续", "division": "310113"} | changed


def first(book: openpyxl.Workbook) -> Any:
    """The sheet in front."""
    return book.active


def save(path: Path, rows: Sequence[Sequence[Any]], sheet: str = "Sheet1") -> Path:
    book = openpyxl.Workbook()
    first(book).title = sheet
    for row in rows:
        first(book).append(list(row))
    book.save(path)
    return path


def by_hand(path: Path, *records: dict[str, Any], declared: RecordType = ENTITY) -> Path:
    """A file as people make it: titles and values, nothing else."""
    names = list(dict.fromkeys(n for one in records for n in one))
    titles = [declared.by_name[n].title for n in names]
    return save(path, [titles, *[[one.get(n) for n in names] for one in records]])


def check(path: Path, declared: RecordType = ENTITY, known: Known | None = None) -> CheckReport:
    return check_rows(read_rows(path, declared), declared, CODES, known)


def reasons(report: CheckReport) -> list[tuple[int, str, str]]:
    return [(row.number, p.field, p.message) for row in report.bad for p in row.problems]


def say(one: Field, value: Any) -> str:
    return show(one, value, CODES)


def fill(path: Path, *rows: dict[str, Any], declared: RecordType = ENTITY, lead: int = 0) -> None:
    """Type rows into a workbook the program wrote."""
    book = openpyxl.load_workbook(path)
    names = [x.name for x in declared.sheet_fields]
    for number, one in enumerate(rows, book["数据"].max_row + 1):
        for name, value in one.items():
            book["数据"].cell(number, names.index(name) + 1 + lead, value)
    book.save(path)


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


def permit(number: int, **changed: Any) -> dict[str, Any]:
    return {
        "party_name": f"企业{number}", "party_kind": "法人及非法人组织", "uscc": uscc(number),
        "legal_person": "张三", "document_name": "决定书", "document_no": f"宝许〔2026〕{number}号",
        "category": "普通", "content": "热食", "decided_on": "2026-05-01", "valid_from": "2026-05-01",
        "valid_to": "长期", "authority": "某局", "authority_uscc": uscc(999), "status": "有效",
        "data_source": "某局", "data_source_uscc": uscc(999), "item": "SP0001",
    } | changed  # fmt: skip


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
    provenance = {"source_bureau": "b1", "entered_at": "2026-05-01T09:30:15+08:00", "entry_way": CODES.find("归集方式", "批量导入")}
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


# --- paste -------------------------------------------------------------------
def test_paste_with_headers_in_any_order() -> None:
    text = "主体名称\t统一社会信用代码*\t多余\t注册资本（元）\r\n"
    text += f'"甲\n公司"\t{uscc(1)}\tx\t100\r\n\r\n乙\t{uscc(2)}\r\n'
    assert parse_pasted(text, ENTITY) == [
        {"name": "甲\n公司", "uscc": uscc(1), "registered_capital": "100元"},
        {"name": "乙", "uscc": uscc(2), "registered_capital": ""},
    ]


def test_paste_by_position() -> None:
    rows = parse_pasted(f"{uscc(1)}\t甲\t\n{uscc(2)}\t5\" 管\n", ENTITY)
    assert [(r["uscc"], r["name"]) for r in rows] == [(uscc(1), "甲"), (uscc(2), '5" 管')]
    assert parse_pasted("  \n", ENTITY) == []
    with pytest.raises(InputError, match="第 1 行有 40 列"):
        parse_pasted("\t".join("x" * 40), ENTITY)


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
