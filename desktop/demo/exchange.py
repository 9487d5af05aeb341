"""Acts 3 to 5: up over the network, out and in by stick, and what the centre sees of it."""

from __future__ import annotations

from pathlib import Path

from desktop.demo import typed
from desktop.demo.day import save_entity
from desktop.demo.opening import carry, take_in
from desktop.demo.stage import SPARE, STICK, Stage, check, count, entity, given, mark, page_of, press
from desktop.demo.station import Station
from desktop.ui.media.flow import Flow
from desktop.ui.pages.conflicts import ConflictsPage
from desktop.ui.pages.inspections import InspectionsPage
from desktop.ui.pages.media import MediaPage
from desktop.ui.pages.sync_log import SyncLogPage
from desktop.ui.palette import Palette
from desktop.work.jobs import Progress
from desktop.work.media import ExportResult
from desktop.work.paper import write_pdf
from desktop.work.printing import hand_over_sheet, intake_sheet
from shared.filters import Filter

LOCK_WINDOW = (460, 240)


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
        stage.shot(a, "home_150", scale=1.5)
        strip = _inspection_with_photos(a).form.photos
        stage.shot(a, "attachments_in")
        words = {text.partition("\n")[2] for text in strip.texts()}
        check(words == {"已入库"}, f"{strip.texts()} after the contents were sent")
        seen.append(f"上报 {state.pending_changes:,} 条变更，中心签收后状态为已入库")


def _inspection_with_photos(a: Station) -> InspectionsPage:
    """The inspection that was saved in the morning, as it stands now."""
    records = a.desk.records
    shown = records.first(records.type("attachment"), Filter(), 1)[0].values
    page = page_of(InspectionsPage, a, "inspections", id=str(shown["record_id"]))
    check(bool(page.form.photos.texts()), "the photos are not shown")
    return page


# --- act 4: the stick -------------------------------------------------------------
def bureau_b_by_stick(stage: Stage) -> None:
    """Bureau B never sees a network."""
    b = stage.b
    party = entity(stage.a, 900)
    with stage.story.step("乙单位录入自己的监管信息，并修改了同一户市场主体") as seen:
        save_entity(
            b, party["id"], {"address": "上海市宝山区牡丹江路 1599 号", "legal_person": "顾临川"}
        )
        b.desk.records.save(b.desk.records.type("alert"), typed.alert_of(party, b.desk.store.clock.today()))
        b.page("home")
        stage.shot(b, "home_offline")
        seen.append(f"{party['name']}：住所（与甲单位不同）、法定代表人；另录入预警一条")
    with stage.story.step("乙单位导出交换包，打印介质交接单；U 盘丢失，再次导出") as seen:
        page = page_of(MediaPage, b, "media")
        sent = _exported(stage, b, page)
        write_pdf(hand_over_sheet(sent.hand_over), stage.sheets / "介质交接单.pdf", mark(b), "介质交接单")
        again = b.desk.media.export_again(
            sent.hand_over_id, "途中遗失，已报告", stage.stick, SPARE, Progress()
        )
        ours, lost = given(again.hand_over.changes, "sealed"), given(sent.hand_over.changes, "sealed")
        check(ours > lost, "a lost stick would lose changes")
        seen.append(f"交换包指纹 {again.fingerprint_text}，丢失的一份全在里面，另有交接单和丢失登记")
    with stage.story.step("中心人员转交交换包，回件由乙单位导入") as seen:
        stage.centre.do(stage.centre.program.sync_now())
        answer = _forwarded(stage, stage.centre, again.path)
        _imported(stage, b, page, answer)
        state = b.desk.syncing.state()
        # Signed for: what was sealed, with the papers made for it. Only the record of this import is new.
        check(state.receipted >= ours, f"{state.receipted} of {ours} receipted")
        check((state.work, state.paper) == (0, 1), f"{state.work} pending, {state.paper} papers")
        check(state.conflicts > 0 and not state.all_in, "all is said to be well while a conflict is open")
        check(count(b, "penalty") >= typed.ROWS, "public penalties of the division did not arrive")
        b.page("sync")
        stage.shot(b, "sync_trouble")
        seen.append(f"回件带来回执和本区公示处罚 {count(b, 'penalty'):,} 条")
    with stage.story.step("中心人员为乙单位代转：下发包取到代转箱，写入乙单位的介质，带回导入") as seen:
        brought = _carried(stage, stage.centre, b)
        took = take_in(b, brought, "代转带回")
        check(took.arrived >= 0 and not took.repeated, "the courier brought nothing new")
        b.page("media", tab="register")
        page.register.table.select(0)
        stage.shot(b, "media_register")
        seen.append(f"代转的包经手人打不开；乙单位导入 {took.changes:,} 条变更，往来登记里进出都在")
    with stage.story.step("重复导入和被改动的交换包：没有任何变化，说明原因") as seen:
        repeated = take_in(b, answer, "重复导入")
        check(repeated.repeated and repeated.changes == 0, "the second import changed something")
        seen += ["重复导入同一交换包没有任何变化", _refused(stage, b, answer)]


