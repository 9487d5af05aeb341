"""Code tables and pinyin initials."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.codes import Codes, load_resource_codes
from shared.pinyin import name_initials
from shared.resource_files import holidays, licence_catalogue


@pytest.fixture(scope="module")
def codes() -> Codes:
    return Codes.from_rows(*load_resource_codes())


def test_every_shipped_code_is_found_by_code_and_by_name(codes: Codes) -> None:
    _, items = load_resource_codes()
    for item in items:
        table, code, name = item["table_name"], item["code"], item["name"]
        assert codes.find(table, code) == code
        assert codes.find(table, name) == code, f"{table}: {name}"
        assert codes.name(table, code) == name


def test_shipped_codes_and_names_are_unique_in_their_table() -> None:
    tables, items = load_resource_codes()
    for part in ("code", "name"):
        twice = [k for k, n in Counter((i["table_name"], i[part]) for i in items).items() if n > 1]
        assert not twice
    assert {i["table_name"] for i in items} == {t["name"] for t in tables}


def test_shipped_sizes(codes: Codes) -> None:
    assert len(codes.entries("行政区划")) == 3348
    assert len(codes.entries("行业代码")) == 117
    assert len(codes.entries("抽查检查结果")) == 8
    assert len(codes.entries("检查方式")) == 4
    assert [e.code for e in codes.entries("归集方式")] == ["entry", "import", "media", "exchange"]
    assert [e.code for e in codes.entries("行政相对人类别")] == ["法人及非法人组织", "自然人", "个体工商户"]
    assert all(codes.version(t) == 1 for t in codes.tables())


def test_find_is_lenient_about_form_only(codes: Codes) -> None:
    assert codes.find("许可类别", "０１") == "01"
    assert codes.find("许可类别", " 普通 ") == "01"
    assert codes.find("许可类别", "01 普通") == "01"
    assert codes.find("许可类别", "02 普通") is None
    assert codes.find("处罚类别", "其他(须注明)") == "99"
    assert codes.find("许可类别", "普") is None
    assert codes.find("没有这张表", "01") is None
    assert codes.name("许可类别", "88") == "88"


def test_short_names_when_they_are_unambiguous(codes: Codes) -> None:
    assert codes.find("行政区划", "杨浦区") == "310110"
    assert codes.find("行政区划", "宝山区") is None  # 双鸭山市 has one too
    assert codes.find("行政区划", "上海市宝山区") == "310113"
    assert codes.find("行业代码", "教育") == "83"
    assert codes.find("行业代码", "教育（门类）") == "P"


def test_search_by_code_name_and_initials(codes: Codes) -> None:
    assert codes.search("行政区划", "310113")[0].code == "310113"
    assert {e.code[:4] for e in codes.search("行政区划", "3101", 50)} == {"3101"}
    assert [e.code for e in codes.search("行政区划", "宝山区", 2)] == ["230506", "310113"]
    assert "310113" in [e.code for e in codes.search("行政区划", "shsbsq")]
    assert codes.search("行政区划", "ypq")[0].code == "310110"
    assert "500000" in [e.code for e in codes.search("行政区划", "CQS")]
    assert codes.search("登记状态", "dx")[0].name == "吊销"
    assert len(codes.search("行政区划", "区", 7)) == 7
    assert codes.search("行政区划", "没有的地方") == []


def test_retired_codes_are_shown_but_no_longer_offered() -> None:
    rows = [
        {"table_name": "表", "code": "1", "name": "旧名", "order_no": 1, "retired_version": 2},
        {"table_name": "表", "code": "2", "name": "新名", "order_no": 2},
    ]
    codes = Codes.from_rows([{"name": "表", "version": 2}], rows)
    assert codes.version("表") == 2
    assert codes.name("表", "1") == "旧名"
    assert codes.find("表", "1") == "1"
    assert codes.find("表", "旧名") is None
    assert [e.code for e in codes.entries("表")] == ["2"]
    assert [e.retired for e in codes.entries("表", retired=True)] == [True, False]
    assert codes.search("表", "旧") == []


def test_entries_keep_the_declared_order() -> None:
    rows = [{"table_name": "表", "code": str(n), "name": f"名{n}", "order_no": 20 - n} for n in range(1, 12)]
    codes = Codes.from_rows([], rows)
    assert [e.order for e in codes.entries("表")] == sorted(20 - n for n in range(1, 12))


def test_catalogue_and_holidays() -> None:
    items = licence_catalogue()
    assert len(items) == 142
    assert [i["seq"] for i in items] == [str(n) for n in range(1, 143)]
    days = holidays()
    assert len(days) == 379
    assert set(days.values()) == {True, False}


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("上海宝山青穗餐饮有限公司", "shbsqscyyxgs"),
        ("招商银行重庆分行", "zsyhcqfh"),
        ("厦门大厦", "xmds"),
        ("长宁区翟家音乐会所", "cnqzjyyhs"),
        ("乐清乐购", "yqlg"),
        ("ＡＢ12（上海）·x", "ab12shx"),
        ("会计会展", "kjhz"),
        ("", ""),
    ],
)
def test_name_initials(name: str, initials: str) -> None:
    assert name_initials(name) == initials


@given(st.text(alphabet="上海重庆银行厦门长宁音乐会计青穗餐饮有限公司a1", max_size=20))
def test_one_letter_per_character(name: str) -> None:
    """So that a part of a name yields the part of its initials at the same place."""
    assert len(name_initials(name)) == len(name)
    assert all(c.isascii() and c.isalnum() for c in name_initials(name))
