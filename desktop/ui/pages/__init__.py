"""One module per page of the shell. Pages know ``page`` and the kit, never each other."""