def _exported(stage: Stage, b: Station, page: MediaPage) -> ExportResult:
    """The four steps of 导出."""
    flow = page.exporting
    stage.shot(b, "media_export_1")
    flow.button("下一步").click()
    flow.medium.folder.set_path(stage.stick)
    flow.medium.number.setText(STICK.number)
    stage.shot(b, "media_export_2")
    _click(b, flow, "写入介质")
    stage.shot(b, "media_export_3")
    _click(b, flow, "下一步：打印交接单")
    stage.shot(b, "media_export_4")
    return given(flow.result(), "nothing was written")


def _forwarded(stage: Stage, courier: Station, package: Path) -> Path:
    """A networked client carries the package; gives the answer on the stick."""
    flow = page_of(MediaPage, courier, "media", file=str(package)).importing
    flow.medium.number.setText(STICK.number)
    courier.do(flow.examine())
    stage.shot(courier, "media_forward")
    _click(courier, flow, "下一步：转交中心")
    before = set(stage.stick.iterdir())
    _click(courier, flow, "转交中心")
    stage.shot(courier, "media_forwarded")
    written = sorted(set(stage.stick.iterdir()) - before)
    check(len(written) == 1, f"{written} {flow.messages.text()}")
    return written[0]


def _imported(stage: Stage, b: Station, page: MediaPage, answer: Path) -> None:
    """The four steps of 导入."""
    b.page("media", file=str(answer))
    flow = page.importing
    flow.medium.number.setText(STICK.number)
    stage.shot(b, "media_import_1")
    b.do(flow.examine())
    stage.shot(b, "media_import_2")
    _click(b, flow, "下一步：写入本机")
    stage.shot(b, "media_import_3")
    _click(b, flow, "确认写入")
    stage.shot(b, "media_import_4")
    records = b.desk.records
    intake = records.first(records.type("media_intake"), Filter(order="-received_at"), 1)[0].values
    sheet = intake_sheet(dict(intake), b.desk.session.bureau.name, records.show)
    write_pdf(sheet, stage.sheets / "入库记录单.pdf", mark(b), "介质入库记录单")


def _carried(stage: Stage, courier: Station, b: Station) -> Path:
    """Another bureau's client fetches b's sealed package and writes it to b's stick."""
    view = page_of(MediaPage, courier, "media", tab="courier").courier
    view.tick(b.desk.session.bureau.code)
    courier.settle()
    courier.do(view.sync())
    courier.settle()
    view.medium.folder.set_path(stage.stick)
    view.medium.number.setText(STICK.number)
    stage.shot(courier, "media_courier")
    before = set(stage.stick.iterdir())
    courier.do(view.write())
    courier.settle()
    (written,) = set(stage.stick.iterdir()) - before
    return written


