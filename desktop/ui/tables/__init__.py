"""Query tables, derived from a :class:`shared.record.RecordType` alone.

``columns`` says what is shown, ``model`` loads windows of rows, ``view`` draws
them, ``filterbar`` builds the filter.
"""
