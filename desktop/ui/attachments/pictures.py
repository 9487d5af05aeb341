"""What the strip draws and what it takes from drops and the clipboard."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QIcon, QImage, QPainter, QPixmap

from desktop.ui.jobline import size_text
from desktop.ui.theme import colour
from desktop.work.attached import Attached
from desktop.work.attaching import Source
from desktop.work.odd_names import of_address, readable
from desktop.work.pictures import encoded

SIDE = 72
"""Side of the picture in the strip, in pixels of the layout."""


def sources_of(data: QMimeData | None) -> list[Source]:
    """Local files, or a picture, as dropped or pasted."""
    if data is None:
        return []
    paths = [_path(url) for url in data.urls() if url.isLocalFile()]
    if paths:
        return [Source(readable(path.name), path) for path in paths]
    image = data.imageData()
    if not isinstance(image, QImage) or image.isNull():
        return []
    return [Source("粘贴的图片.png", data=encoded(image, b"PNG"))]


def _path(url: QUrl) -> Path:
    escaped = url.path(QUrl.ComponentFormattingOption.FullyEncoded)
    path = Path(url.toLocalFile())
    return path if path.exists() else of_address(escaped)


def picture_of(small: bytes | None, one: Attached) -> QIcon:
    """The picture itself on an even ground, or the word for its kind."""
    canvas = QPixmap(SIDE * 2, SIDE * 2)
    canvas.fill(colour("sunken"))
    painter = QPainter(canvas)
    image = QImage.fromData(small) if small else QImage()
    if not image.isNull():
        fitted = image.scaled(
            canvas.size(), Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        left, top = (canvas.width() - fitted.width()) // 2, (canvas.height() - fitted.height()) // 2
        painter.drawImage(left, top, fitted)
    else:
        font = painter.font()
        font.setPixelSize(26)
        painter.setFont(font)
        painter.setPen(colour("accent" if one.here else "muted"))
        flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
        painter.drawText(canvas.rect().adjusted(8, 8, -8, -8), flags, one.kind)
    painter.end()
    canvas.setDevicePixelRatio(2)
    return QIcon(canvas)


def facts_of(one: Attached) -> str:
    """What the tooltip says."""
    lines = [one.file_name, f"{one.kind}　{size_text(one.size)}　{one.state_text}"]
    if one.taken_at:
        lines.append(f"{one.taken_at[:16].replace('T', ' ')}　{one.person}".strip())
    return "\n".join(lines)
