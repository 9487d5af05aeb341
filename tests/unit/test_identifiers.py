"""Identifiers: what is valid passes, and the message names the part that is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc as reference

from shared.identifiers import (
    USCC_ALPHABET,
    USCC_KINDS,
    check_id_card,
    check_org_code,
    check_phone,
    check_registration_no,
    check_uscc,
    make_uscc,
    org_check_digit,
)

BODY = st.text(alphabet=USCC_ALPHABET, min_size=8, max_size=8)
PREFIX = st.sampled_from([head + kind for head, kinds in USCC_KINDS.items() for kind in kinds])
ANY_CHARACTER = st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-中 ")


@given(prefix=PREFIX, body=BODY)
def test_made_codes_are_valid(prefix: str, body: str) -> None:
    value = make_uscc(prefix, "310113", body)
    assert check_uscc(value) is None
    if value[:2].isdigit():
        assert reference.is_valid(value)


@given(prefix=PREFIX, body=BODY, place=st.integers(0, 17), character=ANY_CHARACTER)
def test_any_single_wrong_character_is_caught(prefix: str, body: str, place: int, character: str) -> None:
    value = make_uscc(prefix, "310113", body)
    changed = value[:place] + character + value[place + 1 :]
    assert (check_uscc(changed) is None) == (changed == value)


def test_a_published_code_is_valid() -> None:
    assert check_uscc("91110000600037341L") is None


@pytest.mark.parametrize("prefix", ["94", "97", "13", "25", "81", "N4", "Y2", "A3", "54", "56"])
def test_leading_pairs(prefix: str) -> None:
    """Only pairs of registration department and institution kind that exist."""
    complaint = check_uscc(make_uscc(prefix, "310113", "XN123456"))
    allowed = prefix[1] in USCC_KINDS[prefix[0]]
    assert (complaint is None) == allowed
    if complaint:
        assert "登记管理部门" in complaint


def _wrong_org_digit() -> str:
    value = make_uscc("91", "310113", "XN123456")
    first = value[:16] + ("1" if value[16] != "1" else "2")
    return first + reference.calc_check_digit(first)


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("9131011", "长度"),
        ("91310113XN123456670", "长度"),
        ("91310113XI12345667", "字符"),
        ("91310113XO12345667", "字符"),
        ("9131011３XN12345667", "字符"),
        ("B1310113XN12345667", "登记管理部门"),
        ("01310113XN12345667", "登记管理部门"),
        ("94310113XN12345667", "登记管理部门"),
        (make_uscc("91", "990113", "XN123456"), "行政区划"),
        (make_uscc("91", "3101A3", "XN123456"), "行政区划"),
        (_wrong_org_digit(), "组织机构代码校验位"),
        ("91310113XN12345668", "校验码"),
    ],
)
def test_the_message_names_the_wrong_part(value: str, part: str) -> None:
    assert part in (check_uscc(value) or "")


def test_letter_led_codes_are_taken() -> None:
    for prefix in ("A1", "N2", "Y1"):
        assert check_uscc(make_uscc(prefix, "310113", "XN654321")) is None


def test_organization_code_check_digit() -> None:
    assert org_check_digit("60003734") == "1"
    assert check_org_code("600037341") is None
    assert "校验位" in (check_org_code("600037342") or "")
    assert "长度" in (check_org_code("60003734-1") or "")
    assert "字符" in (check_org_code("6000中7341") or "")


@pytest.mark.parametrize("body", ["XN000003", "00000000", "ZZZZZZZZ", "D2143569"])
def test_organization_check_digit_is_one_character(body: str) -> None:
    """Remainders 0 and 1 give the digits 0 and X, never two characters."""
    assert org_check_digit(body) in "0123456789X"


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("11010519491231002X", None),
        ("440524188001010014", None),
        ("830000199201300022", None),
        ("110105491231002", "15 位旧号码"),
        ("1101051949123100", "长度"),
        ("11010519491231002A", "字符"),
        ("99010519491231002X", "行政区划"),
        ("11010519491331002X", "出生日期"),
        ("11010500491231002X", "出生日期"),
        ("110105194912310021", "校验码"),
    ],
)
def test_id_card(value: str, part: str | None) -> None:
    complaint = check_id_card(value)
    assert complaint is None if part is None else part in (complaint or "")


@given(place=st.integers(0, 17), digit=st.sampled_from("0123456789X"))
def test_any_single_wrong_digit_of_an_id_card_is_caught(place: int, digit: str) -> None:
    value = "11010519491231002X"
    changed = value[:place] + digit + value[place + 1 :]
    assert (check_id_card(changed) is None) == (changed == value)


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("440301103097413", None),
        ("3101130012345", None),
        ("企合沪总字第012345号", None),
        ("440301103097414", "校验码"),
        ("44030110309", "长度"),
        ("44030110309741A", "字符"),
    ],
)
def test_registration_no(value: str, part: str | None) -> None:
    complaint = check_registration_no(value)
    assert complaint is None if part is None else part in (complaint or "")


@pytest.mark.parametrize(
    "value",
    ["13800138000", "+8613800138000", "021-56789012", "(021)56789012", "56789012", "0577-8888888-801",
     "400-820-8820", "12315"],
)  # fmt: skip
def test_phones_taken(value: str) -> None:
    assert check_phone(value) is None


@pytest.mark.parametrize("value", ["1234", "23800138000", "1380013800", "无", "021-", "138 0013 80001"])
def test_phones_refused(value: str) -> None:
    assert "电话" in (check_phone(value) or "")
