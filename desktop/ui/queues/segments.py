"""Segments of one page, each with its count: 待认领 3 · 我的 2 · 已完成 5."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QTabBar

UNKNOWN = "—"


class Segments(QTabBar):
    """Arrow keys and clicks choose; ``chosen(name)`` tells.

    A count nobody may see, or that is not known yet, is a dash and not 0.
    """

    chosen = Signal(str)

    def __init__(self, segments: Sequence[tuple[str, str]], name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setDrawBase(False)
        self.setExpanding(False)
        self.setUsesScrollButtons(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._names = [n for n, _ in segments]
        self._titles = dict(segments)
        self._counts: dict[str, int | None] = dict.fromkeys(self._names)
        for place, (_, title) in enumerate(segments):
            self.addTab(title)
            if place < 9:
                self.setTabToolTip(place, f"{title}（Ctrl+{place + 1}）")
        self.currentChanged.connect(lambda place: self.chosen.emit(self._names[place]))

    @property
    def current(self) -> str:
        """Name of the segment in front."""
        return self._names[self.currentIndex()]

    def choose(self, name: str) -> None:
        """Bring a segment to the front."""
        self.setCurrentIndex(self._names.index(name))

    def set_count(self, name: str, count: int | None) -> None:
        """How many wait there; None = not known, or no right to know."""
        self._counts[name] = count
        self.setTabText(self._names.index(name), f"{self._titles[name]}  {self.count_text(name)}")

    def count_text(self, name: str) -> str:
        """The count as shown."""
        count = self._counts[name]
        return UNKNOWN if count is None else f"{count:,}"
