"""Idle lock: the window hides and only the right password brings it back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QLineEdit
from pytestqt.qtbot import QtBot

from desktop.ui.lock import IdleLock
from desktop.work.jobs import Jobs
from desktop.work.session import Session
from shared.store import audit
from tests.gui.exchange_desks import PASSWORD, Post, settle


def noting(session: Session) -> Callable[[bool], None]:
    """As the program wires it."""
    return lambda idle: session.presence.locked(idle=idle)


def noted(session: Session) -> list[tuple[str, str]]:
    """What the audit chain says of the lock, oldest first."""
    with session.store.read() as connection:
        found = reversed(audit.latest(connection))
        return [(e.event, e.detail) for e in found if e.event in ("lock", "unlock", "sign_in_failed")]


def test_locked_until_the_right_password(qtbot: QtBot, post: Post, jobs: Jobs) -> None:
    session = post.desk("chenmin").session
    window = QLineEdit("尚未保存")
    qtbot.addWidget(window)
    window.show()
    lock = IdleLock(window, jobs, "陈敏", lambda: 15, session.confirm, noting(session))
    lock.lock()
    curtain = lock.curtain
    assert curtain is not None and curtain.isVisible() and not window.isVisible()
    curtain.password.setText("猜一个密码")
    curtain.submit()
    settle(jobs)
    assert "密码不正确" in curtain.form.problem("password") and not window.isVisible()
    curtain.password.setText(PASSWORD)
    QTest.keyClick(curtain.password, Qt.Key.Key_Return)
    settle(jobs)
    assert lock.curtain is None and window.isVisible() and window.text() == "尚未保存"
    assert noted(session) == [("lock", "本人锁定"), ("sign_in_failed", "解锁时"), ("unlock", "")]


def test_work_puts_it_off_and_idleness_brings_it(qtbot: QtBot, post: Post, jobs: Jobs) -> None:
    session = post.desk("chenmin").session
    window = QLineEdit()
    qtbot.addWidget(window)
    window.show()
    lock = IdleLock(window, jobs, "陈敏", lambda: 15, session.confirm, noting(session))
    lock._timer.start(10_000)
    QTest.keyClicks(window, "a")
    assert lock._timer.remainingTime() > 800_000
    lock._timer.start(1)
    qtbot.waitUntil(lambda: lock.curtain is not None)
    assert not window.isVisible()
    assert lock.curtain is not None
    lock.lock()  # once more while it is locked: nothing
    settle(jobs)
    assert noted(session) == [("lock", "无人操作")]
    lock.curtain.close()  # ends the program; jobs and database end as always


def test_what_stands_beside_the_window_is_hidden_too(qtbot: QtBot, post: Post, jobs: Jobs) -> None:
    session = post.desk("chenmin").session
    window, dialog = QLineEdit(), QDialog()
    answered: list[int] = []
    dialog.finished.connect(answered.append)
    for one in (window, dialog):
        qtbot.addWidget(one)
    window.show()
    dialog.setModal(True)
    dialog.move(40, 50)
    dialog.show()
    lock = IdleLock(window, jobs, "陈敏", lambda: 15, session.confirm, noting(session))
    lock.lock()
    assert lock.curtain is not None and not window.isVisible()
    assert dialog.pos().x() < -10_000 and not dialog.isEnabled() and answered == []
    lock.curtain.password.setText(PASSWORD)
    lock.curtain.submit()
    settle(jobs)
    assert lock.curtain is None and dialog.pos().x() == 40 and dialog.isEnabled() and dialog.isVisible()
    assert window.isVisible() and answered == []


def test_what_a_job_opens_while_it_is_locked_waits_for_the_password(
    qtbot: QtBot, post: Post, jobs: Jobs
) -> None:
    session = post.desk("chenmin").session
    window, late = QLineEdit(), QDialog()
    for one in (window, late):
        qtbot.addWidget(one)
    window.show()
    lock = IdleLock(window, jobs, "陈敏", lambda: 15, session.confirm, noting(session))
    lock.lock()
    late.move(40, 50)
    jobs.run("核对", lambda _: None, lambda _: late.open(), owner=window)
    settle(jobs)
    assert lock.curtain is not None and lock.curtain.isEnabled()
    assert late.pos().x() < -10_000 and not late.isEnabled()
    lock.curtain.password.setText(PASSWORD)
    lock.curtain.submit()
    settle(jobs)
    assert lock.curtain is None and late.isVisible() and late.isEnabled() and late.pos().x() == 40


def test_nobody_goes_on_choosing_a_file_behind_the_lock(
    qtbot: QtBot, post: Post, jobs: Jobs, tmp_path: Path
) -> None:
    """A system's own dialog can neither be moved nor disabled: it is cancelled, what was typed elsewhere stays."""
    session = post.desk("chenmin").session
    window = QLineEdit("尚未保存")
    qtbot.addWidget(window)
    window.show()
    lock = IdleLock(window, jobs, "陈敏", lambda: 15, session.confirm, noting(session))
    left_open: list[QFileDialog] = []

    def lock_now() -> None:
        lock.lock(idle=True)
        found = QApplication.topLevelWidgets()
        left_open.extend(w for w in found if isinstance(w, QFileDialog) and w.isVisible())
        for one in left_open:
            one.reject()

    QTimer.singleShot(0, lock_now)
    assert QFileDialog.getSaveFileName(window, "另存为", str(tmp_path / "名单.xlsx")) == ("", "")
    settle(jobs)
    assert lock.curtain is not None and lock.curtain.isVisible() and not window.isVisible()
    assert left_open == []
    lock.curtain.password.setText(PASSWORD)
    lock.curtain.submit()
    settle(jobs)
    assert window.isVisible() and window.text() == "尚未保存"
