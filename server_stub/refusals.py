"""Why a change set may not count at once: what stands against it, and its kind of reason."""

from __future__ import annotations

from server_stub import lines
from server_stub.devices import REVOKED
from shared.errors import AccessDenied, IllegalTransition, PackageTampered, YizhanError
from shared.store.incoming import Malformed
from shared.store.merging import Moved, NoSuchRecord
from shared.store.vetting import BrokenRules, MissingTarget
from shared.upcasting import SCHEMA


class Quarantine(YizhanError):
    """This set must be looked at by a person before it counts."""

    code = "quarantine"


class Fork(Quarantine):
    """This set does not continue what the hub has of the device."""


class Clone(Quarantine):
    """This set comes from a copy of the device that is not the newest."""


class AfterRevocation(Quarantine):
    """This set was not yet accepted when its device was revoked."""


KINDS: tuple[tuple[type[YizhanError], str], ...] = (
    (Fork, lines.FORK),
    (Clone, lines.CLONE),
    (AfterRevocation, REVOKED),
    (Quarantine, "unknown"),
    (Moved, "moved"),
    (AccessDenied, "rights"),
    (IllegalTransition, "rights"),
    (BrokenRules, "rules"),
    (MissingTarget, "missing"),
    (NoSuchRecord, "missing"),
    (Malformed, "malformed"),
    (PackageTampered, "malformed"),
)
REFUSALS = tuple(one for one, _ in KINDS)


def unknown(schema: int) -> str:
    """Why a set waits for the hub's upgrade."""
    newer = f"来自较新版本的程序（数据版本 {schema}），" if schema > SCHEMA else ""
    return f"变更集{newer}含有本中心尚不认识的数据类型或字段，已留存，中心升级后自动入库。"


def kind_of(refused: YizhanError) -> str:
    """Kind of reason (code table 隔离原因) behind a refusal."""
    return next(kind for one, kind in KINDS if isinstance(refused, one))
