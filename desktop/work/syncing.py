"""Synchronizing with the hub, and where everything stands with it."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace

from desktop.work.courier import Courier
from desktop.work.missing import Missing, missing
from desktop.work.own_sets import course, disputed_words, next_words
from desktop.work.reenrolling import UNKNOWN, note_unknown
from desktop.work.session import Session
from shared import gaps
from shared.changes import glance
from shared.errors import BadAnswer, DeviceUnknown, ExchangeError, Interrupted, Unreachable, YizhanError
from shared.standing import Standing
from shared.store import exchange, rewinding
from shared.store.discarding import Discarded, discard
from shared.store.disputes import Dispute, disputes, open_about
from shared.store.exchange import Attempt, Reach, SetRow
from shared.store.facts import read_text
from shared.store.journal import counts_between, raw_blocks
from shared.store.rewinding import Rewound
from sync import changeset
from sync.carrier import Progress
from sync.http import HttpCarrier
from sync.loading import load_words
from sync.messages import SetReceipt
from sync.rounds import Round

INITIATOR = "sync"

STANDING_OF = {
    "sealed": Standing.SEALED,
    "parked": Standing.PARKED,
    "applied": Standing.APPLIED,
    "archived": Standing.ARCHIVED,
    "conflicted": Standing.CONFLICT,
    "quarantined": Standing.QUARANTINED,
    "rejected": Standing.REJECTED,
}
TROUBLE = (Standing.PARKED, Standing.CONFLICT, Standing.QUARANTINED)


@dataclass(frozen=True, slots=True)
class SetView:
    """One change set on the page.

    :param range: the numbers inside, as ``"1–40"``.
    :param detail: why, when it is not simply accepted; ``next``: who decides, or decided what.
    """

    cs_id: str
    range: str
    sealed_at: str
    standing: Standing
    detail: str
    changes: int
    next: str = ""


@dataclass(frozen=True, slots=True)
class PendingType:
    """What waits of one record type: how many records, in how many changes."""

    name: str
    title: str
    records: int
    changes: int


@dataclass(frozen=True, slots=True)
class SyncState:
    """Everything the status bar and the page 同步 show; times as ISO text, ``""`` = never.

    :param pending_changes: own changes without a receipt, sealed or not.
    :param sealed: those of them that are in change sets already.
    :param paper: those of them about the exchange itself (``RecordType.paper``), not the office's work.
    :param receipted: own changes the hub has signed for.
    :param load: how far a first load is, in words.
    :param evidence_at: the hub's last signed word; ``complete_at`` when it last had nothing more.
    :param unknown: the hub said that it does not know this seat any more.
    :param missing: which own numbers the hub lacks before what it has parked.
    :param conflicts: open conflicts about changes of this seat.
    :param restored: what to say about the hub's return from a backup; ``""`` when there is nothing.
    """

    pending_changes: int
    sealed: int
    receipted: int
    last_receipt_at: str
    evidence_at: str
    complete_at: str
    paper: int = 0
    load: str = ""
    restored: str = ""
    unknown: bool = False
    missing: Missing | None = None
    conflicts: int = 0
    sets: list[SetView] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def work(self) -> int:
        """Changes of the office's work without a receipt."""
        return self.pending_changes - self.paper

    @property
    def all_in(self) -> bool:
        """Whether the status bar may say 全部已入库: the record of the last import alone never waits for
        anybody, it goes along with whatever is taken next."""
        return self.work == 0 and not (self.held_back or self.conflicts or self.unknown)

    @property
    def held_back(self) -> int:
        """Changes the hub has signed for without taking them in: 隔离待审."""
        return sum(one.changes for one in self.sets if one.standing is Standing.QUARANTINED)

    @property
    def settled(self) -> str:
        """What to say when no work is pending."""
        if self.unknown:
            return "需要重新登记"
        if self.held_back:
            return f"隔离待审 {self.held_back:,}"
        return f"{self.conflicts:,} 处冲突待处理" if self.conflicts else "全部已入库"

    @property
    def tone(self) -> str:
        """In which colour :attr:`settled` stands."""
        if self.all_in:
            return "good"
        return "bad" if self.held_back or self.unknown else "wait"

    @property
    def trouble(self) -> list[SetView]:
        """Sets somebody should look at."""
        return [s for s in self.sets if s.standing in TROUBLE]


