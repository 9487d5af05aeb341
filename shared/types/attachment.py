"""附件: a photo, scan or document that belongs to a record (R97, R107)."""

from __future__ import annotations

from collections.abc import Iterator

from shared.attachments import (
    MAX_FILE,
    MAX_FILE_WORDS,
    PDF,
    check_media_type,
    check_sha256,
    pieces_of,
)
from shared.errors import Problem
from shared.fields import integer, note, ref, text, time_
from shared.record import record_type, rule

WHOSE, FILE, TAKING = "所属", "文件", "拍摄"


@record_type(
    "attachment",
    "附件",
    number=45,
    label="title",
    about="entity_id",
    group="work",
    table_order="-taken_at",
    requirement="R97 R107",
)
class Attachment:
    """What stands about a content everywhere at once; the content itself follows in pieces."""

    record_type: str = text(10, "所属类型", required=True, max=50, group=WHOSE, example="inspection")
    record_id: str = text(
        11, "所属记录", required=True, max=32, index=True, group=WHOSE, example="0198a1b2c3d40000"
    )
    entity_id: str | None = ref(12, "市场主体", "market_entity", must_exist=False, group=WHOSE)
    title: str = text(
        13, "名称", required=True, max=100, search=True, column=True, group=FILE, example="后厨地面"
    )
    file_name: str = text(
        14, "文件名", required=True, max=200, column=True, group=FILE, example="IMG_0388.jpg"
    )
    media_type: str = text(
        15, "文件类型", required=True, max=100, group=FILE, example=PDF
    )
    size: int = integer(16, "大小（字节）", required=True, column=True, group=FILE, example="1300000")
    sha256: str = text(
        17, "内容校验值", required=True, index=True, group=FILE, example="ab" * 32
    )
    pieces: int = integer(18, "片数", required=True, group=FILE, example="2")
    taken_at: str | None = time_(19, "拍摄时间", column=True, group=TAKING, example="2026-05-06 09:40")
    taken_by: str | None = ref(20, "拍摄人", "user", must_exist=False, column=True, group=TAKING)
    note: str | None = note(21, "说明", max=500, group=TAKING)

    @rule("media_type")
    def allowed(self) -> Iterator[Problem]:
        if (complaint := check_media_type(self.media_type)) is not None:
            yield Problem("media_type", complaint)

    @rule("sha256")
    def hashed(self) -> Iterator[Problem]:
        if (complaint := check_sha256(self.sha256)) is not None:
            yield Problem("sha256", complaint)

    @rule("size")
    def bounded(self) -> Iterator[Problem]:
        if not 0 < self.size <= MAX_FILE:
            yield Problem("size", f"附件不能为空，也不能超过 {MAX_FILE_WORDS}")

    @rule("size", "pieces")
    def counted(self) -> Iterator[Problem]:
        if self.pieces != pieces_of(self.size):
            yield Problem("pieces", "片数与大小不符，请重新添加这个附件")
