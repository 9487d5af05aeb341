"""``yizhan-hub``: the hub from the command line. Exit codes: 0 well, 1 refused, 2 wrong usage."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from server_stub.hub import Hub
from shared.errors import InputError, YizhanError
from shared.filters import Filter, Op
from shared.store import query
from shared.store.query import Place

PASSPHRASE = "YIZHAN_HUB_PASSPHRASE"  # noqa: S105 - the variable's name


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a refusal is a sentence and a hint on the error stream."""
    parsed = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], None] = parsed.run
    try:
        command(parsed)
    except YizhanError as refused:
        sys.stderr.write(f"{refused.message}\n{refused.hint}\n")
        return 1
    return 0


# --- commands ------------------------------------------------------------------
def _init(parsed: argparse.Namespace) -> None:
    if (parsed.data / "hub.key").exists():
        raise InputError("这个文件夹里已经有一个中心。", "请换一个文件夹，或直接用 serve 启动它。")
    hub = Hub.create(_url(parsed), parsed.data, _passphrase(parsed), parsed.name)
    print(f"中心“{parsed.name}”已建立：{hub.keys.hub_id}")
    print(f"签名公钥：{hub.keys.sign.public.to_bytes().hex()}")
    hub.close()


def _serve(parsed: argparse.Namespace) -> None:
    import uvicorn

    from server_stub.api import create_app

    hub = _open(parsed)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((parsed.host, parsed.port))
    except OSError:
        listener.close()
        hub.close()
        raise InputError(f"端口 {parsed.port} 已被占用。", "请用 --port 换一个端口。") from None
    listener.listen(2048)
    print(f"listening on http://{parsed.host}:{listener.getsockname()[1]}", flush=True)
    server = uvicorn.Server(uvicorn.Config(create_app(hub), log_level="warning", access_log=False))
    try:
        server.run(sockets=[listener])
    finally:
        hub.close()


def _bureau_add(parsed: argparse.Namespace) -> None:
    from server_stub.lists import codes_of, put

    hub = _open(parsed)
    row = {"code": parsed.code, "name": parsed.name, "division": parsed.division}
    row |= {"parent": parsed.parent} if parsed.parent else {}
    done = put(hub.store, "bureau", [row], codes_of(hub.store))
    print("已登记。" if done.added else "已更新。" if done.changed else "没有变化。")
    hub.close()


def _invite(parsed: argparse.Namespace) -> None:
    from server_stub.enrolment import VALID_DAYS, Account

    hub = _open(parsed)
    bureau = hub.store.types["bureau"].id_for_key(parsed.bureau)
    code = hub.enrolment.invite(Account(parsed.account, parsed.name, bureau, tuple(parsed.role)))
    print(f"登记码（{VALID_DAYS} 天内用一次）：{code.shown()}")
    hub.close()


def _log(parsed: argparse.Namespace) -> None:
    hub = _open(parsed)
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
        rows = query.first(connection, declared, wanted, Place(), parsed.limit)
        bureaus = {r.id: str(r.values["name"]) for r in query.first(
            connection, hub.store.types["bureau"], Filter(), Place(), 100_000)}
    if parsed.xlsx:
        _export(hub, [r.values for r in rows], bureaus, Path(parsed.xlsx))
    else:
        heads = ["时间", "单位", "设备", "途径", "用途", "变更集", "变更", "字节", "结果", "说明"]
        _print_table(heads, (
            [
                str(v["started_at"])[:19].replace("T", " "), bureaus.get(v["bureau"] or "", ""),
                str(v["device"] or "")[:8], str(v["carrier"]), str(v["kind"] or ""), str(v["sets"]),
                str(v["changes"]), str(v["bytes"]), str(v["outcome"]), str(v["reason"] or ""),
            ]
            for v in (r.values for r in rows)
        ))
    print(f"共 {len(rows)} 次交换")
    hub.close()