def _refused(stage: Stage, b: Station, answer: Path) -> str:
    """One byte flipped on the way: refused, with a reason."""
    spoiled = bytearray(answer.read_bytes())
    spoiled[len(spoiled) // 2] ^= 1
    path = stage.folder / "被改动的交换包.yzp"
    path.write_bytes(spoiled)
    page = page_of(MediaPage, b, "media", file=str(path))
    b.do(page.importing.examine())
    report = given(page.importing.received, "nothing was examined").report
    refusal = given(report.refusal, "a changed package was accepted")
    stage.shot(b, "media_refused")
    page.importing.start()
    return refusal.message


def _click(station: Station, flow: Flow, text: str) -> None:
    flow.button(text).click()
    station.settle()


# --- act 5: the centre ---------------------------------------------------------------
def conflict_is_decided(stage: Stage) -> None:
    """One field the same, one different: the different one is asked."""
    centre, a, b = stage.centre, stage.a, stage.b
    party = entity(a, 900)
    with stage.story.step("中心收到冲突：并排显示两个值，采用乙单位的值") as seen:
        centre.do(centre.program.sync_now())
        page = page_of(ConflictsPage, centre, "conflicts")
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
        page.panel.choose("theirs")
        stage.shot(centre, "conflicts_chosen")
        press(centre, page, "decide")
        check(not centre.desk.conflicts.open(), f"not decided: {page.messages.text()}")
        page.segments.choose("resolved")
        stage.shot(centre, "conflicts_done")
        centre.do(centre.program.sync_now())
    with stage.story.step("决定回到两个单位：甲单位联网，乙单位用 U 盘；三处内容一致") as seen:
        a.do(a.program.sync_now())
        sent = b.desk.media.export(stage.stick, SPARE, Progress())
        take_in(b, carry(stage, stage.centre, sent.path), "导入冲突处理结果")
        values = {_shown(s, party["id"]) for s in (a, b, centre)}
        check(len(values) == 1, str(values))
        address, phone, person = next(iter(values))
        check("牡丹江路" in address and phone.endswith("0001") and person == "顾临川", str(values))
        seen.append(f"住所 {address}；电话来自甲单位，法定代表人 {person} 来自乙单位")


def administrator_reads_the_log(stage: Stage) -> None:
    """Every exchange, by network and by stick."""
    centre = stage.centre
    with stage.story.step("中心管理员查看同步日志并导出") as seen:
        centre.do(centre.program.sync_now())
        page = page_of(SyncLogPage, centre, "sync_log")
        records = centre.desk.records
        declared = records.type("exchange")
        rows = records.first(declared, Filter(order="-started_at"), 100)
        carriers = {str(r.values["carrier"]) for r in rows}
        outcomes = {str(r.values["outcome"]) for r in rows}
        check(carriers == {"network", "media"}, str(carriers))
        check({"applied", "conflicted", "enrolled"} <= outcomes, str(outcomes))
        page.shown({"tab": "log"})
        page.log.table.select(next(r.id for r in rows if r.values["outcome"] == "conflicted"))
        stage.shot(centre, "sync_log")
        centre.desk.importing.export(stage.sheets / "同步日志.xlsx", declared, Filter(), Progress())
        words = [records.show(declared.by_name["outcome"], o) for o in sorted(outcomes)]
        seen.append(f"{len(rows)} 次交换，网络和介质都有；结果有{'、'.join(words)}")


def the_rest_is_opened(stage: Stage) -> None:
    """What no other act showed: settings, the list of commands, the lock."""
    a, centre = stage.a, stage.centre
    with stage.story.step("其余页面逐一打开；离开座位时锁定，输入密码继续") as seen:
        a.page("settings")
        stage.shot(a, "settings")
        page = a.page("records", type="permit")
        shell = given(a.program.shell, "no window")
        press(a, shell, "palette")
        stage.shot(a, "palette")
        given(shell.findChild(Palette), "no list of commands").hide()
        centre.page("home")
        stage.shot(centre, "home_centre")
        lock = given(a.program.idle_lock, "no lock")
        lock.lock()
        curtain = given(lock.curtain, "not locked")
        stage.shot_of(curtain, "lock", LOCK_WINDOW)
        curtain.password.setText(a.player.password)
        a.do(curtain.submit())
        check(lock.curtain is None and page.isVisible(), "still locked")
        seen.append(f"页面截图 {len(list(stage.story.pictures.glob('*.png')))} 张")


def _shown(station: Station, entity_id: str) -> tuple[str, str, str]:
    records = station.desk.records
    values = given(records.get(records.type("market_entity"), entity_id), "the entity is gone").values
    return str(values["address"]), str(values["phone"]), str(values["legal_person"])
