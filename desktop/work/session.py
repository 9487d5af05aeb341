"""One signed-in person on one open database: what every other use case starts from."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress

from desktop.work.guard import InstanceGuard
from desktop.work.highwater import HighWater, note_reach, state_folder, take_news
from desktop.work.keys import KeyFile, Unlocked
from desktop.work.lease import Lease, LeaseState, standing
from desktop.work.local import is_there, open_local
from desktop.work.passwords import PasswordRefused
from desktop.work.presence import Presence
from desktop.work.records import Changed, Records
from desktop.work.seat_keys import SeatKeys
from desktop.work.settings import Settings
from shared.access import Actor
from shared.clock import Clock
from shared.errors import AccessDenied, DatabaseBusy, DiskFull, StoreError, WrongPassword
from shared.store import directory
from shared.store.directory import Place
from shared.store.evidence import Watch
from shared.store.store import Store
from sync.engine import Engine
from sync.hub_trust import HubTrust
from sync.lines import contradiction
from sync.media import clear_spool
from sync.outbox import Outbox
from sync.rotation import DeviceRing


class Session:
    """Everything that exists only while somebody is signed in; :meth:`close` ends it."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        unlocked: Unlocked,
        guard: InstanceGuard,
        keys: KeyFile,
        changed: Changed,
    ) -> None:
        self.settings = settings
        self.store = store
        self.grant = unlocked.grant
        self.keyring_missing = unlocked.keyring_missing
        self.device, self.incarnation = store.identity()
        if self.device != self.grant.device:
            raise StoreError("数据库与密钥文件不属于同一次登记。", "请把两者从同一份备份中恢复。")
        self.box = Outbox(
            store, lambda: self.hub_trust, settings.folder / "mail",
            lambda: [b for b in settings.carries_for.split(",") if b], lambda: settings.carries_mb << 20,
        )  # fmt: skip
        vault = None if unlocked.keyring_missing else keys.vault
        self._highwater = HighWater(self.device, lambda: self.device_keys, vault, state_folder())
        self.engine = Engine(
            store, unlocked.ring, unlocked.hub_trust, settings.spool, self.box, self._highwater.write
        )
        self.engine.credentials.bureau = self.grant.bureau
        self._watch = Watch()
        self._settle_incarnation()
        self._look_at_the_clock()
        self._guard = guard
        self._keys = keys
        self.seat_keys = SeatKeys(store, self.engine, keys, unlocked)
        self._actor = self._who()
        self.records = Records(store, lambda: self._actor, changed, lambda: self.read_only)
        self.presence = Presence(store, self.records)

    # --- who -------------------------------------------------------------------
    @property
    def actor(self) -> Actor:
        """Who acts, with the rights the hub last gave."""
        return self._actor

    @property
    def hub_trust(self) -> HubTrust:
        """The hub, with every link of its chain that has arrived."""
        return self.engine.credentials.hub

    @property
    def device_keys(self) -> DeviceRing:
        """The keys of this device, present and past."""
        return self.engine.credentials.ring

    @property
    def key_file(self) -> KeyFile:
        """The accounts of this computer."""
        return self._keys

    @property
    def bureau(self) -> Place:
        """Code and name of the person's bureau."""
        with self.store.read() as connection:
            found = directory.bureau(connection, self._actor.bureau)
        return found or Place("", self.grant.bureau_name)

    def refresh(self) -> None:
        """Read rights again after something came from the hub; raises :class:`AccessDenied` when
        the account was closed."""
        self._actor = self._who()

    def confirm(self, password: str) -> None:
        """Check the password again, after an idle lock; raises ``PasswordRefused``."""
        try:
            unlocked = self._keys.unlock(self.grant.account, password)
        except PasswordRefused as refused:
            self.presence.refused(refused)
            raise
        self.presence.unlocked(unlocked)

    def change_password(self, old: str, new: str) -> None:
        """Give the account a new password on this device."""
        self._keys.change_password(self.grant.account, old, new)
        self.records.note("password")

    # --- the lease ---------------------------------------------------------------
    @property
    def lease(self) -> Lease:
        """Where the permission to work offline stands."""
        return standing(
            self.store, self._watch, self.grant.at, self.grant.lease_days, self.settings.lease_warn_days
        )

    @property
    def read_only(self) -> bool:
        """Whether entering data must wait until the hub was heard of again."""
        return self.lease.state is LeaseState.OVER

    def take_news(self) -> str:
        """What the person must be told about this copy of the data, once."""
        return take_news(self.store)

    def close(self) -> None:
        """Give database and data folder back; no readable copy of an attachment stays."""
        shutil.rmtree(self.settings.opened, ignore_errors=True)
        with suppress(StoreError):  # a full disk keeps nobody from leaving
            self.records.note("sign_out")
        with suppress(StoreError):
            self._look_at_the_clock()
            note_reach(self.store, self._highwater)
        self.store.close()
        self._guard.release()

    # --- inside --------------------------------------------------------------
    def _settle_incarnation(self) -> None:
        """A database rolled back or copied goes on under a new incarnation (ADR 0012)."""
        with self.store.read() as connection:
            why = contradiction(connection, mark := self._highwater.read())
        if why:
            self.engine.begin_incarnation(why, after=mark.incarnation if mark else 0)
        note_reach(self.store, self._highwater)
        self.incarnation = self.store.identity()[1]

    def _look_at_the_clock(self) -> None:
        """Note that somebody was here, and by which date; raises a :class:`StoreError`."""
        _ = self.lease
        with suppress(DiskFull, DatabaseBusy), self.store.write() as connection:
            self._watch.keep(connection)

    def _who(self) -> Actor:
        grant = self.grant
        with self.store.read() as connection:
            known = directory.person(connection, grant.user)
            bureau = known.bureau if known else grant.bureau
            below = directory.subtree(connection, bureau)
        if known is None:
            return Actor(grant.user, grant.person, bureau, frozenset(grant.roles), below)
        if not known.active:
            raise AccessDenied(
                f"账号“{known.name}”已被停用，不能登录。", "请联系单位管理员；本机未同步的数据仍然保留。"
            )
        return Actor(grant.user, known.name, bureau, known.roles, below)