@dataclass(frozen=True, slots=True)
class RoundReport:
    """What one synchronization did."""

    sent_sets: int
    sent_changes: int
    sent_bytes: int
    received_changes: int
    receipts: int
    types: frozenset[str]
    trouble: list[SetReceipt]
    loaded: int = 0
    offered_again: int = 0
    """Own changes a hub back from a backup had forgotten, as this round showed."""

    @property
    def summary(self) -> str:
        """One sentence for the notice, and one before it when the hub came back from a backup."""
        if not self.offered_again:
            return self._done
        again = f"中心从备份恢复过，本机有 {self.offered_again:,} 条变更重新上报"
        return f"{again}；如有新的冲突会出现在“冲突”页。{self._done}"

    @property
    def _done(self) -> str:
        if self.loaded:
            return f"首批数据已全部装载并启用：{self.loaded:,} 条记录；上报 {self.sent_changes:,} 条。"
        if not (self.sent_sets or self.received_changes or self.trouble):
            return "已是最新，没有需要交换的内容。"
        text = f"上报 {self.sent_changes:,} 条，接收 {self.received_changes:,} 条"
        return f"{text}，其中 {len(self.trouble)} 个变更集需要处理。" if self.trouble else f"{text}。"


class Syncing:
    """The network side of a session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._courier = Courier(session)
        self.online: bool | None = None
        """As of the last attempt; None before any."""

    def sync_now(self, progress: Progress) -> RoundReport:
        """Rounds until nothing is left; raises what stops it, and may be called again at once."""
        session = self._session
        before, rewound = self._marks(), self._rewound()
        try:
            done = session.engine.sync(self._carrier(), progress, session.actor.name)
            if self._courier.settle(self._carrier(), progress, done.received):
                more = session.engine.sync(self._carrier(), progress, session.actor.name)
                done.received.types |= more.received.types
        except YizhanError as failed:
            if isinstance(failed, Unreachable | Interrupted | BadAnswer):
                self.online = False
            if isinstance(failed, DeviceUnknown):
                note_unknown(session, session.store.clock.stamp())
            if self._marks() != before:  # what came before it broke is here and stays
                self._arrived(frozenset(session.store.types))
            raise
        self.online = True
        note_unknown(session, "")
        self._arrived(frozenset(done.received.types))
        now = self._rewound()
        return replace(_report(done), offered_again=now.offered if now != rewound else 0)

    def load_anew(self) -> None:
        """Ask for everything again, because what is here is doubted; own pending changes are kept."""
        self._session.engine.first_load.ask_anew()
        self._session.records.note("load_anew")

    def discard(self, progress: Progress) -> Discarded:
        """Let go what has long been archived at the hub; may be cancelled between batches."""
        return discard(self._session.store, lambda: progress(0, 0, "正在清理已归档的变更日志"))

    def check_online(self) -> bool:
        """Ask whether the hub answers; takes up to some seconds."""
        self.online = bool(self._session.settings.hub_url) and self._carrier().alive()
        return self.online

    def _rewound(self) -> Rewound:
        """The last time the hub came back from a backup, but for how far it is made good."""
        with self._session.store.read() as connection:
            return replace(rewinding.rewound(connection), left=0, lost=0)

    def state(self) -> SyncState:
        """Read from the local database only; never waits for the network."""
        with self._session.store.read() as connection:
            at = exchange.reach(connection)
            last = exchange.last_receipt(connection)
            sets = exchange.all_sets(connection)
            attempts = exchange.attempts(connection)
            evidence, complete = read_text(connection, "evidence_at"), read_text(connection, "complete_at")
            restored = _restored(rewinding.rewound(connection))
            unknown = bool(read_text(connection, UNKNOWN))
            waiting = counts_between(connection, at.receipted + 1, at.written)
            disputed = disputes(connection, self._session.device, sets)
            conflicts = open_about(connection, self._session.device)
        told = course(self._session.records, self._session.device)
        views = [_view(s, told.get(s.cs_id, ""), disputed.get(s.cs_id)) for s in sets]
        return SyncState(
            pending_changes=max(0, at.written - at.receipted),
            sealed=max(0, at.sealed - at.receipted),
            receipted=at.receipted,
            last_receipt_at=last[1] if last else "",
            evidence_at=evidence,
            complete_at=complete,
            paper=sum(waiting[one.number] for one in self._session.store.types.values() if one.paper),
            load=load_words(self._session.store),
            restored=restored,
            unknown=unknown,
            missing=missing(self._session),
            # a receipt can tell of a conflict before the conflict itself has come down
            conflicts=max(conflicts, sum(one.standing is Standing.CONFLICT for one in views)),
            sets=views,
            attempts=attempts,
        )

    def pending_types(self, *, lacking: bool = False) -> list[PendingType]:
        """What has no receipt yet, by record type, most first.

        :param lacking: without what waits at the hub for what it lacks.
        """
        store = self._session.store
        records: defaultdict[int, set[str]] = defaultdict(set)
        changes: Counter[int] = Counter()
        with store.read() as connection:
            at = exchange.reach(connection)
            there = [(s.first, s.last) for s in exchange.unreceipted(connection) if s.status == "parked"]
            spans = gaps.between(at.receipted, [*(sorted(there) if lacking else ()), (at.written + 1,) * 2])
            for raw in (r for first, last in spans for r in raw_blocks(connection, first, last)):
                for run in glance(raw):
                    records[run.type].update(run.record_ids())
                    changes[run.type] += run.count
        known = [(store.by_number[number], count) for number, count in changes.most_common()]
        return [PendingType(t.name, t.title, len(records[t.number]), count) for t, count in known]

    # --- inside --------------------------------------------------------------
    def _carrier(self) -> HttpCarrier:
        url = self._session.settings.hub_url
        if not url:
            raise ExchangeError("还没有设置中心地址。", "请在设置中填写中心地址，或改用介质交换。")
        return HttpCarrier(url)

    def _marks(self) -> tuple[Reach, list[exchange.CursorRow]]:
        with self._session.store.read() as connection:
            return exchange.reach(connection), exchange.cursors(connection)

    def _arrived(self, types: frozenset[str]) -> None:
        if types:
            self._session.records.announce(types, INITIATOR)
        if {"user", "bureau"} & types:
            self._session.refresh()


def _restored(found: Rewound) -> str:
    """What the hub's return from a backup means here; said until everything is signed for again."""
    if not found.left:
        return ""
    text = f"中心从备份恢复过（{found.at[:10]}），本机有 {found.offered:,} 条变更重新上报"
    if found.lost:
        return f"{text}，其中 {found.lost:,} 条归档已久、本机不再保存，请联系中心管理员。"
    if found.left < found.offered:
        return f"{text}，还有 {found.left:,} 条等待回执。"
    return f"{text}，照常同步或用介质交换即可；如有新的冲突会出现在“冲突”页。"


def _view(one: SetRow, told: str, disputed: Dispute | None) -> SetView:
    statement, standing = changeset.peek(one.envelope), STANDING_OF[one.status]
    if disputed is not None and not disputed.left:
        standing = Standing.APPLIED
    return SetView(
        cs_id=one.cs_id,
        range=f"{one.first}–{one.last}" if one.last > one.first else str(one.first),
        sealed_at=statement.sealed_at,
        standing=standing,
        detail=disputed_words(disputed) or one.detail,
        changes=one.last - one.first + 1,
        next=next_words(standing, told),
    )


def _report(done: Round) -> RoundReport:
    received = done.received
    return RoundReport(
        sent_sets=done.sent_sets,
        sent_changes=done.sent_changes,
        sent_bytes=done.sent_bytes,
        received_changes=received.changes,
        receipts=received.receipts,
        types=frozenset(received.types),
        loaded=received.loaded,
        trouble=[s for s in received.sets if STANDING_OF[s.status] in TROUBLE],
    )


__all__ = ["Attempt", "PendingType", "RoundReport", "SetView", "SyncState", "Syncing"]
