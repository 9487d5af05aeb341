"""上级单位: bureaus form a tree. One that would stand below itself is found here (R8, R195)."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from shared.record import RecordType
from shared.store import sql

TYPE = "bureau"
FIELD = "parent"


def ring(connection: sa.Connection, declared: RecordType, moved: Mapping[str, str | None]) -> str:
    """What is wrong with moving bureaus below others, in Chinese; ``""`` when they still form a tree.

    To be asked within a unit that then moves them: a unit holds the numbering of changes until it
    commits (``Sink.last_seq``), so that of two at once the second sees what the first has done.
    :param moved: bureau → its new parent, all at once; what was a ring before and is not moved is let be.
    """
    if declared.name != TYPE or not any(moved.values()):
        return ""
    rows = sql.execute(connection, 'SELECT id, parent FROM bureau WHERE "_deleted" = 0')
    above: dict[str, str | None] = {str(one): parent for one, parent in rows}
    above.update(moved)
    for one in moved:
        seen, at = {one}, above.get(one)
        while at and at not in seen:
            seen.add(at)
            at = above.get(at)
        if at == one:
            return "上级单位不能是本单位自己或它的下级，请重新选择"
    return ""
