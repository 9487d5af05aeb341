"""Act 1: a hub, two bureaus and the centre; how each of them comes to its first data."""

from __future__ import annotations

from pathlib import Path

from desktop.demo.cast import CHEN, ENTITIES, WANG, ZHOU, Player
from desktop.demo.hub_process import NAME
from desktop.demo.stage import STICK, Stage, check, count, first_window, given
from desktop.demo.station import PATIENCE, Station
from desktop.ui.welcome.enrol import EnrolView
from desktop.work.enrolment import Enrolled
from desktop.work.jobs import Progress
from desktop.work.media import AppliedReport
from desktop.work.media_report import Verdict


def the_hub_opens(stage: Stage) -> None:
    """The hub, its lists, 20,000 fictitious entities."""
    with stage.story.step("建立中心，装入 142 项目录、代码表和两万户虚构市场主体") as seen:
        stage.hub.command("init", "--name", NAME)
        seen.append(stage.hub.command("load", "demo", "--entities", str(ENTITIES)).strip())
        stage.hub.start()


def bureau_a_enrols(stage: Stage) -> None:
    """Bureau A and the centre enrol over the network."""
    for station, player in ((stage.a, CHEN), (stage.centre, WANG)):
        with stage.story.step(f"{player.name}用一次性登记码联网登记并首次下载") as seen:
            code = stage.hub.invite(player.bureau, player.account, player.name, player.roles)
            if player is CHEN:
                _photograph_first_start(stage, station, player, code)
            station.enrol_online(stage.hub.url, code)
            if player is CHEN:
                _photograph_sign_in(stage, station, player)
            station.open()
            station.do(station.program.sync_now())
            _first_load(station, seen)


def bureau_b_enrols(stage: Stage) -> None:
    """Bureau B has no network: request and grant are files on a stick, A is the courier."""
    with stage.story.step("乙单位没有网络：登记申请和批复由 U 盘往返，甲单位代为转交") as seen:
        code = stage.hub.invite(ZHOU.bureau, ZHOU.account, ZHOU.name, ZHOU.roles)
        stage.b.settings.set("auto_sync_minutes", 0)
        request = _written_request(stage, ZHOU, code)
        answer = carry(stage, stage.a, request)
        enrolled = _read_grant(stage, ZHOU, answer)
        check(enrolled.account == ZHOU.account, "the grant is for somebody else")
        stage.b.open()
        seen += [f"申请文件 {request.name}", f"{enrolled.bureau_name}的{enrolled.person}可以登录"]


def bureau_b_loads_by_stick(stage: Stage) -> None:
    """What bureau B may know comes to it on a stick."""
    b = stage.b
    with stage.story.step("乙单位用 U 盘取得授权范围内的数据") as seen:
        sent = b.desk.media.export(stage.stick, STICK, Progress())
        take_in(b, carry(stage, stage.a, sent.path), "首次下载")
        _first_load(b, seen)


# --- packages by hand --------------------------------------------------------------
def carry(stage: Stage, courier: Station, path: Path) -> Path:
    """A networked client takes a package as it is and brings the answer on the stick."""
    received = courier.desk.media.receive(path, Progress())
    try:
        check(received.report.verdict is Verdict.FORWARD, f"{received.report.verdict} {path.name}")
        return courier.desk.media.forward(received, stage.stick, STICK, Progress()).path
    finally:
        received.close()


def take_in(station: Station, path: Path, words: str) -> AppliedReport:
    """Import an answer; ``words`` stand in the intake record."""
    received = station.desk.media.receive(path, Progress())
    try:
        allowed = (Verdict.APPLY, Verdict.REPEATED)
        check(received.report.verdict in allowed, f"{received.report.verdict}: {received.report.problems}")
        done = station.desk.media.apply(received, STICK, Progress(), words)
    finally:
        received.close()
    station.settle()
    return done


# --- inside --------------------------------------------------------------------------
def _first_load(station: Station, seen: list[str]) -> None:
    entities, items = count(station, "market_entity"), count(station, "licence_catalogue_item")
    check(entities >= ENTITIES, f"{entities} entities")
    check(items == 142, f"{items} items")
    seen.append(f"市场主体 {entities:,} 户，先照后证目录 {items} 项")


def _photograph_first_start(stage: Stage, station: Station, player: Player, code: str) -> None:
    with first_window(station) as (window, _):
        enrol = given(window.enrol, "not a first start")
        enrol.form.url.setText(stage.hub.url)
        _fill(enrol, player, code)
        stage.shot_of(window, "enrol_network")


def _photograph_sign_in(stage: Stage, station: Station, player: Player) -> None:
    with first_window(station) as (window, program):
        stage.shot_of(window, "sign_in")
        window.sign_in.account.setEditText(player.account)
        window.sign_in.password.setText(player.password.lower())
        window.sign_in.submit()
        program.jobs.wait_idle(PATIENCE)
        stage.shot_of(window, "sign_in_refused")


def _written_request(stage: Stage, player: Player, code: str) -> Path:
    """By the window, as the person does it."""
    before = set(stage.stick.iterdir())
    with first_window(stage.b) as (window, program):
        enrol = given(window.enrol, "not a first start")
        enrol.choose_way(network=False)
        _fill(enrol, player, code)
        enrol.form.folder.set_path(stage.stick)
        stage.shot_of(window, "enrol_media")
        enrol.submit()
        program.jobs.wait_idle(PATIENCE)
        stage.shot_of(window, "enrol_waiting")
    written = sorted(set(stage.stick.iterdir()) - before)
    check(len(written) == 1, f"{written}")
    return written[0]


def _read_grant(stage: Stage, player: Player, answer: Path) -> Enrolled:
    return stage.b.enrolment().read_grant(answer, player.password, Progress())


def _fill(enrol: EnrolView, player: Player, code: str) -> None:
    form = enrol.form
    form.code.setText(code)
    form.label.setText(player.label)
    form.password.setText(player.password)
    form.again.setText(player.password)
