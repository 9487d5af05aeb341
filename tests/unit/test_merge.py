"""One field, two authors: what applies, what stands, what must be asked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.changes import SEQ_BITS
from shared.fields import Field, Merge
from shared.merge import Outcome, merge_field, outrun, seen, union
from shared.types import catalog

PHONE = catalog.by_name("market_entity").by_name["phone"]
LINES = st.integers(1, 5)
NUMBERS = st.integers(1, 9)
VALUES = st.sampled_from(["a", "b", "c"])


def ref(line: int, number: int) -> int:
    return line << SEQ_BITS | number


def declared(policy: Merge) -> Field:
    return replace(PHONE, merge=policy)


@given(LINES, NUMBERS, NUMBERS, VALUES, VALUES)
def test_what_one_installation_wrote_later_stands_in_whatever_order_it_comes(
    line: int, one: int, other: int, earlier: str, later: str
) -> None:
    first, second = ref(line, min(one, other)), ref(line, max(one, other) + 1)
    seen_elsewhere = ref(line + 1, 7)
    for policy in Merge:
        field = declared(policy)
        assert merge_field(
            field, base=seen_elsewhere, writer=first, own=second, current=earlier, proposed=later
        ) == (Outcome.APPLY, later)
        assert merge_field(
            field, base=seen_elsewhere, writer=second, own=first, current=later, proposed=earlier
        ) == (Outcome.KEEP, later)


@given(LINES, LINES, NUMBERS, NUMBERS, VALUES, VALUES)
def test_two_installations_that_did_not_know_of_each_other_are_asked(
    one: int, other: int, writer: int, own: int, current: str, proposed: str
) -> None:
    if one == other:
        other = one + 1
    asked = merge_field(
        declared(Merge.ASK), base=ref(other, 99), writer=ref(one, writer), own=ref(other, own),
        current=current, proposed=proposed,
    )
    same = current == proposed
    assert asked == ((Outcome.APPLY, proposed) if same else (Outcome.CONFLICT, current))


@given(LINES, NUMBERS, LINES, NUMBERS)
def test_nobody_has_both_seen_and_outrun_a_change(line: int, number: int, other: int, own: int) -> None:
    writer, mine = ref(line, number), ref(other, own)
    assert not (outrun(writer, mine) and seen(0, writer, mine))
    if line != other:
        assert not outrun(writer, mine) and not seen(0, writer, mine)


@given(st.lists(VALUES, max_size=3), st.lists(VALUES, max_size=3))
def test_sets_unite_alike_from_both_sides(one: list[str], other: list[str]) -> None:
    assert union(",".join(one), ",".join(other)) == union(",".join(other), ",".join(one))


@pytest.mark.parametrize(("current", "proposed", "stands"), [(3, 5, 5), (5, 3, 5), ("2", None, "2"), (None, "2", "2")])
def test_the_greater_stands(current: object, proposed: object, stands: object) -> None:
    decided = merge_field(
        declared(Merge.MAX), base=ref(2, 9), writer=ref(1, 1), own=ref(2, 1),
        current=current, proposed=proposed,  # type: ignore[arg-type]
    )
    assert decided[1] == stands
