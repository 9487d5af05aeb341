"""介质交换 as the person with the stick lives it: real sessions, real hub, real files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from desktop.work.media_report import Verdict
from desktop.work.syncing import Syncing
from shared.access import HUB_ACTOR
from shared.standing import Standing
from sync.bundles import bundles
from sync.media import clear_spool, read_to_spool
from tests.fixtures.hubs import Place
from tests.fixtures.stations import (
    STICK,
    Station,
    add_entities,
    open_station,
    quiet,
)
from tests.fixtures.sticks import ENTITIES, at_hub, bring_in, refused


def test_a_bureau_without_network_lives_by_the_stick(centre: Place, far: Station, stick: Path) -> None:
    ids = far.insert("market_entity", *ENTITIES[20:23])
    plan = far.media.plan_export()
    assert (plan.changes, plan.sets, plan.exported_before, plan.only_asks) == (3, 1, 0, False)
    out = far.media.export(stick, STICK, quiet)
    assert out.path.parent == stick and out.path.name.startswith("驿站-")
    assert out.path.name.endswith(f"-{out.fingerprint_text[:9].replace(' ', '').lower()}.yzp")
    # with what is told about the medium and this very hand-over, which lie inside
    assert out.hand_over.changes == 5 and out.hand_over.medium_number == "U-2026-001"
    assert out.hand_over.fingerprint == out.fingerprint_text and out.hand_over.sent_to == "测试中心"
    assert [p.name for p in stick.iterdir()] == [out.path.name]  # no .part, nothing else
    answer = at_hub(centre.hub, out.path)

    received = far.media.receive(answer, quiet)
    report = received.report
    assert (report.verdict, report.signed, report.sealed_by) == (Verdict.APPLY, True, "测试中心")
    assert (report.sealed_for, report.for_us, report.by_us) == ("乙局", True, False)
    assert report.size == answer.stat().st_size
    told = {c.name: (c.inserts, c.updates, c.deletes) for c in report.changes}
    assert told["market_entity"] == (20, 0, 0)
    assert report.preview is not None and report.preview.echoes >= 3
    assert [s.status for s in report.preview.receipts] == ["applied", "applied"]  # entities, and the paper
    assert far.count("market_entity") == 3  # shown, not applied
    assert far.media.plan_export().changes == 5  # the same: nothing was added by handing it over

    done = far.media.apply(received, STICK, quiet, "已核对封条")
    received.close()
    assert far.count("market_entity") == 23 and "market_entity" in done.types
    assert far.value("market_entity", ids[0], "name") == ENTITIES[20]["name"]
    state = Syncing(far.session).state()
    assert [s.standing for s in state.sets] == [Standing.APPLIED] * 2 and state.receipted == 5
    assert state.pending_changes == 1 and done.arrived == 1  # only the intake record is left to be reported
    assert far.value("media_intake", done.intake_id, "analysis") == "已核对封条"
    assert far.value("media_intake", done.intake_id, "fingerprint") == report.fingerprint_text
    assert far.value("media_intake", done.intake_id, "outcome") == "1"
    assert far.session.actor.name == "老周" and far.session.bureau.code == "B"
    assert (frozenset(done.types), "media") in far.told
    assert [a.direction for a in state.attempts] == ["down", "up"]
    assert not list(far.session.settings.spool.iterdir())


def test_a_lost_stick_loses_nothing(centre: Place, far: Station, stick: Path) -> None:
    far.insert("market_entity", *ENTITIES[20:30])
    first = far.media.export(stick, STICK, quiet)
    shutil.rmtree(stick)
    stick.mkdir()
    far.insert("market_entity", ENTITIES[30])
    plan = far.media.plan_export()
    assert (plan.changes, plan.sets, plan.exported_before) == (13, 3, 2)
    second = far.media.export(stick, STICK, quiet)
    assert second.package_id != first.package_id
    answer = at_hub(centre.hub, second.path)
    with centre.hub.store.read() as connection:
        found = connection.exec_driver_sql("SELECT count(*) FROM market_entity").scalar()
    assert found == 31
    bring_in(far, answer)
    assert Syncing(far.session).state().receipted == 14  # with the second hand-over


def test_importing_twice_is_harmless(centre: Place, far: Station, stick: Path) -> None:
    far.insert("market_entity", ENTITIES[20])
    answer = at_hub(centre.hub, far.media.export(stick, STICK, quiet).path)
    assert bring_in(far, answer) > 0
    before = far.count("market_entity"), Syncing(far.session).state().receipted
    again = far.media.receive(answer, quiet)
    assert again.report.verdict is Verdict.REPEATED
    assert again.report.preview is not None and again.report.preview.total == 0
    done = far.media.apply(again, STICK, quiet)
    assert (done.repeated, done.changes, done.receipts) == (True, 0, 0)
    assert (far.count("market_entity"), Syncing(far.session).state().receipted) == before
    assert far.count("media_intake") == 2  # both times are on record


def test_own_edits_stay_and_the_report_says_so(centre: Place, far: Station, stick: Path) -> None:
    bring_in(far, at_hub(centre.hub, far.media.export(stick, STICK, quiet).path))
    entity = far.session.store.types["market_entity"]
    shared_id = entity.id_for_key(ENTITIES[0]["uscc"])
    with centre.hub.store.unit(HUB_ACTOR) as unit:
        unit.update(entity, shared_id, {"address": "中心改的地址"})
    answer = at_hub(centre.hub, far.media.export(stick, STICK, quiet).path)
    with far.session.store.unit(far.session.actor) as unit:
        unit.update(entity, shared_id, {"address": "本机改的地址"})
    received = far.media.receive(answer, quiet)
    assert received.report.preview is not None and received.report.preview.overlaps == 1
    assert any("尚未同步的修改" in p.message for p in received.report.problems)
    assert {c.name: c.updates for c in received.report.changes}["market_entity"] == 1
    far.media.apply(received, STICK, quiet)
    assert far.value("market_entity", shared_id, "address") == "本机改的地址"


def test_a_package_waits_for_the_earlier_one(
    centre: Place, far: Station, stick: Path, tmp_path: Path
) -> None:
    """The database comes from a backup, and the newer of two packages is taken first."""
    early = at_hub(centre.hub, far.media.export(stick, STICK, quiet).path)
    far.session.close()
    database = far.session.settings.database
    shutil.copyfile(database, tmp_path / "backup.db")
    once = open_station(database.parent, "zhou")
    bring_in(once, early)
    add_entities(centre.hub, *ENTITIES[40:45])
    late = at_hub(centre.hub, once.media.export(stick, STICK, quiet).path)
    once.session.close()
    for old in database.parent.glob("yizhan.db*"):
        old.unlink()
    shutil.copyfile(tmp_path / "backup.db", database)
    restored = open_station(database.parent, "zhou")
    assert "前面还有没有收到的数据" in refused(restored, late).message
    assert bring_in(restored, early) >= 20
    report = restored.media.receive(late, quiet).report
    assert report.verdict is Verdict.APPLY
    assert {c.name: c.inserts for c in report.changes}["market_entity"] == 5
    restored.session.close()


def test_more_than_one_package_holds_goes_into_several_each_good_on_its_own(
    centre: Place, far: Station, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far.insert("market_entity", *ENTITIES[20:25])
    far.session.engine.cut()
    far.insert("market_entity", *ENTITIES[25:30])
    monkeypatch.setattr("desktop.work.media.bundles", lambda sets: bundles(sets, 10))
    last = far.media.export(stick, STICK, quiet)
    (first,) = last.others
    assert [m.word for m in far.media.register.movements() if m.way == "out"] == ["已交出", "已交出"]
    assert sum(r.hand_over.changes or 0 for r in (first, last)) >= 10
    late = at_hub(centre.hub, last.path)  # the second arrives first: it waits
    early = at_hub(centre.hub, first.path)
    with centre.hub.store.read() as connection:
        found = connection.exec_driver_sql("SELECT count(*) FROM market_entity").scalar()
    assert found == 30
    for answer in (early, late):
        received = far.media.receive(answer, quiet)
        far.media.apply(received, STICK, quiet)
        received.close()
    assert {m.word for m in far.media.register.movements() if m.way == "out"} == {"已送达"}
    assert [s.standing for s in Syncing(far.session).state().sets[-2:]] == [Standing.APPLIED, Standing.APPLIED]


def test_export_for_burning(far: Station, stick: Path) -> None:
    out = far.media.export(stick, STICK, quiet, for_burning=True)
    assert out.path.name.isascii() and len(out.path.name) <= 64


def test_import_needs_no_right_to_write(far: Station, answer: Path, stick: Path) -> None:
    answer.chmod(0o444)
    stick.chmod(0o555)
    before = {p.name: (p.stat().st_mtime_ns, p.stat().st_size) for p in stick.iterdir()}
    try:
        assert bring_in(far, answer) >= 20
        assert {p.name: (p.stat().st_mtime_ns, p.stat().st_size) for p in stick.iterdir()} == before
    finally:
        stick.chmod(0o755)


def test_the_stick_may_go_once_it_was_read(far: Station, answer: Path, stick: Path) -> None:
    received = far.media.receive(answer, quiet)
    shutil.rmtree(stick)
    assert far.media.apply(received, STICK, quiet).changes >= 20


def test_left_over_copies_are_cleared(tmp_path: Path, stick: Path) -> None:
    (stick / "a.yzp").write_bytes(b"abc")
    spool = tmp_path / "spool"
    read_to_spool(stick / "a.yzp", spool, quiet)
    (spool / "up.yzp").write_bytes(b"another's")
    clear_spool(spool)
    assert [p.name for p in spool.iterdir()] == ["up.yzp"]
