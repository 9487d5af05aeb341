"""Pictures of windows: what a person sees, small enough to be kept in the repository."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QCursor, QImage, QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QWidget

WIDTH, HEIGHT = 1366, 740
_COLOURS = 256
_ALIKE = 0xFFF0F0F0
"""Colours that differ only in the other bits are one."""
_ASIDE = QPoint(20_000, 20_000)


def photograph(
    window: QWidget, path: Path, size: tuple[int, int] = (WIDTH, HEIGHT), scale: float = 1.0
) -> Path:
    """Draw a window, and what pops up over it, into a PNG file.

    :param scale: pixels to a point, as on a screen of 150 %.
    """
    QCursor.setPos(_ASIDE)  # nothing looks as if the mouse were over it
    window.resize(*size)
    QApplication.processEvents()
    picture = _drawn(window, scale)
    painter = QPainter(picture)
    for popup in QApplication.topLevelWidgets():
        if popup.windowType() == Qt.WindowType.Popup and popup.isVisible() and popup is not window:
            painter.drawPixmap(popup.pos() - window.pos(), _drawn(popup, scale))
    painter.end()
    path.parent.mkdir(parents=True, exist_ok=True)
    if not _with_few_colours(picture.toImage()).save(str(path)):
        raise OSError(f"cannot write {path}")
    return path


def _drawn(widget: QWidget, scale: float) -> QPixmap:
    picture = QPixmap(math.ceil(widget.width() * scale), math.ceil(widget.height() * scale))
    picture.setDevicePixelRatio(scale)
    widget.render(picture)
    return picture


def _with_few_colours(image: QImage) -> QImage:
    """A table of colours, the commonest first, none much like another: a third of the bytes, and no
    difference to the eye."""
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    counted = Counter(memoryview(image.constBits()).cast("I"))
    leaders: dict[int, int] = {}
    for colour, _ in counted.most_common():
        leaders.setdefault(colour & _ALIKE, colour)
    grounds = [colour for colour, _ in counted.most_common(_COLOURS // 4)]
    table = list(dict.fromkeys([*grounds, *leaders.values()]))[:_COLOURS]
    return image.convertToFormat(
        QImage.Format.Format_Indexed8, table, Qt.ImageConversionFlag.ThresholdDither
    )
