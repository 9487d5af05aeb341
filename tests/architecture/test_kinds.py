"""Every kind of field is handled by everything that derives from a declaration."""

from __future__ import annotations

import pytest

from shared.fields import Kind
from shared.parsing import PARSERS
from shared.store.tables import COLUMN_TYPES
from shared.store.values import WIRE_TYPES
from shared.types import catalog
from shared.types.data_problem import ABOUT


@pytest.mark.parametrize("kind", list(Kind))
def test_every_deriver_knows_the_kind(kind: Kind, qapp: object) -> None:
    from desktop.ui.forms.editors import EDITORS

    assert kind in PARSERS
    assert kind in COLUMN_TYPES
    assert kind in WIRE_TYPES
    assert kind in EDITORS


def test_numbers_are_unique() -> None:
    assert len({t.number for t in catalog.ALL}) == len(catalog.ALL)
    assert len({t.name for t in catalog.ALL}) == len(catalog.ALL)


def test_references_point_at_known_types() -> None:
    names = {t.name for t in catalog.ALL}
    for declared in catalog.ALL:
        for field in declared.fields:
            if field.kind in (Kind.REF, Kind.REFS):
                assert field.target in names, (declared.name, field.name)


def test_partitions_and_keys_name_real_fields() -> None:
    for declared in catalog.ALL:
        for partition in declared.partitions:
            assert not partition.field or partition.field in declared.by_name
        assert all(k in declared.by_name for k in declared.key)
        assert declared.label == "id" or declared.label in declared.by_name


def test_problems_can_be_raised_about_all_that_bureaus_provide() -> None:
    """The one list of types that a declaration cannot derive: the catalogue is made of the declarations."""
    titles = {t.name: t.title for t in catalog.ALL}
    assert all(titles[name] == title for name, title in ABOUT)
    provided = {t.name for t in catalog.ALL if t.group in ("collection", "registry")}
    assert provided <= dict(ABOUT).keys()
