"""The subscribe form: Slack takes it, and what was chosen becomes the words that people type."""

import pytest

from bot.domain.errors import UserMistake
from bot.sandbox.slack.blocks import view_mistakes
from bot.views.ids import Ask
from bot.views.subscribing import form, outcome, words_of
from bot.views.subscriptions import say_what
from handlers.modals import as_view

SHOP = Ask("versions", "Shop").encode()


def test_slack_takes_the_form() -> None:
    modal = form("C1")
    assert view_mistakes(as_view(modal)) == []
    assert modal.metadata == "C1"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "all"),
        ({"product": SHOP, "kinds": "new-builds", "rhythm": "at-once", "time": "09:00"}, "Shop new-builds"),
        ({"product": SHOP, "platform": "ios", "rhythm": "daily", "time": "17:45"}, "Shop ios daily 17:45"),
        (
            {"kinds": "new-builds agreements", "rhythm": "weekly friday", "time": ""},
            "all new-builds agreements weekly friday 09:00",
        ),
    ],
)
def test_choices_become_words(values: dict[str, str], words: str) -> None:
    assert words_of(values) == words


@pytest.mark.parametrize(
    "values", [{"platform": "toaster"}, {"rhythm": "hourly"}, {"kinds": "new-builds weather"}, {"product": "versions"}]
)
def test_what_was_never_offered_is_a_mistake(values: dict[str, str]) -> None:
    with pytest.raises(UserMistake):
        words_of(values)


def test_what_came_of_it_has_no_buttons() -> None:
    assert [block["type"] for block in outcome(say_what()).blocks] == ["section"]
