"""Apple's rate limit: our own calls never meet a 429, and clicks never wait."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from bot.domain.errors import RateLimited
from bot.sandbox.misbehaviour import Misbehaviour
from providers.app_store_connect.client import AppStoreConnect
from providers.app_store_connect.pacing import HOUR, MINUTE, PATIENCE, Allowance, Pacer, pause, read_allowances
from tests.providers.apple import START, Apple, Clock

POLL = timedelta(minutes=5)


@pytest.mark.parametrize(
    ("header", "allowances"),
    [
        ("user-hour-lim:3500;user-hour-rem:500;", {HOUR: Allowance(3500, 500)}),
        (
            "user-minute-lim:300; user-minute-rem:299;user-hour-rem:5;user-hour-lim:10",
            {HOUR: Allowance(10, 5), MINUTE: Allowance(300, 299)},
        ),
        ("user-hour-lim:3500;", {}),
        ("user-hour-lim:many;user-hour-rem:-1;;:", {}),
        ("user-hour-lim:\u0663;user-hour-rem:1", {}),
        ("user-day-lim:1;user-day-rem:1;", {}),
        ("", {}),
    ],
)
def test_what_the_header_says(header: str, allowances: dict[str, Allowance]) -> None:
    assert read_allowances(header) == allowances


@pytest.mark.parametrize(
    ("left", "seconds"),
    [(3500, 0), (875, 0), (874, 3600 / 524), (400, 3600 / 50), (350, 3600 / 35), (10, 3600), (1, 3600)],
)
def test_the_less_is_left_the_longer_the_pauses(left: int, seconds: float) -> None:
    assert pause(Allowance(3500, left), timedelta(hours=1)).total_seconds() == pytest.approx(seconds)


class Spent:
    """A pacer that hears what is left."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.pacer = Pacer(self.clock, self.clock.sleep)

    def hear(self, header: str) -> None:
        self.pacer.heard(httpx.Response(200, headers={"x-rate-limit": header}))

    async def waited(self) -> float:
        """Seconds until a call that can wait may go. Fails when it may not go at all."""
        before = self.clock.now
        assert await self.pacer.turn() is None
        return (self.clock.now - before).total_seconds()


@pytest.mark.parametrize(
    ("header", "left"),
    [
        ("user-hour-lim:3500;user-hour-rem:500;user-minute-lim:9;user-minute-rem:0;", 500),
        ("user-minute-lim:9;user-minute-rem:0;", None),
    ],
)
def test_what_is_left_of_the_hour_is_told(header: str, left: int | None) -> None:
    assert Spent().pacer.heard(httpx.Response(200, headers={"x-rate-limit": header})) == left


async def test_nothing_waits_while_nothing_is_known_or_there_is_plenty() -> None:
    spent = Spent()
    assert [await spent.waited() for _ in range(3)] == [0, 0, 0]
    spent.hear("user-hour-lim:3500;user-hour-rem:900;")
    assert [await spent.waited() for _ in range(3)] == [0, 0, 0]
    spent.pacer.heard(httpx.Response(200))
    assert await spent.waited() == 0


async def test_calls_are_spread_when_little_is_left() -> None:
    spent = Spent()
    spent.hear("user-hour-lim:3600;user-hour-rem:420;")
    assert [await spent.waited() for _ in range(3)] == [0, 60, 60]
    spent.clock.now += timedelta(seconds=45)
    assert await spent.waited() == 15


async def test_what_is_under_way_counts_as_spent() -> None:
    spent = Spent()
    spent.hear("user-hour-lim:3600;user-hour-rem:420;")
    await spent.waited()
    with spent.pacer.under_way(), spent.pacer.under_way():
        assert await spent.waited() == pytest.approx(3600 / 58)


async def test_the_minute_counts_too() -> None:
    spent = Spent()
    spent.hear("user-minute-lim:100;user-minute-rem:20;user-hour-lim:3600;user-hour-rem:3000;")
    assert [await spent.waited() for _ in range(2)] == [0, 6]
    spent.clock.now += timedelta(minutes=1)
    assert [await spent.waited() for _ in range(2)] == [0, 0]


async def test_with_nothing_left_the_window_has_to_pass() -> None:
    spent = Spent()
    spent.hear("user-hour-lim:3600;user-hour-rem:0;")
    assert await spent.pacer.turn() == timedelta(hours=1)
    spent.clock.now += timedelta(hours=1) - PATIENCE
    assert await spent.waited() == PATIENCE.total_seconds()


