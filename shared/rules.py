"""Rules that several record types share, made from the names of their fields.

Each function returns a rule to be assigned in a declaration:
``period = in_order("valid_from", "valid_to", "有效期至不得早于有效期自")``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from shared.errors import Level, Problem
from shared.identifiers import check_id_card
from shared.record import RuleBody, rule

LEGAL, NATURAL, TRADER = "法人及非法人组织", "自然人", "个体工商户"
"""The three 行政相对人类别 of 双公示."""

ID_CARD = "01"
"""身份证 in the table 证件类型."""


def in_order(first: str, then: str, message: str, level: Level = Level.REJECT) -> RuleBody:
    """The second day or moment is not before the first."""

    @rule(first, then)
    def body(self: Any) -> Iterator[Problem]:
        if _moment(getattr(self, then)) < _moment(getattr(self, first)):
            yield Problem(then, message, level)

    return body


def _moment(value: Any) -> Any:
    """Times are ISO texts whose offsets may differ; days compare as they are."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def required_when(
    deciding: str, among: Collection[str], wanted: str, message: str, level: Level = Level.REJECT
) -> RuleBody:
    """``wanted`` must be filled when ``deciding`` (a code or a set of codes) is one of ``among``."""

    @rule(deciding, also=(wanted,))
    def body(self: Any) -> Iterator[Problem]:
        if getattr(self, wanted) in (None, ""):
            chosen = getattr(self, deciding).split(",")
            if any(one in among for one in chosen):
                yield Problem(wanted, message, level)

    return body


def id_card_when(type_field: str, number_field: str) -> RuleBody:
    """The number is a valid 身份证 number when that is the type of certificate."""

    @rule(type_field, number_field)
    def body(self: Any) -> Iterator[Problem]:
        if getattr(self, type_field) == ID_CARD:
            complaint = check_id_card(getattr(self, number_field).upper())
            if complaint:
                yield Problem(number_field, complaint)

    return body


def not_negative(*fields: str) -> RuleBody:
    """Amounts and counts are not below zero."""

    @rule(also=fields)
    def body(self: Any) -> Iterator[Problem]:
        for one in fields:
            value = getattr(self, one)
            if value is not None and value < 0:
                yield Problem(one, "不得为负数，请检查")

    return body
