"""What people do at their seats. Each act is one transaction, and may be refused by the program."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from shared.errors import AccessDenied, InputError, StaleRecord
from shared.fictitious import market_entities
from shared.rules import LEGAL
from tests.fixtures.samples import BUREAU_USCC, ENTITY_USCC
from tests.simulator.seat import Seat
from tests.simulator.town import DIVISION

REFUSALS = (AccessDenied, InputError, StaleRecord)
Act = Callable[["People", Seat], str]
ENTITY_FIELDS = ("address", "legal_person", "phone", "street")


class People:
    """Everybody's habits, from the seed.

    :param bureaus: ids by code.
    """

    def __init__(self, rng: random.Random, bureaus: dict[str, str]) -> None:
        self.rng = rng
        self.bureaus = bureaus
        self.entities = list(market_entities(12, DIVISION, rng.randrange(1000)))
        self._bulk = 0

    def act(self, seat: Seat) -> str:
        """Somebody does something; returns it in a word, with what came of it."""
        acts = _ADMIN_ACTS if "hub_admin" in seat.actor.roles else _ACTS
        (chosen,) = self.rng.choices(list(acts), list(acts.values()))
        try:
            return f"{chosen.__name__} {chosen(self, seat)}".strip()
        except REFUSALS as refused:
            return f"{chosen.__name__} refused: {type(refused).__name__}"

    # --- entering --------------------------------------------------------------
    def enter(self, seat: Seat) -> str:
        """A market entity; others may enter the same one meanwhile."""
        row = self.rng.choice(self.entities) | {"address": self._word(seat)}
        with seat.pen() as pen:
            return pen.insert("market_entity", [row])[0]

    def import_many(self, seat: Seat) -> str:
        """A workbook."""
        self._bulk += 1
        rows = list(market_entities(self.rng.choice((3, 20, 60)), DIVISION, 5000 + self._bulk))
        with seat.pen("import:模拟") as pen:
            return str(len(pen.insert("market_entity", rows, way="import")))

    def enter_permit(self, seat: Seat) -> str:
        """A permit about one of them, or about nobody known."""
        known = seat.ids("market_entity")
        row: dict[str, Any] = {
            "party_name": self._word(seat), "party_kind": LEGAL, "uscc": ENTITY_USCC, "legal_person": "言初",
            "document_name": "许可决定书", "document_no": f"许〔2026〕{self.rng.randrange(10**6):06d}号",
            "category": "1", "content": "热食类食品制售", "decided_on": "2026-05-01", "valid_from": "2026-05-01",
            "valid_to": "2031-04-30", "authority": "驿城市场监督管理局", "authority_uscc": BUREAU_USCC,
            "status": "1", "data_source": "驿城市场监督管理局", "data_source_uscc": BUREAU_USCC,
            "item": seat.ids("approval_item")[0], "entity_id": self.rng.choice([*known, None]),
        }  # fmt: skip
        with seat.pen() as pen:
            return pen.insert("permit", [row])[0]

    def enter_officer(self, seat: Seat) -> str:
        """A colleague."""
        row = {
            "name": self._word(seat), "certificate_no": f"{self.rng.randrange(10**6):06d}",
            "bureau": seat.actor.bureau, "status": "1",
        }  # fmt: skip
        with seat.pen() as pen:
            return pen.insert("officer", [row])[0]

    def claim(self, seat: Seat) -> str:
        """An entity for the own bureau; by two colleagues it is one claim."""
        known = seat.ids("market_entity")
        if not known:
            return "nothing there"
        entity = self.rng.choice(known)
        row = {
            "bureau": seat.actor.bureau, "entity_id": entity, "claimed_on": "2026-05-06",
            "claimed_by": seat.actor.user, "way": "1",
        }  # fmt: skip
        with seat.pen() as pen:
            return pen.insert("claim", [row])[0]

    # --- changing --------------------------------------------------------------
    def edit(self, seat: Seat) -> str:
        """One or two fields of something."""
        kind = self.rng.choice(("market_entity", "market_entity", "market_entity", "permit", "officer"))
        known = seat.ids(kind)
        if not known:
            return "nothing there"
        chosen = self.rng.choice(known)
        names: tuple[str, ...] = ENTITY_FIELDS
        if kind != "market_entity":
            names = ("remark", "content") if kind == "permit" else ("department", "post")
        values = {n: self._word(seat) for n in self.rng.sample(names, self.rng.choice((1, 1, 2)))}
        with seat.pen() as pen:
            pen.update(kind, chosen, **values)
        return f"{kind} {chosen}"

    def edit_several(self, seat: Seat) -> str:
        """Two records in one transaction."""
        known = seat.ids("market_entity")
        with seat.pen() as pen:
            for chosen in self.rng.sample(known, min(2, len(known))):
                pen.update("market_entity", chosen, phone=self._word(seat))
        return ""

    def delete(self, seat: Seat) -> str:
        """Something that was a mistake."""
        kind = self.rng.choice(("market_entity", "permit"))
        known = seat.ids(kind)
        if not known:
            return "nothing there"
        chosen = self.rng.choice(known)
        with seat.pen() as pen:
            pen.delete(kind, chosen)
        return f"{kind} {chosen}"

    def hand_claim(self, seat: Seat) -> str:
        """Give a claim back, or take it again."""
        known = seat.ids("claim", '"bureau" = ?', seat.actor.bureau)
        if not known:
            return "nothing there"
        chosen = self.rng.choice(known)
        (state,) = seat.row("claim", chosen, "state")
        values = {"state": "returned", "return_reason": "模拟", "returned_on": "2026-05-07"}
        if state == "returned":
            values = {"state": "claimed", "claimed_on": "2026-05-08"}
        with seat.pen() as pen:
            pen.update("claim", chosen, **values)
        return f"{chosen} {values['state']}"

    def resolve(self, seat: Seat) -> str:
        """Decide an open conflict: what stands, or what the other wanted."""
        known = seat.ids("conflict", "\"state\" = 'open'")
        if not known:
            return "nothing open"
        chosen = self.rng.choice(known)
        names = ("record_type", "record_id", "field", "theirs_value")
        kind, record_id, field, theirs = seat.row("conflict", chosen, *names)
        present = record_id in seat.ids(kind, '"id" = ?', record_id)
        with seat.pen(f"resolve:{chosen}") as pen:
            if field and present and self.rng.random() < 0.5:
                pen.update(kind, record_id, **{field: theirs})
            pen.update("conflict", chosen, state="resolved", resolution="模拟")
        return f"{chosen} {field}"

    # --- the centre --------------------------------------------------------------
    def edit_user(self, seat: Seat) -> str:
        """An administrator keeps the list of accounts."""
        chosen = self.rng.choice(seat.ids("user"))
        with seat.pen() as pen:
            pen.update("user", chosen, phone=f"021-5{self.rng.randrange(10**6):07d}")
        return chosen

    def _word(self, seat: Seat) -> str:
        """Few words, so that people sometimes agree."""
        return self.rng.choice((f"{seat.name}{self.rng.randrange(4)}", "驿东路1号", "驿西路2号"))


_ACTS: dict[Act, int] = {
    People.enter: 5, People.edit: 8, People.edit_several: 2, People.enter_permit: 3, People.claim: 2,
    People.hand_claim: 2, People.delete: 1, People.import_many: 1, People.enter_officer: 1, People.resolve: 3,
}  # fmt: skip
_ADMIN_ACTS: dict[Act, int] = {People.resolve: 3, People.edit_user: 1, People.enter_officer: 1}
