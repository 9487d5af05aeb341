"""The program as a person meets it: from start to the sign-in window, from key to results."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.measure import LOWER, REPORTED, Benchmark, Skipped, ratio, say
from tests.bench.searching import shared_district
from tests.bench.stage import ENTITY, OFFICER

START_ROUNDS = 9
WORDS = ("青穗餐饮", "霁筠软件", "qscy", "溯禾", "苔笠汽修", "宝山", "嘉定泠畦", "有限公司")
READY = "ready"
EMPTY_WINDOW = """
from PySide6.QtWidgets import QApplication, QWidget
app = QApplication(["empty"])
window = QWidget()
window.resize(800, 600)
window.show()
app.processEvents()
window.grab()
print("ready", flush=True)
"""


# --- start -------------------------------------------------------------------
def start(folder: Path) -> float:
    """Seconds until the sign-in window of an enrolled device is painted ÷ until an empty window is."""
    _enrol(folder)
    ours = [sys.executable, "-m", "desktop", "--measure-start"]
    empty = [sys.executable, "-c", EMPTY_WINDOW]
    for command in (ours, empty):
        _until_ready(command, folder)  # once for the disk cache
    return ratio(
        lambda: _until_ready(ours, folder), lambda: _until_ready(empty, folder), START_ROUNDS,
        note="sign-in window ÷ empty window",
    )  # fmt: skip


def _enrol(folder: Path) -> None:
    """The key file of a device with two accounts, its keys resting on the passwords alone."""
    from desktop.work.keys import KeyFile
    from shared.clock import Clock
    from shared.ids import new_id
    from sync.messages import PROTOCOL, Grant
    from sync.signing import SigningKey
    from sync.suite import OpenKey
    from sync.trust import DeviceKeys, HubTrust

    keys, root, seal = KeyFile(folder, vault=lambda: None), SigningKey.generate().public, OpenKey.generate()
    trust = HubTrust(new_id(), "驿城中心", root, seal.public)
    db_key, device = os.urandom(32), DeviceKeys.generate()
    for account, person in (("chenmin", "陈敏"), ("laozhou", "老周")):
        grant = Grant(
            v=PROTOCOL, hub_id=trust.hub_id, hub_name=trust.name, epoch=new_id(),
            hub_sign_key=root.to_bytes(), hub_seal_key=seal.public.to_bytes(), device=new_id(),
            bureau=new_id(), bureau_name="驿城市场监督管理局", division="310113", user=new_id(),
            account=account, person=person, roles=["officer"], proof=b"", at=Clock().stamp(),
        )  # fmt: skip
        keys.create_account(
            "Yz-20260501-bench", db_key=db_key, device_keys=device, hub_trust=trust, grant=grant
        )


def _until_ready(command: list[str], folder: Path) -> float:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "YIZHAN_DATA": str(folder)}
    began = time.perf_counter()
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None and child.stderr is not None
        said = child.stdout.readline().strip()
        took = time.perf_counter() - began
        complaint = child.stderr.read()
    if said != READY:
        raise Skipped(f"no “{READY}” from {command[-1]}: {complaint.strip()[-200:]}")
    return took


# --- typing ------------------------------------------------------------------
def keystroke(folder: Path) -> float:
    """95th percentile, in ms, from a key in the search box to painted results in the entity list.

    The pause after which the filter asks is part of it.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import QEventLoop
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

    from desktop.ui.tables import filterbar
    from desktop.ui.tables.filterbar import FilterBar
    from desktop.ui.tables.view import RecordTable
    from desktop.ui.theme import apply_theme
    from desktop.work.jobs import Jobs
    from desktop.work.records import Records

    store = shared_district(folder)
    app = QApplication(["bench"])
    apply_theme(app)
    jobs = Jobs()
    records = Records(store, lambda: OFFICER)
    window = QWidget()
    bar, table = FilterBar(ENTITY, records, jobs), RecordTable(ENTITY, records, jobs)
    column = QVBoxLayout(window)
    column.addWidget(bar)
    column.addWidget(table)
    bar.changed.connect(table.set_filter)
    window.resize(1366, 740)
    window.show()
    shown: list[float] = []
    waiting = QEventLoop()

    def painted() -> None:
        table.grid.viewport().repaint()
        shown.append(time.perf_counter())
        waiting.quit()

    table.model.modelReset.connect(painted)
    times: list[float] = []

    def await_page() -> None:
        if not shown:
            waiting.exec()

    for word in WORDS:
        for stop in range(1, len(word) + 1):
            shown.clear()
            began = time.perf_counter()
            if word.isascii():
                QTest.keyClicks(bar.search, word[stop - 1])
            else:
                bar.search.insert(word[stop - 1])  # what an input method commits
            await_page()
            times.append((shown[0] - began) * 1000)
            jobs.wait_idle()
        shown.clear()
        bar.search.clear()
        await_page()
        jobs.wait_idle()
    value = statistics.quantiles(times, n=20)[-1]
    say(f"  {len(times)} keys, median {statistics.median(times):.0f} ms, pause {filterbar.DEBOUNCE_MS} ms")
    window.close()
    jobs.shutdown()
    return value


BENCHMARKS = (
    Benchmark("start", 3, LOWER, start),
    Benchmark("keystroke", None, REPORTED, keystroke),
)
