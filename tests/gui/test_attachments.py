"""附件 in real windows: dropped, pasted, chosen; shown with state words; opened, saved, removed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QImage
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from desktop.demo.camera import photograph
from desktop.ui.attachments.strip import AttachmentStrip
from desktop.ui.pages.entities import EntitiesPage
from desktop.ui.pages.inspections import InspectionsPage
from desktop.ui.pages.records import RecordsPage
from desktop.work.desk import Desk
from desktop.work.session import Session
from tests.fixtures.photos import PDF, photo
from tests.fixtures.samples import sample
from tests.gui.test_page_inspections import fill, pick
from tests.gui.working import Worker, add_tasks, entities

SHOTS = os.environ.get("YIZHAN_SHOTS", "")


def shot(window: QWidget, name: str) -> None:
    if SHOTS and not window.isWindow() and window.parent() is not None:
        assert window.grab().save(str(Path(SHOTS) / f"{name}.png"))
    elif SHOTS:
        photograph(window, Path(SHOTS) / f"{name}.png")


def files(folder: Path, *names: str) -> list[Path]:
    folder.mkdir(exist_ok=True)
    for n, name in enumerate(names):
        shades = ("teal", "darkorange", "slateblue", "darkred")
        data = photo(640 + n, 480, shades[n % 4]) if name.endswith("jpg") else PDF + bytes([n]) * 3000
        (folder / name).write_bytes(data)
    return [folder / name for name in names]


def drop(strip: AttachmentStrip, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(p)) for p in paths])
    event = QDropEvent(
        QPointF(20, 20), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    strip.dropEvent(event)


def settle(desk: Desk) -> None:
    for _ in range(4):
        assert desk.jobs.wait_idle()
        QApplication.processEvents()


class Answers:
    """Answers the file dialogs."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def to_open(self, *_: Any) -> Path:
        return self.path

    to_save = to_open


def test_photos_of_an_inspection(desk: Desk, qtbot: QtBot, tmp_path: Path) -> None:
    worker = Worker(desk, qtbot, "inspections", InspectionsPage)
    (task,) = add_tasks(desk, 5)
    desk.tasks.claim(task)
    page = worker.open(task=task)
    strip = page.form.photos
    assert not strip.may_add() and "先点“保存（不提交）”" in strip.note()
    pick(worker, page)
    pick(worker, page)
    worker.press("保存（不提交）")
    assert strip.may_add() and "拖到这里" in strip.note()
    drop(strip, *files(tmp_path / "in", "后厨.jpg", "前厅.jpg", "食品经营许可证.pdf"))
    settle(desk)
    assert strip.texts() == ["后厨\n待传", "前厅\n待传", "食品经营许可证\n待传"]
    assert "已添加 3 个附件" in page.messages.text() and "3 个还没有入库" in strip.note()
    shot(worker.shell, "inspection")
    shot(page.form, "attachments")
    fill(page, ended_at="2099-12-31 10:20", findings="证照齐全。", result="1", disposition="0")
    worker.press("提交")
    assert not strip.may_add() and len(strip.texts()) == 3


def test_a_penalty_has_its_scan(desk: Desk, qtbot: QtBot, tmp_path: Path) -> None:
    worker = Worker(desk, qtbot, "records", RecordsPage)
    entity = entities(desk, 1)[0]
    raw = sample("penalty") | {"uscc": entity.values["uscc"], "party_name": entity.values["name"], "item": "CF0001"}
    saved = desk.records.save(desk.records.type("penalty"), raw)
    page = worker.open(type="penalty", new=True)
    assert page.room is not None and page.room.strip is not None
    strip = page.room.strip
    assert "保存以后" in strip.note()
    page.open_type("penalty", {"id": saved.id})
    settle(desk)
    strip.files = Answers(files(tmp_path / "in", "决定书.pdf")[0])  # type: ignore[assignment]
    strip.choose()
    settle(desk)
    assert strip.texts() == ["决定书\n待传"]
    shot(worker.shell, "penalty")

    dossier = Worker(desk, qtbot, "entities", EntitiesPage)
    of_entity = dossier.open(id=entity.id)
    assert of_entity.dossier.photos.texts() == ["决定书\n待传"]
    drop(of_entity.dossier.photos, *files(tmp_path / "in", "门头.jpg"))
    settle(desk)
    assert sorted(of_entity.dossier.photos.texts()) == ["决定书\n待传", "门头\n待传"]
    assert "attachment" not in of_entity.dossier.counts()
    shot(dossier.shell, "dossier")


@pytest.fixture
def strip(desk: Desk, qtbot: QtBot, tmp_path: Path) -> AttachmentStrip:
    worker = Worker(desk, qtbot, "entities", EntitiesPage)
    page = worker.open(id=entities(desk, 1)[0].id)
    made = page.dossier.photos
    drop(made, *files(tmp_path / "in", "门头.jpg", "合同.pdf"))
    settle(desk)
    made.grid.setCurrentRow(0)
    made.kept = worker  # type: ignore[attr-defined]
    return made


def test_it_is_opened_through_a_private_copy(desk: Desk, strip: AttachmentStrip, tmp_path: Path) -> None:
    seen: list[Path] = []
    strip._view = seen.append
    strip.open_current()
    settle(desk)
    (path,) = seen
    assert path.name == strip.current.file_name and path.is_relative_to(desk.settings.opened)  # type: ignore[union-attr]
    out = tmp_path / "out.bin"
    strip.files = Answers(out)  # type: ignore[assignment]
    strip.save_current()
    settle(desk)
    assert out.read_bytes() == path.read_bytes() and "不再加密" in strip.messages.text()
    Session.close(desk.session)
    assert not path.exists()


def test_it_is_removed_with_a_reason_only(desk: Desk, strip: AttachmentStrip) -> None:
    before, gone = len(strip.texts()), strip.current
    assert gone is not None
    strip._ask_remove()
    assert strip._reason.isVisibleTo(strip) and not strip._reason.yes.isEnabled()
    strip._reason.reason.setText("拍错了")
    strip._reason.yes.click()
    settle(desk)
    assert len(strip.texts()) == before - 1 and gone.title not in "".join(strip.texts())


def test_a_picture_is_pasted(desk: Desk, strip: AttachmentStrip) -> None:
    QApplication.clipboard().setImage(QImage.fromData(photo(300, 200, "darkred")))
    strip.paste()
    settle(desk)
    assert any(t.startswith("粘贴的图片\n") for t in strip.texts())


def test_what_is_refused_says_why(desk: Desk, strip: AttachmentStrip, tmp_path: Path) -> None:
    program = tmp_path / "run.jpg"
    program.write_bytes(b"MZ a program")
    drop(strip, program, files(tmp_path / "in2", "x.jpg", "y.jpg", "新.jpg")[2])
    settle(desk)
    said = strip.messages.text()
    assert "已添加 1 个" in said and "“run.jpg”没有添加：这种文件不能作为附件" in said


def test_nothing_is_added_when_the_session_is_read_only(
    desk: Desk, strip: AttachmentStrip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session, "read_only", property(lambda _: True))
    before = strip.texts()
    strip.update_actions()
    drop(strip, *files(tmp_path / "in3", "晚.jpg"))
    settle(desk)
    assert strip.texts() == before and "现在不能添加附件" in strip.messages.text()
