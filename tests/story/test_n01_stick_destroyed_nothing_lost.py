"""N1: the stick is destroyed after the export: everything is still pending, and goes out again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from desktop.work.media import MediumInfo
from desktop.work.syncing import Syncing
from server_stub.hub import Hub
from shared.errors import InputError, MediaGone
from shared.fictitious import market_entities
from shared.standing import Standing
from shared.store import exchange
from sync import package
from tests.fixtures.hubs import DIVISION, Place
from tests.fixtures.stations import PASSWORD, STICK, Station, enrolment, invite, open_station, quiet

ENTITIES = list(market_entities(12, DIVISION, 11))
SPARE = MediumInfo("1", "U-2026-002")


@pytest.fixture
def zhou(place: Place, tmp_path: Path) -> Station:
    """老周's bureau, which has no network at all."""
    request = enrolment(tmp_path / "zhou").write_request(
        tmp_path, invite(place.hub, place.b, "zhou", "老周"), "乙局-01", PASSWORD, quiet
    )
    enrolment(tmp_path / "zhou").read_grant(at_hub(place.hub, request.path), PASSWORD, quiet)
    return open_station(tmp_path / "zhou", "zhou")


def at_hub(hub: Hub, path: Path) -> Path:
    answer = path.with_name(f"answer-{path.name}")
    with path.open("rb") as stream, answer.open("wb") as out:
        hub.handle(stream, out)
    return answer


def names(station: Station) -> set[str]:
    """Change sets without a receipt."""
    with station.session.store.read() as connection:
        return {s.cs_id for s in exchange.unreceipted(connection)}


def inside(path: Path) -> set[tuple[int, int]]:
    with path.open("rb") as stream:
        return {(r.first, r.last) for r in package.inspect(stream).core.ranges}


def test_the_stick_is_destroyed_and_nothing_is_lost(place: Place, zhou: Station, tmp_path: Path) -> None:
    stick, spare = tmp_path / "stick", tmp_path / "spare"
    stick.mkdir()
    spare.mkdir()
    ids = zhou.insert("market_entity", *ENTITIES)
    media = zhou.media
    first = media.export(stick, STICK, quiet)
    sent, ranges = names(zhou), inside(first.path)
    shutil.rmtree(stick)

    # all of it still stands as pending, and the register shows the hand-over as under way
    assert Syncing(zhou.session).state().pending_changes >= len(ENTITIES)
    assert [s.standing for s in Syncing(zhou.session).state().sets] == [Standing.SEALED] * 2
    (line,) = media.register.movements()
    assert (line.word, line.medium_no, line.package_id) == ("已交出", STICK.number, first.package_id)
    with pytest.raises(InputError, match="原因"):
        media.export_again(line.id, "  ", spare, SPARE, quiet)
    with pytest.raises(MediaGone):  # the spare is not in its slot yet: told, and done again
        media.export_again(line.id, "途中掉入河中", tmp_path / "nowhere", SPARE, quiet)

    again = media.export_again(line.id, "途中掉入河中", spare, SPARE, quiet)
    assert sent <= names(zhou) and ranges <= inside(again.path)  # the very same change sets
    words = {m.package_id: (m.word, m.note) for m in media.register.movements()}
    assert words[first.package_id] == ("已丢失", "途中掉入河中") and words[again.package_id][0] == "已交出"
    assert zhou.value("hand_over", again.hand_over_id, "again_of") == first.package_id
    assert {m.number: m.word for m in media.register.media()} == {STICK.number: "丢失", SPARE.number: "在用"}
    with pytest.raises(InputError, match="登记为“丢失”"):  # nobody writes to it unnoticed
        media.export(spare, STICK, quiet)

    # the second arrives; its receipt settles its hand-over by itself
    received = media.receive(at_hub(place.hub, again.path), quiet)
    done = media.apply(received, SPARE, quiet)
    received.close()
    assert done.arrived == 1
    words = {m.package_id: m.word for m in media.register.movements() if m.way == "out"}
    assert words == {first.package_id: "已丢失", again.package_id: "已送达"}
    with place.hub.store.read() as connection:
        found = connection.exec_driver_sql("SELECT id FROM market_entity").fetchall()
    assert {r[0] for r in found} == set(ids)
    assert Syncing(zhou.session).state().sets[-1].standing == Standing.APPLIED
    with pytest.raises(InputError, match="已经送达"):
        media.export_again(again.hand_over_id, "以为丢了", spare, SPARE, quiet)
    zhou.session.close()


def test_the_finder_cannot_read_it(place: Place, zhou: Station, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    zhou.insert("market_entity", ENTITIES[0])
    found = zhou.media.export(stick, STICK, quiet).path.read_bytes()
    for secret in (ENTITIES[0]["name"], ENTITIES[0]["uscc"], "老周"):
        assert str(secret).encode() not in found
    zhou.session.close()
