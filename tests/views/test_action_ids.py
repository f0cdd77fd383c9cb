"""What buttons carry comes back whole; anything else is refused as a mistake."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import UserMistake
from bot.domain.model import Snooze
from bot.domain.ports import Beside
from bot.views.ids import (
    LONGEST_OPTION,
    LONGEST_VALUE,
    Action,
    Ask,
    Incident,
    action_id,
    decode_ask,
    decode_build,
    decode_grant,
    decode_incident,
    decode_origin,
    decode_snooze,
    encode_build,
    parse_action_id,
)


@given(st.sampled_from(Action), st.integers(0, 999))
def test_action_ids_come_back(action: Action, position: int) -> None:
    assert parse_action_id(action_id(action, position)) is action


@pytest.mark.parametrize(
    "text", ["", "download", "download:", "download:-1", "download:1:2", "download:1000", "DOWNLOAD:1", "steal:0", "download:١"]
)
def test_foreign_action_ids_are_mistakes(text: str) -> None:
    with pytest.raises(UserMistake):
        parse_action_id(text)


@given(st.sampled_from(["versions", "download", "subscribe"]), st.text(max_size=200), st.integers(0, 999_999))
def test_questions_come_back(command: str, words: str, offset: int) -> None:
    asked = decode_ask(Ask(command, words, offset).encode())
    assert (asked.command, asked.offset) == (command, offset)
    kept = "".join(words.split())
    if kept.isprintable():
        assert "".join(asked.words.split()) == kept


@given(st.text())
def test_encoded_questions_fit(words: str) -> None:
    assert len(Ask("versions", words, 7).encode()) <= LONGEST_VALUE
    assert len(Ask("versions", words * 100).encode(LONGEST_OPTION)) <= LONGEST_OPTION


def test_questions_read_as_they_were_asked() -> None:
    assert Ask("versions", "shop  ios 3.2", 20).encode() == "versions:20 shop ios 3.2"
    assert decode_ask("versions:20 shop ios 3.2") == Ask("versions", "shop ios 3.2", 20)
    assert decode_ask("versions") == Ask("versions")
    older = Ask("audit", "shop", beside=Beside(datetime(2026, 5, 1, 12, 0, 0, 7, UTC), "0a" * 16))
    assert older.encode() == "audit<1777636800000007:" + "0a" * 16 + " shop"
    for asked in (older, replace(older, words="", beside=Beside(datetime(2260, 1, 1, tzinfo=UTC), "0a" * 16, newer=True))):
        assert decode_ask(asked.encode()) == asked


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        " ",
        "Versions shop",
        "versions:x shop",
        "versions:-1",
        "versions:1234567 a",
        "audit<5 shop",
        "audit=5:" + "0a" * 16,
        "audit>12345678901234567:" + "0a" * 16,
        "versions\nshop",
        "versions a\x00",
        "v" * 501,
        "versions " + "x" * 500,
        "{}",
    ],
)
def test_foreign_questions_are_mistakes(value: str | None) -> None:
    with pytest.raises(UserMistake):
        decode_ask(value)


def test_builds_come_back() -> None:
    assert decode_build(encode_build("0123456789abcdef")) == "0123456789abcdef"
    assert decode_origin(encode_build("0123456789abcdef")) is None
    assert decode_build(encode_build("0123456789abcdef", "C0123")) == "0123456789abcdef"
    assert decode_origin(encode_build("0123456789abcdef", "C0123")) == "C0123"


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "0123456789ABCDEF",
        "0123456789abcde",
        "0123456789abcdef0",
        "0123456789abcdef\n",
        "0123456789abcdef@",
        "0123456789abcdef@c1",
        "x" * 5000,
    ],
)
def test_foreign_build_keys_are_mistakes(value: str | None) -> None:
    with pytest.raises(UserMistake):
        decode_build(value)


def test_grants_come_back() -> None:
    assert decode_grant("0123456789abcdef" * 2) == "0123456789abcdef" * 2


@pytest.mark.parametrize("value", [None, "", "0123456789abcdef", "0123456789ABCDEF" * 2, "0" * 33, "0" * 32 + "\n"])
def test_foreign_grants_are_mistakes(value: str | None) -> None:
    with pytest.raises(UserMistake):
        decode_grant(value)


@given(st.from_regex(r"[a-z0-9][a-z0-9-]{0,40}", fullmatch=True), st.datetimes(timezones=st.just(UTC)), st.sampled_from(Snooze))
def test_incidents_come_back(account: str, since: datetime, length: Snooze) -> None:
    incident = Incident(account, since)
    assert decode_incident(incident.encode()) == incident
    assert decode_snooze(incident.encode(length)) == (length, incident)
    assert len(incident.encode(Snooze.MONDAY)) <= LONGEST_OPTION


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "acme-apple",
        "acme-apple 2026-05-01",
        "acme-apple 2026-13-01T12:00:00+00:00",
        "acme-apple 2026-05-01T12:00:00",
        "Acme 2026-05-01T12:00:00+00:00",
        "acme-apple 2026-05-01T12:00:00+00:00 ",
        "year:acme-apple 2026-05-01T12:00:00+00:00",
    ],
)
def test_foreign_incidents_are_mistakes(value: str | None) -> None:
    with pytest.raises(UserMistake):
        decode_snooze(value)


def test_a_snooze_says_for_how_long() -> None:
    with pytest.raises(UserMistake):
        decode_snooze(Incident("acme-apple", datetime(2026, 5, 1, tzinfo=UTC)).encode())
