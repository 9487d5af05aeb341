"""Keys, one-time codes, the lease and a lost password at the hub's command line, each as an administrator calls them."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from desktop.work.passwords import PasswordRefused
from desktop.work.recovering import Recovering
from desktop.work.session import sign_in
from desktop.work.settings import Settings
from desktop.work.syncing import Syncing
from server_stub import cli
from server_stub.hub import Hub
from shared.clock import Clock, system_millis
from shared.errors import HubRefused, UnknownSigner
from shared.store import audit
from sync import enrol
from sync.layout import fingerprint_text
from sync.trust import DeviceKeys, InviteCode
from tests.fixtures.devices import Device, enrol_device, handle
from tests.fixtures.hubs import serving
from tests.fixtures.samples import sample
from tests.fixtures.stations import LIGHT, PASSWORD, key_file, open_station, quiet, station

ROOT = Path(__file__).parents[2]
PASSPHRASE = "命令行口令"
WORDS = ("甲保管人自己才知道的一句口令", "乙保管人自己才知道的一句口令")
NEW = "另一句新的登录密码"
DAY = 86_400_000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub with one bureau, to copy."""
    folder = tmp_path_factory.mktemp("made") / "hub"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("YIZHAN_HUB_PASSPHRASE", PASSPHRASE)
        for words in (("init",), ("bureau", "add", "A", "甲局", "--division", "310113")):
            assert cli.main(("--data", str(folder), *words)) == 0
    return folder


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "hub"))


@dataclass
class Administrator:
    """Calls ``yizhan-hub``: in this process, or in one of its own, without a terminal."""

    data: Path
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *words: str, code: int = 0) -> str:
        """What it said; a refusal is a sentence and a hint."""
        self.capsys.readouterr()
        try:
            assert cli.main(("--data", str(self.data), *words)) == code
        except SystemExit as ended:
            assert ended.code == code
        heard = self.capsys.readouterr()
        return _heard(heard.out, heard.err, code)

    def alone(self, *words: str, code: int = 0) -> str:
        """The same from a shell."""
        done = subprocess.run(
            [sys.executable, "-m", "server_stub.cli", "--data", str(self.data), *words], cwd=ROOT, text=True,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"}, capture_output=True,
            stdin=subprocess.DEVNULL, start_new_session=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return _heard(done.stdout, done.stderr, code)


def _heard(out: str, err: str, code: int) -> str:
    if not code:
        assert err == ""
        return out
    sentence, hint, *more = err.splitlines()
    assert not more and sentence.endswith("。") and hint.endswith("。"), err
    return err


@pytest.fixture
def hub(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Administrator:
    monkeypatch.setenv("YIZHAN_HUB_PASSPHRASE", PASSPHRASE)
    return Administrator(data, capsys)


@pytest.fixture
def centre(hub: Administrator, data: Path) -> Iterator[Hub]:
    """The same hub opened beside the processes, as the running service has it."""
    opened = Hub(f"sqlite:///{data}/hub.db", data, PASSPHRASE)
    yield opened
    opened.close()


def bureau_of(centre: Hub) -> str:
    return centre.store.types["bureau"].id_for_key("A")


def noted(centre: Hub, event: str) -> list[str]:
    """What the hub's audit chain says of an event, oldest first."""
    with centre.store.read() as connection:
        assert audit.check(connection).whole
        return [one.detail for one in reversed(audit.latest(connection, event=event))]


def alert(title: str) -> dict[str, str]:
    return {**sample("alert"), "entity_name": title, "kind": "1", "origin": "1", "state": "raised"}


# --- keys rotate -----------------------------------------------------------------
def device_of(centre: Hub, folder: Path, ahead: int = 0) -> Device:
    clock = Clock(lambda: system_millis() + ahead * DAY)
    return enrol_device(centre, bureau_of(centre), folder, account=folder.name, name=folder.name, clock=clock)


def test_rotated_keys_are_followed_and_the_old_word_counts_as_long_as_said(
    hub: Administrator, centre: Hub, data: Path, tmp_path: Path
) -> None:
    soon, late = device_of(centre, tmp_path / "soon", ahead=4), device_of(centre, tmp_path / "late", ahead=6)
    stale = {}
    for one in (soon, late):
        one.insert("alert", alert("换钥匙之前封的"))
        stale[one.folder] = handle(centre, one.export())[1]  # signed with the key that is given up
    sent = tmp_path / "before.yzp"
    soon.insert("alert", alert("换钥匙之后才到的"))
    sent.write_bytes(soon.export())
    before = centre.keys.sign.key_id
    said = hub.alone("keys", "rotate", "--old-word-days", "5")
    after = re.findall(r"→ (\S+)", said)[0]
    assert f"{before} → {after}" in said and before != after and "另存一份 hub.key" in said
    assert (data / "hub.key").stat().st_mode & 0o777 == 0o600
    assert "更换次数：1" in hub("keys", "show")
    assert noted(centre, "hub_key") == [f"{before} → {after}"]
    # what was sealed to the former key is still opened; the answer brings the way to the new one
    assert "已入库" in hub.alone("import", str(sent), "--answer", str(tmp_path / "answer.yzp"))
    soon.take((tmp_path / "answer.yzp").read_bytes())
    assert soon.engine.credentials.hub.sign.key_id == after
    late.insert("alert", alert("新"))
    (tmp_path / "l.yzp").write_bytes(late.export())
    hub("import", str(tmp_path / "l.yzp"), "--answer", str(tmp_path / "l-answer.yzp"))
    late.take((tmp_path / "l-answer.yzp").read_bytes())
    soon.take(stale[soon.folder])  # day 4 of 5: still believed
    with pytest.raises(UnknownSigner):
        late.take(stale[late.folder])  # day 6 of 5
    for one in (soon, late):
        one.close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rotate", "--old-word-days", "-1"), "应在 0 至 3650 之间"),
        (("rotate", "--old-word-days", "3651"), "应在 0 至 3650 之间"),
    ],
)
def test_a_rotation_that_is_refused_changes_nothing(hub: Administrator, data: Path, words: tuple[str, ...], said: str) -> None:
    before = (data / "hub.key").read_bytes()
    assert said in hub("keys", *words, code=1)
    (data / "wrong").write_text("错的", encoding="utf-8")
    (data / "gbk").write_bytes("命令行口令".encode("gbk"))
    for name, sentence in (("wrong", "口令不正确"), ("gbk", "不是 UTF-8"), ("none", "读不到口令文件")):
        assert sentence in hub("--passphrase-file", str(data / name), "keys", "rotate", code=1)
    assert (data / "hub.key").read_bytes() == before


