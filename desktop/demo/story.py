"""``make demo``: a working week of two bureaus and a hub, played through the program's own doors."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from desktop.demo import acts
from desktop.demo.cast import CHEN, WANG, ZHOU
from desktop.demo.hub_process import HubProcess
from desktop.demo.stage import Stage
from desktop.demo.station import Station
from desktop.work.highwater import STATE_VARIABLE


class Story:
    """Records what was done and seen; the first step that fails ends it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pictures = folder / "pages"
        self.steps: list[dict[str, Any]] = []
        self._began = time.monotonic()

    @contextmanager
    def step(self, title: str) -> Iterator[list[str]]:
        """One step; what is appended to the list is what was seen."""
        seen: list[str] = []
        entry: dict[str, Any] = {"step": title, "ok": False, "seen": ""}
        self.steps.append(entry)
        try:
            yield seen
            entry["ok"] = True
        finally:
            entry["seen"] = "；".join(seen)
            mark = "✓" if entry["ok"] else "✗"
            print(f"{mark} [{time.monotonic() - self._began:5.1f} s] {title}：{entry['seen']}", flush=True)
            self._write()

    def _write(self) -> None:
        body = json.dumps(self.steps, ensure_ascii=False, indent=1)
        (self.folder / "story.json").write_text(body, encoding="utf-8")


def play(folder: Path, pictures: Path | None = None) -> int:
    """Play everything; returns the exit code.

    :param pictures: where the page pictures of the manual go; None = only ``folder/pages``.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ[STATE_VARIABLE] = str((folder / "state").absolute())
    story = Story(folder)
    hub = HubProcess(folder / "hub")
    stations = {p.account: Station(p, folder / "stations" / p.account) for p in (CHEN, ZHOU, WANG)}
    stage = Stage(
        story, hub, stations[CHEN.account], stations[ZHOU.account], stations[WANG.account], folder
    )
    try:
        for act in acts.ACTS:
            act(stage)
    finally:
        for station in stations.values():
            station.close()
        hub.stop()
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
        for old in pictures.glob("*.png"):
            old.unlink()
        for picture in story.pictures.glob("*.png"):
            shutil.copy(picture, pictures / picture.name)
    done = sum(1 for s in story.steps if s["ok"])
    print(f"\n{done} 步完成，{len(story.steps) - done} 步失败；结果在 {folder}/story.json")
    return 0 if done == len(story.steps) else 1
