"""The store: tables, migrations and the unit of work."""
