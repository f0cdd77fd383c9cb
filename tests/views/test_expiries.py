"""What ends: the digest and the list."""

import pytest

from bot.domain.answers import AgreementsAnswer
from bot.domain.message import Message
from bot.views import agreements, alerts
from tests.views.examples import ENDING, NOW, digest
from tests.views.test_absurd import MANY, WORDS, some_expiry
from tests.views.validate import mrkdwn_texts, problems


def lines(message: Message) -> list[str]:
    return [line for text in mrkdwn_texts(message) for line in text.splitlines()]


def test_a_hundred_things_are_twenty_lines_and_a_count() -> None:
    said = lines(alerts.card(digest(ENDING * 20), NOW))
    assert said[0] == ":hourglass_flowing_sand: *100 things end soon or ended lately*"
    assert said[-1] == "and 80 more: `/purser agreements`"
    assert len(said) == 1 + 20 + 1


@pytest.mark.parametrize("words", WORDS)
def test_what_has_no_room_is_counted(words: str) -> None:
    message = alerts.card(digest([some_expiry(WORDS[words], NOW)] * 20, MANY), NOW)
    said = lines(message)
    assert said[-1] == f"and {MANY - (len(said) - 2):,} more: `/purser agreements`"
    assert problems(message) == []


@pytest.mark.parametrize("words", WORDS)
def test_the_list_counts_what_has_no_room(words: str) -> None:
    message = agreements.agreements(AgreementsAnswer((), (some_expiry(WORDS[words], NOW),) * MANY), NOW)
    said = lines(message)
    assert said[-1] == f"and {MANY - (len(said) - 1):,} more that end later"
    assert problems(message) == []


def test_the_list_is_soonest_first() -> None:
    assert agreements.agreements(AgreementsAnswer((), ENDING[::-1]), NOW) == agreements.agreements(
        AgreementsAnswer((), ENDING), NOW
    )


def test_the_days_that_are_left_are_those_of_the_day_of_posting() -> None:
    ends = [line.rsplit(" · ", 1)[1] for line in lines(alerts.card(digest(ENDING), NOW))[1:]]
    assert ends == ["2 days ago", "today", "in 1 day", "in 7 days", "in 30 days"]


@pytest.mark.parametrize("text", ["", "x", "-1", "²", "9" * 5000])
def test_facts_that_nobody_wrote_are_drawn_without_them(text: str) -> None:
    facts = digest(ENDING)
    facts.alert.facts.update({"count": text, "0.ends": text, "1.kind": text, "3.platform": text})  # type: ignore[attr-defined]
    said = lines(alerts.card(facts, NOW))
    assert said[0] == ":hourglass_flowing_sand: *4 things end soon*"
    assert "*Shop Ad Hoc* · of acme-apple · 1 Mar 2027 · today" in said
