"""同步 › 重新登记: the way back for a seat that the hub, restored from a backup, does not know."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from desktop.ui.actions import Action, button
from desktop.ui.forms.small import PathLine, SmallForm
from desktop.ui.notify import INFO, SUCCESS
from desktop.work.jobs import Job
from desktop.work.reenrolling import Reenrolling

if TYPE_CHECKING:
    from desktop.ui.pages.page import Page
    from desktop.work.desk import Desk

_WHAT = (
    "向中心管理员索取本账号的新登记码（25 位）。登记沿用本机的席位编号和密钥，数据都保留；"
    "登记后照常同步或用介质交换，本机的数据会全部重新上报。"
)


class ReenrolPanel(QWidget):
    """A part of the page 同步, shown when it is needed; what it says it says there."""

    def __init__(self, page: Page, desk: Desk) -> None:
        super().__init__()
        self._page, self._desk = page, desk
        self.code = QLineEdit()
        self.code.setAccessibleName("登记码")
        self.folder = PathLine(dialog_title="选择存放申请文件的介质")
        self.grant = PathLine(dialog_title="选择登记批复文件", files="驿站交换包 (*.yzp)")
        self.form = SmallForm(6)
        self.form.add("code", "登记码", self.code, "只能用一次；网络和介质用同一个")
        self.form.add("folder", "申请存放", self.folder, "没有网络时：写到介质，交中心办理")
        self.form.add("grant", "批复文件", self.grant, "没有网络时：中心返回的批复，登记码仍填在上面")
        online = page.offer(Action("reenrol_online", "通过网络重新登记", self.online, "", "cloud"))
        write = page.offer(Action("reenrol_request", "生成申请文件", self.write, "", "media"))
        read = page.offer(Action("reenrol_grant", "导入批复文件", self.read, "", ""))
        what = QLabel(_WHAT)
        what.setWordWrap(True)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.online_button = button(online, primary=True)
        self.write_button, self.read_button = button(write), button(read)
        for push in (self.online_button, self.write_button, self.read_button):
            row.addWidget(push)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(what)
        column.addWidget(self.form)
        column.addLayout(row)
        self.hide()

    def open(self) -> None:
        """Show it and begin with the code."""
        self.show()
        self.code.setFocus()

    def online(self) -> Job | None:
        """By network."""
        code = self.code.text()
        if not self._needs("code", code, "请填写登记码"):
            return None
        way = Reenrolling(self._desk.session)
        return self._run(lambda progress: way.online(code, progress))

    def write(self) -> Job | None:
        """A request onto a stick."""
        code, folder = self.code.text(), self.folder.path()
        if not self._needs("code", code, "请填写登记码") or not self._needs("folder", folder, "请选择介质"):
            return None
        way = Reenrolling(self._desk.session)
        return self._desk.jobs.run(
            "生成登记申请", lambda progress: way.write_request(Path(str(folder)), code, progress),
            self._written, self._page.report, lane="exchange", owner=self,
        )  # fmt: skip

    def read(self) -> Job | None:
        """The grant from a stick."""
        code, path = self.code.text(), self.grant.path()
        if not self._needs("code", code, "请填写登记码") or not self._needs("grant", path, "请选择批复文件"):
            return None
        way = Reenrolling(self._desk.session)
        return self._run(lambda progress: way.read_grant(Path(str(path)), code, progress))

    # --- inside --------------------------------------------------------------
    def _needs(self, line: str, value: object, problem: str) -> bool:
        self.form.set_problem(line, "" if value else problem)
        return bool(value)

    def _run(self, work: object) -> Job:
        return self._desk.jobs.run(
            "重新登记", work, self._done, self._page.report, lane="exchange", owner=self,  # type: ignore[arg-type]
        )

    def _written(self, path: Path) -> None:
        self._page.messages.say(
            INFO, f"申请已写入 {path.name}，可以拔出介质。",
            "请交中心办理；批复回来后填同一个登记码，导入批复文件。",
            button="知道了", run=self.grant.setFocus,
        )

    def _done(self, _: None) -> None:
        self.code.clear()
        self.hide()
        self._page.messages.say(
            SUCCESS, "本席位已重新登记。", "请立即同步，或用介质交换一次：数据会全部重新上报。"
        )
        self._page.refresh(frozenset())


__all__ = ["ReenrolPanel"]
