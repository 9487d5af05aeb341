"""介质交接单: what was written to a medium, and whether it arrived (R31, N1)."""

from __future__ import annotations

from shared.fields import Merge, code, integer, note, ref, text, time_
from shared.lifecycle import Lifecycle, State, Transition
from shared.record import ADMIN, OWN_BUREAU, record_type
from shared.rules import not_negative

_ROLES = ("officer", "bureau_admin", "hub_admin")
MEDIUM, CONTENT, COURSE = "介质", "交换包", "交接"
ATTACHMENTS = "附件"
"""How the content of a package of attachments begins."""
IN_ITSELF = "随包"
"""Fingerprint of a package that holds this very record, until the hub fills it in."""

LIFECYCLE = Lifecycle(
    "state",
    (
        State("handed_over", "已交出", "wait"),
        State("arrived", "已送达", "good"),
        State("lost", "已丢失", "bad"),
    ),
    (
        Transition("arrive", "送达", ("handed_over", "lost"), "arrived", _ROLES, ("arrived_at",)),
        Transition("lose", "报失", ("handed_over",), "lost", _ROLES, ("lost_reason", "lost_at")),
    ),
    at="介质交换",
)


@record_type(
    "hand_over",
    "介质交接单",
    number=48,
    label="medium_no",
    group="system",
    partitions=(OWN_BUREAU, ADMIN),
    lifecycle=LIFECYCLE,
    table_order="-handed_at",
    requirement="R31 R43",
    paper=True,
)
class HandOver:
    """Kept for every export to a medium; the hub notes “送达” (ADR 0025).

    Hub and receiver may both note an arrival. ``arrived_at`` stays empty when the content came by
    another way and the medium itself never did.
    """

    medium: str | None = ref(10, "介质", "medium", must_exist=False, group=MEDIUM)
    medium_kind: str = code(11, "介质类型", "介质类型", required=True, column=True, group=MEDIUM, example="1")
    medium_no: str = text(
        12, "介质编号", required=True, max=100, search=True, column=True, group=MEDIUM, example="U-2026-001"
    )
    content: str = text(13, "内容", required=True, max=50, column=True, group=CONTENT, example="上报变更")
    package_id: str = text(14, "交换包号", required=True, max=100, search=True, index=True, group=CONTENT,
                           example="018f4a2b3c0000000000000000000001")  # fmt: skip
    fingerprint: str = text(
        15, "交换包指纹", required=True, max=128, search=True, group=CONTENT, example="7C1E 0A55 93D2 41BF"
    )
    file_name: str | None = text(16, "文件名", max=255, group=CONTENT)
    sets: int | None = integer(17, "变更集", group=CONTENT, example="2")
    changes: int | None = integer(18, "变更", group=CONTENT, example="40")
    bytes: int = integer(19, "字节", required=True, default=0, group=CONTENT, example="40960")
    first_seq: int | None = integer(20, "起始变更序号", group=CONTENT)
    last_seq: int | None = integer(21, "截止变更序号", group=CONTENT)
    again_of: str | None = text(22, "重新导出自", max=100, group=CONTENT)
    sent_from: str = text(23, "移交单位", required=True, max=200, column=True, group=COURSE, example="文旅局")
    sent_to: str = text(24, "接收单位", required=True, max=200, column=True, group=COURSE, example="中心")
    person: str | None = ref(25, "经办人", "user", must_exist=False, column=True, group=COURSE)
    handed_at: str = time_(
        26, "交出时间", required=True, column=True, index=True, group=COURSE, example="2026-05-06 16:30"
    )
    state: str = text(
        27, "状态", max=20, form=False, sheet=False, default="handed_over", column=True, index=True,
        merge=Merge.LATEST,
    )  # fmt: skip
    arrived_at: str | None = time_(
        28, "送达时间", form=False, sheet=False, group=COURSE, merge=Merge.LATEST
    )
    lost_reason: str | None = note(29, "丢失原因", max=1000, form=False, sheet=False, group=COURSE)
    lost_at: str | None = time_(30, "报失时间", form=False, sheet=False, group=COURSE)

    counts = not_negative("sets", "changes", "bytes")
