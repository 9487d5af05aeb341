"""The keystore is lost with everything in it, key and mark: what was pending under the lost key still arrives, once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from desktop.work.highwater import WORDS
from desktop.work.recovering import Recovering
from desktop.work.session import Session, sign_in
from desktop.work.settings import Settings
from desktop.work.syncing import Syncing
from shared.errors import HubRefused, StoreError
from shared.store import audit
from shared.store.exchange import all_sets
from sync.lines import MOVED
from tests.fixtures.devices import handle, rows
from tests.fixtures.hubs import Place, serving
from tests.fixtures.stations import (
    LIGHT,
    PASSWORD,
    STICK,
    MemoryVault,
    Station,
    enrolment,
    invite,
    key_file,
    quiet,
)
from tests.sync.test_recovery import NEW, Centre, alert, with_recovery


@pytest.fixture
def centre(place: Place, tmp_path: Path) -> Iterator[Centre]:
    first, second = with_recovery(place, tmp_path / "keepers")
    with serving(place.hub) as url:
        yield Centre(place, url, first, second)


@pytest.fixture
def vault() -> MemoryVault:
    """The keystore that will be lost."""
    return MemoryVault()


@pytest.fixture
def folder(centre: Centre, vault: MemoryVault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A seat whose key and mark rest on the keyring; it has sent one record and not yet two more."""
    monkeypatch.setenv("YIZHAN_STATE", str(tmp_path / "state"))
    home = tmp_path / "one"
    enrolling = enrolment(home)
    enrolling._keys = key_file(home, vault)
    code = invite(centre.place.hub, centre.place.a, "chenmin", "陈敏")
    enrolling.enrol_online(centre.url, code, "甲局-01", PASSWORD, quiet)
    one = signed_in(home, vault, PASSWORD)
    one.insert("alert", alert("已发"))
    Syncing(one.session).sync_now(quiet)
    one.insert("alert", alert("已签"))
    one.session.engine.cut()  # signed by the key that will be lost
    one.insert("alert", alert("未签"))
    one.session.close()
    assert any(name.startswith("mark ") for name in vault.kept), "the mark rests on the keyring too"
    return home


def signed_in(home: Path, vault: MemoryVault, password: str) -> Station:
    session: Session = sign_in(Settings(home), "chenmin", password, keys=key_file(home, vault))
    return Station(session, "chenmin", [])


def recovered(centre: Centre, home: Path, stick: Path) -> Station:
    """A new, empty keystore; the locked seat makes new keys, two persons give the database key back."""
    vault = MemoryVault()
    with pytest.raises(StoreError, match="密钥环"):
        key_file(home, vault).unlock("chenmin", PASSWORD)
    stick.mkdir()
    asking = Recovering(Settings(home), key_file(home, vault), argon=LIGHT)
    request = asking.write_request(stick, "chenmin", NEW, quiet).path
    (stick / "批复.yzp").write_bytes(centre.answer(request))
    asking.read_answer(stick / "批复.yzp", NEW, quiet)
    return signed_in(home, vault, NEW)


Road = Callable[[Centre, Station], None]


def by_network(centre: Centre, one: Station) -> None:
    Syncing(one.session).sync_now(quiet)


def by_stick(centre: Centre, one: Station) -> None:
    folder = one.session.settings.folder.with_name("carried")
    folder.mkdir(exist_ok=True)
    made = one.media.export(folder, STICK, quiet)
    _, answer = handle(centre.place.hub, Path(made.path).read_bytes())
    back = folder / "回件.yzp"
    back.write_bytes(answer)
    one.media.apply(one.media.receive(back, quiet), STICK, quiet)


@pytest.mark.parametrize("road", [by_network, by_stick])
def test_the_new_key_adopts_what_the_lost_one_left(
    centre: Centre, folder: Path, tmp_path: Path, road: Road
) -> None:
    hub = centre.place.hub
    before = hub.ledger.device(key_file(folder).seat.device)  # type: ignore[union-attr]
    one = recovered(centre, folder, tmp_path / "stick")
    assert before is not None and one.session.device == before.device, "the same seat, not a second one"
    assert one.session.incarnation == 2 and one.session.take_news() == WORDS[MOVED]
    one.insert("alert", alert("其后"))
    road(centre, one)
    wanted = ["其后", "已发", "已签", "未签"]
    assert sorted(r["entity_name"] for r in rows(hub.store, "alert")) == wanted
    assert sorted(r["entity_name"] for r in rows(one.session.store, "alert")) == wanted
    by_network(centre, one)  # after a stick the seat has still to say that it took in the answer
    state = Syncing(one.session).state()
    assert state.all_in and not state.trouble
    with one.session.store.read() as connection:
        assert {s.status for s in all_sets(connection)} == {"applied"}
    (device,) = rows(hub.store, "device")
    assert (device["state"], device["incarnation"]) == ("active", 2)
    after = hub.ledger.device(before.device)
    assert after is not None and after.sign != before.sign and after.seal != before.seal
    with hub.store.read() as connection:
        kinds = connection.exec_driver_sql("SELECT kind FROM accepted_set WHERE kind <> ''").fetchall()
        assert kinds == [], "nothing of it waits for a person"
        assert audit.check(connection).whole
    one.session.close()


def test_who_finds_the_lost_key_does_not_speak_for_the_seat(
    centre: Centre, folder: Path, vault: MemoryVault, tmp_path: Path
) -> None:
    found = Path(shutil.copytree(folder, tmp_path / "found"))
    one = recovered(centre, folder, tmp_path / "stick")
    by_network(centre, one)
    other = signed_in(found, vault, PASSWORD)
    other.insert("alert", alert("冒名"))
    with pytest.raises(HubRefused, match="签名所用的密钥与声明的不一致"):
        by_network(centre, other)
    other.session.close()
    assert "冒名" not in {r["entity_name"] for r in rows(centre.place.hub.store, "alert")}
    one.insert("alert", alert("照常"))
    by_network(centre, one)
    assert Syncing(one.session).state().all_in
    one.session.close()
