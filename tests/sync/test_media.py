"""介质交换 as the person with the stick lives it: real sessions, real hub, real files."""

from __future__ import annotations

import errno
import io
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.work.media_report import Verdict
from desktop.work.syncing import Syncing
from server_stub.hub import Hub
from shared.access import HUB_ACTOR
from shared.errors import (
    Cancelled,
    HubRefused,
    MediaError,
    MediaFull,
    MediaGone,
    MediaReadOnly,
    PackageError,
    UnknownSigner,
    Unreachable,
    YizhanError,
)
from shared.fictitious import market_entities
from shared.standing import Standing
from sync import package
from sync.bundles import bundles
from sync.media import clear_spool, explain, packages_in, read_to_spool, write_safely
from sync.package import CoreDraft, Kind
from sync.trust import DeviceKeys
from tests.fixtures.hubs import DIVISION, Place, make_place, serving
from tests.fixtures.stations import (
    PASSWORD,
    STICK,
    Station,
    add_entities,
    enrolment,
    invite,
    open_station,
    quiet,
    station,
)

ENTITIES = list(market_entities(60, DIVISION, 3))


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Place]:
    made = make_place(f"sqlite:///{tmp_path / 'hub.db'}", tmp_path / "hub")
    add_entities(made.hub, *ENTITIES[:20])
    yield made
    made.hub.close()


@pytest.fixture
def url(centre: Place) -> Iterator[str]:
    with serving(centre.hub) as address:
        yield address


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    made = tmp_path / "stick"
    made.mkdir()
    return made


@pytest.fixture
def near(centre: Place, url: str, tmp_path: Path) -> Iterator[Station]:
    """A station with a network."""
    made = station(centre.hub, url, centre.a, tmp_path / "near")
    yield made
    made.session.close()


@pytest.fixture
def far(centre: Place, tmp_path: Path, stick: Path) -> Iterator[Station]:
    """A station without any network: enrolled by files, its stick carried to the hub."""
    folder = tmp_path / "far"
    first = enrolment(folder)
    code = invite(centre.hub, centre.b, "zhou", "老周")
    request = first.write_request(stick, code, "乙局-01", PASSWORD, quiet)
    grant = at_hub(centre.hub, request.path)
    done = enrolment(folder).read_grant(grant, PASSWORD, quiet)  # after a restart
    assert (done.account, done.bureau_name) == ("zhou", "乙局")
    request.path.unlink()
    grant.unlink()
    made = open_station(folder, "zhou")
    yield made
    made.session.close()


def at_hub(hub: Hub, path: Path) -> Path:
    """Somebody imports a package at the hub; its answer lies beside it."""
    answer = path.with_name(f"answer-{len(list(path.parent.iterdir()))}.yzp")
    with path.open("rb") as stream, answer.open("wb") as out:
        hub.handle(stream, out)
    return answer


def bring_in(one: Station, path: Path) -> int:
    received = one.media.receive(path, quiet)
    assert received.report.verdict is Verdict.APPLY, received.report.problems
    done = one.media.apply(received, STICK, quiet)
    received.close()
    return done.changes


def marks(one: Station) -> tuple[int, int, object]:
    """What an import that is refused must not touch."""
    state = Syncing(one.session).state()
    return one.count("market_entity"), one.count("media_intake"), (state.evidence_at, state.receipted)


