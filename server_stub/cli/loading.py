"""``load``: code tables, demonstration data, entities from a workbook."""

from __future__ import annotations

import argparse
from pathlib import Path

from server_stub.cli.commands import Commands
from server_stub.cli.speaking import counted
from server_stub.cli.terminal import codes_known, opened
from server_stub.hub import Hub
from shared.access import HUB_ACTOR

MOST = 5_000_000
"""So many fictitious entities may be asked for."""


def register(commands: Commands) -> None:
    """The commands of this module."""
    load = commands.group("load", "装入代码表、演示数据或市场主体")
    load.add("codes", _load, "代码表和先照后证目录")
    load.add("demo", _load, "演示数据").add_argument("--entities", type=counted(0, MOST), default=20_000)
    load.add("entities", _load, "从工作簿装入市场主体").add_argument("file")


def _load(parsed: argparse.Namespace) -> None:
    from server_stub import demo_data, lists

    with opened(parsed) as hub:
        match parsed.what:
            case "codes":
                done = lists.load_codes(hub.store)
                print(f"代码表和目录：新增 {done.added} 条，更新 {done.changed} 条。")
            case "demo":
                demo_data.load(hub.store, parsed.entities)
                print(f"演示数据已装入：{parsed.entities} 户虚构的市场主体。")
            case _:
                _load_entities(hub, Path(parsed.file))


def _load_entities(hub: Hub, path: Path) -> None:
    from shared.sheets.checking import check_rows
    from shared.sheets.reading import read_rows

    declared = hub.store.types["market_entity"]
    report = check_rows(read_rows(path, declared), declared, codes_known(hub), None)
    with hub.store.unit(HUB_ACTOR) as unit:
        ids = {declared.record_id(g.values): g.values for g in report.good}
        known = unit.load(declared, list(ids))
        unit.insert(declared, [v for i, v in ids.items() if i not in known], way="import", proven=True)
        changed = unit.update_many(declared, [(i, v) for i, v in ids.items() if i in known], proven=True)
    print(f"新增 {len(ids) - len(known)} 户，更新 {changed} 户，有误 {len(report.bad)} 行。")
    for bad in report.bad[:50]:
        print(f"第 {bad.number} 行：{'；'.join(p.message for p in bad.problems)}")
