"""``log``: every exchange, on the terminal or in a workbook."""

from __future__ import annotations

import argparse
import re
from datetime import datetime
from pathlib import Path

from server_stub.cli.commands import Commands
from server_stub.cli.terminal import bureau_of, codes_known, every, opened, print_table, rows_of
from server_stub.hub import Hub
from shared.codes import Codes
from shared.errors import InputError
from shared.filters import Filter, Op
from shared.store import query, sql
from shared.store.query import Place
from shared.supervision.overview import log_name
from sync.describe import KIND_NAMES

_KINDS = {str(kind): name for kind, name in KIND_NAMES.items()}


def register(commands: Commands) -> None:
    """The commands of this module."""
    log = commands.add("log", _log, "查看同步日志")
    log.add_argument("--bureau", help="单位代码")
    log.add_argument("--device", help="设备号（见 status），或日志里的写法")
    log.add_argument("--outcome", help="结果，如 已入库、已拒绝，或代码 applied、refused")
    log.add_argument("--since", help="起始日期，如 2026-05-01；也可以带时间，如 2026-05-01T08:30")
    log.add_argument("--limit", type=int, default=50, help="最多多少次，缺省 50")
    log.add_argument("--xlsx", help="导出到工作簿")


def _log(parsed: argparse.Namespace) -> None:
    limit = rows_of(parsed)
    with opened(parsed) as hub:
        _show_log(hub, parsed, limit)


def _show_log(hub: Hub, parsed: argparse.Namespace, limit: int) -> None:
    declared = hub.store.types["exchange"]
    wanted = Filter(order="-started_at")
    codes = codes_known(hub)
    if parsed.bureau is not None:
        wanted = wanted.where("bureau", Op.EQ, bureau_of(hub, parsed.bureau))
    if parsed.device is not None:
        wanted = wanted.where("device", Op.IN, _names_of(hub, parsed.device))
    if parsed.outcome is not None:
        wanted = wanted.where("outcome", Op.EQ, _outcome(codes, parsed.outcome))
    if parsed.since is not None:
        wanted = wanted.where("started_at", Op.GE, _moment(parsed.since))
    with hub.store.read() as connection:
        rows = query.first(connection, declared, wanted, Place(), limit)
    bureaus = {r["id"]: str(r["name"]) for r in every(hub, "bureau", Filter())}
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


_MOMENT = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2}))?)?")


def _moment(text: str) -> str:
    """A day, or a minute of it, as the log writes it; raises :class:`InputError`."""
    found = _MOMENT.fullmatch(text.strip())
    try:
        if found is None:
            raise ValueError
        year, month, day, hour, minute, second = (int(found[n] or 0) for n in (1, 3, 4, 5, 6, 7))
        return datetime(year, month, day, hour, minute, second).isoformat()
    except ValueError:
        raise InputError(
            f"--since 不是日期：“{text}”。",
            "请写成 2026-11-01 或 2026/11/01，也可以带时间：2026-11-01T08:30。",
        ) from None


def _outcome(codes: Codes, word: str) -> str:
    """The code of an outcome, by code or name; raises :class:`InputError`."""
    found = codes.find("交换结果", word)
    if found is None:
        known = "、".join(f"{one.name}（{one.code}）" for one in codes.entries("交换结果"))
        raise InputError(f"没有“{word}”这种结果。", f"可以是：{known}。")
    return found


def _names_of(hub: Hub, device: str) -> list[str]:
    """How the log may name a device, given by its id or as the log has it; raises :class:`InputError`."""
    asked = Filter().where("device", Op.EQ, device)
    with hub.store.read() as connection:
        enrolled = sql.fetch(connection, "device", ("name",), [device])
        if enrolled:
            return [device, log_name(str(enrolled[0][0]), device)]
        if not query.first(connection, hub.store.types["exchange"], asked, Place(), 1):
            raise InputError(f"没有设备“{device}”。", "设备号见 yizhan-hub status；也可以照日志里的写法写。")
    return [device]


def _export(hub: Hub, rows: list[dict[str, object]], bureaus: dict[str, str], path: Path) -> None:
    from shared.fields import Field
    from shared.sheets.export import write_export

    def show(field: Field, value: object) -> str:
        return bureaus.get(str(value), str(value))

    facts = [("导出时间", hub.clock.stamp()), ("中心", hub.keys.name)]
    write_export(path, hub.store.types["exchange"], rows, show, facts, codes_known(hub))
    print(f"已导出到 {path}")
