"""``yizhan-hub`` as an administrator uses it: own process, no window libraries, Chinese answers."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from server_stub import cli
from server_stub.cli import terminal
from shared.ids import new_id
from sync import enrol, package
from sync.http import HttpCarrier
from sync.trust import DeviceKeys, InviteCode
from tests.fixtures.devices import quiet

ROOT = Path(__file__).parents[2]
PASSPHRASE = "命令行口令"
BLOCK = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("PySide6", "shiboken6", "keyring", "requests"):
            raise ImportError(name + " is not installed on a hub")
sys.meta_path.insert(0, Blocked())
from server_stub.cli import main
sys.exit(main())
"""
Run = Callable[..., str]


def environment(data: Path) -> dict[str, str]:
    return {
        **os.environ, "YIZHAN_HUB_DATA": str(data), "YIZHAN_HUB_PASSPHRASE": PASSPHRASE,
        "PYTHONIOENCODING": "utf-8",
    }  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "hub"


@pytest.fixture
def hub(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs one command and returns what it printed."""
    monkeypatch.setenv("YIZHAN_HUB_DATA", str(data))
    monkeypatch.setenv("YIZHAN_HUB_PASSPHRASE", PASSPHRASE)

    def run(*words: str, code: int = 0) -> str:
        assert cli.main(words) == code
        said = capsys.readouterr()
        return said.err if code else said.out

    return run


@contextmanager
def served(data: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The hub in its own process, with nothing installed that only windows need."""
    command = [sys.executable, "-c", BLOCK, "serve", "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(data), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert re.fullmatch(r"listening on http://127\.0\.0\.1:\d+\n", first)
        try:
            yield first.split()[-1], process
        finally:
            process.terminate()


def request_for(code: str) -> tuple[DeviceKeys, InviteCode, bytes, str]:
    keys, typed, out = DeviceKeys.generate(), InviteCode.parse(code), io.BytesIO()
    sealed = enrol.seal_request(out, new_id(), keys, typed, "电脑", "2026-05-06T09:00:00+08:00")
    return keys, typed, out.getvalue(), sealed.package_id


def code_in(said: str) -> str:
    found = re.search(r"\b[A-Z2-9]{5}(-[A-Z2-9]{5}){4}\b", said)
    assert found
    return found[0]


def test_a_hub_is_made_serves_without_windows_and_stops_when_told(hub: Run, data: Path, tmp_path: Path) -> None:
    hub("init", "--name", "测试中心")
    assert (data / "hub.key").stat().st_mode & 0o777 == 0o600
    assert hub("bureau", "add", "A", "甲局", "--division", "310113") == "已登记。\n"
    code = code_in(hub("invite", "--bureau", "A", "--account", "chenmin", "--name", "陈敏", "--role", "officer"))
    keys, typed, request, package_id = request_for(code)
    (tmp_path / "request.yzp").write_bytes(request)
    with served(data) as (url, process):
        carrier = HttpCarrier(url, wait=lambda _: None)
        carrier.exchange(tmp_path / "request.yzp", package_id, tmp_path / "grant.yzp", quiet)
        carrier.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    with (tmp_path / "grant.yzp").open("rb") as stream:
        grant = enrol.open_grant(stream, keys, typed)
    assert (grant.hub_name, grant.bureau_name, grant.person) == ("测试中心", "甲局", "陈敏")
    said = hub("log")
    assert "设备登记" in said and "登记申请" in said and "甲局" in said and "共 1 次交换" in said


def test_requests_and_packages_are_handled_from_files(hub: Run, tmp_path: Path) -> None:
    hub("init")
    hub("bureau", "add", "A", "甲局", "--division", "310113")
    code = code_in(hub("invite", "--bureau", "A", "--account", "wang", "--name", "王主任", "--role", "hub_admin"))
    keys, typed, request, _ = request_for(code)
    (tmp_path / "request.yzp").write_bytes(request)
    said = hub("admit", str(tmp_path / "request.yzp"), "--answer", str(tmp_path / "grant.yzp"))
    assert "已登记设备" in said
    with (tmp_path / "grant.yzp").open("rb") as stream:
        grant = enrol.open_grant(stream, keys, typed)
    assert grant.device in hub("status")
    of_seat = hub("log", "--device", grant.device)
    (named,) = re.findall(rf"\S+（{grant.device[-8:]}）", of_seat)  # how the log calls it
    assert "共 1 次交换" in of_seat and hub("log", "--device", named) == of_seat
    assert "中心管理员" in hub("user", "list")
    assert "已冻结" in hub("user", "freeze", "wang") and "已冻结" in hub("user", "list")
    assert "已恢复" in hub("user", "thaw", "wang")
    hub("revoke", grant.device, "--reason", "丢失")
    assert "已吊销" in hub("status")
    (tmp_path / "bad.yzp").write_bytes(b"nonsense" * 50)
    said = hub("import", str(tmp_path / "bad.yzp"), "--answer", str(tmp_path / "answer.yzp"), code=1)
    assert said.count("\n") == 2 and "Traceback" not in said
    assert not (tmp_path / "answer.yzp").exists() and list(tmp_path.glob("*.part")) == []
    assert "已拒绝" in hub("log", "--outcome", "refused")
    missing = hub("import", str(tmp_path / "none.yzp"), "--answer", str(tmp_path / "a.yzp"), code=1)
    assert "none.yzp" in missing


def test_a_package_for_a_bureau_is_made_without_one_coming_in(hub: Run, tmp_path: Path) -> None:
    hub("init")
    hub("bureau", "add", "A", "甲局", "--division", "310113")
    keys = []
    for account in ("chen", "lin"):
        code = code_in(hub("invite", "--bureau", "A", "--account", account, "--name", account, "--role", "officer"))
        made, _, request, _ = request_for(code)
        keys.append(made)
        (tmp_path / "request.yzp").write_bytes(request)
        hub("admit", str(tmp_path / "request.yzp"), "--answer", str(tmp_path / f"{account}.yzp"))
    stick = tmp_path / "stick"
    stick.mkdir()
    said = hub("export", "--bureau", "A", "--to", str(stick))
    assert said.count("从头下发") == 2 and "2 个接收席位" in said and "可以拔出" in said
    (path,) = stick.iterdir()
    with path.open("rb") as stream:
        assert set(package.inspect(stream).core.audience) == {k.seal.kid for k in keys}
    assert "已下发" in hub("log")
    refusal = hub("export", "--bureau", "X", "--to", str(stick), code=1)
    assert "没有代码为“X”的单位" in refusal
    gone = hub("export", "--bureau", "A", "--to", str(stick / "gone"), code=1)
    assert "介质" in gone and "Traceback" not in gone


def test_the_log_is_aligned_filtered_and_exported(hub: Run, tmp_path: Path) -> None:
    hub("init")
    (tmp_path / "bad.yzp").write_bytes(b"nonsense" * 50)
    for _ in range(3):
        hub("import", str(tmp_path / "bad.yzp"), "--answer", str(tmp_path / "a.yzp"), code=1)
    head, *lines, total = hub("log").splitlines()
    assert total == "共 3 次交换" and len(lines) == 3
    at = terminal.width(head[: head.index("结果")])
    assert all(terminal.width(line[: line.index("已拒绝")]) == at for line in lines)
    assert "共 2 次交换" in hub("log", "--limit", "2")
    assert "共 0 次交换" in hub("log", "--since", "2099-01-01")
    assert "共 0 次交换" in hub("log", "--outcome", "applied")
    hub("log", "--xlsx", str(tmp_path / "log.xlsx"))
    from openpyxl import load_workbook

    sheet = load_workbook(tmp_path / "log.xlsx").worksheets[0]
    assert sheet.max_row == 4


def test_lists_are_loaded_and_loading_again_changes_nothing(hub: Run) -> None:
    hub("init")
    first = hub("load", "codes")
    assert int(re.findall(r"新增 (\d+)", first)[0]) > 4000
    assert "新增 0 条，更新 0 条" in hub("load", "codes")


def test_a_demonstration_hub_is_filled(hub: Run) -> None:
    hub("init")
    hub("load", "demo", "--entities", "120")
    assert re.search(r"division:310113 +160\n", hub("status"))  # 120 entities, 40 permits about them
    assert "宝山区文化和旅游局" in hub("bureau", "list")


def test_entities_come_from_a_workbook(hub: Run, data: Path, tmp_path: Path) -> None:
    from shared.codes import Codes, load_resource_codes
    from shared.fictitious import market_entities
    from shared.sheets.export import write_export
    from shared.types import catalog

    book = tmp_path / "entities.xlsx"
    rows = list(market_entities(5))
    codes = Codes.from_rows(*load_resource_codes())
    write_export(
        book, catalog.by_name("market_entity"), rows, lambda _, v: str(v), [], codes, masked=False
    )
    hub("init")
    assert "新增 5 户，更新 0 户，有误 0 行" in hub("load", "entities", str(book))
    assert "新增 0 户，更新 0 户，有误 0 行" in hub("load", "entities", str(book))


# --- what goes wrong says so ----------------------------------------------------------------
def test_refusals_are_a_sentence_and_a_hint(
    hub: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert "还没有中心" in hub("status", code=1)
    hub("init")
    assert "已经有一个中心" in hub("init", code=1)
    assert "没有这个单位" in hub(
        "invite", "--bureau", "X", "--account", "a", "--name", "甲", "--role", "officer", code=1
    )
    assert "没有账号" in hub("user", "freeze", "nobody", code=1)
    assert "没有这台设备" in hub("revoke", "nothing", "--reason", "x", code=1)
    assert "数据库地址" in hub("--database", "nonsense", "status", code=1)
    unreachable = f"postgresql://postgres@/x?host={tmp_path}"
    assert "连不上中心的数据库" in hub("--database", unreachable, "status", code=1)
    monkeypatch.setenv("YIZHAN_HUB_PASSPHRASE", "错的")
    assert "口令不正确" in hub("status", code=1)
    monkeypatch.delenv("YIZHAN_HUB_PASSPHRASE")
    assert "没有给出" in hub("status", code=1)
    (tmp_path / "word").write_text(PASSPHRASE + "\n", encoding="utf-8")
    assert "中心：" in hub("--passphrase-file", str(tmp_path / "word"), "status")


def test_wrong_usage_is_code_two(data: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["nonsense"])
    assert ended.value.code == 2


def test_a_hub_lives_on_postgresql_too(hub: Run, postgres: object) -> None:
    url = postgres.fresh()  # type: ignore[attr-defined]
    hub("--database", url, "init")
    hub("--database", url, "bureau", "add", "A", "甲局", "--division", "310113")
    assert "甲局" in hub("--database", url, "bureau", "list")
