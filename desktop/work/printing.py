"""Sheets on paper: HTML from templates, drawn on A4 with header, watermark and page numbers."""

from __future__ import annotations

import html as markup
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QFontMetricsF,
    QPagedPaintDevice,
    QPageSize,
    QPainter,
    QPdfWriter,
    QPen,
    QTextDocument,
)

from desktop.work.files import write_atomic
from desktop.work.media import HandOver
from shared.fields import Field
from shared.record import RecordType
from shared.supervision.verification import Finding, minutes
from shared.types import catalog

Show = Callable[[Field, Any], str]
"""A value as people read it, personal data masked (``Records.show``)."""

RESOLUTION = 300
MARGINS = QMarginsF(26, 28, 26, 24)  # 左、上、右、下，毫米
FANGSONG = ("仿宋_GB2312", "FangSong_GB2312", "仿宋", "FangSong", "STFangsong", "方正仿宋_GBK")
XIAOBIAOSONG = ("方正小标宋简体", "方正小标宋_GBK", "FZXiaoBiaoSong-B05", "FZXiaoBiaoSong-B05S", "小标宋")
HEITI = ("黑体", "SimHei", "Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Zen Hei")
FALLBACK = ("Noto Serif CJK SC", "Source Han Serif SC", "SimSun", "宋体", "Noto Sans CJK SC", "WenQuanYi Zen Hei")
PERMITS, SANCTIONS, PENALTIES = "permits", "sanctions", "penalties"
SECTIONS = (PERMITS, SANCTIONS, PENALTIES)


@dataclass(frozen=True, slots=True)
class Watermark:
    """Who printed, and when."""

    person: str
    at: str

    @property
    def text(self) -> str:
        """As it stands across the page."""
        return f"{self.person}　{minutes(self.at)}"


@dataclass(frozen=True, slots=True)
class Fonts:
    """What this machine has for the fonts of official documents.

    :param note: which substitute is used; ``""`` when the real ones are installed.
    """

    body: str
    title: str
    heading: str
    bold_title: bool
    note: str


@cache
def fonts() -> Fonts:
    """仿宋 and 小标宋 when installed, else a stated substitute."""
    have = set(QFontDatabase.families())
    substitute = next((f for f in FALLBACK if f in have), QFont().family())
    body = next((f for f in FANGSONG if f in have), "")
    title = next((f for f in XIAOBIAOSONG if f in have), "")
    heading = next((f for f in HEITI if f in have), substitute)
    missing = [word for word, found in (("仿宋", body), ("小标宋", title)) if not found]
    note = f"本机未安装{'、'.join(missing)}字体，以 {substitute} 代替" if missing else ""
    return Fonts(body or substitute, title or substitute, heading, not title, note)


# --- sheets --------------------------------------------------------------------
def hand_over_sheet(facts: HandOver) -> str:
    """介质交接单: goes with the stick."""
    rows = [
        ("介质类型", facts.medium_type),
        ("介质编号", facts.medium_number),
        ("移交单位", facts.sent_from),
        ("接收单位", facts.sent_to),
        ("内容", facts.content),
        ("经办人", facts.person),
        ("变更集", f"{facts.sets:,} 个"),
        ("变更", f"{facts.changes:,} 条"),
        ("大小", f"{facts.size:,} 字节"),
        ("生成时间", minutes(facts.created)),
    ]
    wide = [("文件名", facts.file_name), ("交换包号", facts.package_id)]
    return _fill(
        "hand_over.html",
        short_id=_text(facts.package_id[-8:].upper()),
        created=_text(minutes(facts.created)),
        rows=_pairs(rows) + _singles(wide),
        fingerprint=_text(facts.fingerprint),
    )


def intake_sheet(values: Mapping[str, Any], bureau: str, show: Show) -> str:
    """介质入库记录单 from the values of an intake record (R32)."""
    declared = catalog.by_name("media_intake")
    long = {"package_id", "fingerprint", "analysis", "sent_from", "sent_to"}
    shown = {f.name: (f.title, show(f, values.get(f.name))) for f in declared.own_fields}
    return _fill(
        "intake.html",
        bureau=_text(bureau),
        received_at=_text(minutes(str(values.get("received_at") or ""))),
        rows=_pairs([v for k, v in shown.items() if k not in long])
        + _singles([v for k, v in shown.items() if k in long]),
    )


