"""How fresh and how wide the local data are: what every answer and export must say (N15)."""

from __future__ import annotations

from desktop.work.records import Records
from shared.store import exchange
from shared.store.facts import read_text
from shared.store.follow import STREAMS
from shared.store.store import Store
from shared.supervision.verification import Evidence, data_version, minutes, scope_text

NEVER = "本机尚未与中心完成同步"


def read_evidence(store: Store, records: Records) -> Evidence:
    """The facts as the last exchange left them; ``data_until`` is ``""`` before the first load is whole."""
    with store.read() as connection:
        until = read_text(connection, "complete_at")
        hub_at = read_text(connection, "evidence_at") or read_text(connection, "hub_time")
        streams = [s for s in read_text(connection, STREAMS).split(",") if s]
        cursors = exchange.cursors(connection)
    numbers = {c.stream: c.n for c in cursors}
    return Evidence(
        data_until=until,
        hub_at=hub_at or until,
        scope=scope_text(
            streams or sorted(numbers),
            lambda code: records.codes.name("行政区划", code),
            lambda bureau: records.label("bureau", bureau),
        ),
        version=data_version(cursors[0].epoch if cursors else "", numbers),
        asked_at=store.clock.stamp(),
    )


def until_words(one: Evidence) -> str:
    """数据截止时间 for a heading or a sheet."""
    return minutes(one.data_until) if one.data_until else NEVER
