"""Two people wrote differently; the administrator decides, and the decision travels back."""

from __future__ import annotations

from typing import Any

import pytest

from desktop.work.conflicts import Choice, typed
from shared.changes import Op
from shared.errors import AccessDenied, InputError, Rejected, StaleRecord
from shared.store.values import to_stored
from shared.types import catalog
from tests.fixtures.desk import OTHERS, OURS, SHOP, SHOP_ID, Bureau

ADDRESS = {"field": "address", "field_title": "住所", "ours_value": SHOP["address"], "theirs_value": "驿西路18号"}


def arise(bureau: Bureau, **changed: str) -> str:
    raw = {"record_type": "market_entity", "record_id": SHOP_ID, "subject": "市场主体 某店", **ADDRESS}
    return bureau.arrive("conflict", **{**raw, "theirs_bureau": "BSWJ02", **changed})


def shop(bureau: Bureau) -> dict[str, Any]:
    row = bureau.desk.records.get(catalog.by_name("market_entity"), SHOP_ID)
    assert row is not None
    return row.values


def state(bureau: Bureau, conflict: str) -> dict[str, Any]:
    row = bureau.desk.records.get(bureau.desk.conflicts.declared, conflict)
    assert row is not None
    return row.values


def test_both_sides_are_shown_with_person_bureau_and_time(bureau: Bureau) -> None:
    conflict = arise(bureau)
    assert [r.id for r in bureau.desk.conflicts.open()] == [conflict]
    detail = bureau.desk.conflicts.detail(conflict)
    assert (detail.label, detail.moved) == (SHOP["name"], False)
    assert (detail.ours.text, detail.ours.person, detail.ours.bureau, detail.ours.at) == (
        SHOP["address"], "陈敏", "驿城文化和旅游局", "2026-05-06 09:00",
    )  # fmt: skip
    assert (detail.theirs.text, detail.theirs.bureau) == ("驿西路18号", "驿城卫生健康委员会")
    assert detail.record is not None and detail.record.values["uscc"] == SHOP["uscc"]
    assert detail.choices == (Choice.OURS, Choice.THEIRS, Choice.OTHER)


def test_values_are_shown_by_the_kind_of_the_field(bureau: Bureau) -> None:
    def sides(**raw: str) -> tuple[str, str]:
        detail = bureau.desk.conflicts.detail(arise(bureau, **raw))
        return detail.ours.text, detail.theirs.text

    money = {"field": "registered_capital", "ours_value": "5000000", "theirs_value": "8000000"}
    assert sides(**money) == ("5", "8")
    assert sides(field="status", ours_value="1", theirs_value="2") == ("存续", "注销")
    day = {"field": "established_on", "ours_value": "2020-01-02", "theirs_value": ""}
    assert sides(**day) == ("2020-01-02", "（空）")
    phones = {"field": "phone", "ours_value": "13800138000", "theirs_value": "13800998000"}
    assert sides(**phones) == ("13800138000", "13800998000")
    task = bureau.about_shop("task", "done")
    steps = {"record_type": "task", "record_id": task, "field": "state"}
    assert sides(**steps, ours_value="done", theirs_value="claimed") == ("已完成", "办理中")


def test_stored_text_becomes_the_value_again() -> None:
    entity, officer = catalog.by_name("market_entity"), catalog.by_name("officer")
    for declared, name, text in (
        (entity, "registered_capital", "5000000"),
        (entity, "established_on", "2020-01-02"),
        (entity, "address", "驿东路"),
        (officer, "is_expert", "0"),
    ):
        one = declared.by_name[name]
        assert str(to_stored(one, typed(one, text))) == text
        assert typed(one, None) is None


def test_taking_the_other_value_is_two_changes_in_one_transaction(bureau: Bureau) -> None:
    conflict = arise(bureau)
    bureau.desk.conflicts.resolve(conflict, Choice.THEIRS)
    assert shop(bureau)["address"] == "驿西路18号"
    ended = state(bureau, conflict)
    assert (ended["state"], ended["resolved_by"]) == ("resolved", bureau.me.user)
    assert ended["resolution"] == "改用未采用的值：驿西路18号"
    assert ended["resolved_at"] == "2026-05-06T12:00:00+08:00"
    runs = bureau.journal()
    assert [(r.type, r.op) for r in runs] == [(1, Op.UPDATE), (40, Op.UPDATE)]
    assert len({r.tx for r in runs}) == 1
    assert {r.cause for r in runs} == {f"resolve:{conflict}"}
    assert bureau.told == [frozenset({"market_entity", "conflict"})]
    assert bureau.desk.conflicts.open() == []
    with pytest.raises(StaleRecord, match="已由陈敏处理"):
        bureau.desk.conflicts.resolve(conflict, Choice.OURS)


