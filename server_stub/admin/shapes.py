"""What the administrators' API answers, for its OpenAPI; every answer is one of these."""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0)]
Time = Annotated[
    str, Field(description="ISO 8601, whole seconds, +08:00", examples=["2026-05-06T16:00:00+08:00"])
]
Id = Annotated[str, Field(description="32 hex digits")]


class Shape(BaseModel):
    """Further keys may be added; those named are always there."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": True})


class Refused(Shape):
    """Why not: a code for programs, a sentence and what to do next for people."""

    code: str
    message: str
    hint: str


class Bureau(Shape):
    """A bureau by its names. ``code`` and ``name`` are empty when the hub has no such record."""

    id: Id
    code: str
    name: str


class Seat(Shape):
    """One installation as the hub saw it last."""

    id: Id
    name: str
    log_name: Annotated[str, Field(description="how exchanges name it")]
    bureau: Bureau
    state: Literal["active", "revoked"]
    person: Annotated[str, Field(description="who was at it, as it says; empty: not said")]
    contact_at: Annotated[Time | None, Field(description="its last exchange; null: never")]
    silent_days: Annotated[Count | None, Field(description="whole days since then; null: never")]
    carrier: Annotated[str, Field(description="network, media, or empty")]
    program: Annotated[str, Field(description="version it says it is; empty: not known")]
    schema_version: Annotated[Count, Field(description="of its catalogue; 0: not known")]
    behind: Annotated[bool, Field(description="whether the hub's catalogue is newer")]
    pending: Annotated[Count, Field(description="changes it had not brought, by its own word")]
    parked: Count
    quarantined: Count
    ahead_minutes: Annotated[Count, Field(description="its clock is ahead by so much")]
    received_to: Annotated[Count, Field(description="last change number the hub has without a gap")]
    missing: Annotated[str, Field(description="numbers that must come before what is parked: 12–14、18")]


class SeatDetail(Seat):
    """The same with the course of its enrolment."""

    enrolled_at: Time
    revoked_at: Time | None
    revoke_reason: str


class Figures(Shape):
    """Sums over the seats in use. Conflicts count once for each bureau that is party."""

    bureaus: Count
    seats: Count
    heard_today: Count
    silent: Count
    never: Count
    pending: Count
    parked: Count
    quarantined: Count
    conflicts: Count
    behind: Count


class BureauState(Shape):
    """All seats of one bureau together."""

    bureau: Bureau
    seats: Count
    seats_in_use: Count
    contact_at: Time | None
    carrier: str
    silent_days: Count | None
    quiet: Annotated[bool, Field(description="no seat in use was heard of for `silent_days` of the request")]
    pending: Count
    parked: Count
    quarantined: Count
    conflicts: Count


class Overview(Shape):
    """Bureaus that have seats; the ones that need somebody come first."""

    at: Time
    figures: Figures
    bureaus: list[BureauState]


class BureauDetail(BureauState):
    """One bureau with its seats."""

    at: Time
    seat_list: list[Seat]


class Exchange(Shape):
    """One exchange: a package and what became of it."""

    id: Id
    at: Time
    bureau: Bureau | None
    seat: Annotated[str, Field(description="as `log_name` of the seat, or what the package claimed")]
    person: str
    carrier: str
    direction: str
    kind: str
    package_id: str
    fingerprint: str
    sets: Count
    changes: Count
    bytes: Count
    outcome: str
    reason: str
    duration_ms: Count | None


class Trace(Shape):
    """A place where a package turned up."""

    at: Time
    found_in: Literal["exchange", "hand_over", "media_intake"]
    bureau: Bureau | None
    seat: str
    medium_no: str
    sent_from: str
    sent_to: str
    sets: Count
    changes: Count
    outcome: Annotated[str, Field(description="outcome of an exchange or intake, state of a hand-over")]
    reason: str
    fingerprint: str
    package_id: str


class Package(Shape):
    """Every place where a fingerprint turned up, oldest first."""

    fingerprint: str
    traces: list[Trace]


class HeldSet(Shape):
    """A change set put aside, why, and what was decided. What it holds is not told here."""

    id: Id
    summary: str
    device: str
    seat: str
    bureau: Bureau | None
    owner: Annotated[Bureau | None, Field(description="the bureau responsible now, where that is the reason")]
    persons: str
    incarnation: Count
    first: Count
    last: Count
    changes: Count
    cs_id: str
    kind: str
    reason: str
    held_at: Time
    state: Literal["held", "released", "rejected"]
    decision_note: str
    decided_by: str
    decided_at: Time | None
    result: str


class Backup(Shape):
    """One backup of the hub."""

    id: Id
    name: str
    at: Time
    outcome: str
    reason: str
    size: Count
    changes: Count
    fingerprint: str
    duration_ms: Count | None


class Epoch(Shape):
    """One life of the hub's database."""

    epoch: str
    before: Annotated[str, Field(description="the one it forked from; empty: the first")]
    began_at: Annotated[Time | None, Field(description="null: when the hub was made")]
    backup: Annotated[str, Field(description="the backup it came from")]
    backup_at: Time | None


class Epochs(Shape):
    """The present epoch, and all that are known, oldest first."""

    current: str
    epochs: list[Epoch]


class TokenSaid(Shape):
    """What the token of this request is and may."""

    name: str
    expires_at: Time
    bureau: Annotated[Bureau | None, Field(description="sees it and those below; null: the whole hub")]


class Hub(Shape):
    """Who answers, and to whom."""

    hub_id: Id
    name: str
    at: Time
    epoch: str
    program: str
    schema_version: Count
    token: TokenSaid


class Proof(Shape):
    """One kind of evidence that was gone through. ``trouble``: what does not fit; empty: nothing."""

    title: str
    count: Count
    trouble: str


class AuditCheck(Shape):
    """The hub's evidence as it was gone through last."""

    state: Annotated[Literal["none", "running", "done"], Field(description="of the newest going-through")]
    began_at: Time | None
    at: Annotated[Time | None, Field(description="when the one that `proofs` tells of began")]
    whole: Annotated[bool | None, Field(description="null: never gone through")]
    proofs: list[Proof]


Item = TypeVar("Item", bound=Shape)


class Page(Shape, Generic[Item]):
    """A stretch of a list.

    ``next`` goes into ``after`` of the next request; keep it to ask later for what is new.
    """

    items: list[Item]
    next: str | None
    more: Annotated[bool, Field(description="whether something follows now")]
