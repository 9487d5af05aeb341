"""What the rest of the window must hear about: one signal, not a web of them."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal


class Events(QObject):
    """``records_changed(types, initiator)``: names of changed record types, and who changed them.

    ``types`` is a ``frozenset[str]``; the initiator is a page's name, ``"sync"``,
    ``"import"`` …, so that a view can tell its own change from a foreign one.
    """

    records_changed = Signal(object, str)
