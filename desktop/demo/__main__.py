"""``python -m desktop.demo run | story | screenshots FOLDER``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

BUILD = Path("build")


def main(arguments: list[str]) -> int:
    """Play what is asked; without a display ``run`` plays the story."""
    what = arguments[0] if arguments else "run"
    if what == "run" and _has_display():
        from desktop.demo.run import run

        return run(BUILD / "run")
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    if what == "screenshots":
        from desktop.demo.story import play

        return play(BUILD / "demo", pictures=Path(arguments[1]))
    if what == "run":
        print("没有图形显示环境，改为演示整个流程（make demo）。")
    from desktop.demo.story import play

    return play(BUILD / "demo")


def _has_display() -> bool:
    if os.environ.get("QT_QPA_PLATFORM") == "offscreen":
        return False
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
