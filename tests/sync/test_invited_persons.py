"""Whoever issues a code, by whatever door: only for a person who is fit for it."""

from __future__ import annotations

from typing import Any

import pytest

from server_stub.enrolment import Account
from shared.access import HUB_ACTOR
from shared.errors import InputError
from shared.store import sql
from tests.fixtures.devices import Enrol, rows
from tests.fixtures.hubs import Place

pytestmark = pytest.mark.parametrize("hub_url", ["sqlite"], indirect=True)


def invite(place: Place, **changed: Any) -> None:
    said = {"account": "chenmin", "name": "陈敏", "bureau": place.a, "roles": ("officer",)}
    place.hub.enrolment.invite(Account(**{**said, **changed}))


def issued(place: Place) -> int:
    with place.hub.store.read() as connection:
        return int(sql.execute(connection, "SELECT count(*) FROM invite").scalar() or 0)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": "陈明"}, "已是 甲局 的 陈敏，与所写的姓名或角色不同"),
        ({"roles": ("hub_admin",)}, "与所写的姓名或角色不同"),
        ({"bureau": "b"}, "席位只能放在本人的单位或它的上级单位"),
        ({"bureau": "a1"}, "席位只能放在本人的单位或它的上级单位"),
        ({"bureau": "nowhere"}, "没有这个单位"),
        ({"account": "neu", "name": " "}, "账号、姓名和角色都要写明"),
        ({"account": "neu", "roles": ()}, "账号、姓名和角色都要写明"),
        ({"account": "neu", "roles": ("officer", "hub")}, "没有角色“hub”"),
    ],
)
def test_a_code_for_somebody_unfit_is_refused_behind_every_door(
    place: Place, changed: dict[str, Any], words: str
) -> None:
    invite(place)
    said = {**changed, **({"bureau": getattr(place, changed["bureau"], "0" * 32)} if "bureau" in changed else {})}
    with pytest.raises(InputError, match=words) as refused:
        invite(place, **said)
    assert refused.value.hint
    assert issued(place) == 1 and [r["account"] for r in rows(place.hub.store, "user")] == ["chenmin"]


def test_nobody_is_invited_whose_account_is_frozen(place: Place) -> None:
    invite(place)
    (user,) = rows(place.hub.store, "user")
    with place.hub.store.unit(HUB_ACTOR) as unit:
        unit.update(place.hub.store.types["user"], user["id"], {"state": "frozen"})
    with pytest.raises(InputError, match="已停用；没有签发") as refused:
        invite(place)
    assert "thaw" in refused.value.hint and issued(place) == 1


def test_a_person_may_sit_in_the_bureau_above(place: Place, enrol_at: Enrol) -> None:
    below = enrol_at(place.a1, "lin")
    with place.hub.store.read() as connection:
        before = sql.execute(connection, "SELECT name, roles FROM \"user\"").fetchone()
    name, roles = before
    invite(place, account="lin", name=name, roles=tuple(roles.split(",")), bureau=place.a)
    assert issued(place) == 2 and below.grant.bureau == place.a1
