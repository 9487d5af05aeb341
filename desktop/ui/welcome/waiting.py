"""A request was made; this page takes its grant when the medium brings it back."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from desktop.ui.actions import link_button
from desktop.ui.factlist import Fact, FactList
from desktop.ui.forms.small import PathLine, SmallForm, secret_line


class Waiting(QWidget):
    """Sends ``submitted`` for 读取批复 ``discarded`` for 放弃, ``again`` for 重新生成."""

    submitted = Signal()
    discarded = Signal()
    again = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._facts = FactList(5)
        words = QLabel(
            "请把申请文件交给中心管理员。批复文件带回来后，在下面选择它并输入登记时设置的密码。\n"
            "介质丢失不要紧：用同一个登记码和密码可以重新生成申请文件。"
        )
        words.setWordWrap(True)
        self.file = PathLine("驿站交换包 (*.yzp);;所有文件 (*)", "选择批复文件")
        self.password = secret_line("登记时设置的密码")
        self.form = SmallForm(5)
        self.form.add("file", "批复文件", self.file)
        self.form.add("password", "密码", self.password)
        go = QPushButton("读取批复")
        go.setProperty("primary", True)
        go.setMinimumWidth(140)
        go.setAccessibleName("读取批复")
        go.clicked.connect(self.submitted)
        row = QHBoxLayout()
        row.addSpacing(self.fontMetrics().horizontalAdvance("字" * 5) + 12)
        row.addWidget(go)
        row.addStretch(1)
        row.addWidget(link_button("重新生成申请文件", self.again.emit, "登记码和密码与上次相同"))
        row.addWidget(
            link_button("放弃这份申请", self.discarded.emit, "中心若已批复，原登记码就不能再用，需要重新索取")
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self._facts)
        column.addWidget(words)
        column.addWidget(self.form)
        column.addLayout(row)
        column.addStretch(1)
        column.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setFocusProxy(self.file)
        self.file.entered.connect(self.password.setFocus)
        self.password.returnPressed.connect(self.submitted)

    def show_facts(self, facts: list[Fact]) -> None:
        self._facts.set_sections([("", facts)])

    def facts_text(self) -> str:
        return self._facts.text()

    def check(self) -> bool:
        self.form.set_problem("file", "" if self.file.path() else "请选择中心返回的批复文件")
        self.form.set_problem("password", "" if self.password.text() else "请输入登记时设置的密码")
        if self.form.problem("file"):
            self.form.focus("file")
        elif self.form.problem("password"):
            self.form.focus("password")
        return not (self.form.problem("file") or self.form.problem("password"))