def _load(parsed: argparse.Namespace) -> None:
    from server_stub import demo_data, lists

    hub = _open(parsed)
    match parsed.what:
        case "codes":
            done = lists.load_codes(hub.store)
            print(f"代码表和目录：新增 {done.added} 条，更新 {done.changed} 条。")
        case "demo":
            demo_data.load(hub.store, parsed.entities)
            print(f"演示数据已装入：{parsed.entities} 户虚构的市场主体。")
        case _:
            _load_entities(hub, Path(parsed.file))
    hub.close()


def _load_entities(hub: Hub, path: Path) -> None:
    from server_stub.lists import codes_of
    from shared.access import HUB_ACTOR
    from shared.sheets.checking import check_rows
    from shared.sheets.reading import read_rows

    declared = hub.store.types["market_entity"]
    report = check_rows(read_rows(path, declared), declared, codes_of(hub.store), None)
    with hub.store.unit(HUB_ACTOR) as unit:
        ids = {declared.record_id(g.values): g.values for g in report.good}
        known = unit.load(declared, list(ids))
        unit.insert(declared, [v for i, v in ids.items() if i not in known], way="import", proven=True)
        changed = unit.update_many(declared, [(i, v) for i, v in ids.items() if i in known], proven=True)
    print(f"新增 {len(ids) - len(known)} 户，更新 {changed} 户，有误 {len(report.bad)} 行。")
    for bad in report.bad[:50]:
        print(f"第 {bad.number} 行：{'；'.join(p.message for p in bad.problems)}")


def _import(parsed: argparse.Namespace) -> None:
    hub = _open(parsed)
    answer = Path(parsed.answer)
    draft = answer.with_name(answer.name + ".part")
    try:
        with Path(parsed.package).open("rb") as stream, draft.open("w+b") as out:
            handled = hub.handle(stream, out)
            out.flush()
            os.fsync(out.fileno())
    except FileNotFoundError:
        raise InputError("找不到交换包文件。", "请检查路径。") from None
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    os.replace(draft, answer)
    intake = handled.intake
    print(f"已处理：{len(intake.sets)} 个变更集，{intake.changes} 条变更，{intake.outcome}")
    print(f"应答写在 {answer}")
    hub.close()


def _status(parsed: argparse.Namespace) -> None:
    from shared.store import sql

    hub = _open(parsed)
    print(f"中心：{hub.keys.name}  {hub.keys.hub_id}")
    print(f"签名公钥：{hub.keys.sign.public.to_bytes().hex()}")
    with hub.store.read() as connection:
        streams = sql.execute(connection, "SELECT name, n FROM stream ORDER BY name").fetchall()
        devices = sql.execute(
            connection,
            "SELECT k.device, k.state, r.contiguous_to FROM device_key k"
            " LEFT JOIN device_reach r ON r.device = k.device ORDER BY k.device",
        ).fetchall()
    _print_table(["数据流", "变更"], ([str(n), f"{c:,}"] for n, c in streams))
    _print_table(["设备", "状态", "已收到"], ([str(d), str(s), f"{c or 0:,}"] for d, s, c in devices))
    hub.close()


# --- around them -----------------------------------------------------------------
def _export(hub: Hub, rows: list[dict[str, object]], bureaus: dict[str, str], path: Path) -> None:
    from server_stub.lists import codes_of
    from shared.fields import Field
    from shared.sheets.export import write_export

    def show(field: Field, value: object) -> str:
        return bureaus.get(str(value), str(value))

    facts = [("导出时间", hub.clock.stamp()), ("中心", hub.keys.name)]
    write_export(path, hub.store.types["exchange"], rows, show, facts, codes_of(hub.store))
    print(f"已导出到 {path}")


def _open(parsed: argparse.Namespace) -> Hub:
    if not (parsed.data / "hub.key").exists():
        raise InputError("这个文件夹里还没有中心。", "请先执行 yizhan-hub init。")
    return Hub(_url(parsed), parsed.data, _passphrase(parsed))


