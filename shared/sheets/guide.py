"""What sheet 填写说明 says about each field: specification, values, relations, example (R28)."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.fields import Field, Kind
from shared.record import RecordType, Rule
from shared.sheets.layout import LOOKS, CodeLists, code_words

HEADINGS = ("字段", "必填", "规格", "值域或代码表", "逻辑关系", "示例")
LISTED = 12


def guide_rows(
    declared: RecordType, codes: CodeLists, choices: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, ...]]:
    """One row per column of the sheet, in order."""
    for one in declared.sheet_fields:
        yield (
            one.title,
            "是" if one.required else "否",
            specification(one),
            domain(one, codes, choices),
            "；".join(relations(declared, one)),
            example(one, codes),
        )


def specification(one: Field) -> str:
    """Kind, length and unit in words."""
    words = [LOOKS[one.kind].words]
    if one.unit:
        words.append(f"单位：{one.unit}" + ("，最小到分" if one.kind is Kind.MONEY else ""))
    if one.max is not None:
        words.append(f"最多 {one.max} 字")
    if one.standard:
        words.append(f"标准：{one.standard}")
    return "；".join(words)


def domain(one: Field, codes: CodeLists, choices: Mapping[str, Sequence[str]]) -> str:
    """Which values are allowed."""
    match one.kind:
        case Kind.CODE | Kind.CODES:
            words = f"代码表“{one.table}”，填名称或代码：{_sample(code_words(codes, one.table))}"
        case Kind.BOOL:
            words = "是、否"
        case Kind.REF | Kind.REFS if one.target in choices:
            words = f"从列表中选择：{_sample(choices[one.target])}"
        case Kind.REF | Kind.REFS:
            words = f"系统中已有的{one.title}，填名称或编码"
        case _:
            words = ""
    return "；".join(x for x in (words, one.hint) if x)


def _sample(words: Sequence[str]) -> str:
    shown = "、".join(words[:LISTED])
    return shown + (f" 等 {len(words)} 项" if len(words) > LISTED else "")


def relations(declared: RecordType, one: Field) -> Iterator[str]:
    """What ties a field to others: uniqueness, and the rules that read it."""
    titles = {x.name: x.title for x in declared.fields}
    for names in dict.fromkeys((declared.key, *declared.unique)):
        if one.name in names:
            others = [titles[n] for n in names if n != one.name and declared.by_name[n].sheet]
            yield (f"与{'、'.join(others)}合起来" if others else "") + "不得重复"
    for rule in declared.rules:
        if one.name in (*rule.needs, *rule.also):
            sentences = list(_sentences(rule))
            others = [titles[n] for n in (*rule.needs, *rule.also) if n != one.name and n in titles]
            if sentences:
                yield from sentences
            elif others:
                yield f"与{'、'.join(others)}一并校验"


def _sentences(rule: Rule) -> Iterator[str]:
    """The whole sentences a rule may answer with.

    They are constants of its compiled body or bound to it by the function that made it, so
    the guide says what the check will say without writing it twice; pieces of composed
    sentences are left out.
    """
    body: Any = rule.body
    code: types.CodeType = body.__code__
    bound = [cell.cell_contents for cell in body.__closure__ or ()]
    for word in (*bound, *code.co_consts):
        if isinstance(word, str) and len(word) >= 6 and _whole(word):
            yield word


def _whole(text: str) -> bool:
    return "\u4e00" <= text[0] <= "\u9fff" and any("\u4e00" <= c <= "\u9fff" for c in text[-2:])


def example(one: Field, codes: CodeLists) -> str:
    """A value that would be taken."""
    if one.example:
        return one.example
    match one.kind:
        case Kind.CODE | Kind.CODES:
            return next(iter(code_words(codes, one.table)), "")
        case Kind.MONEY:
            return "100" if one.unit == "万元" else "5000.00"
        case Kind.DATE:
            return "2026-05-01"
        case Kind.TIME:
            return "2026-05-01 09:30"
        case Kind.INTEGER:
            return "3"
        case Kind.DECIMAL:
            return "0.5"
        case Kind.BOOL:
            return "是"
        case _:
            return ""
