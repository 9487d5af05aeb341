"""Typed settings of an installation, one declaration each, in a JSON file of the data folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Generic, TypeVar, overload
from urllib.parse import urlsplit

from desktop.work.files import write_atomic
from shared.errors import InputError

FILE_NAME = "settings.json"
DAMAGED_NAME = "settings-damaged.json"
FOLDER_VARIABLE = "YIZHAN_DATA"

T = TypeVar("T")
Check = Callable[[T], str]
"""Why a value cannot be taken, in Chinese; ``""`` when it can."""


def data_folder() -> Path:
    """Where this installation keeps everything; the environment may say otherwise."""
    said = os.environ.get(FOLDER_VARIABLE, "").strip()
    if said:
        return Path(said).expanduser()
    from platformdirs import user_data_path

    return user_data_path("yizhan", appauthor=False)


class ConfigVar(Generic[T]):
    """One setting: read as an attribute, written with :meth:`Settings.set`."""

    def __init__(self, title: str, default: T, check: Check[T] | None = None) -> None:
        self.title = title
        self.default = default
        self._check = check
        self.name = ""

    def __set_name__(self, owner: type[Settings], name: str) -> None:
        self.name = name

    @overload
    def __get__(self, settings: None, owner: type[Settings]) -> ConfigVar[T]: ...

    @overload
    def __get__(self, settings: Settings, owner: type[Settings]) -> T: ...

    def __get__(self, settings: Settings | None, owner: type[Settings]) -> T | ConfigVar[T]:
        if settings is None:
            return self
        value: T | None = settings.stored(self.name)
        return self.default if value is None or self.problem(value) else value

    def problem(self, value: Any) -> str:
        """Why this value cannot be taken; ``""`` when it can."""
        if type(value) is not type(self.default):
            return f"{self.title}的格式不对"
        return self._check(value) if self._check is not None else ""


def _between(low: int, high: int, unit: str = "") -> Check[int]:
    def check(value: int) -> str:
        return "" if low <= value <= high else f"应在 {low} 至 {high}{unit}之间"

    return check


def _address(value: str) -> str:
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fits = False
    return "" if fits else "应形如 https://hub.example.cn"


def _one_of(*allowed: str) -> Check[str]:
    def check(value: str) -> str:
        return "" if value in allowed else f"应为 {'、'.join(a for a in allowed if a)} 之一"

    return check


class Settings:
    """The settings of one data folder. Names the program does not know are kept as they are."""

    hub_url = ConfigVar("中心地址", "", _address)
    font_size = ConfigVar("字号", 10, _between(9, 12, " 磅"))
    idle_lock_minutes = ConfigVar("无操作锁定时间", 15, _between(1, 240, " 分钟"))
    lease_warn_days = ConfigVar("离线到期提前提醒", 7, _between(0, 60, " 天"))
    auto_sync_minutes = ConfigVar("自动同步间隔（0 为不自动）", 10, _between(0, 1440, " 分钟"))
    attachment_quota_mb = ConfigVar("附件占用上限（可再下载的部分）", 2000, _between(100, 100_000, " MB"))
    last_account = ConfigVar("上次登录账号", "")
    medium_type = ConfigVar("常用介质类型", "1", _one_of("1", "2", "3", "4", "9"))
    medium_number = ConfigVar("常用介质编号", "")
    media_folder = ConfigVar("上次使用的介质位置", "")
    carries_for = ConfigVar("代转的单位", "")
    carries_mb = ConfigVar("代转首批数据和附件的上限", 512, _between(0, 100_000, " MB"))
    """Ids of bureaus, joined by a comma."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or data_folder()
        self.path = self.folder / FILE_NAME
        self.damaged = False
        """The file is there and cannot be read; the defaults are in force."""
        self._values = self._load()

    @classmethod
    def variables(cls) -> dict[str, ConfigVar[Any]]:
        """All declarations by name, for a settings page."""
        return {k: v for k, v in vars(cls).items() if isinstance(v, ConfigVar)}

    def stored(self, name: str) -> Any:
        """What the file says; None when it says nothing."""
        return self._values.get(name)

    def set(self, name: str, value: Any) -> None:
        """Change one setting and save; raises :class:`InputError` for a value that cannot be taken."""
        self.update({name: value})

    def update(self, changes: dict[str, Any]) -> None:
        """Change several at once, all or nothing."""
        known = self.variables()
        for name, value in changes.items():
            problem = known[name].problem(value)
            if problem:
                raise InputError(f"{known[name].title}：{problem}。", "请修改后再保存。")
        merged = {**self._values, **changes}
        if merged != self._values or not self.path.exists():
            body = json.dumps(merged, ensure_ascii=False, indent=1, sort_keys=True)
            if self.damaged:
                with suppress(OSError):
                    self.path.replace(self.path.with_name(DAMAGED_NAME))
            # a folder's name may be no text: json reads such bytes back
            write_atomic(self.path, body.encode("utf-8", "surrogatepass"))
            self.damaged = False
        self._values = merged

    # --- places in the data folder -------------------------------------------
    @property
    def database(self) -> Path:
        """The encrypted database."""
        return self.folder / "yizhan.db"

    @property
    def spool(self) -> Path:
        """Packages under way."""
        return self.folder / "spool"

    @property
    def opened(self) -> Path:
        """Private copies of attachments for other programs; emptied at sign-in and sign-out."""
        return self.folder / "opened"

    def _load(self) -> dict[str, Any]:
        try:
            found = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError):
            self.damaged = True  # defaults serve; the next save sets the file aside
            return {}
        if not isinstance(found, dict):
            self.damaged = True
            return {}
        return found
