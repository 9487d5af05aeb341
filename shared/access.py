"""Who may do what: the client obeys, the hub checks again (R201, R208)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shared.errors import AccessDenied
from shared.lifecycle import Transition
from shared.record import RecordType


class Role(StrEnum):
    """What an account is for. Granting rights and doing business are apart (R208)."""

    OFFICER = "officer"
    BUREAU_ADMIN = "bureau_admin"
    HUB_ADMIN = "hub_admin"
    HUB = "hub"


class Action(StrEnum):
    """What can be done with records of a type."""

    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    STEP = "step"  # a step of the workflow, with the fields it fills
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, from where.

    :param bureaus: the own bureau and all below it.
    """

    user: str
    name: str
    bureau: str
    roles: frozenset[str]
    bureaus: frozenset[str] = frozenset()

    def has(self, *roles: str) -> bool:
        """Whether the actor holds any of these roles."""
        return not self.roles.isdisjoint(roles)

    @property
    def role(self) -> str:
        """The strongest role held, for workflows that ask for one."""
        for one in (Role.HUB, Role.HUB_ADMIN, Role.BUREAU_ADMIN, Role.OFFICER):
            if one in self.roles:
                return one
        return ""


HUB_ACTOR = Actor("hub", "中心", "", frozenset({Role.HUB}))

_BUSINESS = frozenset({Role.OFFICER, Role.BUREAU_ADMIN})
_WRITERS: dict[str, frozenset[Role]] = {
    "collection": _BUSINESS,
    "registry": _BUSINESS,
    "work": _BUSINESS,
    "list": frozenset({Role.HUB_ADMIN}),
    "system": frozenset({Role.HUB_ADMIN}),
}
_WRITERS_OF_TYPE: dict[str, frozenset[Role]] = {
    "officer": frozenset({Role.BUREAU_ADMIN, Role.HUB_ADMIN}),
    "external_unit": frozenset({Role.BUREAU_ADMIN, Role.HUB_ADMIN}),
    "user": frozenset({Role.BUREAU_ADMIN, Role.HUB_ADMIN}),
    "conflict": frozenset({Role.BUREAU_ADMIN, Role.HUB_ADMIN}),
    "media_intake": frozenset({Role.OFFICER, Role.BUREAU_ADMIN, Role.HUB_ADMIN}),
    "medium": frozenset({Role.OFFICER, Role.BUREAU_ADMIN, Role.HUB_ADMIN}),
    "hand_over": frozenset({Role.OFFICER, Role.BUREAU_ADMIN, Role.HUB_ADMIN}),
    "seat_account": frozenset({Role.BUREAU_ADMIN, Role.HUB_ADMIN}),
    "exchange": frozenset(),
    "seat_state": frozenset(),
    "backup": frozenset(),
    "held_set": frozenset({Role.BUREAU_ADMIN, Role.HUB_ADMIN}),
    "data_problem": frozenset({Role.OFFICER, Role.BUREAU_ADMIN, Role.HUB_ADMIN}),
}
RAISED = "data_problem"
"""What people above raise about a bureau's records, and then only move along its workflow."""
_BY_STEPS_ALONE = frozenset({"conflict", "device", "held_set", RAISED})
"""What people only move along its workflow: nothing else of it is theirs to say."""

OWNERS = ("source_bureau", "ours_bureau", "theirs_bureau", "owner", "kind", "provider")
"""Fields that say whose a record is; a conflict belongs to its two parties, a held set of kind
``moved`` to the new owner, a problem to the bureau that provided the record it is about."""

_VERBS: dict[str, str] = {
    Action.READ: "查看", Action.CREATE: "新增", Action.UPDATE: "修改", Action.STEP: "办理",
    Action.DELETE: "删除",
}  # fmt: skip
_READERS_OF_TYPE: dict[str, frozenset[Role]] = {
    "exchange": frozenset({Role.HUB_ADMIN}),
    "seat_state": frozenset({Role.HUB_ADMIN, Role.BUREAU_ADMIN}),
    "backup": frozenset({Role.HUB_ADMIN}),
    "device": frozenset({Role.HUB_ADMIN, Role.BUREAU_ADMIN}),
    "user": frozenset({Role.HUB_ADMIN, Role.BUREAU_ADMIN}),
    "seat_account": frozenset({Role.HUB_ADMIN, Role.BUREAU_ADMIN}),
}
_RESOLVES_ANYTHING = "resolve:"


def allows(
    actor: Actor,
    action: str,
    declared: RecordType,
    values: Mapping[str, Any] | None = None,
    *,
    cause: str = "",
) -> bool:
    """Whether ``actor`` may do ``action``; ``values`` narrows it to one record."""
    if actor.has(Role.HUB):
        return True
    if action == Action.READ:
        readers = _READERS_OF_TYPE.get(declared.name)
        return readers is None or actor.has(*readers)
    writers = _WRITERS_OF_TYPE.get(declared.name, _WRITERS[declared.group])
    if declared.name == RAISED and action == Action.CREATE:
        return _may_raise(actor, values)
    if declared.name in _BY_STEPS_ALONE and action != Action.STEP:
        return False
    deciding = cause.startswith(_RESOLVES_ANYTHING) and actor.has(Role.HUB_ADMIN, Role.BUREAU_ADMIN)
    deciding = deciding and declared.name != "conflict"
    if not actor.has(*writers) and not deciding:
        return False
    if declared.group == "list" and action == Action.DELETE:
        return actor.has(Role.HUB_ADMIN)
    if values is None or deciding or actor.has(Role.HUB_ADMIN):
        return True
    return _within_bureau(actor, declared, values)


