"""``make migration m="…"``: a new revision from what the declarations say now.

For maintainers only. Compares the derived schema with databases migrated to head
and writes the difference as explicit DDL into ``shared/store/migrations/versions``.
It lives here because only the hub sees all tables; the revisions serve both sides.
What the comparison cannot see (a renamed column, a default, other fields in a search
index) is written by hand into the file it makes.

``--fresh`` writes 0001 anew from nothing: only while nothing has been released.
"""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from mako.template import Template  # type: ignore[import-untyped]

from server_stub.tables import hub
from shared.store import migrate, tables
from shared.store.database import Database, open_cipher, open_url
from shared.types import catalog

FOLDER = Path(migrate.__file__).parent / "migrations"
VERSIONS = FOLDER / "versions"
_OURS = ("alembic_version", "sqlite_", "search_")


@dataclass(frozen=True, slots=True)
class Part:
    """One function of a revision: which tables it speaks of, compared with which database."""

    name: str
    role: str
    metadata: sa.MetaData


def parts() -> tuple[Part, ...]:
    """Records on both sides, then each side's own."""
    tables.derive_all(catalog.ALL)
    return (
        Part("records", migrate.CLIENT, tables.records),
        Part("client", migrate.CLIENT, tables.client),
        Part("hub", migrate.HUB, hub),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Write the revision; 1 when there is nothing to write."""
    parser = argparse.ArgumentParser(prog="make migration", description=__doc__)
    parser.add_argument("message", help="what changes, one line")
    parser.add_argument("--fresh", action="store_true", help="write revision 0001 anew")
    wanted = parser.parse_args(argv)
    if not wanted.message.strip():
        parser.error('say what changes: make migration m="…"')
    old = [] if wanted.fresh else migrate.known_revisions()
    with TemporaryDirectory() as folder:
        bodies = difference(Path(folder), at=old[0] if old else None)
    if not any(bodies.values()):
        print("nothing changed")  # noqa: T201
        return 1
    number = f"{len(old) + 1:04d}"
    if wanted.fresh:
        for path in VERSIONS.glob("0*.py"):
            path.unlink()
    target = VERSIONS / f"{number}_{_slug(wanted.message)}.py"
    target.write_text(_rendered(wanted.message, number, old[0] if old else None, bodies))
    print(f"{target.name} written; set HEAD in shared/store/migrate.py to {number!r}")  # noqa: T201
    return 0


def difference(folder: Path, at: str | None) -> dict[str, str]:
    """Per part the DDL that leads from revision ``at`` (None: nothing) to the derived schema."""
    sides = {role: _migrated(folder / role, role, at) for role in (migrate.CLIENT, migrate.HUB)}
    try:
        present = {role: _names(side) for role, side in sides.items()}
        found = parts()
        expected = {one.name: set(one.metadata.tables) for one in found}
        gone = {role: present[role] - expected["records"] - expected[role] for role in sides}
        both = gone[migrate.CLIENT] & gone[migrate.HUB]
        dropped = {"records": both, **{role: gone[role] - both for role in sides}}
        bodies = {}
        for one in found:
            with sides[one.role].reader.connect() as connection:
                names = expected[one.name] | dropped[one.name]
                bodies[one.name] = _compared(connection, one, names, batch=at is not None)
        with sides[migrate.CLIENT].reader.connect() as connection:
            bodies["client"] = "\n".join(filter(None, [bodies["client"], _search(connection)]))
    finally:
        for side in sides.values():
            side.close()
    return bodies


def _migrated(path: Path, role: str, at: str | None) -> Database:
    client = role == migrate.CLIENT
    database = open_cipher(path, bytes(32)) if client else open_url(f"sqlite:///{path}")
    if at is not None:
        with database.writer.begin() as connection:
            migrate.upgrade(connection, role, at)
    return database


def _names(side: Database) -> set[str]:
    with side.reader.connect() as connection:
        found = sa.inspect(connection).get_table_names()
    return {name for name in found if not name.startswith(_OURS)}


def _compared(connection: sa.Connection, part: Part, names: set[str], *, batch: bool) -> str:
    def include(name: str | None, kind: str, _: Any) -> bool:
        return kind != "table" or name in names

    context = MigrationContext.configure(
        connection,
        opts={
            "compare_type": True,
            "include_name": include,
            "target_metadata": part.metadata,
        },
    )
    script = produce_migrations(context, part.metadata)
    if script.upgrade_ops is None or script.upgrade_ops.is_empty():
        return ""
    first, *rest = render_python_code(script.upgrade_ops, render_as_batch=batch).splitlines()
    lines = [first, *textwrap.dedent("\n".join(rest)).splitlines()]
    return "\n".join(line for line in lines if not line.startswith("# ###"))


def _search(connection: sa.Connection) -> str:
    present = set(sa.inspect(connection).get_table_names())
    lines = [
        f"op.execute({tables.search_ddl(one)!r})"
        for one in catalog.ALL
        if one.search_fields and f"search_{one.name}" not in present
    ]
    return "\n".join(lines)


def _rendered(message: str, number: str, before: str | None, bodies: dict[str, str]) -> str:
    inside = {
        name: textwrap.indent(body or "pass", "    ").rstrip() for name, body in bodies.items()
    }
    template = Template(filename=str(FOLDER / "script.py.mako"))  # noqa: S702
    return str(template.render(message=message, up_revision=number, down_revision=before, **inside))


def _slug(message: str) -> str:
    return "_".join(re.findall(r"[a-z0-9]+", message.lower())) or "change"


if __name__ == "__main__":
    raise SystemExit(main())
