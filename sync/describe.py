"""The cover of a package in words, for ``yizhan package inspect`` and the import page."""

from __future__ import annotations

import io
from typing import BinaryIO

from shared import gaps
from shared.errors import PackageError
from sync.layout import (
    CHUNK,
    MAX_TRAILER,
    Header,
    Kind,
    Trailer,
    decode,
    fingerprint_text,
    read_exactly,
    read_header,
    read_length,
    tampered,
)
from sync.signing import Envelope

KIND_NAMES = {
    Kind.CHANGES: "上报变更",
    Kind.ANSWER: "回执与下发",
    Kind.SNAPSHOT: "首次装载数据",
    Kind.ENROL_REQUEST: "设备登记申请",
    Kind.ENROL_GRANT: "设备登记批复",
    Kind.TRUST: "信任名单",
    Kind.ATTACHMENTS: "附件",
    Kind.RECOVER_REQUEST: "找回密码申请",
    Kind.RECOVER_ANSWER: "找回密码批复",
}


MOST_ROWS = 20
MOST_CHARACTERS = 300


def describe(stream: BinaryIO) -> list[tuple[str, str]]:
    """Label and value of everything the outside of a package says.

    Nothing is verified here and the last row says so. A package that breaks off
    after its header still shows its header. The stream must be seekable.
    """
    header = read_header(stream)
    core = header.core
    rows = [
        ("用途", KIND_NAMES[core.kind]),
        ("交换包编号", core.package_id),
        ("所属中心", core.hub_id),
        ("发出方", core.exporter),
        ("发出方签名密钥", core.exporter_key_id),
        ("接收方", f"{len(core.audience)} 个：{'、'.join(core.audience)}"),
        ("生成时间", core.created),
        ("密码套件", f"{core.suite}（{header.suite.name}）"),
        ("信任名单版本", str(core.trust_version)),
    ]
    for one in core.ranges[:MOST_ROWS]:
        numbers = gaps.said([(one.first, one.last)])
        rows.append(("变更范围", f"设备 {one.device} 第 {one.incarnation} 代 {numbers} 号"))
    if len(core.ranges) > MOST_ROWS:
        rows.append(("变更范围", f"等共 {len(core.ranges):,} 段"))
    rows += [("前提", f"{name} = {value}") for name, value in list(core.prereqs.items())[:MOST_ROWS]]
    rows = [(label, _harmless(value)) for label, value in rows]
    try:
        trailer, fingerprint, size = _tail(stream, header)
    except PackageError as error:
        return [*rows, ("完整性", error.message)]
    total = f"，共 {trailer.volumes} 卷" if trailer.volumes else "，后面还有"
    return [
        *rows,
        ("分卷", f"第 {core.volume.index} 卷{total}"),
        ("文件大小", f"{size:,} 字节"),
        ("内容", f"{trailer.n_entries:,} 项，解压后 {trailer.raw_len:,} 字节"),
        ("指纹", fingerprint_text(fingerprint)),
        ("核验", "以上为封面所载，签名尚未核验"),
    ]


def _harmless(text: str) -> str:
    """Unverified text on its way to a terminal: no control characters, no flood."""
    shown = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
    return shown if len(shown) <= MOST_CHARACTERS else shown[:MOST_CHARACTERS] + "…"


def _tail(stream: BinaryIO, header: Header) -> tuple[Trailer, bytes, int]:
    """Trailer, fingerprint and size; chunks are skipped, not read."""
    size = header.size + 4
    while length := read_length(stream, CHUNK + header.suite.tag_bytes):
        stream.seek(length, io.SEEK_CUR)
        size += 4 + length
    packed = read_exactly(stream, read_length(stream, MAX_TRAILER))
    if stream.read(1):
        tampered("交换包末尾有多余的内容。")
    envelope = Envelope.decode(packed)
    hasher = header.suite.hasher()
    hasher.update(envelope.payload)
    return decode(envelope.payload, Trailer), hasher.digest(), size + 4 + len(packed)
