"""``yizhan-hub``: the hub from the command line. Exit codes: 0 well, 1 refused, 2 wrong usage."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from server_stub.hub import Hub
from server_stub.ledger import EMPTY
from server_stub.lists import codes_of, put
from shared.access import HUB_ACTOR
from shared.codes import Codes, load_resource_codes
from shared.errors import InputError, YizhanError
from shared.filters import Filter, Op
from shared.lifecycle import State
from shared.store import query
from shared.store.query import Place
from sync.describe import KIND_NAMES
from sync.layout import Kind

if TYPE_CHECKING:
    import uvicorn

_KINDS = {str(kind): name for kind, name in KIND_NAMES.items()}
PASSPHRASE = "YIZHAN_HUB_PASSPHRASE"  # noqa: S105 - the variable's name


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a refusal is a sentence and a hint on the error stream."""
    parsed = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], None] = parsed.run
    try:
        command(parsed)
        sys.stdout.flush()
    except YizhanError as refused:
        sys.stderr.write(f"{refused.message}\n{refused.hint}\n")
        return 1
    except BrokenPipeError:  # `yizhan-hub log | head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
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

    family = socket.AF_INET6 if ":" in parsed.host else socket.AF_INET
    with _opened(parsed) as hub:
        try:
            listener = socket.create_server((parsed.host, parsed.port), family=family, backlog=2048)
        except OSError as bad:
            raise InputError(
                f"不能在 {parsed.host}:{parsed.port} 上监听（{bad.strerror}）。",
                "请用 --host、--port 换一个。",
            ) from None
        shown = f"[{parsed.host}]" if family is socket.AF_INET6 else parsed.host
        print(f"listening on http://{shown}:{listener.getsockname()[1]}", flush=True)
        server = uvicorn.Server(uvicorn.Config(create_app(hub), log_level="warning", access_log=False))
        # uvicorn stops gracefully and then raises the signal again, for us to end well.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if parsed.with_parent:
            threading.Thread(target=_end_with_parent, args=(server,), daemon=True).start()
        with listener, contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


def _end_with_parent(server: uvicorn.Server) -> None:
    """Whoever started us holds the other end of our standard input; it closes when they end."""
    while sys.stdin.buffer.read(4096):
        continue
    server.should_exit = True


def _bureau_add(parsed: argparse.Namespace) -> None:
    row = {"code": parsed.code, "name": parsed.name, "division": parsed.division}
    row |= {"parent": parsed.parent} if parsed.parent else {}
    with _opened(parsed) as hub:
        done = put(hub.store, "bureau", [row], _codes(hub))
    print("已登记。" if done.added else "已更新。" if done.changed else "没有变化。")


def _bureau_list(parsed: argparse.Namespace) -> None:
    with _opened(parsed) as hub:
        rows = _all(hub, "bureau", Filter(order="code"))
    names = {r["id"]: str(r["name"]) for r in rows}
    _print_table(
        ["代码", "名称", "行政区划", "上级"],
        ([str(r["code"]), str(r["name"]), str(r["division"]), names.get(r["parent"], "")] for r in rows),
    )


def _invite(parsed: argparse.Namespace) -> None:
    from server_stub.enrolment import VALID_DAYS, Account

    with _opened(parsed) as hub:
        bureau = hub.store.types["bureau"].id_for_key(parsed.bureau)
        code = hub.enrolment.invite(Account(parsed.account, parsed.name, bureau, tuple(parsed.role)))
    print(f"登记码（{VALID_DAYS} 天内用一次）：{code.shown()}")


def _user_list(parsed: argparse.Namespace) -> None:
    with _opened(parsed) as hub:
        rows = _all(hub, "user", Filter(order="account"))
        bureaus = {r["id"]: str(r["name"]) for r in _all(hub, "bureau", Filter())}
        titles = {s.name: s.title for s in _states(hub, "user")}
        codes = _codes(hub)
    _print_table(
        ["账号", "姓名", "单位", "角色", "状态"],
        (
            [
                str(r["account"]), str(r["name"]), bureaus.get(r["bureau"], ""),
                "、".join(codes.name("用户角色", c) for c in str(r["roles"]).split(",")),
                titles.get(str(r["state"]), str(r["state"])),
            ]
            for r in rows
        ),
    )  # fmt: skip


