"""What may be said about an entity, from rows and a day alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from shared.codes import Codes, load_resource_codes
from shared.supervision.verification import (
    Evidence,
    Finding,
    PermitState,
    data_version,
    find,
    in_force,
    judge,
    scope_text,
    years_before,
)

TODAY = date(2026, 5, 6)
CODES = Codes.from_rows(*load_resource_codes())
EVIDENCE = Evidence(
    "2026-05-06T08:40:00+08:00", "2026-05-06T08:41:00+08:00", "公共数据；上海市宝山区", "a1b2c3d4-1024-0f",
    "2026-05-06T11:00:00+08:00",
)  # fmt: skip


@dataclass
class Known:
    values: dict[str, Any]
    id: str = field(default="x")


def permit(first: str = "2024-01-01", last: str = "2030-01-01", status: str = "1") -> Known:
    dates = {"valid_from": date.fromisoformat(first), "valid_to": date.fromisoformat(last)}
    return Known({**dates, "status": status})


def sanction(first: str = "2026-05-01", last: str = "2099-12-31", **changed: Any) -> Known:
    return Known(
        {
            "state": "in_force", "party_kind": "1", "measures": "限制参与政府采购", "authority": "驿城人民法院",
            "valid_from": date.fromisoformat(first), "valid_to": date.fromisoformat(last), **changed,
        }
    )  # fmt: skip


def about(**known: list[Known]) -> Finding:
    entity = {"status": "1"}
    return find(entity, today=TODAY, evidence=EVIDENCE, codes=CODES, **known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "state"),
    [
        (permit(), PermitState.VALID),
        (permit(last="2026-06-05"), PermitState.EXPIRING),
        (permit(last="2026-06-06"), PermitState.VALID),
        (permit(last="2026-05-06"), PermitState.EXPIRING),
        (permit(last="2026-05-05"), PermitState.EXPIRED),
        (permit(first="2026-05-07"), PermitState.NOT_YET),
        (permit(status="2"), PermitState.REVOKED),
        (permit(last="2026-05-05", status="2"), PermitState.REVOKED),
    ],
)
def test_a_permit_is_judged_by_its_status_and_its_days(one: Known, state: PermitState) -> None:
    assert judge(one.values, TODAY) is state


def test_permits_are_counted_and_valid_ones_come_first() -> None:
    rows = [permit(last="2026-01-01"), permit(last="2026-05-20"), permit(), permit(status="2")]
    found = about(permits=rows)
    assert [j.state for j in found.permits] == [
        PermitState.VALID, PermitState.EXPIRING, PermitState.EXPIRED, PermitState.REVOKED,
    ]  # fmt: skip
    assert "行政许可：有效 2 件（其中 1 件 30 天内到期），已过期 1 件，已失效 1 件。" in found.conclusion
    assert found.sentences[1].tone == "wait"


def test_none_and_only_expired_are_two_different_answers() -> None:
    assert "行政许可：没有查到许可记录。" in about().conclusion
    expired = about(permits=[permit(last="2026-01-01")])
    assert "行政许可：有效 0 件，已过期 1 件。" in expired.conclusion
    assert expired.tone == "bad"


def test_only_sanctions_in_force_count() -> None:
    rows = [
        sanction(),
        sanction(last="2026-05-05"),
        sanction(first="2026-05-07"),
        sanction(state="lifted"),
    ]
    assert [in_force(r.values, TODAY) for r in rows] == [True, False, False, False]
    found = about(sanctions=rows)
    assert found.sanctions == (rows[0],)
    assert "联合惩戒：惩戒中 1 件：限制参与政府采购（驿城人民法院，长期）。" in found.conclusion
    assert found.tone == "bad"
    assert "联合惩戒：没有查到惩戒中的记录。" in about(sanctions=rows[1:]).conclusion


def test_a_sanction_against_a_person_is_told_apart() -> None:
    found = about(sanctions=[sanction(party_kind="2")])
    assert "没有查到惩戒中的记录" in found.conclusion
    assert "另有对该主体任职人员的惩戒 1 件" in found.conclusion


def test_penalties_of_three_years_with_their_fines() -> None:
    days = ("2023-05-06", "2023-05-07", "2026-05-01")
    rows = [Known({"decided_on": date.fromisoformat(d), "fine": 200_000}) for d in days]
    found = about(penalties=rows)
    assert found.penalties == tuple(rows[1:])
    assert "行政处罚：近 3 年 2 件，罚款合计 4,000.00 元。" in found.conclusion
    assert years_before(date(2028, 2, 29), 3) == date(2025, 2, 28)


def test_alerts_that_wait_are_named_by_kind() -> None:
    rows = [
        Known({"state": "raised", "kind": "5", "valid_to": None}),
        Known({"state": "raised", "kind": "4", "valid_to": date(2026, 5, 5)}),
        Known({"state": "answered", "kind": "3", "valid_to": None}),
    ]
    assert "预警：预警中 1 件（失联预警）。" in about(alerts=rows).conclusion


def test_a_cancelled_registration_is_said_first() -> None:
    entity = {"status": "2", "revoked_on": date(2025, 3, 1)}
    found = find(entity, today=TODAY, evidence=EVIDENCE, codes=CODES)
    assert found.sentences[0].text == "登记状态：注销（2025-03-01），请注意。"
    assert found.sentences[0].tone == "bad"


def test_not_found_claims_nothing_beyond_the_data() -> None:
    found = find(None, today=TODAY, evidence=EVIDENCE, codes=CODES, subject="某店")
    assert not found.found
    assert found.conclusion == "在下列范围和截止时间的数据中没有找到“某店”。"


def test_every_answer_says_as_of_when_and_from_which_data() -> None:
    found = about()
    assert dict(found.as_of) == {
        "数据截止时间": "2026-05-06 08:40",
        "核查时间": "2026-05-06 11:00",
        "核查范围": "公共数据；上海市宝山区",
        "数据版本": "a1b2c3d4-1024-0f",
        "中心最近签名": "2026-05-06 08:41",
    }
    assert all(word in found.statement for word in ("2026-05-06 08:40", "a1b2c3d4-1024-0f", "上海市宝山区"))
    unsent = find({"status": "1"}, today=TODAY, evidence=EVIDENCE, codes=CODES, unsent=2)
    assert "其中 2 条为本机录入、中心尚未签收，待同步生效。" in unsent.conclusion


def test_the_data_version_changes_with_the_data_and_with_the_hub() -> None:
    one = data_version("a1b2c3d4ffff", {"common": 1000, "division:310113": 24})
    assert one.startswith("a1b2c3d4-1024-")
    others = {
        data_version("a1b2c3d4ffff", {"common": 1001, "division:310113": 23}),
        data_version("a1b2c3d4eeee", {"common": 1000, "division:310113": 24}),
    }
    assert len({one, *others}) == 3
    assert data_version("a1b2c3d4ffff", {"division:310113": 24, "common": 1000}) == one


def test_streams_in_words() -> None:
    words = scope_text(
        ["common", "division:310113", "bureau:b", "new:x"], lambda c: f"区划{c}", lambda b: f"单位{b}"
    )
    assert words.split("；") == [
        "公共数据（清单、代码表、全部联合惩戒）", "区划310113的市场主体及其许可、处罚、预警等信息",
        "单位b的业务数据", "new:x",
    ]  # fmt: skip
