"""The key file: nobody gets in without the password, and nobody is locked out by an accident."""

from __future__ import annotations

import os
import stat
from datetime import timedelta
from pathlib import Path

import keyring
import msgspec
import pytest
from keyring.backend import KeyringBackend

from desktop.work.key_format import Argon
from desktop.work.keys import KeyFile, Unlocked
from desktop.work.lockout import FIRST_DELAY, FREE_FAILURES, LONGEST_DELAY
from desktop.work.passwords import PasswordRefused, check_password
from desktop.work.vault import Vault, system_vault
from shared.clock import Clock
from shared.errors import InputError, NewerDatabase, StoreError
from sync.enrol import trust_of
from sync.messages import Grant
from sync.signing import SigningKey
from sync.suite import OpenKey
from sync.trust import DeviceKeys
from tests.fixtures.stations import LIGHT, PASSWORD, MemoryVault

DB_KEY = bytes(range(32))
HUB_SIGN, HUB_SEAL = SigningKey.generate(), OpenKey.generate()
KEYS = DeviceKeys.generate()


class Wall:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.millis = 1_800_000_000_000
        self.running = 5_000.0

    def __call__(self) -> int:
        return self.millis

    def pass_(self, seconds: float) -> None:
        """Time goes by."""
        self.millis += int(seconds * 1000)
        self.running += seconds

    def set_by(self, seconds: float) -> None:
        """Somebody sets the clock; no time goes by."""
        self.millis += int(seconds * 1000)

    @property
    def clock(self) -> Clock:
        return Clock(self, uptime=lambda: self.running)


@pytest.fixture
def wall() -> Wall:
    return Wall()


def grant(account: str = "chenmin", person: str = "陈敏") -> Grant:
    return Grant(
        v=1, hub_id="h" * 32, hub_name="测试中心", epoch="e", hub_sign_key=HUB_SIGN.public.to_bytes(),
        hub_seal_key=HUB_SEAL.public.to_bytes(), device="d" * 32, bureau="b" * 32, bureau_name="甲局",
        division="310113", user=account * 2, account=account, person=person, roles=["officer"],
        proof=b"", at="2026-05-06T09:00:00+08:00",
    )  # fmt: skip


def file_in(folder: Path, vault: Vault | None = None, wall: Wall | None = None) -> KeyFile:
    return KeyFile(folder, vault=lambda: vault, argon=LIGHT, clock=wall.clock if wall else None)


def create(file: KeyFile, account: str = "chenmin", password: str = PASSWORD) -> Unlocked:
    given = grant(account)
    return file.create_account(
        password, db_key=DB_KEY, device_keys=KEYS, hub_trust=trust_of(given), grant=given
    )


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    assert file_in(tmp_path).accounts() == []
    create(file_in(tmp_path))
    opened = file_in(tmp_path).unlock("chenmin", PASSWORD)
    assert opened.db_key == DB_KEY and opened.device_keys.to_bytes() == KEYS.to_bytes()
    assert opened.hub_trust == trust_of(grant()) and opened.grant == grant()
    (known,) = file_in(tmp_path).accounts()
    assert (known.account, known.person, known.bureau) == ("chenmin", "陈敏", "甲局")


def test_the_file_is_private_and_tells_no_secret(tmp_path: Path) -> None:
    create(file_in(tmp_path))
    path = tmp_path / "keys.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["keys.json"]
    plain = path.read_bytes()
    entry = msgspec.json.decode(plain)["entries"][0]
    assert DB_KEY not in plain and "sealed" in entry
    assert "陈敏" not in repr(create(file_in(tmp_path)).device_keys)
    assert DB_KEY.hex() not in repr(create(file_in(tmp_path)))


def test_wrong_password(tmp_path: Path) -> None:
    create(file_in(tmp_path))
    with pytest.raises(PasswordRefused, match="密码不正确") as caught:
        file_in(tmp_path).unlock("chenmin", PASSWORD + " ")
    assert caught.value.code == "wrong_password" and caught.value.retry_at is None
    with pytest.raises(PasswordRefused, match="没有这个账号"):
        file_in(tmp_path).unlock("nobody", PASSWORD)


def test_guessing_gets_slower_and_nothing_sleeps(tmp_path: Path, wall: Wall) -> None:
    file = file_in(tmp_path, wall=wall)
    create(file)
    waits = []
    for n in range(1, 14):
        with pytest.raises(PasswordRefused) as caught:
            file_in(tmp_path, wall=wall).unlock("chenmin", "错误的密码")
        retry_at = caught.value.retry_at
        assert (retry_at is None) == (n < FREE_FAILURES)
        if retry_at is not None:
            waits.append((retry_at - wall.clock.now()).total_seconds())
            wall.pass_(waits[-1] + 1)
    assert waits[:3] == [FIRST_DELAY, FIRST_DELAY * 2, FIRST_DELAY * 4]
    assert waits[-1] == LONGEST_DELAY and waits == sorted(waits)


