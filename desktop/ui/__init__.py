"""Windows and widgets: they show what ``desktop.work`` knows and pass on what a person wants.

No SQL, no exchange, no rules: those live behind ``desktop.work``.
"""
