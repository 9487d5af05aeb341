"""All pages in rail order: name, words, picture, who may see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop.ui.pages.page import Page, PageSpec

if TYPE_CHECKING:
    from desktop.work.desk import Desk


def specs(desk: Desk) -> list[PageSpec]:
    """Pages of one signed-in person; a module is imported when its page is first opened."""
    records = desk.records

    def reads(name: str) -> bool:
        return records.may("read", records.type(name))

    def business() -> bool:
        return records.actor.has("officer", "bureau_admin")

    def home() -> Page:
        from desktop.ui.pages.home import HomePage

        return HomePage(desk)

    def entry() -> Page:
        from desktop.ui.pages.records import RecordsPage

        return RecordsPage(desk)

    def entities() -> Page:
        from desktop.ui.pages.entities import EntitiesPage

        return EntitiesPage(desk)

    def claims() -> Page:
        from desktop.ui.pages.claims import ClaimsPage

        return ClaimsPage(desk)

    def tasks() -> Page:
        from desktop.ui.pages.tasks import TasksPage

        return TasksPage(desk)

    def inspections() -> Page:
        from desktop.ui.pages.inspections import InspectionsPage

        return InspectionsPage(desk)

    def verify() -> Page:
        from desktop.ui.pages.verify import VerifyPage

        return VerifyPage(desk)

    def sync() -> Page:
        from desktop.ui.pages.sync import SyncPage

        return SyncPage(desk)

    def media() -> Page:
        from desktop.ui.pages.media import MediaPage

        return MediaPage(desk)

    def problems() -> Page:
        from desktop.ui.pages.problems import ProblemsPage

        return ProblemsPage(desk)

    def conflicts() -> Page:
        from desktop.ui.pages.conflicts import ConflictsPage

        return ConflictsPage(desk)

    def held() -> Page:
        from desktop.ui.pages.held import HeldPage

        return HeldPage(desk)

    def sync_log() -> Page:
        from desktop.ui.pages.sync_log import SyncLogPage

        return SyncLogPage(desk)

    def settings() -> Page:
        from desktop.ui.pages.settings import SettingsPage

        return SettingsPage(desk)

    return [
        PageSpec("home", "工作台", "home", home, lambda: True),
        PageSpec("records", "信息录入", "edit", entry, lambda: True),
        PageSpec("entities", "市场主体", "building", entities, lambda: True),
        PageSpec("claims", "监管认领", "claim", claims, business),
        PageSpec("tasks", "监管任务", "task", tasks, business),
        PageSpec("inspections", "现场检查", "inspect", inspections, business),
        PageSpec("verify", "核查", "verify", verify, lambda: True),
        PageSpec("sync", "同步", "sync", sync, lambda: True),
        PageSpec("media", "介质交换", "media", media, lambda: True),
        PageSpec("problems", "问题数据", "warning", problems, lambda: reads("data_problem")),
        PageSpec("conflicts", "冲突", "conflict", conflicts, lambda: reads("conflict")),
        PageSpec("held", "隔离待审", "lock", held, lambda: reads("held_set")),
        PageSpec("sync_log", "同步日志", "log", sync_log, lambda: reads("exchange")),
        PageSpec("settings", "设置", "settings", settings, lambda: True),
    ]
