"""First loads that somebody carries to a seat: one that is under way is not made anew.

A new seat speaks for the first time when it has its load. Until then much may change, and each
time a newer load would be the better one; but what a courier has carried once it would carry again.
"""

from __future__ import annotations

from collections.abc import Sequence

from server_stub.parcels import Letter, Parcels
from server_stub.postal import Recipient, made_as
from shared.store.store import Store


def due_loads(store: Store, parcels: Parcels, group: Sequence[Recipient]) -> list[Letter] | None:
    """Volumes of a first load that is due, as :meth:`Parcels.loads`, but those under way before newer ones.

    Under way is what was made for these devices since they last spoke. Who then asks again, still at
    the beginning, did not get it. What nobody fetched is swept one day and made anew.
    """
    spoken = max(one.asked.at for one in group)
    for volumes in parcels.earlier(group):
        with store.read() as connection:
            made = made_as(connection, f"{volumes[0].about}:{volumes[0].start}") if volumes else None
        if made is not None and made.created >= spoken:
            return volumes
    return parcels.loads(group)


__all__ = ["due_loads"]