def sign_in(
    settings: Settings,
    account: str,
    password: str,
    *,
    chosen: str = "",
    keys: KeyFile | None = None,
    changed: Changed = lambda types, initiator: None,
    clock: Callable[[], Clock] = Clock,
) -> Session:
    """Open the database of this installation for an account.

    :param chosen: the person's own password, in place of a one-time one.
    Raises ``PasswordRefused``, ``MustChoose``, ``DatabaseBusy``, ``NewerDatabase``, ``AccessDenied``
    or another ``StoreError``; nothing stays open then.
    """
    guard = InstanceGuard(settings.folder)
    guard.acquire()
    try:
        file = keys or KeyFile(settings.folder)
        unlocked = file.first_unlock(account, password, chosen) if chosen else file.unlock(account, password)
        if not is_there(settings.database):
            raise StoreError(
                "本机的数据库文件不见了。", f"请从备份恢复 {settings.database}，不要重新登记以免丢失数据。"
            )
        store = _opened(settings, unlocked.db_key, clock())
        try:
            session = Session(settings, store, unlocked, guard, file, changed)
            with suppress(DiskFull, DatabaseBusy):  # a full disk keeps nobody from reading
                session.presence.signed_in(unlocked)
                session.seat_keys.settle()
        except BaseException:
            store.close()
            raise
        with suppress(OSError, StoreError):  # a full disk keeps nobody from reading
            clear_spool(settings.spool)
            if settings.last_account != account:
                settings.set("last_account", account)
    except BaseException:
        guard.release()
        raise
    return session


def _opened(settings: Settings, key: bytes, clock: Clock) -> Store:
    try:
        return open_local(settings.database, key, clock)
    except WrongPassword as bad:  # the password was right: it gave us the key
        raise StoreError(
            "本机的数据库文件打不开：已损坏，或不是这次登记的。",
            f"请先把 {settings.database} 另存一份，再从备份恢复；未同步的数据请联系管理员抢救。",
        ) from bad


__all__ = ["Lease", "LeaseState", "Session", "sign_in"]
