"""Before a question is asked: what the page is for, and how far the data reach."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from desktop.ui.factlist import Fact, FactList
from desktop.work.evidence import until_words
from shared.supervision.verification import Evidence


class Intro(QWidget):
    """Words, and the evidence any answer will rest on."""

    def __init__(self) -> None:
        super().__init__()
        words = QLabel("离线核查一户主体的许可、处罚、惩戒和预警")
        words.setProperty("strong", True)
        hint = QLabel(
            "在上面输入统一社会信用代码或名称（几个字也可以），填写用途后回车。结论只以本机数据为限："
        )
        hint.setProperty("muted", True)
        hint.setWordWrap(True)
        self.facts = FactList(label_chars=7)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 24, 12, 0)
        column.setSpacing(12)
        column.addWidget(words)
        column.addWidget(hint)
        column.addWidget(self.facts)
        column.addStretch(1)

    def show_evidence(self, one: Evidence) -> None:
        """How far the data reach; red before the first load is whole."""
        facts = [
            Fact("数据截止时间", until_words(one), "plain" if one.data_until else "bad"),
            Fact("数据范围", one.scope),
            Fact("数据版本", one.version),
        ]
        self.facts.set_sections([("", facts)])