def _user_state(parsed: argparse.Namespace) -> None:
    with _opened(parsed) as hub:
        found = _all(hub, "user", Filter().where("account", Op.EQ, parsed.account))
        if not found:
            raise InputError(f"没有账号“{parsed.account}”。", "请用 yizhan-hub user list 查看。")
        with hub.store.unit(HUB_ACTOR) as unit:
            unit.update(hub.store.types["user"], found[0]["id"], {"state": parsed.state})
    print(f"账号“{parsed.account}”{'已冻结' if parsed.state == 'frozen' else '已恢复'}；设备同步后生效。")


def _revoke(parsed: argparse.Namespace) -> None:
    with _opened(parsed) as hub:
        hub.ledger.revoke(parsed.device, parsed.reason)
    print("设备已吊销，中心不再接收它的数据。")


def _log(parsed: argparse.Namespace) -> None:
    with _opened(parsed) as hub:
        _show_log(hub, parsed)


def _show_log(hub: Hub, parsed: argparse.Namespace) -> None:
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
    bureaus = {r["id"]: str(r["name"]) for r in _all(hub, "bureau", Filter())}
    codes = _codes(hub)
    if parsed.xlsx:
        _export(hub, [r.values for r in rows], bureaus, Path(parsed.xlsx))
    else:
        heads = ["时间", "单位", "设备", "途径", "用途", "变更集", "变更", "字节", "结果", "说明"]
        _print_table(heads, (
            [
                str(v["started_at"])[:19].replace("T", " "), bureaus.get(v["bureau"] or "", ""),
                str(v["device"] or ""), codes.name("交换途径", str(v["carrier"])),
                _KINDS.get(str(v["kind"]), str(v["kind"] or "")), str(v["sets"]), f"{v['changes']:,}",
                f"{v['bytes']:,}", codes.name("交换结果", str(v["outcome"])), str(v["reason"] or ""),
            ]
            for v in (r.values for r in rows)
        ))
    print(f"共 {len(rows)} 次交换")


def _load(parsed: argparse.Namespace) -> None:
    from server_stub import demo_data, lists

    with _opened(parsed) as hub:
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
    report = check_rows(read_rows(path, declared), declared, _codes(hub), None)
    with hub.store.unit(HUB_ACTOR) as unit:
        ids = {declared.record_id(g.values): g.values for g in report.good}
        known = unit.load(declared, list(ids))
        unit.insert(declared, [v for i, v in ids.items() if i not in known], way="import", proven=True)
        changed = unit.update_many(declared, [(i, v) for i, v in ids.items() if i in known], proven=True)
    print(f"新增 {len(ids) - len(known)} 户，更新 {changed} 户，有误 {len(report.bad)} 行。")
    for bad in report.bad[:50]:
        print(f"第 {bad.number} 行：{'；'.join(p.message for p in bad.problems)}")


def _import(parsed: argparse.Namespace) -> None:
    answer = Path(parsed.answer)
    draft = answer.with_name(answer.name + ".part")
    with _opened(parsed) as hub, contextlib.ExitStack() as files:
        codes = _codes(hub)
        try:
            stream = files.enter_context(Path(parsed.package).open("rb"))
            out = files.enter_context(draft.open("w+b"))
            files.callback(draft.unlink, missing_ok=True)
            handled = hub.handle(stream, out)
            out.flush()
            os.fsync(out.fileno())
            os.replace(draft, answer)
        except OSError as bad:
            raise InputError(
                f"“{bad.filename or answer}”不能使用（{bad.strerror}）。", "请检查路径、权限和剩余空间。"
            ) from None
    if handled.verified.core.kind is Kind.ENROL_REQUEST:
        print("已登记设备。")
    else:
        intake = handled.intake
        result = "没有变更" if intake.outcome == EMPTY else codes.name("交换结果", intake.outcome)
        print(f"已处理：{len(intake.sets)} 个变更集，{intake.changes} 条变更，{result}")
        for one in intake.sets:
            if one.reason:
                print(f"第 {one.first} 至 {one.last} 条：{one.reason}")
    print(f"应答写在 {answer}")


