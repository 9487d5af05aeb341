"""Looking at a package from a script, without a window and without the database."""

from __future__ import annotations

import argparse
import sys
import unicodedata
from pathlib import Path
from typing import BinaryIO

from desktop.work.settings import data_folder
from shared.errors import InputError, MediaGone, YizhanError
from sync import package
from sync.describe import KIND_NAMES, describe
from sync.layout import Core, Kind
from sync.signing import VerifyKey

HUB_KEY_FILE = "hub.pub"


def run(parsed: argparse.Namespace) -> int:
    """Do what was asked; errors go to the error stream as a sentence with a hint."""
    try:
        path = Path(parsed.file)
        rows = _inspect(path) if parsed.action == "inspect" else _verify(path, parsed.key)
    except YizhanError as refused:
        sys.stderr.write(f"{refused.message}\n{refused.hint}\n")
        return 1
    width = max(_width(label) for label, _ in rows)
    for label, value in rows:
        sys.stdout.write(f"{label}{' ' * (width - _width(label))}  {value}\n")
    return 0


def _inspect(path: Path) -> list[tuple[str, str]]:
    with _open(path) as stream:
        return describe(stream)


def _verify(path: Path, key: str | None) -> list[tuple[str, str]]:
    trusted = _key(key)

    def trust(core: Core) -> VerifyKey | None:
        if core.kind is Kind.ENROL_REQUEST:
            return package.self_signed(core)
        return trusted

    with _open(path) as stream:
        verified = package.verify(stream, trust)
    return [
        ("核验", "签名有效，内容完整"),
        ("发出方", verified.core.exporter),
        ("用途", KIND_NAMES[verified.core.kind]),
        ("指纹", verified.fingerprint_text),
        ("文件大小", f"{verified.size:,} 字节"),
    ]


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError:
        raise MediaGone(f"打不开文件“{path.name}”。", "请检查路径和介质是否还在。") from None


def _key(text: str | None) -> VerifyKey:
    if text is None:
        kept = data_folder() / HUB_KEY_FILE
        if not kept.exists():
            raise InputError(
                "本机还没有登记到中心，不知道该信任谁的签名。", "请用 --key 给出发出方的签名公钥。"
            )
        text = kept.read_text().strip()
    try:
        return VerifyKey(bytes.fromhex(text))
    except ValueError:
        raise InputError("签名公钥应为 64 位十六进制。", "请核对后重试。") from None


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(ch) in "WF" else 1 for ch in text)