def test_locked_out_even_the_right_password_waits_its_turn(tmp_path: Path, wall: Wall) -> None:
    file = file_in(tmp_path, wall=wall)
    create(file)
    for _ in range(FREE_FAILURES):
        with pytest.raises(PasswordRefused):
            file.unlock("chenmin", "错误的密码")
    again = file_in(tmp_path, wall=wall)  # a restart does not help
    with pytest.raises(PasswordRefused, match="暂时锁定") as caught:
        again.unlock("chenmin", PASSWORD)
    assert caught.value.retry_at == again.accounts()[0].retry_at
    assert caught.value.retry_at == wall.clock.now() + timedelta(seconds=FIRST_DELAY)
    wall.pass_(FIRST_DELAY + 1)
    assert again.accounts()[0].retry_at is None
    again.unlock("chenmin", PASSWORD)
    with pytest.raises(PasswordRefused) as caught:  # the count starts anew
        again.unlock("chenmin", "错误的密码")
    assert caught.value.retry_at is None


@pytest.mark.parametrize("years", [-10, 10])
def test_setting_the_clock_neither_ends_a_delay_nor_makes_it_longer(
    tmp_path: Path, wall: Wall, years: int
) -> None:
    file = file_in(tmp_path, wall=wall)
    create(file)
    for _ in range(FREE_FAILURES):
        with pytest.raises(PasswordRefused):
            file.unlock("chenmin", "错误的密码")
    wall.pass_(FIRST_DELAY - 2)
    wall.set_by(years * 365 * 24 * 3600)
    again = file_in(tmp_path, wall=wall)
    for _ in range(2):  # as often as one likes
        with pytest.raises(PasswordRefused, match="暂时锁定") as caught:
            again.unlock("chenmin", PASSWORD)
        assert caught.value.retry_at == again.accounts()[0].retry_at == wall.clock.now() + timedelta(seconds=2)
    wall.pass_(2)
    assert again.unlock("chenmin", PASSWORD).db_key == DB_KEY


def test_starting_the_machine_again_does_not_end_a_delay(tmp_path: Path, wall: Wall) -> None:
    """What is sure is only how long it has been running since."""
    file = file_in(tmp_path, wall=wall)
    create(file)
    for _ in range(FREE_FAILURES):
        with pytest.raises(PasswordRefused):
            file.unlock("chenmin", "错误的密码")
    wall.running = 1.0
    wall.set_by(10 * 365 * 24 * 3600)
    with pytest.raises(PasswordRefused, match="暂时锁定") as caught:
        file.unlock("chenmin", PASSWORD)
    assert caught.value.retry_at == wall.clock.now() + timedelta(seconds=FIRST_DELAY - 1)
    wall.pass_(FIRST_DELAY - 1)
    assert file.unlock("chenmin", PASSWORD).db_key == DB_KEY


def test_a_delay_noted_by_an_older_program_begins_anew_once(tmp_path: Path, wall: Wall) -> None:
    file = file_in(tmp_path, wall=wall)
    create(file)
    for _ in range(FREE_FAILURES):
        with pytest.raises(PasswordRefused):
            file.unlock("chenmin", "错误的密码")
    kept = msgspec.json.decode(file.path.read_bytes())
    del kept["entries"][0]["failed_up"]
    file.path.write_bytes(msgspec.json.encode(kept))
    wall.set_by(3600)
    with pytest.raises(PasswordRefused, match="暂时锁定"):
        file.unlock("chenmin", PASSWORD)
    wall.pass_(FIRST_DELAY)
    assert file.unlock("chenmin", PASSWORD).db_key == DB_KEY


def test_change_password(tmp_path: Path) -> None:
    file = file_in(tmp_path)
    create(file)
    with pytest.raises(PasswordRefused):
        file.change_password("chenmin", "错误的密码", "新的密码一二三四五")
    with pytest.raises(InputError, match="至少 8 个"):
        file.change_password("chenmin", PASSWORD, "短")
    file.change_password("chenmin", PASSWORD, "新的密码一二三四五")
    with pytest.raises(PasswordRefused):
        file_in(tmp_path).unlock("chenmin", PASSWORD)
    assert file_in(tmp_path).unlock("chenmin", "新的密码一二三四五").db_key == DB_KEY


