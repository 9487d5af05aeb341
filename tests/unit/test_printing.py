"""Sheets: what stands on them, and that they come out on paper whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QFont, QRawFont
from PySide6.QtWidgets import QApplication

from desktop.work.media import HandOver
from desktop.work.paper import Watermark, fonts, write_pdf
from desktop.work.printing import SANCTIONS, hand_over_sheet, intake_sheet, verification_sheet
from shared.codes import Codes, load_resource_codes
from shared.errors import StoreError
from shared.fields import Field
from shared.parsing import Context, parse, show
from shared.supervision.verification import Evidence, Finding, find
from shared.types import catalog
from tests.fixtures.samples import sample

CODES = Codes.from_rows(*load_resource_codes())
MARK = Watermark("陈敏", "2026-05-06T16:31:00+08:00")
EVIDENCE = Evidence(
    "2026-05-06T08:40:00+08:00", "2026-05-06T08:41:00+08:00", "宝山区的许可；全部惩戒", "a1b2-1024-9f", "2026-05-06T11:00:00+08:00"
)
FACTS = HandOver(
    medium_type="内存、闪存（U 盘）", medium_number="U-<1>&2", content="上报变更", package_id="0199a1b2c3d4e5f6",
    fingerprint="7C1E 0A55 93D2 41BF", size=482113, file_name="驿站-A-202605061630-7c1e0a55.yzp",
    sent_from="甲局", sent_to="测试中心", person="陈敏", sets=2, changes=1042, created="2026-05-06T16:30:00+08:00",
)  # fmt: skip


@dataclass
class Known:
    values: dict[str, Any]
    id: str = "x"


def shown(one: Field, value: Any) -> str:
    return show(one, value, CODES)


def typed(name: str, **raw: str) -> dict[str, Any]:
    return parse(catalog.by_name(name), {**sample(name), **raw}, Context(CODES, None)).values


def answer(permits: int = 2) -> tuple[Finding, dict[str, Any]]:
    entity = typed("market_entity")
    found = find(
        entity,
        permits=[Known(typed("permit", document_no=f"宝许〔2026〕{i:04}号")) for i in range(permits)],
        sanctions=[Known({**typed("sanction"), "state": "in_force"})],
        penalties=[Known(typed("penalty"))],
        today=date(2026, 5, 6), evidence=EVIDENCE, codes=CODES,
    )  # fmt: skip
    return found, entity


def sheet(found: Finding, entity: dict[str, Any] | None, **options: Any) -> str:
    return verification_sheet(
        found, entity, subject="青穗餐饮", purpose="评优评先", person="陈敏", bureau="甲局", show=shown, **options
    )


def test_hand_over_sheet(qapp: QApplication) -> None:
    html = hand_over_sheet(FACTS)
    for said in ("介质交接单", "7C1E 0A55 93D2 41BF", "0199a1b2c3d4e5f6", "1,042 条", "482,113 字节", "移交人", "接收人"):
        assert said in html
    assert "U-&lt;1&gt;&amp;2" in html and "U-<1>" not in html and "$" not in html


def test_intake_sheet(qapp: QApplication) -> None:
    values = {"media_kind": "1", "media_no": "U-1", "fingerprint": "7C1E", "sets": 1, "changes": 40, "applied": 39,
              "refused": 1, "outcome": "2", "received_at": "2026-05-06T16:31:00+08:00", "analysis": None}
    html = intake_sheet(values, "乙局", shown)
    assert "部分入库" in html and "内存、闪存" in html and "2026-05-06 16:31" in html and "None" not in html
    assert all(f.title in html for f in catalog.by_name("media_intake").own_fields)


def test_verification_sheet_says_on_what_it_rests(qapp: QApplication) -> None:
    found, entity = answer()
    html = sheet(found, entity)
    for title, text in found.as_of:
        assert title in html and text in html
    assert "数据截止时间" in html and "a1b2-1024-9f" in html and "不在本结论之内" in html
    assert "宝许〔2026〕0001号" in html and "惩戒中的联合惩戒（1 件）" in html
    only = sheet(found, entity, sections=[SANCTIONS])
    assert "宝许〔2026〕0001号" not in only and "三、惩戒中的联合惩戒" in only


def test_verification_sheet_of_nobody(qapp: QApplication) -> None:
    found = find(None, today=date(2026, 5, 6), evidence=EVIDENCE, codes=CODES, subject="无名商行")
    html = sheet(found, None)
    assert "没有找到“无名商行”" in html and "没有查到许可记录" in html


def test_no_sheet_shows_a_whole_identity_number(qapp: QApplication) -> None:
    found, entity = answer()
    numbers = [
        str(values[f.name])
        for name, values in (("market_entity", entity), *(("sanction", s.values) for s in found.sanctions))
        for f in catalog.by_name(name).fields
        if f.personal and values.get(f.name)
    ]
    assert all(n not in sheet(found, entity) for n in numbers)


def test_pdf(qapp: QApplication, tmp_path: Path) -> None:
    path = tmp_path / "单.pdf"
    assert write_pdf(hand_over_sheet(FACTS), path, MARK, "介质交接单") == 1
    data = path.read_bytes()
    assert data.startswith(b"%PDF-") and data.rstrip().endswith(b"%%EOF") and len(data) > 5_000
    found, entity = answer(permits=60)
    assert write_pdf(sheet(found, entity), path, MARK, "核查单") > 2  # replaced, and it flows over pages
    assert [p.name for p in tmp_path.iterdir()] == ["单.pdf"]
    with pytest.raises(StoreError):
        write_pdf("<p>x</p>", Path("/sys/kernel/x.pdf"), MARK, "x")


def test_the_fonts_hold_every_sign_of_the_sheets(qapp: QApplication) -> None:
    chosen = fonts()
    text = "介质交接单驿站宝许〔2026〕号：“，。（）核查结论"
    for family in (chosen.body, chosen.title, chosen.heading):
        raw = QRawFont.fromFont(QFont(family))
        assert all(raw.supportsCharacter(ord(c)) for c in text), family
    assert chosen.note == "" or "代替" in chosen.note
