"""Act 2: a day of bureau A without network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtGui import QGuiApplication

from desktop.demo import photos, typed, workbooks
from desktop.demo.stage import (
    Chosen,
    Stage,
    check,
    count,
    entity,
    given,
    mark,
    page_of,
    press,
    records_page,
)
from desktop.demo.station import Station
from desktop.ui.entry.room import EntryRoom
from desktop.ui.pages.claims import ClaimsPage
from desktop.ui.pages.inspections import InspectionsPage
from desktop.ui.pages.sync import SyncPage
from desktop.ui.pages.tasks import TasksPage
from desktop.work.attaching import Source
from desktop.work.paper import write_pdf
from desktop.work.printing import verification_sheet
from shared.filters import Filter, Op
from shared.supervision import queues

RETURN_REASON = "经营地址在外区，不属本单位监管范围"
FINDINGS = "食品经营许可证未悬挂在显著位置，已责令当场公示；进货票据齐全，后厨一处排风口积油，已当场清洗。"


def officer_enters_offline(stage: Stage) -> None:
    """A permit and a penalty by form, with the hub out of reach."""
    a = stage.a
    with stage.story.step("甲单位断网：同步提示连不上中心，录入照常") as seen:
        stage.hub.stop()
        page = page_of(SyncPage, a, "sync")
        a.do(page.sync_now())
        stage.shot(a, "sync_offline")
        said = page.messages.text()
        check("连不上中心" in said, f"the hub should have been out of reach: {said}")
        seen.append(said)
    party, today = entity(a, 300), a.desk.store.clock.today()
    with stage.story.step("陈敏用表单录入一条行政许可，改正两处错误后保存") as seen:
        before = count(a, "permit")
        room = _begin(a, "permit", party)
        right = {**room.form.raw(), **typed.permit_of(party, today)}
        room.form.set_raw(right)
        stage.shot(a, "records_permit")
        room.form.set_raw({**right, "decided_on": f"{today:%Y}1340", "valid_to": ""})
        a.do(room.save())
        check(count(a, "permit") == before, "a wrong permit was saved")
        stage.shot(a, "records_refused")
        room.form.set_raw(right)
        a.do(room.save())
        check(count(a, "permit") == before + 1, f"the permit was not saved: {room.form.raw()}")
        seen.append(f"填入信用代码后自动带出“{party['name']}”，保存后显示待同步")
    with stage.story.step("陈敏录入一条行政处罚；两份没有写完的许可成为草稿") as seen:
        before = count(a, "penalty")
        room = _begin(a, "penalty", party)
        room.form.set_raw({**room.form.raw(), **typed.penalty_of(party, today)})
        a.do(room.save())
        check(count(a, "penalty") == before + 1, f"the penalty was not saved: {room.form.raw()}")
        stage.shot(a, "records_penalty")
        for number in (310, 311):
            room = _begin(a, "permit", entity(a, number))
            room.new()
            a.settle()
        room.show_drafts()
        stage.shot(a, "drafts")
        check(room.draft_count == 2, f"{room.draft_count} drafts")
        seen.append("新增处罚 1 条，草稿 2 份")


def workbook_with_wrong_rows(stage: Stage) -> None:
    """1,000 rows, 23 of them wrong; error workbook; mended; all in; then 40 rows from the clipboard."""
    a = stage.a
    declared = a.desk.records.type("penalty")
    rows = typed.thousand_rows(a)
    with stage.story.step("陈敏导入 1,000 行双公示处罚工作簿，其中 23 行有错") as seen:
        book, errors = stage.sheets / "处罚双公示.xlsx", stage.sheets / "错误清单.xlsx"
        a.desk.importing.template(book, declared)
        workbooks.fill(book, declared, typed.with_mistakes(rows))
        page = records_page(a, type="penalty")
        sheets = given(page.sheets, "no sheets")
        before = count(a, "penalty")
        page.files = Chosen(book)
        a.do(sheets.import_file())
        stage.shot(a, "import_check")
        report = given(sheets.checked, "nothing was checked").report
        found = (len(report.good), len(report.bad))
        right = (typed.ROWS - typed.WRONG_ROWS, typed.WRONG_ROWS)
        check(found == right, f"{found[0]} good, {found[1]} bad")
        page.files = Chosen(errors)
        a.do(sheets.save_workbook())
        a.do(sheets.store())
        stage.shot(a, "import_done")
        check(count(a, "penalty") == before + right[0], "good rows were not stored")
        first = report.bad[0]
        seen += [
            f"可入库 {len(report.good)} 行，有错误 {len(report.bad)} 行",
            f"例如第 {first.number} 行：{first.problems[0].message}",
        ]
    with stage.story.step("改好错误清单后再次导入，全部入库") as seen:
        mended = stage.sheets / "错误清单-已改.xlsx"
        number = workbooks.mend(errors, mended, declared, typed.mend(rows))
        check(number == typed.WRONG_ROWS, f"{number} rows in the error workbook")
        page.files = Chosen(mended)
        a.do(sheets.import_file())
        left = [(b.number, b.problems) for b in given(sheets.checked, "nothing was checked").report.bad]
        check(not left, str(left))
        a.do(sheets.store())
        check(count(a, "penalty") == before + typed.ROWS, "mended rows were not stored")
        stage.shot(a, "records")
        seen.append(f"补入 {number} 行，共 {typed.ROWS} 行")
    with stage.story.step("从 Excel 粘贴 40 行，2 行有错，逐行说明原因") as seen:
        before = count(a, "penalty")
        QGuiApplication.clipboard().setText(typed.forty_rows(a, declared))
        a.do(sheets.paste())
        stage.shot(a, "paste")
        stored = count(a, "penalty") - before
        check(stored == typed.PASTED - typed.WRONG_PASTED, f"{stored} pasted rows stored")
        seen.append(f"入库 {stored} 行；{sheets.outcome.said()}")


def claim_and_inspect(stage: Stage) -> None:
    """A claim given back, a task taken, an inspection with two officers."""
    a = stage.a
    desk = a.desk
    with stage.story.step("认领市场主体，其中一户写明原因后退回") as seen:
        done = desk.claims.claim([entity(a, n)["id"] for n in (300, 501, 502)])
        page = page_of(ClaimsPage, a, "claims")
        stage.shot(a, "claims")
        page.bar.choose(queues.OUR_CLAIMS.name)
        a.settle()
        press(a, page, "give_back")
        given(page.view.panel.form, "nothing was asked").set_raw({"return_reason": RETURN_REASON})
        stage.shot(a, "claims_return")
        press(a, page.view.panel, "step_do")
        returned = desk.records.count(
            desk.claims.declared, Filter().where("return_reason", Op.EQ, RETURN_REASON)
        )
        check(returned == 1, f"{returned} claims given back")
        seen.append(f"{done.text}其中一户退回：{RETURN_REASON}")
    with stage.story.step("认领两项任务，一次检查由两人完成并提交，一次只保存") as seen:
        tasks = page_of(TasksPage, a, "tasks")
        stage.shot(a, "tasks")
        wanted = desk.records.first(desk.tasks.declared, Filter(order="due_on").where("state", Op.EQ, "open"))
        taken = [row.id for row in wanted[1:3]]
        for task in taken:
            check(tasks.view.table.select(task), "the task is not in the list")
            press(a, tasks, "claim")
        tasks.bar.choose(queues.MY_TASKS.name)
        stage.shot(a, "tasks_mine")
        seen.append(_inspected(stage, a, taken[0]))
    with stage.story.step("另一次检查先保存：现场照片和许可证扫描件附在上面") as seen:
        seen.append(_documented(stage, a, taken[1]))


def verify_offline(stage: Stage) -> None:
    """An answer with its evidence, on screen and on paper; the file of an entity."""
    a = stage.a
    desk = a.desk
    today = desk.store.clock.today()
    with stage.story.step("离线核查一户，打印核查单") as seen:
        a.page("verify", word="测绘", purpose="评优评先")
        stage.shot(a, "verify_choose")
        sanctioned = desk.records.first(desk.records.type("sanction"), Filter(), 1)[0]
        answer = desk.verifying.verify(str(sanctioned.values["uscc"]), "评优评先")
        finding, known = given(answer.finding, "no finding"), given(answer.entity, "no entity")
        desk.verifying.record(answer)
        html = verification_sheet(
            finding, known.values, subject=answer.subject, purpose=answer.purpose,
            person=desk.records.actor.name, bureau=desk.session.bureau.name, show=desk.records.show,
        )  # fmt: skip
        write_pdf(html, stage.sheets / "核查单.pdf", mark(a), "市场主体信息核查单")
        a.page("verify", word=str(sanctioned.values["uscc"]), purpose="评优评先")
        stage.shot(a, "verify")
        seen += [finding.conclusion.replace("\n", " "), finding.statement]
    with stage.story.step("录入监管信息和预警；查看这户的一屏式档案") as seen:
        party = entity(a, 300)
        for name, raw in (
            ("supervision", typed.supervision_of(party, today)),
            ("alert", typed.alert_of(party, today)),
        ):
            desk.records.save(desk.records.type(name), raw)
        a.page("entities", filter=Filter(text="测绘").where("status", Op.EQ, "1"))
        stage.shot(a, "entities")
        a.page("entities", id=party["id"])
        stage.shot(a, "dossier")
        seen.append(f"{party['name']}：许可、处罚、监管、预警、认领都在一页")
    with stage.story.step("修改一户市场主体的住所和电话（稍后乙单位也会改同一户）") as seen:
        shared = entity(a, 900)
        save_entity(a, shared["id"], {"address": "上海市宝山区淞滨路 88 号", "phone": "021-56780001"})
        seen.append(f"{shared['name']}：住所、联系电话")


def save_entity(station: Station, entity_id: str, changed: Mapping[str, str]) -> None:
    """Change some fields of an entity."""
    records = station.desk.records
    declared = records.type("market_entity")
    row = given(records.get(declared, entity_id), "the entity is gone")
    records.save(declared, {**records.raw(declared, row), **changed}, row.id, row.seen)
    station.settle()


# --- inside --------------------------------------------------------------------------
def _begin(station: Station, name: str, party: Mapping[str, Any]) -> EntryRoom:
    """A new record: the credit code is typed, the rest is known."""
    room = given(records_page(station, type=name, new=True).room, "no room")
    room.form.editor("uscc").set_raw(party["uscc"])
    room.form.field_left.emit("uscc", party["uscc"])
    station.settle()
    check(room.form.raw()["party_name"] == party["name"], "the name did not fill in")
    return room


def _documented(stage: Stage, a: Station, task: str) -> str:
    """Saved, not yet submitted; two photos and a scan."""
    page = page_of(InspectionsPage, a, "inspections", task=task)
    page.form.form.fill({"officers": ",".join(_officers(a))})
    press(a, page, "save")
    row = a.desk.records.first(a.desk.inspecting.declared, Filter().where("task_id", Op.EQ, task), 1)[0]
    party = given(
        a.desk.records.get(a.desk.records.type("market_entity"), str(row.values["entity_id"])), "no entity"
    ).values
    folder = stage.sheets
    files = (
        photos.kitchen(folder / "后厨.jpg"),
        photos.dining_room(folder / "大厅公示栏.jpg"),
        photos.licence_scan(folder / "食品经营许可证.pdf", party["name"], party["uscc"], mark(a)),
    )
    a.do(page.form.photos.add([Source(one.name, one) for one in files]))
    stage.shot(a, "attachments")
    said = page.form.photos.texts()
    check(said == [f"{one.stem}\n待传" for one in files], str(said))
    return f"附件 {len(files)} 个，待传"


def _officers(station: Station) -> list[str]:
    return [o.id for o in station.desk.inspecting.officers()[:2]]


def _inspected(stage: Stage, a: Station, task: str) -> str:
    desk = a.desk
    page = page_of(InspectionsPage, a, "inspections", task=task)
    form = page.form.form
    form.fill(
        {
            "officers": ",".join(_officers(a)),
            "ended_at": desk.store.clock.stamp()[:16].replace("T", " "),
            "findings": FINDINGS,
            "result": "5",
            "disposition": "1",
        }
    )
    stage.shot(a, "inspections")
    press(a, page, "submit")
    stage.shot(a, "inspections_done")
    row = desk.records.first(desk.inspecting.declared, Filter().where("task_id", Op.EQ, task), 1)[0]
    check(row.values["state"] == "submitted", "not submitted")
    closed = given(desk.records.get(desk.tasks.declared, task), "the task is gone")
    check(closed.values["state"] == "done", "the task is still open")
    names = "、".join(str(o.values["name"]) for o in desk.inspecting.officers()[:2])
    return f"检查人员 {names}，结果“发现问题已责令改正”，任务随之办结"
