"""INSERT … ON CONFLICT, which both databases have and SQLAlchemy keeps in their dialects."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_into(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT with `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def insert_if_new(connection: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """False when a unique column has the value already. Waits for a transaction that is about to insert the same."""
    statement = insert_into(connection, table).on_conflict_do_nothing().values(values)
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount == 1
