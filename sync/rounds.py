"""What an answer brought, and what a whole synchronization did."""

from __future__ import annotations

from dataclasses import dataclass, field

from sync.messages import SetReceipt
from sync.pieces import PieceRound


@dataclass(slots=True)
class Absorbed:
    """What an answer brought.

    :param wait: seconds the hub asks to wait, because it prepares a first load.
    :param loaded: records of a first load that was swapped in.
    :param types: names of the record types that changed, or whose records stand elsewhere now.
    :param letters: packages for other bureaus that became whole in the box.
    :param arrived: ids of our latest packages that the hub has taken in.
    :param outlived: it is of a life of the hub that a restore has ended; nothing of it counts.
    :param rewound: the hub came back from a backup, or records here are in doubt: another round settles it.
    """

    receipts: int = 0
    changes: int = 0
    held: int = 0
    repeated: bool = True
    more: bool = False
    wait: int = 0
    loaded: int = 0
    rewound: bool = False
    outlived: bool = False
    types: set[str] = field(default_factory=set)
    sets: list[SetReceipt] = field(default_factory=list)
    letters: int = 0
    arrived: list[str] = field(default_factory=list)
    pieces: PieceRound = field(default_factory=PieceRound)

    def add(self, other: Absorbed) -> None:
        """What the next answer of the same synchronization brought."""
        self.receipts += other.receipts
        self.changes += other.changes
        self.held += other.held
        self.more, self.wait, self.rewound = other.more, other.wait, other.rewound
        self.loaded += other.loaded
        self.types |= other.types
        self.sets += other.sets
        self.letters += other.letters
        self.arrived += other.arrived


@dataclass(slots=True)
class Round:
    """What a whole synchronization did."""

    sent_sets: int = 0
    sent_changes: int = 0
    sent_bytes: int = 0
    received: Absorbed = field(default_factory=Absorbed)
