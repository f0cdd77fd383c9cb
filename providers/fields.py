"""Reading a vendor's JSON, field by field: what is required raises Confused, what is optional and odd counts as absent."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from bot.domain.errors import Confused

_INTEGER_MAX = 2**63 - 1  # the largest that a database column takes
_EARLIEST_YEAR = 1970  # .NET writes 0001-01-01 for "never"


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose answer to which question is being read."""

    provider: str
    account: str
    operation: str

    def confused(self, reason: str) -> Confused:
        return Confused(self.provider, self.account, self.operation, reason)


@dataclass(frozen=True, slots=True)
class Fields:
    """One JSON object. Texts come back stripped, without NUL and lone surrogates, which no database takes."""

    origin: Origin
    raw: Mapping[str, Any] = field(repr=False)

    def required(self, *names: str) -> str:
        """The first of the named fields that holds a text, or a number, written out. Raises Confused (missing_field:NAME)."""
        value = self.text(*names)
        if value is None:
            raise self.origin.confused(f"missing_field:{names[0]}")
        return value

    def text(self, *names: str) -> str | None:
        """The first of the named fields that holds a text (or a number, written out) and is not blank."""
        return next((text for name in names if (text := text_of(self.raw.get(name)))), None)

    def integer(self, *names: str) -> int | None:
        """Zero or more, also when it was written as a text: the first of the named fields that holds one."""
        return next((found for name in names if (found := integer_of(self.raw.get(name))) is not None), None)

    def flag(self, name: str) -> bool | None:
        """True or false, also when it was written as a text."""
        return flag_of(self.raw.get(name))

    def moment(self, *names: str) -> datetime | None:
        """ISO 8601 with an offset or Z, as aware UTC, from the first of the named fields that holds such a moment.

        Without an offset nobody can say which moment is meant: None.
        """
        return next((found for name in names if (found := moment_of(self.raw.get(name))) is not None), None)

    def child(self, name: str) -> "Fields":
        """A nested object; an empty one when there is none."""
        value = self.raw.get(name)
        return Fields(self.origin, value if isinstance(value, dict) else {})

    def objects(self, *names: str) -> "list[Fields]":
        """The first list among the named fields, of objects. Raises Confused (missing_field:NAME, not_an_object)."""
        value = next((value for name in names if isinstance(value := self.raw.get(name), list)), None)
        if value is None:
            raise self.origin.confused(f"missing_field:{names[0]}")
        return [read_object(item, self.origin) for item in value]


def read_object(payload: Any, origin: Origin) -> Fields:
    """Raises Confused (not_an_object)."""
    if not isinstance(payload, dict):
        raise origin.confused("not_an_object")
    return Fields(origin, payload)


def read_objects(payload: Any, origin: Origin) -> Iterator[Fields]:
    """The objects of a bare JSON array. Raises Confused (not_a_list, not_an_object)."""
    if not isinstance(payload, list):
        raise origin.confused("not_a_list")
    return (read_object(item, origin) for item in payload)


def text_of(value: object) -> str | None:
    """A text as a database takes it, stripped, or a number written out; None: blank, or anything else."""
    if type(value) is int:
        return str(value) if abs(value) <= _INTEGER_MAX else None
    if isinstance(value, float):
        return str(value) if isfinite(value) else None
    if not isinstance(value, str):
        return None
    if not value.isascii() or "\x00" in value:
        value = value.replace("\x00", "").encode("utf-8", "replace").decode()
    return value.strip() or None


def integer_of(value: object) -> int | None:
    """Zero or more, also when it was written as a text."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:20])
    return value if type(value) is int and 0 <= value <= _INTEGER_MAX else None


def flag_of(value: object) -> bool | None:
    """True or false, also when it was written as a text."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def moment_of(value: object) -> datetime | None:
    """ISO 8601 with an offset or Z, as aware UTC; None: anything else, and what lies before computers."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        utc = moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
    return utc if utc and utc.year >= _EARLIEST_YEAR else None
