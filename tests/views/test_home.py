"""The Home tab and windows with absurd facts: Slack still has to accept them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

import pytest

from bot.domain.answers import EverywhereAnswer, HomeAnswer, ProductHeads
from bot.domain.message import Block, Message
from bot.domain.model import Build, BuildState, Person, Platform
from bot.sandbox.slack.blocks import view_mistakes
from bot.views import home, modals, versions
from bot.views.ids import Action, decode_build, decode_origin
from handlers.modals import as_view
from tests.views.examples import ANDROID, EXPIRED, HOME, IOS, NOW, PROCESSING, SHOP
from tests.views.test_absurd import (
    MANY,
    TIMES,
    WORDS,
    account_lines,
    audit_lines,
    freshness,
    heads_answer,
    some_build,
    some_product,
    subscription_lines,
)
from tests.views.validate import all_elements, mrkdwn_texts, view_problems

Blocks = Callable[[str, datetime | None], tuple[Block, ...]]


def absurd(text: str, when: datetime | None) -> HomeAnswer:
    builds = tuple(some_build(text, when, platform=platform, track=f"{text[:50]}{n}") for platform in Platform for n in range(30))
    products = (ProductHeads(some_product(text), builds), ProductHeads(some_product(text), ()))
    return HomeAnswer(
        Person("U1"),
        "D1",
        EverywhereAnswer(products * 200, {"acme-apple": text}, freshness(text, when)),
        account_lines(text, when),
        subscription_lines(text),
        audit_lines(text, when)[:30],
    )


def home_blocks(text: str, when: datetime | None) -> tuple[Block, ...]:
    return home.home(with_ids(absurd(text, when)), NOW).blocks


def with_ids(answer: HomeAnswer) -> HomeAnswer:
    """Channels are Slack's own ids, whatever else is absurd."""
    downloads = tuple(replace(line, grant=replace(line.grant, channel="C1")) for line in answer.downloads)
    return replace(answer, downloads=downloads)


VIEWS: Mapping[str, Blocks] = {
    "home": home_blocks,
    "window": lambda text, when: modals.answer(versions.heads(heads_answer(text, when), NOW), "D1").blocks,
}


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("view", VIEWS)
def test_slack_accepts_absurd_words(view: str, words: str) -> None:
    assert view_problems(VIEWS[view](WORDS[words], NOW)) == []


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("view", VIEWS)
def test_slack_accepts_absurd_times(view: str, time: str) -> None:
    assert view_problems(VIEWS[view]("Shop", TIMES[time])) == []


def test_the_sandbox_thinks_so_too() -> None:
    assert view_mistakes({"type": "home", "blocks": list(home_blocks("Shop", NOW))}) == []
    assert view_mistakes(as_view(modals.picker("D1"))) == []


def test_what_is_left_out_is_counted() -> None:
    said = " ".join(mrkdwn_texts_of(home_blocks("Shop", NOW)))
    assert "and 380 products more: Get a build has them all" in said
    assert f"and {2 * MANY - 10:,} subscriptions more" in said
    assert "and 24 more" in said


def mrkdwn_texts_of(blocks: tuple[Block, ...]) -> list[str]:
    return list(mrkdwn_texts(Message("A view", blocks)))


def test_a_place_shows_what_can_be_had_before_what_cannot() -> None:
    def line(*builds: Build) -> str:
        answer = replace(HOME, everywhere=replace(HOME.everywhere, products=(ProductHeads(SHOP, builds),)))
        return next(text for text in mrkdwn_texts_of(home.home(answer, NOW).blocks) if text.startswith("*Shop*"))

    assert "*3.2.0* (418)" in line(PROCESSING, IOS)
    assert "still processing" not in line(PROCESSING, IOS)
    assert "(419) still processing" in line(PROCESSING)
    assert "expired" in line(EXPIRED)
    assert "rejected" in line(replace(ANDROID, state=BuildState.REJECTED))


def test_a_download_once_more_counts_where_it_was_had() -> None:
    blocks = home.home(HOME, NOW).blocks
    values = [e["value"] for block in blocks if (e := block.get("accessory")) and e["action_id"].startswith(Action.DOWNLOAD)]
    assert [(decode_build(value), decode_origin(value)) for value in values[:1]] == [(ANDROID.key, "C1")]


def test_nothing_can_be_shared_from_a_window() -> None:
    message = versions.heads(heads_answer("Shop", NOW), NOW)
    assert [e for e in all_elements(message) if e["action_id"].startswith(Action.SHARE)]
    shown = modals.answer(message, "D1")
    assert not [e for block in shown.blocks for e in block.get("elements", ()) if e.get("action_id", "").startswith(Action.SHARE)]
    assert shown.metadata == "D1"
    assert list(mrkdwn_texts(message))
