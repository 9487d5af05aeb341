"""An award is to be given: may it? The answer says what it rests on."""

from __future__ import annotations

import pytest

from desktop.work.verifying import NoEvidence
from shared.errors import InputError, Rejected
from shared.standing import Standing
from shared.store import sql
from shared.supervision.verification import PermitState
from shared.types import catalog
from tests.fixtures.desk import ENTITIES, OURS, SHOP, SHOP_ID, Bureau
from tests.fixtures.samples import sample


def permits(bureau: Bureau) -> None:
    bureau.about_shop("permit", document_no="甲1")
    bureau.about_shop("permit", document_no="甲2", valid_to="2026-05-20")
    bureau.about_shop(
        "permit", document_no="甲3", decided_on="2021-01-01", valid_from="2021-01-01", valid_to="2026-01-01"
    )


def test_valid_and_expired_permits_and_a_sanction_in_force(bureau: Bureau) -> None:
    permits(bureau)
    bureau.about_shop("sanction")
    bureau.about_shop("sanction", "lifted", breach="已纠正")
    bureau.about_shop("penalty")
    bureau.about_shop("alert")
    answer = bureau.desk.verifying.verify(SHOP["uscc"], "评优评先")
    finding = answer.finding
    assert finding is not None and answer.entity is not None
    assert [j.state for j in finding.permits] == [
        PermitState.VALID, PermitState.EXPIRING, PermitState.EXPIRED,
    ]  # fmt: skip
    assert finding.conclusion.splitlines() == [
        "登记状态：存续。",
        "行政许可：有效 2 件（其中 1 件 30 天内到期），已过期 1 件。",
        "联合惩戒：惩戒中 1 件：限制参与政府采购；限制享受财政扶持（驿城人民法院，长期）。",
        "行政处罚：近 3 年 1 件，罚款合计 2,000.00 元。",
        "预警：预警中 1 件（失联预警）。",
    ]
    assert finding.tone == "bad"
    as_of = dict(finding.as_of)
    assert as_of["数据截止时间"] == "2026-05-06 08:40"
    assert as_of["核查时间"] == "2026-05-06 12:00"
    assert "上海市宝山区" in as_of["核查范围"] and "驿城文化和旅游局" in as_of["核查范围"]
    assert as_of["数据版本"].startswith("a1b2c3d4-4265-")


def test_no_permits_is_said_and_a_name_asks_the_same(bureau: Bureau) -> None:
    other = ENTITIES[3]
    permits(bureau)
    answer = bureau.desk.verifying.verify(other["name"], "采购")
    assert answer.finding is not None and answer.entity is not None
    assert answer.entity.values["uscc"] == other["uscc"]
    assert "行政许可：没有查到许可记录。" in answer.finding.conclusion
    assert "联合惩戒：没有查到惩戒中的记录。" in answer.finding.conclusion


def test_several_names_make_a_person_choose(bureau: Bureau) -> None:
    verifying = bureau.desk.verifying
    answer = verifying.verify("上海宝山", "评优评先")
    assert answer.finding is None and len(answer.candidates) > 1
    with pytest.raises(InputError, match="还没有选定核查对象"):
        verifying.record(answer)
    chosen = verifying.verify_entity(answer.candidates[1].id, "评优评先")
    assert chosen.finding is not None and chosen.subject == answer.candidates[1].values["name"]


def test_the_answer_is_kept_as_given(bureau: Bureau) -> None:
    desk = bureau.desk
    answer = desk.verifying.verify(SHOP["uscc"], "评优评先")
    kept = desk.verifying.record(answer)
    bureau.about_shop("sanction")
    row = desk.records.get(desk.verifying.declared, kept)
    assert row is not None and answer.finding is not None
    assert row.values["conclusion"] == answer.finding.conclusion
    assert "没有查到惩戒中的记录" in row.values["conclusion"]
    assert row.values["data_until"] == "2026-05-06T08:40:00+08:00"
    assert row.values["data_version"] == answer.finding.evidence.version
    assert (row.values["verified_by"], row.values["purpose"]) == (bureau.me.user, "评优评先")
    assert row.standing is Standing.PENDING
    again = desk.verifying.verify(SHOP["uscc"], "评优评先").finding
    assert again is not None and "惩戒中 1 件" in again.conclusion


def test_nobody_found_is_an_answer_too(bureau: Bureau) -> None:
    answer = bureau.desk.verifying.verify("不存在的公司", "评优评先")
    assert answer.finding is not None and not answer.finding.found
    kept = bureau.desk.verifying.record(answer)
    row = bureau.desk.records.get(bureau.desk.verifying.declared, kept)
    assert row is not None
    assert (row.values["entity_id"], row.values["subject"]) == (None, "不存在的公司")
    assert "没有找到“不存在的公司”" in row.values["conclusion"]


def test_without_word_or_purpose_nothing_is_answered(bureau: Bureau) -> None:
    with pytest.raises(Rejected) as caught:
        bureau.desk.verifying.verify(" ", "")
    assert [p.field for p in caught.value.problems] == ["word", "purpose"]


def test_before_the_first_load_is_whole_nothing_is_claimed(bureau: Bureau) -> None:
    with bureau.store.write() as connection:
        sql.execute(connection, "DELETE FROM fact WHERE name = 'complete_at'")
    with pytest.raises(NoEvidence, match="请先同步"):
        bureau.desk.verifying.verify(SHOP["uscc"], "评优评先")


def test_what_the_hub_has_not_signed_for_is_said(bureau: Bureau) -> None:
    declared = bureau.desk.records.type("sanction")
    bureau.desk.records.save(declared, sample("sanction", uscc=SHOP["uscc"], name=SHOP["name"]))
    finding = bureau.desk.verifying.verify(SHOP["uscc"], "评优评先").finding
    assert finding is not None
    assert finding.sentences[-1].text == "其中 1 条为本机录入、中心尚未签收，待同步生效。"


def test_the_file_of_an_entity_has_every_type_that_is_about_entities(bureau: Bureau) -> None:
    for number in range(3):
        bureau.time.millis += 1000
        bureau.about_shop("penalty", document_no=f"罚{number}")
    bureau.desk.claims.claim([SHOP_ID])
    sections = bureau.desk.verifying.everything_about(SHOP_ID, limit=2)
    names = [s.declared.name for s in sections]
    assert names[:6] == ["permit", "penalty", "supervision", "sanction", "alert", "other_information"]
    assert set(names) == {t.name for t in catalog.ALL if t.about}
    by_name = {s.declared.name: s for s in sections}
    assert by_name["penalty"].total == 3
    assert [r.values["document_no"] for r in by_name["penalty"].rows] == ["罚2", "罚1"]
    assert (by_name["permit"].total, by_name["permit"].rows) == (0, [])
    assert by_name["claim"].total == 1 and by_name["claim"].rows[0].values["bureau"] == OURS
