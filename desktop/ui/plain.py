"""What people and files say, shown letter by letter: no markup, no shortcut keys.

Qt takes ``<b>`` in a label or a tooltip for markup and ``&`` on a button for a
shortcut; in a name both are part of the name.
"""

from __future__ import annotations

from html import escape

from PySide6.QtCore import Qt
from PySide6.QtGui import Qt as GuiQt
from PySide6.QtWidgets import QLabel


def plain_label(text: str = "") -> QLabel:
    """A label that shows any text as it is."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def tip(text: str) -> str:
    """A tooltip that shows the text as it is."""
    if not GuiQt.mightBeRichText(text):
        return text
    return f"<span>{escape(text)}</span>".replace("\n", "<br>")


def caption(text: str) -> str:
    """The text of a button."""
    return text.replace("&", "&&")