# --- the whole way -----------------------------------------------------------------
def test_a_bureau_without_network_lives_by_the_stick(centre: Place, far: Station, stick: Path) -> None:
    ids = far.insert("market_entity", *ENTITIES[20:23])
    plan = far.media.plan_export()
    assert (plan.changes, plan.sets, plan.exported_before, plan.only_asks) == (3, 1, 0, False)
    out = far.media.export(stick, STICK, quiet)
    assert out.path.parent == stick and out.path.name.startswith("驿站-")
    assert out.path.name.endswith(f"-{out.fingerprint_text[:9].replace(' ', '').lower()}.yzp")
    assert out.hand_over.changes == 3 and out.hand_over.medium_number == "U-2026-001"
    assert out.hand_over.fingerprint == out.fingerprint_text and out.hand_over.sent_to == "测试中心"
    assert [p.name for p in stick.iterdir()] == [out.path.name]  # no .part, nothing else
    answer = at_hub(centre.hub, out.path)

    received = far.media.receive(answer, quiet)
    report = received.report
    assert (report.verdict, report.signed, report.sealed_by) == (Verdict.APPLY, True, "测试中心")
    assert report.sealed_for == "本机（乙局）" and report.size == answer.stat().st_size
    told = {c.name: (c.inserts, c.updates, c.deletes) for c in report.changes}
    assert told["market_entity"] == (20, 0, 0)
    assert report.preview is not None and report.preview.echoes >= 3
    assert [s.status for s in report.preview.receipts] == ["applied"]
    assert far.count("market_entity") == 3  # shown, not applied
    assert far.media.plan_export().changes == 5  # these, the medium and the hand-over sheet

    done = far.media.apply(received, STICK, quiet, "已核对封条")
    received.close()
    assert far.count("market_entity") == 23 and "market_entity" in done.types
    assert far.value("market_entity", ids[0], "name") == ENTITIES[20]["name"]
    state = Syncing(far.session).state()
    assert [s.standing for s in state.sets] == [Standing.APPLIED] and state.receipted == 3
    # the medium, the hand-over and its arrival, and the intake record: still to be reported
    assert state.pending_changes == 4 and done.arrived == 1
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
    assert (plan.changes, plan.sets, plan.exported_before) == (13, 2, 1)
    second = far.media.export(stick, STICK, quiet)
    assert second.package_id != first.package_id
    answer = at_hub(centre.hub, second.path)
    with centre.hub.store.read() as connection:
        found = connection.exec_driver_sql("SELECT count(*) FROM market_entity").scalar()
    assert found == 31
    bring_in(far, answer)
    assert Syncing(far.session).state().receipted == 13


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


# --- bad packages, each with its sentence --------------------------------------------
@pytest.fixture
def answer(centre: Place, far: Station, stick: Path) -> Path:
    return at_hub(centre.hub, far.media.export(stick, STICK, quiet).path)


def refused(one: Station, path: Path) -> YizhanError:
    """The package is refused with a sentence, and nothing at all is applied."""
    before = marks(one)
    received = one.media.receive(path, quiet)
    report = received.report
    assert report.verdict is Verdict.REFUSED and report.refusal is not None
    assert report.problems[0].message == report.refusal.message and report.refusal.hint
    assert report.fingerprint_text
    with pytest.raises(PackageError) as caught:
        one.media.apply(received, STICK, quiet)
    assert caught.value is report.refusal
    assert marks(one) == before
    received.close()
    return caught.value


