"""What every table of the program has in common: whole rows, one height, nothing edited in cells."""

from __future__ import annotations

from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from desktop.ui.theme import ROW


def dress(table: QTableView) -> None:
    """Rows are chosen whole and are one line high; the Tab key leaves the table."""
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setWordWrap(False)
    table.setTabKeyNavigation(False)
    rows = table.verticalHeader()
    rows.hide()
    rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    rows.setMinimumSectionSize(ROW)
    rows.setDefaultSectionSize(ROW)
    titles = table.horizontalHeader()
    titles.setHighlightSections(False)
    titles.setFixedHeight(ROW)
