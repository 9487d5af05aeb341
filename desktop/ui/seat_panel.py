"""设置 › 本机账号 and 本机密钥: who may sign in at this computer, and new keys for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from desktop.ui.actions import Action, button
from desktop.ui.factlist import Fact, FactList, push_row, section_heading
from desktop.ui.forms.small import SmallForm, secret_line
from desktop.ui.media.sheet import SheetButtons
from desktop.ui.notify import SUCCESS
from desktop.ui.words import moment
from desktop.work.jobs import Job
from desktop.work.keys import KnownAccount
from desktop.work.seat_accounts import Issued
from shared.errors import InputError, WrongPassword, YizhanError

if TYPE_CHECKING:
    from desktop.ui.pages.page import Page
    from desktop.work.desk import Desk

Listed = tuple[list[KnownAccount], list[tuple[str, str]]]


class SeatPanel(QWidget):
    """A part of the settings page; what it says it says there."""

    def __init__(self, page: Page, desk: Desk) -> None:
        super().__init__()
        self._page = page
        self._desk = desk
        self.accounts = FactList(8)
        self.account = QComboBox()
        self.account.setEditable(True)
        self.account.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.issued = FactList(8)
        self.slip = SheetButtons(desk, page.messages)
        self.slip.print_button.setText("打印口令条…")
        self._forget_issued()
        self.form = SmallForm(9)
        self.form.add("account", "账号", self.account, "本单位或下级单位已登记的账号")
        issue = page.offer(Action("issue_account", "签发一次性口令", self.issue, "", "user"))
        remove = page.offer(Action("remove_account", "从本机移除", self.remove, "", ""))
        self._manage = QWidget()
        inner = QVBoxLayout(self._manage)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(8)
        inner.addWidget(self.form)
        inner.addLayout(push_row(self, button(issue), button(remove)))
        inner.addWidget(self.issued)
        inner.addLayout(push_row(self, self.slip))
        self.password = secret_line("登录密码")
        self.key_form = SmallForm(9)
        self.key_form.add(
            "password", "登录密码", self.password, "怀疑被人动过时更换；下一次同步或介质交换时中心跟随"
        )
        rotate = page.offer(Action("rotate_keys", "更换本机密钥", self.rotate, "", "lock"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(section_heading("本机账号"))
        column.addWidget(self.accounts)
        column.addWidget(self._manage)
        column.addWidget(section_heading("本机密钥"))
        column.addWidget(self.key_form)
        column.addLayout(push_row(self, button(rotate)))

    def load(self) -> None:
        """Read who may sign in here."""
        self._forget_issued()
        self.password.clear()
        cases = self._desk.seat_accounts
        self._manage.setVisible(cases.may_manage)

        def read(_: object) -> Listed:
            return cases.here(), cases.candidates() if cases.may_manage else []

        self._desk.jobs.run("读取本机账号", read, self._came, self._page.report, quiet=True, owner=self)

    def issue(self) -> Job | None:
        """A one-time password for the account that is chosen."""
        account = self._chosen()
        if not account:
            return None
        cases = self._desk.seat_accounts
        return self._desk.jobs.run(
            "签发一次性口令", lambda _: cases.issue(account), self._issued, self._refused, lane="alone",
            cancellable=False, quiet=True, owner=self,
        )  # fmt: skip

    def remove(self) -> Job | None:
        """The account that is chosen opens nothing here any more."""
        account = self._chosen()
        if not account:
            return None
        cases = self._desk.seat_accounts

        def removed(_: object) -> None:
            self._page.messages.say(SUCCESS, f"账号“{account}”已从本机移除。", "同步后，中心也不再接受它。")
            self.load()

        return self._desk.jobs.run(
            "移除账号", lambda _: cases.remove(account), removed, self._refused, lane="alone",
            cancellable=False, quiet=True, owner=self,
        )  # fmt: skip

    def rotate(self) -> Job | None:
        """New keys for this computer."""
        password = self.password.text()
        if not password:
            self.key_form.set_problem("password", "请输入登录密码")
            self.key_form.focus("password")
            return None
        keys = self._desk.session.seat_keys
        return self._desk.jobs.run(
            "更换本机密钥", lambda _: keys.rotate(password), self._rotated, self._not_rotated, lane="alone",
            cancellable=False, quiet=True, owner=self,
        )  # fmt: skip

    # --- inside --------------------------------------------------------------
    def _chosen(self) -> str:
        account = self.account.currentText().split(" ")[0].strip()
        self.form.set_problem("account", "" if account else "请选择或输入账号")
        return account

    def _came(self, found: Listed) -> None:
        here, others = found
        self.accounts.set_sections([("", [_line(one) for one in here])])
        self.account.clear()
        own = self._desk.session.grant.account
        for account, name in [*others, *((a.account, a.person) for a in here if a.account != own)]:
            self.account.addItem(f"{account} {name}")
        self.account.setCurrentText("")

    def _issued(self, made: Issued) -> None:
        self.load()
        self.issued.set_sections(
            [
                (
                    "一次性口令，只显示这一次",
                    [
                        Fact("账号", f"{made.account} {made.person}"),
                        Fact("口令", made.password, "accent"),
                        Fact("有效期至", moment(made.expires)),
                        Fact("用法", "在这台电脑的登录页输入口令，马上设置自己的密码"),
                    ],
                )
            ]
        )
        self.issued.show()
        self.slip.offer("一次性口令条", lambda: _slip(made))
        self.slip.show()
        self._page.messages.say(SUCCESS, f"已为 {made.person} 签发一次性口令。", "请当面交给本人。")

    def _forget_issued(self) -> None:
        """A password is shown, and may be printed, only until the page is read again."""
        self.issued.set_sections([])
        self.issued.hide()
        self.slip.offer("", str)
        self.slip.hide()

    def _rotated(self, name: str) -> None:
        self.password.clear()
        self._page.messages.say(
            SUCCESS, f"已更换本机密钥，新密钥 {name}。", "请同步一次，或用介质与中心交换一次，使中心跟随。"
        )

    def _refused(self, error: YizhanError) -> None:
        if isinstance(error, InputError):
            self.form.set_problem("account", f"{error.message}{error.hint}")
        else:
            self._page.report(error)

    def _not_rotated(self, error: YizhanError) -> None:
        self.password.clear()
        if isinstance(error, WrongPassword):
            self.key_form.set_problem("password", f"{error.message}{error.hint}")
        else:
            self._page.report(error)


def _slip(made: Issued) -> str:
    from desktop.work.printing import one_time_sheet

    return one_time_sheet(made)


def _line(one: KnownAccount) -> Fact:
    state = f"一次性口令未用，{one.expires[:10]} 前有效" if one.expires else one.bureau
    return Fact(one.account, f"{one.person} · {state}")
