"""The administrators' API says what the control room says, of the same stage; and what people see of programs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from desktop.work.control import BureauState, Seat
from desktop.work.media import MediumInfo
from shared.access import HUB_ACTOR
from shared.filters import Filter
from tests.fixtures.admin_api import Asker, asker
from tests.fixtures.devices import quiet
from tests.fixtures.hubs import serving
from tests.gui.exchange_desks import Post
from tests.gui.test_control_room import by_name, choose, opened


@pytest.fixture
def troubled(post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Post, Asker, str]]:
    """甲局 and 乙局 in conflict; 甲局 by stick too, something held; 乙局 silent for long, with an older program."""
    with monkeypatch.context() as older:
        older.setattr("sync.engine.PROGRAM", "0.1")
        older.setattr("sync.engine.SCHEMA", 1)
        post.update("linwei", "market_entity", post.entity(3), address="乙局的地址")
        post.sync("linwei")
    post.update("chenmin", "market_entity", post.entity(3), address="甲局的地址")
    post.sync("chenmin")
    post.update("chenmin", "market_entity", post.entity(6), phone="021-6")
    known = post.desk("chenmin").media.export(tmp_path, MediumInfo("1", "U-1"), quiet)
    post.hub.handle(io.BytesIO(known.path.read_bytes()), io.BytesIO(), carrier="media")
    post.sync("chenmin")
    made = post.desk("chenmin").media.export(tmp_path, MediumInfo("1", "U-1"), quiet)
    handled = post.hub.handle(io.BytesIO(made.path.read_bytes()), io.BytesIO(), carrier="media")
    assert handled.intake.outcome == "applied"
    post.sync("chenmin")
    with post.hub.store.unit(HUB_ACTOR) as unit:
        types = post.hub.store.types
        user = post.desk("chenmin").session.actor.user
        unit.update(types["user"], user, {"state": "frozen"}, proven=True)
    post.update("chenmin", "market_entity", post.entity(7), phone="021-7")
    (tmp_path / "second").mkdir()
    second = post.desk("chenmin").media.export(tmp_path / "second", MediumInfo("1", "U-2"), quiet)
    handled = post.hub.handle(io.BytesIO(second.path.read_bytes()), io.BytesIO(), carrier="media")
    assert handled.intake.outcome == "quarantined"
    with post.hub.store.unit(HUB_ACTOR) as unit:
        unit.update(types["user"], user, {"state": "active"}, proven=True)
        seat = types["seat_state"].id_for_key(post.desk("linwei").session.device)
        long_ago = post.hub.clock.now().replace(year=2025).isoformat()
        unit.update(types["seat_state"], seat, {"last_contact_at": long_ago}, proven=True)
    post.sync("chenmin", "wang", "wang")
    with serving(post.hub) as url:
        yield post, asker(post.hub, url), known.fingerprint_text


def told(seat: Seat) -> dict[str, Any]:
    return {
        "id": seat.device, "name": seat.name, "log_name": seat.log_name, "person": seat.person,
        "state": "active" if seat.active else "revoked", "contact_at": seat.contact_at or None,
        "silent_days": seat.silent, "carrier": seat.carrier, "program": seat.program.version,
        "schema_version": seat.program.schema, "behind": seat.program.behind, "pending": seat.pending,
        "parked": seat.parked, "quarantined": seat.quarantined, "ahead_minutes": seat.ahead_minutes,
        "received_to": seat.received_to, "missing": seat.missing,
    }  # fmt: skip


def summed(one: BureauState) -> dict[str, Any]:
    last = one.last
    return {
        "seats": len(one.seats), "contact_at": last.contact_at if last else None,
        "carrier": last.carrier if last else "", "silent_days": last.silent if last else None,
        "quiet": one.quiet, "pending": one.total("pending"), "parked": one.total("parked"),
        "quarantined": one.total("quarantined"), "conflicts": one.conflicts,
    }  # fmt: skip


def test_same_figures_as_the_control_room(troubled: tuple[Post, Asker, str]) -> None:
    post, api, fingerprint = troubled
    control = post.desk("wang").control
    here = control.overview()
    there = api.get("/bureaus")
    assert [b["bureau"]["name"] for b in there["bureaus"]] == [b.name for b in here.bureaus]
    for mine, theirs in zip(here.bureaus, there["bureaus"], strict=True):
        want = summed(mine)
        assert {name: theirs[name] for name in want} == want
        detail = api.get(f"/bureaus/{mine.bureau}")
        assert [{n: s[n] for n in told(mine.seats[0])} for s in detail["seat_list"]] == [told(s) for s in mine.seats]
    sums = here.figures()
    assert there["figures"] == {
        "bureaus": 3, "seats": sums.seats, "heard_today": sums.heard_today, "silent": sums.silent,
        "never": sums.never, "pending": sums.pending, "parked": sums.parked, "quarantined": sums.quarantined,
        "conflicts": sums.conflicts, "behind": sums.behind,
    }  # fmt: skip
    assert (sums.conflicts, sums.silent, sums.behind) == (2, 1, 1)  # worth comparing
    assert sums.quarantined == len(list(api.pages("/held"))) > 0

    for seat in here.seats:
        mine_rows = [(r.id, r.values["started_at"], r.values["outcome"], r.values["changes"], r.values["reason"] or "")
                     for r in control.history(seat)]  # fmt: skip
        theirs_rows = [(e["id"], e["at"], e["outcome"], e["changes"], e["reason"])
                       for e in api.pages(f"/seats/{seat.device}/exchanges", limit=2)]  # fmt: skip
        assert sorted(mine_rows) == sorted(theirs_rows) and mine_rows
    found = api.get(f"/packages/{fingerprint}")["traces"]
    assert {(t["at"], t["package_id"]) for t in found} == {(t.at, t.package_id) for t in control.trace(fingerprint)}
    assert {t["found_in"] for t in found} == {"exchange", "hand_over"}
    wide = fingerprint[:12].upper().translate({c: c + 0xFEE0 for c in range(0x30, 0x5B)})  # as a Chinese input method types
    assert control.trace(f"{wide[:4]}\u3000{wide[4:]}") == control.trace(fingerprint[:12]) != []
    assert api.get(f"/packages/{wide}")["traces"] == api.get(f"/packages/{fingerprint[:12]}")["traces"]
    records = post.desk("wang").records
    rows = records.first(records.type("held_set"), Filter())
    assert {(h["id"], h["reason"], h["state"]) for h in api.pages("/held")} == {
        (r.id, r.values["reason"], r.values["state"]) for r in rows
    }
    assert {s["id"] for s in api.pages("/seats", silent_days=7)} == {s.device for s in here.seats if s.quiet}


def test_who_still_runs_the_older_program(qtbot: QtBot, troubled: tuple[Post, Asker, str]) -> None:
    post, api, _ = troubled
    page = opened(qtbot, post, "seats")
    assert "1 个程序较旧" in page.seats.tiles.text("bureaus")
    choose(page, "乙局")
    (row,) = page.seats.seats.texts()
    assert row[5] == "0.1" and row[6] == "程序较旧，需升级"
    assert by_name(page.seats.seats.texts())["乙局-01"][0] == "在用"

    post.sync("linwei")  # with the program of today: also an exchange that brings nothing is worth a line
    post.sync("wang")
    page.seats.start()
    choose(page, "乙局")
    (row,) = page.seats.seats.texts()
    assert row[5] == "0.2" and "程序" not in row[6]
    changed = "程序由 0.1 换为 0.2（数据结构 1 → 2）"
    assert changed in page.seats.history.texts()[0][5]
    device = post.desk("linwei").session.device
    assert changed in api.get(f"/seats/{device}/exchanges", limit=1)["items"][0]["reason"]
    assert api.get("/bureaus")["figures"]["behind"] == 0
