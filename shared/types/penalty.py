"""行政处罚: the 30 fields of 双公示 and the penalty item it rests on (R2, R4, R14)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from shared.errors import Level, Problem
from shared.fields import Merge, code, codes, date_, money, note, ref, text
from shared.identifiers import check_org_code, check_registration_no, check_uscc
from shared.record import OWN_BUREAU, in_division_of, record_type, rule, warn
from shared.rules import LEGAL, NATURAL, TRADER, id_card_when, in_order, not_negative, required_when

PARTY, CASE, DECISION, SOURCE = "行政相对人", "违法情况", "处罚决定", "机关与来源"
FINE, CONFISCATION, WITHHOLDING, OTHER = "02", "03", "05", "99"


@record_type(
    "penalty",
    "行政处罚",
    number=11,
    label="document_no",
    about="entity_id",
    partitions=(OWN_BUREAU, in_division_of("entity_id")),
    unique=(("authority_uscc", "document_no", "party_name"),),
    requirement="R14",
    attachments=True,
)
class Penalty:
    """One decision that punishes one party (发改办财金〔2018〕424号)."""

    party_name: str = text(
        10, "行政相对人名称", required=True, max=200, search=True, column=True, group=PARTY,
        standard="CF_XDR_MC", example="上海宝山青穗餐饮有限公司",
    )  # fmt: skip
    party_kind: str = code(
        11, "行政相对人类别", "行政相对人类别", required=True, column=True, group=PARTY,
        standard="CF_XDR_LB", example=LEGAL,
    )  # fmt: skip
    uscc: str | None = text(
        12, "统一社会信用代码", check=check_uscc, search=True, column=True, index=True, group=PARTY,
        standard="CF_XDR_SHXYM", example="91310113XN12345667", hint="法人、非法人组织和个体工商户必填",
    )  # fmt: skip
    registration_no: str | None = text(
        13, "工商注册号", max=50, check=check_registration_no, group=PARTY, standard="CF_XDR_GSZC"
    )
    org_code: str | None = text(
        14, "组织机构代码", max=9, check=check_org_code, group=PARTY, standard="CF_XDR_ZZJG"
    )
    tax_no: str | None = text(15, "税务登记号", max=15, group=PARTY, standard="CF_XDR_SWDJ")
    institution_no: str | None = text(16, "事业单位证书号", max=12, group=PARTY, standard="CF_XDR_SYDW")
    association_no: str | None = text(17, "社会组织登记证号", max=50, group=PARTY, standard="CF_XDR_SHZZ")
    legal_person: str | None = text(
        18, "法定代表人", max=50, group=PARTY, standard="CF_FRDB", example="言初", hint="法人必填"
    )
    legal_person_id_type: str | None = code(
        19, "法定代表人证件类型", "证件类型", group=PARTY, standard="CF_FR_ZJLX"
    )
    legal_person_id: str | None = text(
        20, "法定代表人证件号码", max=64, personal=True, group=PARTY, standard="CF_FR_ZJHM"
    )
    person_id_type: str | None = code(
        21, "自然人证件类型", "证件类型", group=PARTY, standard="CF_XDR_ZJLX", hint="自然人必填"
    )
    person_id: str | None = text(
        22, "自然人证件号码", max=64, personal=True, group=PARTY, standard="CF_XDR_ZJHM",
        hint="自然人必填，公示时隐去",
    )  # fmt: skip
    document_no: str = text(
        23, "行政处罚决定书文号", required=True, max=128, search=True, column=True, group=DECISION,
        standard="CF_WSH", example="宝罚〔2026〕0001号",
    )  # fmt: skip
    offence: str = note(
        24, "违法行为类型", required=True, max=2000, group=CASE, standard="CF_WFXW",
        example="未按规定公示食品经营许可证",
    )  # fmt: skip
    facts: str = note(
        25, "违法事实", required=True, max=5000, group=CASE, standard="CF_SY",
        example="2026年4月8日检查发现经营场所未公示许可证",
    )  # fmt: skip
    basis: str = note(
        26, "处罚依据", required=True, max=2048, group=CASE, standard="CF_YJ",
        example="《食品经营许可和备案管理办法》",
    )  # fmt: skip
    categories: str = codes(
        27, "处罚类别", "处罚类别", required=True, column=True, max=100, group=DECISION,
        standard="CF_CFLB", merge=Merge.ASK, example="警告；罚款", hint="可多选，用分号隔开",
    )  # fmt: skip
    content: str = note(
        28, "处罚内容", required=True, max=4000, group=DECISION, standard="CF_NR",
        example="警告，罚款人民币2000元",
    )  # fmt: skip
    fine: int | None = money(
        29, "罚款金额", unit="万元", column=True, group=DECISION, standard="CF_NR_FK", example="0.2",
        hint="单位万元；处罚类别含罚款时必填",
    )  # fmt: skip
    confiscated: int | None = money(
        30, "没收违法所得、没收非法财物的金额", unit="万元", group=DECISION, standard="CF_NR_WFFF",
        hint="单位万元；处罚类别含没收时必填",
    )  # fmt: skip
    withheld_licence: str | None = text(
        31, "暂扣或吊销证照名称及编号", max=200, group=DECISION, standard="CF_NR_ZKDX",
        hint="处罚类别含暂扣或者吊销时必填",
    )  # fmt: skip
    decided_on: date = date_(
        32, "处罚决定日期", required=True, column=True, index=True, group=DECISION, standard="CF_JDRQ",
        example="2026-05-01",
    )  # fmt: skip
    valid_to: date = date_(
        33, "处罚有效期", required=True, group=DECISION, standard="CF_YXQ", example="2027-05-01"
    )
    published_until: date | None = date_(
        34, "公示截止期", group=DECISION, standard="CF_GSJZQ", example="2027-05-01"
    )
    authority: str = text(
        35,
        "处罚机关",
        required=True,
        max=200,
        group=SOURCE,
        standard="CF_CFJG",
        example="宝山区市场监督管理局",
    )
    authority_uscc: str = text(
        36, "处罚机关统一社会信用代码", required=True, check=check_uscc, group=SOURCE,
        standard="CF_CFJGDM", example="11310113XN00000122",
    )  # fmt: skip
    data_source: str = text(
        37, "数据来源单位", required=True, max=200, group=SOURCE, standard="CF_SJLY",
        example="宝山区市场监督管理局",
    )  # fmt: skip
    data_source_uscc: str = text(
        38, "数据来源单位统一社会信用代码", required=True, check=check_uscc, group=SOURCE,
        standard="CF_SJLYDM", example="11310113XN00000122",
    )  # fmt: skip
    remark: str | None = note(39, "备注", max=512, group=SOURCE, standard="BZ")
    item: str = ref(
        40, "处罚事项", "penalty_item", required=True, index=True, group=CASE, example="CF0001",
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
    fine_given = required_when("categories", (FINE,), "fine", "处罚类别含罚款，请填罚款金额（万元）")
    confiscation_given = required_when(
        "categories", (CONFISCATION,), "confiscated", "处罚类别含没收，请填没收金额（万元）"
    )
    licence_given = required_when(
        "categories", (WITHHOLDING,), "withheld_licence", "处罚类别含暂扣或者吊销，请填证照名称及编号"
    )
    other_noted = required_when(
        "categories", (OTHER,), "remark", "处罚类别为其他，请在备注中注明", Level.WARN
    )
    amounts = not_negative("fine", "confiscated")
    term = in_order("decided_on", "valid_to", "处罚有效期不得早于处罚决定日期")
    publicity = in_order("decided_on", "published_until", "公示截止期不得早于处罚决定日期")

    @rule("categories", "fine")
    def fine_fits(self) -> Iterator[Problem]:
        chosen = FINE in self.categories.split(",")
        if chosen and self.fine == 0:
            yield Problem("fine", "处罚类别含罚款，罚款金额应大于 0（单位万元）")
        elif not chosen and self.fine:
            yield warn("fine", "填了罚款金额，而处罚类别不含罚款，请核对")
        elif self.fine is not None and self.fine >= 10_000_000_000:
            yield warn("fine", "罚款金额达 1 亿元以上，请核对单位是万元还是元")

    @rule("categories", "confiscated")
    def confiscation_fits(self) -> Iterator[Problem]:
        if self.confiscated and CONFISCATION not in self.categories.split(","):
            yield warn("confiscated", "填了没收金额，而处罚类别不含没收，请核对")
