"""Sheets that go with a stick or answer a question, as HTML from the templates."""

from __future__ import annotations

import html as markup
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

from desktop.work.media import HandOver
from desktop.work.paper import Watermark, draw, fonts, write_pdf
from desktop.work.recovering import RecoverySheet
from desktop.work.seat_accounts import Issued
from shared.fields import Field
from shared.record import RecordType
from shared.supervision.verification import Finding, minutes
from shared.types import catalog

Show = Callable[[Field, Any], str]
"""A value as people read it, personal data masked (``Records.show``)."""

PERMITS, SANCTIONS, PENALTIES = "permits", "sanctions", "penalties"
ON_THE_SHEET = 3
"""So many files of attachments stand above the signatures; more are listed behind."""
SECTIONS = (PERMITS, SANCTIONS, PENALTIES)


# --- sheets --------------------------------------------------------------------
def hand_over_sheet(facts: HandOver) -> str:
    """介质交接单: goes with the stick."""
    rows = [
        ("介质类型", facts.medium_type),
        ("介质编号", facts.medium_number),
        ("移交单位", facts.sent_from),
        ("接收单位", facts.sent_to),
        ("内容", facts.content),
        ("经办人", facts.person),
        ("变更集", facts.inside[0]),
        ("变更", facts.inside[1]),
        ("大小", f"{facts.size:,} 字节"),
        ("生成时间", minutes(facts.created)),
    ]
    wide = [("文件名", facts.file_name), ("交换包号", facts.package_id)]
    files = [[f.file_name, f.content, f"{f.size:,}", f.fingerprint] for f in facts.beside]
    heads = (("附件包文件名", 33), ("内容", 13), ("字节", 15), ("指纹", 31))
    title = f"同一介质上的附件包（{facts.beside_words}）"
    listed = f'<p class="part">{title}</p>{_table(heads, files, "")}' if files else ""
    annex = len(files) > ON_THE_SHEET
    if annex:  # on a page of its own, so that the signatures stay together
        apart = '<p class="part" style="page-break-before: always">附：'
        listed = listed.replace('<p class="part">', apart, 1)
    return _fill(
        "hand_over.html",
        beside=f"<p>{title}，清单附后。</p>" if annex else listed,
        annex=listed if annex else "",
        short_id=_text(facts.package_id[-8:].upper()),
        created=_text(minutes(facts.created)),
        rows=_pairs(rows) + _singles(wide),
        fingerprint=_text(facts.fingerprint),
    )


def recovery_sheet(facts: RecoverySheet) -> str:
    """找回密码申请单: goes with the stick; the two keepers compare the fingerprint."""
    rows = [
        ("申请人", facts.person),
        ("账号", facts.account),
        ("单位", facts.bureau),
        ("中心", facts.hub_name),
    ]
    wide = [("席位编号", facts.device), ("文件名", facts.file_name)]
    return _fill(
        "recovery.html",
        created=_text(minutes(facts.created)),
        rows=_pairs(rows) + _singles(wide),
        fingerprint=_text(facts.fingerprint),
    )


def one_time_sheet(facts: Issued) -> str:
    """一次性口令条: handed to a further user of a computer."""
    rows = [("姓名", facts.person), ("账号", facts.account), ("单位", facts.bureau), ("电脑", facts.seat)]
    return _fill(
        "slip.html",
        title="一次性口令条", under=f"有效期至 {_text(minutes(facts.expires))}", rows=_pairs(rows),
        what="一次性口令", seal=_text(facts.password), note="只能用一次，不区分大小写，短横可以不输。",
        steps="在上面写明的那台电脑上打开驿站，选择账号，在“密码”处输入本口令，随即设置自己的登录密码。"
        "本条请当面交给本人，用后销毁；遗失请单位管理员在“设置 › 本机账号”里移除这个账号后重新签发。",
        giver="签发人", taker="领取人",
    )  # fmt: skip


def intake_sheet(values: Mapping[str, Any], bureau: str, show: Show) -> str:
    """介质入库记录单 from the values of an intake record (R32)."""
    declared = catalog.by_name("media_intake")
    long = {"package_id", "fingerprint", "analysis", "sent_from", "sent_to"}
    shown = {f.name: (f.title, show(f, values.get(f.name))) for f in declared.own_fields}
    return _fill(
        "intake.html",
        bureau=_text(bureau),
        received_at=_text(minutes(str(values.get("received_at") or ""))),
        rows=_pairs([v for k, v in shown.items() if k not in long])
        + _singles([v for k, v in shown.items() if k in long]),
    )


def verification_sheet(
    finding: Finding,
    entity: Mapping[str, Any] | None,
    *,
    subject: str,
    purpose: str,
    person: str,
    bureau: str,
    show: Show,
    sections: Collection[str] = SECTIONS,
) -> str:
    """市场主体信息核查单: the answer, and on what it rests (N15).

    :param entity: its values; None when the data know no such entity.
    :param sections: which lists to print besides the conclusion.
    """
    lists = [
        (PERMITS, "行政许可", _permits(finding, show)),
        (SANCTIONS, "惩戒中的联合惩戒", _sanctions(finding, show)),
        (PENALTIES, "近三年行政处罚", _penalties(finding, show)),
    ]
    numbers = iter("三四五六")
    body = [
        f'<p class="part">{next(numbers)}、{title}（{count} 件）</p>{table}'
        for name, title, (count, table) in lists
        if name in sections
    ]
    return _fill(
        "verification.html",
        bureau=_text(bureau),
        asked_at=_text(minutes(finding.evidence.asked_at)),
        entity=_entity(entity, subject, purpose, show),
        sentences="".join(
            f"<p>{'<b>' if s.tone == 'bad' else ''}{_text(s.text)}{'</b>' if s.tone == 'bad' else ''}</p>"
            for s in finding.sentences
        ),
        evidence=_singles([(title, text or "尚未完成首次同步") for title, text in finding.as_of]),
        statement=_text(finding.statement),
        sections="".join(body),
        person=_text(person),
    )


