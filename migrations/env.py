"""Alembic's entry: migrates over the connection that `bot.store.migrate` hands it.

To write a migration: `alembic -x url=sqlite:///scratch.db revision --autogenerate --rev-id 0002 -m "what changes"`, with a
scratch database that has all before it; then SCHEMA in `bot/store/tables.py` names it.
"""

from alembic import context
from sqlalchemy import Connection

from bot.store.connect import open_engine, parse_url
from bot.store.tables import with_partial_indexes


def migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=with_partial_indexes(), render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    engine = open_engine(parse_url(context.get_x_argument(as_dictionary=True)["url"]), foreign_keys=False)
    with engine.begin() as connection:
        migrate(connection)
