"""One attachment as windows show it: whose it is, and how far its content has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from desktop.work.records import Row
from shared import attachments as kinds
from shared.store.pieces import ContentRow

TO_SEND, MOVING, PROVING, DELIVERED, ARCHIVED, TO_FETCH, AWAITED = (
    "待传", "传输中", "待核验", "已入库", "已归档", "待下载", "待对方上传",
)  # fmt: skip
TONE_OF = {
    TO_SEND: "wait", MOVING: "accent", PROVING: "wait", DELIVERED: "good", ARCHIVED: "good",
    TO_FETCH: "off", AWAITED: "off",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Attached:
    """One attachment for a window.

    :param state: state word; ``percent`` while it is on its way.
    :param here: its content is on this device, whole.
    """

    id: str
    title: str
    file_name: str
    kind: str
    media_type: str
    sha256: str
    size: int
    state: str
    percent: int
    here: bool
    taken_at: str
    person: str
    values: dict[str, Any]

    @property
    def state_text(self) -> str:
        """The word as it stands under the picture."""
        return f"{self.state} {self.percent}%" if self.state == MOVING else self.state

    @property
    def is_picture(self) -> bool:
        """Whether there is a small picture of it."""
        return self.media_type in kinds.IMAGES


def view(
    row: Row, found: ContentRow | None, here: int, there: int, people: Mapping[str, str]
) -> Attached:
    """A record of an attachment for a window.

    :param here: pieces on this device; :param there: pieces at the hub, as last heard.
    :param people: names of accounts.
    """
    values = row.values
    state, percent = state_of(found, here, there)
    return Attached(
        id=row.id,
        title=str(values["title"]),
        file_name=str(values["file_name"]),
        kind=kinds.KIND_WORDS.get(str(values["media_type"]), "文件"),
        media_type=str(values["media_type"]),
        sha256=str(values["sha256"]),
        size=int(values["size"] or 0),
        state=state,
        percent=percent,
        here=bool(found and found.whole),
        taken_at=str(values.get("taken_at") or ""),
        person=people.get(str(values.get("taken_by") or ""), ""),
        values=dict(values),
    )


def state_of(found: ContentRow | None, here: int, there: int) -> tuple[str, int]:
    """State word and per cent."""
    if found is None:
        return TO_FETCH, 0
    if found.whole:
        if found.delivered:
            return (ARCHIVED if found.archived else DELIVERED), 100
        if there == 0:
            return TO_SEND, 0
        return (PROVING, 100) if there >= found.count else (MOVING, there * 100 // found.count)
    if here:
        return MOVING, here * 100 // found.count
    return (AWAITED, 0) if found.absent else (TO_FETCH, 0)