def _entity(
    entity: Mapping[str, Any] | None, subject: str, purpose: str, show: Show
) -> str:
    declared = catalog.by_name("market_entity")
    rows = [("核查对象", subject), ("核查用途", purpose)]
    if entity is None:
        return _singles(rows)
    names = ("uscc", "legal_person", "status", "address")
    return _singles(rows) + _singles([_cell(declared, entity, n, show) for n in names])


def _permits(finding: Finding, show: Show) -> tuple[int, str]:
    declared = catalog.by_name("permit")
    rows = [
        [
            _shown(declared, j.record.values, "document_no", show),
            _shown(declared, j.record.values, "licence_name", show)
            or _shown(declared, j.record.values, "document_name", show),
            _shown(declared, j.record.values, "authority", show),
            f"{_shown(declared, j.record.values, 'valid_from', show)} 至 "
            f"{_shown(declared, j.record.values, 'valid_to', show)}",
            str(j.state),
        ]
        for j in finding.permits
    ]
    heads = (("决定文书号", 23), ("许可证书", 19), ("许可机关", 19), ("有效期", 19), ("状态", 12))
    return len(rows), _table(heads, rows, "没有查到许可记录。")


def _sanctions(finding: Finding, show: Show) -> tuple[int, str]:
    names = (("name", 21), ("breach", 19), ("measures", 19), ("authority", 15), ("valid_to", 18))
    return _listed("sanction", finding.sanctions, names, show, "没有查到惩戒中的记录。")


def _penalties(finding: Finding, show: Show) -> tuple[int, str]:
    names = (
        ("document_no", 19), ("offence", 19), ("categories", 11), ("fine", 10), ("authority", 15),
        ("decided_on", 18),
    )  # fmt: skip
    return _listed("penalty", finding.penalties, names, show, "没有查到处罚记录。")


def _listed(
    type_name: str, found: Sequence[Any], columns: Sequence[tuple[str, int]], show: Show, empty: str
) -> tuple[int, str]:
    """Records as a table; ``columns``: field and share of the width in per cent."""
    declared = catalog.by_name(type_name)
    rows = [[_shown(declared, one.values, n, show) for n, _ in columns] for one in found]
    heads = [(declared.by_name[n].title, share) for n, share in columns]
    return len(rows), _table(heads, rows, empty)


# --- pieces of HTML --------------------------------------------------------------
def _fill(template: str, **parts: str) -> str:
    found = fonts()
    style = Template(_resource("sheet.css")).substitute(
        body_font=f"'{found.body}'",
        title_font=f"'{found.title}'",
        heading_font=f"'{found.heading}'",
        mono_font=f"'DejaVu Sans Mono', 'Consolas', '{found.heading}'",
        title_weight="bold" if found.bold_title else "normal",
    )
    return Template(_resource(template)).substitute(style=style, **parts)


@cache
def _resource(name: str) -> str:
    return files("resources").joinpath("templates", name).read_text("utf-8")


def _text(value: str) -> str:
    return markup.escape(value).replace("\n", "<br/>")


def _pairs(rows: Sequence[tuple[str, str]]) -> str:
    """Two titled values a line; the last of an odd number takes a whole one."""
    paired = "".join(
        f'<tr><th width="20%">{_text(a)}</th><td width="30%">{_text(b)}</td>'
        f'<th width="20%">{_text(c)}</th><td width="30%">{_text(d)}</td></tr>'
        for (a, b), (c, d) in zip(rows[::2], rows[1::2], strict=False)
    )
    return paired + (_singles(rows[-1:]) if len(rows) % 2 else "")


def _singles(rows: Iterable[tuple[str, str]]) -> str:
    """One titled value a line, as wide as two of the others."""
    return "".join(
        f'<tr><th width="20%">{_text(a)}</th><td colspan="3">{_text(b)}</td></tr>' for a, b in rows
    )


def _table(heads: Sequence[tuple[str, int]], rows: Sequence[Sequence[str]], empty: str) -> str:
    if not rows:
        return f"<p>{_text(empty)}</p>"
    top = "".join(f'<th width="{share}%">{_text(head)}</th>' for head, share in (("序号", 8), *heads))
    body = "".join(
        f'<tr><td class="mid">{n}</td>' + "".join(f"<td>{_text(c)}</td>" for c in row) + "</tr>"
        for n, row in enumerate(rows, 1)
    )
    return f'<table width="100%" style="font-size: 10.5pt"><thead><tr>{top}</tr></thead>{body}</table>'


def _shown(declared: RecordType, values: Mapping[str, Any], name: str, show: Show) -> str:
    return show(declared.by_name[name], values.get(name))


def _cell(declared: RecordType, values: Mapping[str, Any], name: str, show: Show) -> tuple[str, str]:
    return declared.by_name[name].title, _shown(declared, values, name, show)


__all__ = [
    "SECTIONS",
    "Watermark",
    "draw",
    "hand_over_sheet",
    "intake_sheet",
    "one_time_sheet",
    "recovery_sheet",
    "verification_sheet",
    "write_pdf",
]
