"""The encrypted local store and the hub's store: one write door, everything else reads."""
