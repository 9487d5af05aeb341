"""The hub as a whole: a sealed package comes in by any carrier, a sealed answer goes out."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from server_stub import keys as hub_keys
from server_stub.answering import MEDIA_RAW, Answer, Answering, Shelf
from server_stub.answers import Answers
from server_stub.beside import take_beside
from server_stub.device_keys import DeviceKeyring
from server_stub.devices import DeviceRow
from server_stub.diary import MEDIA, NETWORK, Began, Diary, Handled, carrier_of
from server_stub.enrolment import Enrolment
from server_stub.handovers import close
from server_stub.holding import hold, release
from server_stub.invitations import seal_old
from server_stub.keys import HubKeys, KeyFile
from server_stub.ledger import Ledger
from server_stub.mail import Mailroom, Posted
from server_stub.migrate import hub_of, open_database_of, open_hub_database, shown
from server_stub.parcels import Parcels
from server_stub.pieces import HubPieces, Receiving
from server_stub.postal import Recipient
from server_stub.proving import HubProofs
from server_stub.refresh import joined
from server_stub.snapshots import Snapshots
from server_stub.streams import StreamSink
from server_stub.upgrading import catch_up
from shared.clock import Clock
from shared.errors import DeviceUnknown, HubRefused, InputError, PackageError, YizhanError, why
from shared.ids import new_id
from shared.record import RecordType
from shared.store import sql
from shared.store.facts import read_text, write_text
from shared.store.store import Store
from shared.types import catalog
from sync import messages, package
from sync.entries import part
from sync.layout import Core, Kind
from sync.messages import ASK, CHANGE_SET, PIECE, Ask, Branch
from sync.package import Opened, Verified
from sync.signing import VerifyKey


class Hub:
    """Everything the API and the command line call.

    :param url: database URL; :param data: folder for keys and spooled packages.
    """

    def __init__(
        self,
        url: str,
        data: Path,
        passphrase: str,
        *,
        clock: Clock | None = None,
        types: tuple[RecordType, ...] = catalog.ALL,
        keys: HubKeys | None = None,
    ) -> None:
        self.data = data
        self.clock = clock or Clock()
        self._key_file = KeyFile(data / "hub.key", passphrase)
        self.keys = keys or self._key_file.load()
        self._held = hold(data)
        try:
            database = open_database_of(url, self.keys.hub_id)
        except BaseException:
            release(self._held)
            raise
        self.store = Store(database, types, self.clock, sink=StreamSink(), searching=False)
        seal_old(self.store, self.keys)
        with self.store.read() as connection:
            self.epoch = read_text(connection, "epoch")
        self.ledger = Ledger(self.store, self.keys, self.epoch)
        catch_up(self.store, self.ledger.review)
        self.diary = Diary(self.store, self._bureau_of)
        self.answers = Answers(self.store, self.keys, self.epoch)
        self.snapshots = Snapshots(self.store, self.keys, self.epoch, data / "snapshots")
        self.proofs = HubProofs(self.store, self.keys, data / "proofs.lock", self.refresh_keys)
        self.answering = Answering(self.store, self.keys, self.answers, self.snapshots)
        self.enrolment = Enrolment(self.store, self.keys, self.epoch)
        self.pieces = HubPieces(self.store, self.keys, self.epoch, data / "attachments")
        self.parcels = Parcels(self.answers, self.snapshots, self.pieces)
        self.mail = Mailroom(
            self.store, self.keys, self.ledger, self.answers, self.parcels, self.epoch, data / "mail"
        )
        self.device_keys = DeviceKeyring(self.store, self.ledger.device, self.keys.hub_id)

    @classmethod
    def create(
        cls, url: str, data: Path, passphrase: str, name: str, *, clock: Clock | None = None
    ) -> Hub:
        """Make a new hub: tables, keys, first epoch; where that fails no keys are left behind."""
        hub_id, key_file = new_id(), data / "hub.key"
        store = Store(open_hub_database(url), catalog.ALL, Clock(), sink=StreamSink(), searching=False)
        with contextlib.closing(store):
            if hub_of(store.database):
                raise InputError(
                    f"数据库“{shown(url)}”里已经有一个中心。", "请用另一个数据库；没有改动任何数据。"
                )
            try:
                keys = hub_keys.create(key_file, passphrase, hub_id, name)
            except OSError as bad:
                raise InputError(
                    f"密钥不能写到“{key_file}”（{why(bad)}）。", "请检查 --data 的路径和权限。"
                ) from bad
            try:
                store.identify(hub_id, 1)
                with store.write() as connection:
                    sql.execute(
                        connection,
                        "INSERT INTO fact (name, value) VALUES ('seq', ?) ON CONFLICT DO NOTHING",
                        (bytes(8),),
                    )
                    write_text(connection, "epoch", new_id())  # from here on it is a hub's
            except BaseException:
                key_file.unlink(missing_ok=True)
                raise
        return cls(url, data, passphrase, clock=clock, keys=keys)

    def close(self) -> None:
        """Give the database back."""
        self.snapshots.close()
        self.proofs.close()
        self.store.close()
        release(self._held)
        self._held = None

    def refresh_keys(self) -> None:
        """Go on with the keys in the file, where another process has changed them."""
        self._key_file.refresh(self.keys)

    # --- one package ---------------------------------------------------------
    def signer(self, core: Core) -> VerifyKey | None:
        """Trust callback: enrolled devices, and applicants for themselves."""
        if core.kind is Kind.ENROL_REQUEST:
            return package.self_signed(core)
        found = self.ledger.device(core.exporter)
        if found is not None and found.revoked and core.kind is not Kind.CHANGES:
            raise HubRefused(
                "这台设备已被吊销，中心不再接收它的数据。", "数据仍在本机，请联系中心管理员办理。"
            )
        if found is None and self.ledger.restored_at:
            raise DeviceUnknown(
                f"中心在 {self.ledger.restored_at[:10]} 从备份恢复过，不认识这台设备：可能是备份之后登记的。",
                "本机数据都还在，请保留数据文件夹，联系中心管理员重新登记这台设备。",
            )
        return self.device_keys.signer(core, found) if found else None

    def handle(
        self, stream: BinaryIO, out: BinaryIO, shelf: Shelf | None = None, *, carrier: str = "",
        folder: Path | None = None,
    ) -> Handled:
        """Take a package, write the answer package to ``out``, and log the exchange.

        :param shelf: where further volumes of an answer go that one file cannot hold.
        :param carrier: how it came, where that is known better than from its maker.
        :param folder: where the files of attachments lie that its cover names.
        Raises a :class:`YizhanError` when the package is refused; that is logged too.
        """
        began = self.diary.begin(carrier)
        self.refresh_keys()
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        try:
            core = package.inspect(stream).core
            stream.seek(0)
            handled = (
                self._admit(stream, out)
                if core.kind is Kind.ENROL_REQUEST
                else self._take(stream, out, shelf, began, folder)
            )
        except YizhanError as refused:
            self.diary.refused(stream, size, refused, began)
            raise
        self.diary.handled(handled, size, began)
        for one in handled.beside:
            self.diary.beside(one, handled, began)
        return handled

    def export(
        self, group: list[Recipient], spool: Path, larger: int = 0
    ) -> Iterator[tuple[Path, Posted]]:
        """Mail for a group as files in ``spool``, each applicable after the one before; logs each.

        :param larger: bytes of first loads and contents to take along, what the devices miss first.
        """
        one = group[0].device
        device = one.device if len(group) == 1 else f"{group[0].name} 等 {len(group)} 个席位"
        for seal in self.mail.for_medium(group, MEDIA_RAW, larger):
            began = self.diary.begin()
            draft = spool / f"{new_id()}.yzp"
            with draft.open("w+b") as out:
                posted = seal(out)
                out.seek(0)
                core = package.inspect(out).core
            self.diary.write(
                core, began, device=device[:100], bureau=one.bureau, carrier=MEDIA, direction="down",
                fingerprint=posted.sealed.fingerprint.hex(), sets=0, changes=0, bytes=posted.sealed.size,
                outcome="posted",
            )
            yield draft, posted

    def own(self, core: Core) -> VerifyKey | None:
        """Trust callback: what this hub sealed itself."""
        return self.keys.own(core.exporter_key_id) if core.exporter == self.keys.hub_id else None

    # --- inside --------------------------------------------------------------
    def _bureau_of(self, device: str) -> str | None:
        found = self.ledger.device(device)
        return found.bureau if found else None

    def _admit(self, stream: BinaryIO, out: BinaryIO) -> Handled:
        verified = package.verify(stream, self.signer)
        device = self.enrolment.grant(verified.core, out)
        row = self.ledger.device(device)
        return Handled(verified, row.bureau if row else "")

    def _take(
        self, stream: BinaryIO, out: BinaryIO, shelf: Shelf | None, began: Began, folder: Path | None
    ) -> Handled:
        core = package.inspect(stream).core
        if core.kind is Kind.RECOVER_REQUEST:
            raise HubRefused(
                "找回密码的申请要由两名恢复密钥保管人办理。", "请交中心，用 yizhan-hub recover 办理。"
            )
        if core.trust_version > self.keys.version:
            raise HubRefused(
                f"中心的密钥文件比设备知道的旧（设备已跟随到第 {core.trust_version} 次更换）。",
                "数据仍在本机。请中心管理员停止服务，放回更换密钥时另存的 hub.key。",
            )
        stream.seek(0)
        opened = package.open_package(stream, self.signer, self.keys.opening, self.keys.hub_id)
        if opened.core.kind not in (Kind.CHANGES, Kind.ATTACHMENTS):
            raise PackageError("中心不接收这种用途的交换包。", "请选择从本单位导出的变更包。")
        device = self.ledger.device(opened.core.exporter)
        if device is None:
            raise PackageError("交换包来自未登记的设备。", "请先在中心登记该设备。")
        device = self.device_keys.take(opened.core, device)
        handled = Handled(opened.verified, device.bureau)
        asks: list[Ask] = []
        receiving = self.pieces.intake(device)
        before = self.mail.before(device.device)
        handled.intake = self.ledger.take(
            _sets(opened, asks, None if device.revoked else receiving, self.ledger.learn),
            opened.core.package_id, device.device,
        )  # fmt: skip
        handled.pieces = receiving.done
        if folder is not None and not device.revoked:
            for one in take_beside(opened.core, folder, device, self.pieces, self.signer, self.keys):
                handled.beside.append(one)
                handled.pieces.bad |= one.intake.bad
                self._settle(one.verified, device)
        if opened.core.kind is Kind.ATTACHMENTS and receiving.done.only_strange:
            raise PackageError(
                "这个交换包里的附件，所属的记录还没有到中心。",
                "请先导入同一介质上的变更包，再导入这个附件包。",
            )
        ask = joined(asks)
        handled.ask = ask
        answer = Answer(
            device, ask, opened.core.package_id, by_stick=carrier_of(opened.core) == MEDIA,
            pieces=lambda limit: self.pieces.answer(device, ask.pieces, handled.pieces, limit),
            trust_version=opened.core.trust_version,
        )
        self._settle(opened.verified, device, news=bool(handled.intake.sets))
        if opened.core.kind is Kind.CHANGES:
            answer.arrived = self.mail.note(device.device, ask, opened.core.package_id, before)
            answer.carried = self.mail.pieces
            answer.receipt = self.ledger.receipts.sign(
                device.device, ask, handled.intake, opened.core.package_id
            )
        if ask.prove and device.admin and not device.revoked:
            answer.proofs = self.proofs.answer(device.device, at_once=answer.by_stick)
        self.diary.seat(handled, began)
        handled.volumes = self.answering.write(answer, out, shelf)
        return handled


    def _settle(self, came: Verified | None, device: DeviceRow, *, news: bool = False) -> None:
        """What a package that came in means for hand-overs."""
        if came is not None:
            arrived = self.mail.note_beside(device.device, came.core)
            close(self.store, device.bureau, came, arrived, news=news)


def _sets(
    opened: Opened,
    asks: list[Ask],
    receiving: Receiving | None,
    learn: Callable[[str, list[Branch]], None],
) -> Iterator[tuple[bytes, bytes]]:
    """Change sets one by one; pieces are taken on the way, after the sets before them were."""
    for entry in opened.entries():
        if entry.kind == CHANGE_SET:
            yield part(entry, "envelope"), bytes(entry.data)
        elif entry.kind == PIECE and receiving is not None:
            receiving.take(entry)
        elif entry.kind == ASK:
            asks.append(messages.decode(part(entry, "ask"), Ask))
            learn(opened.core.exporter, asks[-1].branches)


__all__ = ["MEDIA", "NETWORK", "Handled", "Hub"]
