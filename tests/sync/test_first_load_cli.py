"""A first load carried by hand: ``yizhan-hub import`` writes small volumes, a computer reads them on its media page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from desktop.work.media import Received
from desktop.work.media_report import Verdict
from server_stub import cli, loads
from server_stub.cli import shelf
from server_stub.snapshots import Snapshots
from shared.access import HUB_ACTOR
from shared.errors import PackageTampered
from shared.fictitious import market_entities
from sync.loading import load_words
from tests.fixtures.first_loads import SMALL
from tests.fixtures.hubs import DIVISION, PASSPHRASE, Place, make_place, serving
from tests.fixtures.stations import STICK, Station, quiet, station

ENTITIES = 2500


@dataclass
class Carried:
    """An enrolled computer, and the volumes that answer its export."""

    seat: Station
    volumes: list[Path]
    said: str

    def look(self, path: Path) -> Received:
        """核验."""
        return self.seat.media.receive(path, quiet)

    def take(self, volume: int) -> str:
        """Check and import volume 1, 2, …; gives what the page says of the load afterwards."""
        received = self.look(self.volumes[volume - 1])
        assert received.report.verdict is Verdict.APPLY, received.report.problems
        return self.seat.media.apply(received, STICK, quiet).load

    @property
    def count(self) -> int:
        return self.seat.count("market_entity")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = make_place(f"sqlite:///{tmp_path / 'hub' / 'hub.db'}", tmp_path / "hub")
    with made.hub.store.unit(HUB_ACTOR) as unit:
        declared = made.hub.store.types["market_entity"]
        unit.insert(declared, list(market_entities(ENTITIES, DIVISION)), way="exchange", proven=True)
    yield made
    made.hub.close()


@pytest.fixture
def carried(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Carried]:
    """As few megabytes as the option takes, and parts as small as in the other tests."""
    with serving(place.hub) as url:
        seat = station(place.hub, url, place.a, tmp_path / "seat")
    stick = tmp_path / "stick"
    stick.mkdir()
    seat.session.engine.first_load.ask_anew()
    asked = seat.media.export(stick, STICK, quiet).path
    monkeypatch.setattr(loads, "LEAST", 1)
    monkeypatch.setattr(shelf, "LEAST", 1)
    monkeypatch.setattr(loads, "OVERHEAD", 900_000)
    made = Snapshots.__init__

    def small(self: Snapshots, *arguments: object) -> None:
        made(self, *arguments)  # type: ignore[arg-type]
        self.part_pages = SMALL

    monkeypatch.setattr(Snapshots, "__init__", small)
    monkeypatch.setenv("YIZHAN_HUB_PASSPHRASE", PASSPHRASE)
    capsys.readouterr()
    where = ("--data", str(place.hub.data))
    code = cli.main((*where, "import", str(asked), "--answer", str(stick / "回件.yzp"), "--volume-size", "1"))
    said = capsys.readouterr()
    assert code == 0, said.err
    yield Carried(seat, sorted(stick.glob("回件*.yzp")), said.out)
    seat.session.close()


def test_the_command_line_names_every_volume(carried: Carried) -> None:
    names = [path.name for path in carried.volumes]
    assert len(names) >= 3 and names == [f"回件-第{i}卷.yzp" for i in range(1, len(names) + 1)]
    assert all(path.stat().st_size <= 1_000_000 for path in carried.volumes)
    assert f"分为 {len(names)} 卷；每卷都要带到，导入的先后不限" in carried.said
    prints = [carried.look(path).report.fingerprint_text for path in carried.volumes]
    for name, fingerprint in zip(names, prints, strict=True):
        assert re.search(f"{name}　[0-9.]+ MB　指纹 {fingerprint}", carried.said)


def test_volumes_in_the_wrong_order_say_what_is_missing(carried: Carried) -> None:
    last = len(carried.volumes)
    missing = list(range(1, last))
    assert carried.take(last).endswith("还缺" + "、".join(f"第 {n} 卷" for n in missing))
    for volume in (2, *range(3, last)):
        missing.remove(volume)
        assert carried.take(volume).endswith("还缺" + "、".join(f"第 {n} 卷" for n in missing))
    assert missing == [1] and carried.count == 0
    assert "全部装载并启用" in carried.take(1) and carried.count == ENTITIES
    assert carried.look(carried.volumes[1]).report.verdict is Verdict.REPEATED


def test_a_volume_that_is_missing_or_damaged_is_named(carried: Carried) -> None:
    good = carried.volumes[1].read_bytes()
    carried.take(1)
    spoiled = bytearray(good)
    spoiled[len(good) // 2] ^= 1
    carried.volumes[1].write_bytes(spoiled)
    report = carried.look(carried.volumes[1]).report
    assert report.verdict is Verdict.REFUSED and report.file_name == "回件-第2卷.yzp"
    assert isinstance(report.refusal, PackageTampered) and report.problems
    carried.volumes[1].write_bytes(good[: len(good) // 2])  # the stick was pulled out too early
    assert carried.look(carried.volumes[1]).report.verdict is Verdict.REFUSED
    for volume in range(3, len(carried.volumes) + 1):
        said = carried.take(volume)
    assert said.endswith("还缺第 2 卷") and carried.count == 0
    assert load_words(carried.seat.session.store).endswith("还缺第 2 卷")
    carried.volumes[1].write_bytes(good)
    assert "全部装载并启用" in carried.take(2) and carried.count == ENTITIES


def test_a_volume_too_small_for_a_part_is_refused_with_the_least(
    carried: Carried, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], place: Place
) -> None:
    stick = carried.volumes[0].parent
    (asked,) = (p for p in stick.glob("*.yzp") if not p.name.startswith("回件"))
    monkeypatch.setattr(loads, "OVERHEAD", 995_000)
    code = cli.main(("--data", str(place.hub.data), "import", str(asked), "--answer", str(stick / "小.yzp"),
                     "--volume-size", "1"))  # fmt: skip
    assert code == 1 and "分卷太小：最小需要" in capsys.readouterr().err
    assert not list(stick.glob("小*"))
