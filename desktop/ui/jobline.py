"""Progress of one job in the page that started it, with a way to stop it."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QWidget

from desktop.ui.plain import plain_label
from desktop.work.jobs import Job, Jobs

_SIZES = (("GB", 10**9), ("MB", 10**6), ("KB", 10**3))  # as on sticks, and as the limits are said


class JobLine(QWidget):
    """Hidden until :meth:`follow`; goes away by itself when the job is over."""

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self._job: Job | None = None
        self._text = plain_label()
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._cancel = QPushButton("取消")
        self._cancel.setAutoDefault(False)
        self._cancel.setAccessibleName("取消正在进行的操作")
        self._cancel.clicked.connect(self._stop)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(self._text)
        row.addWidget(self._bar, 1)
        row.addWidget(self._cancel)
        jobs.progressed.connect(self._progressed)
        self.hide()

    def follow(self, job: Job) -> Job:
        """Show this job until it ends; gives it back."""
        self._job = job
        self._bar.setRange(0, 0)
        self._bar.setAccessibleName(f"{job.title}进度")
        self._text.setText(f"{job.title}…")
        self._cancel.setVisible(job.cancellable)
        self._cancel.setEnabled(True)
        self.show()
        job.on_end(lambda: self._over(job))
        return job

    @property
    def busy(self) -> bool:
        """Whether a job is shown."""
        return self._job is not None

    def text(self) -> str:
        """What the line says."""
        return self._text.text()

    def _progressed(self, job: Job) -> None:
        if job is not self._job:
            return
        scale = 1 << 20 if job.total > 1 << 30 else 1  # QProgressBar counts in 32 bits
        self._bar.setRange(0, job.total // scale)
        self._bar.setValue(job.done // scale)
        if self._cancel.isEnabled():
            share = f"　{job.done * 100 // job.total} %" if job.total else ""
            self._text.setText(f"{job.text or job.title}{share}")

    def _stop(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._cancel.setEnabled(False)
            self._text.setText("正在取消…")

    def _over(self, job: Job) -> None:
        if job is self._job:
            self._job = None
            self.hide()


def size_text(size: int) -> str:
    """Bytes as people read them."""
    for unit, each in _SIZES:
        if size >= each:
            return f"{size / each:,.1f} {unit}"
    return f"{size:,} 字节"
