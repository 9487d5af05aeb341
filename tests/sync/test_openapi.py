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
from tests.fixtures.hubs import make_place, serving
from tests.fixtures.longer import more

Operation = tuple[str, str, dict[str, Any]]


class Api:
    """A served hub and what its schema says."""

    def __init__(self, url: str, schema: dict[str, Any]) -> None:
        self.url, self.schema = url, schema
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
    with serving(place.hub) as url:
        made = Api(url, create_app(place.hub).openapi())
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


@settings(
    max_examples=more(150, 2000), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_answers_are_as_described(api: Api, data: st.DataObject) -> None:
    method, path, said = data.draw(st.sampled_from(api.operations))
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
