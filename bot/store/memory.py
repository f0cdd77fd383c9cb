"""What was read of a SQLite file, kept until anybody writes to it."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")

MOST_KEPT = 1000  # results


class Forgetful:
    """Keeps nothing: of a server, only a query could tell whether what is known still stands."""

    def recall(self, key: Hashable, read: Callable[[], T]) -> T:
        return read()


class Memory(Forgetful):
    """Keeps results of one `version` of the file, and of one moment of it."""

    def __init__(self) -> None:
        self._version: int | None = None
        self._known: dict[Hashable, Any] = {}

    def turn_to(self, version: int | None) -> None:
        """`version` as in https://www.sqlite.org/pragma.html#pragma_data_version, of the same connection; None forgets all."""
        if version is None or version != self._version or len(self._known) >= MOST_KEPT:
            self._version = version
            self._known.clear()

    def recall(self, key: Hashable, read: Callable[[], T]) -> T:
        if key not in self._known:
            self._known[key] = read()
        known: T = self._known[key]
        return known