def test_truncated(far: Station, answer: Path) -> None:
    whole = answer.read_bytes()
    for cut in (0, 3, 10, len(whole) // 2, len(whole) - 1):
        answer.write_bytes(whole[:cut])
        assert "不完整" in refused(far, answer).message


def test_flipped(far: Station, answer: Path) -> None:
    whole = bytearray(answer.read_bytes())
    for at in (len(whole) // 2, len(whole) - 40):
        bad = bytearray(whole)
        bad[at] ^= 1
        answer.write_bytes(bad)
        assert refused(far, answer).code in ("tampered", "truncated")


def test_newer_version(far: Station, answer: Path) -> None:
    whole = bytearray(answer.read_bytes())
    whole[3] = ord("2")
    answer.write_bytes(whole)
    error = refused(far, answer)
    assert "更新版本" in error.message and "升级" in error.hint


def test_not_a_package(far: Station, stick: Path) -> None:
    path = stick / "photo.yzp"
    path.write_bytes(b"\xff\xd8\xff\xe0 a picture")
    assert "不是驿站交换包" in refused(far, path).message
    (stick / "folder.yzp").mkdir()
    with pytest.raises(MediaError, match="文件夹"):
        far.media.receive(stick / "folder.yzp", quiet)


def test_another_hub(far: Station, stick: Path, tmp_path: Path) -> None:
    other = make_place(f"sqlite:///{tmp_path / 'other.db'}", tmp_path / "other")
    with serving(other.hub) as url:
        stranger = station(other.hub, url, other.a, tmp_path / "stranger", "wu", "小吴")
    path = stranger.media.export(stick, STICK, quiet).path
    foreign = at_hub(other.hub, path)
    stranger.session.close()
    other.hub.close()
    assert "另一个中心" in refused(far, path).message
    assert "另一个中心" in refused(far, foreign).message


def test_a_forged_hub_is_not_believed(far: Station, answer: Path) -> None:
    """A package that names our hub but is signed by a stranger's key."""
    hub = far.session.hub_trust
    draft = CoreDraft(Kind.ANSWER, hub.hub_id, hub.hub_id, far.session.store.clock.stamp())
    forger = DeviceKeys.generate()
    answer.write_bytes(package.seal_bytes(draft, [far.session.device_keys.seal.public], forger.sign, []))
    assert "不在本机信任的名单" in refused(far, answer).message


def test_a_package_id_never_becomes_a_path(near: Station, stick: Path) -> None:
    hub = near.session.hub_trust
    draft = CoreDraft(Kind.CHANGES, hub.hub_id, "f" * 32, "2026-05-06", package_id="../../../evil")
    path = stick / "evil.yzp"
    path.write_bytes(package.seal_bytes(draft, [hub.seal], DeviceKeys.generate().sign, []))
    assert "编号不合规定" in refused(near, path).message


def test_for_another_bureau(near: Station, answer: Path) -> None:
    before = marks(near)
    received = near.media.receive(answer, quiet)
    assert received.report.verdict is Verdict.CARRY and received.report.signed
    assert received.report.preview is None and received.report.sealed_for == "另一台设备"
    assert any("另一台设备" in p.message for p in received.report.problems)
    with pytest.raises(PackageError, match="原样"):
        near.media.apply(received, STICK, quiet)
    with pytest.raises(PackageError):
        near.media.forward(received, answer.parent, STICK, quiet)
    assert marks(near) == before


def test_a_refused_package_is_on_record(far: Station, answer: Path) -> None:
    answer.write_bytes(answer.read_bytes()[:-5])
    received = far.media.receive(answer, quiet)
    values = far.media.refuse(received, STICK, "封条破损，退回")
    assert values["outcome"] == "3" and values["analysis"].startswith("封条破损，退回；交换包不完整")
    assert far.count("media_intake") == 1 and far.count("market_entity") == 0


# --- couriers ----------------------------------------------------------------------
def test_a_networked_client_carries_for_another_bureau(
    near: Station, far: Station, stick: Path, centre: Place
) -> None:
    far.insert("market_entity", *ENTITIES[20:25])
    out = far.media.export(stick, STICK, quiet)
    received = near.media.receive(out.path, quiet)
    report = received.report
    assert report.verdict is Verdict.FORWARD and report.sealed_for == "测试中心"
    assert not report.signed and any("无法核实签名" in p.message for p in report.problems)
    assert report.fingerprint_text == out.fingerprint_text  # as on the hand-over sheet
    with pytest.raises(PackageError):
        near.media.apply(received, STICK, quiet)
    back = near.media.forward(received, stick, STICK, quiet)
    received.close()
    assert near.count("market_entity") == 0  # carried, not read
    assert bring_in(far, back.path) >= 20
    assert Syncing(far.session).state().receipted == 5
    with centre.hub.store.read() as connection:
        logged = connection.exec_driver_sql("SELECT carrier, outcome FROM exchange WHERE kind = 'changes'")
        assert [tuple(r) for r in logged] == [("media", "applied")]


def test_a_courier_takes_enrolment_files_too(
    near: Station, centre: Place, stick: Path, tmp_path: Path
) -> None:
    fresh = enrolment(tmp_path / "fresh")
    code = invite(centre.hub, centre.b, "sun", "小孙")
    request = fresh.write_request(stick, code, "乙局-02", PASSWORD, quiet)
    received = near.media.receive(request.path, quiet)
    assert received.report.verdict is Verdict.FORWARD and received.report.signed
    back = near.media.forward(received, stick, STICK, quiet)
    assert near.media.receive(back.path, quiet).report.verdict is Verdict.CARRY
    done = fresh.read_grant(back.path, PASSWORD, quiet)
    assert (done.person, done.hub_name) == ("小孙", "测试中心")


def test_a_courier_notices_damage_and_hears_the_hub_refuse(
    near: Station, far: Station, stick: Path, centre: Place
) -> None:
    whole = far.media.export(stick, STICK, quiet).path
    bad = bytearray(whole.read_bytes())
    bad[len(bad) // 2] ^= 1
    (stick / "bad.yzp").write_bytes(bad)
    assert refused(near, stick / "bad.yzp").code in ("tampered", "truncated")
    with centre.hub.store.write() as connection:
        connection.exec_driver_sql(
            "DELETE FROM device_key WHERE device = ?", (far.session.device,)
        )
    received = near.media.receive(whole, quiet)
    with pytest.raises((HubRefused, UnknownSigner)):
        near.media.forward(received, stick, STICK, quiet)
    assert sorted(p.suffix for p in stick.iterdir()) == [".yzp", ".yzp"]


def test_forwarding_without_network_keeps_the_package(near: Station, far: Station, stick: Path) -> None:
    out = far.media.export(stick, STICK, quiet)
    received = near.media.receive(out.path, quiet)
    near.session.settings.set("hub_url", "http://127.0.0.1:9")
    with pytest.raises(Unreachable):
        near.media.forward(received, stick, STICK, quiet)
    assert [p.name for p in stick.iterdir()] == [out.path.name]
    assert Syncing(near.session).state().attempts[0].outcome == "failed"


# --- sticks that fail ----------------------------------------------------------------
def source_of(tmp_path: Path, size: int) -> Path:
    path = tmp_path / "source.yzp"
    with path.open("wb") as out:
        out.truncate(size)
    return path


def fine(_stream: object) -> None:
    """A check that is content."""


def test_full_before_writing(tmp_path: Path, stick: Path) -> None:
    source = source_of(tmp_path, shutil.disk_usage(stick).free + (1 << 30))  # sparse
    with pytest.raises(MediaFull, match="剩余"):
        write_safely(source, stick, ["a.yzp"], fine, quiet)
    assert not list(stick.iterdir())


def test_file_too_large_in_mid_write(tmp_path: Path, stick: Path) -> None:
    """A real limit of the system, met after three megabytes."""
    source = source_of(tmp_path, 8 << 20)
    script = f"""
        import resource, signal, sys
        from pathlib import Path
        from shared.errors import MediaError
        from sync.media import write_safely
        resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, 3 << 20))
        try:
            write_safely(Path({str(source)!r}), Path({str(stick)!r}), ["a.yzp"], print, lambda *a: None)
        except MediaError as bad:
            sys.stdout.buffer.write(bad.message.encode())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, check=True, cwd=Path.cwd()
    )
    assert "4 GB" in done.stdout.decode()
    assert not list(stick.iterdir())


def test_every_failure_has_its_own_sentence() -> None:
    kinds = {
        errno.ENOSPC: MediaFull,
        errno.EDQUOT: MediaFull,
        errno.EROFS: MediaReadOnly,
        errno.EACCES: MediaReadOnly,
        errno.ENOENT: MediaGone,
        errno.EIO: MediaGone,
        errno.ENODEV: MediaGone,
        errno.EFBIG: MediaError,
        errno.ENAMETOOLONG: MediaError,
        errno.ENOTDIR: MediaError,
        errno.EBUSY: MediaError,
    }
    said = set()
    for number, kind in kinds.items():
        error = explain(OSError(number, os.strerror(number)), Path("/media/stick"))
        assert type(error) is kind and error.message and error.hint
        said.add(error.message)
    assert len(said) == 7


def test_read_only_folder(far: Station, tmp_path: Path) -> None:
    """``/sys`` lets nobody make files, not even root."""
    far.insert("market_entity", ENTITIES[20])
    with pytest.raises(MediaReadOnly) as caught:
        far.media.export(Path("/sys/kernel"), STICK, quiet)
    assert "写保护" in caught.value.hint and "数据仍在本机" in caught.value.hint
    assert Syncing(far.session).state().attempts[0].outcome == "failed"
    assert far.media.plan_export().changes == 1


def test_mounted_read_only(
    tmp_path: Path, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = os.open

    def write_protected(path: os.PathLike[str], flags: int, mode: int = 0o777) -> int:
        if flags & os.O_CREAT and str(path).startswith(str(stick)):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return really(path, flags, mode)

    monkeypatch.setattr(os, "open", write_protected)
    with pytest.raises(MediaReadOnly):
        write_safely(source_of(tmp_path, 10), stick, ["a.yzp"], fine, quiet)


def test_never_there(far: Station, tmp_path: Path) -> None:
    with pytest.raises(MediaGone):
        far.media.export(tmp_path / "nothing", STICK, quiet)
    with pytest.raises(MediaGone, match="文件不在了"):
        far.media.receive(tmp_path / "nothing" / "a.yzp", quiet)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(MediaError, match="不是文件夹"):
        far.media.export(file, STICK, quiet)


def test_pulled_out_in_mid_write(tmp_path: Path, stick: Path) -> None:
    source = source_of(tmp_path, 6 << 20)

    def pull(done: int, total: int, text: str) -> None:
        if done >= 3 << 20 and stick.exists():
            shutil.rmtree(stick)

    with pytest.raises(MediaGone):
        write_safely(source, stick, ["a.yzp"], fine, pull)


def test_another_stick_in_mid_write(tmp_path: Path, stick: Path) -> None:
    source = source_of(tmp_path, 6 << 20)

    def swap(done: int, total: int, text: str) -> None:
        if done == 3 << 20:
            stick.rename(tmp_path / "old stick")
            stick.mkdir()

    with pytest.raises(MediaGone):
        write_safely(source, stick, ["a.yzp"], fine, swap)
    assert not list(stick.iterdir())


def test_what_reads_back_wrong_is_not_kept(tmp_path: Path, stick: Path) -> None:
    source = source_of(tmp_path, 3 << 20)

    def rot(done: int, total: int, text: str) -> None:
        if text == "正在回读核对":
            with next(stick.iterdir()).open("r+b") as out:
                out.seek(1 << 20)
                out.write(b"x")

    with pytest.raises(MediaError, match="回读核对不一致"):
        write_safely(source, stick, ["a.yzp"], fine, rot)
    with pytest.raises(MediaError, match="回读核对不一致"):  # a receiver could not open it
        write_safely(source, stick, ["a.yzp"], lambda s: package.verify(s, package.self_signed), quiet)
    assert not list(stick.iterdir())


def test_cancelled_leaves_nothing(far: Station, stick: Path) -> None:
    far.insert("market_entity", ENTITIES[20])

    def stop(done: int, total: int, text: str) -> None:
        if text == "正在写入介质":
            raise Cancelled("操作已取消。")

    with pytest.raises(Cancelled):
        far.media.export(stick, STICK, stop)
    assert not list(stick.iterdir()) and not list(far.session.settings.spool.iterdir())


def test_names_a_medium_cannot_hold(tmp_path: Path, stick: Path) -> None:
    source = source_of(tmp_path, 10)
    long = "驿" * 100 + ".yzp"  # 300 bytes, one more than any file system takes
    assert write_safely(source, stick, [long, "plain.yzp"], fine, quiet).name == "plain.yzp"
    with pytest.raises(MediaError, match="文件名"):
        write_safely(source, stick, [long], fine, quiet)


def test_a_file_on_the_stick_is_never_replaced(tmp_path: Path, stick: Path) -> None:
    source = source_of(tmp_path, 10)
    names = [write_safely(source, stick, ["a.yzp"], fine, quiet).name for _ in range(3)]
    assert names == ["a.yzp", "a-2.yzp", "a-3.yzp"]
    assert {p.name for p in packages_in(stick)} == set(names)


# --- burning, and read-only media ------------------------------------------------------
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


def test_damage_shows_without_knowing_the_signer(far: Station, stick: Path) -> None:
    whole = far.media.export(stick, STICK, quiet).path.read_bytes()
    told = package.intact(io.BytesIO(whole))
    assert told.size == len(whole)
    body = len(whole) - 700  # behind it stands the signature, which only the hub can check
    for at in range(body - 300, body, 7):
        bad = bytearray(whole)
        bad[at] ^= 4
        with pytest.raises(PackageError):
            package.intact(io.BytesIO(bad))


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