def action_of(action: Action, declared: RecordType, names: Collection[str]) -> Action:
    """What an update of these fields is: a step where it moves the state and fills what steps fill."""
    cycle = declared.lifecycle
    if action is not Action.UPDATE or cycle is None or declared.name not in _BY_STEPS_ALONE:
        return action
    fills = {cycle.field, *(n for t in cycle.transitions for n in (*t.needs, *t.offers))}
    return Action.STEP if cycle.field in names and fills.issuperset(names) else action


def stands_above(actor: Actor, bureau: object) -> bool:
    """Whether the actor administers a bureau above this one, or the hub."""
    below = bureau in actor.bureaus and bureau != actor.bureau
    return actor.has(Role.HUB_ADMIN) or (actor.has(Role.BUREAU_ADMIN) and below)


def administers_below(actor: Actor) -> bool:
    """Whether there is any bureau the actor stands above."""
    return actor.has(Role.HUB_ADMIN) or any(stands_above(actor, one) for one in actor.bureaus)


def _may_raise(actor: Actor, values: Mapping[str, Any] | None) -> bool:
    """Whether the actor may raise a problem, here with what one bureau provided."""
    if values is None:
        return administers_below(actor)
    ours = values.get("source_bureau") in (None, actor.bureau) or actor.has(Role.HUB_ADMIN)
    return ours and stands_above(actor, values.get("provider"))


def may_take(actor: Actor, step: Transition, values: Mapping[str, Any]) -> bool:
    """Whether a step is for the people of the actor's bureau to take, where it says whose it is."""
    if actor.has(Role.HUB):
        return True
    if step.of and values.get(step.of) != actor.bureau:
        return False
    return not step.above or stands_above(actor, values.get(step.above))


def require_move(actor: Actor, declared: RecordType, values: Mapping[str, Any], after: str) -> None:
    """Raise ``IllegalTransition`` or :class:`AccessDenied` unless ``actor`` may move the record there."""
    cycle = declared.lifecycle
    if cycle is None or actor.has(Role.HUB):
        return
    before = str(values[cycle.field])
    cycle.require(before, after, actor.role)
    steps = [t for t in cycle.open_to(before, actor.role) if t.target == after]
    if steps and not any(may_take(actor, t, values) for t in steps):
        step = steps[0]
        whose = declared.by_name[step.of or step.above].title
        who = "的人员" if step.of else "的上级单位或中心的管理员"
        raise AccessDenied(f"您不能{step.title}这条{declared.title}。", f"请由{whose}{who}办理。")


def _within_bureau(actor: Actor, declared: RecordType, values: Mapping[str, Any]) -> bool:
    if declared.group == "registry":
        return True
    if declared.name == "conflict":
        parties = {values.get("ours_bureau"), values.get("theirs_bureau")}
        return not parties.isdisjoint({actor.bureau, *actor.bureaus})
    if declared.name == "held_set":  # somebody else's work on what is ours by now
        return values.get("kind") == "moved" and values.get("owner") in actor.bureaus
    if declared.name == RAISED:
        return values.get("provider") == actor.bureau or stands_above(actor, values.get("provider"))
    owner = values.get("source_bureau")
    if owner is None:
        return True
    return owner == actor.bureau or (actor.has(Role.BUREAU_ADMIN) and owner in actor.bureaus)


def require(
    actor: Actor,
    action: str,
    declared: RecordType,
    values: Mapping[str, Any] | None = None,
    *,
    cause: str = "",
) -> None:
    """Raise :class:`AccessDenied` unless :func:`allows` says yes."""
    if allows(actor, action, declared, values, cause=cause):
        return
    verb = _VERBS.get(action, action)
    raise AccessDenied(
        f"您没有{verb}这条{declared.title}的权限。",
        "只能维护本单位的数据；如确需办理，请联系单位管理员。",
    )


_GRANTED_BY_BUREAUS = frozenset({Role.OFFICER, Role.BUREAU_ADMIN})


def require_grant(actor: Actor, declared: RecordType, values: Mapping[str, Any]) -> None:
    """Raise :class:`AccessDenied` when an account would get more than ``actor`` may give (R208)."""
    if declared.name != "user" or actor.has(Role.HUB, Role.HUB_ADMIN):
        return
    roles = {one for one in str(values.get("roles") or "").split(",") if one}
    if roles <= _GRANTED_BY_BUREAUS and values.get("bureau") in {actor.bureau, *actor.bureaus}:
        return
    raise AccessDenied(
        "您不能维护这个账号：只能为本单位及下级单位的人员授予监管人员或单位管理员角色。",
        "其他单位的账号和中心管理员角色由中心管理员办理。",
    )
