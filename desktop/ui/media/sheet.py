"""A sheet that goes with a medium: on a printer, or as a PDF file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtPrintSupport import QPrintDialog, QPrinter
from PySide6.QtWidgets import QHBoxLayout, QWidget

from desktop.ui.choosing import Files
from desktop.ui.media.flow import make_button
from desktop.ui.notify import SUCCESS, MessageBar
from desktop.work.jobs import Job

if TYPE_CHECKING:
    from pathlib import Path

    from desktop.work.desk import Desk

PDF = "PDF 文件 (*.pdf)"


class SheetButtons(QWidget):
    """打印 and 另存为 PDF of one sheet.

    :param messages: where to say that it is done.
    """

    def __init__(self, desk: Desk, messages: MessageBar) -> None:
        super().__init__()
        self._desk = desk
        self._messages = messages
        self._title = ""
        self._html: Callable[[], str] = str
        self.files = Files()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self.print_button = make_button("打印…", self.print_it, primary=True)
        self.pdf_button = make_button("另存为 PDF…", self.save)
        row.addWidget(self.print_button)
        row.addWidget(self.pdf_button)
        row.addStretch(1)

    def offer(self, title: str, html: Callable[[], str]) -> None:
        """Which sheet; ``html`` is asked for in a job."""
        self._title, self._html = title, html

    def save(self) -> Job | None:
        """Write a PDF file."""
        path = self.files.to_save(self, f"另存{self._title}", f"{self._title}.pdf", PDF)
        return self.save_to(path.with_suffix(".pdf")) if path is not None else None

    def save_to(self, path: Path) -> Job:
        """Write this PDF file."""
        title, html, session = self._title, self._html, self._desk.session

        def work(_: object) -> int:
            from desktop.work.printing import Watermark, write_pdf

            return write_pdf(html(), path, Watermark(session.actor.name, session.store.clock.stamp()), title)

        return self._desk.jobs.run(
            f"生成{title}", work,
            lambda pages: self._messages.say(SUCCESS, f"已保存{title}（{pages} 页）：{path}"),
            self._messages.error, owner=self,
        )  # fmt: skip

    def print_it(self) -> None:
        """Ask for a printer and print."""
        from desktop.work.printing import Watermark, draw

        printer = QPrinter(QPrinter.PrinterMode.HighResolution)
        printer.setDocName(self._title)
        dialog = QPrintDialog(printer, self)
        dialog.setWindowTitle(f"打印{self._title}")
        if not dialog.exec():
            return
        session, title = self._desk.session, self._title

        def drawn(html: str) -> None:
            draw(html, printer, Watermark(session.actor.name, session.store.clock.stamp()), title)
            self._messages.say(SUCCESS, f"{title}已送往打印机。")

        html = self._html
        self._desk.jobs.run(
            f"打印{title}", lambda _: html(), drawn, self._messages.error, quiet=True, owner=self
        )
