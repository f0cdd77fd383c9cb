"""Version labels and build numbers as text that databases can sort and search."""

import re

LONGEST = 200  # characters of a rank: PostgreSQL refuses index rows above 2,700 bytes

_PART = re.compile(r"([0-9]+)|([^\W\d_]+)")
_WORD, _END, _NUMBER = "0", "1", "2"  # a pre-release's word sorts below the end of the version, a further number above it


def rank(label: str) -> str:
    """Sorts as people read versions: 3.2-beta < 3.2 < 3.2.1 < 3.10."""
    return rank_prefix(label) + _END


def rank_prefix(label: str) -> str:
    """What the ranks of this version and of all below it begin with: 3.2 has 3.2.1 and 3.2-beta, but not 3.21.

    Empty for a label without a letter or digit.
    """
    parts = (_number(digits) if digits else f"{_WORD}{word.casefold()} " for digits, word in _PART.findall(label))
    return "".join(parts)[:LONGEST]


def _number(digits: str) -> str:
    """Without leading zeros, and its length first: longer numbers are greater."""
    digits = (digits.lstrip("0") or "0")[:99]
    return f"{_NUMBER}{len(digits):02d}{digits}"
