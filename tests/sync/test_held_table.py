"""Every kind of held set × release and return: each has the effect it promises, on the hub and on its author's screen.

The cases are put up as people (or a modified program) would; the decision travels as an ordinary change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from server_stub import review
from shared.access import HUB_ACTOR
from shared.fictitious import market_entities
from shared.ids import new_id
from shared.supervision.held_sets import lacks_record, no_release, no_return
from tests.fixtures.devices import Device, Enrol, handle, rows
from tests.fixtures.disputes import PENALTY, two_bureaus
from tests.fixtures.hubs import DIVISION, Place
from tests.sync.test_held_sets import decide, freeze
from tests.sync.test_hub_checks import doctored

NEXT_DOOR = "310104"
SHOPS = list(market_entities(6, DIVISION, 31))
RELEASE, RETURN = "released", "rejected"


@dataclass
class Stage:
    """What a case has at hand: an officer's seat, the centre's, and what to close in the end."""

    place: Place
    enrol_at: Enrol
    folder: Path
    closing: list[Device] = field(default_factory=list)


@dataclass
class Case:
    """A set put aside.

    :param author: whose screen must agree afterwards; :param record: what the set is about.
    :param before: what the field holds where the set has no effect, None for no such record; :param after: with it.
    """

    author: Device
    record: tuple[str, str, str]
    before: Any
    after: Any


def rights_insert(stage: Stage) -> Case:
    a = stage.enrol_at(stage.place.a, "chenmin")
    freeze(stage.place, "chenmin")
    (shop,) = a.insert("market_entity", SHOPS[0])
    return Case(a, ("market_entity", shop, "name"), None, SHOPS[0]["name"])


def rights_update(stage: Stage) -> Case:
    a = stage.enrol_at(stage.place.a, "chenmin")
    (shop,) = a.insert("market_entity", {**SHOPS[0], "address": "一号"})
    a.sync()
    freeze(stage.place, "chenmin")
    a.update("market_entity", shop, address="二号")
    return Case(a, ("market_entity", shop, "address"), "一号", "二号")


def rights_deletion(stage: Stage) -> Case:
    a = stage.enrol_at(stage.place.a, "chenmin")
    (shop,) = a.insert("market_entity", SHOPS[0])
    a.sync()
    freeze(stage.place, "chenmin")
    a.delete("market_entity", shop)
    return Case(a, ("market_entity", shop, "name"), SHOPS[0]["name"], None)


def rules_insert(stage: Stage) -> Case:
    a, _ = two_bureaus(stage.place, stage.enrol_at)
    wrong = {**PENALTY, "valid_to": date(2020, 1, 1)}
    (one,) = a.insert("penalty", wrong, proven=True)
    return Case(a, ("penalty", one, "valid_to"), None, "2020-01-01")


def _edited(stage: Stage, **wrong: Any) -> Case:
    a, _ = two_bureaus(stage.place, stage.enrol_at)
    (one,) = a.insert("penalty", PENALTY)
    a.sync()
    with a.store.unit(a.actor) as unit:
        unit.update(a.store.types["penalty"], one, wrong, proven=True)
    return Case(a, ("penalty", one, ""), None, None)


def rules_update(stage: Stage) -> Case:
    made = _edited(stage, decided_on=date(2026, 5, 2), valid_to=date(2020, 1, 1))
    made.record, made.before, made.after = (*made.record[:2], "valid_to"), "2027-05-01", "2020-01-01"
    return made


def rules_emptied(stage: Stage) -> Case:
    made = _edited(stage, facts=None)
    made.record, made.before, made.after = (*made.record[:2], "facts"), PENALTY["facts"], ""
    return made


def rules_too_long(stage: Stage) -> Case:
    made = _edited(stage, offence="长" * 2001)
    made.record, made.before, made.after = (*made.record[:2], "offence"), PENALTY["offence"], "长" * 2001
    return made


def missing_target(stage: Stage) -> Case:
    a, _ = two_bureaus(stage.place, stage.enrol_at)
    (one,) = a.insert("penalty", {**PENALTY, "item": new_id()}, proven=True)
    return Case(a, ("penalty", one, "document_no"), None, PENALTY["document_no"])


def moved_update(stage: Stage) -> Case:
    a = stage.enrol_at(stage.place.a, "chenmin")
    with stage.place.hub.store.unit(HUB_ACTOR) as unit:
        types = stage.place.hub.store.types
        unit.insert(types["bureau"], [{"code": "C", "name": "丙局", "division": NEXT_DOOR}], way="exchange")
        (shop,) = unit.insert(types["market_entity"], [{**SHOPS[0], "address": "一号"}], way="exchange")
    a.sync()
    with stage.place.hub.store.unit(HUB_ACTOR) as unit:
        unit.update(types["market_entity"], shop, {"division": NEXT_DOOR})
    a.update("market_entity", shop, address="二号")
    return Case(a, ("market_entity", shop, "address"), "一号", "二号")


def revoked_update(stage: Stage) -> Case:
    a = stage.enrol_at(stage.place.a, "chenmin")
    (shop,) = a.insert("market_entity", {**SHOPS[0], "address": "一号"})
    a.sync()
    a.update("market_entity", shop, address="二号")
    a.engine.cut()
    stage.place.hub.ledger.revoke(a.grant.device, "丢失")
    return Case(a, ("market_entity", shop, "address"), "一号", "二号")


def _copied(stage: Stage) -> tuple[Device, Device, str]:
    a = stage.enrol_at(stage.place.a, "chenmin")
    (shop,) = a.insert("market_entity", {**SHOPS[0], "address": "一号"})
    a.sync()
    image = a.clone(stage.folder / "image")
    stage.closing.append(image)
    a.insert("market_entity", SHOPS[1])
    a.sync()
    return a, image, shop


def fork(stage: Stage) -> Case:
    """The image writes under numbers the hub has already."""
    _, image, shop = _copied(stage)
    image.update("market_entity", shop, address="二号")
    return Case(image, ("market_entity", shop, "address"), "一号", "二号")


def clone(stage: Stage) -> Case:
    """The image goes on as the device; what the older copy brings after that waits."""
    a, image, shop = _copied(stage)
    image.sync()
    image.insert("market_entity", SHOPS[2])
    image.sync()
    a.update("market_entity", shop, address="二号")
    return Case(a, ("market_entity", shop, "address"), "一号", "二号")


def malformed(stage: Stage) -> Case:
    """A day no program can read: there is nothing to release."""

    class Someday(date):
        def isoformat(self) -> str:
            return "改天"

    a, _ = two_bureaus(stage.place, stage.enrol_at)
    (one,) = a.insert("penalty", {**PENALTY, "decided_on": Someday(2026, 5, 1)}, proven=True)
    return Case(a, ("penalty", one, "document_no"), None, PENALTY["document_no"])


CASES: list[tuple[str, Callable[[Stage], Case]]] = [
    ("rights", rights_insert), ("rights", rights_update), ("rights", rights_deletion), ("rules", rules_insert),
    ("rules", rules_update), ("rules", rules_emptied), ("rules", rules_too_long), ("missing", missing_target),
    ("moved", moved_update), ("revoked", revoked_update), ("fork", fork), ("clone", clone),
    ("malformed", malformed),
]  # fmt: skip


def seen(device_or_hub: Any, case: Case) -> Any:
    """The field as it stands there; None for no such record, "" for nothing in it."""
    name, record, wanted = case.record
    found = [r for r in rows(device_or_hub.store, name) if r["id"] == record]
    return (found[0][wanted] or "") if found else None


@pytest.fixture
def stage(place: Place, enrol_at: Enrol, tmp_path: Path) -> Any:
    made = Stage(place, enrol_at, tmp_path)
    yield made
    for one in made.closing:
        one.close()


@pytest.mark.parametrize("decision", [RELEASE, RETURN])
@pytest.mark.parametrize(("kind", "puts_up"), CASES, ids=[c.__name__ for _, c in CASES])
def test_each_decision_does_what_it_says(
    stage: Stage, kind: str, puts_up: Callable[[Stage], Case], decision: str
) -> None:
    admin = stage.enrol_at(stage.place.b, "wang", roles=["hub_admin", "officer"])
    admin.sync()
    case = puts_up(stage)
    case.author.sync()
    hub = stage.place.hub
    assert case.author.statuses()[-1] == "quarantined" and seen(hub, case) == case.before
    admin.sync()
    held = max(rows(admin.store, "held_set"), key=lambda r: r["held_at"])
    assert held["kind"] == kind and not no_return(kind)
    promised = not no_release(kind)
    decide(admin, held, decision)
    admin.sync()
    (after,) = [h for h in rows(hub.store, "held_set") if h["id"] == held["id"]]
    if decision == RELEASE and not promised:
        assert (after["state"], seen(hub, case)) == ("held", case.before)
        assert after["result"] == f"放行没有成功：{no_release(kind)}"
        return
    wanted = case.after if decision == RELEASE else case.before
    assert after["state"] == decision and seen(hub, case) == wanted
    case.author.sync()
    assert case.author.statuses()[-1] == ("applied" if decision == RELEASE else "rejected")
    # what left the author's scope leaves its screen; a revoked seat hears no more than what became of its sets
    kept = {"moved": None, "revoked": case.after}
    assert seen(case.author, case) == kept.get(kind, wanted)
    assert rows(hub.store, "conflict") == []


def test_an_edit_of_what_never_came_goes_with_it(place: Place, enrol_at: Enrol) -> None:
    """Alone it cannot be released, and that is known beforehand; together both take effect, in any order."""
    admin = enrol_at(place.b, "wang", roles=["hub_admin"])
    admin.sync()
    a = enrol_at(place.a, "chenmin")
    freeze(place, "chenmin")
    (shop,) = a.insert("market_entity", {**SHOPS[0], "address": "一号"})
    a.engine.cut()
    freeze(place, "chenmin", "active")
    a.update("market_entity", shop, address="二号")
    a.engine.cut()
    freeze(place, "chenmin")
    a.sync(), admin.sync()
    first, second = sorted(rows(admin.store, "held_set"), key=lambda r: r["first"])
    with admin.store.unit(admin.actor) as unit:
        for one in (second, first):  # the later one first
            end = {"state": RELEASE, "decided_by": admin.actor.user, "decided_at": admin.store.clock.stamp()}
            unit.update(admin.store.types["held_set"], one["id"], end)
    admin.sync(), a.sync()
    assert {h["state"] for h in rows(place.hub.store, "held_set")} == {RELEASE}
    assert a.statuses() == ["applied", "applied"]
    assert a.value("market_entity", shop, "address") == "二号"


def test_what_lacks_its_record_is_told_from_what_lacks_a_target(place: Place, enrol_at: Enrol) -> None:
    a, admin = enrol_at(place.a, "chenmin"), enrol_at(place.b, "wang", roles=["hub_admin"])
    freeze(place, "chenmin")
    (shop,) = a.insert("market_entity", SHOPS[0])
    a.sync()
    freeze(place, "chenmin", "active")
    a.update("market_entity", shop, address="二号")
    a.sync(), admin.sync()
    first, second = sorted(rows(admin.store, "held_set"), key=lambda r: r["first"])
    assert lacks_record(second["kind"], second["reason"]) and not lacks_record(first["kind"], first["reason"])
    decide(admin, first, RETURN, "请重新录入")
    decide(admin, second, RELEASE)
    admin.sync()
    (after,) = [h for h in rows(place.hub.store, "held_set") if h["id"] == second["id"]]
    assert after["state"] == "held" and "在中心不存在" in after["result"]


def test_what_the_hub_does_not_know_waits_for_its_upgrade(place: Place, enrol_at: Enrol) -> None:
    """Neither decision can be kept: released nobody could read it, returned its author would still see it."""
    a, admin = enrol_at(place.a, "chenmin"), enrol_at(place.b, "wang", roles=["hub_admin"])
    a.insert("market_entity", SHOPS[0])
    handle(place.hub, doctored(a, type=999))
    admin.sync()
    (held,) = rows(admin.store, "held_set")
    assert held["kind"] == "unknown" and no_release("unknown") and no_return("unknown")
    for decision, word in ((RELEASE, "放行"), (RETURN, "退回")):
        decide(admin, held, decision)
        admin.sync()
        (after,) = rows(place.hub.store, "held_set")
        assert after["state"] == "held"
        assert after["result"] == f"{word}没有成功：{no_release('unknown')}"


def test_what_the_hub_cannot_read_leaves_its_authors_screen_too(
    place: Place, enrol_at: Enrol, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub then announces nothing of it: its author asks how every record of the set stands."""
    monkeypatch.setattr(review, "_readable", lambda _: [])
    admin, a = enrol_at(place.b, "wang", roles=["hub_admin"]), enrol_at(place.a, "chenmin")
    (shop,) = a.insert("market_entity", {**SHOPS[0], "address": "一号"})
    a.sync()
    freeze(place, "chenmin")
    a.update("market_entity", shop, address="二号")
    (new,) = a.insert("market_entity", SHOPS[1])
    a.sync(), admin.sync()
    decide(admin, rows(admin.store, "held_set")[0], RETURN, "无法核对")
    admin.sync(), a.sync()
    assert a.statuses() == ["applied", "rejected"]
    assert a.value("market_entity", shop, "address") == "一号"
    assert a.value("market_entity", new, "name") is None
