"""From what a person typed to typed values, and back: one function per Kind.

``parse`` never raises for bad input: it returns the values that are good and the
problems of those that are not. A spreadsheet row, a form and a pasted line all
come through here, so a rule is written once.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from shared.errors import Problem
from shared.fields import Field, Kind
from shared.ids import key_id
from shared.record import RecordType

NOT_HERE = "（不在本机）"
"""Shown for a record outside this device's scope; an id would tell a person nothing."""

LONG_TERM = date(2099, 12, 31)
"""双公示: a validity without end is written 2099-12-31 (长期)."""


class CodeBook(Protocol):
    """Where codes are looked up; see ``shared.codes.Codes``."""

    def find(self, table: str, word: str) -> str | None:
        """Code for a code or a name; None when unknown."""

    def name(self, table: str, code: str) -> str:
        """Name of a code; the code itself when unknown."""


class References(Protocol):
    """Where other records are looked up."""

    def resolve(self, target: str, word: str) -> str | None:
        """Id of the record of type ``target`` with that id, key or label; None when unknown."""

    def existing(self, target: str, ids: Iterable[str]) -> set[str]:
        """Which of these ids exist."""


@dataclass(slots=True)
class Parsed:
    """Typed values that are good, and findings about the rest."""

    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def invalid(self) -> frozenset[str]:
        """Names of fields whose text could not be read."""
        return frozenset(p.field for p in self.problems)


class Unreadable(ValueError):
    """The text of one field is not of its kind; the message is Chinese."""


@dataclass(frozen=True, slots=True)
class Context:
    """What parsing may look at besides the text."""

    codes: CodeBook
    references: References | None = None


def half_width(text: str) -> str:
    """Full-width digits, letters and signs as their ASCII forms (NFKC, trimmed)."""
    return unicodedata.normalize("NFKC", text).strip()


_BREAK = re.compile("\r\n?|[\v\f\x85\u2028\u2029]")
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
"""What nobody can see in a text: control characters, halves of characters, turned reading
directions. No database and no sheet of paper should have to hold them."""
_BLANKS = re.compile(r"\s+")


def printable(text: str) -> str:
    """The text without what nobody can see; every line break as ``\\n``."""
    return text if text.isprintable() else _UNSEEN.sub("", _BREAK.sub("\n", text))


def code_text(text: str) -> str:
    """A number or code as it is compared: half-width, upper case, without blanks."""
    return _BLANKS.sub("", half_width(printable(text))).upper()


def clean_text(raw: Any) -> str:
    """A cell or an input as trimmed NFC text; numbers without a spurious ``.0``."""
    if raw is None:
        return ""
    if type(raw) is not str:
        if isinstance(raw, float) and raw.is_integer():
            raw = int(raw)
        if isinstance(raw, datetime):
            raw = raw.date().isoformat() if raw.time() == raw.min.time() else raw.isoformat()
    return unicodedata.normalize("NFC", printable(str(raw))).strip()


def _text(one: Field, raw: Any, _: Context) -> str:
    value = clean_text(raw)
    if one.kind is Kind.TEXT and ("\n" in value or "\t" in value):
        value = re.sub(r"\s*[\n\t]\s*", " ", value)
    if one.check is not None:
        value = code_text(value)
        complaint = one.check(value)
        if complaint:
            raise Unreadable(complaint)
    if one.max is not None and len(value) > one.max:
        raise Unreadable(f"最多 {one.max} 个字，现有 {len(value)} 个字，请缩短")
    return value


def _code(one: Field, raw: Any, context: Context) -> str:
    word = clean_text(raw)
    found = context.codes.find(one.table, word) or context.codes.find(one.table, half_width(word))
    if found is None:
        raise Unreadable(f"“{word}”不在代码表“{one.table}”中，请从下拉列表选择")
    return found


def _codes(one: Field, raw: Any, context: Context) -> str:
    words = words_of_set(clean_text(raw), lambda word: context.codes.find(one.table, word))
    return ",".join(sorted({_code(one, w, context) for w in words}))


