"""介质丢失，重新导出: why, and onto which medium, in the page itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout

from desktop.ui.forms.small import SmallForm
from desktop.ui.media.flow import MediumForm, make_button, paragraph

if TYPE_CHECKING:
    from desktop.work.desk import Desk
    from desktop.work.media_register import Movement

_WORDS = (
    "数据仍在本机。登记丢失后，原来的变更集会一个不少地写到另一个介质；"
    "丢失的那份别人打不开，就是后来送到了也不会重复入库。"
)


class AgainPanel(QFrame):
    """Asks for the reason and the other medium.

    :param run: exports again when the person says so.
    """

    def __init__(self, desk: Desk, run: Callable[[], object]) -> None:
        super().__init__()
        self.setProperty("bar", "warning")
        self.movement: Movement | None = None
        self._title = QLabel()
        self._title.setProperty("strong", True)
        self.reason = QLineEdit()
        self.reason.setMaxLength(500)
        self.reason.setPlaceholderText("何时何地怎样丢失，是否已报告")
        self.form = SmallForm(5)
        self.form.add("reason", "丢失经过", self.reason)
        self.medium = MediumForm(desk, "存放位置", "另一个介质上的文件夹")
        self.go = make_button("登记丢失并重新导出", run, primary=True)
        buttons = QHBoxLayout()
        buttons.addWidget(self.go)
        buttons.addWidget(make_button("取消", self.hide))
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(8)
        for widget in (self._title, paragraph(_WORDS, muted=True), self.form, self.medium):
            column.addWidget(widget)
        column.addLayout(buttons)
        self.setMaximumWidth(880)

    @property
    def said(self) -> str:
        """The reason."""
        return self.reason.text().strip()

    def open(self, one: Movement) -> None:
        """For this hand-over."""
        self.movement = one
        when = one.at[:16].replace("T", " ")
        self._title.setText(f"介质“{one.medium_no}”丢失：{when} 交出的“{one.content}”")
        self.reason.clear()
        self.form.clear_problems()
        self.medium.load()
        if self.medium.number.text() == one.medium_no:
            self.medium.number.clear()  # that one is gone
        self.show()
        self.reason.setFocus()

    def check(self) -> bool:
        """Say what is missing."""
        self.form.set_problem("reason", "" if self.said else "请填写丢失的原因和经过")
        if not self.said:
            self.form.focus("reason")
            return False
        return self.medium.check()
