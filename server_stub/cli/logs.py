"""``log``: every exchange, on the terminal or in a workbook."""

from __future__ import annotations

import argparse
from pathlib import Path

from server_stub.cli.commands import Commands
from server_stub.cli.terminal import codes_known, every, opened, print_table, rows_of
from server_stub.hub import Hub
from shared.filters import Filter, Op
from shared.store import query
from shared.store.query import Place
from sync.describe import KIND_NAMES

_KINDS = {str(kind): name for kind, name in KIND_NAMES.items()}


def register(commands: Commands) -> None:
    """The commands of this module."""
    log = commands.add("log", _log, "查看同步日志")
    log.add_argument("--bureau", help="单位代码")
    log.add_argument("--device", help="设备号")
    log.add_argument("--outcome", help="结果，如 applied、refused")
    log.add_argument("--since", help="起始时间，如 2026-05-01")
    log.add_argument("--limit", type=int, default=50)
    log.add_argument("--xlsx", help="导出到工作簿")


def _log(parsed: argparse.Namespace) -> None:
    limit = rows_of(parsed)
    with opened(parsed) as hub:
        _show_log(hub, parsed, limit)


def _show_log(hub: Hub, parsed: argparse.Namespace, limit: int) -> None:
    declared = hub.store.types["exchange"]
    wanted = Filter(order="-started_at")
    if parsed.bureau:
        wanted = wanted.where("bureau", Op.EQ, hub.store.types["bureau"].id_for_key(parsed.bureau))
    if parsed.device:
        wanted = wanted.where("device", Op.EQ, parsed.device)
    if parsed.outcome:
        wanted = wanted.where("outcome", Op.EQ, parsed.outcome)
    if parsed.since:
        wanted = wanted.where("started_at", Op.GE, parsed.since)
    with hub.store.read() as connection:
        rows = query.first(connection, declared, wanted, Place(), limit)
    bureaus = {r["id"]: str(r["name"]) for r in every(hub, "bureau", Filter())}
    codes = codes_known(hub)
    if parsed.xlsx:
        _export(hub, [r.values for r in rows], bureaus, Path(parsed.xlsx))
    else:
        heads = ["时间", "单位", "设备", "途径", "用途", "变更集", "变更", "字节", "结果", "说明"]
        print_table(heads, (
            [
                str(v["started_at"])[:19].replace("T", " "), bureaus.get(v["bureau"] or "", ""),
                str(v["device"] or ""), codes.name("交换途径", str(v["carrier"])),
                _KINDS.get(str(v["kind"]), str(v["kind"] or "")), str(v["sets"]), f"{v['changes']:,}",
                f"{v['bytes']:,}", codes.name("交换结果", str(v["outcome"])), str(v["reason"] or ""),
            ]
            for v in (r.values for r in rows)
        ))
    print(f"共 {len(rows)} 次交换")


def _export(hub: Hub, rows: list[dict[str, object]], bureaus: dict[str, str], path: Path) -> None:
    from shared.fields import Field
    from shared.sheets.export import write_export

    def show(field: Field, value: object) -> str:
        return bureaus.get(str(value), str(value))

    facts = [("导出时间", hub.clock.stamp()), ("中心", hub.keys.name)]
    write_export(path, hub.store.types["exchange"], rows, show, facts, codes_known(hub))
    print(f"已导出到 {path}")
