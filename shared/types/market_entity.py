"""市场主体: the registered business every other record is about."""

from __future__ import annotations

from datetime import date

from shared.errors import Level
from shared.fields import code, date_, money, note, text
from shared.identifiers import check_registration_no, check_uscc
from shared.record import OWN_BUREAU, in_division, record_type
from shared.rules import in_order, not_negative, required_when


@record_type(
    "market_entity",
    "市场主体",
    number=1,
    key=("uscc",),
    label="name",
    group="registry",
    partitions=(OWN_BUREAU, in_division("division")),
    table_order="",
    requirement="R39 R173",
    attachments=True,
)
class MarketEntity:
    """A registered business, identified by its 统一社会信用代码 (GB 32100-2015)."""

    uscc: str = text(
        10, "统一社会信用代码", required=True, check=check_uscc, search=True, column=True,
        example="91310113XN12345667", hint="18 位，填入后自动带出已有信息",
    )  # fmt: skip
    name: str = text(
        11, "主体名称", required=True, max=200, search=True, column=True, example="上海宝山青穗餐饮有限公司"
    )
    entity_type: str | None = code(12, "主体类型", "市场主体类型", column=True, example="1130")
    status: str = code(
        13, "登记状态", "登记状态", required=True, column=True, index=True, default="1", example="存续"
    )
    legal_person: str | None = text(14, "法定代表人", max=50, column=True, example="言初")
    legal_person_id: str | None = text(15, "法定代表人证件号码", max=64, personal=True)
    registered_capital: int | None = money(16, "注册资本", unit="万元", group="登记信息", example="50")
    established_on: date | None = date_(17, "成立日期", column=True, group="登记信息", example="2019-03-18")
    industry: str | None = code(
        18, "行业代码", "行业代码", index=True, group="登记信息", example="62", hint="门类或大类"
    )
    division: str = code(
        19, "行政区划", "行政区划", required=True, index=True, group="登记信息", example="310113"
    )
    street: str | None = text(20, "所属街镇", max=50, group="登记信息")
    address: str | None = text(21, "住所", max=300, column=True, group="登记信息")
    scope: str | None = note(22, "经营范围", max=4000, group="登记信息")
    registry_office: str | None = text(23, "登记机关", max=100, group="登记信息")
    phone: str | None = text(24, "联系电话", max=50, personal=True, group="其他")
    registration_no: str | None = text(25, "工商注册号", max=50, check=check_registration_no, group="其他")
    revoked_on: date | None = date_(26, "注销或吊销日期", group="其他")

    lifetime = in_order("established_on", "revoked_on", "注销或吊销日期不得早于成立日期")
    amount = not_negative("registered_capital")
    revoked = required_when(
        "status", ("2", "3", "4"), "revoked_on", "已注销、撤销或吊销的主体宜填注销或吊销日期", Level.WARN
    )