# --- invite ------------------------------------------------------------------------
def invited(hub: Administrator, account: str) -> str:
    said = hub("invite", "--bureau", "A", "--account", account, "--name", f"{account}某", "--role", "officer")
    return re.findall(r"[A-Z2-9]{5}(?:-[A-Z2-9]{5}){4}", said)[0]


def request(code: str) -> bytes:
    out = io.BytesIO()
    keys = DeviceKeys.generate()
    enrol.seal_request(out, "0" * 31 + "1", keys, InviteCode.parse(code), "电脑", "2026-05-06T09:00:00+08:00")
    return out.getvalue()


def listed(hub: Administrator) -> dict[str, tuple[str, str]]:
    """Account → number of the code, and its state."""
    _, *lines = hub("invite", "list").splitlines()
    return {cells[1]: (cells[0], cells[-1]) for cells in (line.split() for line in lines)}


def test_codes_are_listed_and_cancelled_and_a_cancelled_one_enrols_nobody(hub: Administrator, centre: Hub) -> None:
    codes = {account: invited(hub, account) for account in ("chen", "lin", "zhou")}
    found = listed(hub)
    assert {a: state for a, (_, state) in found.items()} == dict.fromkeys(codes, "未使用")
    assert not any(code[:5] in hub("invite", "list") for code in codes.values())  # the code itself is never shown
    assert "chen某（chen）" in hub.alone("invite", "--cancel", "chen")
    assert "lin某（lin）" in hub("invite", "--cancel", found["lin"][0])
    handle(centre, request(codes["zhou"]))
    assert {a: state for a, (_, state) in listed(hub).items()} == {
        "chen": "已作废", "lin": "已作废", "zhou": "已使用",
    }  # fmt: skip
    with pytest.raises(HubRefused, match="登记码"):
        handle(centre, request(codes["chen"]))
    assert [d[:8] for d in noted(centre, "invite_cancelled")] == [found["chen"][0], found["lin"][0]]
    for gone in ("chen", "zhou", "nobody", found["lin"][0], found["lin"][0][:3]):
        assert "没有这个尚未使用的登记码" in hub("invite", "--cancel", gone, code=1)


