"""席位账号: an account that may work on a device; the hub believes a device for no other."""

from __future__ import annotations

from shared.fields import ref, text, time_
from shared.lifecycle import Lifecycle, State, Transition
from shared.record import ADMIN, OWN_BUREAU, in_bureau, record_type

_ADMINISTRATORS = ("bureau_admin", "hub_admin")

LIFECYCLE = Lifecycle(
    "state",
    (State("active", "在用", "good"), State("removed", "已移除", "off")),
    (
        Transition("remove", "移除", ("active",), "removed", _ADMINISTRATORS),
        Transition("put_back", "重新启用", ("removed",), "active", _ADMINISTRATORS),
    ),
    at="设置 › 本机账号",
)


@record_type(
    "seat_account",
    "席位账号",
    number=50,
    key=("device", "user"),
    label="user",
    group="system",
    partitions=(OWN_BUREAU, in_bureau("bureau"), ADMIN),
    lifecycle=LIFECYCLE,
    table_order="device",
    made_by="设置 › 本机账号",
    requirement="R195 R196",
)
class SeatAccount:
    """The first account comes with the enrolment; further ones are put there by an administrator.

    To each belongs a key in the key file of that computer, which no form makes.
    """

    device: str = ref(10, "席位", "device", required=True, must_exist=False, column=True, index=True)
    user: str = ref(11, "账号", "user", required=True, must_exist=False, column=True, index=True)
    bureau: str = ref(12, "席位所在单位", "bureau", required=True, column=True, index=True)
    granted_by: str | None = ref(13, "批准人", "user", must_exist=False, column=True)
    granted_at: str = time_(14, "批准时间", required=True, column=True, example="2026-05-06 09:00")
    state: str = text(15, "状态", max=20, form=False, sheet=False, default="active", column=True, index=True)
