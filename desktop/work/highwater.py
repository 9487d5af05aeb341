"""How far this installation has come, kept where a copy of its data folder does not reach.

The mark (incarnation, last number, chain head) lies in the operating system's keyring
where the account's keys rest on one, otherwise in a 0600 file outside the data
folder; it is signed by the device key either way. A database that is older than its
mark was rolled back; one without its mark was copied here, or the keystore is gone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from desktop.work.files import write_atomic
from desktop.work.vault import Vault
from shared.errors import PackageError
from shared.store import incarnations
from shared.store.exchange import reach
from shared.store.facts import read_number, read_text, write_number, write_text
from shared.store.store import Store
from sync import signing
from sync.lines import COPIED, MOVED, ROLLED_BACK, STANDS, SUPERSEDED, Mark
from sync.rotation import DeviceRing
from sync.signing import Envelope

STATE_VARIABLE = "YIZHAN_STATE"

WORDS = {
    ROLLED_BACK: "本机的数据库是从较早的备份恢复的：已自动启用新的代次，未上报的内容都在，将照常上报。",
    MOVED: (
        "本机的数据是从别处复制或恢复来的（系统中没有本机的登记状态）：已自动启用新的代次，未上报的内容都在；"
        "请停用原来那一份，两份同时使用时只有一份照常入库。"
    ),
    COPIED: (
        "中心发现本机的数据另有一份副本在使用：本机已自动启用新的代次继续工作，与副本重号的内容由中心管理员审核；"
        "请停用另一份。"
    ),
    STANDS: (
        "中心从吊销之前的备份恢复过，本席位在中心重新在用：可以照常录入和同步；"
        "仍应停用的，请告知中心管理员再吊销一次。"
    ),
    SUPERSEDED: (
        "本机的数据已在别处恢复使用：本机此后录入的内容仍会上报，但须经中心管理员放行；"
        "请改用另一台，或请中心管理员为本机重新登记。"
    ),
}
"""What the person is told, once: by why a new incarnation began, or what else became of this seat."""


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    device: str
    incarnation: int
    seq: int
    head: bytes


def state_folder() -> Path:
    """Where marks lie when no keyring works: never inside a data folder."""
    said = os.environ.get(STATE_VARIABLE, "").strip()
    if said:
        return Path(said).expanduser()
    from platformdirs import user_state_path

    return user_state_path("yizhan-state", appauthor=False)


class HighWater:
    """The mark of one device.

    :param keys: the device's keys as they stand.
    :param vault: the keyring, asked only when used; None for an account without one.
    """

    def __init__(
        self,
        device: str,
        keys: Callable[[], DeviceRing],
        vault: Callable[[], Vault | None] | None,
        folder: Path,
    ) -> None:
        self._device = device
        self._keys = keys
        self._vault = vault
        self._path = folder / f"{device}.mark"

    def read(self) -> Mark | None:
        """The furthest genuine mark there is; None when there is none."""
        found = [m for m in map(self._opened, self._raws()) if m is not None]
        return max(found, key=lambda m: (m.incarnation, m.seq), default=None)

    def write(self, mark: Mark) -> None:
        """Keep a mark; raises a :class:`StoreError` when it can be kept nowhere."""
        kept = _Kept(self._device, mark.incarnation, mark.seq, mark.head)
        raw = signing.sign(self._keys().sign, signing.MARK, msgspec.msgpack.encode(kept)).encode()
        vault = self._vault() if self._vault is not None else None
        if vault is not None and vault.put(self._name, raw) and vault.get(self._name) == raw:
            return
        write_atomic(self._path, raw)

    # --- inside --------------------------------------------------------------
    @property
    def _name(self) -> str:
        return f"mark {self._device}"

    def _raws(self) -> list[bytes]:
        found: list[bytes] = []
        vault = self._vault() if self._vault is not None else None
        secret = vault.get(self._name) if vault is not None else None
        if secret:
            found.append(secret)
        with suppress(OSError):
            found.append(self._path.read_bytes())
        return found

    def _opened(self, raw: bytes) -> Mark | None:
        try:
            envelope = Envelope.decode(raw)
            signers = {key.key_id: key for key in self._keys().signers}  # a former key counts as well
            key = signers.get(envelope.keyid, self._keys().sign.public)
            signed = signing.verify(envelope, key, signing.MARK)
            kept = msgspec.msgpack.decode(signed, type=_Kept)
        except (PackageError, msgspec.DecodeError, msgspec.ValidationError):
            return None
        return Mark(kept.incarnation, kept.seq, kept.head) if kept.device == self._device else None


def note_reach(store: Store, highwater: HighWater) -> None:
    """Set the mark to where the database stands; raises a :class:`StoreError`."""
    with store.read() as connection:
        written = reach(connection).written
        mark = Mark(
            read_number(connection, "incarnation"), written, incarnations.line_head(connection)
        )
        known = read_number(connection, "marked")
    highwater.write(mark)
    if not known:
        with store.write() as connection:
            write_number(connection, "marked", 1)


def take_news(store: Store) -> str:
    """What became of this seat, in words, once; ``""`` when there is nothing new."""
    with store.read() as connection:
        why = read_text(connection, incarnations.NEWS)
    if not why:
        return ""
    with store.write() as connection:
        write_text(connection, incarnations.NEWS, "")
    return WORDS.get(why, "")


__all__ = ["STATE_VARIABLE", "WORDS", "HighWater", "note_reach", "state_folder", "take_news"]
