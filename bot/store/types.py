"""Column types that mean the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Generic, TypeVar

from sqlalchemy import DateTime, Dialect, Text, TypeDecorator

E = TypeVar("E", bound=StrEnum)


def storable(text: str) -> str:
    """The text without what a database refuses: NUL (PostgreSQL) and lone surrogates (both)."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "").encode(errors="replace").decode()


def _by_code_point(dialect: Dialect) -> Text:
    """Sorted alike everywhere: SQLite does so by itself, PostgreSQL would follow the server's language."""
    return Text(collation="C") if dialect.name == "postgresql" else Text()


class CleanText(TypeDecorator[str]):
    """Text of any length, see `storable`."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Text:
        return _by_code_point(dialect)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


class EnumText(TypeDecorator[E], Generic[E]):
    """A StrEnum as text. What another version of Purser wrote and this one does not know is read as `fallback`."""

    impl = Text
    cache_ok = True

    def __init__(self, enum: type[E], fallback: E) -> None:
        super().__init__()
        self.enum = enum
        self.fallback = fallback
        self._members = {member.value: member for member in enum}

    def load_dialect_impl(self, dialect: Dialect) -> Text:
        return _by_code_point(dialect)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> E | None:
        return None if value is None else self._members.get(value, self.fallback)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC datetimes, to the microsecond. A naive one is refused with ValueError: nobody knows what it means."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored datetime must be aware")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