def verification_sheet(
    finding: Finding,
    entity: Mapping[str, Any] | None,
    *,
    subject: str,
    purpose: str,
    person: str,
    bureau: str,
    show: Show,
    sections: Collection[str] = SECTIONS,
) -> str:
    """市场主体信息核查单: the answer, and on what it rests (N15).

    :param entity: its values; None when the data know no such entity.
    :param sections: which lists to print besides the conclusion.
    """
    lists = [
        (PERMITS, "行政许可", _permits(finding, show)),
        (SANCTIONS, "惩戒中的联合惩戒", _sanctions(finding, show)),
        (PENALTIES, "近三年行政处罚", _penalties(finding, show)),
    ]
    numbers = iter("三四五六")
    body = [
        f"<h2>{next(numbers)}、{title}（{count} 件）</h2>{table}"
        for name, title, (count, table) in lists
        if name in sections
    ]
    return _fill(
        "verification.html",
        bureau=_text(bureau),
        asked_at=_text(minutes(finding.evidence.asked_at)),
        entity=_entity(entity, subject, purpose, show),
        sentences="".join(
            f"<p>{'<b>' if s.tone == 'bad' else ''}{_text(s.text)}{'</b>' if s.tone == 'bad' else ''}</p>"
            for s in finding.sentences
        ),
        evidence=_singles([(title, text or "尚未完成首次同步") for title, text in finding.as_of]),
        statement=_text(finding.statement),
        sections="".join(body),
        person=_text(person),
    )


def _entity(
    entity: Mapping[str, Any] | None, subject: str, purpose: str, show: Show
) -> str:
    declared = catalog.by_name("market_entity")
    rows = [("核查对象", subject), ("核查用途", purpose)]
    if entity is None:
        return _singles(rows)
    names = ("uscc", "legal_person", "status", "address")
    return _singles(rows) + _singles([_cell(declared, entity, n, show) for n in names])


def _permits(finding: Finding, show: Show) -> tuple[int, str]:
    declared = catalog.by_name("permit")
    rows = [
        [
            _shown(declared, j.record.values, "document_no", show),
            _shown(declared, j.record.values, "licence_name", show)
            or _shown(declared, j.record.values, "document_name", show),
            _shown(declared, j.record.values, "authority", show),
            f"{_shown(declared, j.record.values, 'valid_from', show)} 至 "
            f"{_shown(declared, j.record.values, 'valid_to', show)}",
            str(j.state),
        ]
        for j in finding.permits
    ]
    heads = ("决定文书号", "许可证书", "许可机关", "有效期", "状态")
    return len(rows), _table(heads, rows, "没有查到许可记录。")


def _sanctions(finding: Finding, show: Show) -> tuple[int, str]:
    names = ("name", "breach", "measures", "authority", "valid_to")
    return _listed("sanction", finding.sanctions, names, show, "没有查到惩戒中的记录。")


def _penalties(finding: Finding, show: Show) -> tuple[int, str]:
    names = ("document_no", "breach", "kind", "authority", "decided_on")
    return _listed("penalty", finding.penalties, names, show, "没有查到处罚记录。")


def _listed(
    type_name: str, found: Sequence[Any], names: Sequence[str], show: Show, empty: str
) -> tuple[int, str]:
    declared = catalog.by_name(type_name)
    known = [n for n in names if n in declared.by_name]
    rows = [[_shown(declared, one.values, n, show) for n in known] for one in found]
    return len(rows), _table([declared.by_name[n].title for n in known], rows, empty)


# --- pieces of HTML --------------------------------------------------------------
def _fill(template: str, **parts: str) -> str:
    found = fonts()
    style = Template(_resource("sheet.css")).substitute(
        body_font=f"'{found.body}'",
        title_font=f"'{found.title}'",
        heading_font=f"'{found.heading}'",
        mono_font=f"'DejaVu Sans Mono', 'Consolas', '{found.heading}'",
        title_weight="bold" if found.bold_title else "normal",
    )
    return Template(_resource(template)).substitute(style=style, **parts)


@cache
def _resource(name: str) -> str:
    return files("resources").joinpath("templates", name).read_text("utf-8")


def _text(value: str) -> str:
    return markup.escape(value).replace("\n", "<br/>")


def _pairs(rows: Sequence[tuple[str, str]]) -> str:
    """Two titled values a line."""
    padded = [*rows, ("", "")] if len(rows) % 2 else list(rows)
    return "".join(
        f'<tr><th width="18%">{_text(a)}</th><td width="32%">{_text(b)}</td>'
        f'<th width="18%">{_text(c)}</th><td width="32%">{_text(d)}</td></tr>'
        for (a, b), (c, d) in zip(padded[::2], padded[1::2], strict=True)
    )


def _singles(rows: Iterable[tuple[str, str]]) -> str:
    """One titled value a line, as wide as two of the others."""
    return "".join(
        f'<tr><th width="18%">{_text(a)}</th><td colspan="3">{_text(b)}</td></tr>' for a, b in rows
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], empty: str) -> str:
    if not rows:
        return f"<p>{_text(empty)}</p>"
    top = "".join(f"<th>{_text(h)}</th>" for h in ("序号", *heads))
    body = "".join(
        f'<tr><td class="mid">{n}</td>' + "".join(f"<td>{_text(c)}</td>" for c in row) + "</tr>"
        for n, row in enumerate(rows, 1)
    )
    return f'<table width="100%"><thead><tr>{top}</tr></thead>{body}</table>'