def test_keeping_the_hubs_value_says_it_again(bureau: Bureau) -> None:
    """So that another decision, made at the same time elsewhere, meets this one."""
    conflict = arise(bureau)
    bureau.desk.conflicts.resolve(conflict, "ours")
    assert shop(bureau)["address"] == SHOP["address"]
    runs = bureau.journal()
    assert [r.type for r in runs] == [1, 40]
    address = catalog.by_name("market_entity").by_name["address"]
    assert (runs[0].fields, runs[0].columns) == ([address.number], [[SHOP["address"]]])


def test_a_third_value_is_checked_like_any_input(bureau: Bureau) -> None:
    conflict = arise(bureau, field="established_on", ours_value="2020-01-02", theirs_value="2020-01-03")
    with pytest.raises(Rejected, match="不是日期"):
        bureau.desk.conflicts.resolve(conflict, Choice.OTHER, "去年")
    assert state(bureau, conflict)["state"] == "open"
    assert bureau.journal() == []
    bureau.desk.conflicts.resolve(conflict, Choice.OTHER, "20200104")
    assert str(shop(bureau)["established_on"]) == "2020-01-04"
    assert state(bureau, conflict)["resolution"] == "另行填写：2020-01-04"


def test_a_required_field_cannot_be_emptied(bureau: Bureau) -> None:
    conflict = arise(bureau, field="name", ours_value=SHOP["name"], theirs_value="别名")
    with pytest.raises(Rejected, match="请填写主体名称"):
        bureau.desk.conflicts.resolve(conflict, Choice.OTHER, " ")


def test_officers_may_look_but_not_decide(bureau: Bureau) -> None:
    conflict = arise(bureau)
    bureau.sign_in(roles=frozenset({"officer"}))
    assert not bureau.desk.conflicts.may_resolve()
    with pytest.raises(AccessDenied, match="没有处理冲突的权限"):
        bureau.desk.conflicts.resolve(conflict, Choice.THEIRS)
    assert shop(bureau)["address"] == SHOP["address"]
    bureau.sign_in(roles=frozenset({"hub_admin"}), bureau=OTHERS)
    bureau.desk.conflicts.resolve(conflict, Choice.THEIRS)
    assert shop(bureau)["address"] == "驿西路18号"


def test_a_decision_reaches_records_of_another_bureau(bureau: Bureau) -> None:
    permit = bureau.about_shop("permit", source=OTHERS)
    value = {"field": "content", "ours_value": "热食类食品制售", "theirs_value": "糕点类食品制售"}
    conflict = arise(bureau, record_type="permit", record_id=permit, **value)
    assert bureau.me.bureau == OURS
    bureau.desk.conflicts.resolve(conflict, Choice.THEIRS)
    row = bureau.desk.records.get(catalog.by_name("permit"), permit)
    assert row is not None and row.values["content"] == "糕点类食品制售"


