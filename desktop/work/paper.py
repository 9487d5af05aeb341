"""A4 pages: HTML drawn with header, page numbers and watermark, on a PDF or a printer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

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

from desktop.work.files import write_chosen
from shared.supervision.verification import minutes

RESOLUTION = 300
MARGINS = QMarginsF(26, 28, 26, 24)  # 左、上、右、下，毫米
FANGSONG = ("仿宋_GB2312", "FangSong_GB2312", "仿宋", "FangSong", "STFangsong", "方正仿宋_GBK")
XIAOBIAOSONG = ("方正小标宋简体", "方正小标宋_GBK", "FZXiaoBiaoSong-B05", "FZXiaoBiaoSong-B05S", "小标宋")
HEITI = ("黑体", "SimHei", "Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Zen Hei")
FALLBACK = (
    "Noto Serif CJK SC", "Source Han Serif SC", "SimSun", "宋体", "Noto Sans CJK SC", "WenQuanYi Zen Hei",
)  # fmt: skip


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
    write_chosen(path, bytes(buffer.data().data()))
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
                at = QPointF(column * step_x + shift - width / 2, row * step_y)
                painter.drawText(at, self._watermark.text)
        painter.restore()
