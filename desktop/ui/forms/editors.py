"""One editor per Kind. Editors hold raw text as typed: reading it is ``shared.parsing``'s work."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from desktop.ui.forms.choosing_editors import BoolEditor, CodeEditor, RefEditor
from desktop.ui.forms.editor import Editor
from desktop.ui.forms.set_editors import CodesEditor, RefsEditor
from desktop.ui.forms.typing_editors import (
    DateEditor,
    MoneyEditor,
    NoteEditor,
    NumberEditor,
    TextEditor,
    TimeEditor,
)
from desktop.work.jobs import Jobs
from shared.fields import Field, Kind

if TYPE_CHECKING:
    from desktop.work.records import Records

EDITORS: dict[Kind, Callable[[Field, Records, Jobs], Editor]] = {
    Kind.TEXT: TextEditor,
    Kind.NOTE: NoteEditor,
    Kind.CODE: CodeEditor,
    Kind.CODES: CodesEditor,
    Kind.MONEY: MoneyEditor,
    Kind.DATE: DateEditor,
    Kind.TIME: TimeEditor,
    Kind.INTEGER: NumberEditor,
    Kind.DECIMAL: NumberEditor,
    Kind.BOOL: BoolEditor,
    Kind.REF: RefEditor,
    Kind.REFS: RefsEditor,
}


def editor_for(field: Field, records: Records, jobs: Jobs) -> Editor:
    """The editor of a field, by its kind."""
    return EDITORS[field.kind](field, records, jobs)
