"""Several held sets decided with one action: what they are, the question, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from desktop.ui.tables.plain import PlainColumn, PlainRow, PlainTable
from desktop.work.held import Decided, Prospect, by_kind

_COLUMNS = (
    PlainColumn("变更集", 20, "left"),
    PlainColumn("原因", 10),
    PlainColumn("内容", 16, "left", grows=True),
    PlainColumn("处理情况", 22, "left", grows=True),
)
_EFFECT = {
    True: "放行的按填报人的名义入库，下次同步后生效",
    False: "退回的不入库，填报人会看到处理说明",
}


class ManyHeld(QWidget):
    """``decided(release, note)`` after the question was answered."""

    decided = Signal(bool, str)

    def __init__(self) -> None:
        super().__init__()
        self._found: list[Prospect] = []
        self._release = True
        self._title = QLabel()
        self._title.setProperty("strong", True)
        self.kinds = QLabel()
        self.kinds.setWordWrap(True)
        self.table = PlainTable("所选变更集", _COLUMNS, "个")
        self.note = QLineEdit()
        self.note.setPlaceholderText("处理说明（退回时必填，填报人会看到）")
        self.note.setAccessibleName("处理说明")
        self.note.setMaxLength(1000)
        self.release = QPushButton("全部放行(&R)…")
        self.reject = QPushButton("全部退回(&T)…")
        self.release.clicked.connect(lambda: self.ask(release=True))
        self.reject.clicked.connect(lambda: self.ask(release=False))
        self.deciding = QWidget()
        line = QHBoxLayout(self.deciding)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(self.note, 1)
        line.addWidget(self.release)
        line.addWidget(self.reject)
        self.question = QFrame()
        self.question.setProperty("panel", True)
        self.asked = QLabel()
        self.asked.setWordWrap(True)
        self.yes, self.no = QPushButton(), QPushButton("取消")
        self.yes.setProperty("primary", True)
        self.yes.clicked.connect(self._confirmed)
        self.no.clicked.connect(self._left)
        inside = QVBoxLayout(self.question)
        inside.setContentsMargins(12, 8, 12, 8)
        inside.addWidget(self.asked)
        buttons = QHBoxLayout()
        for push in (self.yes, self.no):
            buttons.addWidget(push)
        buttons.addStretch(1)
        inside.addLayout(buttons)
        self.question.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for widget in (self._title, self.kinds):
            column.addWidget(widget)
        column.addWidget(self.table, 1)
        column.addWidget(self.deciding)
        column.addWidget(self.question)
        self.note.textChanged.connect(lambda _: self._refresh())

    # --- what is chosen ----------------------------------------------------------
    def show_sets(self, found: Sequence[Prospect]) -> None:
        """What is selected, and what can be decided about each."""
        self._found = list(found)
        self.deciding.show()
        self.question.hide()
        changes = sum(int(one.row.values["changes"]) for one in found)
        self._title.setText(f"已选 {len(found):,} 个变更集，共 {changes:,} 条变更")
        self.kinds.setText(f"隔离原因：{by_kind(found)}")
        self.table.set_rows([_row(one, *self._words(one)) for one in found])
        self._refresh()

    @property
    def chosen(self) -> list[Prospect]:
        """What is selected, in the order it was written."""
        return self._found

    def able(self, *, release: bool) -> list[Prospect]:
        """Those the decision can be made about."""
        chosen = self._chosen()
        return [one for one in self._found if not one.against(release=release, chosen=chosen)]

    def ask(self, *, release: bool) -> None:
        """Say what would be done, by kind, before it is done."""
        able = self.able(release=release)
        if not able:
            return
        self._release = release
        word = "放行" if release else "退回"
        left = len(self._found) - len(able)
        rest = f"另有 {left:,} 个不能{word}，原因见表中。" if left else ""
        changes = sum(int(one.row.values["changes"]) for one in able)
        self.asked.setText(
            f"{word} {len(able):,} 个变更集（{by_kind(able)}），共 {changes:,} 条变更。{_EFFECT[release]}，"
            f"不能撤销。{rest}"
        )
        self.yes.setText(f"确定{word} {len(able):,} 个")
        self.yes.setAccessibleName(self.yes.text())
        self.question.show()
        self.yes.setFocus()

    def show_outcome(self, found: Decided, *, release: bool) -> None:
        """What became of each set."""
        self._found = []
        self.deciding.hide()  # what is shown has been decided
        self.question.hide()
        self.note.clear()
        word = "放行" if release else "退回"
        left = f"，{len(found.left):,} 个没有处理" if found.left else ""
        self._title.setText(f"已{word} {len(found.done):,} 个变更集{left}")
        self.kinds.setText("决定经同步由中心办理；中心办不成的会回到“待审”并写明原因。")
        rows = [_row(one, f"没有处理：{why}", "bad") for one, why in found.left]
        self.table.set_rows([*rows, *(_row(one, f"已{word}", "good") for one in found.done)])
        self._refresh()

    # --- inside --------------------------------------------------------------
    def _chosen(self) -> dict[str, Prospect]:
        return {one.row.id: one for one in self._found}

    def _words(self, one: Prospect) -> tuple[str, str]:
        chosen = self._chosen()
        release, reject = (one.against(release=r, chosen=chosen) for r in (True, False))
        if release and reject:
            return release, "bad"
        if release:
            return f"只能退回：{release}", "wait"
        return "可以放行或退回", "plain"

    def _refresh(self) -> None:
        self.release.setEnabled(bool(self.able(release=True)))
        written = bool(self.note.text().strip())
        self.reject.setEnabled(bool(self.able(release=False)) and written)
        self.reject.setToolTip("" if written else "退回必须写明理由")
        self.note.setEnabled(bool(self._found))

    def _confirmed(self) -> None:
        self.question.hide()
        self.decided.emit(self._release, self.note.text())

    def _left(self) -> None:
        self.question.hide()
        self.note.setFocus()


def _row(one: Prospect, words: str, tone: str) -> PlainRow:
    return PlainRow((one.named, one.kind, str(one.row.values["summary"]), words), ((3, tone),), one)
