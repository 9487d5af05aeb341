"""The UI kit: jobs."""

from __future__ import annotations

import threading

from pytestqt.qtbot import QtBot

from desktop.work.jobs import Jobs, JobState, Progress
from shared.errors import InputError, YizhanError


# --- jobs --------------------------------------------------------------------
def test_job_gives_its_result_on_the_gui_thread(jobs: Jobs) -> None:
    came: list[tuple[int, bool]] = []
    main = threading.get_ident()
    seen: list[int] = []

    def work(progress: Progress) -> int:
        seen.append(threading.get_ident())
        return 42

    jobs.run("算", work, lambda n: came.append((n, threading.get_ident() == main)))
    assert jobs.wait_idle()
    assert came == [(42, True)]
    assert seen != [main]


def test_writers_run_one_after_the_other(jobs: Jobs) -> None:
    inside, most = [0], [0]
    lock = threading.Lock()

    def work(progress: Progress) -> None:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        sum(range(20_000))
        with lock:
            inside[0] -= 1

    for _ in range(12):
        jobs.run("写", work, lane="write")
    assert jobs.wait_idle()
    assert most == [1]


def test_who_saves_waits_for_no_exchange_but_for_a_stick(jobs: Jobs) -> None:
    begun, go_on = threading.Event(), threading.Event()
    order: list[str] = []

    def exchange(progress: Progress) -> None:
        begun.set()
        assert go_on.wait(5)
        order.append("exchange")

    def alone(progress: Progress) -> None:
        begun.set()
        assert not go_on.wait(0.05)
        order.append("alone")

    jobs.run("同步", exchange, lane="exchange")
    assert begun.wait(5)
    jobs.run("导出", lambda _: order.append("stick"), lane="alone")  # its turn comes after the exchange
    jobs.run("保存", lambda _: [order.append("saved"), go_on.set()], lane="write")
    assert jobs.wait_idle()
    assert order == ["saved", "exchange", "stick"]

    begun.clear(), go_on.clear(), order.clear()
    jobs.run("导出", alone, lane="alone")
    assert begun.wait(5)
    jobs.run("保存", lambda _: order.append("saved"), lane="write")
    assert jobs.wait_idle()
    assert order == ["alone", "saved"]


def test_cancel_stops_between_batches_and_is_no_failure(jobs: Jobs) -> None:
    begun, go_on = threading.Event(), threading.Event()
    done: list[int] = []
    loud: list[object] = []
    jobs.failed.connect(lambda *_: loud.append(1))

    def work(progress: Progress) -> int:
        begun.set()
        go_on.wait(5)
        progress(1, 10)
        return 1

    job = jobs.run("长", work, done.append)
    assert begun.wait(5)
    job.cancel()
    go_on.set()
    assert jobs.wait_idle()
    assert job.state is JobState.CANCELLED
    assert done == [] and loud == []


def test_progress_is_throttled_but_the_end_is_told(jobs: Jobs) -> None:
    told: list[int] = []
    jobs.progressed.connect(lambda job: told.append(job.done))

    def work(progress: Progress) -> None:
        for i in range(1, 5001):
            progress(i, 5000)

    jobs.run("数", work)
    assert jobs.wait_idle()
    assert told[-1] == 5000
    assert len(told) < 200


def test_expected_error_goes_to_its_callback_else_to_the_signal(jobs: Jobs) -> None:
    def work(progress: Progress) -> None:
        raise InputError("表头不对。", "请用模板。")

    taken: list[YizhanError] = []
    told: list[YizhanError] = []
    jobs.failed.connect(lambda job, error: told.append(error))
    jobs.run("读", work, failed=taken.append)
    assert jobs.wait_idle()
    assert [e.message for e in taken] == ["表头不对。"] and told == []
    jobs.run("读", work)
    assert jobs.wait_idle()
    assert [e.hint for e in told] == ["请用模板。"]


def test_unexpected_error_surfaces(jobs: Jobs, qtbot: QtBot) -> None:
    def work(progress: Progress) -> None:
        raise ZeroDivisionError("a bug")

    with qtbot.captureExceptions() as caught:
        jobs.run("错", work)
        assert jobs.wait_idle()
    assert [e[0] for e in caught] == [ZeroDivisionError]
