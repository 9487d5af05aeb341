"""Act 6: the centre looks for what is wrong in the data; the bureau that provided it mends it."""

from __future__ import annotations

from desktop.demo.stage import Stage, check, given, page_of, press, records_page
from desktop.ui.pages.problems import ProblemsPage
from shared.filters import Filter, Op

_TOLD = 3


def problems_are_found_and_mended(stage: Stage) -> None:
    """Found, ticked, told; received, mended, answered; closed."""
    centre, a = stage.centre, stage.a
    with stage.story.step("中心查找问题数据，勾选后反馈给提供单位") as seen:
        centre.do(centre.program.sync_now())
        page = page_of(ProblemsPage, centre, "problems")
        press(centre, page, "find_problems")
        look = page.finding
        centre.do(look.look())
        ours = [n for n, f in enumerate(look.findings()) if f.provider == a.desk.records.actor.bureau]
        check(len(ours) >= _TOLD, f"{look.said.text()} {len(ours)} of bureau A")
        look.none.click()
        for at in ours[:_TOLD]:
            look.tick(at)
        stage.shot(centre, "problems_find")
        said = look.said.text()
        centre.do(look.raise_ticked())
        check(f"已反馈 {_TOLD} 条" in page.messages.text(), page.messages.text())
        centre.do(centre.program.sync_now())
        seen.append(f"{said}；反馈 {_TOLD} 条")
    with stage.story.step("甲单位收到问题数据，整改后报完成；中心核销") as seen:
        a.do(a.program.sync_now())
        home = {i.queue: i for i in a.desk.todo.counts()}["open_problems"]
        check(home.count == _TOLD, f"{home.count} wait at bureau A")
        mine = page_of(ProblemsPage, a, "problems", queue="open_problems")
        mine.view.table.grid.selectRow(0)
        stage.shot(a, "problems")
        problem = given(mine.view.table.current(), "no problem is chosen").values
        room = given(
            records_page(a, type=str(problem["record_type"]), id=str(problem["record_id"])).room, "no room"
        )
        check(given(room.editing.record, "not opened").id == problem["record_id"], "another record")
        mine = page_of(ProblemsPage, a, "problems", queue="open_problems")
        mine.view.table.grid.selectRow(0)
        press(a, mine, "mend")
        a.do(a.program.sync_now())
        centre.do(centre.program.sync_now())
        answered = page_of(ProblemsPage, centre, "problems", queue="answered_problems")
        answered.view.table.grid.selectRow(0)
        press(centre, answered, "close")
        declared = centre.desk.problems.declared
        closed = centre.desk.records.count(declared, Filter().where("state", Op.EQ, "closed"))
        check(closed == 1, f"{closed} closed")
        press(centre, answered, "statistics")
        stage.shot(centre, "problems_statistics")
        seen.append(f"时限 {problem['due_on']}；{problem['description']}")


__all__ = ["problems_are_found_and_mended"]