def test_a_code_goes_on_paper_only_when_asked(hub: Administrator, tmp_path: Path) -> None:
    code, slip = invited(hub, "chen"), tmp_path / "登记码条.html"
    assert not [p for p in hub.data.rglob("*") if p.is_file() and code.encode() in p.read_bytes()]
    words = ("invite", "--bureau", "A", "--account", "lin", "--name", "林<伟>", "--role", "officer", "--slip", str(slip))
    said = hub(*words)
    (code,) = re.findall(r"[A-Z2-9]{5}(?:-[A-Z2-9]{5}){4}", said)
    page = slip.read_text(encoding="utf-8")
    assert code in page and "林&lt;伟&gt;" in page and "打印后删除" in said
    assert slip.stat().st_mode & 0o777 == 0o600
    before = hub("invite", "list")
    assert "已经存在" in hub(*words, code=1)  # and no code was spent on it
    assert "没有文件夹" in hub(*words[:-1], str(tmp_path / "gone" / "x.html"), code=1)
    assert hub("invite", "list") == before and slip.read_text(encoding="utf-8") == page


def test_two_codes_of_one_account_are_cancelled_by_number(hub: Administrator, centre: Hub) -> None:
    invited(hub, "chen")
    invited(hub, "chen")
    assert "不止一个" in hub("invite", "--cancel", "chen", code=1)
    assert noted(centre, "invite_cancelled") == []
    number = hub("invite", "list").splitlines()[1].split()[0]
    hub("invite", "--cancel", number)
    assert [line.split()[-1] for line in hub("invite", "list").splitlines()[1:]].count("已作废") == 1


# --- lease -------------------------------------------------------------------------
def test_the_lease_is_shown_changed_and_given_to_devices(hub: Administrator, centre: Hub, tmp_path: Path) -> None:
    assert re.search(r"可以使用 30 天", hub("lease"))
    assert noted(centre, "lease") == []
    assert "可以使用 7 天" in hub.alone("lease", "7") and "可以使用 7 天" in hub("lease")
    for wrong in ("0", "366", "-3"):
        assert "应在 1 至 365 天之间" in hub("lease", wrong, code=1)
    assert noted(centre, "lease") == ["7 天"]
    with serving(centre) as url:
        one = station(centre, url, bureau_of(centre), tmp_path / "one")
        assert one.session.grant.lease_days == 7
        hub("lease", "3")
        Syncing(one.session).sync_now(quiet)
        assert one.session.lease.left == 3
        one.session.close()


# --- recovery ------------------------------------------------------------------------
def shares_in(folder: Path) -> tuple[list[str], list[str]]:
    """Arguments that name both shares, and both passphrases."""
    paths, words = [], []
    for part, said in zip("ab", WORDS, strict=True):
        (folder / part).mkdir(parents=True, exist_ok=True)
        paths.append(str(folder / part / "share.json"))
        (folder / f"{part}.txt").write_text(said + "\n", encoding="utf-8")
        words += ["--share-passphrase-file", str(folder / f"{part}.txt")]
    return paths, words


