"""The life of a hand-over: made inside its own package, closed by the hub whichever way it hears of it."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from desktop.work.courier import Courier
from desktop.work.media import MediumInfo
from desktop.work.media_register import Movement
from desktop.work.syncing import Syncing
from shared.errors import MediaFull
from shared.types.hand_over import IN_ITSELF
from tests.fixtures.devices import rows
from tests.fixtures.hubs import Place
from tests.fixtures.stations import STICK, Station, quiet
from tests.fixtures.sticks import ENTITIES, at_hub, bring_in

SPARE = MediumInfo("1", "U-2026-002")


def out(one: Station) -> list[Movement]:
    return [m for m in one.media.register.movements() if m.way == "out"]


def words(one: Station) -> dict[str, str]:
    return {m.package_id: m.word for m in out(one)}


def test_paper_does_not_make_more_paper(centre: Place, far: Station, stick: Path) -> None:
    """A month of sticks with nothing to say: right after an export nothing is unsealed, and nothing grows."""
    for turn in range(4):
        made = far.media.export(stick, STICK, quiet)
        state = Syncing(far.session).state()
        assert state.pending_changes == state.sealed  # handing over added nothing behind the package
        assert made.hand_over.changes == state.pending_changes == 2, turn
        bring_in(far, at_hub(centre.hub, made.path))
        state = Syncing(far.session).state()
        assert (state.pending_changes, state.paper) == (1, 1)  # this time's intake record: next stick
        assert state.all_in
        assert set(words(far).values()) == {"已送达"}
    kept = rows(centre.hub.store, "hand_over")
    assert len(kept) == 4 and all(r["arrived_at"] for r in kept)


def test_the_hub_fills_in_what_a_package_cannot_say_of_itself(
    centre: Place, far: Station, stick: Path
) -> None:
    far.insert("market_entity", *ENTITIES[20:22])
    made = far.media.export(stick, STICK, quiet)
    assert far.value("hand_over", made.hand_over_id, "fingerprint") == IN_ITSELF
    (line,) = out(far)  # the register knows it all the same, from this installation's log
    assert (line.values["fingerprint"], line.values["bytes"]) == (made.fingerprint_text, made.size)
    assert line.values["file_name"] == made.path.name
    before = made.hand_over
    assert (line.values["sets"], line.values["changes"]) == (before.sets, before.changes) == (2, 4)
    assert (line.values["first_seq"], line.values["last_seq"]) == (1, 4)
    bring_in(far, at_hub(centre.hub, made.path))
    assert far.value("hand_over", made.hand_over_id, "fingerprint") == made.fingerprint_text
    (kept,) = rows(centre.hub.store, "hand_over")
    assert (kept["fingerprint"], kept["bytes"], kept["state"]) == (made.fingerprint_text, made.size, "arrived")


def test_a_lost_stick_that_turns_up_is_closed_without_a_conflict(
    centre: Place, far: Station, stick: Path, tmp_path: Path
) -> None:
    far.insert("market_entity", ENTITIES[20])
    lost = far.media.export(stick, STICK, quiet)
    found = Path(shutil.copy(lost.path, tmp_path / "found.yzp"))
    again = far.media.export_again(lost.hand_over_id, "途中遗失", stick, SPARE, quiet)
    assert words(far) == {lost.package_id: "已丢失", again.package_id: "已交出"}
    bring_in(far, at_hub(centre.hub, again.path))
    assert words(far) == {lost.package_id: "已丢失", again.package_id: "已送达"}
    at_hub(centre.hub, found)  # its own answer is never fetched
    bring_in(far, at_hub(centre.hub, far.media.export(stick, SPARE, quiet).path))
    assert set(words(far).values()) == {"已送达"}
    assert far.count("conflict") == 0


def test_lost_here_and_arrived_there_meet(
    centre: Place, far: Station, stick: Path, tmp_path: Path
) -> None:
    """The stick arrived; before its answer was back somebody declared it lost."""
    first = far.media.export(stick, STICK, quiet)
    at_hub(centre.hub, first.path)
    again = far.media.export_again(first.hand_over_id, "以为丢了", stick, SPARE, quiet)
    bring_in(far, at_hub(centre.hub, again.path))
    assert words(far) == {first.package_id: "已送达", again.package_id: "已送达"}
    assert far.count("conflict") == 0


def test_a_stick_overtaken_by_the_network_is_not_waited_for(
    centre: Place, near: Station, stick: Path, url: str
) -> None:
    near.insert("market_entity", ENTITIES[20])
    made = near.media.export(stick, STICK, quiet)
    assert words(near) == {made.package_id: "已交出"}
    Syncing(near.session).sync_now(quiet)
    assert words(near) == {made.package_id: "已另行送达"}
    assert Syncing(near.session).state().all_in  # no record was made to say so
    at_hub(centre.hub, made.path)  # it comes after all
    Syncing(near.session).sync_now(quiet)
    assert words(near) == {made.package_id: "已送达"}


def test_the_couriers_hand_over_is_closed_by_the_receivers_intake(
    centre: Place, near: Station, far: Station, stick: Path
) -> None:
    far.insert("market_entity", ENTITIES[20])
    sent = far.media.export(stick, STICK, quiet)
    courier = Courier(near.session)
    received = near.media.receive(sent.path, quiet)
    back = near.media.forward(received, stick, STICK, quiet)
    received.close()
    Syncing(near.session).sync_now(quiet)
    assert words(near) == {back.package_id: "已交出"}  # the far bureau has not said anything yet
    bring_in(far, back.path)
    assert words(far) == {sent.package_id: "已送达"}
    second = far.media.export(stick, STICK, quiet)  # its intake record goes to the hub by the courier's box
    kept = near.media.receive(second.path, quiet)
    courier.keep(kept)
    kept.close()
    Syncing(near.session).sync_now(quiet)
    Syncing(near.session).sync_now(quiet)
    assert words(near) == {back.package_id: "已送达"}
    assert Syncing(near.session).state().all_in


def test_what_could_not_be_written_was_never_handed_over(
    centre: Place, far: Station, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far.insert("market_entity", ENTITIES[20])
    really = os.rename

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(MediaFull):
        far.media.export(stick, STICK, quiet)
    assert out(far) == [] and not list(stick.iterdir())
    monkeypatch.setattr(os, "rename", really)
    made = far.media.export(stick, STICK, quiet)
    assert list(words(far)) == [made.package_id]
    bring_in(far, at_hub(centre.hub, made.path))
    assert words(far) == {made.package_id: "已送达"}
    assert [r["package_id"] for r in rows(centre.hub.store, "hand_over")] == [made.package_id]


def test_of_one_second_the_one_entered_later_stands_first(far: Station) -> None:
    register, at = far.media.register, "2026-05-06T09:00:00+08:00"
    out_ = {
        "medium_kind": "1", "medium_no": STICK.number, "content": "上报变更", "fingerprint": "ab" * 4, "bytes": 1,
        "sent_from": "乙局", "sent_to": "中心", "handed_at": at,
    }  # fmt: skip
    in_ = {
        "media_kind": "1", "media_no": STICK.number, "fingerprint": "ab" * 4, "outcome": "1", "received_at": at,
        "sets": 0, "changes": 0, "applied": 0, "refused": 0, "package_id": "p2",
    }  # fmt: skip
    register.keep_hand_overs([{**out_, "package_id": "p1"}], STICK)
    register.keep_intake(in_, STICK)
    register.keep_hand_overs([{**out_, "package_id": "p3"}], STICK)
    assert [m.package_id for m in register.movements()] == ["p3", "p2", "p1"]
