"""The dry run of an import: every row parsed and judged, nothing stored.

The meaning of a cell is decided by ``shared.parsing`` alone. What is done here is
speed (equal texts of a column are parsed once, references are looked up in one
go) and what only a spreadsheet can get wrong: numbers and codes mangled by Excel,
masked exports, duplicates within the file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol

from shared.errors import Level, Problem
from shared.fields import Field, Kind
from shared.parsing import (
    PARSERS,
    CodeBook,
    Context,
    References,
    Unreadable,
    clean_text,
    derive,
    half_width,
    is_blank,
)
from shared.record import PROVENANCE, RecordType, Values
from shared.sheets.faults import FAULTS
from shared.sheets.reading import SheetRows

Raw = Mapping[str, Any]
Progress = Callable[[int, int], None]
REPORT_EVERY = 1_000
CACHED = 20_000


class BatchReferences(References, Protocol):
    """References that can be looked up many at a time."""

    def resolve_many(self, target: str, words: Collection[str]) -> dict[str, str]:
        """Ids by word, for the ids, keys and labels that are known; others are left out."""


class GoodRow(NamedTuple):
    """A row that may be stored; ``number`` as the spreadsheet shows it."""

    number: int
    values: Values


class BadRow(NamedTuple):
    """A row that may not, why, and what it held."""

    number: int
    problems: list[Problem]
    raw: Raw


class Warned(NamedTuple):
    """A finding about a row that may be stored all the same."""

    number: int
    problem: Problem


class CheckReport(NamedTuple):
    """The outcome of a dry run."""

    total: int
    good: list[GoodRow]
    bad: list[BadRow]
    warnings: list[Warned]

    def by_field(self) -> Counter[str]:
        """How many rejections each field caused; ``""`` for those of the whole row."""
        rejected = (p for row in self.bad for p in row.problems if p.level is Level.REJECT)
        return Counter(p.field for p in rejected)


def check_rows(
    rows: Iterable[tuple[int, Raw]],
    declared: RecordType,
    codes: CodeBook,
    references: BatchReferences | None = None,
    *,
    progress: Progress | None = None,
) -> CheckReport:
    """Judge every row; see :class:`CheckReport`.

    :param rows: iterated twice when it can be; ``SheetRows`` is read again, not copied.
    :param references: None leaves reference fields as typed, for the write door to judge.
    :param progress: told every 1,000 rows; an exception from it ends the check.
    """
    if iter(rows) is rows:
        rows = list(rows)
    total, known = _look_up(rows, declared, codes, references)
    context = Context(codes, known)
    columns = [(one.name, *_column(one, context)) for one in declared.own_fields]
    twins = _Twins(declared)
    good: list[GoodRow] = []
    bad: list[BadRow] = []
    warnings: list[Warned] = []
    for done, (number, raw) in enumerate(rows):
        if progress is not None and done % REPORT_EVERY == 0:
            progress(done, total)
        values: Values = {}
        problems: list[Problem] = []
        get = raw.get
        for name, known_cells, read in columns:
            given = get(name)
            # 1, 1.0 and True are equal keys but not equal cells
            key = given if type(given) is str else (type(given), given)
            if key in known_cells:
                value, problem = known_cells[key]
            else:
                value, problem = found = read(given)
                if len(known_cells) < CACHED:
                    known_cells[key] = found
            values[name] = value
            if problem is not None:
                problems.append(problem)
        derive(declared, values)
        invalid = frozenset([p.field for p in problems]) if problems else _NONE
        problems += declared.run_rules(values, invalid)
        problems += twins.of(number, values)
        if not problems:
            good.append(GoodRow(number, values))
        elif any(p.level is Level.REJECT for p in problems):
            bad.append(BadRow(number, problems, raw))
        else:
            good.append(GoodRow(number, values))
            warnings += [Warned(number, p) for p in problems]
    report = CheckReport(total, good, bad, warnings)
    if references is not None:
        report = _check_derived(report, rows, declared, references)
    if progress is not None:
        progress(total, total)
    return report


_NONE: frozenset[str] = frozenset()


# --- one column --------------------------------------------------------------
Outcome = tuple[Any, Problem | None]


def _column(one: Field, context: Context) -> tuple[dict[Any, Outcome], Callable[[Any], Outcome]]:
    """What is known of the cells of one field, and how a new one is read."""
    parse = PARSERS[one.kind]
    needed = one.required and not one.derive_from
    empty = (None, Problem(one.name, f"请填写{one.title}") if needed else None)

    def read(given: Any) -> Outcome:
        if is_blank(given):
            return empty
        try:
            return parse(one, mended(one, given, context.codes), context), None
        except Unreadable as bad:
            return None, Problem(one.name, str(bad))

    return {"": empty}, read


_TEXTUAL = frozenset({Kind.TEXT, Kind.NOTE, Kind.CODE, Kind.CODES, Kind.REF, Kind.REFS})
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[Ee]\+\d{2}")
_EXACT_DIGITS = 10**15


def mended(one: Field, given: Any, codes: CodeBook) -> Any:
    """A cell as it was meant, where a spreadsheet has changed it.

    :raises Unreadable: where what was meant is lost.
    """
    if isinstance(given, str):
        return _mended_text(one, given, codes)
    if isinstance(given, float):
        return _mended_number(one, given)
    if one.kind in _TEXTUAL and isinstance(given, date) and not isinstance(given, datetime):
        return given.isoformat()
    return given


def _mended_text(one: Field, given: str, codes: CodeBook) -> str:
    word = given.strip()
    if word in FAULTS:
        raise Unreadable(f"单元格是公式错误 {word}，请改为正确的内容")
    if one.personal and "**" in word:
        raise Unreadable(f"{one.title}是脱敏后的内容（含 * 号），请填写完整内容")
    if one.kind is Kind.TEXT and "+" in word and _SCIENTIFIC.fullmatch(word):
        raise Unreadable(f"“{word}”是被 Excel 改成科学计数的号码，请把单元格设为文本格式后重新填写")
    if one.kind is Kind.CODE and " " in word:
        # drop-downs put the code before names that several codes share
        code, name = word.split(maxsplit=1)
        if codes.find(one.table, code) == code and codes.name(one.table, code) == name:
            return code
    return given


def _mended_number(one: Field, given: float) -> Any:
    if one.kind in _TEXTUAL and abs(given) >= _EXACT_DIGITS:
        raise Unreadable(
            f"“{given:.0f}”是数字格式，第 16 位起已被 Excel 改成 0，请把单元格设为文本格式后重新填写"
        )
    if one.kind is Kind.DATE and given < 100_000:
        raise Unreadable(f"“{clean_text(given)}”是数字，请把单元格设为日期格式，或按 2026-05-01 填写")
    # 0.1 + 0.2 in a formula: people see 15 digits
    return float(f"{given:.15g}")


# --- references --------------------------------------------------------------
class _Known:
    """References of this file, looked up beforehand."""

    def __init__(self, ids: dict[str, dict[str, str]], references: References) -> None:
        self.ids = ids
        self.references = references

    def resolve(self, target: str, word: str) -> str | None:
        return self.ids[target].get(word)

    def existing(self, target: str, ids: Iterable[str]) -> set[str]:
        return self.references.existing(target, ids)


def _look_up(
    rows: Iterable[tuple[int, Raw]],
    declared: RecordType,
    codes: CodeBook,
    references: BatchReferences | None,
) -> tuple[int, _Known | None]:
    """Count the rows, and find all records they refer to with one call per type."""
    fields = [x for x in declared.own_fields if x.kind in (Kind.REF, Kind.REFS) and not x.derive_from]
    if references is None or not fields:
        return sum(1 for _ in (rows.only(()) if isinstance(rows, SheetRows) else rows)), None
    cells: dict[str, set[Any]] = {x.name: set() for x in fields}
    inside: dict[str, str] = {}
    own = any(x.target == declared.name for x in fields) and len(declared.key) == 1
    total = 0
    seen_rows = rows.only([*cells, *declared.key, declared.label]) if isinstance(rows, SheetRows) else rows
    for _, raw in seen_rows:
        total += 1
        for name, seen in cells.items():
            seen.add(raw.get(name))
        if own:
            _add_own(inside, declared, raw, codes)
    words: dict[str, set[str]] = {}
    for one in fields:
        wanted = words.setdefault(one.target, set())
        for cell in cells[one.name]:
            wanted.update(_words(one, cell))
    ids = {target: references.resolve_many(target, wanted) for target, wanted in words.items()}
    if own:
        ids[declared.name] = {**inside, **ids[declared.name]}
    return total, _Known(ids, references)


def _words(one: Field, cell: Any) -> Iterator[str]:
    """Every text that parsing will ask for."""
    if is_blank(cell):
        return
    parts = re.split(r"[,，、;；]+", clean_text(cell)) if one.kind is Kind.REFS else [cell]
    for part in parts:
        word = clean_text(part)
        if word:
            yield word
            yield half_width(word)


def _add_own(inside: dict[str, str], declared: RecordType, raw: Raw, codes: CodeBook) -> None:
    """A row may refer to another of the same file: a bureau to the one above it."""
    one = declared.by_name[declared.key[0]]
    try:
        key = PARSERS[one.kind](one, raw.get(one.name), Context(codes))
    except Unreadable:
        return
    if key:
        found = declared.id_for_key(str(key))
        inside.setdefault(str(key), found)
        inside.setdefault(clean_text(raw.get(declared.label)), found)


def _check_derived(
    report: CheckReport,
    rows: Iterable[tuple[int, Raw]],
    declared: RecordType,
    references: References,
) -> CheckReport:
    """Judge the references that follow from a key in the row, now that all are known."""
    fields = [x for x in declared.own_fields if x.derive_from]
    absent: dict[str, set[str]] = {}
    for one in fields:
        ids = {row.values[one.name] for row in report.good} - {None}
        absent[one.name] = ids - references.existing(one.target, ids) if ids else set()
    if not any(absent.values()):
        return report
    good: list[GoodRow] = []
    refused: dict[int, list[Problem]] = {}
    warnings = list(report.warnings)
    for row in report.good:
        problems = [
            Problem(
                one.derive_from,
                f"{declared.by_name[one.derive_from].title}没有对应的{one.title}，请核对",
                Level.REJECT if one.must_exist else Level.WARN,
            )
            for one in fields
            if row.values[one.name] in absent[one.name]
        ]
        if any(p.level is Level.REJECT for p in problems):
            refused[row.number] = problems
            continue
        good.append(row)
        warnings += [Warned(row.number, p) for p in problems]
    bad = list(report.bad)
    if refused:
        bad += [BadRow(number, refused[number], raw) for number, raw in rows if number in refused]
    kept = [w for w in warnings if w.number not in refused]
    return CheckReport(report.total, good, sorted(bad, key=_number), sorted(kept, key=_number))


def _number(row: BadRow | Warned) -> int:
    return row.number


# --- duplicates --------------------------------------------------------------
class _Twins:
    """Rows of one file that state the same fact: the first stands, the others name it."""

    def __init__(self, declared: RecordType) -> None:
        # all rows of one file will have the same provenance
        known = (tuple(n for n in s if n not in PROVENANCE) for s in (declared.key, *declared.unique))
        sets = dict.fromkeys(s for s in known if s)
        self.sets = [(names, "、".join(declared.by_name[n].title for n in names)) for names in sets]
        self.seen: list[dict[tuple[Any, ...], int]] = [{} for _ in self.sets]

    def of(self, number: int, values: Values) -> list[Problem]:
        found: list[Problem] = []
        for (names, titles), seen in zip(self.sets, self.seen, strict=True):
            key = tuple([values[n] for n in names])
            if None in key:
                continue
            first = seen.setdefault(key, number)
            if first != number:
                found.append(Problem(names[0], f"与第 {first} 行重复（{titles}相同），请删去其中一行"))
        return found
