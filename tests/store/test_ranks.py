"""Version labels that sort as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.store.ranks import LONGEST, rank, rank_prefix

numbers = st.lists(st.integers(min_value=0, max_value=10**12), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        ("3.2", "3.10"),
        ("3.2", "3.2.1"),
        ("3.2-beta", "3.2"),
        ("3.2-alpha.9", "3.2-beta.1"),
        ("3.2-beta.2", "3.2-beta.10"),
        ("3.2-rc1", "3.2"),
        ("418", "1204"),
        ("2026.4.1", "2026.10.1"),
        ("", "0"),
    ],
)
def test_order(lower: str, higher: str) -> None:
    assert rank(lower) < rank(higher)


@pytest.mark.parametrize("other", ["03.2", "3-2", "3_2", "(3.2)"])
def test_signs_and_leading_zeros_say_nothing(other: str) -> None:
    assert rank(other) == rank("3.2")


@given(numbers, numbers)
def test_numbers_sort_as_numbers(left: list[int], right: list[int]) -> None:
    assert (rank(".".join(map(str, left))) < rank(".".join(map(str, right)))) is (left < right)


@given(st.text(max_size=3000))
def test_any_label_has_a_short_rank(label: str) -> None:
    assert rank(label).startswith(rank_prefix(label))
    assert len(rank(label)) <= LONGEST + 1
