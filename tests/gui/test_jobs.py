"""Jobs that overtake each other."""

from __future__ import annotations

from threading import Event

from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from desktop.work.jobs import Jobs
from tests.gui.exchange_desks import settle


def test_an_older_answer_does_not_paint_over_a_newer_one(qtbot: QtBot, jobs: Jobs) -> None:
    owner, newer_is_in, shown = QObject(), Event(), []

    def slow(_: object) -> str:
        assert newer_is_in.wait(10)
        return "old"

    def fresh(text: str) -> None:
        shown.append(text)
        newer_is_in.set()

    jobs.run("读取", slow, fresh, owner=owner, newest=True)
    jobs.run("读取", lambda _: "new", fresh, owner=owner, newest=True)
    settle(jobs)
    assert shown == ["new"]


def test_other_owners_and_titles_do_not_silence_it(qtbot: QtBot, jobs: Jobs) -> None:
    one, other = QObject(), QObject()
    shown: list[str] = []
    for owner, title in ((one, "读取"), (other, "读取"), (one, "统计")):
        jobs.run(title, lambda _: "seen", shown.append, owner=owner, newest=True)
    settle(jobs)
    assert len(shown) == 3
    jobs.run("读取", lambda _: "again", shown.append, owner=one, newest=True)
    settle(jobs)
    assert shown[-1] == "again"
