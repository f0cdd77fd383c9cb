"""A poll of two hundred Apple accounts in which nothing has happened, by one bot: all at the same host, all at once."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime

import httpx

from bot.sandbox.vendors.base import utc_now
from bot.sandbox.vendors.bulk import populate
from bot.sandbox.world import World
from bot.store import Database
from tests.bench.errand import BenchFailed
from tests.bench.memory import Peak
from tests.bench.scene import HOUR, new_purser, settled
from tests.bench.servers import Server
from tests.bench.table import Figure
from tests.bench.vendor import remember_answers, tell_apart

ACCOUNTS, APPS, BUILDS_EACH = 200, 50, 4  # so that the newest builds fill Apple's longest page
LATENCY = 0.1  # seconds
PATIENCE = 120.0  # seconds
SECRET = "the-webhook-secret-of-the-fleet"
FIRST = "first reading"

_PURSER = """
[purser]
poll_every = "1h"
agreements_every = "1h"
"""
_ACCOUNT = """
[[accounts]]
name = "{name}"
provider = "app_store_connect"
issuer_id = "{apple.issuer_id}"
key_id = "{apple.key_id}"
private_key = "env:ASC_PRIVATE_KEY"
webhook_secret = "env:FLEET_SECRET"
api_url = "{url}/{name}"
"""


async def bench() -> Sequence[Figure]:
    async with World(poll_seconds=HOUR, agreements_seconds=HOUR) as world:
        world.apple.remove_app(world.in_apple.shop)
        populate(world.apple, APPS, BUILDS_EACH, utc_now())
        world.apple.latency = LATENCY
        remember_answers(world.apple)
        tell_apart(world.apple, b'"App ', b'"com.acme.')
        _configure(world)
        server = new_purser(world, FLEET_SECRET=SECRET)
        async with server, Peak(server) as peak, _Watch(server) as watch:
            started = time.perf_counter()
            await watch.all_read_since(None)
            first = time.perf_counter() - started
            await settled(world)
            quiet = await _poll(world, watch)
    name = f"poll of {ACCOUNTS} accounts x {APPS} apps"
    connections = world.apple_server.most_connections
    return (
        Figure(f"{name}: time", quiet, FIRST, first, "s", at_most=20, absolute=True),
        Figure(f"{name}: most memory", peak.most, "at the start", peak.before, "MiB", at_most=250, absolute=True),
        Figure(f"{name}: connections to their host", connections, "accounts", ACCOUNTS, "", at_most=8, absolute=True),
    )


def _names() -> list[str]:
    return [f"apple-{number:03d}" for number in range(ACCOUNTS)]


def _configure(world: World) -> None:
    accounts = (_ACCOUNT.format(name=name, apple=world.apple, url=world.apple_server.url) for name in _names())
    (world.folder / "purser.toml").write_text("".join((_PURSER, *accounts)), encoding="utf-8")


async def _poll(world: World, watch: "_Watch") -> float:
    """Seconds from the first webhook until every account's check is in the database."""
    began, started = utc_now(), time.perf_counter()
    async with httpx.AsyncClient(trust_env=False) as http:
        for name in _names():
            call = world.apple.webhook(SECRET)
            answer = await http.post(f"{world.public_url}/webhooks/{name}", content=call.body, headers=call.headers)
            answer.raise_for_status()
    await watch.all_read_since(began)
    return time.perf_counter() - started


class _Watch:
    """Looks into the bot's database."""

    def __init__(self, server: Server) -> None:
        self._database = Database(server.environment["DATABASE_URL"])

    async def __aenter__(self) -> "_Watch":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._database.aclose()

    async def all_read_since(self, moment: datetime | None) -> None:
        """Raises BenchFailed when that takes too long, or when an account cannot be read."""
        deadline = time.perf_counter() + PATIENCE
        while time.perf_counter() < deadline:
            accounts = await self._database.read(lambda repositories: repositories.catalogue.health())
            if failing := [each for each in accounts if each.failing_since]:
                raise BenchFailed(f"{failing[0].name} could not be read: {failing[0].reason}")
            if accounts and all(each.ok_at and (moment is None or each.ok_at >= moment) for each in accounts):
                return
            await asyncio.sleep(0.1)
        raise BenchFailed("the accounts were not all read")
