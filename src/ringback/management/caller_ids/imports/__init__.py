"""CallerIDs from a CSV file: checked whole, then brought in by short units of work.

`table` finds out what kind of file it is, `lines` what a line says, `hints` what a spreadsheet has
done to it; `unit` brings some lines in, `course` all of them.
"""
