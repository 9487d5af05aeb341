"""The tables shipped with the program, as rows of text; found wherever it is installed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from importlib.resources import files


def read_codes_file(name: str) -> Iterator[dict[str, str]]:
    """Rows of one CSV of ``resources/codes`` by its headings."""
    text = files("resources").joinpath("codes", name).read_text("utf-8-sig")
    yield from csv.DictReader(io.StringIO(text, newline=""))


def licence_catalogue() -> list[dict[str, str]]:
    """The 142 items of the 先照后证 catalogue (R56) as raw inputs of ``licence_catalogue_item``."""
    return [
        {
            "seq": row["序号"],
            "industry": row["行业门类"],
            "name": row["项目名称"],
            "authorities": row["审批部门"],
            "scope_wording": row["经营范围规范表述"],
            "authorities_original": row["审批部门_原文"],
            "scope_original": row["经营范围_原文"],
            "remark": row["备注"],
        }
        for row in read_codes_file("licence_catalogue.csv")
    ]


def holidays() -> dict[date, bool]:
    """Published exceptions of the calendar: True = a day off, False = a working weekend."""
    return {date.fromisoformat(row["日期"]): row["类型"] == "放假" for row in read_codes_file("holidays.csv")}
