"""What a modified client could sign: put aside whole, with the reason in words; the rest goes on."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from server_stub.lists import load_codes
from shared.access import HUB_ACTOR
from shared.errors import AccessDenied, InputError, YizhanError
from shared.ids import key_id, new_id
from shared.store.reviving import restore
from shared.types import catalog
from shared.types.penalty import FINE
from tests.fixtures.devices import Device, Enrol, count, rows, value
from tests.fixtures.disputes import PENALTY, two_bureaus
from tests.fixtures.hubs import DIVISION, Place

SHOP: dict[str, Any] = {
    "uscc": "91310113XN12345667", "name": "上海宝山青穗餐饮有限公司", "status": "1", "division": DIVISION,
}  # fmt: skip
OTHER = {**SHOP, "uscc": "91310113XN12345742", "name": "上海宝山霁舟茶饮有限公司"}


def reasons(device: Device) -> list[str]:
    with device.store.read() as connection:
        rows = connection.exec_driver_sql("SELECT detail FROM change_set ORDER BY from_seq")
        return [str(r[0]) for r in rows]


def put_aside(device: Device, sentence: str) -> None:
    """The last set is without effect, and what follows is applied."""
    device.engine.cut()
    device.insert("market_entity", OTHER)
    device.sync()
    assert device.statuses()[-2:] == ["quarantined", "applied"]
    assert sentence in reasons(device)[-2]


# --- new records -----------------------------------------------------------------
def test_an_id_its_key_does_not_yield(place: Place, enrol_at: Enrol) -> None:
    a = enrol_at(place.a, "chenmin")
    a.insert("market_entity", {**SHOP, "id": new_id()}, proven=True)
    put_aside(a, "统一社会信用代码不符")
    assert count(place.hub.store, "market_entity") == 1


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"offence": None}, "缺少必填的“违法行为类型”"),
        ({"valid_to": date(2020, 1, 1)}, "处罚有效期不得早于处罚决定日期"),
        ({"categories": f"1,{FINE}"}, "请填罚款金额"),
        ({"fine": -5}, "不得为负数"),
        ({"offence": "长" * 2001}, "超过 2000 个字"),
        ({"item": new_id()}, "“处罚事项”所指的记录在中心不存在"),
    ],
)
def test_what_no_form_lets_through(place: Place, enrol_at: Enrol, changed: dict[str, Any], sentence: str) -> None:
    a, _ = two_bureaus(place, enrol_at)
    a.insert("penalty", {**PENALTY, "document_no": "好"}, {**PENALTY, **changed}, proven=True)
    put_aside(a, sentence)
    assert count(place.hub.store, "penalty") == 0  # whole: the good one of the same set waits with it


def test_a_day_that_is_none(place: Place, enrol_at: Enrol) -> None:
    class Someday(date):
        def isoformat(self) -> str:
            return "改天"

    a, _ = two_bureaus(place, enrol_at)
    a.insert("penalty", {**PENALTY, "decided_on": Someday(2026, 5, 1)}, proven=True)
    put_aside(a, "“处罚决定日期”不是日期")


# --- identifiers and codes -----------------------------------------------------------
def codes_at(place: Place) -> None:
    """A hub with the shipped code tables."""
    load_codes(place.hub.store)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"uscc": "91310113XN12345668"}, "市场主体：统一社会信用代码第 18 位校验码不符"),
        ({"uscc": "91310113XN12345766"}, "市场主体：统一社会信用代码第 17 位与组织机构代码校验位不符"),
        ({"registration_no": "310113000000001"}, "市场主体：工商注册号第 15 位校验码不符"),
        ({"division": "319999"}, "市场主体的“行政区划”：“319999”不在代码表“行政区划”中。"),
        ({"status": "营业中"}, "市场主体的“登记状态”：“营业中”不在代码表“登记状态”中。"),
    ],
)
def test_a_wrong_check_digit_and_a_code_that_is_none(
    place: Place, enrol_at: Enrol, changed: dict[str, Any], sentence: str
) -> None:
    codes_at(place)
    a = enrol_at(place.a, "chenmin")
    a.insert("market_entity", {**SHOP, **changed}, proven=True)
    put_aside(a, sentence)
    assert count(place.hub.store, "market_entity") == 1  # the one that came after it


def test_one_wrong_code_of_several(place: Place, enrol_at: Enrol) -> None:
    codes_at(place)
    a, _ = two_bureaus(place, enrol_at)
    a.insert("penalty", {**PENALTY, "categories": f"{FINE},77"}, proven=True)
    put_aside(a, "行政处罚的“处罚类别”：“77”不在代码表“处罚类别”中。")


def test_the_word_about_a_wrong_identity_number_does_not_repeat_it(place: Place, enrol_at: Enrol) -> None:
    a = enrol_at(place.a, "chenmin", roles=("bureau_admin",))
    person = {"name": "陈敏", "certificate_no": "31011301", "bureau": place.a}
    a.insert("officer", {**person, "id_number": "310113199902307613"}, proven=True)
    put_aside(a, "监管人员：“身份证号”未通过校验。")
    assert "19990230" not in reasons(a)[-2]


def test_an_edit_to_a_code_that_is_none(place: Place, enrol_at: Enrol) -> None:
    codes_at(place)
    a = enrol_at(place.a, "chenmin")
    (shop,) = a.insert("market_entity", SHOP)
    a.sync()
    a.update("market_entity", shop, industry="ZZ9")
    put_aside(a, "“ZZ9”不在代码表“行业代码”中。")
    assert value(place.hub.store, "market_entity", shop, "industry") is None


def test_what_was_a_code_when_it_was_written_still_arrives(place: Place, enrol_at: Enrol) -> None:
    codes_at(place)
    a = enrol_at(place.a, "chenmin")
    a.insert("market_entity", {**SHOP, "industry": "62"}, proven=True)
    items = place.hub.store.types["code_item"]
    with place.hub.store.unit(HUB_ACTOR) as unit:
        unit.delete(items, key_id("code_item", ["行业代码", "62"]), "换版")
        unit.update(
            items, key_id("code_item", ["登记状态", "1"]), {"retired_version": 2}, proven=True
        )
    a.sync()
    assert a.statuses() == ["applied"]


# --- edits -------------------------------------------------------------------------
def entered(place: Place, a: Device, **changed: Any) -> str:
    (one,) = a.insert("penalty", {**PENALTY, **changed})
    a.sync()
    return one


def test_an_edit_that_breaks_a_rule_by_itself(place: Place, enrol_at: Enrol) -> None:
    a, _ = two_bureaus(place, enrol_at)
    one = entered(place, a)
    with a.store.unit(a.actor) as unit:
        wrong = {"decided_on": date(2026, 5, 2), "valid_to": date(2020, 1, 1)}
        unit.update(a.store.types["penalty"], one, wrong, proven=True)
    put_aside(a, "不得")
    assert value(place.hub.store, "penalty", one, "valid_to") == "2027-05-01"


def test_an_edit_that_empties_what_must_be_filled(place: Place, enrol_at: Enrol) -> None:
    a, _ = two_bureaus(place, enrol_at)
    one = entered(place, a)
    with a.store.unit(a.actor) as unit:
        unit.update(a.store.types["penalty"], one, {"facts": None}, proven=True)
    put_aside(a, "缺少必填的“违法事实”")


def test_two_good_edits_that_make_a_bad_record_are_asked_about(place: Place, enrol_at: Enrol) -> None:
    """Nobody is at fault: the value that came second waits for a person."""
    a, _ = two_bureaus(place, enrol_at)
    a2 = enrol_at(place.a, "liwei")
    one = entered(place, a)
    a2.sync()
    a.update("penalty", one, decided_on=date(2026, 12, 1))
    a2.update("penalty", one, published_until=date(2026, 9, 1))
    a.sync(), a2.sync(), a.sync()
    assert a2.statuses() == ["conflicted"]
    assert value(place.hub.store, "penalty", one, "published_until") == "2027-05-01"
    for device in (a, a2):
        assert device.value("penalty", one, "published_until") == "2027-05-01"
        (conflict,) = device.conflicts()
        assert (conflict["kind"], conflict["field"]) == ("rule", "published_until")
        assert "不得早于处罚决定日期" in conflict["explanation"]
        assert conflict["theirs_value"] == "2026-09-01"


# --- what people may not say -----------------------------------------------------------
def test_people_make_no_seats_and_change_only_their_state(place: Place, enrol_at: Enrol) -> None:
    a, admin = enrol_at(place.a, "chenmin"), enrol_at(place.b, "wang", roles=["hub_admin"])
    admin.sync()
    seat = {
        "name": "冒名", "bureau": place.a, "sign_key": "00", "seal_key": "00", "enrolled_at": "2026-05-06T09:00:00+08:00",
    }  # fmt: skip
    with pytest.raises(AccessDenied):
        admin.insert("device", seat)
    with pytest.raises(AccessDenied):
        admin.update("device", a.grant.device, sign_key="00")
    with pytest.raises(AccessDenied):
        admin.delete("device", a.grant.device)
    admin.actor = HUB_ACTOR.__class__(admin.actor.user, "", place.b, frozenset({"hub"}))
    admin.insert("device", seat)
    admin.sync()
    assert admin.statuses() == ["quarantined"] and len(rows(place.hub.store, "device")) == 2


def test_nobody_makes_or_bends_a_conflict_to_reach_a_foreign_record(place: Place, enrol_at: Enrol) -> None:
    """A conflict gives its parties the right to decide about one field: only the hub may write it."""
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    honest = b.actor
    b.actor = HUB_ACTOR.__class__(b.actor.user, "", place.b, frozenset({"hub"}))
    b.insert(
        "conflict",
        {
            "record_type": "market_entity", "record_id": new_id(), "field": "name", "field_title": "名称",
            "subject": "某店", "ours_bureau": place.b, "theirs_bureau": place.a,
        },
    )  # fmt: skip
    b.engine.cut()
    b.actor = honest
    put_aside(b, "没有新增这条冲突的权限")
    a.insert("market_entity", SHOP)
    a.sync()
    assert a.conflicts() == []


def test_a_party_decides_and_nobody_else(place: Place, enrol_at: Enrol) -> None:
    a, b, c = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou"), enrol_at(place.a1, "liwei")
    with place.hub.store.unit(HUB_ACTOR) as unit:
        (shop,) = unit.insert(place.hub.store.types["market_entity"], [SHOP], way="exchange")
    a.sync(), b.sync(), c.sync()
    a.update("market_entity", shop, address="甲")
    b.update("market_entity", shop, address="乙")
    a.sync(), b.sync()
    (conflict,) = b.conflicts()
    with place.hub.store.read() as connection:
        known = connection.exec_driver_sql("SELECT id FROM conflict").fetchall()
    assert [r[0] for r in known] == [conflict["id"]]
    hub_side = HUB_ACTOR.__class__(c.actor.user, "", place.a1, frozenset({"hub"}))
    with c.store.unit(hub_side) as unit:
        unit.insert(c.store.types["conflict"], [{**conflict, "state": "open"}], proven=True)
    c.actor = HUB_ACTOR.__class__(c.actor.user, "", place.a1, frozenset({"hub"}))
    c.update("conflict", conflict["id"], state="resolved", resolution="我说了算")
    c.sync()
    assert c.statuses() == ["quarantined"]
    assert value(place.hub.store, "conflict", conflict["id"], "state") == "open"


# --- deleted and entered again -------------------------------------------------------------
def test_what_was_deleted_is_entered_again(place: Place, enrol_at: Enrol) -> None:
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    (shop,) = a.insert("market_entity", {**SHOP, "address": "旧址", "phone": "1"})
    a.sync(), b.sync()
    a.delete("market_entity", shop)
    a.sync(), b.sync()
    assert b.count("market_entity") == 0
    assert b.insert("market_entity", {**SHOP, "address": "新址"}) == [shop]
    assert b.value("market_entity", shop, "address") == "新址"
    b.sync(), a.sync()
    assert b.statuses() == ["applied"]
    for device in (a, b):
        assert device.value("market_entity", shop, "address") == "新址"
        assert device.value("market_entity", shop, "phone") is None
        assert device.value("market_entity", shop, "source_bureau") == place.b
    a.update("market_entity", shop, phone="2")
    a.sync(), b.sync()
    assert b.value("market_entity", shop, "phone") == "2"


def test_entered_offline_while_somebody_deleted_it(place: Place, enrol_at: Enrol) -> None:
    """By merge: who enters it had never heard of it."""
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    (shop,) = b.insert("market_entity", {**SHOP, "address": "乙录入"})
    (same,) = a.insert("market_entity", {**SHOP, "address": "甲录入"})
    assert shop == same
    a.sync()
    a.delete("market_entity", shop)
    a.sync(), b.sync(), a.sync()
    assert b.statuses() == ["applied"]
    for device in (a, b):
        assert device.value("market_entity", shop, "address") == "乙录入"


def test_a_record_that_is_there_is_not_entered_again(place: Place, enrol_at: Enrol) -> None:
    a = enrol_at(place.a, "chenmin")
    a.insert("market_entity", SHOP)
    with pytest.raises(InputError, match="已经存在"):
        a.insert("market_entity", SHOP)


def test_a_deletion_is_undone_by_a_decision_with_the_edit_it_met(place: Place, enrol_at: Enrol) -> None:
    a, b = enrol_at(place.a, "chenmin"), enrol_at(place.b, "laozhou")
    (shop,) = a.insert("market_entity", {**SHOP, "phone": "1"})
    a.sync(), b.sync()
    a.delete("market_entity", shop)
    b.update("market_entity", shop, address="驿西路1号")
    a.sync(), b.sync(), a.sync()
    (conflict,) = a.conflicts()
    assert conflict["kind"] == "deletion" and conflict["edits"] == '{"address":"驿西路1号"}'
    with a.store.unit(a.actor, cause=f"resolve:{conflict['id']}") as unit:
        restore(unit, catalog.by_name("market_entity"), shop, {"address": "驿西路1号"})
        unit.update(catalog.by_name("conflict"), conflict["id"], {"state": "resolved", "resolution": "保留"})
    a.sync(), b.sync()
    assert a.statuses()[-1] == "applied"
    for device in (a, b):
        assert device.value("market_entity", shop, "address") == "驿西路1号"
        assert device.value("market_entity", shop, "phone") == "1"
        assert device.value("market_entity", shop, "source_bureau") == place.a
    assert value(place.hub.store, "market_entity", shop, "source_bureau") == place.a


def test_a_restored_record_needs_a_conflict(place: Place, enrol_at: Enrol) -> None:
    a = enrol_at(place.a, "chenmin")
    (shop,) = a.insert("market_entity", SHOP)
    a.sync()
    a.delete("market_entity", shop)
    a.sync()
    with a.store.unit(a.actor, cause=f"resolve:{new_id()}") as unit:
        restore(unit, catalog.by_name("market_entity"), shop, {})
    a.sync()
    assert a.statuses()[-1] == "quarantined" and issubclass(AccessDenied, YizhanError)
