"""The use cases of one signed-in person in one hand: what pages receive."""

from __future__ import annotations

from dataclasses import dataclass, fields

from desktop.work.attachments import Attachments
from desktop.work.auditing import Auditing
from desktop.work.claims import Claims
from desktop.work.conflicts import Conflicts
from desktop.work.control import Control
from desktop.work.courier import Courier
from desktop.work.events import Events
from desktop.work.evidence import read_evidence
from desktop.work.exporting import Exporting
from desktop.work.held import Held
from desktop.work.history import History
from desktop.work.importing import Importing
from desktop.work.inspecting import Inspecting
from desktop.work.jobs import Jobs
from desktop.work.media import Media
from desktop.work.problem_statistics import ProblemStatistics
from desktop.work.problems import Problems
from desktop.work.records import Records
from desktop.work.seat_accounts import SeatAccounts
from desktop.work.session import Session
from desktop.work.settings import Settings
from desktop.work.syncing import Syncing
from desktop.work.tasks import Tasks
from desktop.work.todo import Todo
from desktop.work.verifying import Verifying
from shared.resource_files import holidays
from shared.store.store import Store
from shared.supervision.deadlines import Workdays
from shared.supervision.verification import Evidence


@dataclass(frozen=True)
class Cases:
    """The use cases over one store; see :meth:`at`."""

    store: Store
    records: Records
    calendar: Workdays
    claims: Claims
    tasks: Tasks
    inspecting: Inspecting
    verifying: Verifying
    todo: Todo
    conflicts: Conflicts
    importing: Importing
    exporting: Exporting
    control: Control
    held: Held
    history: History
    problems: Problems
    problem_statistics: ProblemStatistics

    @classmethod
    def at(cls, store: Store, records: Records, calendar: Workdays | None = None) -> Cases:
        """The use cases over a store and the records of the signed-in person."""
        calendar = calendar or Workdays(holidays())
        tasks = Tasks(store, records, calendar)
        exporting = Exporting(store, records)
        return cls(
            store=store,
            records=records,
            calendar=calendar,
            claims=Claims(store, records),
            tasks=tasks,
            inspecting=Inspecting(store, records, tasks),
            verifying=Verifying(store, records),
            todo=Todo(store, records),
            conflicts=Conflicts(store, records),
            importing=Importing(store, records, exporting),
            exporting=exporting,
            control=Control(store, records, exporting),
            held=Held(store, records),
            history=History(store, records),
            problems=Problems(store, records, calendar),
            problem_statistics=ProblemStatistics(store, records),
        )

    def evidence(self) -> Evidence:
        """How fresh and how wide the local data are, for headings and printed sheets."""
        return read_evidence(self.store, self.records)


@dataclass(frozen=True)
class Desk(Cases):
    """What every page receives: the use cases, and what belongs to the session and the window."""

    session: Session
    settings: Settings
    syncing: Syncing
    media: Media
    seat_accounts: SeatAccounts
    auditing: Auditing
    attachments: Attachments
    courier: Courier
    jobs: Jobs
    events: Events

    @classmethod
    def of(cls, session: Session, jobs: Jobs, events: Events) -> Desk:
        """The desk of a signed-in person."""
        cases = Cases.at(session.store, session.records)
        return cls(
            **{f.name: getattr(cases, f.name) for f in fields(Cases)},
            session=session,
            settings=session.settings,
            syncing=Syncing(session),
            media=Media(session),
            seat_accounts=SeatAccounts(session),
            auditing=Auditing(session),
            attachments=Attachments(session),
            courier=Courier(session),
            jobs=jobs,
            events=events,
        )
