"""What an officer brings back from an inspection: photos and a scan, drawn here; nobody and nothing real."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter

from desktop.work.paper import Watermark, write_pdf

SIZE = QRect(0, 0, 1280, 960)
LICENCE = """<h1 align="center">食品经营许可证</h1><p>经营者名称：{name}</p><p>统一社会信用代码：{uscc}</p>
<p>主体业态：餐饮服务经营者</p><p>经营项目：热食类食品制售</p><p>（演示用，虚构）</p>"""


def kitchen(path: Path) -> Path:
    """A tiled wall, a hood, a stove with two pots."""
    image, painter = _begun("#dfe7ea", "#b9c7cc")
    painter.setPen(QColor("#c8d3d7"))
    for x in range(0, SIZE.width(), 80):
        painter.drawLine(x, 0, x, 560)
    for y in range(0, 560, 80):
        painter.drawLine(0, y, SIZE.width(), y)
    painter.setPen(Qt.PenStyle.NoPen)
    _box(painter, "#7d8890", 240, 60, 800, 150)
    _box(painter, "#5f6a72", 300, 210, 680, 30)
    _box(painter, "#aab4ba", 140, 560, 1000, 400)
    for x in (340, 720):
        _box(painter, "#4a545b", x, 420, 240, 130)
        _box(painter, "#333b41", x - 40, 440, 320, 24)
    return _kept(image, painter, path)


def dining_room(path: Path) -> Path:
    """A window, a counter, and a certificate that hangs askew."""
    image, painter = _begun("#f1e4cf", "#d8bd94")
    painter.setPen(Qt.PenStyle.NoPen)
    _box(painter, "#bcd6e8", 90, 120, 420, 330)
    _box(painter, "#8a6240", 0, 620, 1280, 340)
    _box(painter, "#a87b52", 0, 590, 1280, 40)
    painter.translate(860, 250)
    painter.rotate(-6)
    _box(painter, "#f8f5ea", -150, -110, 300, 220)
    _box(painter, "#b8332a", -120, -80, 240, 26)
    for y in (-30, 10, 50):
        _box(painter, "#9a958a", -110, y, 220, 10)
    painter.resetTransform()
    return _kept(image, painter, path)


def licence_scan(path: Path, name: str, uscc: str, mark: Watermark) -> Path:
    """A licence on paper, as the scanner gives it."""
    write_pdf(LICENCE.format(name=name, uscc=uscc), path, mark, "食品经营许可证")
    return path


def _begun(light: str, dark: str) -> tuple[QImage, QPainter]:
    image = QImage(SIZE.size(), QImage.Format.Format_RGB32)
    painter = QPainter(image)
    ground = QLinearGradient(QPoint(0, 0), QPoint(SIZE.width(), SIZE.height()))
    ground.setColorAt(0, QColor(light))
    ground.setColorAt(1, QColor(dark))
    painter.fillRect(SIZE, ground)
    return image, painter


def _box(painter: QPainter, colour: str, x: int, y: int, width: int, height: int) -> None:
    painter.fillRect(QRect(x, y, width, height), QColor(colour))


def _kept(image: QImage, painter: QPainter, path: Path) -> Path:
    painter.end()
    if not image.save(str(path), "JPG", 88):  # type: ignore[call-overload]
        raise OSError(f"cannot write {path}")
    return path
