"""What stands against a step although the workflow and the person's role allow it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.lifecycle import Transition
from shared.record import RecordType

if TYPE_CHECKING:
    from desktop.work.records import Row
    from desktop.work.session import Session


def against(session: Session, declared: RecordType, row: Row, transition: Transition) -> str:
    """Why not here and now, in words; ``""`` when nothing is against it."""
    if (declared.name, transition.name) == ("device", "revoke") and row.id == session.device:
        return "这就是本席位：请在另一台电脑上吊销它"
    if (declared.name, transition.name) == ("user", "freeze") and row.id == session.actor.user:
        return "这就是您自己的账号：请由另一位管理员办理"
    return ""


__all__ = ["against"]
