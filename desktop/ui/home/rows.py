"""A panel with a heading, and rows in it that lead somewhere: title left, figures right."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QFont, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from desktop.ui.plain import tip
from desktop.ui.theme import ROW, colour, icon, tone

Badge = tuple[str, str]
"""Text and tone."""

_FIGURES = ("accent", "good", "wait", "bad")
"""Tones of what counts; the rest is said quietly."""

_PAD, _GAP, _COUNT, _ARROW = 12, 12, 44, 16
_HEIGHT = ROW + 4


class LinkRow(QAbstractButton):
    """One line that can be clicked or opened by Enter.

    :param count: right-aligned figure; None = a dash, for what the person has no right to.
    :param badges: said before the figure, each in its tone.
    """

    def __init__(
        self,
        title: str,
        count: str | None,
        badges: Sequence[Badge] = (),
        *,
        shade: str = "accent",
        hint: str = "",
        run: Callable[[], object] | None = None,
    ) -> None:
        super().__init__()
        self._count = "—" if count is None else count
        self._badges = list(badges)
        self._shade = "off" if count in (None, "0", "—") else shade
        self._leads = run is not None
        self.setText(title)
        self.setToolTip(tip(hint))
        said = "，".join([self._count if count is not None else "没有权限", *(text for text, _ in badges)])
        self.setAccessibleName(f"{title}：{said}")
        self.setAccessibleDescription(hint)
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if run is not None else Qt.FocusPolicy.NoFocus)
        if run is not None:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
            self.clicked.connect(lambda: run())
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def sizeHint(self) -> QSize:
        return QSize(240, _HEIGHT)

    def keyPressEvent(self, event: QKeyEvent, /) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self.focusNextPrevChild(event.key() == Qt.Key.Key_Down)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent, /) -> None:
        painter = QPainter(self)
        if self._leads and (self.underMouse() or self.isDown()):
            painter.fillRect(self.rect(), colour("accent_soft"))
        middle = Qt.AlignmentFlag.AlignVCenter
        right = self.width() - _PAD - _ARROW - 4  # figures line up, whether a row leads somewhere or not
        if self._leads:
            icon("right", "muted").paint(painter, QRect(right + 4, 0, _ARROW, self.height()))
        if self._shade in _FIGURES:
            bold = QFont(self.font())
            bold.setWeight(QFont.Weight.DemiBold)
            painter.setFont(bold)
        width = max(_COUNT, painter.fontMetrics().horizontalAdvance(self._count))
        painter.setPen(tone(self._shade))
        painter.drawText(
            QRect(right - width, 0, width, self.height()), middle | Qt.AlignmentFlag.AlignRight, self._count
        )
        painter.setFont(self.font())
        metrics = painter.fontMetrics()
        right -= width + _GAP
        for text, shade in reversed(self._badges):
            room = metrics.horizontalAdvance(text)
            painter.setPen(tone(shade))
            painter.drawText(
                QRect(right - room, 0, room, self.height()), middle | Qt.AlignmentFlag.AlignRight, text
            )
            right -= room + _GAP
        painter.setPen(colour("ink"))
        room = right - _PAD
        text = metrics.elidedText(self.text(), Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRect(_PAD, 0, room, self.height()), middle | Qt.AlignmentFlag.AlignLeft, text)
        if self.hasFocus():
            painter.setPen(QPen(colour("accent")))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()


class Panel(QFrame):
    """A heading with a remark at its right, and rows that can be replaced."""

    def __init__(self, title: str, remark: str = "") -> None:
        super().__init__()
        self.setProperty("panel", True)
        self.setAccessibleName(title)
        heading = QLabel(title)
        heading.setProperty("section", True)
        self._remark = QLabel(remark)
        self._remark.setProperty("muted", True)
        head = QHBoxLayout()
        head.setContentsMargins(_PAD + 1, 4, _PAD, 0)
        head.addWidget(heading)
        head.addStretch(1)
        head.addWidget(self._remark)
        self._rows = QVBoxLayout()
        self._rows.setContentsMargins(1, 0, 1, 4)
        self._rows.setSpacing(0)
        self._held: list[QWidget] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 4)
        column.setSpacing(0)
        column.addLayout(head)
        column.addLayout(self._rows)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)

    def set_remark(self, text: str) -> None:
        """The words at the right of the heading."""
        self._remark.setText(text)

    def remark(self) -> str:
        """What stands there."""
        return self._remark.text()

    def rows(self) -> list[LinkRow]:
        """The rows shown now."""
        return [w for w in self._held if isinstance(w, LinkRow)]

    def put(self, rows: Sequence[LinkRow | None], empty: str = "") -> None:
        """Replace the rows; None draws a line between groups. The focused row stays focused."""
        at = next((i for i, row in enumerate(self.rows()) if row.hasFocus()), -1)
        for old in self._held:
            self._rows.removeWidget(old)
            old.deleteLater()
        self._held = [row if row is not None else _rule() for row in rows]
        if not rows and empty:
            words = QLabel(empty)
            words.setProperty("muted", True)
            words.setWordWrap(True)
            words.setContentsMargins(_PAD, 4, _PAD, 8)
            self._held = [words]
        for widget in self._held:
            self._rows.addWidget(widget)
        if 0 <= at < len(self.rows()):
            self.rows()[at].setFocus()


def _rule() -> QFrame:
    line = QFrame()
    line.setProperty("rule", True)
    return line
