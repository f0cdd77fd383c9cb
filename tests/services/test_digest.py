"""Digests: the words for them, when they are due, and what they say."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from bot.domain.digest import Digest, parse
from bot.domain.errors import UserMistake
from bot.domain.model import BuildState, DeliveryState
from bot.manifest import scopes
from bot.sandbox.slack import PretendSlack
from bot.services.rhythm import split_digest
from bot.store import Database

from .conftest import NOON, StoppedClock
from .scene import Scene, set_scene

DAILY = Digest(9, 0, "Europe/Berlin")
NINE_IN_BERLIN = datetime(2026, 5, 2, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "digest", "rest"),
    [
        ("shop daily 09:00 Europe/Berlin", DAILY, "shop"),
        ("shop ios daily 9:30 europe/berlin new-builds", Digest(9, 30, "Europe/Berlin"), "shop ios new-builds"),
        ("shop weekly monday 09:00", Digest(9, 0, "UTC", 0), "shop"),
        ("shop Weekly fri 17:45 UTC", Digest(17, 45, "UTC", 4), "shop"),
        ("shop weekly", Digest(9, 0, "UTC", 0), "shop"),
        ("shop daily", Digest(9), "shop"),
        ("daily 08:00 shop", Digest(8), "shop"),
        ("shop android daily at 09:00 in Europe/Berlin", DAILY, "shop android"),
        ("shop weekly on Monday at 9 UTC new-builds", Digest(9, 0, "UTC", 0), "shop new-builds"),
        ("shop daily 17", Digest(17), "shop"),
        ("daily at 08:00 shop", Digest(8), "shop"),
        ("weekly on fri shop", Digest(9, 0, "UTC", 4), "shop"),
        ("shop daily at home", Digest(9), "shop at home"),
        ("daily 2 go", None, "daily 2 go"),
        ("daily news", None, "daily news"),
        ("daily news daily 08:00", Digest(8), "daily news"),
        ("daily", None, "daily"),
        ("shop", None, "shop"),
        ("", None, ""),
    ],
)
def test_words(words: str, digest: Digest | None, rest: str) -> None:
    assert split_digest(words) == (digest, rest)


@pytest.mark.parametrize(
    ("zone", "meant"), [("Europe/Paris", "Europe/Paris"), ("Nowhere/Else", "UTC"), (None, "UTC"), ("../../etc/passwd", "UTC")]
)
def test_who_names_no_zone_means_their_own(zone: str | None, meant: str) -> None:
    assert split_digest("shop daily 09:00", zone) == (Digest(9, 0, meant), "shop")


@pytest.mark.parametrize("words", ["shop daily 24:00", "shop daily 09:60", "shop daily 09:00 Europe/Berln", "shop weekly /"])
def test_what_there_is_not(words: str) -> None:
    with pytest.raises(UserMistake):
        split_digest(words)


@pytest.mark.parametrize("digest", [DAILY, Digest(0), Digest(17, 45, "America/New_York", 6)])
def test_a_digest_comes_back_from_its_words(digest: Digest) -> None:
    assert parse(str(digest)) == digest


@pytest.mark.parametrize(
    ("digest", "now", "due"),
    [
        (DAILY, datetime(2026, 5, 1, 6, 59, tzinfo=UTC), datetime(2026, 5, 1, 7, 0, tzinfo=UTC)),
        (DAILY, datetime(2026, 5, 1, 7, 0, tzinfo=UTC), datetime(2026, 5, 2, 7, 0, tzinfo=UTC)),
        (DAILY, datetime(2026, 10, 24, 12, 0, tzinfo=UTC), datetime(2026, 10, 25, 8, 0, tzinfo=UTC)),
        (Digest(2, 30, "Europe/Berlin"), datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        (Digest(9, 0, "UTC", 0), datetime(2026, 5, 1, 12, 0, tzinfo=UTC), datetime(2026, 5, 4, 9, 0, tzinfo=UTC)),
        (Digest(9, 0, "UTC", 4), datetime(2026, 5, 1, 12, 0, tzinfo=UTC), datetime(2026, 5, 8, 9, 0, tzinfo=UTC)),
        (Digest(13, 0, "Mars/Base"), datetime(2026, 5, 1, 12, 0, tzinfo=UTC), datetime(2026, 5, 1, 13, 0, tzinfo=UTC)),
        (Digest(1, 0, "Pacific/Auckland"), datetime(2026, 5, 1, 12, 0, tzinfo=UTC), datetime(2026, 5, 1, 13, 0, tzinfo=UTC)),
    ],
)
def test_the_next_time(digest: Digest, now: datetime, due: datetime) -> None:
    assert digest.next_after(now) == due


@pytest.fixture
async def scene(store: Database, clock: StoppedClock) -> AsyncIterator[Scene]:
    async with PretendSlack(lambda: clock().timestamp()) as slack:
        slack.api.scopes = set(scopes())
        scene = await set_scene(slack, store, clock)
        await scene.subscribe(scene.channel(), digest=DAILY)
        yield scene
        assert slack.violations == []


async def wait_until(scene: Scene, moment: datetime) -> None:
    scene.clock.now = moment
    await scene.deliver()


async def test_everything_of_a_day_is_one_message_at_its_time(scene: Scene) -> None:
    assert scene.clock() > NOON
    for number in ("418", "419"):
        scene.upload(number)
        await scene.check()
        await scene.deliver()
        scene.clock.advance(hours=2)
    assert not scene.said(scene.channel())
    await wait_until(scene, NINE_IN_BERLIN)
    (digest,) = scene.said(scene.channel())
    assert "2 new builds: Shop" in digest.text_content
    assert [button.label for button in digest.buttons] == ["Download", "Download", "All versions"]


async def test_one_build_alone_is_a_digest_too_and_the_next_comes_a_day_later(scene: Scene) -> None:
    for day in (2, 3):
        scene.upload(str(day))
        await scene.check()
        await wait_until(scene, NINE_IN_BERLIN.replace(day=day))
    assert ["1 new build" in message.text_content for message in scene.said(scene.channel())] == [True, True]


async def test_a_build_that_changed_meanwhile_is_told_once_as_it_is(scene: Scene) -> None:
    build = scene.upload("418")
    await scene.check()
    scene.change(build, state=BuildState.REJECTED)
    await scene.check()
    await wait_until(scene, NINE_IN_BERLIN)
    (digest,) = scene.said(scene.channel())
    assert digest.text_content.count("(418)") == 1
    assert "rejected" in digest.text_content
    assert await scene.outcomes(scene.channel()) == [(DeliveryState.SENT, None)] * 2


async def test_what_changes_after_the_digest_changes_it_at_once(scene: Scene) -> None:
    build = scene.upload("418")
    await scene.check()
    await wait_until(scene, NINE_IN_BERLIN)
    scene.change(build, state=BuildState.LIVE)
    await scene.check()
    await scene.deliver()
    digest, line = scene.said(scene.channel())
    assert "live" in digest.text_content
    assert line.thread_ts == digest.ts


async def test_a_subscription_without_a_digest_is_faster(scene: Scene) -> None:
    await scene.subscribe(scene.channel(), track="testflight")
    scene.upload("418")
    await scene.check()
    await scene.deliver()
    await wait_until(scene, NINE_IN_BERLIN)
    assert len(scene.said(scene.channel())) == 1


async def test_a_digest_that_slack_refused_for_a_while_stays_one(scene: Scene) -> None:
    scene.upload("418")
    await scene.check()
    scene.slack.fail("chat.postMessage", "internal_error")
    await wait_until(scene, NINE_IN_BERLIN)
    scene.upload("419")
    await scene.check()
    scene.clock.advance(minutes=1)
    await scene.deliver()
    (digest,) = scene.said(scene.channel())
    assert "1 new build" in digest.text_content
