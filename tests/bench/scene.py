"""What is asked about: three accounts with ten thousand builds, read by the bot's own sync, and the signed question."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TypeVar
from urllib.parse import urlencode

from bot.sandbox.slack import payloads
from bot.sandbox.slack.line import sign
from bot.sandbox.vendors.base import utc_now
from bot.sandbox.vendors.bulk import TakesUploads, populate
from bot.sandbox.world import World
from bot.store.migrate import upgrade
from bot.workshop import Workshop, load_settings
from tests.bench.errand import BenchFailed
from tests.bench.load import Order
from tests.bench.servers import SERVERS, Server

A = TypeVar("A")

HOUR = 3600  # nothing is due while we measure
BUILDS = 10_000
SHOP_BUILDS = 1_000  # of the product that is asked for, in each account
OTHER_APPS, OTHER_BUILDS = 10, 240  # in each account
QUIET = 1.0  # seconds
QUESTION = "/versions shop"


@asynccontextmanager
async def stocked_world() -> AsyncIterator[World]:
    """Three accounts, their builds in the bot's database. Raises BenchFailed."""
    async with World(poll_seconds=HOUR, agreements_seconds=HOUR) as world:
        _stock(world)
        stored = await read_all(world)
        if stored < BUILDS:
            raise BenchFailed(f"only {stored:,} builds are stored")
        yield world


async def read_all(world: World) -> int:
    """Reads every account into the bot's database. Returns how many builds are there."""
    upgrade(world.database_url)
    async with Workshop(load_settings(world.environment, world.folder)) as workshop:
        await workshop.register()
        for name in workshop.providers:
            await workshop.sync.account(name)
        accounts = await workshop.store.read(lambda repositories: repositories.catalogue.accounts())
    return sum(account.builds for account in accounts)


@asynccontextmanager
async def door() -> AsyncIterator[World]:
    """The demo's three accounts, read; links may be opened as often as one likes."""
    async with World(poll_seconds=HOUR, agreements_seconds=HOUR) as world:
        configure(world, "[purser]", "link_openings = 100000")
        await read_all(world)
        yield world


def configure(world: World, table: str, line: str) -> None:
    """Adds a line to purser.toml, at the beginning of a table."""
    file = world.folder / "purser.toml"
    file.write_text(file.read_text(encoding="utf-8").replace(f"{table}\n", f"{table}\n{line}\n", 1), encoding="utf-8")


async def link(world: World) -> str:
    """The address that Ada is given for Shop in Appcircle, whose files pass through Purser."""
    answer = await world.slack.command(world.town.ada, world.town.mobile, "/download shop appcircle")
    (url,) = (button.url for button in answer.buttons if button.label == "Open")
    if url is None:
        raise BenchFailed(f"there is no link: {answer.text_content}")
    return url


def purser(world: World, core: int | None = SERVERS, **variables: str) -> Server:
    """The real bot, as `purser run`."""
    answered = Order(world.port, question(world, world.port), "Shop: ", 1, 0)
    return Server("bot.cli", ["run"], {**world.environment, **variables}, world.folder, answered, core)


def new_purser(world: World, **variables: str) -> Server:
    """The real bot on its first day: with an empty database, all builds still to be read."""
    environment = {**world.environment, "DATABASE_URL": f"sqlite:///{world.folder.as_posix()}/first-day.db", **variables}
    return Server("bot.cli", ["run"], environment, world.folder, Order(world.port, question(world, world.port), "blocks", 1, 0))


def stock(world: World, port: int) -> Server:
    """The stock Bolt app, asked the same question."""
    answered = Order(port, question(world, port), "ok", 1, 0)
    return Server("tests.bench.stock", [str(port), world.slack.signing_secret], {}, world.folder, answered)


def question(world: World, port: int) -> str:
    """The whole HTTP request, good for Slack's five minutes."""
    form = payloads.command(world.slack.workspace, world.town.ada, world.town.general, QUESTION)
    body = urlencode(form | {"trigger_id": "1.2.3", "response_url": f"{world.slack.url}/response/none"})
    timestamp = str(int(time.time()))
    lines = (
        "POST /slack/events HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "User-Agent: Slackbot 1.0 (+https://api.slack.com/robots)",
        "Accept: application/json,*/*",
        "Content-Type: application/x-www-form-urlencoded",
        f"X-Slack-Request-Timestamp: {timestamp}",
        f"X-Slack-Signature: {sign(world.slack.signing_secret, timestamp, body)}",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join((*lines, "", body))


def _stock(world: World) -> None:
    _fill(world.apple, world.in_apple.shop, "ios")
    _fill(world.applivery, world.in_applivery.shop, "android")
    _fill(world.appcircle, world.in_appcircle.shop, "android")


def _fill(vendor: TakesUploads[A], shop: A, platform: str) -> None:
    newest = utc_now() - timedelta(days=1)
    populate(vendor, OTHER_APPS, OTHER_BUILDS, newest, platform)
    for age in range(SHOP_BUILDS, 0, -1):
        number = str(SHOP_BUILDS - age)
        vendor.upload(shop, f"2.{number}.0", number, platform=platform, uploaded_at=newest - timedelta(hours=age))


async def settled(world: World) -> None:
    """Returns when the bot has left the vendors alone for a while: the polls at its start are over."""
    vendors = (world.apple, world.applivery, world.appcircle)
    seen = -1
    while seen != (now := sum(len(vendor.requests) for vendor in vendors)):
        seen = now
        await asyncio.sleep(QUIET)
