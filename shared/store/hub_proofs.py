"""What the hub found when it went through its own evidence, as far as this device has heard."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from shared.store.facts import read_fact, read_text, write_fact, write_text

_WANTED, _KEPT = "hub_proofs_wanted", "hub_proofs_heard"


class Heard(msgspec.Struct, frozen=True):
    """The hub's last word about its evidence.

    :param at: ISO time by the hub's clock, ``""`` when it has said nothing yet.
    :param found: ``(title, count, trouble)``, as the hub said them.
    """

    at: str = ""
    found: list[tuple[str, int, str]] = []


def want(connection: sa.Connection) -> None:
    """Ask with the next package, by whichever way it goes."""
    write_text(connection, _WANTED, "1")


def wanted(connection: sa.Connection) -> bool:
    """Whether the next package asks."""
    return bool(read_text(connection, _WANTED))


def take(connection: sa.Connection, at: str, found: Sequence[tuple[str, int, str]]) -> None:
    """Keep what an answer says, ``at`` empty when nothing; a later result stays over an earlier one."""
    if not at:
        return
    if heard(connection).at <= at:
        write_fact(connection, _KEPT, msgspec.msgpack.encode(Heard(at, list(found))))
    write_text(connection, _WANTED, "")


def heard(connection: sa.Connection) -> Heard:
    """What is known now."""
    kept = read_fact(connection, _KEPT)
    return msgspec.msgpack.decode(kept, type=Heard) if kept else Heard()


__all__ = ["Heard", "heard", "take", "want", "wanted"]
