"""The hub's OpenAPI says what the hub does: whatever it allows is answered as it says, and nothing breaks it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server_stub.api import create_app
from shared.access import HUB_ACTOR
from shared.fictitious import market_entities
from tests.fixtures.admin_api import Asker, asker
from tests.fixtures.described import misfits
from tests.fixtures.devices import enrol_device
from tests.fixtures.hubs import DIVISION, make_place, serving
from tests.fixtures.longer import more

Operation = tuple[str, str, dict[str, Any]]


class Api:
    """A served hub and what its schema says."""

    def __init__(self, url: str, schema: dict[str, Any], tokens: list[str], known: list[str]) -> None:
        self.url, self.schema, self.tokens, self.known = url, schema, tokens, known
        self.http = requests.Session()
        self.http.trust_env = False

    @property
    def operations(self) -> list[Operation]:
        """Method, path and description of each."""
        return [
            (method.upper(), path, said)
            for path, methods in sorted(self.schema["paths"].items())
            for method, said in sorted(methods.items())
        ]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, hub_template: Path) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("api")
    (folder / "hub.db").write_bytes(hub_template.read_bytes())
    place = make_place(f"sqlite:///{folder / 'hub.db'}", folder / "hub")
    device = enrol_device(place.hub, place.a, folder / "device")
    for n, one in enumerate(market_entities(3, DIVISION, 5)):
        device.insert("market_entity", one)
        if n == 2:
            with place.hub.store.unit(HUB_ACTOR) as unit:
                user = place.hub.store.types["user"]
                unit.update(user, device.actor.user, {"state": "frozen"}, proven=True)
        device.sync()
    device.close()
    with place.hub.store.read() as connection:
        known = [str(r[0]) for r in connection.exec_driver_sql("SELECT id FROM held_set")]
        known += [str(r[0]) for r in connection.exec_driver_sql("SELECT fingerprint FROM exchange")]
    known += [device.grant.device, place.a, "A", "B"]
    tokens = [asker(place.hub, "", "whole").token, asker(place.hub, "", "b", place.b).token]
    with serving(place.hub) as url:
        made = Api(url, create_app(place.hub).openapi(), tokens, known)
        for token in tokens:
            assert Asker(url, token).status("/hub") == 200
        yield made
        made.http.close()
    place.hub.close()


IDS = st.one_of(
    st.text("0123456789abcdef", min_size=32, max_size=32), st.just("0" * 32),
    st.text(st.characters(codec="utf-8", exclude_characters="/?#%\\"), min_size=1, max_size=40).filter(
        lambda t: t.strip(".") != ""
    ),
)  # fmt: skip
NUMBERS = st.one_of(st.integers(-2, 2000), st.integers(-(2**70), 2**70), st.just("x"), st.just(""))
BODIES = st.one_of(st.just(b""), st.binary(max_size=300), st.binary(max_size=60).map(lambda b: b"YZP1" + b))
RANGES = st.one_of(st.none(), st.just("bytes=0-"), st.just("bytes=5-2"), st.text("bytes=-0123456789,", max_size=20))


def test_every_route_is_described(api: Api) -> None:
    said = {(method, path) for method, path, _ in api.operations}
    assert {
        ("GET", "/v1/hub"), ("HEAD", "/v1/packages/{package_id}"), ("PUT", "/v1/packages/{package_id}"),
        ("GET", "/v1/packages/{package_id}/answer"),
    } <= said  # fmt: skip
    assert {path.removeprefix("/v1/admin") for _, path in said if path.startswith("/v1/admin")} == {
        "/hub", "/bureaus", "/bureaus/{bureau}", "/seats", "/seats/{seat}", "/seats/{seat}/exchanges",
        "/exchanges", "/packages/{fingerprint}", "/held", "/held/{held_set}", "/backups", "/epochs", "/audit/check",
    }  # fmt: skip
    for _, path, one in api.operations:
        if path.startswith("/v1/admin"):
            assert one["security"] and {"400", "401", "429"} <= one["responses"].keys() and "422" not in one["responses"]


@settings(
    max_examples=more(150, 2000), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_answers_are_as_described(api: Api, data: st.DataObject) -> None:
    """The routes of the exchange."""
    method, path, said = data.draw(st.sampled_from([o for o in api.operations if "security" not in o[2]]))
    names = [p["name"] for p in said.get("parameters", []) if p["in"] == "path"]
    where = path
    for name in names:
        where = where.replace(f"{{{name}}}", requests.utils.quote(data.draw(IDS), safe=""))
    query = {
        p["name"]: data.draw(NUMBERS)
        for p in said.get("parameters", [])
        if p["in"] == "query" and (p["required"] or data.draw(st.booleans()))
    }
    if query and data.draw(st.booleans()):
        query.popitem()
    body = data.draw(BODIES) if method == "PUT" else None
    wanted = data.draw(RANGES) if method == "GET" else None
    headers = {"Range": wanted} if wanted else {}
    answer = api.http.request(method, api.url + where, params=query, data=body, headers=headers, timeout=30)
    described = said["responses"]
    assert str(answer.status_code) in described, f"{method} {where} {query}: {answer.status_code} {answer.text}"
    assert answer.headers.get("X-Yizhan") == "1"
    for header in described[str(answer.status_code)].get("headers", {}):
        assert header in answer.headers, f"{method} {where}: no {header}"
    if answer.status_code >= 400 and answer.content:
        told = answer.json()
        assert {"code", "message", "hint"} <= told.keys() or "detail" in told
        if "message" in told:
            assert re.search(r"[一-鿿]", told["message"]) and told["hint"]


WORDS = st.one_of(
    NUMBERS.map(str), st.sampled_from(["newest", "oldest", "active", "held", "applied", "network", "A", "B", "true"]),
    st.dates().map(str), st.text(max_size=12), st.just("x" * 300), st.just("\0"),
)  # fmt: skip
FIRST_PAGES = {"limit": "1", "order": "oldest"}


@settings(
    max_examples=more(300, 3000), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_administrators_get_what_is_described(api: Api, data: st.DataObject) -> None:
    """Every status is declared, every body is what its schema says, whoever asks for whatever."""
    method, path, said = data.draw(st.sampled_from([o for o in api.operations if "security" in o[2]]))
    token = data.draw(st.sampled_from([*api.tokens * 4, "", "yzh_wrong", "令牌"]))
    where = path
    for one in said.get("parameters", []):
        if one["in"] == "path":
            value = data.draw(st.one_of(st.sampled_from(api.known), IDS))
            where = where.replace(f"{{{one['name']}}}", requests.utils.quote(value, safe=""))
    names = [p["name"] for p in said.get("parameters", []) if p["in"] == "query"]
    query = {
        name: data.draw(st.one_of(st.just(FIRST_PAGES.get(name, "")), WORDS))
        for name in data.draw(st.lists(st.sampled_from(names), max_size=2, unique=True) if names else st.just([]))
    }
    headers = {"Authorization": f"Bearer {token}".encode()} if token else {}
    answer = api.http.request(method, api.url + where, params=query, headers=headers, timeout=30)
    told = f"{method} {where} {query}: {answer.status_code} {answer.text}"
    assert str(answer.status_code) in said["responses"], told
    if token not in api.tokens:
        assert answer.status_code in (401, 429), told
    described = said["responses"][str(answer.status_code)]
    for header in described.get("headers", {}):
        assert header in answer.headers, f"{told}: no {header}"
    schema = described["content"]["application/json"]["schema"]
    assert not list(misfits(answer.json(), schema, api.schema)), told
    if answer.status_code >= 400:
        assert re.search(r"[一-鿿]", answer.json()["message"]) and answer.json()["hint"], told
