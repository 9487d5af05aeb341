"""What a new record starts with: what the own bureau's record knows is not asked again."""

from __future__ import annotations

from desktop.work.records import Records
from shared.record import RecordType

_BUREAU = {"name": ("authority", "data_source"), "uscc": ("authority_uscc", "data_source_uscc")}


def starting_values(records: Records, declared: RecordType) -> dict[str, str]:
    """Raw texts by field name; authority and source only where the form asks for their code too."""
    bureau_type = records.type("bureau")
    wanted = {
        name: source
        for source, names in _BUREAU.items()
        for name in names
        if name in declared.by_name and f"{name.removesuffix('_uscc')}_uscc" in declared.by_name
    }
    bureau = records.get(bureau_type, records.actor.bureau) if wanted and records.actor.bureau else None
    if bureau is None:
        return {}
    return {
        name: records.raw_text(bureau_type.by_name[source], bureau.values[source])
        for name, source in wanted.items()
        if bureau.values.get(source)
    }
