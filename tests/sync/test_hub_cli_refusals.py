"""``yizhan-hub``: what would quietly do something else than was asked is refused, in words."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from server_stub.cli import main
from shared.access import HUB_ACTOR
from shared.errors import Rejected
from shared.ids import key_id
from shared.store.directory import subtree
from tests.fixtures.devices import Enrol, value
from tests.fixtures.hubs import DIVISION, Place
from tests.sync.test_hub_cli import Run, code_in, data, hub, request_for

__all__ = ["data", "hub"]


@pytest.fixture
def three(hub: Run) -> Run:
    """A centre, 甲局 below it with a station below that, and 乙局 beside; 陈敏 is of 甲局."""
    hub("init")
    for code, name, *more in (
        ("C", "中心局"), ("A", "甲局", "--parent", "C"), ("A1", "甲局一所", "--parent", "A"),
        ("B", "乙局", "--parent", "C"),
    ):  # fmt: skip
        hub("bureau", "add", code, name, "--division", "310113", *more)
    hub(
        "invite", "--bureau", "A", "--account", "chenmin", "--name", "陈敏",
        "--role", "officer", "--role", "bureau_admin",
    )  # fmt: skip
    return hub


def wrong(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Wrong usage: code 2, and what was said."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    return capsys.readouterr().err


# --- an account that is there ---------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--bureau", "A", "--name", "别人"), "--name"),
        (("--bureau", "A", "--name", "陈敏", "--role", "hub_admin"), "--role"),
        (("--bureau", "B", "--name", "别人", "--role", "officer"), "--name、--role"),
        (("--bureau", "B"), "只能放在本人的单位或它的上级单位"),
        (("--bureau", "A1"), "只能放在本人的单位或它的上级单位"),
    ],
)
def test_an_account_of_somebody_is_not_given_to_another(three: Run, words: tuple[str, ...], said: str) -> None:
    before = three("invite", "list")
    told = three("invite", "--account", "chenmin", *words, code=1)
    assert "账号 chenmin 已是 甲局（A）的 陈敏（单位管理员、监管人员）" in told and said in told
    assert "换一个账号" in told and three("invite", "list") == before


@pytest.mark.parametrize(
    ("words", "seat"),
    [
        ((), "甲局"),
        (("--bureau", "A", "--name", "陈敏", "--role", "bureau_admin", "--role", "officer"), "甲局"),
        (("--bureau", "C"), "中心局"),
    ],
)
def test_a_further_seat_of_the_same_person_is_said_so(
    three: Run, tmp_path: Path, words: tuple[str, ...], seat: str
) -> None:
    slip = tmp_path / "slip.html"
    said = three("invite", "--account", "chenmin", *words, "--slip", str(slip))
    assert f"账号 chenmin 已是 甲局 的 陈敏；这是本人的又一个席位，放在 {seat}" in said
    page = slip.read_text(encoding="utf-8")
    assert "陈敏" in page and f"这是本人在 {seat} 的又一个席位" in page and code_in(said) in page
    _, _, request, _ = request_for(code_in(said))
    (tmp_path / "r.yzp").write_bytes(request)
    three("admit", str(tmp_path / "r.yzp"), "--answer", str(tmp_path / "g.yzp"))
    assert seat in three("log", "--limit", "1")


def test_a_new_account_needs_all_of_it(three: Run) -> None:
    told = three("invite", "--account", "new", "--name", "新人", code=1)
    assert "账号 new 还没有" in told and "--bureau、--role" in told


# --- bureaus are a tree -----------------------------------------------------------------
def test_no_bureau_stands_below_itself(three: Run) -> None:
    before = three("bureau", "list")
    for below in ("C", "A", "A1"):
        told = three("bureau", "add", "C", "中心局", "--division", "310113", "--parent", below, code=1)
        assert "上级单位不能是本单位" in told
    assert three("bureau", "list") == before
    assert three("bureau", "add", "A1", "甲局一所", "--division", "310113", "--parent", "B") == "已更新。\n"


@pytest.mark.parametrize("words", [("--no-parent",), ("--parent", "")])
def test_a_parent_can_be_taken_away(three: Run, words: tuple[str, ...]) -> None:
    add = ("bureau", "add", "A1", "甲局一所", "--division", "310113")
    assert three(*add) == "没有变化。\n"
    assert three(*add, *words) == "已更新。\n"
    assert three(*add, *words) == "没有变化。\n"
    (line,) = [one for one in three("bureau", "list").splitlines() if one.startswith("A1")]
    assert line.split() == ["A1", "甲局一所", "310113"]


def test_forms_refuse_a_ring_and_the_hub_puts_one_aside(place: Place, enrol_at: Enrol) -> None:
    admin = enrol_at(place.a, "wang", roles=("hub_admin",))
    admin.sync()
    bureau = admin.store.types["bureau"]
    with admin.store.unit(admin.actor) as unit, pytest.raises(Rejected, match="它的下级"):
        unit.update(bureau, place.a, {"parent": place.a1})
    with admin.store.unit(admin.actor) as unit:
        unit.update(bureau, place.a, {"parent": place.a1}, proven=True)  # a modified program
    with admin.store.read() as connection:
        assert subtree(connection, place.a) == {place.a, place.a1}  # ends on a ring
    admin.sync()
    assert admin.statuses()[-1] == "quarantined"
    assert value(place.hub.store, "bureau", place.a, "parent") != place.a1


def test_new_bureaus_in_a_ring_are_put_aside(place: Place, enrol_at: Enrol) -> None:
    admin = enrol_at(place.a, "wang", roles=("hub_admin",))
    admin.sync()
    x, y = key_id("bureau", ["X"]), key_id("bureau", ["Y"])
    rows = [
        {"code": "X", "name": "X局", "division": DIVISION, "parent": y},
        {"code": "Y", "name": "Y局", "division": DIVISION, "parent": x},
    ]
    admin.insert("bureau", *rows, proven=True)
    admin.sync()
    assert admin.statuses()[-1] == "quarantined"
    with place.hub.store.unit(HUB_ACTOR) as unit, pytest.raises(Rejected, match="它的下级"):
        unit.insert(place.hub.store.types["bureau"], rows, way="exchange")


# --- the log ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--since", "昨天"), "不是日期：“昨天”。\n请写成 2026-11-01"),
        (("--since", "2026-13-45"), "不是日期"),
        (("--since", "2026-11-01T25:00"), "不是日期"),
        (("--since", ""), "不是日期"),
        (("--outcome", "好"), "没有“好”这种结果。\n可以是：已入库（applied）、部分入库（partial）"),
        (("--bureau", "Z"), "没有代码为“Z”的单位。\n请用 yizhan-hub bureau list"),
        (("--device", "zz"), "没有设备“zz”。\n设备号见 yizhan-hub status"),
    ],
)
def test_the_log_refuses_what_it_does_not_know(hub: Run, words: tuple[str, str], said: str) -> None:
    hub("init")
    assert said in hub("log", *words, code=1)


def test_the_log_reads_days_and_names(hub: Run, tmp_path: Path) -> None:
    hub("init")
    (tmp_path / "bad.yzp").write_bytes(b"nonsense" * 50)
    hub("import", str(tmp_path / "bad.yzp"), "--answer", str(tmp_path / "a.yzp"), code=1)
    for day in ("2020/1/1", "2020-01-01", "2020.1.1", "2020-01-01T08:30"):
        assert "共 1 次交换" in hub("log", "--since", day)
    assert "共 0 次交换" in hub("log", "--since", "2099/1/1")
    assert "共 1 次交换" in hub("log", "--outcome", "已拒绝")
    assert "共 0 次交换" in hub("log", "--outcome", "隔离待审")


# --- numbers, files, usage -------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("log", "--limit", "x"), "--limit 应是整数，不能是“x”。"),
        (("load", "demo", "--entities", "-5"), "--entities 应在 0 至 5000000 之间，不能是 -5。"),
        (("export", "--to", "x"), "还要写明其中一个：--bureau、--device。"),
    ],
)
def test_usage_is_said_in_chinese(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str) -> None:
    assert said in wrong(capsys, *words)


def test_the_choices_of_an_event_are_events(capsys: pytest.CaptureFixture[str]) -> None:
    told = wrong(capsys, "audit", "list", "--event", "foo")
    assert re.search(r"可以是：\w", told)


@pytest.mark.skipif(os.name == "nt", reason="no such files there")
@pytest.mark.parametrize("command", ["verify", "restore", "import", "admit"])
def test_only_files_are_read(hub: Run, tmp_path: Path, command: str) -> None:
    hub("init")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)  # reading it would wait for ever; /dev/zero never ends
    answer = ("--answer", str(tmp_path / "a.yzp")) if command in ("import", "admit") else ()
    for source in ("/dev/null", str(pipe), str(tmp_path)):
        assert f"“{source}”不是文件" in hub(command, source, *answer, code=1)
    assert "找不到文件" in hub(command, str(tmp_path / "none"), *answer, code=1)


@pytest.mark.parametrize("host", ["nosuch.invalid", "192.0.2.77"])
def test_an_address_of_another_machine_is_refused_in_chinese(hub: Run, host: str) -> None:
    hub("init")
    told = hub("serve", "--host", host, "--port", "0", code=1)
    assert "不是这台机器的地址" in told and not re.search(r"[A-Za-z]{4,} [a-z]{3,}", told.replace(host, ""))
