"""The same decision typed twice on one device is refused where it is typed (R46)."""

from __future__ import annotations

import pytest

from shared.errors import Rejected
from tests.fixtures.desk import Bureau
from tests.fixtures.samples import sample


def test_the_same_penalty_twice(bureau: Bureau) -> None:
    records = bureau.desk.records
    declared = records.type("penalty")
    raw = sample("penalty")
    first = records.save(declared, raw)
    with pytest.raises(Rejected) as refused:
        records.save(declared, raw)
    assert refused.value.problems[-1].field in declared.unique[0]
    assert "已有一条行政处罚" in str(refused.value)
    records.save(declared, {**raw, "content": "警告"}, first.id)
    other = records.save(declared, {**raw, "document_no": "宝罚〔2026〕9999号"})
    assert other.id != first.id
