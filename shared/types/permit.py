"""行政许可: the 28 fields of 双公示 and the approval item it rests on (R1, R4, R13)."""

from __future__ import annotations

from datetime import date

from shared.errors import Level
from shared.fields import code, date_, note, ref, text
from shared.identifiers import check_org_code, check_registration_no, check_uscc
from shared.record import OWN_BUREAU, in_division_of, record_type
from shared.rules import LEGAL, NATURAL, TRADER, id_card_when, in_order, required_when

PARTY, DECISION, SOURCE = "行政相对人", "许可决定", "机关与来源"


@record_type(
    "permit",
    "行政许可",
    number=10,
    label="document_no",
    about="entity_id",
    partitions=(OWN_BUREAU, in_division_of("entity_id")),
    unique=(("authority_uscc", "document_no", "party_name", "item"),),
    requirement="R13",
    attachments=True,
)
class Permit:
    """One decision that permits something to one party (发改办财金〔2018〕424号)."""

    party_name: str = text(
        10, "行政相对人名称", required=True, max=200, search=True, column=True, group=PARTY,
        standard="XK_XDR_MC", example="上海宝山青穗餐饮有限公司",
    )  # fmt: skip
    party_kind: str = code(
        11, "行政相对人类别", "行政相对人类别", required=True, column=True, group=PARTY,
        standard="XK_XDR_LB", example=LEGAL,
    )  # fmt: skip
    uscc: str | None = text(
        12, "统一社会信用代码", check=check_uscc, search=True, column=True, index=True, group=PARTY,
        standard="XK_XDR_SHXYM", example="91310113XN12345667", hint="法人、非法人组织和个体工商户必填",
    )  # fmt: skip
    registration_no: str | None = text(
        13, "工商注册号", max=50, check=check_registration_no, group=PARTY, standard="XK_XDR_GSZC"
    )
    org_code: str | None = text(
        14, "组织机构代码", max=9, check=check_org_code, group=PARTY, standard="XK_XDR_ZZJG"
    )
    tax_no: str | None = text(15, "税务登记号", max=15, group=PARTY, standard="XK_XDR_SWDJ")
    institution_no: str | None = text(16, "事业单位证书号", max=12, group=PARTY, standard="XK_XDR_SYDW")
    association_no: str | None = text(17, "社会组织登记证号", max=50, group=PARTY, standard="XK_XDR_SHZZ")
    legal_person: str | None = text(
        18, "法定代表人", max=50, group=PARTY, standard="XK_FRDB", example="言初", hint="法人必填"
    )
    legal_person_id_type: str | None = code(
        19, "法定代表人证件类型", "证件类型", group=PARTY, standard="XK_FR_ZJLX"
    )
    legal_person_id: str | None = text(
        20, "法定代表人证件号码", max=64, personal=True, group=PARTY, standard="XK_FR_ZJHM"
    )
    person_id_type: str | None = code(
        21, "自然人证件类型", "证件类型", group=PARTY, standard="XK_XDR_ZJLX", hint="自然人必填"
    )
    person_id: str | None = text(
        22, "自然人证件号码", max=64, personal=True, group=PARTY, standard="XK_XDR_ZJHM",
        hint="自然人必填，公示时隐去",
    )  # fmt: skip
    document_name: str = text(
        23, "行政许可决定文书名称", required=True, max=64, group=DECISION, standard="XK_XKWS",
        example="食品经营许可决定书",
    )  # fmt: skip
    document_no: str = text(
        24, "行政许可决定文书号", required=True, max=64, search=True, column=True, group=DECISION,
        standard="XK_WSH", example="宝许〔2026〕0001号",
    )  # fmt: skip
    category: str = code(
        25, "许可类别", "许可类别", required=True, column=True, group=DECISION, standard="XK_XKLB",
        example="普通",
    )  # fmt: skip
    licence_name: str | None = text(
        26, "许可证书名称", max=64, group=DECISION, standard="XK_XKZS", example="食品经营许可证"
    )
    licence_no: str | None = text(
        27, "许可编号", max=64, group=DECISION, standard="XK_XKBH", example="JY23101130000001"
    )
    content: str = note(
        28, "许可内容", required=True, max=4000, group=DECISION, standard="XK_NR", example="热食类食品制售"
    )
    decided_on: date = date_(
        29, "许可决定日期", required=True, column=True, index=True, group=DECISION, standard="XK_JDRQ",
        example="2026-05-01",
    )  # fmt: skip
    valid_from: date = date_(
        30, "有效期自", required=True, group=DECISION, standard="XK_YXQZ", example="2026-05-01"
    )
    valid_to: date = date_(
        31, "有效期至", required=True, column=True, index=True, group=DECISION, standard="XK_YXQZI",
        example="2031-04-30", hint="无期限填“长期”",
    )  # fmt: skip
    authority: str = text(
        32,
        "许可机关",
        required=True,
        max=200,
        group=SOURCE,
        standard="XK_XKJG",
        example="宝山区市场监督管理局",
    )
    authority_uscc: str = text(
        33, "许可机关统一社会信用代码", required=True, check=check_uscc, group=SOURCE,
        standard="XK_XKJGDM", example="11310113XN00000122",
    )  # fmt: skip
    status: str = code(
        34, "当前状态", "许可状态", required=True, column=True, default="1", group=SOURCE,
        standard="XK_ZT", example="有效",
    )  # fmt: skip
    data_source: str = text(
        35, "数据来源单位", required=True, max=200, group=SOURCE, standard="XK_LYDW",
        example="宝山区市场监督管理局",
    )  # fmt: skip
    data_source_uscc: str = text(
        36, "数据来源单位统一社会信用代码", required=True, check=check_uscc, group=SOURCE,
        standard="XK_LYDWDM", example="11310113XN00000122",
    )  # fmt: skip
    remark: str | None = note(37, "备注", max=512, group=SOURCE, standard="BZ")
    item: str = ref(
        40, "审批事项", "approval_item", required=True, index=True, group=DECISION, example="SP0001",
        hint="只能选清单内的事项，填事项编码或名称",
    )  # fmt: skip
    entity_id: str | None = ref(
        41, "市场主体", "market_entity", derive_from="uscc", must_exist=False, index=True
    )

    party_code = required_when(
        "party_kind", (LEGAL, TRADER), "uscc", "法人、非法人组织和个体工商户请填统一社会信用代码"
    )
    party_head = required_when("party_kind", (LEGAL,), "legal_person", "法人及非法人组织请填法定代表人")
    person_type = required_when("party_kind", (NATURAL,), "person_id_type", "自然人请填自然人证件类型")
    person_number = required_when("party_kind", (NATURAL,), "person_id", "自然人请填自然人证件号码")
    person_card = id_card_when("person_id_type", "person_id")
    head_card = id_card_when("legal_person_id_type", "legal_person_id")
    period = in_order("valid_from", "valid_to", "有效期至不得早于有效期自")
    decided_in_time = in_order("decided_on", "valid_to", "有效期至不得早于许可决定日期")
    decided_first = in_order(
        "decided_on", "valid_from", "有效期自早于许可决定日期，请核对是否追溯生效", Level.WARN
    )
