"""Workflows as data: states, legal transitions, and the queues that wait for people.

Buttons, permissions and the hub's checks all read the same :class:`Lifecycle`.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.errors import IllegalTransition
from shared.filters import Filter


@dataclass(frozen=True, slots=True)
class State:
    """One state. ``tone`` is ``"plain" | "wait" | "good" | "bad" | "off"``: how it is coloured."""

    name: str
    title: str
    tone: str = "plain"


@dataclass(frozen=True, slots=True)
class Transition:
    """A legal step.

    :param sources: states it may start from; empty tuple = creation.
    :param roles: roles that may take it.
    :param needs: fields that must be filled by this step (a reason, a date).
    :param offers: fields that may be filled besides.
    :param warning: what people are told before they take it; ``""`` = nothing to say.
    :param of: field that names the bureau whose own people alone take it; ``""`` = any who may.
    :param above: field that names the bureau above which those stand who take it; ``""`` = any who may.
    """

    name: str
    title: str
    sources: tuple[str, ...]
    target: str
    roles: tuple[str, ...] = ("officer", "bureau_admin")
    needs: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    warning: str = ""
    of: str = ""
    above: str = ""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """States and transitions of one record type; ``field`` names the state field.

    :param at: the page where its steps do more than move the state and are taken; ``""`` = wherever
        the record is shown.
    """

    field: str
    states: tuple[State, ...]
    transitions: tuple[Transition, ...]
    at: str = ""

    def state(self, name: str) -> State:
        """The state of that name."""
        return next(s for s in self.states if s.name == name)

    def transition(self, name: str) -> Transition:
        """The transition of that name."""
        return next(t for t in self.transitions if t.name == name)

    def initial(self) -> str:
        """The first declared state, where new records begin."""
        return self.states[0].name

    def open_to(self, state: str, role: str) -> tuple[Transition, ...]:
        """Steps that ``role`` may take from ``state``."""
        return tuple(t for t in self.transitions if state in t.sources and role in t.roles)

    def require(self, before: str | None, after: str, role: str) -> None:
        """Raise :class:`IllegalTransition` unless ``role`` may go from ``before`` to ``after``."""
        if before == after:
            return
        if before is None:
            if after == self.initial() or any(
                not t.sources and t.target == after and role in t.roles for t in self.transitions
            ):
                return
        elif any(t.target == after for t in self.open_to(before, role)):
            return
        known = {s.name: s.title for s in self.states}
        start = "新建" if before is None else f"“{known.get(before, before)}”"
        raise IllegalTransition(
            f"不能从{start}变为“{known.get(after, after)}”。",
            "请刷新后查看当前状态，或请有权限的人员办理。",
        )


@dataclass(frozen=True, slots=True)
class WorkQueue:
    """A page of work: records of one type in some state, with the steps open there.

    :param deadline: name of the date field that makes an entry urgent; ``""`` = none.
    """

    name: str
    title: str
    type_name: str
    filter: Filter
    transitions: tuple[str, ...] = ()
    deadline: str = ""
