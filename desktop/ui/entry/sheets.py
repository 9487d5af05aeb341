"""Spreadsheets of one room: template, dry run, storing, pasted rows, export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication

from desktop.ui.choosing import Files
from desktop.ui.entry.outcome import Outcome
from desktop.ui.entry.room import NAME, EntryRoom
from desktop.ui.notify import INFO, SUCCESS, WARNING
from desktop.work.jobs import Job
from shared.errors import Cancelled, InputError, YizhanError

if TYPE_CHECKING:
    from desktop.work.importing import Checked, ImportReport


class Sheets(QObject):
    """Asks for files, runs the jobs, shows their outcome beside the table."""

    def __init__(self, room: EntryRoom, files: Callable[[], Files]) -> None:
        super().__init__(room)
        self._files = files
        self.outcome = Outcome(room.declared)
        self._room = room
        self._desk = room.desk
        self._declared = room.declared
        self._messages = room.messages
        self._checked: Checked | None = None
        self.outcome.closed.connect(room.show_form)
        self.outcome.store_wanted.connect(self.store)
        self.outcome.workbook_wanted.connect(self.save_workbook)

    @property
    def checked(self) -> Checked | None:
        """The last dry run."""
        return self._checked

    # --- out ---------------------------------------------------------------------
    def save_template(self) -> Job | None:
        """The empty workbook with its instructions."""
        title = self._declared.title
        path = self._files().to_save(self._room, f"{title}：下载模板", f"{title}模板.xlsx")
        if path is None:
            return None
        importing = self._desk.importing
        return self._desk.jobs.run(
            f"生成{title}模板",
            lambda _: importing.template(path, self._declared),
            lambda _: self._written("模板已保存", path),
            self._failed,
            owner=self,
        )

    def export(self) -> Job | None:
        """What the table shows now; personal data masked."""
        title, wanted = self._declared.title, self._room.table.model.filter
        today = self._desk.store.clock.today().strftime("%Y%m%d")
        path = self._files().to_save(self._room, f"导出{title}", f"{title}{today}.xlsx")
        if path is None:
            return None
        exporting = self._desk.exporting
        return self._desk.jobs.run(
            f"导出{title}",
            lambda progress: exporting.export(path, self._declared, wanted, progress),
            lambda count: self._written(f"已导出 {count:,} 条{title}（个人信息已脱敏）", path),
            self._failed,
            owner=self,
        )

    def save_workbook(self) -> Job | None:
        """The refused rows with their reasons."""
        checked = self._checked
        if checked is None:
            return None
        stem = Path(checked.source.name).stem
        path = self._files().to_save(self._room, "导出错误清单", f"{stem}-错误清单.xlsx")
        if path is None:
            return None
        importing, said = self._desk.importing, f"{len(checked.report.bad):,} 行错误清单已保存"
        return self._desk.jobs.run(
            "导出错误清单",
            lambda _: importing.error_workbook(path, checked),
            lambda _: self._written(said, path, "改好后可直接再导入。"),
            self._failed,
            owner=self,
        )

    # --- in ----------------------------------------------------------------------
    def import_file(self) -> Job | None:
        """Choose a file and judge it; nothing is stored before the person says so."""
        path = self._files().to_open(self._room, f"导入{self._declared.title}")
        if path is None:
            return None
        importing = self._desk.importing
        return self._desk.jobs.run(
            f"检查 {path.name}",
            lambda progress: importing.check(path, self._declared, progress),
            self._judged,
            self._failed,
            owner=self,
        )

    def store(self) -> Job | None:
        """Store the good rows of the last dry run."""
        checked = self._checked
        if checked is None:
            return None
        self.outcome.store_enabled(False)
        importing = self._desk.importing
        job = self._desk.jobs.run(
            f"{self._declared.title}入库",
            lambda progress: importing.store(checked, progress, initiator=NAME),
            lambda report: self._stored(checked, report),
            self._failed,
            lane="write",
            owner=self,
        )
        job.on_end(lambda: self.outcome.store_enabled(True))
        return job

    def paste(self) -> Job | None:
        """Rows from the clipboard: the good ones are stored at once, the others are listed."""
        text = QGuiApplication.clipboard().text()
        if not text.strip():
            self._failed(InputError("剪贴板里没有文字。", "请在 Excel 中选中要录入的行，复制后再粘贴。"))
            return None
        importing = self._desk.importing

        def work(progress: object) -> tuple[Checked, ImportReport]:
            checked = importing.check_pasted(text, self._declared)
            return checked, importing.store(checked, initiator=NAME)

        return self._desk.jobs.run(
            f"粘贴{self._declared.title}",
            work,
            lambda out: self._stored(*out),
            self._failed,
            lane="write",
            cancellable=False,
            owner=self,
        )

    # --- inside --------------------------------------------------------------
    def _judged(self, checked: Checked) -> None:
        self._checked = checked
        self.outcome.show_checked(checked)
        self._room.show_beside(self.outcome)
        if checked.report.bad:
            self._messages.say(WARNING, checked.text, "还没有入库：请核对后点“入库”，错误行可导出修改。")
        else:
            self._messages.say(INFO, checked.text, "还没有入库：请核对后点“入库”。")

    def _stored(self, checked: Checked, report: ImportReport) -> None:
        self._checked = checked
        self.outcome.show_stored(checked, report)
        self._room.table.reload()
        if report.refused or report.warnings:
            self._room.show_beside(self.outcome)
        else:
            self._room.show_form()
        self._messages.say(WARNING if report.refused else SUCCESS, f"{checked.source.name}：{report.text}")

    def _written(self, what: str, path: Path, hint: str = "") -> None:
        self._messages.say(SUCCESS, f"{what}：{path}。", hint)

    def _failed(self, error: YizhanError) -> None:
        if isinstance(error, Cancelled):
            said = error.message if error.hint else "已取消，没有改动任何数据。"
            self._messages.say(INFO, said, error.hint)
        else:
            self._messages.error(error)
