"""Vendor text is harmless, and facts read as a colleague would say them."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import BuildState, Platform
from bot.views import text
from tests.views.examples import ANDROID, IOS, NOW

ANYTHING = st.text() | st.text("&<>*_~`＊＿～｀＞:@/\u202e\u200b\n ab1١م", max_size=80)
ENTITY = re.compile(r"&(?!(?:amp|lt|gt);)")


@given(ANYTHING)
def test_escaped_text_is_one_harmless_line(vendor: str) -> None:
    safe = text.escape(vendor)
    assert not set(safe) & set("<>*_~`＊＿～｀＞\n\r\u2028\u202e\u200b")
    assert not ENTITY.search(safe)
    assert not re.search(r"://|@\w|:\w", safe)
    assert len(safe) <= 5 * text.NAME + 2


@given(ANYTHING, st.integers(10, 60))
def test_cutting_keeps_entities_whole(vendor: str, limit: int) -> None:
    shown = text.cut(text.escape(vendor, 200), limit)
    assert len(shown) <= limit
    assert not ENTITY.search(shown)


@given(ANYTHING)
def test_code_cannot_be_left(vendor: str) -> None:
    shown = text.code(vendor)
    assert shown == "" or (shown[0] == shown[-1] == "`" and shown.count("`") == 2 and len(shown) > 2)
    assert not set(shown) & set("<>\n")


@given(st.text() | st.lists(ANYTHING, max_size=20).map("\n".join))
def test_every_line_of_notes_is_quoted(notes: str) -> None:
    shown = text.quote(notes)
    assert shown == "" or all(line.startswith("> ") for line in shown.split("\n"))
    assert len(shown.split("\n")) <= text.NOTE_LINES + 1
    assert len(shown) <= text.NOTES + 3 * (text.NOTE_LINES + 1)


@given(ANYTHING, st.integers(1, 80))
def test_plain_text_is_never_empty_and_never_long(vendor: str, limit: int) -> None:
    assert 1 <= len(text.plain(vendor, max(limit, 9))) <= max(limit, 9)


@pytest.mark.parametrize(
    ("vendor", "shown"),
    [
        ("<!channel>", "&lt;!channel&gt;"),
        ("@here", "@\u2060here"),
        ("*bold* _it_ ~no~ `code`", "∗bold∗ ˍitˍ ∼no∼ ˋcodeˋ"),
        ("http://evil.example", "http:\u2060//evil.example"),
        (":fire:", ":\u2060fire:\u2060"),
        ("A & B", "A &amp; B"),
        ("a\r\nb\u2028c", "a  b c"),
        ("\u202egnp.exe", "gnp.exe"),
        ("متجر", "\u2068متجر\u2069"),
        ("👩‍👩‍👧", "👩‍👩‍👧"),
        ("3.2.0-beta.1", "3.2.0-beta.1"),
        ("\ud800", "\ufffd"),
        (None, ""),
        ("  ", ""),
    ],
)
def test_escape(vendor: str | None, shown: str) -> None:
    assert text.escape(vendor) == shown


def test_clip_counts_characters() -> None:
    assert text.clip("a" * 10, 10) == "a" * 10
    assert text.clip("a" * 11, 10) == "a" * 9 + "…"


def test_cut_leaves_half_an_entity_out() -> None:
    assert text.cut("abc&amp;def", 7) == "abc…"
    assert text.cut("abc&amp;def", 9) == "abc&amp;…"


def test_sentence_keeps_our_own_code() -> None:
    assert text.sentence("Say `track:live`, <@U1>.") == "Say `track:live`, &lt;@\u2060U1&gt;."


def test_notes_lose_blank_lines_and_the_rest_is_hinted_at() -> None:
    assert text.quote("one\n\n  two: three ") == "> one\n> two: three"
    assert text.quote("\n".join("abcdefghij")) == "\n".join(f"> {letter}" for letter in "abcdefgh") + "\n> …"


@pytest.mark.parametrize(
    ("past", "said"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=60), "1 min ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(hours=23, minutes=59), "23 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=13), "13 days ago"),
        (timedelta(days=14), "15 Feb 2027"),
    ],
)
def test_age(past: timedelta, said: str) -> None:
    assert text.age(NOW - past, NOW) == said


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (NOW, "14:30 UTC"),
        (NOW - timedelta(days=1), "28 Feb 14:30 UTC"),
        (NOW - timedelta(days=365), "1 Mar 2026 14:30 UTC"),
    ],
)
def test_moment(when: datetime, said: str) -> None:
    assert text.moment(when, NOW) == said


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(seconds=20), "less than a minute"),
        (timedelta(minutes=10), "10 min"),
        (timedelta(hours=2, minutes=14), "2 h 14 min"),
        (timedelta(hours=3), "3 h"),
        (timedelta(days=1, hours=4, minutes=30), "1 day 4 h"),
        (timedelta(seconds=-1), "less than a minute"),
    ],
)
def test_span(length: timedelta, said: str) -> None:
    assert text.span(length) == said


@pytest.mark.parametrize(
    ("amount", "said"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (53_400_000, "53.4 MB"), (2_147_483_648, "2.1 GB")],
)
def test_size(amount: int, said: str) -> None:
    assert text.size(amount) == said


def test_state_in_words() -> None:
    assert text.state(replace(IOS, state=BuildState.IN_REVIEW), NOW) == "in review"
    assert text.state(replace(IOS, state=BuildState.REJECTED, detail="Metadata Rejected"), NOW) == "rejected (Metadata Rejected)"
    assert text.state(replace(IOS, state=BuildState.READY, detail="READY"), NOW) == "ready"
    assert text.state(replace(IOS, state=BuildState.OTHER, detail="Quantum"), NOW) == "Quantum"
    assert text.state(replace(IOS, expires_at=NOW), NOW) == "expired 1 Mar 2027"


def test_every_platform_and_state_has_a_word() -> None:
    assert set(text.PLATFORMS) == set(Platform)
    assert set(text.STATES) == set(BuildState)


def test_label() -> None:
    assert text.label(ANDROID) == "*3.2.0* (77)"
    assert text.label(replace(ANDROID, version="", number=None)) == "*no version*"
    assert text.plain_label(replace(ANDROID, version="3_2*")) == "3_2* (77)"
