"""N8 without windows: a database key comes back by two persons, and by nobody else."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from desktop.work.keys import KeyFile
from desktop.work.passwords import PasswordRefused
from desktop.work.recovering import Recovering
from desktop.work.session import sign_in
from desktop.work.settings import Settings
from desktop.work.syncing import Syncing
from server_stub import keys as hub_keys
from server_stub import recovering, shares
from server_stub.shares import Holder
from shared.errors import (
    HubRefused,
    InputError,
    NotForUs,
    PackageError,
    StoreError,
    UnknownSigner,
    WrongPassword,
)
from shared.store import audit
from tests.fixtures.hubs import PASSPHRASE, Place, make_place, serving
from tests.fixtures.samples import sample
from tests.fixtures.stations import (
    LIGHT,
    PASSWORD,
    MemoryVault,
    Station,
    key_file,
    open_station,
    quiet,
    station,
)

NEW = "另一句新的登录密码"
WORDS = ("甲保管人自己才知道的一句口令", "乙保管人自己才知道的一句口令")


@dataclass
class Centre:
    """A hub with a recovery key, and its two keepers."""

    place: Place
    url: str
    first: Holder
    second: Holder

    def answer(self, request: Path, *, first: Holder | None = None, second: Holder | None = None) -> bytes:
        """Both keepers at the centre."""
        out = io.BytesIO()
        with request.open("rb") as stream:
            one = recovering.examine(self.place.hub, stream)
            recovering.answer(self.place.hub, one, first or self.first, second or self.second, out)
        return out.getvalue()


def with_recovery(place: Place, folder: Path) -> tuple[Holder, Holder]:
    """``recovery init`` with cheap guesses."""
    holders = []
    for part, words in zip("ab", WORDS, strict=True):
        (folder / part).mkdir(parents=True)
        holders.append(Holder(folder / part / "share.json", words))
    hub = place.hub
    public = shares.write_pair(*holders, hub.keys.hub_id, hub.keys.name, hub.clock.stamp(), kib=64)
    hub_keys.announce_recovery(hub.data / "hub.key", PASSPHRASE, hub.clock, public)
    return holders[0], holders[1]


@pytest.fixture
def centre(place: Place, tmp_path: Path) -> Iterator[Centre]:
    first, second = with_recovery(place, tmp_path / "keepers")
    with serving(place.hub) as url:
        yield Centre(place, url, first, second)


def locked(centre: Centre, folder: Path) -> list[str]:
    """An officer enters something, part of it cut and part not, and forgets the password."""
    one = station(centre.place.hub, centre.url, centre.place.a, folder)
    Syncing(one.session).sync_now(quiet)
    made = one.insert("alert", alert("一"), alert("二"))
    one.session.engine.cut()  # signed with the key that will be lost
    made += one.insert("alert", alert("三"))
    one.session.close()
    return made


def alert(title: str) -> dict[str, str]:
    return {**sample("alert"), "entity_name": title, "kind": "1", "origin": "1", "state": "raised"}


def recovering_at(folder: Path, keys: KeyFile | None = None) -> Recovering:
    return Recovering(Settings(folder), keys or key_file(folder), argon=LIGHT)


def ask(folder: Path, stick: Path, password: str = NEW) -> Path:
    stick.mkdir(exist_ok=True)
    return recovering_at(folder).write_request(stick, "chenmin", password, quiet).path


def give(folder: Path, answer: bytes, stick: Path) -> None:
    (stick / "批复.yzp").write_bytes(answer)
    recovering_at(folder).read_answer(stick / "批复.yzp", NEW, quiet)


def open_with(folder: Path, password: str = NEW) -> Station:
    session = sign_in(Settings(folder), "chenmin", password, keys=key_file(folder))
    return Station(session, "chenmin", [])


# --- the road that works -----------------------------------------------------------
def test_pending_changes_survive_and_are_accepted_afterwards(centre: Centre, tmp_path: Path) -> None:
    folder, stick, hub = tmp_path / "one", tmp_path / "stick", centre.place.hub
    made = locked(centre, folder)
    before = hub.ledger.device(key_file(folder).seat.device)  # type: ignore[union-attr]
    assert before is not None
    request = ask(folder, stick)
    waiting = recovering_at(folder).waiting()
    assert waiting is not None and waiting.account == "chenmin" and len(waiting.fingerprint) == 19
    again = open_station(folder, "chenmin")  # asking takes nothing away from who remembers
    again.session.close()
    give(folder, centre.answer(request), stick)

    with pytest.raises(PasswordRefused):
        key_file(folder).unlock("chenmin", PASSWORD)
    one = open_with(folder)
    assert [one.value("alert", i, "entity_name") for i in made] == ["一", "二", "三"]
    assert Syncing(one.session).state().pending_changes == 3
    report = Syncing(one.session).sync_now(quiet)
    assert report.sent_changes == 3 and not report.trouble
    assert Syncing(one.session).state().all_in
    with hub.store.read() as connection:
        assert {e.event for e in audit.latest(connection)} >= {"recovery", "key_recovered"}
        assert audit.check(connection).whole
    with one.session.store.read() as connection:
        assert "recovered" in {e.event for e in audit.latest(connection)}
    after = hub.ledger.device(before.device)
    assert after is not None and after.sign != before.sign and after.seal != before.seal
    assert before.sign in one.session.device_keys.signers
    assert not (folder / "recovery.json").exists() and recovering_at(folder).waiting() is None
    one.insert("alert", alert("四"))
    assert Syncing(one.session).sync_now(quiet).sent_changes == 1
    one.session.close()


def test_a_lost_keyring_is_mended_the_same_way(centre: Centre, tmp_path: Path) -> None:
    from tests.fixtures.stations import enrolment, invite

    folder, stick, vault = tmp_path / "one", tmp_path / "stick", MemoryVault()
    keys = key_file(folder, vault)
    enrolling = enrolment(folder)
    enrolling._keys = keys
    code = invite(centre.place.hub, centre.place.a, "chenmin", "陈敏")
    enrolling.enrol_online(centre.url, code, "甲局-01", PASSWORD, quiet)
    session = sign_in(Settings(folder), "chenmin", PASSWORD, keys=keys)
    Syncing(session).sync_now(quiet)
    session.close()
    other = key_file(folder, MemoryVault())
    with pytest.raises(StoreError, match="密钥环"):
        other.unlock("chenmin", PASSWORD)
    stick.mkdir()
    made = recovering_at(folder, other).write_request(stick, "chenmin", NEW, quiet)
    (stick / "a.yzp").write_bytes(centre.answer(made.path))
    recovering_at(folder, other).read_answer(stick / "a.yzp", NEW, quiet)
    assert not other.unlock("chenmin", NEW).keyring_missing


def test_a_lost_answer_is_made_again(centre: Centre, tmp_path: Path) -> None:
    folder, stick = tmp_path / "one", tmp_path / "stick"
    locked(centre, folder)
    request = ask(folder, stick)
    centre.answer(request)  # the stick is lost on its way back
    give(folder, centre.answer(request), stick)
    open_with(folder).session.close()


def test_a_crash_before_the_key_file_costs_a_repetition(
    centre: Centre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, stick = tmp_path / "one", tmp_path / "stick"
    locked(centre, folder)
    answer = centre.answer(ask(folder, stick))

    def broken(*_: object, **__: object) -> None:
        raise StoreError("断电")

    with monkeypatch.context() as patch:
        patch.setattr(KeyFile, "create_account", broken)
        with pytest.raises(StoreError, match="断电"):
            give(folder, answer, stick)
    give(folder, answer, stick)
    one = open_with(folder)
    assert not Syncing(one.session).sync_now(quiet).trouble
    one.session.close()


# --- what must not work ------------------------------------------------------------
def test_no_single_person_and_no_wrong_share(centre: Centre, tmp_path: Path) -> None:
    folder, stick, hub = tmp_path / "one", tmp_path / "stick", centre.place.hub
    locked(centre, folder)
    request = ask(folder, stick)
    before = hub.ledger.device(key_file(folder).seat.device)  # type: ignore[union-attr]
    with pytest.raises(InputError, match="同一半"):
        centre.answer(request, second=centre.first)
    with pytest.raises(WrongPassword, match="口令不正确"):
        centre.answer(request, second=Holder(centre.second.path, "猜测的一句口令一二三四五六"))
    flipped = tmp_path / "flipped.json"
    body = bytearray(centre.second.path.read_bytes())
    at = body.index(b'"sealed": "') + 20
    body[at] = ord("A") if body[at] != ord("A") else ord("B")
    flipped.write_bytes(bytes(body))
    with pytest.raises((WrongPassword, InputError)):
        centre.answer(request, second=Holder(flipped, WORDS[1]))
    other = make_place(f"sqlite:///{tmp_path / 'o.db'}", tmp_path / "other")
    _, strange = with_recovery(other, tmp_path / "strangers")
    with pytest.raises(InputError, match="另一个中心"):
        centre.answer(request, second=strange)
    with pytest.raises(NotForUs), request.open("rb") as stream:
        recovering.examine(other.hub, stream)
    other.hub.close()
    _, later = with_recovery(centre.place, tmp_path / "later")
    with pytest.raises(InputError, match="同一次"):
        centre.answer(request, second=later)
    first = Holder(tmp_path / "later" / "a" / "share.json", WORDS[0])
    with pytest.raises(InputError, match="那一次"):
        centre.answer(request, first=first, second=later)
    after = hub.ledger.device(before.device) if before else None
    assert before is not None and after == before  # nothing has changed
    give(folder, centre.answer(request), stick)


def test_a_request_of_a_revoked_device_or_a_frozen_account(centre: Centre, tmp_path: Path) -> None:
    folder, hub = tmp_path / "one", centre.place.hub
    locked(centre, folder)
    request = ask(folder, tmp_path / "stick")
    with hub.store.read() as connection:
        user = connection.exec_driver_sql("SELECT id FROM \"user\" WHERE account = 'chenmin'").scalar()
    from shared.access import HUB_ACTOR

    with hub.store.unit(HUB_ACTOR) as unit:
        unit.update(hub.store.types["user"], str(user), {"state": "frozen"})
    with pytest.raises(HubRefused, match="停用"):
        centre.answer(request)
    with hub.store.unit(HUB_ACTOR) as unit:
        unit.update(hub.store.types["user"], str(user), {"state": "active"})
    hub.ledger.revoke(key_file(folder).seat.device, "遗失")  # type: ignore[union-attr]
    with pytest.raises(HubRefused, match="吊销"):
        centre.answer(request)


def test_an_old_request_does_not_undo_a_newer_one(centre: Centre, tmp_path: Path) -> None:
    folder, stick = tmp_path / "one", tmp_path / "stick"
    locked(centre, folder)
    old = ask(folder, tmp_path / "first-stick")
    new = ask(folder, stick)
    answer = centre.answer(new)
    with pytest.raises(HubRefused, match="更换以前"):
        centre.answer(old)
    others = _other_answer(centre, tmp_path)
    with pytest.raises(NotForUs):
        recovering_at(folder).read_answer(others, NEW, quiet)
    give(folder, answer, stick)
    one = open_with(folder)
    one.session.close()
    with pytest.raises(HubRefused, match="更换以前"):
        centre.answer(old)


def _other_answer(centre: Centre, tmp_path: Path) -> Path:
    """An answer for another computer of the bureau."""
    folder = tmp_path / "two"
    station(centre.place.hub, centre.url, centre.place.a, folder, "zhou", "老周").session.close()
    (tmp_path / "stick2").mkdir()
    made = recovering_at(folder).write_request(tmp_path / "stick2", "zhou", NEW, quiet)
    path = tmp_path / "stick2" / "answer.yzp"
    path.write_bytes(centre.answer(made.path))
    return path


def test_a_flipped_request_and_a_forged_answer(centre: Centre, tmp_path: Path) -> None:
    folder, stick = tmp_path / "one", tmp_path / "stick"
    locked(centre, folder)
    request = ask(folder, stick)
    whole = request.read_bytes()
    for at in range(0, len(whole), 97):
        request.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises((PackageError, HubRefused, InputError)), request.open("rb") as stream:
            recovering.examine(centre.place.hub, stream)
    request.write_bytes(whole)
    answer = centre.answer(request)
    for at in range(0, len(answer), 131):
        with pytest.raises(PackageError):
            give(folder, answer[:at] + bytes([answer[at] ^ 1]) + answer[at + 1 :], stick)
    with pytest.raises(PackageError):
        give(folder, answer[:-1], stick)
    give(folder, answer, stick)


def test_another_hub_in_the_key_file_is_noticed(centre: Centre, tmp_path: Path) -> None:
    """Somebody with access to the locked computer puts an own hub beside the database."""
    import msgspec

    folder, stick = tmp_path / "one", tmp_path / "stick"
    locked(centre, folder)
    answer_key = centre.answer(ask(folder, stick))
    keys = key_file(folder)
    body = msgspec.json.decode(keys.path.read_bytes())
    fake = hub_keys.create(tmp_path / "fake.key", PASSPHRASE, body["seat"]["hub_id"], "假中心")
    import base64

    body["seat"]["hub_sign"] = base64.b64encode(fake.sign.public.to_bytes()).decode()
    keys.path.write_bytes(msgspec.json.encode(body))
    with pytest.raises(UnknownSigner):
        give(folder, answer_key, stick)


def test_a_password_that_is_not_the_one_chosen(centre: Centre, tmp_path: Path) -> None:
    folder, stick = tmp_path / "one", tmp_path / "stick"
    locked(centre, folder)
    request = ask(folder, stick)
    (stick / "批复.yzp").write_bytes(centre.answer(request))
    with pytest.raises(WrongPassword, match="当时设置"):
        recovering_at(folder).read_answer(stick / "批复.yzp", "又一句别的密码", quiet)
    with pytest.raises(PackageError, match="不是找回密码的批复"):
        recovering_at(folder).read_answer(request, NEW, quiet)
    with pytest.raises(InputError, match="至少 8"):
        ask(folder, stick, "短")
    recovering_at(folder).discard()
    with pytest.raises(InputError, match="没有等待"):
        recovering_at(folder).read_answer(stick / "批复.yzp", NEW, quiet)


def test_without_a_recovery_key_it_is_said(place: Place, tmp_path: Path) -> None:
    with serving(place.hub) as url:
        one = station(place.hub, url, place.a, tmp_path / "one")
        one.session.close()
        assert "恢复密钥" in recovering_at(tmp_path / "one").obstacle()
        with pytest.raises(StoreError, match="不能找回"):
            ask(tmp_path / "one", tmp_path / "stick")
        with_recovery(place, tmp_path / "keepers")  # it comes with the next round
        again = open_station(tmp_path / "one", "chenmin")
        Syncing(again.session).sync_now(quiet)
        again.session.close()
    assert recovering_at(tmp_path / "one").obstacle() == ""
    ask(tmp_path / "one", tmp_path / "stick")


def test_the_request_is_not_handled_by_the_program(centre: Centre, tmp_path: Path) -> None:
    locked(centre, tmp_path / "one")
    request = ask(tmp_path / "one", tmp_path / "stick")
    with pytest.raises(HubRefused, match="两名"), request.open("rb") as stream:
        centre.place.hub.handle(stream, io.BytesIO())


def test_the_shares_keep_to_themselves(centre: Centre, tmp_path: Path) -> None:
    first = Holder(tmp_path / "keepers" / "a" / "neu.json", WORDS[0])
    for second, said in (
        (Holder(tmp_path / "keepers" / "a" / "b.json", WORDS[1]), "同一个文件夹"),
        (Holder(tmp_path / "keepers" / "b" / "n.json", WORDS[0]), "不能相同"),
        (Holder(tmp_path / "keepers" / "b" / "n.json", "短"), "至少 12"),
        (Holder(tmp_path / "keepers" / "b" / "share.json", WORDS[1]), "已经存在"),
        (Holder(tmp_path / "nowhere" / "share.json", WORDS[1]), "不能写入"),
    ):
        with pytest.raises(InputError, match=said):
            shares.write_pair(first, second, "h", "n", "2026-01-01T00:00:00+08:00", kib=64)
        assert not first.path.exists()
