"""设置: how this installation behaves, who it is, and the password of who sits at it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from platform import machine, python_version, system
from typing import TYPE_CHECKING, Any

from PySide6 import __version__ as qt_version
from PySide6.QtWidgets import (
    QApplication,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from desktop.ui.actions import Action, button
from desktop.ui.factlist import Fact, FactList, Section, push_row, scrolled, section_heading
from desktop.ui.forms.small import SmallForm, secret_line
from desktop.ui.notify import SUCCESS, WARNING
from desktop.ui.pages.page import Page, Panes
from desktop.ui.seat_panel import SeatPanel
from desktop.ui.theme import apply_theme
from desktop.ui.words import grouped, moment
from desktop.work.jobs import Job
from shared.errors import InputError, WrongPassword, YizhanError

if TYPE_CHECKING:
    from desktop.work.desk import Desk

_NUMBERS = {
    "font_size": (9, 12, " 磅", "立即生效"),
    "idle_lock_minutes": (1, 240, " 分钟", "这么久没有操作就要求重新输入密码"),
    "attachment_quota_mb": (100, 100_000, " MB", "已入库、可再下载的附件最多占用；超出时最久不用的先移走"),
    "auto_sync_minutes": (0, 1440, " 分钟", "0 为不自动同步；有网络时在后台进行"),
}
_ROLES = {"officer": "监管人员", "bureau_admin": "单位管理员", "hub_admin": "中心管理员"}


class SettingsPage(Page):
    """Settings of the installation left, identity right."""

    def __init__(self, desk: Desk) -> None:
        super().__init__("settings", "设置", "settings")
        self._desk = desk
        self.hub_url = QLineEdit()
        self.hub_url.setPlaceholderText("例如 https://hub.example.cn")
        self.numbers = {name: _spin(*_NUMBERS[name][:3]) for name in _NUMBERS}
        titles = {name: one.title for name, one in desk.settings.variables().items()}
        self.form = SmallForm(9)
        self.form.add("hub_url", titles["hub_url"], self.hub_url, "没有网络的单位可以不填，用介质交换")
        for name, spin in self.numbers.items():
            self.form.add(name, titles[name].partition("（")[0], spin, _NUMBERS[name][3])
        save = self.offer(Action("save", "保存设置", self.save, "Ctrl+S", "save"))
        test = self.offer(Action("check_online", "检测连接", self.check_online, "", "cloud"))
        self.old, self.new, self.again = (secret_line() for _ in range(3))
        self.password_form = SmallForm(9)
        self.password_form.add("old", "原密码", self.old)
        self.password_form.add("new", "新密码", self.new, "至少 8 个字符，可以是一句话")
        self.password_form.add("again", "再输一遍新密码", self.again)
        change = self.offer(Action("change_password", "修改密码", self.change_password, "", "lock"))
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(section_heading("连接与使用"))
        column.addWidget(self.form)
        column.addLayout(push_row(self, button(save, primary=True), button(test)))
        column.addSpacing(8)
        column.addWidget(section_heading("登录密码"))
        column.addWidget(self.password_form)
        column.addLayout(push_row(self, button(change)))
        column.addSpacing(8)
        self.seat = SeatPanel(self, desk)
        column.addWidget(self.seat)
        self.facts = FactList(8)
        self.body.addWidget(Panes(scrolled(left, "设置项"), scrolled(self.facts, "本机身份"), 0.5), 1)
        self.again.returnPressed.connect(self.change_password)
        self.hub_url.returnPressed.connect(self.save)

    def shown(self, params: dict[str, Any]) -> None:
        settings = self._desk.settings
        self.hub_url.setText(settings.hub_url)
        for name, spin in self.numbers.items():
            spin.setValue(getattr(settings, name))
        self.form.clear_problems()
        self._forget_passwords()
        self.seat.load()
        self.load()

    def load(self) -> None:
        """Read who we are."""
        self._desk.jobs.run(
            "读取本机身份", lambda _: self._identity(), self.facts.set_sections, self.report,
            quiet=True, owner=self,
        )  # fmt: skip

    # --- settings --------------------------------------------------------------
    def save(self) -> Job | None:
        """Check and write; the type size changes at once."""
        settings = self._desk.settings
        wanted: dict[str, Any] = {"hub_url": self.hub_url.text().strip().rstrip("/")}
        wanted |= {name: spin.value() for name, spin in self.numbers.items()}
        self.form.clear_problems()
        declared = settings.variables()
        bad = {n: p for n, value in wanted.items() if (p := declared[n].problem(value))}
        for name, problem in bad.items():
            self.form.set_problem(name, problem)
        if bad:
            self.form.focus(next(iter(bad)))
            return None
        size = settings.font_size
        return self._desk.jobs.run(
            "保存设置", lambda _: settings.update(wanted), lambda _: self._saved(size), self.report,
            lane="write", quiet=True, owner=self,
        )  # fmt: skip

    def _saved(self, size: int) -> None:
        settings = self._desk.settings
        self.hub_url.setText(settings.hub_url)
        app = QApplication.instance()
        if settings.font_size != size and isinstance(app, QApplication):
            apply_theme(app, settings.font_size)
        self.messages.say(SUCCESS, "设置已保存。")
        self.load()

    def check_online(self) -> Job:
        """Ask whether a hub answers at the saved address."""

        def told(online: bool) -> None:
            address = self._desk.settings.hub_url
            if online:
                self.messages.say(SUCCESS, f"已连上中心：{address}")
            elif address:
                self.messages.say(WARNING, f"连不上中心：{address}", "请核对地址（先保存）或检查网络。")
            else:
                self.messages.say(WARNING, "还没有设置中心地址。", "请填写并保存后再检测。")

        return self._desk.jobs.run(
            "检测与中心的连接", lambda _: self._desk.syncing.check_online(), told, self.report,
            quiet=True, owner=self,
        )  # fmt: skip

    # --- password --------------------------------------------------------------
    def change_password(self) -> Job | None:
        """Wrap the keys under a new password."""
        old, new, again = self.old.text(), self.new.text(), self.again.text()
        found = {
            "old": "" if old else "请输入原密码",
            "new": "" if new else "请输入新密码",
            "again": "" if new == again else "两次输入的新密码不同",
        }
        if new and new == old:
            found["new"] = "新密码与原密码相同"
        for name, problem in found.items():
            self.password_form.set_problem(name, problem)
        first = next((n for n, problem in found.items() if problem), "")
        if first:
            self.password_form.focus(first)
            return None
        session = self._desk.session
        return self._desk.jobs.run(
            "修改密码", lambda _: session.change_password(old, new), self._changed, self._not_changed,
            lane="alone", cancellable=False, quiet=True, owner=self,
        )  # fmt: skip

    def _changed(self, _: object) -> None:
        self._forget_passwords()
        self.messages.say(SUCCESS, "密码已修改，下次登录请用新密码。")

    def _not_changed(self, error: YizhanError) -> None:
        if isinstance(error, WrongPassword):
            self.old.clear()
            self.password_form.set_problem("old", f"{error.message}{error.hint}")
            self.password_form.focus("old")
        elif isinstance(error, InputError):
            self.password_form.set_problem("new", f"{error.message}{error.hint}")
            self.password_form.focus("new")
        else:
            self.report(error)

    def _forget_passwords(self) -> None:
        for line in (self.old, self.new, self.again):
            line.clear()
        self.password_form.clear_problems()

    # --- identity --------------------------------------------------------------
    def _identity(self) -> list[Section]:
        """In a job: reads the database."""
        session, settings = self._desk.session, self._desk.settings
        actor, hub, lease = session.actor, session.hub_trust, session.lease
        seat = self._desk.records.label("device", session.device)
        roles = "、".join(word for role, word in _ROLES.items() if role in actor.roles)
        weak = "仅由登录密码保护（本机没有可用的系统密钥环）"
        return [
            (
                "登录人员",
                [
                    Fact("姓名", actor.name),
                    Fact("账号", session.grant.account),
                    Fact("单位", session.bureau.name),
                    Fact("角色", roles or "没有业务权限"),
                ],
            ),
            (
                "本机席位",
                [
                    Fact("席位名称", seat),
                    Fact("席位编号", session.device),
                    Fact("签名密钥指纹", grouped(session.device_keys.sign.public.key_id), "accent"),
                    Fact("数据文件夹", str(settings.folder)),
                    Fact("数据库密钥", weak if session.keyring_missing else "由登录密码和系统密钥环共同保护",
                         "wait" if session.keyring_missing else "plain"),
                ],
            ),
            (
                "所属中心",
                [
                    Fact("中心名称", hub.name),
                    Fact("中心编号", hub.hub_id),
                    Fact("中心密钥指纹", grouped(hub.sign.key_id), "accent"),
                    Fact("最近一次签名", moment(lease.evidence_at)),
                    Fact("离线使用期限", f"{lease.allowed} 天，还有 {lease.left} 天"),
                ],
            ),
            (
                "关于",
                [
                    Fact("驿站", _version()),
                    Fact("运行环境", f"Python {python_version()}，Qt {qt_version}，{system()} {machine()}"),
                    Fact("许可", "Apache-2.0；界面使用 Qt（LGPL）"),
                ],
            ),
        ]  # fmt: skip


def _spin(low: int, high: int, unit: str) -> QSpinBox:
    spin = QSpinBox()
    spin.setRange(low, high)
    spin.setSuffix(unit)
    spin.setMaximumWidth(160)
    return spin


def _version() -> str:
    try:
        return version("yizhan")
    except PackageNotFoundError:
        return "开发版"
