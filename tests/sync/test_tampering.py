"""Real packages of every kind, with one thing changed: each byte, each length, each part in another's place."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from server_stub.enrolment import Account
from shared.errors import PackageError, YizhanError
from shared.ids import new_id
from sync import enrol, package
from sync.package import Entry
from sync.suite import OpenKey
from sync.trust import DeviceKeys, InviteCode
from tests.fixtures.devices import Device, enrol_device, handle
from tests.fixtures.hubs import Place, make_place
from tests.fixtures.longer import places

ENTITY = {"uscc": "91310113XN12345667", "name": "上海宝山青穗餐饮有限公司", "status": "1", "division": "310113"}


@dataclass(frozen=True, slots=True)
class Kind:
    """A package, and whoever opens it."""

    data: bytes
    open: Callable[[bytes], list[Entry]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, hub_template: Path) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("tampering")
    (folder / "hub.db").write_bytes(hub_template.read_bytes())
    made = make_place(f"sqlite:///{folder / 'hub.db'}", folder / "hub")
    yield made
    made.hub.close()


@pytest.fixture(scope="module")
def device(place: Place, tmp_path_factory: pytest.TempPathFactory, client_template: Path) -> Iterator[Device]:
    folder = tmp_path_factory.mktemp("device") / "a"
    made = enrol_device(place.hub, place.a, folder, template=client_template)
    made.sync()
    yield made
    made.close()


@pytest.fixture(scope="module")
def kinds(place: Place, device: Device) -> dict[str, Kind]:
    hub = place.hub.keys

    def at_hub(data: bytes) -> list[Entry]:
        keys = {hub.seal.kid: hub.seal}
        return list(package.open_package(io.BytesIO(data), place.hub.signer, keys, hub.hub_id).entries())

    def at_device(data: bytes) -> list[Entry]:
        return list(device.engine.open(io.BytesIO(data)).entries())

    device.insert("market_entity", ENTITY)
    changes = device.export()
    _, answer = handle(place.hub, changes)
    code = place.hub.enrolment.invite(Account("neu", "新人", place.b, ("officer",)))
    keys, request = DeviceKeys.generate(), io.BytesIO()
    typed = InviteCode.parse(code.shown())
    enrol.seal_request(request, new_id(), keys, typed, "电脑", place.hub.clock.stamp())
    _, grant = handle(place.hub, request.getvalue())

    def as_applicant(data: bytes) -> list[Entry]:
        return list(package.open_package(io.BytesIO(data), package.self_signed, {keys.seal.kid: keys.seal}).entries())

    def granted(data: bytes) -> list[Entry]:
        enrol.open_grant(io.BytesIO(data), keys, typed)
        return [Entry("grant", {})]

    return {
        "changes": Kind(changes, at_hub), "answer": Kind(answer, at_device),
        "request": Kind(request.getvalue(), as_applicant), "grant": Kind(grant, granted),
    }  # fmt: skip


KINDS = ["changes", "answer", "request", "grant"]


def parts(data: bytes) -> tuple[bytes, bytes, list[bytes], bytes]:
    """Magic, header, chunks, trailer."""
    stream = io.BytesIO(data)
    magic = stream.read(4)
    header = stream.read(int.from_bytes(stream.read(4), "big"))
    chunks = []
    while size := int.from_bytes(stream.read(4), "big"):
        chunks.append(stream.read(size))
    return magic, header, chunks, stream.read()[4:]


def joined(magic: bytes, header: bytes, chunks: list[bytes], trailer: bytes) -> bytes:
    def sized(one: bytes) -> bytes:
        return len(one).to_bytes(4, "big") + one

    return magic + sized(header) + b"".join(map(sized, chunks)) + bytes(4) + sized(trailer)


def refused(one: Kind, data: bytes) -> bool:
    try:
        one.open(data)
    except YizhanError as error:
        assert error.message and error.hint
        return True
    return False


@pytest.mark.parametrize("kind", KINDS)
def test_every_byte_flipped(kinds: dict[str, Kind], kind: str) -> None:
    one = kinds[kind]
    assert one.open(one.data) is not None
    for at in places(len(one.data), 3):
        for bit in (1, 128):
            data = one.data[:at] + bytes([one.data[at] ^ bit]) + one.data[at + 1 :]
            assert refused(one, data), f"byte {at} of {len(one.data)}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_length(kinds: dict[str, Kind], kind: str) -> None:
    one = kinds[kind]
    for end in places(len(one.data), 3):
        assert refused(one, one.data[:end]), end
    assert refused(one, one.data + b"x")


@pytest.mark.parametrize("kind", KINDS)
def test_parts_of_another_package(kinds: dict[str, Kind], kind: str) -> None:
    """Header, chunks or trailer of another package, all of them genuine."""
    one = kinds[kind]
    magic, header, chunks, trailer = parts(one.data)
    assert joined(magic, header, chunks, trailer) == one.data
    for other in (k for name, k in kinds.items() if name != kind):
        _, header2, chunks2, trailer2 = parts(other.data)
        assert refused(one, joined(magic, header2, chunks, trailer))
        assert refused(one, joined(magic, header, chunks2, trailer))
        assert refused(one, joined(magic, header, chunks, trailer2))
        assert refused(one, other.data)
    assert refused(one, joined(magic, header, chunks * 2, trailer))
    assert refused(one, joined(magic, header, [], trailer))


@pytest.mark.parametrize("kind", KINDS)
def test_signature_stripped_or_of_nobody(kinds: dict[str, Kind], kind: str) -> None:
    one = kinds[kind]
    magic, header, chunks, trailer = parts(one.data)
    said = msgspec.msgpack.decode(trailer)
    for sig in (b"", bytes(64), DeviceKeys.generate().sign.sign(said[1])):
        assert refused(one, joined(magic, header, chunks, msgspec.msgpack.encode([*said[:3], sig])))
    assert refused(one, joined(magic, header, chunks, b""))
    assert refused(one, joined(magic, header, chunks, said[1]))


@pytest.mark.parametrize("kind", KINDS)
def test_recipient_added_or_exchanged(kinds: dict[str, Kind], kind: str) -> None:
    one = kinds[kind]
    magic, header, chunks, trailer = parts(one.data)
    core_bytes, wraps = msgspec.msgpack.decode(header)
    stranger = OpenKey.generate().public
    wrap = [stranger.kid, stranger.wrap(bytes(32), b"yzp1 wrap")]
    core = msgspec.msgpack.decode(core_bytes)
    more_of_them = msgspec.msgpack.encode(core | {"audience": [*core["audience"], stranger.kid]})
    for bad in (
        [core_bytes, [*wraps, wrap]], [more_of_them, [*wraps, wrap]], [core_bytes, [wrap]], [core_bytes, []],
    ):  # fmt: skip
        assert refused(one, joined(magic, msgspec.msgpack.encode(bad), chunks, trailer))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("changed", [{"suite": 0}, {"suite": 2}, {"v": 0}, {"v": 9}, {"hub_id": "0" * 32},
                                     {"kind": "snapshot"}, {"exporter": "0" * 32}, {"created": ""}])  # fmt: skip
def test_core_changed(kinds: dict[str, Kind], kind: str, changed: dict[str, object]) -> None:
    """Suite downgraded, another version, forwarded to another hub, from somebody else."""
    one = kinds[kind]
    magic, header, chunks, trailer = parts(one.data)
    core_bytes, wraps = msgspec.msgpack.decode(header)
    core = msgspec.msgpack.encode(msgspec.msgpack.decode(core_bytes) | changed)
    assert refused(one, joined(magic, msgspec.msgpack.encode([core, wraps]), chunks, trailer))


def test_at_another_hub_and_at_another_device(
    kinds: dict[str, Kind], place: Place, tmp_path: Path, hub_template: Path, client_template: Path
) -> None:
    (tmp_path / "hub.db").write_bytes(hub_template.read_bytes())
    other = make_place(f"sqlite:///{tmp_path / 'hub.db'}", tmp_path / "hub")
    with pytest.raises(YizhanError):
        handle(other.hub, kinds["changes"].data)
    other.hub.close()
    neighbour = enrol_device(place.hub, place.a, tmp_path / "b", account="liwei", template=client_template)
    with pytest.raises(PackageError):
        neighbour.take(kinds["answer"].data)
    neighbour.close()
