"""The line of steps above a guided piece of work: what is done, where one is, what comes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.ui.theme import colour

_DISC, _GAP, _HEIGHT = 22, 8, 36
_LINE = 40


class Stepper(QWidget):
    """Numbered steps side by side; :meth:`set_current` says which one is open."""

    def __init__(self, titles: Sequence[str]) -> None:
        super().__init__()
        self._titles = tuple(titles)
        self._current = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.set_current(0)

    @property
    def current(self) -> int:
        """Index of the open step; past the last one when all is done."""
        return self._current

    def set_current(self, index: int) -> None:
        """Open a step."""
        self._current = index
        if index < len(self._titles):
            self.setAccessibleName(f"第 {index + 1} 步，共 {len(self._titles)} 步：{self._titles[index]}")
        else:
            self.setAccessibleName("全部步骤已完成")
        self.update()

    def sizeHint(self) -> QSize:
        text = sum(self.fontMetrics().horizontalAdvance(t) for t in self._titles)
        each = _DISC + _GAP + _LINE + _GAP
        return QSize(text + each * len(self._titles), _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, _HEIGHT)

    def paintEvent(self, event: QPaintEvent, /) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = self.fontMetrics()
        used = sum(metrics.horizontalAdvance(t) + _DISC + _GAP for t in self._titles)
        joints = max(1, len(self._titles) - 1)
        line = max(12, min(_LINE, (self.width() - used) // joints - 2 * _GAP))
        x, middle = 0, self.height() // 2
        for number, title in enumerate(self._titles):
            done, here = number < self._current, number == self._current
            disc = QRect(x, middle - _DISC // 2, _DISC, _DISC)
            painter.setPen(QPen(colour("accent" if here or done else "line"), 1))
            painter.setBrush(colour("accent" if here else "accent_soft" if done else "paper"))
            painter.drawEllipse(disc)
            painter.setPen(colour("paper" if here else "accent" if done else "muted"))
            painter.drawText(disc, Qt.AlignmentFlag.AlignCenter, "✓" if done else str(number + 1))
            x += _DISC + _GAP
            painter.setPen(colour("ink" if here else "accent" if done else "muted"))
            width = metrics.horizontalAdvance(title)
            room = QRect(x, 0, width + 1, self.height())
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, title)
            x += width + _GAP
            if number < len(self._titles) - 1:
                painter.setPen(QPen(colour("accent" if done else "line"), 1))
                painter.drawLine(QPoint(x, middle), QPoint(x + line, middle))
                x += line + _GAP
        painter.end()
