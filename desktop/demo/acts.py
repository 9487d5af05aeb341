"""The acts of the story, in order. Each asserts what its person must see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from desktop.demo import workbooks
from desktop.demo.cast import CHEN, ENTITIES, WANG, ZHOU
from desktop.demo.hub_process import NAME, HubProcess
from desktop.demo.station import Station, photograph_welcome
from desktop.ui.choosing import Files
from desktop.ui.pages.page import Page
from desktop.ui.pages.records import RecordsPage
from desktop.work.jobs import Progress
from desktop.work.media import MediumInfo
from desktop.work.media_report import Verdict
from desktop.work.paper import Watermark, write_pdf
from desktop.work.printing import hand_over_sheet, intake_sheet, verification_sheet
from shared.errors import YizhanError
from shared.fictitious import penalty_rows
from shared.filters import Filter, Op

if TYPE_CHECKING:
    from desktop.demo.story import Story

T = TypeVar("T")
STICK = MediumInfo("1", "U-2026-007")
WRONG_ROWS = 23
ROWS = 1000


@dataclass
class Stage:
    """Everything the acts play on."""

    story: Story
    hub: HubProcess
    a: Station
    b: Station
    centre: Station
    folder: Path

    @property
    def stick(self) -> Path:
        """The USB stick."""
        return self._made("packages")

    @property
    def sheets(self) -> Path:
        """Printed sheets and workbooks."""
        return self._made("sheets")

    def shot(self, station: Station, name: str) -> None:
        """Photograph a station's window."""
        station.shot(self.story.pictures / f"{name}.png")

    def _made(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir(exist_ok=True)
        return path


class Chosen(Files):
    """Answers the file dialogs."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def to_open(self, *_: Any, **__: Any) -> Path:
        """The file to read."""
        return self.path

    def to_save(self, *_: Any, **__: Any) -> Path:
        """The file to write."""
        return self.path


def check(fact: bool, words: str) -> None:
    """What must be so for the story to go on."""
    if not fact:
        raise AssertionError(words)


def given(thing: T | None, words: str) -> T:
    """What must be there for the story to go on."""
    if thing is None:
        raise AssertionError(words)
    return thing


def records_page(station: Station, **params: Any) -> RecordsPage:
    """The page 信息录入."""
    page = station.page("records", **params)
    assert isinstance(page, RecordsPage)
    return page


# --- act 1: a hub, two bureaus, the first load ---------------------------------
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
            _photograph_first_start(stage, station)
            code = stage.hub.invite(player.bureau, player.account, player.name, player.roles)
            station.enrol_online(stage.hub.url, code)
            _photograph_sign_in(stage, station)
            station.open()
            station.do(station.program.sync_now())
            _first_load(station, seen)


def bureau_b_enrols(stage: Stage) -> None:
    """Bureau B has no network: request and grant are files on a stick, A is the courier."""
    with stage.story.step("乙单位没有网络：登记申请和批复由优盘往返，甲单位代为转交") as seen:
        code = stage.hub.invite(ZHOU.bureau, ZHOU.account, ZHOU.name, ZHOU.roles)
        enrolment = stage.b.enrolment()
        request = enrolment.write_request(stage.stick, code, ZHOU.label, ZHOU.password, Progress())
        answer = _carry(stage, stage.a, request.path)
        enrolled = enrolment.read_grant(answer, ZHOU.password, Progress())
        check(enrolled.account == ZHOU.account, "the grant is for somebody else")
        stage.b.open()
        seen += [f"申请指纹 {request.fingerprint_text}", f"{enrolled.bureau_name}的{enrolled.person}可以登录"]


def bureau_b_loads_by_stick(stage: Stage) -> None:
    """What bureau B may know comes to it on a stick."""
    b = stage.b
    with stage.story.step("乙单位用优盘取得授权范围内的数据") as seen:
        sent = b.desk.media.export(stage.stick, STICK, Progress())
        _import(stage, b, _carry(stage, stage.a, sent.path), "首次下载")
        _first_load(b, seen)


def _first_load(station: Station, seen: list[str]) -> None:
    records = station.desk.records
    entities = records.count(records.type("market_entity"), Filter())
    items = records.count(records.type("licence_catalogue_item"), Filter())
    check(entities >= ENTITIES, f"{entities} entities")
    check(items == 142, f"{items} items")
    seen.append(f"市场主体 {entities:,} 户，先照后证目录 {items} 项")


def _photograph_first_start(stage: Stage, station: Station) -> None:
    photograph_welcome(station, stage.story.pictures / "first_start.png")


def _photograph_sign_in(stage: Stage, station: Station) -> None:
    photograph_welcome(station, stage.story.pictures / "sign_in.png")


# --- act 2: a day without network ------------------------------------------------
def officer_enters_offline(stage: Stage) -> None:
    """A permit and a penalty by form, with the hub out of reach."""
    a = stage.a
    with stage.story.step("甲单位断网：同步提示连不上中心，录入照常") as seen:
        stage.hub.stop()
        try:
            a.desk.syncing.sync_now(Progress())
        except YizhanError as refused:
            seen.append(str(refused))
        check(bool(seen), "the hub should have been out of reach")
    entity = _entity(a, 300)
    for name, words, typed in (
        ("permit", "许可", _permit_of(entity)),
        ("penalty", "处罚", _penalty_of(entity)),
    ):
        with stage.story.step(f"陈敏用表单录入一条行政{words}") as seen:
            page = records_page(a, type=name, new=True)
            before = _count(a, name)
            room = given(page.room, "no room")
            form = room.form
            form.editor("uscc").set_raw(entity["uscc"])
            form.field_left.emit("uscc", entity["uscc"])
            a.settle()
            check(form.raw()["party_name"] == entity["name"], "the name did not fill in")
            form.set_raw({**form.raw(), **typed})
            stage.shot(a, f"records_{name}")
            a.do(room.save())
            check(_count(a, name) == before + 1, f"{name} was not saved: {form.raw()}")
            seen.append(f"填入信用代码后自动带出“{entity['name']}”，保存后显示待同步")


def workbook_with_wrong_rows(stage: Stage) -> None:
    """1,000 rows, 23 of them wrong; error workbook; mended; all in."""
    a = stage.a
    declared = a.desk.records.type("penalty")
    with stage.story.step("陈敏导入 1,000 行双公示处罚工作簿，其中 23 行有错") as seen:
        book, errors = stage.sheets / "处罚双公示.xlsx", stage.sheets / "错误清单.xlsx"
        a.desk.importing.template(book, declared)
        rows = _thousand_rows(a)
        workbooks.fill(book, declared, _with_mistakes(rows))
        page = records_page(a, type="penalty")
        sheets = given(page.sheets, "no sheets")
        before = _count(a, "penalty")
        page.files = Chosen(book)
        a.do(sheets.import_file())
        stage.shot(a, "import_check")
        report = given(sheets.checked, "nothing was checked").report
        found = (len(report.good), len(report.bad))
        check(found == (ROWS - WRONG_ROWS, WRONG_ROWS), f"{found[0]} good, {found[1]} bad")
        page.files = Chosen(errors)
        a.do(sheets.save_workbook())
        a.do(sheets.store())
        check(_count(a, "penalty") == before + ROWS - WRONG_ROWS, "good rows were not stored")
        first = report.bad[0]
        seen += [
            f"可入库 {len(report.good)} 行，有错误 {len(report.bad)} 行",
            f"例如第 {first.number} 行：{first.problems[0].message}",
        ]
    with stage.story.step("改好错误清单后再次导入，全部入库") as seen:
        mended = stage.sheets / "错误清单-已改.xlsx"
        count = workbooks.mend(errors, mended, declared, _mend(rows))
        check(count == WRONG_ROWS, f"{count} rows in the error workbook")
        page = records_page(a, type="penalty")
        sheets = given(page.sheets, "no sheets")
        page.files = Chosen(mended)
        a.do(sheets.import_file())
        left = [(b.number, b.problems) for b in given(sheets.checked, "nothing was checked").report.bad]
        check(not left, str(left))
        a.do(sheets.store())
        check(_count(a, "penalty") == before + ROWS, "mended rows were not stored")
        stage.shot(a, "records")
        seen.append(f"补入 {count} 行，共 {ROWS} 行")


def claim_inspect_verify(stage: Stage) -> None:
    """A claim, an inspection with two officers, a verification on paper."""
    a = stage.a
    desk = a.desk
    with stage.story.step("认领一户市场主体") as seen:
        done = desk.claims.claim([_entity(a, 500)["id"], _entity(a, 501)["id"]])
        desk.claims.give_back(done.new[1], "经营地址在外区，不属本单位监管范围")
        a.page("claims")
        stage.shot(a, "claims")
        seen.append(done.text + "其中一户写明原因后退回。")
    with stage.story.step("认领一项任务，记录一次检查并提交") as seen:
        task = desk.records.first(desk.tasks.declared, Filter().where("state", Op.EQ, "open"))[1]
        desk.tasks.claim(task.id)
        a.page("tasks")
        stage.shot(a, "tasks")
        begun = desk.inspecting.start(task_id=task.id)
        officers = desk.inspecting.officers()[:2]
        now = desk.store.clock.stamp()[:16].replace("T", " ")
        raw = {
            **begun.raw,
            "officers": ",".join(o.id for o in officers),
            "ended_at": now,
            "findings": "食品经营许可证已公示，进货票据齐全；后厨一处排风口积油，已当场责令清洗。",
            "result": "5",
            "disposition": "0",
        }
        a.page("inspections", task=task.id)
        stage.shot(a, "inspections")
        submitted = desk.inspecting.submit(raw)
        row = desk.records.get(desk.inspecting.declared, submitted.id)
        check(row is not None and row.values["state"] == "submitted", "not submitted")
        closed = desk.records.get(desk.tasks.declared, task.id)
        check(closed is not None and closed.values["state"] == "done", "the task is still open")
        names = "、".join(str(o.values["name"]) for o in officers)
        seen.append(f"检查人员 {names}，结果“发现问题已责令改正”，任务随之办结")
    with stage.story.step("离线核查一户，打印核查单") as seen:
        sanctioned = desk.records.first(desk.records.type("sanction"), Filter(), 1)[0]
        answer = desk.verifying.verify(str(sanctioned.values["uscc"]), "评优评先")
        finding = given(answer.finding, "no finding")
        entity = given(answer.entity, "no entity")
        desk.verifying.record(answer)
        html = verification_sheet(
            finding, entity.values, subject=answer.subject, purpose=answer.purpose,
            person=desk.records.actor.name, bureau=desk.session.bureau.name, show=desk.records.show,
        )  # fmt: skip
        write_pdf(html, stage.sheets / "核查单.pdf", _mark(a), "市场主体信息核查单")
        a.page("verify", word=str(sanctioned.values["uscc"]), purpose="评优评先")
        stage.shot(a, "verify")
        a.page("entities", id=entity.id)
        stage.shot(a, "dossier")
        a.page("entities", filter=Filter().where("status", Op.EQ, "1"))
        stage.shot(a, "entities")
        seen += [finding.conclusion.replace("\n", " "), finding.statement]
    with stage.story.step("修改一户市场主体的住所和电话（稍后乙单位也会改同一户）") as seen:
        shared = _entity(a, 900)
        _save_entity(a, shared["id"], {"address": "上海市宝山区淞滨路 88 号", "phone": "021-56780001"})
        seen.append(f"{shared['name']}：住所、联系电话")


# --- act 3: up over the network ---------------------------------------------------
def bureau_a_syncs(stage: Stage) -> None:
    """At four the network comes."""
    a = stage.a
    with stage.story.step("下午四点来网：甲单位一次同步，全部已入库") as seen:
        state = a.desk.syncing.state()
        a.page("sync")
        stage.shot(a, "sync_pending")
        stage.hub.start()
        a.do(a.program.sync_now())
        after = a.desk.syncing.state()
        check(after.pending_changes == 0, f"{after.pending_changes} still pending")
        check(not after.trouble, str(after.trouble))
        a.page("sync")
        stage.shot(a, "sync")
        a.page("home")
        stage.shot(a, "home")
        seen.append(f"上报 {state.pending_changes:,} 条变更，中心签收后状态为已入库")


# --- act 4: the stick -------------------------------------------------------------
def bureau_b_by_stick(stage: Stage) -> None:
    """Bureau B never sees a network."""
    b = stage.b
    entity = _entity(b, 900, of=stage.a)
    with stage.story.step("乙单位录入自己的监管信息，并修改了同一户市场主体") as seen:
        _save_entity(
            b, entity["id"], {"address": "上海市宝山区牡丹江路 1599 号", "legal_person": "顾临川"}
        )
        alert = _alert_of(entity)
        b.desk.records.save(b.desk.records.type("alert"), alert)
        b.page("home")
        stage.shot(b, "home_offline")
        seen.append(f"{entity['name']}：住所（与甲单位不同）、法定代表人；另录入预警一条")
    with stage.story.step("乙单位导出交换包，打印介质交接单，由中心人员在中心导入") as seen:
        page = b.page("media")
        sent = b.desk.media.export(stage.stick, STICK, Progress())
        sheet = hand_over_sheet(sent.hand_over)
        write_pdf(sheet, stage.sheets / "介质交接单.pdf", _mark(b), "介质交接单")
        again = b.desk.media.export(stage.stick, STICK, Progress())
        check(again.hand_over.changes == sent.hand_over.changes, "a lost stick would lose changes")
        answer = _carry(stage, stage.centre, again.path)
        report = _import(stage, b, answer, "导入回执和下发数据")
        check(report.receipts == 1, f"{report.receipts} receipts")
        check(_count(b, "penalty") >= ROWS, "public penalties of the division did not arrive")
        write_pdf(
            intake_sheet(report.intake, b.desk.session.bureau.name, b.desk.records.show),
            stage.sheets / "入库记录单.pdf", _mark(b), "介质入库记录单",
        )  # fmt: skip
        _shot_page(stage, b, page, "media")
        repeated = _import(stage, b, answer, "重复导入")
        check(repeated.repeated and repeated.changes == 0, "the second import changed something")
        seen += [
            f"交换包指纹 {again.fingerprint_text}",
            f"回件带来回执和本区公示处罚 {_count(b, 'penalty'):,} 条",
            "重复导入同一交换包没有任何变化",
        ]


def _carry(stage: Stage, courier: Station, path: Path) -> Path:
    """A networked client takes a package as it is and brings the answer on the stick."""
    received = courier.desk.media.receive(path, Progress())
    try:
        check(received.report.verdict is Verdict.FORWARD, f"{received.report.verdict} {path.name}")
        return courier.desk.media.forward(received, stage.stick, STICK, Progress()).path
    finally:
        received.close()


def _import(stage: Stage, station: Station, path: Path, words: str) -> Any:
    received = station.desk.media.receive(path, Progress())
    try:
        allowed = (Verdict.APPLY, Verdict.REPEATED)
        check(received.report.verdict in allowed, f"{received.report.verdict}: {received.report.problems}")
        done = station.desk.media.apply(received, STICK, Progress(), words)
    finally:
        received.close()
    station.settle()
    return done


# --- act 5: the centre ---------------------------------------------------------------
def conflict_is_decided(stage: Stage) -> None:
    """One field the same, one different: the different one is asked."""
    centre, a, b = stage.centre, stage.a, stage.b
    entity = _entity(a, 900)
    with stage.story.step("中心收到冲突：并排显示两个值，采用乙单位的值") as seen:
        centre.do(centre.program.sync_now())
        page = centre.page("conflicts")
        stage.shot(centre, "conflicts")
        found = centre.desk.conflicts.open()
        check(len(found) == 1, f"{len(found)} conflicts")
        detail = centre.desk.conflicts.detail(found[0].id)
        field = given(detail.field, "no field")
        check(field.name == "address", "another field")
        seen.append(
            f"{detail.label}·{field.title}：{detail.ours.person}“{detail.ours.text}”，"
            f"{detail.theirs.person}“{detail.theirs.text}”"
        )
        centre.desk.conflicts.resolve(found[0].id, "theirs")
        _shot_page(stage, centre, page, "conflicts_done")
        centre.do(centre.program.sync_now())
    with stage.story.step("决定回到两个单位：甲单位联网，乙单位用优盘；三处内容一致") as seen:
        a.do(a.program.sync_now())
        sent = b.desk.media.export(stage.stick, STICK, Progress())
        _import(stage, b, _carry(stage, stage.centre, sent.path), "导入冲突处理结果")
        values = {_shown(s, entity["id"]) for s in (a, b, centre)}
        check(len(values) == 1, str(values))
        address, phone, person = next(iter(values))
        check("牡丹江路" in address and phone.endswith("0001") and person == "顾临川", str(values))
        seen.append(f"住所 {address}；电话来自甲单位，法定代表人 {person} 来自乙单位")


def administrator_reads_the_log(stage: Stage) -> None:
    """Every exchange, by network and by stick."""
    centre = stage.centre
    with stage.story.step("中心管理员查看同步日志并导出") as seen:
        centre.do(centre.program.sync_now())
        page = centre.page("sync_log")
        records = centre.desk.records
        declared = records.type("exchange")
        rows = records.first(declared, Filter(order="-started_at"), 100)
        carriers = {str(r.values["carrier"]) for r in rows}
        outcomes = {str(r.values["outcome"]) for r in rows}
        check(carriers == {"network", "media"}, str(carriers))
        check({"applied", "conflicted", "enrolled"} <= outcomes, str(outcomes))
        _shot_page(stage, centre, page, "sync_log")
        centre.desk.importing.export(stage.sheets / "同步日志.xlsx", declared, Filter(), Progress())
        words = [records.show(declared.by_name["outcome"], o) for o in sorted(outcomes)]
        seen.append(f"{len(rows)} 次交换，网络和介质都有；结果有{'、'.join(words)}")
    with stage.story.step("其余页面逐一打开") as seen:
        stage.a.page("settings")
        stage.shot(stage.a, "settings")
        centre.page("home")
        stage.shot(centre, "home_centre")
        seen.append(f"页面截图 {len(list(stage.story.pictures.glob('*.png')))} 张")


# --- small things ----------------------------------------------------------------------
def _shot_page(stage: Stage, station: Station, page: Page, name: str) -> None:
    station.page(page.name)
    stage.shot(station, name)


def _count(station: Station, name: str) -> int:
    records = station.desk.records
    return records.count(records.type(name), Filter())


def _entity(station: Station, number: int, *, of: Station | None = None) -> dict[str, Any]:
    """The n-th entity by credit code; the same on every station."""
    records = station.desk.records
    declared = records.type("market_entity")
    rids = records.row_ids(declared, Filter(order="uscc").where("status", Op.EQ, "1"))
    row = records.rows(declared, rids[number : number + 1])[0]
    if of is not None:
        return _entity(of, number)
    return {**row.values, "id": row.id}


def _shown(station: Station, entity_id: str) -> tuple[str, str, str]:
    records = station.desk.records
    values = given(records.get(records.type("market_entity"), entity_id), "the entity is gone").values
    return str(values["address"]), str(values["phone"]), str(values["legal_person"])


def _save_entity(station: Station, entity_id: str, typed: Mapping[str, str]) -> None:
    records = station.desk.records
    declared = records.type("market_entity")
    row = records.get(declared, entity_id)
    assert row is not None
    records.save(declared, {**records.raw(declared, row), **typed}, row.id, row.seen)
    station.settle()


def _mark(station: Station) -> Watermark:
    desk = station.desk
    return Watermark(desk.records.actor.name, desk.store.clock.stamp())


def _permit_of(entity: Mapping[str, Any]) -> dict[str, str]:
    return {
        "party_kind": "法人及非法人组织",
        "document_name": "食品经营许可决定书",
        "document_no": "宝许〔2026〕1122号",
        "category": "01",
        "content": "热食类食品制售，预包装食品销售",
        "decided_on": "20261120",
        "valid_from": "20261120",
        "valid_to": "20311119",
        "status": "1",
        "item": "SP0001",
        "legal_person": str(entity["legal_person"]),
    }


def _penalty_of(entity: Mapping[str, Any]) -> dict[str, str]:
    return {
        "party_kind": "法人及非法人组织",
        "legal_person": str(entity["legal_person"]),
        "document_no": "宝罚〔2026〕0388号",
        "offence": "未按规定公示食品经营许可证",
        "facts": "2026年11月18日检查发现经营场所未在显著位置公示食品经营许可证。",
        "basis": "《食品经营许可和备案管理办法》",
        "categories": "01,02",
        "content": "警告，罚款人民币 2000 元",
        "fine": "0.2",
        "decided_on": "20261120",
        "valid_to": "20271120",
        "published_until": "20271120",
        "item": "CF0001",
    }


def _alert_of(entity: Mapping[str, Any]) -> dict[str, str]:
    return {
        "entity_name": str(entity["name"]),
        "uscc": str(entity["uscc"]),
        "kind": "失联预警",
        "origin": "2",
        "reason": "三次上门均未在登记住所联系到经营者。",
        "raised_on": "20261121",
    }


def _thousand_rows(station: Station) -> list[dict[str, str]]:
    records = station.desk.records
    declared = records.type("market_entity")
    rids = records.row_ids(declared, Filter(order="uscc").where("status", Op.EQ, "1"))[1000:1400]
    known = [r.values for r in records.rows(declared, rids)]
    return list(penalty_rows(ROWS, known, item="CF0001", authority="宝山区市场监督管理局", seed=9))


def _with_mistakes(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    spoiled = list(rows)
    for number in range(WRONG_ROWS):
        at = number * (ROWS // WRONG_ROWS)
        spoiled[at] = {**rows[at], **MISTAKES[number % len(MISTAKES)]}
    return spoiled


def _mend(rows: list[dict[str, str]]) -> workbooks.Mend:
    """The clerk looks up what each row should have said."""
    right = {r["document_no"]: r for r in rows}
    missing = iter(r for i, r in enumerate(rows) if _with_mistakes(rows)[i]["document_no"] == "")

    def mend(row: dict[str, str]) -> Mapping[str, str]:
        original = right.get(row["document_no"]) or next(missing)
        return {n: original[n] for m in MISTAKES for n in m}

    return mend


MISTAKES: tuple[dict[str, str], ...] = (
    {"document_no": ""},
    {"uscc": "91310113MA1GL0000X"},
    {"decided_on": "2026-13-40"},
    {"categories": "罚金"},
    {"item": "CF9999"},
)

ACTS: tuple[Callable[[Stage], None], ...] = (
    the_hub_opens,
    bureau_a_enrols,
    bureau_b_enrols,
    bureau_b_loads_by_stick,
    officer_enters_offline,
    workbook_with_wrong_rows,
    claim_inspect_verify,
    bureau_a_syncs,
    bureau_b_by_stick,
    conflict_is_decided,
    administrator_reads_the_log,
)
