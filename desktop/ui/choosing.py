"""Asking for a file: one small object, so that a test or a tour can answer instead of a person."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QStandardPaths
from PySide6.QtWidgets import QFileDialog, QWidget

WORKBOOKS = "Excel 工作簿 (*.xlsx)"
SHEETS = "表格文件 (*.xlsx *.xls *.xlsm *.ods *.csv *.txt);;所有文件 (*)"


class Files:
    """Asks with the system's dialogs; remembers the folder of the last answer."""

    def __init__(self) -> None:
        self._folder = Path(
            QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        )

    def to_open(self, parent: QWidget, title: str, kinds: str = SHEETS) -> Path | None:
        """A file to read; None when the person thought better of it."""
        name, _ = QFileDialog.getOpenFileName(parent, title, str(self._folder), kinds)
        return self._chosen(name)

    def to_save(self, parent: QWidget, title: str, name: str, kinds: str = WORKBOOKS) -> Path | None:
        """Where to write; the dialog itself asks before it replaces a file."""
        chosen, _ = QFileDialog.getSaveFileName(parent, title, str(self._folder / name), kinds)
        path = self._chosen(chosen)
        if path is not None and not path.suffix:
            path = path.with_suffix(Path(name).suffix or ".xlsx")
        return path

    def _chosen(self, name: str) -> Path | None:
        if not name:
            return None
        path = Path(name)
        self._folder = path.parent
        return path
