"""Who cannot be let in reads why, and what to do: the data are in use, or newer than the program."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from desktop.bootstrap import Program
from desktop.demo.cast import CHEN
from desktop.ui.welcome.window import WelcomeWindow
from desktop.work.events import Events
from shared.store import sql
from tests.fixtures.towns import Town
from tests.fixtures.typist import DOCUMENT, typing

USCC = "91310113XN12345667"


@contextmanager
def at_the_door(town: Town) -> Iterator[tuple[WelcomeWindow, Program]]:
    """The program is started on 陈敏's computer."""
    program = Program(town.settings(CHEN), Events())
    window = program.start()
    assert program.jobs.wait_idle()
    try:
        yield window, program
    finally:
        window.close()
        program.close()


def knock(window: WelcomeWindow, program: Program) -> str:
    """The right password; gives what the window says."""
    window.sign_in.account.setEditText(CHEN.account)
    window.sign_in.password.setText(CHEN.password)
    window.sign_in.submit()
    assert program.jobs.wait_idle(30)
    return window.sign_in.messages.text()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_second_window_says_where_the_first_is(town: Town) -> None:
    first = town.open(CHEN)
    with at_the_door(town) as (window, program):
        for _ in range(2):  # trying again changes nothing
            said = knock(window, program)
            assert "驿站已在运行" in said and "请切换到已打开的窗口" in said
            assert program.desk is None and window.isVisible()
        assert first.desk.syncing.state().all_in  # the first is not disturbed
        first.close()
        assert knock(window, program) == ""
        assert program.desk is not None and program.welcome is None


def test_another_process_holds_the_folder_until_it_ends(town: Town) -> None:
    with at_the_door(town) as (window, program):
        with typing(town.settings(CHEN).folder, USCC):
            assert "驿站已在运行" in knock(window, program)
        # killed, it leaves neither a lock nor a hole
        assert knock(window, program) == ""
        assert program.desk is not None
        records = program.desk.records
        drafts = records.drafts(records.type("penalty"))
        assert [d.raw["document_no"] for d in drafts] == [DOCUMENT]


def test_data_of_a_newer_program_are_left_alone(town: Town) -> None:
    chen = town.open(CHEN)
    with chen.desk.store.write() as connection:
        (known,) = sql.execute(connection, "SELECT version_num FROM alembic_version").fetchone() or ("",)
        sql.execute(connection, "UPDATE alembic_version SET version_num = '9999'")
    chen.close()
    database = town.settings(CHEN).database
    before = digest(database)
    with at_the_door(town) as (window, program):
        said = knock(window, program)
        assert "数据库由更新版本的驿站写入" in said and "请升级驿站" in said and "没有改动" in said
        assert program.desk is None and window.isVisible()
    assert known != "9999" and digest(database) == before
