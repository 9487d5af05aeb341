"""Settings: typed, validated, never half written, and no obstacle when the file is broken."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from desktop.work.settings import Settings, data_folder
from shared.errors import InputError


def test_defaults_and_round_trip(tmp_path: Path) -> None:
    one = Settings(tmp_path)
    assert (one.font_size, one.idle_lock_minutes, one.auto_sync_minutes, one.hub_url) == (10, 15, 10, "")
    one.update({"font_size": 12, "hub_url": "https://hub.example.cn"})
    again = Settings(tmp_path)
    assert (again.font_size, again.hub_url) == (12, "https://hub.example.cn")


def test_a_folder_whose_name_is_not_utf_8(tmp_path: Path) -> None:
    folder = os.fsdecode("照片".encode("gbk"))  # as a stick written on another system may have it
    Settings(tmp_path).set("media_folder", folder)
    assert Settings(tmp_path).media_folder == folder


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("font_size", 40, "9 至 12"),
        ("font_size", "十", "格式不对"),
        ("idle_lock_minutes", True, "格式不对"),
        ("hub_url", "hub.example.cn", "形如"),
        ("hub_url", "http://[", "形如"),
        ("medium_type", "7", "之一"),
    ],
)
def test_bad_values_are_refused_with_a_sentence(name: str, value: object, said: str, tmp_path: Path) -> None:
    one = Settings(tmp_path)
    with pytest.raises(InputError, match=said):
        one.update({"auto_sync_minutes": 60, name: value})
    assert one.auto_sync_minutes == 10 and not one.path.exists()  # all or nothing


def test_broken_or_foreign_files(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text('{"font_size": 99, "auto_sync_minutes": 60, "later": [1]}')
    one = Settings(tmp_path)
    assert (one.font_size, one.auto_sync_minutes, one.damaged) == (10, 60, False)
    one.set("font_size", 11)
    assert '"later"' in one.path.read_text()  # of a newer version: kept
    one.path.write_text("{half")
    again = Settings(tmp_path)
    assert again.damaged and again.auto_sync_minutes == 10


def test_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIZHAN_DATA", str(tmp_path / "here"))
    assert data_folder() == tmp_path / "here"
    assert Settings().database.parent == tmp_path / "here"
    monkeypatch.delenv("YIZHAN_DATA")
    assert data_folder().name == "yizhan"


def test_every_setting_is_declared_with_a_title_and_a_good_default() -> None:
    declared = Settings.variables()
    assert {"hub_url", "font_size", "idle_lock_minutes", "auto_sync_minutes"} <= declared.keys()
    assert all(v.title and not v.problem(v.default) for v in declared.values())
