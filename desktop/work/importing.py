"""Bulk import: template, dry run, storing through the write door, error workbook (R28 to R30)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from desktop.work.exporting import Exporting
from desktop.work.records import Records, require_typed
from shared import access
from shared.access import Action
from shared.errors import AccessDenied, Cancelled, Problem, WorkbookError
from shared.fields import Kind
from shared.filters import Filter
from shared.ids import new_id
from shared.record import PROVENANCE, RecordType
from shared.sheets.checking import BadRow, CheckReport, GoodRow, Raw, check_rows
from shared.sheets.errors_book import write_error_workbook
from shared.sheets.reading import read_rows
from shared.sheets.template import write_template
from shared.sheets.text import parse_pasted
from shared.store import query, sql
from shared.store.duplicates import holding
from shared.store.lookups import KNOWN_BY, StoreReferences
from shared.store.query import Place
from shared.store.store import Store
from shared.store.unit import Unit

Progress = Callable[[int, int], None]
"""Told ``(done, total)``; an exception from it (``Cancelled``) ends the work."""

CHUNK = 1_000
TRANSACTION = 50_000
LISTED = 2_000
PASTED = "粘贴"


@dataclass(frozen=True, slots=True)
class Source:
    """The file that was read, as it is archived (R30)."""

    name: str
    digest: str = ""
    sheet: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome of a dry run: what would be stored, what not, and why.

    :param updates: id of the record that a row changes, by row number.
    :param notes: sentences about the file as a whole.
    """

    declared: RecordType
    report: CheckReport
    source: Source
    updates: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """One sentence for the person."""
        good, bad = len(self.report.good), len(self.report.bad)
        parts = [f"共 {self.report.total:,} 行，可入库 {good:,} 行"]
        if self.updates:
            parts.append(f"其中更新已有记录 {len(self.updates):,} 行")
        if bad:
            parts.append(f"有错误 {bad:,} 行")
        if self.report.warnings:
            parts.append(f"提示 {len(self.report.warnings):,} 处")
        return "，".join(parts) + "。"


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did (入库统计, R29)."""

    id: str
    type_name: str
    source: Source
    at: str
    total: int
    inserted: int
    updated: int
    unchanged: int
    refused: int
    warnings: int

    @property
    def text(self) -> str:
        """One sentence for the person."""
        parts = [f"新增 {self.inserted:,} 条"]
        if self.updated:
            parts.append(f"更新 {self.updated:,} 条")
        if self.unchanged:
            parts.append(f"与已有记录相同 {self.unchanged:,} 条")
        if self.refused:
            parts.append(f"未入库 {self.refused:,} 行，可导出错误清单修改后再导入")
        return "，".join(parts) + "。"


class Importing:
    """Spreadsheets and pasted rows into the store, and records out of it."""

    def __init__(self, store: Store, records: Records, exporting: Exporting) -> None:
        self._store = store
        self._records = records
        self._exporting = exporting
        self.export = exporting.export

    # --- workbooks -----------------------------------------------------------
    def template(self, path: Path | str, declared: RecordType) -> None:
        """The empty workbook of a type, with what is on file in its drop-downs."""
        require_typed(declared)
        write_template(path, declared, self._records.codes, choices=self._choices(declared))

    def error_workbook(self, path: Path | str, checked: Checked) -> None:
        """The refused rows with their reasons; mended, it is imported like any other."""
        declared = checked.declared
        write_error_workbook(
            path, declared, checked.report.bad, self._records.codes, choices=self._choices(declared)
        )

    # --- dry run -------------------------------------------------------------
    def check(
        self, path: Path | str, declared: RecordType, progress: Progress | None = None
    ) -> Checked:
        """Judge every row of a file; nothing is stored."""
        self._may_import(declared)
        path = Path(path)
        rows = read_rows(path, declared)
        source = Source(path.name, _digest(path), rows.sheet)
        return self._judge(rows, declared, source, list(rows.notes), progress)

    def check_pasted(
        self, text: str, declared: RecordType, progress: Progress | None = None
    ) -> Checked:
        """Judge rows pasted from a spreadsheet, numbered from 1."""
        self._may_import(declared)
        rows = list(enumerate(self.paste(text, declared), 1))
        if not rows:
            raise WorkbookError("剪贴板里没有可以粘贴的行。", "请在 Excel 中选中要录入的行，复制后再粘贴。")
        digest = hashlib.sha256(text.encode()).hexdigest()
        return self._judge(rows, declared, Source(PASTED, digest), [], progress)

    def paste(self, text: str, declared: RecordType) -> list[dict[str, str]]:
        """Pasted rows as raw values by field name, for a form or a table."""
        return parse_pasted(text, declared)

    # --- storing -------------------------------------------------------------
    def store(
        self, checked: Checked, progress: Progress | None = None, *, initiator: str = "import"
    ) -> ImportReport:
        """Store the good rows; up to 50,000 of them are one transaction, all or nothing."""
        self._may_import(checked.declared)
        import_id = new_id()
        good = checked.report.good
        tell = progress or _silent
        inserted = updated = 0
        for start in range(0, len(good), TRANSACTION):
            part = good[start : start + TRANSACTION]
            try:
                with self._records.unit(f"import:{import_id}", initiator=initiator) as unit:
                    for at in range(0, len(part), CHUNK):
                        tell(start + at, len(good))
                        new, changed = _store(unit, checked, part[at : at + CHUNK])
                        inserted += new
                        updated += changed
                    tell(start + len(part), len(good))  # the last moment to cancel
            except Cancelled:
                if not start:
                    raise
                raise Cancelled(
                    f"已取消：前 {start:,} 行已经入库，其余没有。", "再导入同一个文件时，已入库的行会被指出。"
                ) from None
        report = checked.report
        said = f"{checked.declared.title} 新增 {inserted:,} 条、更新 {updated:,} 条（{import_id}）"
        self._records.note("import", said)
        return ImportReport(
            id=import_id,
            type_name=checked.declared.name,
            source=checked.source,
            at=self._store.clock.stamp(),
            total=report.total,
            inserted=inserted,
            updated=updated,
            unchanged=len(good) - inserted - updated,
            refused=len(report.bad),
            warnings=len(report.warnings),
        )

    # --- inside --------------------------------------------------------------
    def _may_import(self, declared: RecordType) -> None:
        require_typed(declared)
        access.require(self._records.actor, Action.CREATE, declared)
        if not self._records.may("import", declared):
            raise AccessDenied("本机暂为只读，不能导入。", "请先与中心同步一次。")

    def _judge(
        self,
        rows: Iterable[tuple[int, Raw]],
        declared: RecordType,
        source: Source,
        notes: list[str],
        progress: Progress | None,
    ) -> Checked:
        with self._store.read() as connection:
            references = StoreReferences(connection, self._store.types)
            report = check_rows(rows, declared, self._records.codes, references, progress=progress)
            refused = _held(connection, declared, report.good)
            updates: dict[int, str] = {}
            if declared.key:
                updates = self._known(connection, declared, report.good, refused)
        if refused:
            report = _without(report, rows, refused)
            updates = {n: i for n, i in updates.items() if n not in refused}
        return Checked(declared, report, source, updates, notes)

    def _known(
        self,
        connection: Any,
        declared: RecordType,
        good: Sequence[GoodRow],
        refused: dict[int, Problem],
    ) -> dict[int, str]:
        """Rows whose key is on file already change that record, where the person may."""
        ids = {row.number: declared.record_id(row.values) for row in good}
        present = sql.fetch_by_id(
            connection, declared.name, ("source_bureau", "_deleted"), list(ids.values())
        )
        out: dict[int, str] = {}
        name = declared.key[-1]
        for number, record_id in ids.items():
            found = present.get(record_id)
            if found is None:
                continue
            if not access.allows(
                self._records.actor, Action.UPDATE, declared, {"source_bureau": found[0]}
            ):
                refused[number] = Problem(name, f"已有其他单位录入的这条{declared.title}，您不能修改")
            elif not found[1]:  # what was voided is entered again like something new
                out[number] = record_id
        return out

    def _choices(self, declared: RecordType) -> dict[str, list[str]]:
        """What drop-downs offer for references to lists: names, or keys where names repeat."""
        targets = {
            f.target for f in declared.sheet_fields if f.kind in (Kind.REF, Kind.REFS)
        }
        out: dict[str, list[str]] = {}
        with self._store.read() as connection:
            for name in sorted(targets):
                target = self._store.types[name]
                if target.group != "list" or query.count(connection, target, Filter(), Place()) > LISTED:
                    continue
                rows = query.first(connection, target, Filter(), Place(), LISTED)
                out[name] = _words(target, [r.values for r in rows])
        return {name: words for name, words in out.items() if words}


# --- pure pieces ---------------------------------------------------------------
def _silent(done: int, total: int) -> None:
    """No one listens."""


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _words(target: RecordType, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    names = [str(r[target.label]) for r in rows]
    code = next(iter((*KNOWN_BY.get(target.name, target.key), target.label)))
    return [
        name if names.count(name) == 1 else str(row[code])
        for name, row in zip(names, rows, strict=True)
    ]


def _held(
    connection: Any, declared: RecordType, good: Sequence[GoodRow]
) -> dict[int, Problem]:
    """Rows that state what a record on file states already (``unique``)."""
    refused: dict[int, Problem] = {}
    for names in declared.unique:
        if set(names) & set(PROVENANCE):
            continue
        keys = {row.number: tuple(row.values[n] for n in names) for row in good}
        wanted = {k for k in keys.values() if None not in k}
        present = holding(connection, declared, names, wanted)
        titles = "、".join(declared.by_name[n].title for n in names)
        told = declared.label if declared.label in names else names[0]
        for number, key in keys.items():
            if key in present:
                reason = f"已存在：本机已有{titles}相同的{declared.title}，请删去这一行"
                refused[number] = Problem(told, reason)
    return refused


def _without(
    report: CheckReport, rows: Iterable[tuple[int, Raw]], refused: Mapping[int, Problem]
) -> CheckReport:
    """The report with more rows refused; their cells are read once more."""
    doubtful: dict[int, list[Problem]] = {}
    for one in report.warnings:
        doubtful.setdefault(one.number, []).append(one.problem)
    more = [BadRow(n, [refused[n], *doubtful.get(n, [])], raw) for n, raw in rows if n in refused]
    return CheckReport(
        report.total,
        [g for g in report.good if g.number not in refused],
        sorted([*report.bad, *more], key=lambda b: b.number),
        [w for w in report.warnings if w.number not in refused],
    )


def _store(unit: Unit, checked: Checked, rows: Sequence[GoodRow]) -> tuple[int, int]:
    """Insert what is new, change what is known; an empty cell never wipes what is on file."""
    new = [r.values for r in rows if r.number not in checked.updates]
    known = [
        (checked.updates[r.number], _filled(checked.declared.key, r.values))
        for r in rows
        if r.number in checked.updates
    ]
    inserted = unit.insert(checked.declared, new, way="import", proven=True)
    return len(inserted), unit.update_many(checked.declared, known, proven=True)


def _filled(key: Collection[str], values: Mapping[str, Any]) -> dict[str, Any]:
    return {n: v for n, v in values.items() if v is not None and n not in key}