def words_of_set(text: str, find: Callable[[str], str | None]) -> list[str]:
    """What a set is made of, as written; a name may itself hold 、 as in 没收违法所得、没收非法财物."""
    words: list[str] = []
    for part in re.split(r"[,，;；\n]+", text):
        known = bool(part.strip()) and find(part.strip()) is not None
        words += [part.strip()] if known else [w for w in re.split(r"[、\s]+", part) if w]
    return words


def _money(one: Field, raw: Any, _: Context) -> int:
    word = half_width(clean_text(raw)).replace(",", "").replace("¥", "")
    factor = 1_000_000 if one.unit == "万元" else 100
    for suffix, by in (("万元", 1_000_000), ("万", 1_000_000), ("元", 100)):
        if word.endswith(suffix):
            word, factor = word[: -len(suffix)].strip(), by
            break
    try:
        amount = Decimal(word) * factor
    except InvalidOperation:
        raise Unreadable(f"“{word}”不是金额，请填数字，单位{one.unit}") from None
    if not amount.is_finite() or amount != amount.to_integral_value():
        raise Unreadable("金额最小到分，请检查小数位数和单位")
    if abs(amount) > 10**17:
        raise Unreadable("金额过大，请检查单位")
    return int(amount)


_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[T\s].*)?")


def _date(one: Field, raw: Any, _: Context) -> date:
    if isinstance(raw, datetime):
        return raw.date()
    if isinstance(raw, date):
        return raw
    word = half_width(clean_text(raw))
    if word in ("长期", "永久", "长期有效"):
        return LONG_TERM
    if re.fullmatch(r"\d{8}", word):
        parts = (word[:4], word[4:6], word[6:])
    else:
        found = _DATE.fullmatch(word)
        if found is None:
            raise Unreadable(f"“{word}”不是日期，请按 2026-05-01 或 20260501 填写")
        parts = (found[1], found[2], found[3])
    try:
        value = date(int(parts[0]), int(parts[1]), int(parts[2]))
    except ValueError:
        raise Unreadable(f"“{word}”不是有效的日期，请检查年月日") from None
    if value.year < 1900:
        raise Unreadable("日期不得早于 1900-01-01，请检查年份")
    return value


def _time(one: Field, raw: Any, _: Context) -> str:
    word = half_width(clean_text(raw)).replace("/", "-")
    try:
        value = datetime.fromisoformat(word)
    except ValueError:
        raise Unreadable(f"“{word}”不是时间，请按 2026-05-01 09:30 填写") from None
    from shared.clock import CHINA

    if value.tzinfo is None:
        value = value.replace(tzinfo=CHINA)
    return value.replace(microsecond=0).isoformat()


def _integer(one: Field, raw: Any, _: Context) -> int:
    word = half_width(clean_text(raw)).replace(",", "")
    if not re.fullmatch(r"[+-]?\d{1,15}", word):
        raise Unreadable(f"“{word}”不是整数")
    return int(word)


def _decimal(one: Field, raw: Any, _: Context) -> str:
    word = half_width(clean_text(raw)).replace(",", "")
    try:
        value = Decimal(word)
    except InvalidOperation:
        raise Unreadable(f"“{word}”不是数字") from None
    if not value.is_finite() or abs(value) > Decimal(10) ** 18:
        raise Unreadable(f"“{word}”不是可用的数字")
    return format(value.normalize(), "f")


def _bool(one: Field, raw: Any, _: Context) -> bool:
    if isinstance(raw, bool):
        return raw
    word = half_width(clean_text(raw)).lower()
    if word in ("是", "1", "true", "y", "yes", "√"):
        return True
    if word in ("否", "0", "false", "n", "no", "×"):
        return False
    raise Unreadable(f"“{word}”请填“是”或“否”")


def _ref(one: Field, raw: Any, context: Context) -> str:
    word = clean_text(raw)
    if context.references is None:
        return word
    found = context.references.resolve(one.target, half_width(word)) or context.references.resolve(
        one.target, word
    )
    if found is None:
        raise Unreadable(f"“{word}”没有找到对应的{one.title}，请从列表中选择")
    return found


