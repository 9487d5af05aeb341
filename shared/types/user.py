"""用户: an account of the platform (R196)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shared.errors import Problem
from shared.fields import Merge, codes, ref, text
from shared.identifiers import check_phone
from shared.lifecycle import Lifecycle, State, Transition
from shared.record import ADMIN, in_bureau, record_type, rule

LIFECYCLE = Lifecycle(
    "state",
    (State("active", "正常", "good"), State("frozen", "已冻结", "off")),
    (
        Transition("freeze", "冻结", ("active",), "frozen", ("bureau_admin", "hub_admin")),
        Transition("thaw", "解冻", ("frozen",), "active", ("bureau_admin", "hub_admin")),
    ),
)


@record_type(
    "user",
    "用户",
    number=3,
    label="name",
    group="system",
    partitions=(in_bureau("bureau"), ADMIN),
    unique=(("account",),),
    lifecycle=LIFECYCLE,
    table_order="account",
    requirement="R196 R197",
)
class User:
    """An account. Passwords are never here: they wrap a key on each device."""

    account: str = text(
        10, "账号", required=True, max=50, search=True, column=True, example="chenmin",
        hint="字母、数字或汉字，不含空格",
    )  # fmt: skip
    name: str = text(11, "姓名", required=True, max=50, search=True, column=True, example="陈敏")
    bureau: str = ref(12, "所属单位", "bureau", required=True, column=True, index=True)
    roles: str = codes(
        13, "角色", "用户角色", required=True, column=True, merge=Merge.ASK, example="监管人员"
    )
    phone: str | None = text(14, "手机号码", max=50, check=check_phone, personal=True)
    email: str | None = text(15, "电子邮箱", max=100, personal=True)
    state: str = text(16, "状态", max=20, form=False, sheet=False, default="active", column=True, index=True)

    @rule("account")
    def account_form(self) -> Iterator[Problem]:
        if not re.fullmatch(r"[\w.@-]{2,50}", self.account):
            yield Problem("account", "账号为 2 至 50 个字母、数字或汉字，不含空格和其他符号")

    @rule("email")
    def email_form(self) -> Iterator[Problem]:
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", self.email or ""):
            yield Problem("email", "电子邮箱格式不对，应如 name@example.com")