def _status(parsed: argparse.Namespace) -> None:
    from shared.store import sql

    with _opened(parsed) as hub, hub.store.read() as connection:
        print(f"中心：{hub.keys.name}  {hub.keys.hub_id}")
        print(f"签名公钥：{hub.keys.sign.public.to_bytes().hex()}")
        streams = sql.execute(connection, "SELECT name, n FROM stream ORDER BY name").fetchall()
        devices = sql.execute(
            connection,
            "SELECT k.device, k.state, r.contiguous_to FROM device_key k"
            " LEFT JOIN device_reach r ON r.device = k.device ORDER BY k.device",
        ).fetchall()
        titles = {s.name: s.title for s in _states(hub, "device")}
    _print_table(["数据流", "变更"], ([str(n), f"{c:,}"] for n, c in streams))
    print()
    _print_table(
        ["设备", "状态", "已收到"], ([str(d), titles.get(s, str(s)), f"{c or 0:,}"] for d, s, c in devices)
    )


# --- around them -----------------------------------------------------------------
def _export(hub: Hub, rows: list[dict[str, object]], bureaus: dict[str, str], path: Path) -> None:
    from shared.fields import Field
    from shared.sheets.export import write_export

    def show(field: Field, value: object) -> str:
        return bureaus.get(str(value), str(value))

    facts = [("导出时间", hub.clock.stamp()), ("中心", hub.keys.name)]
    write_export(path, hub.store.types["exchange"], rows, show, facts, _codes(hub))
    print(f"已导出到 {path}")


@contextlib.contextmanager
def _opened(parsed: argparse.Namespace) -> Iterator[Hub]:
    if not (parsed.data / "hub.key").exists():
        raise InputError("这个文件夹里还没有中心。", "请先执行 yizhan-hub init。")
    with contextlib.closing(Hub(_url(parsed), parsed.data, _passphrase(parsed))) as hub:
        yield hub


def _all(hub: Hub, type_name: str, wanted: Filter) -> list[dict[str, Any]]:
    with hub.store.read() as connection:
        found = query.first(connection, hub.store.types[type_name], wanted, Place(), 100_000)
    return [{"id": r.id, **r.values} for r in found]


def _states(hub: Hub, type_name: str) -> tuple[State, ...]:
    cycle = hub.store.types[type_name].lifecycle
    return cycle.states if cycle else ()


def _codes(hub: Hub) -> Codes:
    """The code tables as this hub holds them; the shipped ones before any were loaded."""
    found = codes_of(hub.store)
    return found if found.tables() else Codes.from_rows(*load_resource_codes())


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
    serve.add_argument("--with-parent", action="store_true", help="标准输入关闭时随之结束")
    bureaus = commands.add_parser("bureau", help="单位名录").add_subparsers(dest="what", required=True)
    bureaus.add_parser("list", help="列出单位").set_defaults(run=_bureau_list)
    bureau = bureaus.add_parser("add", help="登记或更新单位")
    bureau.set_defaults(run=_bureau_add)
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
    users = commands.add_parser("user", help="账号").add_subparsers(dest="what", required=True)
    users.add_parser("list", help="列出账号").set_defaults(run=_user_list)
    for name, state, words in (("freeze", "frozen", "冻结账号"), ("thaw", "active", "恢复账号")):
        step = users.add_parser(name, help=words)
        step.set_defaults(run=_user_state, state=state)
        step.add_argument("account", help="登录账号")
    revoke = add("revoke", _revoke, "吊销设备")
    revoke.add_argument("device", help="设备号，见 status")
    revoke.add_argument("--reason", required=True, help="吊销原因")
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
    taking = (("import", "处理一个交换包文件，写出应答"), ("admit", "处理一个登记申请文件，写出批复"))
    for name, words in taking:
        take = add(name, _import, words)
        take.add_argument("package", help="收到的文件（.yzp）")
        take.add_argument("--answer", required=True, help="应答写到哪个文件")
    add("status", _status, "中心的概况")
    return parser


if __name__ == "__main__":
    sys.exit(main())