def _refs(one: Field, raw: Any, context: Context) -> str:
    words = [w for w in re.split(r"[,，、;；]+", clean_text(raw)) if w.strip()]
    return ",".join(dict.fromkeys(_ref(one, w, context) for w in words))


PARSERS: dict[Kind, Callable[[Field, Any, Context], Any]] = {
    Kind.TEXT: _text,
    Kind.NOTE: _text,
    Kind.CODE: _code,
    Kind.CODES: _codes,
    Kind.MONEY: _money,
    Kind.DATE: _date,
    Kind.TIME: _time,
    Kind.INTEGER: _integer,
    Kind.DECIMAL: _decimal,
    Kind.BOOL: _bool,
    Kind.REF: _ref,
    Kind.REFS: _refs,
}


def is_blank(raw: Any) -> bool:
    """Nothing typed."""
    return raw is None or (isinstance(raw, str) and not raw[:1].isalnum() and not clean_text(raw))


def parse(declared: RecordType, raw: Mapping[str, Any], context: Context) -> Parsed:
    """Read raw inputs by field name; missing and blank ones become None.

    Required fields, kinds, codes, references and the type's rules are all
    checked; references exist check is left to the write door for bulk input
    when ``context.references`` is None.
    """
    out = Parsed()
    for one in declared.own_fields:
        given = raw.get(one.name)
        if is_blank(given):
            out.values[one.name] = None
            if one.required and not one.derive_from:
                out.problems.append(Problem(one.name, f"请填写{one.title}"))
            continue
        try:
            out.values[one.name] = PARSERS[one.kind](one, given, context)
        except Unreadable as bad:
            out.values[one.name] = None
            out.problems.append(Problem(one.name, str(bad)))
    derive(declared, out.values)
    out.problems.extend(declared.run_rules(out.values, out.invalid))
    return out


def derive(declared: RecordType, values: dict[str, Any]) -> None:
    """Fill the fields that are computed from the key held by a sibling."""
    for one in declared.derived_fields:
        key = values.get(one.derive_from)
        values[one.name] = key_id(one.target, [key]) if key else None


# --- and back --------------------------------------------------------------
class Labels(Protocol):
    """Where the one-line name of another record is looked up."""

    def label(self, target: str, record_id: str) -> str:
        """The name to show; ``""`` when unknown."""


def format_money(cents: int, unit: str = "元") -> str:
    """An amount in its unit with thousands separators: ``1,234.50``."""
    amount = Decimal(cents) / (1_000_000 if unit == "万元" else 100)
    body = format(amount.normalize(), ",f") if unit == "万元" else f"{amount:,.2f}"
    return body


def mask(value: str) -> str:
    """Personal data for display: first and last characters only (身份证, 手机)."""
    if len(value) <= 2:
        return "*" * len(value)
    head, tail = (6, 4) if len(value) >= 15 else (3, 4) if len(value) >= 11 else (1, 1)
    return value[:head] + "*" * (len(value) - head - tail) + value[-tail:]


def show(
    one: Field,
    value: Any,
    codes: CodeBook,
    labels: Labels | None = None,
    *,
    masked: bool = True,
) -> str:
    """A value as a person reads it; ``""`` for none."""
    if value is None or value == "":
        return ""
    match one.kind:
        case Kind.CODE:
            return codes.name(one.table, value)
        case Kind.CODES:
            return "；".join(codes.name(one.table, v) for v in str(value).split(","))
        case Kind.MONEY:
            return format_money(int(value), one.unit)
        case Kind.DATE:
            return "长期" if str(value) == LONG_TERM.isoformat() else str(value)
        case Kind.TIME:
            return str(value)[:16].replace("T", " ")
        case Kind.BOOL:
            return "是" if value else "否"
        case Kind.REF:
            return (labels.label(one.target, value) or NOT_HERE) if labels else str(value)
        case Kind.REFS:
            ids = str(value).split(",")
            return "、".join((labels.label(one.target, v) or NOT_HERE) if labels else v for v in ids)
        case _:
            if one.words:
                return dict(one.words).get(str(value), str(value))
            return mask(str(value)) if one.personal and masked else str(value)