@pytest.mark.parametrize(("asked", "closed"), [(None, timedelta(minutes=1)), (timedelta(hours=2), timedelta(hours=2))])
async def test_after_a_refusal_nothing_goes_for_as_long_as_apple_says(asked: timedelta | None, closed: timedelta) -> None:
    spent = Spent()
    spent.pacer.refused(asked)
    spent.clock.now += closed - timedelta(seconds=30)
    assert await spent.waited() == 30


async def test_many_at_once_go_one_after_the_other() -> None:
    spent = Spent()
    spent.hear("user-hour-lim:3600;user-hour-rem:420;")
    assert await asyncio.gather(*(spent.pacer.turn() for _ in range(5))) == [None] * 5
    assert spent.clock.now - START == timedelta(minutes=4)


# --- The client -------------------------------------------------------------------------------


async def poll(client: AppStoreConnect, known: frozenset[str]) -> RateLimited | None:
    """None: the check was made."""
    try:
        await client.list_builds(await client.list_apps(), known)
    except RateLimited as error:
        return error
    return None


@pytest.mark.parametrize(("hour", "minute"), [(12, None), (20, None), (23, 3), (100, 2), (3500, 2)])
async def test_our_own_calls_never_meet_a_429(apple: Apple, hour: int, minute: int | None) -> None:
    """Six hours of a check every five minutes: up to 24 calls an hour of its own, where far fewer are allowed."""
    apple.pretend.rate_limit, apple.pretend.minute_limit = hour, minute
    apple.add_apps(3, builds_each=2)
    client = apple.client()
    known = frozenset(build.id for build in await client.list_builds(await client.list_apps()))
    answers = []
    while apple.clock.now < START + timedelta(hours=6):
        apple.clock.now += POLL
        answers.append(await poll(client, known))
    assert apple.pretend.refused_calls == 0
    assert answers.count(None) >= 6
    saved = [error for error in answers if error]
    assert all(error.reason == "saving_calls" and error.retry_after and error.retry_after > PATIENCE for error in saved)


async def test_a_large_account_is_read_slowly_and_without_a_429(apple: Apple) -> None:
    apple.pretend.rate_limit, apple.pretend.minute_limit = 400, 4
    apple.add_apps(2, builds_each=1000)
    client = apple.client()
    assert len(await client.list_builds(await client.list_apps())) == 2000
    assert apple.pretend.refused_calls == 0
    assert apple.clock.now - START > timedelta(minutes=1)


async def test_many_calls_at_once_do_not_overrun_the_limit(apple: Apple) -> None:
    apple.pretend.minute_limit = 20
    apple.add_apps(45)
    registered = await apple.client().register_webhooks("https://purser.acme.com/webhooks/acme-apple")
    assert {each.outcome for each in registered} == {"created"}
    assert apple.pretend.refused_calls == 0


async def test_a_click_goes_first(apple: Apple) -> None:
    apple.pretend.rate_limit = 20
    shop = apple.pretend.add_app("Shop", "com.acme.shop")
    apple.pretend.add_group(shop, "Public")
    apple.pretend.upload(shop, "3.2.0", "418")
    client = apple.client()
    apps = await client.list_apps()
    (build,) = await client.list_builds(apps)
    while (await client.probe()).summary.split()[2] != "4":
        pass
    with pytest.raises(RateLimited, match="saving_calls"):
        await client.list_apps()
    before = apple.clock.now
    assert (await client.mint_link(build)).url.startswith("https://testflight.apple.com/")
    assert apple.clock.now == before
    assert apple.pretend.refused_calls == 0


async def test_a_refusal_that_others_caused_is_respected(apple: Apple) -> None:
    apple.add_apps(1)
    client = apple.client()
    apple.pretend.misbehave("/v1/apps", Misbehaviour.RATE_LIMITED, retry_after=600)
    with pytest.raises(RateLimited, match="rate_limited"):
        await client.list_apps()
    apple.pretend.behave()
    apple.pretend.requests.clear()
    with pytest.raises(RateLimited, match="saving_calls"):
        await client.list_apps()
    assert apple.pretend.requests == []
    apple.clock.now += timedelta(minutes=10)
    assert len(await client.list_apps()) == 1


async def test_another_account_does_not_wait(apple: Apple) -> None:
    apple.pretend.rate_limit = 4
    other = Apple(apple.stack)
    other.url = await other.serve(other.pretend.app)
    ours, theirs = apple.client(), other.client()
    for _ in range(4):
        await ours.list_apps()
    with pytest.raises(RateLimited, match="saving_calls"):
        await ours.list_apps()
    assert [await theirs.list_apps() for _ in range(5)] == [[]] * 5
