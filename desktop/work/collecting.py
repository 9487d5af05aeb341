"""Cyclic garbage is collected by the GUI thread, between events.

Python collects wherever an allocation crosses a threshold: on a reader's thread, or deep
inside the handling of an event. A window found there would be destroyed off its thread, or
under the feet of the very event; Qt survives neither.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

EVERY_MS = 300
_OLDEST_FIRST = (2, 1, 0)


class GarbageCollector(QObject):
    """Takes over from Python's own timing for as long as it lives."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.look)
        self._timer.start(EVERY_MS)

    def look(self) -> None:
        """Collect the oldest generation whose threshold was crossed."""
        counts, limits = gc.get_count(), gc.get_threshold()
        for generation in _OLDEST_FIRST:
            if counts[generation] > limits[generation] > 0:
                gc.collect(generation)
                return

    def stop(self) -> None:
        """Give the timing back."""
        self._timer.stop()
        gc.enable()
