"""The acts of the story, in order. Each asserts what its person must see."""

from __future__ import annotations

from collections.abc import Callable

from desktop.demo import day, exchange, opening, quality
from desktop.demo.stage import Stage

ACTS: tuple[Callable[[Stage], None], ...] = (
    opening.the_hub_opens,
    opening.bureau_a_enrols,
    opening.bureau_b_enrols,
    opening.bureau_b_loads_by_stick,
    day.officer_enters_offline,
    day.workbook_with_wrong_rows,
    day.claim_and_inspect,
    day.verify_offline,
    exchange.bureau_a_syncs,
    exchange.bureau_b_by_stick,
    exchange.conflict_is_decided,
    quality.problems_are_found_and_mended,
    exchange.administrator_reads_the_log,
    exchange.the_rest_is_opened,
)