def test_several_accounts_do_not_touch_each_other(tmp_path: Path) -> None:
    file = file_in(tmp_path)
    create(file)
    create(file, "zhou", "老周的密码一二三")
    file.change_password("chenmin", PASSWORD, "新的密码一二三四五")
    assert [a.account for a in file.accounts()] == ["chenmin", "zhou"]
    assert file.unlock("zhou", "老周的密码一二三").grant.account == "zhou"
    entries = msgspec.json.decode(file.path.read_bytes())["entries"]
    entries[0]["sealed"], entries[1]["sealed"] = entries[1]["sealed"], entries[0]["sealed"]
    body = msgspec.json.decode(file.path.read_bytes())
    file.path.write_bytes(msgspec.json.encode({**body, "entries": entries}))
    with pytest.raises(PasswordRefused):  # an entry opens under its own name only
        file.unlock("zhou", "老周的密码一二三")


@pytest.mark.parametrize(
    ("password", "said"),
    [("短密码", "至少 8 个"), ("ChenMin01", "不能与账号相同"), ("aaaaaaaaaa", "过于简单")],
)
def test_password_policy(password: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        check_password(password, "chenmin01")
    with pytest.raises(InputError, match=said):
        create(file_in(tmp_path), "chenmin01", password)
    assert not (tmp_path / "keys.json").exists()


# --- with a keyring ----------------------------------------------------------------
def test_a_keyring_makes_a_copied_folder_useless(tmp_path: Path) -> None:
    vault = MemoryVault()
    file = file_in(tmp_path, vault)
    assert not create(file).keyring_missing and not file.keyring_missing
    assert len(vault.kept) == 1 and all(len(s) == 32 for s in vault.kept.values())
    assert not file.unlock("chenmin", PASSWORD).keyring_missing
    for other in (None, MemoryVault()):
        with pytest.raises(StoreError, match="密钥环") as caught:
            file_in(tmp_path, other).unlock("chenmin", PASSWORD)
        assert not isinstance(caught.value, PasswordRefused)
    with pytest.raises(PasswordRefused):
        file.unlock("chenmin", "错误的密码")


def test_without_a_keyring_the_password_stands_alone_and_it_shows(tmp_path: Path) -> None:
    file = file_in(tmp_path)
    assert create(file).keyring_missing and file.keyring_missing
    assert file.accounts()[0].keyring_missing
    assert file.unlock("chenmin", PASSWORD).keyring_missing
    later = file_in(tmp_path, MemoryVault())  # one that appears later is used from the next password on
    later.change_password("chenmin", PASSWORD, "新的密码一二三四五")
    assert not later.keyring_missing


def test_a_keyring_that_forgets_is_not_relied_on(tmp_path: Path) -> None:
    class Forgetful(MemoryVault):
        def put(self, name: str, secret: bytes) -> bool:
            return True

    file = file_in(tmp_path, Forgetful())
    assert create(file).keyring_missing
    assert file_in(tmp_path).unlock("chenmin", PASSWORD).db_key == DB_KEY


class DictKeyring(KeyringBackend):
    """A backend of the keyring library itself."""

    priority = 9  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


def test_the_systems_keyring(tmp_path: Path) -> None:
    before, backend = keyring.get_keyring(), DictKeyring()
    try:
        keyring.set_keyring(backend)
        file = KeyFile(tmp_path, argon=LIGHT)
        assert not create(file).keyring_missing
        assert KeyFile(tmp_path, argon=LIGHT).unlock("chenmin", PASSWORD).db_key == DB_KEY
        assert [service for service, _ in backend.kept] == ["yizhan"]
        from keyring.backends.fail import Keyring as NoKeyring

        keyring.set_keyring(NoKeyring())
        assert system_vault() is None
        with pytest.raises(StoreError, match="密钥环"):
            KeyFile(tmp_path, argon=LIGHT).unlock("chenmin", PASSWORD)
    finally:
        keyring.set_keyring(before)


# --- accidents ---------------------------------------------------------------------
def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    file = file_in(tmp_path)
    create(file)
    whole = file.path.read_bytes()
    for bad in (b"", whole[: len(whole) // 2], b"[]"):
        file.path.write_bytes(bad)
        with pytest.raises(StoreError, match="已损坏"):
            file.accounts()
    file.path.write_bytes(whole.replace(b'"v": 2', b'"v": 3'))
    with pytest.raises(NewerDatabase):
        file.unlock("chenmin", PASSWORD)


def test_unbelievable_costs_are_refused(tmp_path: Path) -> None:
    file = file_in(tmp_path)
    create(file)
    body = msgspec.json.decode(file.path.read_bytes())
    body["entries"][0]["argon"]["kib"] = 1 << 30
    file.path.write_bytes(msgspec.json.encode(body))
    with pytest.raises(StoreError, match="已损坏"):
        file.unlock("chenmin", PASSWORD)


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = file_in(tmp_path)
    create(file)
    before = file.path.read_bytes()

    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(StoreError, match="空间不足"):
        file.change_password("chenmin", PASSWORD, "新的密码一二三四五")
    assert file.path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_the_default_cost_is_worth_something() -> None:
    assert Argon().passes >= 3 and Argon().kib >= 64 * 1024
