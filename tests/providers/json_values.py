"""JSON for Hypothesis: anything at all, and documents that are spoiled in one place."""

from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

NO_WORDS: st.SearchStrategy[str] = st.nothing()
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
ANY_JSON = st.recursive(
    SCALARS
    | st.sampled_from(["\ud800", "VALID", "ACTIVE", "READY_FOR_SALE", "builds", "https://x", "2026-05-01T02:03:04-07:00"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def any_json(names: st.SearchStrategy[str], words: st.SearchStrategy[str] = NO_WORDS) -> st.SearchStrategy[Any]:
    """`names` of fields, and `words` among the texts, that mean something to whoever reads it."""
    return st.recursive(
        SCALARS | words,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6),
        max_leaves=20,
    )


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value inside."""
    items = document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    return [place for key, value in items for place in [(*path, key), *places(value, (*path, key))]]


def replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy with another value in one place."""
    copy = deepcopy(document)
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return copy
