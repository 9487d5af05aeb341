"""List entries of two parts: what it is on the left, what tells it apart in grey on the right."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from desktop.ui.theme import colour

DETAIL = Qt.ItemDataRole.UserRole + 1
"""Item role of the right part."""

_HEIGHT = 26
_ICON = 28


class TwoPartDelegate(QStyledItemDelegate):
    """Paints DisplayRole left and ``DETAIL`` right; both are shortened when there is no room."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        self.initStyleOption(option, index)
        shown: Any = option
        text, shown.text = shown.text, ""
        shown.widget.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, shown.widget)
        detail = str(index.data(DETAIL) or "")
        metrics = shown.fontMetrics
        rect = shown.rect.adjusted(8 if shown.icon.isNull() else _ICON, 0, -8, 0)
        room = min(metrics.horizontalAdvance(detail) + 2 if detail else 0, rect.width() // 2)
        left = rect.adjusted(0, 0, -room - 8 if room else 0, 0)
        middle, cut = Qt.AlignmentFlag.AlignVCenter, Qt.TextElideMode.ElideRight
        painter.save()
        painter.setPen(colour("ink"))
        painter.drawText(
            left, middle | Qt.AlignmentFlag.AlignLeft, metrics.elidedText(text, cut, left.width())
        )
        painter.setPen(colour("muted"))
        painter.drawText(rect, middle | Qt.AlignmentFlag.AlignRight, metrics.elidedText(detail, cut, room))
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(super().sizeHint(option, index).width(), _HEIGHT)