def _url(parsed: argparse.Namespace) -> str:
    return parsed.database or f"sqlite:///{(parsed.data / 'hub.db').absolute()}"


def _passphrase(parsed: argparse.Namespace) -> str:
    if parsed.passphrase_file:
        try:
            return Path(parsed.passphrase_file).read_text(encoding="utf-8").strip()
        except OSError:
            raise InputError("读不到口令文件。", "请检查 --passphrase-file 的路径和权限。") from None
    said = os.environ.get(PASSPHRASE, "")
    if not said:
        raise InputError("没有给出中心密钥的口令。", f"请设置环境变量 {PASSPHRASE}，或用 --passphrase-file。")
    return said


def _print_table(heads: list[str], rows: Iterable[list[str]]) -> None:
    whole = [heads, *rows]
    widths = [max(_width(r[i]) for r in whole) for i in range(len(heads))]
    for row in whole:
        print("  ".join(c + " " * (w - _width(c)) for c, w in zip(row, widths, strict=True)).rstrip())


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(ch) in "WF" else 1 for ch in text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="yizhan-hub", description="驿站中心：登记、接收、合并、应答")
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("YIZHAN_HUB_DATA", "hub-data")),
        help="中心的数据文件夹（环境变量 YIZHAN_HUB_DATA）",
    )  # fmt: skip
    parser.add_argument(
        "--database", default=os.environ.get("YIZHAN_HUB_DATABASE", ""),
        help="数据库地址，缺省为数据文件夹中的 SQLite；PostgreSQL 写作 postgresql+psycopg://…",
    )  # fmt: skip
    parser.add_argument("--passphrase-file", help=f"中心密钥口令所在的文件；缺省用环境变量 {PASSPHRASE}")
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, run: Callable[[argparse.Namespace], None], words: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=words, description=words)
        made.set_defaults(run=run)
        return made

    add("init", _init, "建立中心：密钥和数据库").add_argument("--name", default="驿站中心", help="中心名称")
    serve = add("serve", _serve, "启动服务")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8420, help="0 = 自动选择")
    bureau = add("bureau", _bureau_add, "登记或更新单位")
    bureau.add_argument("code", help="单位代码")
    bureau.add_argument("name", help="单位名称")
    bureau.add_argument("--division", required=True, help="行政区划代码，如 310113")
    bureau.add_argument("--parent", help="上级单位代码")
    invite = add("invite", _invite, "签发一次性登记码")
    invite.add_argument("--bureau", required=True, help="单位代码")
    invite.add_argument("--account", required=True, help="登录账号")
    invite.add_argument("--name", required=True, help="姓名")
    invite.add_argument(
        "--role", action="append", required=True, choices=["officer", "bureau_admin", "hub_admin"]
    )
    log = add("log", _log, "查看同步日志")
    log.add_argument("--bureau", help="单位代码")
    log.add_argument("--device", help="设备号")
    log.add_argument("--outcome", help="结果，如 applied、refused")
    log.add_argument("--since", help="起始时间，如 2026-05-01")
    log.add_argument("--limit", type=int, default=50)
    log.add_argument("--xlsx", help="导出到工作簿")
    load = add("load", _load, "装入代码表、演示数据或市场主体")
    kinds = load.add_subparsers(dest="what", required=True)
    kinds.add_parser("codes", help="代码表和先照后证目录")
    kinds.add_parser("demo", help="演示数据").add_argument("--entities", type=int, default=20_000)
    kinds.add_parser("entities", help="从工作簿装入市场主体").add_argument("file")
    take = add("import", _import, "处理一个交换包文件，写出应答")
    take.add_argument("package")
    take.add_argument("--answer", required=True, help="应答写到哪个文件")
    add("status", _status, "中心的概况")
    return parser


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL) if hasattr(signal, "SIGPIPE") else None
    sys.exit(main())