def test_deleting_against_editing_ends_in_keeping_or_voiding(bureau: Bureau) -> None:
    permits = [bureau.about_shop("permit", document_no=f"许{i}") for i in range(2)]
    whole = {"record_type": "permit", "field": "-", "ours_value": "", "theirs_value": ""}
    conflicts = []
    for permit in permits:
        made = arise(bureau, **whole, record_id=permit)
        with bureau.store.write() as connection:
            connection.exec_driver_sql("UPDATE conflict SET field = '' WHERE id = ?", (made,))
        conflicts.append(made)
    detail = bureau.desk.conflicts.detail(conflicts[0])
    assert (detail.field, detail.choices) == (None, (Choice.KEEP, Choice.VOID))
    assert (detail.ours.text, detail.theirs.text) == ("修改后保留", "作废")
    with pytest.raises(InputError, match="不能这样处理"):
        bureau.desk.conflicts.resolve(conflicts[0], Choice.THEIRS)
    bureau.desk.conflicts.resolve(conflicts[0], Choice.KEEP)
    bureau.desk.conflicts.resolve(conflicts[1], Choice.VOID)
    declared = catalog.by_name("permit")
    assert bureau.desk.records.get(declared, permits[0]) is not None
    assert bureau.desk.records.get(declared, permits[1]) is None
    runs = bureau.journal()[-2:]
    assert [r.op for r in runs] == [Op.DELETE, Op.UPDATE]
    assert {r.cause for r in runs} == {f"resolve:{conflicts[1]}"}
    gone = arise(bureau, **whole, record_id=permits[1])
    with bureau.store.write() as connection:
        connection.exec_driver_sql("UPDATE conflict SET field = '' WHERE id = ?", (gone,))
    detail = bureau.desk.conflicts.detail(gone)
    assert (detail.choices, detail.ours.text) == ((Choice.KEEP, Choice.VOID), "已作废")
    bureau.desk.conflicts.resolve(gone, Choice.VOID)
    assert state(bureau, gone)["resolution"] == "作废记录"


def test_a_value_edited_since_is_pointed_out(bureau: Bureau) -> None:
    conflict = arise(bureau)
    declared = catalog.by_name("market_entity")
    row = bureau.desk.records.get(declared, SHOP_ID)
    assert row is not None
    bureau.desk.records.save(declared, bureau.desk.records.raw(declared, row) | {"address": "新址"}, SHOP_ID)
    detail = bureau.desk.conflicts.detail(conflict)
    assert (detail.moved, detail.current) == (True, "新址")


def test_two_records_with_one_number_end_in_one_voided_or_both_kept(bureau: Bureau) -> None:
    permits = [bureau.about_shop("permit", document_no="许1") for _ in range(2)]
    pair = {
        "record_type": "permit", "record_id": permits[0], "other_id": permits[1], "kind": "unique",
        "field": "authority_uscc,document_no", "field_title": "文书号重复",
    }  # fmt: skip
    conflict = arise(bureau, **pair)
    detail = bureau.desk.conflicts.detail(conflict)
    assert detail.choices == (Choice.OURS, Choice.THEIRS, Choice.BOTH)
    bureau.desk.conflicts.resolve(conflict, Choice.OURS, reason="重复录入")
    declared = catalog.by_name("permit")
    assert bureau.desk.records.get(declared, permits[0]) is not None
    assert bureau.desk.records.get(declared, permits[1]) is None
    ended = state(bureau, conflict)
    assert (ended["decision"], ended["reason"]) == ("ours", "重复录入")
    second = arise(bureau, **pair)
    assert bureau.desk.conflicts.detail(second).choices == (Choice.THEIRS, Choice.BOTH)
    bureau.desk.conflicts.resolve(second, "both", reason="两件事")
    assert bureau.desk.records.get(declared, permits[0]) is not None


def test_a_deleted_record_is_kept_with_what_the_other_side_had_changed(bureau: Bureau) -> None:
    permit = bureau.about_shop("permit", source=OURS, document_no="许1")
    declared = catalog.by_name("permit")
    bureau.desk.records.delete(declared, permit, "重复录入")
    whole = {"record_type": "permit", "field": "-", "record_id": permit, "kind": "deletion"}
    conflict = arise(bureau, **whole, edits='{"content":"糕点类食品制售"}')
    detail = bureau.desk.conflicts.detail(conflict)
    assert "糕点类食品制售" in detail.theirs.text
    bureau.desk.conflicts.resolve(conflict, detail.meant(Choice.THEIRS))
    row = bureau.desk.records.get(declared, permit)
    assert row is not None and row.values["content"] == "糕点类食品制售"


def test_many_need_a_reason_and_leave_what_cannot_be_decided_so(bureau: Bureau) -> None:
    good, strange = arise(bureau), arise(bureau, record_type="market_entity", record_id="f" * 32)
    with pytest.raises(Rejected, match="请填写处理理由"):
        bureau.desk.conflicts.resolve_many([good], Choice.THEIRS, " ")
    done = bureau.desk.conflicts.resolve_many([good, strange], Choice.THEIRS, "现场核实")
    assert done.done == 1 and len(done.left) == 1
    assert state(bureau, good)["reason"] == "现场核实" and state(bureau, strange)["state"] == "open"
