"""``init``, ``serve``, ``status``: the hub as a service."""

from __future__ import annotations

import argparse
import contextlib
import errno
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING

from server_stub import restore_place, workers
from server_stub.cli.commands import Commands
from server_stub.cli.terminal import opened, passphrase, print_table, states, url_of
from server_stub.hub import Hub
from shared.errors import InputError, why

if TYPE_CHECKING:
    import uvicorn



_ELSEWHERE = "不是这台机器的地址"
_WHY: dict[int, str] = {
    errno.EADDRINUSE: "端口已被占用",
    errno.EACCES: "没有权限，小于 1024 的端口要管理员",
    **dict.fromkeys((errno.EADDRNOTAVAIL, socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAIL), _ELSEWHERE),
}
"""Words for why nobody can listen there; looking up a name has numbers of its own."""


def register(commands: Commands) -> None:
    """The commands of this module."""
    init = commands.add("init", _init, "建立中心：密钥和数据库")
    init.add_argument("--name", default="驿站中心", help="中心名称")
    serve = commands.add("serve", _serve, "启动服务")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8420, help="0 = 自动选择")
    serve.add_argument("--workers", type=int, default=1, help="服务进程数；多于 1 时需用 PostgreSQL")
    serve.add_argument("--with-parent", action="store_true", help="标准输入关闭时随之结束")
    commands.add("status", _status, "中心的概况")


def _init(parsed: argparse.Namespace) -> None:
    if (parsed.data / "hub.key").exists():
        raise InputError("这个文件夹里已经有一个中心。", "请换一个文件夹，或直接用 serve 启动它。")
    hub = Hub.create(url_of(parsed), parsed.data, passphrase(parsed), parsed.name)
    print(f"中心“{parsed.name}”已建立：{hub.keys.hub_id}")
    print(f"签名公钥：{hub.keys.sign.public.to_bytes().hex()}")
    hub.close()


def _serve(parsed: argparse.Namespace) -> None:
    if not 0 <= parsed.port <= 65_535:
        raise InputError("--port 应是 0 至 65535 的整数。", "请换一个端口，例如 8420；0 = 自动选择。")
    workers.check(parsed.workers, url_of(parsed))
    with opened(parsed) as hub:  # keys, passphrase and schema are in order before anybody hears an address
        if gone := restore_place.clear(hub.data, hub.store.database.path):
            print(f"已清理以前中断的恢复留下的 {gone} 项", file=sys.stderr, flush=True)
    family = socket.AF_INET6 if ":" in parsed.host else socket.AF_INET
    try:
        listener = socket.create_server((parsed.host, parsed.port), family=family, backlog=2048)
    except UnicodeError:
        raise InputError(
            f"--host 不能是“{parsed.host}”。", "请写本机的 IP 地址；0.0.0.0 表示所有地址。"
        ) from None
    except OSError as bad:
        raise InputError(
            f"不能在 {parsed.host}:{parsed.port} 上监听（{_WHY.get(bad.errno or 0) or why(bad)}）。",
            "请用 --host、--port 换一个。",
        ) from None
    shown = f"[{parsed.host}]" if family is socket.AF_INET6 else parsed.host
    print(f"listening on http://{shown}:{listener.getsockname()[1]}", flush=True)
    with listener:
        if parsed.workers == 1:
            _serve_alone(parsed, listener)
        else:
            if parsed.with_parent:
                raise InputError("--with-parent 只用于单个进程。", "请去掉 --workers。")
            workers.run(parsed.workers, lambda: _serve_alone(parsed, listener))


def _serve_alone(parsed: argparse.Namespace, listener: socket.socket) -> None:
    import uvicorn

    from server_stub.api import create_app

    with opened(parsed) as hub:
        app = create_app(hub, processes=parsed.workers)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        # uvicorn stops gracefully and then raises the signal again, for us to end well.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if parsed.with_parent:
            threading.Thread(target=_end_with_parent, args=(server,), daemon=True).start()
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


def _end_with_parent(server: uvicorn.Server) -> None:
    """Whoever started us holds the other end of our standard input; it closes when they end."""
    while sys.stdin.buffer.read(4096):
        continue
    server.should_exit = True


def _status(parsed: argparse.Namespace) -> None:
    from shared.store import sql

    with opened(parsed) as hub, hub.store.read() as connection:
        print(f"中心：{hub.keys.name}  {hub.keys.hub_id}")
        print(f"签名公钥：{hub.keys.sign.public.to_bytes().hex()}")
        streams = sql.execute(connection, "SELECT name, n FROM stream ORDER BY name").fetchall()
        devices = sql.execute(
            connection,
            "SELECT k.device, k.state, r.contiguous_to FROM device_key k"
            " LEFT JOIN device_reach r ON r.device = k.device ORDER BY k.device",
        ).fetchall()
        titles = {s.name: s.title for s in states(hub, "device")}
    print_table(["数据流", "变更"], ([str(n), f"{c:,}"] for n, c in streams))
    print()
    print_table(
        ["设备", "状态", "已收到"], ([str(d), titles.get(s, str(s)), f"{c or 0:,}"] for d, s, c in devices)
    )
