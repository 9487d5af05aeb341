"""陈敏 claims entities for her bureau, offline."""

from __future__ import annotations

import pytest

from shared.changes import Op
from shared.errors import AccessDenied, IllegalTransition, Rejected
from shared.filters import Filter
from shared.filters import Op as Compare
from shared.ids import key_id
from shared.supervision import queues
from tests.fixtures.desk import ENTITIES, OTHERS, OURS, SHOP, SHOP_ID, Bureau


def test_an_entity_is_found_by_code_by_name_and_by_part_of_it(bureau: Bureau) -> None:
    find = bureau.desk.claims.find
    assert [r.id for r in find(f" {SHOP['uscc'].lower()} ")] == [SHOP_ID]
    assert [r.id for r in find(SHOP["name"])] == [SHOP_ID]
    assert SHOP_ID in [r.id for r in find(SHOP["name"][:4])]
    assert len(find(SHOP["name"][:4])) == 50
    assert find("没有这家") == find("  ") == []


def test_claiming_twice_is_one_claim_and_one_change(bureau: Bureau) -> None:
    claims = bureau.desk.claims
    first = claims.claim([SHOP_ID, SHOP_ID])
    assert (len(first.new), first.already, first.text) == (1, [], "认领 1 户。")
    second = claims.claim([SHOP_ID])
    assert (second.new, second.already) == ([], first.new)
    assert second.text == "1 户本单位已认领，不必重复。"
    assert bureau.rows("claim") == 1
    assert [(r.op, len(r.ids) // 16) for r in bureau.journal()] == [(Op.INSERT, 1)]
    row = bureau.desk.records.get(claims.declared, first.new[0])
    assert row is not None
    assert (row.values["bureau"], row.values["claimed_by"], row.values["way"]) == (OURS, bureau.me.user, "1")
    assert bureau.told == [frozenset({"claim"})]


def test_another_bureaus_claim_stands_beside_ours(bureau: Bureau) -> None:
    bureau.about_shop("claim", bureau="BSWJ02")
    claims = bureau.desk.claims
    claims.claim([SHOP_ID])
    assert {r.values["bureau"] for r in claims.of_entity(SHOP_ID)} == {OURS, OTHERS}


def test_giving_back_needs_a_reason_and_claiming_again_clears_it(bureau: Bureau) -> None:
    claims = bureau.desk.claims
    claim = claims.claim([SHOP_ID]).new[0]
    for blank in ("", "  "):
        with pytest.raises(Rejected, match="请填写退回原因"):
            claims.give_back(claim, blank)
    claims.give_back(claim, "不在本单位职责范围")
    row = bureau.desk.records.get(claims.declared, claim)
    assert row is not None and row.values["state"] == "returned"
    assert row.values["return_reason"] == "不在本单位职责范围"
    assert row.values["returned_on"] == bureau.store.clock.today()
    with pytest.raises(IllegalTransition):
        claims.give_back(claim, "再退一次")  # from returned there is no way back to returned
    again = claims.claim([SHOP_ID])
    assert (again.new, again.again) == ([], [claim])
    row = bureau.desk.records.get(claims.declared, claim)
    assert row is not None and row.values["state"] == "claimed"
    assert row.values["return_reason"] is None and row.values["returned_on"] is None


def test_what_is_claimable_shrinks_by_what_was_claimed(bureau: Bureau) -> None:
    desk = bureau.desk
    entity_type = desk.records.type("market_entity")
    wanted = Filter().where("status", Compare.EQ, "1")
    open_ = sum(e["status"] == "1" for e in ENTITIES)
    assert desk.records.count(entity_type, desk.claims.claimable(wanted)) == open_
    claim = desk.claims.claim([SHOP_ID]).new[0]
    bureau.about_shop("claim", bureau="BSWJ02")
    assert desk.records.count(entity_type, desk.claims.claimable(wanted)) == open_ - 1
    done = desk.claims.claim_matching(wanted, lambda done, total, text: None)
    assert len(done.new) == open_ - 1
    assert desk.records.count(entity_type, desk.claims.claimable(wanted)) == 0
    assert desk.records.count(desk.claims.declared, desk.claims.mine()) == open_
    desk.claims.give_back(claim, "误认领")
    assert desk.records.count(entity_type, desk.claims.claimable(wanted)) == 1


def test_whom_we_licensed_is_ours_to_claim(bureau: Bureau) -> None:
    desk = bureau.desk
    entity_type = desk.records.type("market_entity")
    bureau.about_shop("permit", source=OTHERS)
    assert desk.records.count(entity_type, queues.CLAIM_DUTY.filter) == 0
    bureau.about_shop("permit", source=OURS, document_no="驿许〔2026〕0002号")
    assert [r.id for r in desk.records.first(entity_type, queues.CLAIM_DUTY.filter)] == [SHOP_ID]
    desk.claims.claim([SHOP_ID])
    assert desk.records.count(entity_type, queues.CLAIM_DUTY.filter) == 0


def test_a_hub_administrator_claims_nothing_and_unknown_entities_are_refused(bureau: Bureau) -> None:
    with pytest.raises(Rejected, match="所指的记录不存在"):
        bureau.desk.claims.claim([key_id("market_entity", ["91310113XN99999999"])])
    bureau.sign_in(roles=frozenset({"hub_admin"}))
    with pytest.raises(AccessDenied):
        bureau.desk.claims.claim([SHOP_ID])
    assert bureau.rows("claim") == 0
