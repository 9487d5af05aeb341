"""外部资源单位: laboratories, law and audit firms, banks … (R10)."""

from __future__ import annotations

from datetime import date

from shared.fields import code, date_, note, text
from shared.identifiers import check_phone, check_uscc
from shared.record import COMMON, record_type


@record_type(
    "external_unit",
    "外部资源单位",
    number=5,
    label="name",
    group="list",
    partitions=(COMMON,),
    table_order="name",
    unique=(("uscc", "kind"),),
    requirement="R10",
)
class ExternalUnit:
    """A unit outside the administration that supervision may call upon."""

    name: str = text(
        10, "单位名称", required=True, max=200, search=True, column=True, example="青穗食品检验检测中心"
    )
    kind: str = code(
        11, "单位类型", "外部单位类型", required=True, column=True, index=True, example="食品检验检测机构"
    )
    uscc: str | None = text(12, "统一社会信用代码", check=check_uscc, search=True, column=True)
    qualification: str | None = text(13, "资质名称及编号", max=200, column=True)
    qualified_until: date | None = date_(14, "资质有效期至", column=True)
    abilities: str | None = note(15, "业务范围", max=2000)
    address: str | None = text(16, "地址", max=300, group="联络方式")
    contact: str | None = text(17, "联系人", max=50, column=True, group="联络方式")
    phone: str | None = text(
        18, "联系电话", max=50, check=check_phone, personal=True, column=True, group="联络方式"
    )
    remark: str | None = note(19, "备注", max=512)
