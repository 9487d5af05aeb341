"""The line at the bottom: who, connected or not, what waits, last receipt, running job."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QStatusBar, QToolButton, QWidget

from desktop.ui.plain import caption, plain_label
from desktop.ui.theme import icon
from desktop.work.jobs import Job, Jobs


class StatusBar(QStatusBar):
    """Fields are flat buttons: a click tells ``clicked`` which one."""

    clicked = Signal(str)

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self.setSizeGripEnabled(False)
        self.setContentsMargins(4, 0, 8, 0)
        self._jobs = jobs
        self._fields = {
            name: self._field(name, word)
            for name, word in (
                ("person", "人员和单位"),
                ("lease", "离线使用期限"),
                ("online", "连接状态"),
                ("pending", "待同步"),
                ("receipt", "最近回执"),
            )
        }
        self._running = _RunningJob()
        self.addPermanentWidget(self._running)
        jobs.started.connect(self._show_job)
        jobs.progressed.connect(self._show_job)
        jobs.finished.connect(self._show_job)
        self.put("person", "未登录", "user")
        self.put("lease", "", "warning")
        self.put("online", "离线", "cloud", "muted")
        self.put("pending", "待同步 —", "sync", "muted")
        self.put("receipt", "尚无回执", "ok", "muted")

    def put(self, name: str, text: str, picture: str, shade: str = "ink") -> None:
        """Set one field; without text it is not shown."""
        field = self._fields[name]
        field.setVisible(bool(text))
        field.setText(caption(text))
        field.setIcon(icon(picture, shade))
        field.setAccessibleName(text)

    def text(self, name: str) -> str:
        """What one field says."""
        return self._fields[name].text().replace("&&", "&")

    def _field(self, name: str, hint: str) -> QToolButton:
        field = QToolButton()
        field.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        field.setToolTip(hint)
        field.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        field.clicked.connect(lambda: self.clicked.emit(name))
        self.addWidget(field)
        return field

    def _show_job(self, _: Job) -> None:
        self._running.show_jobs([j for j in self._jobs.active if not j.quiet])


class _RunningJob(QWidget):
    """Title, progress and cancel of the oldest job that is not quiet."""

    def __init__(self) -> None:
        super().__init__()
        self._job: Job | None = None
        self._title = plain_label()
        self._bar = QProgressBar()
        self._bar.setFixedWidth(140)
        self._bar.setTextVisible(False)
        self._cancel = QToolButton()
        self._cancel.setText("取消")
        self._cancel.setProperty("link", True)
        self._cancel.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._cancel.clicked.connect(self._stop)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for widget in (self._title, self._bar, self._cancel):
            row.addWidget(widget)
        self.hide()

    def show_jobs(self, jobs: list[Job]) -> None:
        self.setVisible(bool(jobs))
        if not jobs:
            self._job = None
            return
        job = jobs[0]
        if job is not self._job:
            self._job = job
            self._cancel.setEnabled(True)
        more = f"（另有 {len(jobs) - 1} 项）" if len(jobs) > 1 else ""
        count = f" {job.done:,}/{job.total:,}" if job.total else ""
        self._title.setText(f"{job.text or job.title}{count}{more}")
        self._bar.setRange(0, job.total)
        self._bar.setValue(job.done)
        self._bar.setAccessibleName(f"{job.title}进度")
        self._cancel.setVisible(job.cancellable)
        self._cancel.setAccessibleName(f"取消：{job.title}")

    def _stop(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._cancel.setEnabled(False)
            self._title.setText("正在取消…")
