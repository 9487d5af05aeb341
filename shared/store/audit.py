"""The audit chain: acts that somebody may have to prove later, each bound to all before it.

Kept by client and hub in their own databases. An entry's hash covers the entry and
the hash before it; where the chain ends stands in a fact of its own, so that a
changed byte, a missing entry and a chain cut short are all found (R212, R217).
Details name records, packages and counts, never personal data or secrets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from shared.changes import GENESIS
from shared.store import sql
from shared.store.facts import read_fact, write_fact

END = "audit_end"
_NUMBER = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """One act.

    :param at: ISO time by this installation's clock.
    :param who: account id, ``"hub"``, or ``""`` where nobody was signed in.
    :param event: short code, see :data:`TITLES`.
    """

    no: int
    at: str
    who: str
    event: str
    detail: str
    hash: bytes


@dataclass(frozen=True, slots=True)
class Checked:
    """What going through the chain found.

    :param count: entries that are there; :param broken: the first that does not fit, 0 = none.
    """

    count: int
    broken: int = 0
    reason: str = ""

    @property
    def whole(self) -> bool:
        """Whether nothing was changed, left out or cut off."""
        return not self.broken


TITLES = {
    "sign_in": "登录",
    "sign_in_failed": "密码错误",
    "lockout": "密码连续输错，暂停登录",
    "sign_out": "退出",
    "lock": "锁定",
    "unlock": "解锁",
    "password": "修改密码",
    "import": "导入工作簿",
    "export": "导出工作簿",
    "print": "打印",
    "verify": "核查",
    "media_out": "导出到介质",
    "media_in": "从介质导入",
    "media_refused": "拒绝介质",
    "sync": "同步",
    "settings": "修改设置",
    "checked": "核验审计链",
    "check_asked": "请求核验中心证据",
    "key_rotated": "更换设备密钥",
    "key_recovered": "采用找回密码后的新密钥",
    "recovery": "两人恢复密钥",
    "recovery_repeated": "重做恢复批复",
    "recovered": "找回密码",
    "hub_key": "更换中心密钥",
    "recovery_key": "启用恢复密钥",
    "invite_cancelled": "作废登记码",
    "account_added": "本机添加账号",
    "account_removed": "本机移除账号",
    "lease": "修改离线期限",
    "invite": "签发登记码",
    "enrolled": "登记设备",
    "bureau": "登记单位",
    "user_state": "冻结或恢复账号",
    "token": "签发接口令牌",
    "token_revoked": "吊销接口令牌",
    "token_used": "接口令牌当日首次使用",
    "token_refused": "拒绝无效的接口令牌",
    "package_refused": "拒收被改动的交换包",
    "backup": "中心备份",
    "backup_checked": "核验备份",
    "contents_checked": "核对中心的附件内容",
    "restore": "从备份恢复中心",
    "held": "隔离变更集",
    "release": "放行变更集",
    "reject": "退回变更集",
    "revoke": "吊销席位",
    "revocation_forgotten": "中心恢复后席位重新在用",
    "enrolled_again": "重新登记席位",
    "load_anew": "要求重新装载",
    "discard": "清理已归档的变更日志",
}
"""Words for events; a module that adds one adds its word here."""


def hold(connection: sa.Connection) -> None:
    """Hold the chain's end until commit: entries of several processes follow one another."""
    if sql.is_postgres(connection):
        sql.execute(
            connection,
            "INSERT INTO fact (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (END, bytes(_NUMBER) + GENESIS),
        )
        sql.execute(connection, "SELECT 1 FROM fact WHERE name = ? FOR UPDATE", (END,))


def note(connection: sa.Connection, at: str, who: str, event: str, detail: str = "") -> None:
    """Add an entry within the transaction of the act itself."""
    hold(connection)
    no, head = _end(connection)
    no += 1
    head = _link(head, no, at, who, event, detail)
    sql.execute(
        connection,
        "INSERT INTO audit (no, at, who, event, detail, hash) VALUES (?, ?, ?, ?, ?, ?)",
        (no, at, who, event, detail, head),
    )
    write_fact(connection, END, no.to_bytes(_NUMBER, "big") + head)


def check(connection: sa.Connection) -> Checked:
    """Go through the whole chain; reads everything, in constant memory."""
    last, end = _end(connection)
    expected, head = 0, GENESIS
    for one in _all(connection):
        expected += 1
        if one.no != expected:
            return Checked(expected - 1, expected, "缺少记录")
        head = _link(head, one.no, one.at, one.who, one.event, one.detail)
        if head != one.hash:
            return Checked(expected, expected, "内容被改动")
    if expected != last:
        return Checked(expected, min(expected, last) + 1, "末尾的记录不齐")
    if head != end:
        return Checked(expected, expected, "末尾的记录被替换")
    return Checked(expected)


def latest(connection: sa.Connection, limit: int = 200, *, event: str = "") -> list[Entry]:
    """The newest entries first, all or those of one event."""
    where, values = ("WHERE event = ?", (event, limit)) if event else ("", (limit,))
    rows = sql.execute(
        connection,
        f"SELECT no, at, who, event, detail, hash FROM audit {where} ORDER BY no DESC LIMIT ?",
        values,
    )
    return [Entry(r[0], r[1], r[2], r[3], r[4], bytes(r[5])) for r in rows]


def _all(connection: sa.Connection) -> Iterator[Entry]:
    rows = sql.execute(connection, "SELECT no, at, who, event, detail, hash FROM audit ORDER BY no")
    for r in rows:
        yield Entry(r[0], r[1], r[2], r[3], r[4], bytes(r[5]))


def _end(connection: sa.Connection) -> tuple[int, bytes]:
    kept = read_fact(connection, END)
    return (int.from_bytes(kept[:_NUMBER], "big"), kept[_NUMBER:]) if kept else (0, GENESIS)


def _link(head: bytes, no: int, at: str, who: str, event: str, detail: str) -> bytes:
    return hashlib.sha256(head + msgspec.msgpack.encode((no, at, who, event, detail))).digest()
