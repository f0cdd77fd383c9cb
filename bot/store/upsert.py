"""What both databases have and SQLAlchemy keeps in their dialects: INSERT … ON CONFLICT, and a list as a table."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, ColumnElement, Connection, Table, bindparam, func
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql


def insert_into(dialect: str, table: Table) -> "postgresql.Insert | sqlite.Insert":
    """An INSERT with `on_conflict_do_nothing` and `on_conflict_do_update`. Making one takes longer than running it: one that
    is run often is kept, by the dialect's name."""
    if dialect != "postgresql":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # where it is spoken it has been loaded before

    return postgresql.insert(table)


def insert_if_new(connection: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """False when a unique column has the value already. Waits for a transaction that is about to insert the same."""
    statement = insert_into(connection.dialect.name, table).on_conflict_do_nothing().values(values)
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount == 1


def listed(dialect: str, name: str) -> tuple[ColumnElement[str], ColumnElement[int]]:
    """The texts in a list, which is the parameter `name`, as rows: each text, and its place, which counts upwards.
    https://www.sqlite.org/json1.html#jeach https://www.postgresql.org/docs/current/functions-json.html"""
    texts = bindparam(name, type_=JSON)
    if dialect == "postgresql":
        rows = func.json_array_elements_text(texts).table_valued("text", with_ordinality="place").render_derived()
        return rows.c.text, rows.c.place
    rows = func.json_each(texts).table_valued("value", "key")
    return rows.c.value, rows.c.key
