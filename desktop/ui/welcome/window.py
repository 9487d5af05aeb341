"""The window before the window: who is there, or a first start."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from desktop.ui.plain import plain_label
from desktop.ui.welcome.doors import Doors, EnrolledLine, RecoveredLine
from desktop.ui.welcome.sign_in import Hint, SignInView
from desktop.work.jobs import Jobs
from shared.errors import YizhanError

if TYPE_CHECKING:
    from desktop.ui.welcome.enrol import EnrolView
    from desktop.ui.welcome.recover import RecoverView
    from desktop.work.settings import Settings

_FORM_WIDTH = 520
_SIDE_WIDTH = 288


class WelcomeWindow(QWidget):
    """Sends ``signed_in(session)`` once; whoever listens opens the shell and closes this window.

    :param hints: demonstration accounts to show: account, password, who that is.
    :param notice: why the person stands here again (database busy, newer program).
    """

    signed_in = Signal(object)

    def __init__(
        self,
        doors: Doors,
        jobs: Jobs,
        settings: Settings,
        hints: Sequence[Hint] = (),
        notice: YizhanError | None = None,
    ) -> None:
        super().__init__()
        self.setWindowTitle("驿站")
        self.setMinimumSize(820, 560)
        self.resize(900, 600)
        self._doors = doors
        self._jobs = jobs
        self._settings = settings
        self._loaded = False
        self.sign_in = SignInView(doors, jobs, settings.last_account, hints)
        self.sign_in.signed_in.connect(self.signed_in)
        self.sign_in.enrol_wanted.connect(self.show_enrolment)
        self.sign_in.recover_wanted.connect(self.show_recovery)
        self.enrol: EnrolView | None = None
        self.recover: RecoverView | None = None
        self._stack = QStackedWidget()
        self._stack.addWidget(self.sign_in)
        self._stack.setMaximumWidth(_FORM_WIDTH)
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self._side())
        outer.addWidget(_centred(self._stack), 1)
        if notice is not None:
            self.sign_in.messages.error(notice)
        if not doors.enrolled():
            self.show_enrolment()

    def show_enrolment(self) -> None:
        """The first start."""
        if self.enrol is None:
            from desktop.ui.welcome.enrol import EnrolView  # late: a sign-in does not need it

            self.enrol = EnrolView(self._doors, self._jobs, self._settings.hub_url)
            self.enrol.enrolled.connect(self._enrolled)
            self._stack.addWidget(self.enrol)
        self._stack.setCurrentWidget(self.enrol)
        if self._loaded:
            self.enrol.load()

    def show_recovery(self) -> None:
        """A forgotten password."""
        if self.recover is None:
            from desktop.ui.welcome.recover import RecoverView  # late: a sign-in does not need it

            self.recover = RecoverView(self._doors, self._jobs)
            self.recover.left.connect(lambda: self._stack.setCurrentWidget(self.sign_in))
            self.recover.recovered.connect(self._recovered)
            self._stack.addWidget(self.recover)
        self._stack.setCurrentWidget(self.recover)
        self.recover.load(self.sign_in.account.currentText().strip())

    def showEvent(self, event: QShowEvent, /) -> None:
        super().showEvent(event)
        if self._loaded:
            return
        self._loaded = True
        if self.enrol is not None:
            self.enrol.load()
        else:
            self.sign_in.load()

    def _enrolled(self, found: EnrolledLine, password: str) -> None:
        self._stack.setCurrentWidget(self.sign_in)
        self.sign_in.load()
        self.sign_in.enter(found.account, password)
        self.sign_in.say_welcome(f"登记完成：{found.bureau_name} {found.person}，中心为{found.hub_name}。")

    def _recovered(self, found: RecoveredLine, password: str) -> None:
        self._stack.setCurrentWidget(self.sign_in)
        self.sign_in.load()
        self.sign_in.enter(found.account, password)
        kept = f"未上报的 {found.pending:,} 条都在。" if found.pending else "数据都在。"
        self.sign_in.say_welcome(f"{found.person} 的密码已找回，{kept}")

    def _side(self) -> QWidget:
        side = QFrame()
        side.setObjectName("welcomeSide")
        side.setFixedWidth(_SIDE_WIDTH)
        name = QLabel("驿站")
        name.setObjectName("welcomeName")
        what = QLabel("事中事后综合监管平台\n离线客户端")
        what.setObjectName("welcomeWhat")
        where = plain_label(f"版本 {_version()}\n数据文件夹\n{self._settings.folder}")
        where.setObjectName("welcomeWhere")
        where.setWordWrap(True)
        where.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column = QVBoxLayout(side)
        column.setContentsMargins(32, 56, 24, 24)
        column.setSpacing(8)
        column.addWidget(name)
        column.addWidget(what)
        column.addStretch(1)
        column.addWidget(where)
        return side


def _centred(widget: QWidget) -> QScrollArea:
    holder = QWidget()
    row = QHBoxLayout(holder)
    row.setContentsMargins(40, 48, 40, 24)
    row.addWidget(widget, 1)
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(holder)
    return area


def _version() -> str:
    try:
        return version("yizhan")
    except PackageNotFoundError:
        return "开发版"
