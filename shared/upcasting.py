"""What an older program wrote, in the words of this one: pure, per record type and version.

Field numbers keep their meaning for ever; a type's ``schema_version`` is raised only
when what older programs wrote must be read differently (a value moved to a new
field, a new field that follows from old ones). The step from each version to the next
is one function here; versions without a function are read as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import msgspec

from shared.changes import Run

if TYPE_CHECKING:
    from shared.record import RecordType

PROGRAM = "0.2"
"""What a device says of its program when it asks; for people, decides nothing."""

SCHEMA = 2
"""Version of the whole catalogue, said in statements and asks; raised with each release that changes it."""

Upcaster = Callable[[Run], Run]
UPCASTERS: dict[tuple[str, int], Upcaster] = {}
"""``(type name, version) → `` the step to the next version."""


def upcast(run: Run, declared: RecordType) -> Run:
    """The run as this program would have written it; its own version stays named in it."""
    made = run
    for version in range(run.schema, declared.schema_version):
        step = UPCASTERS.get((declared.name, version))
        if step is not None:
            made = step(made)
    return made if made is run else msgspec.structs.replace(made, schema=run.schema)


def mark(types: Iterable[RecordType]) -> str:
    """Digest of what a catalogue can read: whether there is reason to try again what was not understood."""
    known = sorted((t.number, t.schema_version, *sorted(f.number for f in t.fields)) for t in types)
    return hashlib.sha256(repr(known).encode()).hexdigest()[:32]
