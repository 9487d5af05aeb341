"""Spreadsheets and pasted text in and out, derived from the declarations (R28 to R30).

``layout`` says what a type's sheet looks like; ``template``, ``errors_book`` and
``export`` write it; ``reading`` reads it back; ``checking`` is the dry run;
``text`` reads what was copied from a spreadsheet.
"""
