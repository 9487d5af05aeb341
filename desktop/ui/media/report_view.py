"""The verification report on the screen: who sealed it, for whom, what it would change."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from desktop.ui.factlist import Fact, FactList
from desktop.ui.jobline import size_text
from desktop.ui.plain import plain_label
from desktop.ui.tables.plain import PlainColumn, PlainRow, PlainTable
from desktop.ui.words import OUTCOMES, moment

if TYPE_CHECKING:
    from desktop.work.media_report import Report

_BAR = {"可以导入": "success", "不能使用": "error"}


class ReportView(QWidget):
    """One examined package."""

    def __init__(self) -> None:
        super().__init__()
        self._verdict = plain_label()
        self._verdict.setProperty("strong", True)
        self._verdict.setWordWrap(True)
        self._problems = plain_label()
        self._problems.setWordWrap(True)
        self._banner = QFrame()
        inside = QVBoxLayout(self._banner)
        inside.setContentsMargins(12, 8, 12, 8)
        inside.setSpacing(4)
        inside.addWidget(self._verdict)
        inside.addWidget(self._problems)
        self.facts = FactList(6, columns=2)
        self.changes = PlainTable(
            "将要写入本机的内容",
            (
                PlainColumn("类型", 24, "left", grows=True),
                PlainColumn("新增", 10, "right"),
                PlainColumn("修改", 10, "right"),
                PlainColumn("作废", 10, "right"),
            ),
            "类",
        )
        self.changes.setMinimumHeight(220)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self._banner)
        column.addWidget(self.facts)
        column.addWidget(self.changes, 1)

    def show_report(self, report: Report) -> None:
        """Another package."""
        self._verdict.setText(f"核验结论：{report.verdict.value}")
        lines = [f"· {p.message}{p.hint}" for p in report.problems]
        self._problems.setText("\n".join(lines))
        self._problems.setVisible(bool(lines))
        level = _BAR.get(report.verdict.value, "info")
        self._banner.setProperty("bar", "warning" if level == "success" and lines else level)
        self._banner.style().unpolish(self._banner)
        self._banner.style().polish(self._banner)
        self.facts.set_sections([("", _facts(report))])
        found = report.preview
        self.changes.setVisible(found is not None)
        if found is None:
            return
        rows = [
            PlainRow((c.title, f"{c.inserts:,}", f"{c.updates:,}", f"{c.deletes:,}"))
            for c in report.changes
            if c.total
        ]
        if found.load is not None and found.load.fresh:
            self.changes.set_empty_words("本卷是首批数据的一部分", "全部到齐后一次启用，届时可以查询")
        else:
            said = "其中的数据本机已经有了" if found.repeated else ""
            self.changes.set_empty_words("没有新的内容要写入", said)
        self.changes.set_rows(rows, f"共 {found.total:,} 条")

    def words(self) -> str:
        """Verdict, findings and facts as lines."""
        return "\n".join([self._verdict.text(), self._problems.text(), self.facts.text()])


def _facts(report: Report) -> list[Fact]:
    facts = [
        Fact("文件", report.file_name),
        Fact("大小", size_text(report.size)),
        Fact("用途", report.kind),
        Fact("生成时间", moment(report.created)),
        Fact("由谁封装", _said(report.sealed_by, report.by_us)),
        Fact("给谁", _said(report.sealed_for, report.for_us)),
        Fact("指纹", report.fingerprint_text, "accent"),
        Fact("签名", *(("已核验，确为封装者所签", "good") if report.signed else ("未能核验", "wait"))),
    ]
    found = report.preview
    if found is not None:
        counts = Counter(OUTCOMES.get(r.status, (r.status, ""))[0] for r in found.receipts)
        said = "、".join(f"{word} {n:,} 个" for word, n in counts.items())
        facts += [
            Fact("中心回执", f"{len(found.receipts):,} 个变更集：{said}" if said else "没有新的回执"),
            Fact("新的冲突", f"{found.conflicts:,} 处", "bad" if found.conflicts else "plain"),
            Fact("确认本机变更", f"{found.echoes:,} 条"),
            Fact("中心签名时间", moment(found.evidence_at)),
            Fact("后续数据", "已全部装入" if found.complete else "中心还有后续数据", "plain"),
        ]
    return facts


def _said(name: str, here: bool) -> str:
    return f"{name}（本机）" if here and name else name
