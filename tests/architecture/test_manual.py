"""The manual speaks of what the program says and shows, and of nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MANUAL = ROOT / "docs" / "manual"
PAGES = sorted(MANUAL.glob("*.md"))
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
ROOMS = ("desktop", "shared", "sync", "server_stub")


def said() -> str:
    """All source there is; a sentence may be put together from pieces of it."""
    return "\n".join(p.read_text("utf-8") for room in ROOMS for p in (ROOT / room).rglob("*.py"))


def sentences() -> list[str]:
    """The first cells of the tables of what to do when something fails."""
    rows = (MANUAL / "09-出错时怎么办.md").read_text("utf-8").splitlines()
    cells = [row.split("|")[1].strip() for row in rows if row.startswith("|")]
    return [cell for cell in cells if cell != "提示" and set(cell) != {"-"}]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text("utf-8"))
    missing = [t for t in targets if "://" not in t and not (MANUAL / t).exists()]
    assert not missing


def test_every_picture_is_shown() -> None:
    shown = {t for page in PAGES for t in LINK.findall(page.read_text("utf-8"))}
    kept = {f"images/{p.name}" for p in (MANUAL / "images").glob("*.png")}
    assert kept and kept <= shown


def test_every_sentence_explained_is_one_the_program_says() -> None:
    source, found = said(), sentences()
    assert len(found) > 50
    unknown = [s for s in found if not all(part in source for part in s.split("…"))]
    assert not unknown


def test_the_decisions_are_all_listed_in_order() -> None:
    folder = ROOT / "docs" / "adr"
    listed = LINK.findall((folder / "README.md").read_text("utf-8"))
    assert listed == sorted(p.name for p in folder.glob("0*.md"))
