"""A device's side of a first load: parts come in by any carrier, in any order; then it is swapped in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from shared.errors import DiskFull, StoreError
from shared.store import exchange, sql
from shared.store.exchange import CursorRow
from shared.store.facts import read_number, read_text, write_text
from shared.store.loading import ANEW, Loading, UnderWay, under_way
from shared.store.migrate import HEAD
from shared.store.store import Store
from shared.store.swapping import IN, DamagedLoad, check, swap_in
from sync import messages
from sync.carrier import DOWNLOADING, Progress
from sync.entries import Entry
from sync.first_load import NETWORK_PARTS, Head, read_head, read_part
from sync.layout import Core
from sync.messages import Cursor, Holding, Receipt
from sync.signing import Envelope
from sync.trust import HubTrust

_FINE = 1000


@dataclass(slots=True)
class LoadPreview:
    """What a package brings of a first load, and what would still be missing after it.

    :param parts: numbers of the parts inside; :param fresh: how many of them are new here.
    :param volume: this one, of :param of: 0 when it stands alone.
    :param missing_volumes: still to be imported after this one.
    :param covered: how far each stream is inside.
    """

    rows: int
    count: int
    volume: int = 1
    of: int = 0
    parts: list[int] = field(default_factory=list)
    fresh: int = 0
    have: set[int] = field(default_factory=set)
    missing_volumes: list[int] = field(default_factory=list)
    covered: dict[str, int] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        """Parts still missing when this package is in."""
        return self.count - len(self.have | set(self.parts))

    @property
    def words(self) -> str:
        """One sentence about what it is."""
        which = f"第 {self.volume} 卷（共 {self.of} 卷），" if self.of > 1 else ""
        inside = f"含 {self.count} 部分中的 {len(self.parts)} 部分"
        return f"首批数据（{self.rows:,} 条记录）{which}{inside}"

    @property
    def hint(self) -> str:
        """What is missing afterwards, and what happens when nothing is."""
        if not self.missing:
            return "导入后全部到齐，随即启用；本机尚未同步的修改会保留。"
        volumes = "、".join(f"第 {n} 卷" for n in self.missing_volumes)
        missing = f"导入本卷后还缺{volumes}" if volumes else f"导入后还缺 {self.missing} 部分"
        return f"{missing}，到齐后启用；先后不限，期间可以照常使用。"


class FirstLoad:
    """The first load of one enrolled device."""

    def __init__(self, store: Store, hub: Callable[[], HubTrust]) -> None:
        self._store = store
        self._hub = hub
        self._loading = Loading(store)

    # --- what is there ---------------------------------------------------------
    def state(self) -> UnderWay | None:
        """What is under way."""
        return self._loading.state()

    def holding(self) -> Holding:
        """What the hub is told."""
        state, anew = self.state(), self.wanted_anew()
        if state is None:
            return Holding(HEAD, anew=anew)
        return Holding(HEAD, state.id, state.have, anew)

    def wanted_anew(self) -> bool:
        """Whether everything is to come again although the streams have been followed."""
        with self._store.read() as connection:
            return bool(read_text(connection, ANEW))

    def ask_anew(self) -> None:
        """Load everything again with the next exchanges; until it is all here nothing changes."""
        with self._store.write() as connection:
            write_text(connection, ANEW, self._store.clock.stamp())

    def telling(self, progress: Progress) -> Progress:
        """Progress that says how far the whole load is, not only the package under way."""
        state = self.state()
        if state is None or state.whole:
            return progress
        here, count = len(state.have), state.count
        coming = min(NETWORK_PARTS, count - here)

        def tell(done: int, total: int, text: str) -> None:
            far = here + (coming * done / total if total and text == DOWNLOADING else 0)
            said = f"装载首批数据 第 {min(int(far) + 1, count)}/{count} 部分：{text}"
            progress(int(far * _FINE), count * _FINE, said)

        return tell

    # --- in ------------------------------------------------------------------
    def take(self, entry: Entry, core: Core, progress: Progress) -> bool:
        """Keep one part; False when it was here already, or is of no use any more."""
        one = read_part(entry, self._hub())
        head = one.head
        if head.schema > HEAD:
            raise StoreError("首批数据来自更新版本的中心。", "请升级驿站后再同步；本机数据没有变动。")
        state = self._of(head, one.envelope)
        if state is None:
            return False
        if core.volume.set_id != core.package_id:
            of = core.prereqs.get("volumes")
            state = self._loading.note_volume(state, core.volume.index, of if isinstance(of, int) else 0)
        if one.number in state.have:
            return False
        state = self._loading.put(state, one.number, one.number * head.part_pages + 1, memoryview(one.data))
        here = len(state.have)
        progress(here * _FINE, state.count * _FINE, f"装载首批数据 第 {here}/{state.count} 部分")
        return True

    def puts_off(self, stream: str, after: int, envelope: bytes, payload: bytes) -> bool:
        """Keep a stretch of a stream that goes on from the load under way; False when there is none."""
        state = self.state()
        if state is None:
            return False
        head = self._head(state)
        cursor = head.cursors.get(stream)
        if after < (cursor.n if cursor is not None else 0):
            return False
        self._loading.put_off(envelope, payload)
        return True

    def finish(self, progress: Progress, absorb: Callable[[bytes, bytes], None]) -> int:
        """Swap in what is whole, then absorb what was put off; returns records, 0 when not whole yet."""
        state = self.state()
        if state is None or not state.whole:
            return 0
        head = self._head(state)
        progress(state.count, state.count, "正在核对首批数据")
        try:
            check(self._store, state)
        except DamagedLoad:
            self._loading.drop()
            raise
        progress(state.count, state.count, "正在启用首批数据")
        swap_in(self._store, state, self._receipted_before(head))
        for envelope, payload in self._loading.tail():
            absorb(envelope, payload)
        return head.rows

    def preview(self, entry: Entry, core: Core, found: LoadPreview | None) -> LoadPreview:
        """What a part in a package would bring; ``found`` collects over the package."""
        one = read_part(entry, self._hub())
        if found is None:
            found = self._preview(one.head, core)
        if one.number not in found.have:
            found.fresh += 1
        found.parts.append(one.number)
        return found

    def covered(self, state: UnderWay) -> dict[str, int]:
        """How far each stream is inside what is under way."""
        return {name: c.n for name, c in self._head(state).cursors.items()}

    # --- inside --------------------------------------------------------------
    def _head(self, state: UnderWay) -> Head:
        return read_head(state.envelope, self._hub())

    def _of(self, head: Head, envelope: bytes) -> UnderWay | None:
        """The load a part belongs to; a newer one takes the place of an older one."""
        state = self.state()
        if state is not None and state.id == head.id:
            return state
        if self._useless(head) or (state is not None and _newer(state, head)):
            return None
        try:
            return self._loading.begin(
                id=head.id, at=head.at, envelope=envelope, pages=head.pages, count=head.count
            )
        except OSError as bad:
            raise DiskFull("首批数据写不进本机磁盘。", "请检查磁盘和文件夹权限后再同步。") from bad

    def _useless(self, head: Head) -> bool:
        """Whether this database holds all of it: it is in, or the streams have been followed that far.

        Where everything is wanted anew, only one that would take this database back is of no use.
        """
        with self._store.read() as connection:
            at = {c.stream: c for c in exchange.cursors(connection)}
            if read_text(connection, ANEW):
                return any(n in at and _beyond(at[n], c, by=1) for n, c in head.cursors.items())
            if read_text(connection, IN) == head.id:
                return True
        return all(n in at and _beyond(at[n], c) for n, c in head.cursors.items())

    def _preview(self, head: Head, core: Core) -> LoadPreview:
        alone = core.volume.set_id == core.package_id
        of = core.prereqs.get("volumes")
        found = LoadPreview(
            head.rows, head.count, core.volume.index, 0 if alone or not isinstance(of, int) else of
        )
        state = self.state()
        known = state is not None and state.id == head.id
        found.have = set(state.have) if state is not None and known else set()
        seen = set(state.volumes) if state is not None and known and state.of == found.of else set()
        found.missing_volumes = [n for n in range(1, found.of + 1) if n not in seen | {found.volume}]
        if self._useless(head) or (state is not None and not known and _newer(state, head)):
            found.have = set(range(head.count))
        else:
            found.covered = {name: c.n for name, c in head.cursors.items()}
        return found

    def _receipted_before(self, head: Head) -> int:
        """Own changes the hub had signed for when the snapshot was made; 0 when none is known."""
        with self._store.read() as connection:
            rows = sql.execute(connection, "SELECT envelope FROM receipt ORDER BY no DESC")
            incarnation = read_number(connection, "incarnation")
            for (raw,) in rows:
                receipt = messages.decode(Envelope.decode(bytes(raw)).payload, Receipt)
                ours = (receipt.epoch, receipt.incarnation) == (head.epoch, incarnation)
                if ours and receipt.at < head.at:
                    return receipt.contiguous_to
        return 0


def _beyond(at: CursorRow, cursor: Cursor, by: int = 0) -> bool:
    """Whether a stream has been followed that far; a later life of the hub is beyond an earlier one."""
    return at.epoch > cursor.epoch or (at.epoch == cursor.epoch and at.n >= cursor.n + by)


def _newer(state: UnderWay, head: Head) -> bool:
    return (state.at, state.id) > (head.at, head.id)


def load_words(store: Store, loaded: int = 0) -> str:
    """How far the first load is, in a sentence for people; ``""`` when there is none.

    :param loaded: records that were just swapped in.
    """
    if loaded:
        return f"首批数据已全部装载并启用：{loaded:,} 条记录"
    with store.read() as connection:
        state, anew = under_way(connection), read_text(connection, ANEW)
    if state is None:
        return "已要求重新装载：下一次同步或介质交换时，全部数据从中心重新取回" if anew else ""
    if state.of:
        here = f"首批数据已收到 {len(state.volumes)}/{state.of} 卷"
        missing = "、".join(f"第 {n} 卷" for n in state.missing_volumes)
        return f"{here}，还缺{missing}" if missing else f"{here}，已完成 {state.percent}%"
    return f"首批数据正在装载：第 {len(state.have)}/{state.count} 部分，已完成 {state.percent}%"


__all__ = ["FirstLoad", "LoadPreview", "load_words"]
