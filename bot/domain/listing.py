"""What a vendor listed, and what it kept back."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from bot.domain.errors import ProviderError

T = TypeVar("T")

ITSELF = ""  # in the place of an app's id: the list itself may lack something


class Listing(list[T]):
    """A list that may lack something. `gaps`: app id -> why not everything of that app was read; ITSELF -> why the list may be
    shorter than the vendor's. A plain sequence in its place has no gaps."""

    def __init__(self, items: Iterable[T] = (), gaps: Mapping[str, ProviderError] | None = None) -> None:
        super().__init__(items)
        self.gaps: Mapping[str, ProviderError] = dict(gaps or {})


def gaps_of(found: Sequence[object]) -> Mapping[str, ProviderError]:
    """What is missing, and why."""
    return found.gaps if isinstance(found, Listing) else {}
