"""``/v1/admin``: the facts of the control room for programs, read with a token (R42, R43)."""
