"""Alembic's migrations, run by `ringback.store.migrate`.

To make a new one after a change of the models, with a database that is up to date:

    with sqlite_engine(path).begin() as connection:
        command.revision(alembic_config(connection), "what", autogenerate=True, rev_id="0002")

Then read what it wrote; replace our types with plain ones (`sa.BigInteger` for amounts and
instants, `sa.Text` for JSON), since a migration must not change with the code; add triggers by
hand; and raise `REVISION`. A test compares the result with the models.
"""
