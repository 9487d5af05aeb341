"""Checks of the identifiers a record carries; each says in Chinese which part is wrong.

Arithmetic of check digits comes from python-stdnum. Its own ``validate`` is both
too strict (it refuses registration departments written as a letter) and too
lenient (any leading pair, no check of the embedded organization code).
Texts arrive normalized: NFKC, upper case, trimmed.
"""

from __future__ import annotations

import re
from functools import lru_cache
from operator import mul

from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_11_10

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"

# GB 32100-2015: registration department → institution kinds it registers. 民政 4 and 5
# (村民委员会, 居民委员会) came with the certificates of 基层群众性自治组织.
USCC_KINDS = {
    "1": "1239", "2": "19", "3": "123459", "4": "19", "5": "123459", "6": "129",
    "7": "129", "8": "19", "9": "1239", "A": "19", "N": "1239", "Y": "1",
}  # fmt: skip

_PROVINCES = frozenset(
    [
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "50",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
        "71",
        "81",
        "82",
    ]
)
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ORG_VALUES = {c: int(c, 36) for c in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28, 1)
"""The last is the check character's own: a sound code sums up to a multiple of 31."""
_USCC_SIGNS = frozenset(USCC_ALPHABET)
_USCC_VALUES = {c: value for value, c in enumerate(USCC_ALPHABET)}
_ORG_CODE = re.compile(r"[0-9A-Z]{8}[0-9X]")
_MOBILE = r"(?:\+?86-?)?1[3-9]\d{9}"
_LANDLINE = r"(?:\(?0\d{2,3}\)?[- ]?)?[1-9]\d{6,7}(?:[-转]\d{1,6})?"
_SERVICE = r"[48]00-?\d{3}-?\d{4}|\d{5}"
_PHONE = re.compile(f"(?:{_MOBILE}|{_LANDLINE}|{_SERVICE})", re.ASCII)


def org_check_digit(body: str) -> str:
    """The ninth character of a 组织机构代码 (GB 11714) from its first eight."""
    total = sum(map(mul, [_ORG_VALUES[c] for c in body], _ORG_WEIGHTS))
    return "0123456789X0"[11 - total % 11]


def make_uscc(prefix: str, division: str, body: str) -> str:
    """A 统一社会信用代码 with both check digits, for fictitious data.

    :param prefix: registration department and institution kind, such as ``91``.
    :param division: six digits.
    :param body: the first eight characters of the organization code.
    """
    first = f"{prefix}{division}{body}{org_check_digit(body)}"
    return first + str(uscc.calc_check_digit(first))


@lru_cache(maxsize=65536)
def check_uscc(value: str) -> str | None:
    """统一社会信用代码 (GB 32100-2015). Cached: a workbook repeats its authorities."""
    if len(value) != 18:
        return f"统一社会信用代码长度应为 18 位，现为 {len(value)} 位，请补全或删去多余字符"
    for place, sign in enumerate(value, 1) if not _USCC_SIGNS.issuperset(value) else ():
        if sign not in _USCC_SIGNS:
            return f"统一社会信用代码第 {place} 位字符“{sign}”不可用：只用数字和大写字母，不用 I、O、S、V、Z"
    kinds = USCC_KINDS.get(value[0])
    if kinds is None:
        return f"统一社会信用代码第 1 位“{value[0]}”不是登记管理部门代码，请核对"
    if value[1] not in kinds:
        return (
            f"统一社会信用代码前 2 位“{value[:2]}”不成立："
            f"登记管理部门“{value[0]}”下没有机构类别“{value[1]}”，请核对"
        )
    division = value[2:8]
    if not division.isdigit() or (division[:2] not in _PROVINCES and division != "100000"):
        return f"统一社会信用代码第 3 至 8 位“{division}”不是行政区划代码，请核对"
    if org_check_digit(value[8:16]) != value[16]:
        return "统一社会信用代码第 17 位与组织机构代码校验位不符，请核对第 9 至 17 位"
    if sum(map(mul, [_USCC_VALUES[c] for c in value], _USCC_WEIGHTS)) % 31:
        return "统一社会信用代码第 18 位校验码不符，请逐位核对"
    return None


def check_id_card(value: str) -> str | None:
    """公民身份号码 (GB 11643), 18 places; residence permits of 港澳台 included."""
    if len(value) == 15:
        return "身份证号码长度应为 18 位；15 位旧号码已停用，请填现行号码"
    if len(value) != 18:
        return f"身份证号码长度应为 18 位，现为 {len(value)} 位，请补全或删去多余字符"
    if not re.fullmatch(r"[0-9]{17}[0-9X]", value):
        return "身份证号码字符不对：前 17 位应为数字，末位为数字或 X"
    if value[:2] not in _PROVINCES and value[:2] != "83":
        return f"身份证号码前 6 位“{value[:6]}”不是行政区划代码，请核对"
    try:
        born = ric.get_birth_date(value)
    except ValidationError:
        return f"身份证号码第 7 至 14 位“{value[6:14]}”不是出生日期，请核对"
    if born.year < 1880:
        return f"身份证号码第 7 至 14 位“{value[6:14]}”不是可信的出生日期，请核对"
    if ric.calc_check_digit(value) != value[-1]:
        return "身份证号码第 18 位校验码不符，请逐位核对"
    return None


def check_org_code(value: str) -> str | None:
    """组织机构代码 (GB 11714), nine places without a hyphen."""
    if len(value) != 9:
        return f"组织机构代码长度应为 9 位（不带连字符），现为 {len(value)} 位"
    if not value.isascii() or not _ORG_CODE.fullmatch(value):
        return "组织机构代码字符不对：前 8 位为数字或大写字母，末位为数字或 X"
    if org_check_digit(value[:8]) != value[8]:
        return "组织机构代码校验位不符，请逐位核对"
    return None


def check_registration_no(value: str) -> str | None:
    """工商注册号: 15 digits with a check digit, 13 of the older rule, or a 字号 of the oldest."""
    if "字" in value and value.endswith("号"):
        return None
    if not re.fullmatch(r"[0-9]+", value):
        return "工商注册号字符不对：应为 13 或 15 位数字，或“…字第…号”"
    if len(value) not in (13, 15):
        return f"工商注册号长度应为 13 或 15 位，现为 {len(value)} 位"
    if len(value) == 15 and not mod_11_10.is_valid(value):
        return "工商注册号第 15 位校验码不符，请逐位核对"
    return None


def check_phone(value: str) -> str | None:
    """A mobile number, a landline with area code and extension, or a service number."""
    if _PHONE.fullmatch(value):
        return None
    return "电话号码不对：手机 11 位，固定电话如 021-56789012，分机用“-”"
