"""审计: what was done on this device, and whether the evidence of it is whole (R212, R217)."""

from __future__ import annotations

from dataclasses import dataclass

from desktop.work.jobs import Progress
from desktop.work.session import Session
from shared.access import Role
from shared.store import audit, hub_proofs
from sync import proving
from sync.proving import Proof, Signers

__all__ = ["Act", "Auditing", "HubFound", "Proof"]


@dataclass(frozen=True, slots=True)
class Act:
    """One line of the list, in words."""

    at: str
    who: str
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class HubFound:
    """The hub's last word about its evidence.

    :param at: ISO time by the hub's clock, ``""`` before the first; :param wanted: an answer is awaited.
    """

    at: str
    proofs: list[Proof]
    wanted: bool


class Auditing:
    """The use case behind 核验 and the list of acts."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def prove(self, progress: Progress) -> list[Proof]:
        """Go through every chain and signature on this device; the check itself is noted.

        The hub is asked to do the same with the next package.
        """
        session = self._session
        hub = session.hub_trust
        signers = Signers(session.device_keys.signers, hub.signers, hub.hub_id)
        found = proving.prove(session.store, signers, lambda title: progress(0, 0, f"正在核验{title}"))
        said = "；".join(f"{one.title}：{one.trouble}" for one in found if one.trouble)
        session.records.note("checked", said or "完好")
        if self.may_ask_hub:
            with session.store.write() as connection:
                hub_proofs.want(connection)
        return found

    @property
    def may_ask_hub(self) -> bool:
        """Whether the hub goes through its own evidence for this person."""
        return self._session.actor.has(Role.HUB_ADMIN)

    def of_hub(self) -> HubFound:
        """What the hub has said about its evidence, and whether an answer is awaited."""
        with self._session.store.read() as connection:
            known, wanted = hub_proofs.heard(connection), hub_proofs.wanted(connection)
        return HubFound(known.at, [Proof(*one) for one in known.found], wanted)

    def acts(self, limit: int = 200) -> list[Act]:
        """The latest acts, newest first."""
        records = self._session.records
        with self._session.store.read() as connection:
            entries = audit.latest(connection, limit)
        names = {who: records.label("user", who) if who else "" for who in {e.who for e in entries}}
        return [
            Act(e.at, names[e.who] or "本机", audit.TITLES.get(e.event, e.event), e.detail) for e in entries
        ]
