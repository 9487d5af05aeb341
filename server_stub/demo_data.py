"""What a demonstration hub holds: two bureaus under one centre, lists, officers, fictitious entities."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any

from server_stub.enrolment import Account
from server_stub.lists import load_codes, put
from shared.access import HUB_ACTOR
from shared.codes import Codes, load_resource_codes
from shared.fictitious import item_rows, market_entities, permit_rows
from shared.identifiers import make_uscc
from shared.store import sql
from shared.store.store import Store

DIVISION = "310113"
CENTRE, BUREAU_A, BUREAU_B = "BS00", "BS01", "BS02"
ACCOUNTS = (
    Account("chenmin", "陈敏", BUREAU_A, ("officer", "bureau_admin")),
    Account("laozhou", "周国强", BUREAU_B, ("officer", "bureau_admin")),
    Account("wang", "王主任", CENTRE, ("hub_admin",)),
)
"""``bureau`` is a bureau's code here."""

_BUREAUS = (
    {"code": CENTRE, "name": "宝山区综合监管中心"},
    {"code": BUREAU_A, "name": "宝山区市场监督管理局", "parent": CENTRE},
    {"code": BUREAU_B, "name": "宝山区文化和旅游局", "parent": CENTRE},
)
_OFFICERS = {
    BUREAU_A: ("李伟", "赵静", "孙立", "何芳"),
    BUREAU_B: ("周国强", "吴敏", "郑凯"),
}
BATCH = 10_000


def load(store: Store, entities: int) -> None:
    """Fill an empty hub. Everything is fictitious; codes carry XN (resources/codes/SOURCES.md)."""
    load_codes(store)
    codes = Codes.from_rows(*load_resource_codes())
    for one in _BUREAUS:
        more = {"division": DIVISION, "kind": "委办局", "uscc": _bureau_uscc(one["code"])}
        put(store, "bureau", [{**one, **more, **_posts(one["code"])}], codes)
    for name in ("approval_item", "penalty_item", "supervision_item"):
        put(store, name, item_rows(name, "宝山区市场监督管理局"), codes)
    for code in (BUREAU_A, BUREAU_B):
        put(store, "officer", list(_officers(code)), codes, {"source_bureau": bureau_id(store, code)})
    _load_entities(store, entities)
    _load_history(store, codes)


def bureau_id(store: Store, code: str) -> str:
    """Id of the bureau with this code."""
    return store.types["bureau"].id_for_key(code)


def _load_entities(store: Store, count: int) -> None:
    rows = market_entities(count, DIVISION, 1)
    while batch := list(islice(rows, BATCH)):
        with store.unit(HUB_ACTOR) as unit:
            unit.insert(store.types["market_entity"], batch, way="exchange", proven=True)


def _load_history(store: Store, codes: Codes) -> None:
    """A little past: permits that ran out or will soon, sanctions in force, tasks with deadlines."""
    with store.read() as connection:
        rows = sql.execute(
            connection,
            "SELECT uscc, name, legal_person, entity_type FROM market_entity ORDER BY rid LIMIT 60",
        ).fetchall()
    known = [dict(zip(("uscc", "name", "legal_person", "entity_type"), r, strict=True)) for r in rows]
    owner = {"source_bureau": bureau_id(store, BUREAU_A)}
    put(store, "permit", list(_permits(store, known[:40])), codes, owner)
    put(store, "sanction", list(_sanctions(store, known[:40:8])), codes, owner)
    put(store, "task", list(_tasks(store, known[40:46])), codes, owner)


def _permits(store: Store, known: Sequence[dict[str, Any]]) -> Iterator[dict[str, str]]:
    today = store.clock.today()
    rows = permit_rows(
        len(known), known, item="SP0001", authority="宝山区市场监督管理局",
        authority_uscc=_bureau_uscc(BUREAU_A), year=today.year - 1, seed=3,
    )  # fmt: skip
    rng = random.Random("history")
    for number, row in enumerate(rows):
        ends = today + timedelta(days=(-40, 12, 25, 400)[number % 4] + rng.randrange(5))
        begins = ends - timedelta(days=5 * 365)
        yield {
            **row, "decided_on": begins.isoformat(), "valid_from": begins.isoformat(),
            "valid_to": ends.isoformat(),
        }  # fmt: skip


def _sanctions(store: Store, known: Sequence[dict[str, Any]]) -> Iterator[dict[str, str]]:
    today = store.clock.today()
    for one in known:
        yield {
            "party_kind": "失信市场主体",
            "name": one["name"],
            "uscc": one["uscc"],
            "breach": "拒不履行生效的行政处罚决定",
            "measures": "限制参与政府采购；限制享受财政扶持",
            "valid_from": (today - timedelta(days=200)).isoformat(),
            "valid_to": (today + timedelta(days=900)).isoformat(),
            "authority": "宝山区市场监督管理局",
        }


def _tasks(store: Store, known: Sequence[dict[str, Any]]) -> Iterator[dict[str, str]]:
    today = store.clock.today()
    for number, one in enumerate(known):
        due = today + timedelta(days=(-1, 0, 2, 5, 9, 20)[number])
        yield {
            "title": f"食品经营日常巡查：{one['name'][-8:]}",
            "source": "日常巡查",
            "entity_id": one["uscc"],
            "items": "许可证公示、进货查验、从业人员健康证明、环境卫生",
            "urgency": "1",
            "remind_on": (due - timedelta(days=6)).isoformat(),
            "warn_on": (due - timedelta(days=2)).isoformat(),
            "due_on": due.isoformat(),
        }


def _officers(code: str) -> Iterator[dict[str, str]]:
    for number, name in enumerate(_OFFICERS[code], 1):
        yield {
            "name": name,
            "certificate_no": f"0913{code[-2:]}{number:05d}",
            "certificate_expires": "2029-12-31",
            "bureau": code,
            "status": "有效",
            "department": "执法稽查科",
        }


def _posts(code: str) -> dict[str, str]:
    return {"leader": "顾平", "liaison": "沈洁", "system_officer": "陆远"} if code != CENTRE else {}


def _bureau_uscc(code: str) -> str:
    return make_uscc("11", DIVISION, f"XN{code[-2:]:0>6}")
