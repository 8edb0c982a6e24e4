"""Backups: the rows of all tables in one consistent view, the sounds, and the sealed key.

`archive` is the file, `sealing` keeps the key in it, `rows` reads and writes tables on either
database; `backing_up` and `restoring` put them together.
"""
