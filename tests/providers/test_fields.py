"""Field reading shared by the wire decoders: what a database or a person cannot take never gets in."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given

from bot.domain.errors import Confused
from providers.fields import Fields, Origin, read_object, read_objects
from tests.providers.json_values import ANY_JSON

ORIGIN = Origin("acme", "acme-1", "list things")


def fields(**raw: Any) -> Fields:
    return Fields(ORIGIN, raw)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-05-01T09:00:00Z", datetime(2026, 5, 1, 9, tzinfo=UTC)),
        ("2026-05-01T09:00:00.000Z", datetime(2026, 5, 1, 9, tzinfo=UTC)),
        ("2022-10-26T14:55:08.4622757+00:00", datetime(2022, 10, 26, 14, 55, 8, 462275, tzinfo=UTC)),
        ("2026-05-01T02:00:00.1-07:00", datetime(2026, 5, 1, 9, 0, 0, 100_000, tzinfo=UTC)),
        ("2026-05-01T09:00:00", None),  # nobody says which moment that is
        ("2026-05-01", None),
        ("0001-01-01T00:00:00Z", None),  # .NET's way of saying "never"
        ("9999-12-31T23:59:59-14:00", None),
        ("yesterday", None),
        (1_777_626_000, None),
        (None, None),
    ],
)
def test_moments(value: Any, expected: datetime | None) -> None:
    assert fields(at=value).moment("at") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, 5),
        ("5", 5),
        (0, 0),
        (-1, None),
        (True, None),
        (5.0, None),
        ("5.0", None),
        ("٥", None),
        (2**63, None),
        ("9" * 30, None),
    ],
)
def test_integers(value: Any, expected: int | None) -> None:
    assert fields(size=value).integer("size") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", "a"),
        (" a\x00b \n", "ab"),
        ("\ud800x", "?x"),
        ("", None),
        (" ", None),
        (7, "7"),
        (True, None),
        (1.5, "1.5"),
        (float("nan"), None),
        ([], None),
    ],
)
def test_texts(value: Any, expected: str | None) -> None:
    assert fields(name=value).text("name") == expected


def test_the_first_text_that_says_something() -> None:
    assert fields(a="", b=None, c="found", d="late").text("a", "b", "c", "d") == "found"


def test_what_is_required_is_named_when_it_is_missing() -> None:
    with pytest.raises(Confused) as caught:
        fields(id="").required("id")
    assert caught.value.reason == "missing_field:id"
    assert (caught.value.provider, caught.value.account, caught.value.operation) == ("acme", "acme-1", "list things")


@given(ANY_JSON)
def test_any_json_is_read_or_confuses(payload: Any) -> None:
    for read in (read_object, lambda value, origin: list(read_objects(value, origin))):
        try:
            read(payload, ORIGIN)
        except Confused as error:
            reason = error.reason
        else:
            reason = "fine"
        assert reason in ("fine", "not_an_object", "not_a_list")


@given(ANY_JSON)
def test_any_value_of_any_field_can_be_asked_for(value: Any) -> None:
    read = fields(x=value)
    text, number, moment = read.text("x"), read.integer("x"), read.moment("x")
    assert text is None or text.encode()
    assert number is None or 0 <= number < 2**63
    assert moment is None or moment.tzinfo is UTC
    assert read.flag("x") in (None, True, False)
    assert read.child("x").text("y") is None or isinstance(value, dict)


def test_the_first_name_that_holds_such_a_fact_counts() -> None:
    found = fields(_id=7, size="a lot", file_size="9", created="soon", created_at="2026-05-01T09:00:00Z", items=[{}])
    assert found.required("id", "_id") == "7"
    assert found.integer("size", "file_size") == 9
    assert found.moment("created", "created_at") == datetime(2026, 5, 1, 9, tzinfo=UTC)
    assert len(found.objects("list", "items")) == 1


@pytest.mark.parametrize(("value", "expected"), [(True, True), ("true", True), ("False ", False), ("yes", None), (1, None)])
def test_flags(value: Any, expected: bool | None) -> None:
    assert fields(on=value).flag("on") is expected
