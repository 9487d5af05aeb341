"""N8: an officer forgets her password with work not yet sent; two persons at the centre bring it back."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtWidgets import QApplication

from desktop.demo.cast import ZHOU
from desktop.ui.welcome.recover import RecoverView
from shared.filters import Filter
from shared.store import audit
from tests.fixtures.towns import Town
from tests.story.test_stick_lost_nothing_lost import enter_alerts, stick

NEW = "下雨天也记得住的新密码"


def keepers(town: Town) -> list[str]:
    """``recovery init`` at the centre, by two persons with a stick each; options for ``recover``."""
    options: list[str] = []
    files: list[Path] = []
    for who in "甲乙":
        folder, words = stick(town, f"keeper-{who}"), f"{who}保管人自己才知道的一句口令"
        (folder / "words.txt").write_text(words, encoding="utf-8")
        files.append(folder / "share.json")
        options += ["--share-passphrase-file", str(folder / "words.txt")]
    said = town.hub.command(
        "recovery", "init", "--share-a", str(files[0]), "--share-b", str(files[1]), *options
    )
    assert "恢复密钥已生成" in said
    return ["--share", str(files[0]), "--share", str(files[1]), *options]


def test_a_forgotten_password_is_recovered_with_everything_pending(town: Town) -> None:
    options = keepers(town)
    town.start_hub()
    zhou = town.open(ZHOU)
    zhou.do(zhou.program.sync_now())  # brings the recovery key
    town.hub.stop()
    titles = ("青穗一店", "青穗二店", "青穗三店")
    enter_alerts(zhou, *titles)
    assert zhou.desk.syncing.state().pending_changes == 3
    zhou.close()

    # she does not remember: at the sign-in page
    zhou.start()
    window = zhou.program.welcome
    assert window is not None
    window.sign_in.account.setEditText(ZHOU.account)
    window.sign_in.recover_wanted.emit()
    zhou.settle()
    view = window.recover
    assert isinstance(view, RecoverView) and view.messages.text() == ""
    way = stick(town, "stick")
    for line in (view.new, view.again):
        line.setText(NEW)
    view.folder.set_path(way)
    view.ask()
    zhou.settle()
    assert view.pages.currentIndex() == 1, view.messages.text()
    request, sheet = next(way.glob("*.yzp")), next(way.glob("*.pdf"))
    assert sheet.read_bytes().startswith(b"%PDF")
    fingerprint = re.search(r"[0-9A-F]{4}( [0-9A-F]{4}){3}", view.facts.text())
    assert fingerprint is not None

    # two persons at the centre
    answer = way / "批复.yzp"
    said = town.hub.command(
        "recover", str(request), *options, "--fingerprint", fingerprint.group(), "--answer", str(answer)
    )
    assert ZHOU.name in said and "批复写在" in said

    # back at her computer
    view.file.set_path(answer)
    view.password.setText(NEW)
    view.take()
    zhou.settle()
    zhou.settle()
    QApplication.processEvents()
    assert zhou.program.shell is not None, view.messages.text()
    assert zhou.desk.syncing.state().pending_changes == 3
    records = zhou.desk.records
    kept = {str(r.values["entity_name"]) for r in records.first(records.type("alert"), Filter(), 100)}
    assert set(titles) <= kept

    # and the hub takes what she had entered before
    town.start_hub()
    zhou.do(zhou.program.sync_now())
    state = zhou.desk.syncing.state()
    assert state.all_in and not state.trouble
    with zhou.desk.store.read() as connection:
        assert "recovered" in {e.event for e in audit.latest(connection)}
        assert audit.check(connection).whole
