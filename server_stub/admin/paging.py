"""Lists by keyset: a page begins behind the last row of the one before, whatever came meanwhile.

Rows are in the order in which they became visible (their row number: whoever writes
holds the hub's own sequence until commit). So a list followed from the oldest has no
holes, one read from the newest no doubles. A place is only good in the epoch it is of:
a hub that came back from a backup counts its rows anew.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from enum import StrEnum

import msgspec
import sqlalchemy as sa

from server_stub.admin.refusals import BadRequest
from shared.filters import Filter
from shared.record import RecordType
from shared.store import query, sql
from shared.store.query import Place, StoredRow

MOST = 500
USUAL = 100
_CURSOR = 200
Clause = tuple[str, tuple[object, ...]]
"""A condition in SQL with its parameters; ``""`` for none."""
_ID = re.compile(r"[0-9a-f]{32}")


class Order(StrEnum):
    """Which end of a list comes first."""

    NEWEST = "newest"
    OLDEST = "oldest"


class _Place(msgspec.Struct, array_like=True, frozen=True):
    what: str
    epoch: str
    key: int | str

    @property
    def bad(self) -> bool:
        """Whether no list ever had such a place."""
        return not 0 <= self.key < 2**63 if isinstance(self.key, int) else not _ID.fullmatch(self.key)


@dataclass(frozen=True, slots=True)
class Window:
    """What a request wants of a list.

    :param after: the cursor as it was given; ``""`` = from the beginning.
    """

    limit: int = USUAL
    after: str = ""
    order: Order = Order.NEWEST

    def key(self, what: str, epoch: str, kind: type[int] | type[str]) -> int | str | None:
        """Behind which key to go on; raises :class:`BadRequest` for a cursor of something else."""
        if not self.after:
            return None
        found = _decode(self.after)
        ours = found is not None and found.what == f"{what}:{self.order}" and isinstance(found.key, kind)
        if found is None or not ours or found.bad:
            raise BadRequest(
                "参数 after 不是这个列表给出的位置。", "请原样使用上一页的 next，或去掉 after 从头读取。"
            )
        if found.epoch != epoch:
            raise BadRequest("中心从备份恢复过，原来的位置已经失效。", "请去掉 after，从头读取。")
        return found.key

    def cursor(self, what: str, epoch: str, key: int | str) -> str:
        """Where the next page goes on."""
        raw = msgspec.msgpack.encode(_Place(f"{what}:{self.order}", epoch, key))
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows of one page."""

    rows: list[StoredRow]
    next: str | None
    more: bool


def stretch(
    connection: sa.Connection, declared: RecordType, wanted: Filter, window: Window, epoch: str,
    only: Clause = ("", ()),
) -> Stretch:  # fmt: skip
    """One page of records.

    :param only: a further condition on ``t``.
    """
    chosen = query.select(declared, wanted, Place())
    where, parameters = chosen.where, chosen.parameters
    newest = window.order is Order.NEWEST
    key = window.key(declared.name, epoch, int)
    if only[0]:
        where, parameters = f"{where} AND {only[0]}", (*parameters, *only[1])
    if key is not None:
        where, parameters = f"{where} AND t.rid {'<' if newest else '>'} ?", (*parameters, key)
    direction = "DESC" if newest else "ASC"
    found = sql.execute(
        connection,
        f"SELECT t.rid FROM {chosen.source} WHERE {where} ORDER BY t.rid {direction} LIMIT ?",
        (*parameters, window.limit + 1),
    ).fetchall()
    rids = [int(r[0]) for r in found[: window.limit]]
    after = window.cursor(declared.name, epoch, rids[-1]) if rids else window.after or None
    return Stretch(query.by_rids(connection, declared, rids), after, len(found) > window.limit)


def _decode(text: str) -> _Place | None:
    if len(text) > _CURSOR:
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return msgspec.msgpack.decode(raw, type=_Place)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return None
