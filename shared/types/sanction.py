"""惩戒信息: a joint-punishment item against an entity or a person (R16, R128, R129)."""

from __future__ import annotations

from datetime import date

from shared.errors import Level
from shared.fields import code, date_, note, ref, text
from shared.identifiers import check_phone, check_registration_no, check_uscc
from shared.lifecycle import Lifecycle, State, Transition
from shared.record import COMMON, record_type
from shared.rules import id_card_when, in_order, required_when

OBJECT, BREACH, MEASURE, LIFTING = "失信对象", "失信事实", "惩戒措施", "解除"
COMPANY, PERSON = "1", "2"

LIFECYCLE = Lifecycle(
    "state",
    (State("in_force", "惩戒中", "bad"), State("lifted", "已解除", "off")),
    (Transition("lift", "解除", ("in_force",), "lifted", needs=("lift_reason", "lifted_on")),),
)


@record_type(
    "sanction",
    "惩戒信息",
    number=13,
    label="name",
    about="entity_id",
    partitions=(COMMON,),
    lifecycle=LIFECYCLE,
    requirement="R16 R128 R129",
    attachments=True,
)
class Sanction:
    """Everybody must be able to look it up before granting anything, so it is common."""

    party_kind: str = code(
        10, "失信对象类别", "失信对象类别", required=True, column=True, group=OBJECT, example="失信市场主体"
    )
    name: str = text(
        11, "名称或姓名", required=True, max=200, search=True, column=True, group=OBJECT,
        example="上海宝山青穗餐饮有限公司",
    )  # fmt: skip
    uscc: str | None = text(
        12, "统一社会信用代码", check=check_uscc, search=True, column=True, index=True, group=OBJECT,
        example="91310113XN12345667", hint="失信市场主体必填；失信个人填其任职主体，可空",
    )  # fmt: skip
    registration_no: str | None = text(13, "工商注册号", max=50, check=check_registration_no, group=OBJECT)
    person_id_type: str | None = code(14, "证件类型", "证件类型", group=OBJECT, hint="失信个人必填")
    person_id: str | None = text(
        15, "证件号码", max=64, personal=True, search=True, group=OBJECT, hint="失信个人必填"
    )
    person_role: str | None = text(16, "人员类别", max=50, group=OBJECT, hint="如法定代表人、股东")
    breach: str = text(
        17, "违法违规名称", required=True, max=300, column=True, group=BREACH, example="拒不履行生效判决"
    )
    place: str | None = text(18, "发生地点", max=300, group=BREACH)
    occurred_on: date | None = date_(19, "发生时间", group=BREACH, example="2026-03-02")
    details: str | None = note(20, "监管处罚详情", max=4000, group=BREACH)
    measures: str = note(
        21, "惩戒措施", required=True, max=2000, group=MEASURE, example="限制参与政府采购；限制享受财政扶持"
    )
    basis: str | None = note(22, "法律依据", max=2000, group=MEASURE)
    valid_from: date = date_(
        23, "惩戒期限自", required=True, column=True, group=MEASURE, example="2026-05-01"
    )
    valid_to: date = date_(
        24, "惩戒期限至", required=True, column=True, index=True, group=MEASURE, example="2029-04-30",
        hint="终身有效填“长期”",
    )  # fmt: skip
    authority: str = text(
        25, "处罚机关", required=True, max=200, column=True, group=MEASURE, example="宝山区人民法院"
    )
    authority_department: str | None = text(26, "处罚部门", max=200, group=MEASURE)
    receivers: str | None = text(27, "信息接收部门", max=500, group=MEASURE)
    contact: str | None = text(28, "联络人", max=50, group=MEASURE)
    contact_phone: str | None = text(29, "联络电话", max=50, check=check_phone, group=MEASURE)
    state: str = text(
        30, "状态", max=20, form=False, sheet=False, default="in_force", column=True, index=True
    )
    lift_reason: str | None = note(31, "解除原因", max=1000, form=False, sheet=False, group=LIFTING)
    lifted_on: date | None = date_(32, "解除日期", form=False, sheet=False, group=LIFTING)
    entity_id: str | None = ref(
        33, "市场主体", "market_entity", derive_from="uscc", must_exist=False, index=True
    )

    company_code = required_when("party_kind", (COMPANY,), "uscc", "失信市场主体请填统一社会信用代码")
    person_type = required_when("party_kind", (PERSON,), "person_id_type", "失信个人请填证件类型")
    person_number = required_when("party_kind", (PERSON,), "person_id", "失信个人请填证件号码")
    person_card = id_card_when("person_id_type", "person_id")
    term = in_order("valid_from", "valid_to", "惩戒期限至不得早于惩戒期限自")
    sequence = in_order("occurred_on", "valid_from", "惩戒期限自早于发生时间，请核对", Level.WARN)