def _shown(declared: RecordType, values: Mapping[str, Any], name: str, show: Show) -> str:
    return show(declared.by_name[name], values.get(name))


def _cell(declared: RecordType, values: Mapping[str, Any], name: str, show: Show) -> tuple[str, str]:
    return declared.by_name[name].title, _shown(declared, values, name, show)


# --- paper ---------------------------------------------------------------------
def write_pdf(html: str, path: Path, watermark: Watermark, title: str) -> int:
    """Write a PDF file, whole or not at all; returns the number of pages."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setResolution(RESOLUTION)
    writer.setTitle(title)
    writer.setCreator("驿站")
    pages = draw(html, writer, watermark, title)
    buffer.close()
    write_atomic(path, bytes(buffer.data().data()), 0o644)
    return pages


def draw(html: str, device: QPagedPaintDevice, watermark: Watermark, title: str) -> int:
    """Draw on anything with pages, a printer too; returns how many it took."""
    device.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
    device.setPageMargins(QMarginsF(0, 0, 0, 0))
    painter = QPainter(device)
    try:
        return _Paper(painter, device, watermark, title).draw(html)
    finally:
        painter.end()


class _Paper:
    """One document on its pages."""

    def __init__(
        self, painter: QPainter, device: QPagedPaintDevice, watermark: Watermark, title: str
    ) -> None:
        self._painter = painter
        self._device = device
        self._watermark = watermark
        self._title = title
        self._mm = device.logicalDpiX() / 25.4
        self._page = QRectF(0, 0, device.width(), device.height())
        edges = MARGINS * self._mm
        self._body = self._page.marginsRemoved(edges)
        self._fonts = fonts()

    def draw(self, html: str) -> int:
        document = QTextDocument()
        document.documentLayout().setPaintDevice(self._device)
        document.setDocumentMargin(0)
        document.setDefaultFont(QFont(self._fonts.body, 12))
        document.setHtml(html)
        document.setPageSize(QSizeF(self._body.size()))
        pages = document.pageCount()
        for number in range(1, pages + 1):
            if number > 1:
                self._device.newPage()
            self._mark()
            self._frame(number, pages)
            self._content(document, number)
        return pages

    def _content(self, document: QTextDocument, number: int) -> None:
        size = self._body.size()
        part = QRectF(0, (number - 1) * size.height(), size.width(), size.height())
        self._painter.save()
        self._painter.translate(self._body.topLeft() - part.topLeft())
        document.drawContents(self._painter, part)
        self._painter.restore()

    def _frame(self, number: int, pages: int) -> None:
        """Header with its line, and the footer."""
        painter, body, mm = self._painter, self._body, self._mm
        painter.setFont(QFont(self._fonts.heading, 9))
        painter.setPen(QColor("#555555"))
        head = QRectF(body.left(), body.top() - 11 * mm, body.width(), 6 * mm)
        painter.drawText(head, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self._title)
        painter.drawText(
            head, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, "驿站 · 事中事后综合监管"
        )
        painter.setPen(QPen(QColor("#999999"), 0.2 * mm))
        painter.drawLine(head.bottomLeft() + QPointF(0, mm), head.bottomRight() + QPointF(0, mm))
        painter.setPen(QColor("#555555"))
        foot = QRectF(body.left(), body.bottom() + 5 * mm, body.width(), 6 * mm)
        side = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(foot, side | Qt.AlignmentFlag.AlignLeft, f"打印：{self._watermark.text}")
        painter.drawText(foot, side | Qt.AlignmentFlag.AlignRight, f"第 {number} 页 共 {pages} 页")
        if self._fonts.note:
            painter.setFont(QFont(self._fonts.heading, 7))
            painter.drawText(
                foot.translated(0, 5 * mm), side | Qt.AlignmentFlag.AlignLeft, self._fonts.note
            )

    def _mark(self) -> None:
        """Person and time across the page, faint, under the text."""
        painter, mm = self._painter, self._mm
        font = QFont(self._fonts.heading, 22)
        width = QFontMetricsF(font, self._device).horizontalAdvance(self._watermark.text)
        painter.save()
        painter.setFont(font)
        painter.setPen(QColor(232, 234, 238))
        painter.translate(self._page.center())
        painter.rotate(-32)
        step_x, step_y = width + 25 * mm, 62 * mm
        for row in range(-3, 4):
            for column in range(-2, 3):
                shift = step_x / 2 if row % 2 else 0.0
                painter.drawText(QPointF(column * step_x + shift - width / 2, row * step_y), self._watermark.text)
        painter.restore()


__all__ = [
    "SECTIONS",
    "Fonts",
    "Watermark",
    "draw",
    "fonts",
    "hand_over_sheet",
    "intake_sheet",
    "verification_sheet",
    "write_pdf",
]