def test_a_lost_password_comes_back_by_the_command_line(
    hub: Administrator, centre: Hub, tmp_path: Path
) -> None:
    (one, two), words = shares_in(tmp_path / "keepers")
    init = ("recovery", "init", "--share-a", one, "--share-b")
    beside = str(Path(one).with_name("other.json"))
    assert "同一个文件夹" in hub(*init, beside, *words, code=1)
    assert "没有终端" in hub.alone(*init, two, code=1)
    assert "要写两次" in hub(*init, two, *words[:2], code=1)
    assert "不能相同" in hub(*init, two, *words[:2], *words[:2], code=1)
    assert "不能写入" in hub(*init, str(tmp_path / "gone" / "share.json"), *words, code=1)
    assert not Path(one).exists() and "尚未启用" in hub("keys", "show")
    papers = tmp_path / "papers"
    assert "没有文件夹" in hub(*init, two, *words, "--slips", str(papers), code=1) and not Path(one).exists()
    papers.mkdir()
    made = hub.alone(*init, two, *words, "--slips", str(papers))
    slips = sorted(papers.iterdir())
    assert [p.name for p in slips] == ["恢复密钥保管单-A.html", "恢复密钥保管单-B.html"]
    for slip, path, other in zip(slips, (one, two), (two, one), strict=True):
        page = slip.read_text(encoding="utf-8")
        fingerprint = fingerprint_text(sha256(Path(path).read_bytes()).digest())
        assert fingerprint in page and fingerprint_text(sha256(Path(other).read_bytes()).digest()) not in page
        assert not any(word in page for word in WORDS) and slip.stat().st_mode & 0o077 == 0
    assert all(Path(p).stat().st_mode & 0o777 == 0o600 for p in (one, two)) and "两人分别保管" in made
    assert "已经存在" in hub(*init, two, *words, code=1)

    home, stick = tmp_path / "one", tmp_path / "stick"
    stick.mkdir()
    with serving(centre) as url:
        seat = station(centre, url, bureau_of(centre), home)
        seat.insert("alert", alert("没有上报的"))
        Syncing(seat.session).sync_now(quiet)
        (pending,) = seat.insert("alert", alert("忘记密码以前的"))
        seat.session.close()
        open_station(home, "chenmin").session.close()  # the recovery key has come: it is sealed now
    cases = Recovering(Settings(home), key_file(home), argon=LIGHT)
    asked = cases.write_request(stick, "chenmin", NEW, quiet)
    answer = stick / "批复.yzp"
    shares = ("--share", one, "--share", two)

    def recover(*more: str, request: Path = asked.path, fingerprint: str = asked.sheet.fingerprint,
                to: Path = answer, code: int = 0) -> str:  # fmt: skip
        said = hub("recover", str(request), "--fingerprint", fingerprint, "--answer", str(to), *more, code=code)
        assert code == 0 or not list(stick.glob("批复*"))  # nothing half done is left
        return said

    (tmp_path / "c.txt").write_text("别人的一句口令，不是保管人的", encoding="utf-8")
    (stick / "别的.yzp").write_bytes(b"nonsense" * 50)
    swapped = [*words[2:], *words[:2]]
    assert "要两份恢复密钥" in recover("--share", one, *words, code=1)
    assert "是同一半" in recover("--share", one, "--share", one, *words, code=1)
    assert "口令不正确" in recover(*shares, *swapped, code=1)
    assert "口令不正确" in recover(*shares, *words[:2], "--share-passphrase-file", str(tmp_path / "c.txt"), code=1)
    assert "读不到恢复密钥文件" in recover("--share", one, "--share", two + "x", *words, code=1)
    assert "不是恢复密钥文件" in recover("--share", one, "--share", str(stick / "别的.yzp"), *words, code=1)
    assert "指纹不同" in recover(*shares, *words, fingerprint="0000 0000 0000 0000", code=1)
    assert "none.yzp" in recover(*shares, *words, request=stick / "none.yzp", code=1)
    assert "交换包" in recover(*shares, *words, request=stick / "别的.yzp", code=1)
    assert "gone" in recover(*shares, *words, to=stick / "gone" / "批复.yzp", code=1)
    assert noted(centre, "recovery") == []
    said = hub.alone(
        "recover", str(asked.path), "--fingerprint", asked.sheet.fingerprint, "--answer", str(answer), *shares, *words
    )
    assert "申请人：陈敏（chenmin）" in said and asked.sheet.fingerprint in said and str(answer) in said
    assert len(noted(centre, "recovery")) == 1
    recover(*shares, *words)  # the stick was lost: the same answer again
    assert len(noted(centre, "recovery_repeated")) == 1
    back = cases.read_answer(answer, NEW, quiet)
    assert (back.account, back.pending) == ("chenmin", 1)
    with pytest.raises(PasswordRefused):
        key_file(home).unlock("chenmin", PASSWORD)
    session = sign_in(Settings(home), "chenmin", NEW, keys=key_file(home))
    assert session.records.get(session.records.type("alert"), pending) is not None
    session.close()


# --- wrong usage ------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("keys",), "还要写明：命令"),
        (("keys", "turn"), "不能是“turn”，可以是：show、rotate"),
        (("keys", "rotate", "--old-word-days", "abc"), "--old-word-days 应是整数，不能是“abc”"),
        (("lease", "soon"), "应是整数，不能是“soon”"),
        (("lease", "7", "8"), "不认识，或多写了：8"),
        (("invite", "--cancel"), "--cancel 后面没有写内容"),
        (("invite", "lst"), "不能是“lst”，可以是：list"),
        (("recover",), "还要写明：request、--share、--fingerprint、--answer"),
        (("recovery", "init", "--share-a", "x"), "还要写明：--share-b"),
        (("nonsense",), "不能是“nonsense”"),
    ],
)
def test_wrong_usage_is_a_sentence(hub: Administrator, words: tuple[str, ...], said: str) -> None:
    told = hub(*words, code=2)
    assert said in told and "--help" in told


def test_wrong_usage_in_a_shell(hub: Administrator) -> None:
    assert "还要写明：命令" in hub.alone("keys", code=2)


@pytest.mark.parametrize(
    "words",
    [
        ("invite", "list", "--cancel", "chen"),
        ("invite", "list", "--account", "chen"),
        ("invite", "--cancel", "chen", "--bureau", "A"),
        ("invite", "--bureau", "A"),
    ],
)
def test_things_that_exclude_each_other_are_refused(hub: Administrator, words: tuple[str, ...]) -> None:
    code = invited(hub, "chen")
    hub(*words, code=1)
    assert listed(hub)["chen"][1] == "未使用" and code
