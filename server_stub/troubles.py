"""What the hub's own storage cannot do, in the service's log: once a minute, however many devices come."""

from __future__ import annotations

import logging

from server_stub.pace import Pace
from shared.errors import YizhanError

SECONDS = 60.0
_LOG = logging.getLogger("yizhan.hub")


class Troubles:
    """Writes each kind of trouble down now and then."""

    def __init__(self) -> None:
        self._paces: dict[str, Pace] = {}

    def note(self, trouble: YizhanError) -> None:
        """A line for the operator: what happened, and what to do."""
        if self._paces.setdefault(trouble.code, Pace(1, SECONDS)).take():
            _LOG.error("%s", trouble)
