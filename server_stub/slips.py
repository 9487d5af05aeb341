"""Slips of paper that go with what the centre hands to a person: a one-time code, a half of the recovery key.

HTML that any browser prints on A4. Written only where the administrator asks for it,
readable by nobody else, and never over another file: a code stands on it in clear. A
half of the recovery key does not: its slip says which file it goes with.
"""

from __future__ import annotations

import html
import os
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from string import Template

from server_stub.shares import read
from shared.errors import InputError, why
from sync.layout import fingerprint_text

_FONTS = {
    "body_font": "'仿宋', 'FangSong', 'Noto Serif CJK SC'",
    "title_font": "'方正小标宋简体', 'Noto Serif CJK SC'",
    "heading_font": "'黑体', 'Noto Sans CJK SC'",
    "mono_font": "'DejaVu Sans Mono', 'Consolas'",
    "title_weight": "bold",
}
_PAGE = "@page { size: A4; margin: 28mm 26mm; }\n"


def invite_slip(code: str, days: int, rows: Sequence[tuple[str, str]], at: str) -> str:
    """登记码条: handed to the person who enrols a computer."""
    return _fill(
        title="登记码条", under=f"签发于 {_minutes(at)}", rows=_rows(rows), what="登记码", seal=_text(code),
        note=f"{days} 天内用一次，用后作废。",
        steps="在要登记的电脑上打开驿站，在“首次使用”页填写中心地址和本登记码，设置自己的登录密码；没有网络时改用介质登记。"
        "本条请当面交给本人，登记完成后销毁；遗失请立即告诉中心作废（yizhan-hub invite --cancel）。",
        giver="签发人", taker="领取人",
    )  # fmt: skip


def share_slip(path: Path, part: str) -> str:
    """恢复密钥保管单: goes with one half; says nothing that opens it."""
    share = read(path)
    rows = [
        ("中心", share.hub_name), ("第几份", f"{part}（共两份）"), ("恢复密钥", share.key),
        ("文件名", path.name),
    ]  # fmt: skip
    return _fill(
        title="恢复密钥保管单", under=f"生成于 {_minutes(share.created)}", rows=_rows(rows), what="文件指纹",
        seal=_text(fingerprint_text(sha256(path.read_bytes()).digest())),
        note="核对文件：sha256sum 的前 16 位应与此相同。",
        steps="本单不含口令，也不能代替文件。介质与本单封存在一起，由保管人锁存；"
        "另一份由另一人在另一处保管，两人的口令互不告知。"
        "有人忘记登录密码时，两名保管人带各自的介质到中心，核对申请单上的指纹后一起办理"
        "（yizhan-hub recover）。",
        giver="监交人", taker="保管人",
    )  # fmt: skip


def write_slip(path: Path, page: str) -> None:
    """Put a slip where the administrator said; raises :class:`InputError`."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InputError(f"“{path}”已经存在。", "请换一个文件名。") from None
    except OSError as bad:
        raise InputError(f"不能写入“{path}”（{why(bad)}）。", "请检查路径和权限。") from None
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(page)


def check_place(path: Path) -> None:
    """Raise :class:`InputError` before anything is made that could then not be put on paper."""
    if path.exists():
        raise InputError(f"“{path}”已经存在。", "请换一个文件名。")
    if not path.parent.is_dir():
        raise InputError(f"没有文件夹“{path.parent}”。", "请先建立，或换一个位置。")


def _fill(**parts: str) -> str:
    templates = files("resources").joinpath("templates")
    style = Template(templates.joinpath("sheet.css").read_text("utf-8")).substitute(_FONTS)
    page = Template(templates.joinpath("slip.html").read_text("utf-8"))
    return page.substitute(style=_PAGE + style, **parts)


def _rows(rows: Sequence[tuple[str, str]]) -> str:
    return "".join(
        f'<tr><th width="20%">{_text(a)}</th><td colspan="3">{_text(b)}</td></tr>' for a, b in rows
    )


def _text(value: str) -> str:
    return html.escape(value)


def _minutes(at: str) -> str:
    return at[:16].replace("T", " ")
