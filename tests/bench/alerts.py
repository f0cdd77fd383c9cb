"""New builds into channels: from a vendor's webhook to the message, one at a time and two hundred channels at once."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from statistics import median

import httpx

from bot.domain.model import DeliveryState, EventKind, Subscription
from bot.domain.ports import Repositories
from bot.sandbox.slack import Channel, Message
from bot.sandbox.slack.workspace import What
from bot.sandbox.vendors.apple.model import AppleApp
from bot.sandbox.vendors.base import utc_now
from bot.sandbox.vendors.bulk import populate
from bot.sandbox.world import APPLE, World
from bot.store import Database
from tests.bench.errand import BenchFailed
from tests.bench.scene import HOUR, configure, purser, read_all, settled
from tests.bench.table import Figure

CHANNELS = 200
SINGLES = 11  # builds, each for a channel of its own
FEW = 5  # builds for every channel: as many as come as messages of their own within a minute
MANY = 1_000  # builds for every channel: more than come as messages of their own, so that they are one
PACE = 1.0  # seconds between two messages in a channel: what Slack permits
# "Several hundred messages per minute" of a whole workspace: https://docs.slack.dev/apis/web-api/rate-limits
OF_WORKSPACE = 300 / 60  # messages a second
IDLE = 1.5  # seconds after which nothing of the message before is under way
LATENCY = 0.1  # seconds
PATIENCE = 90.0  # seconds
LOOK_EVERY = 0.5  # seconds; counting two hundred thousand rows takes the pretend Slack's time
CALL_SECONDS = 30.0  # for the answer to a webhook
SECRET = "the-webhook-secret-of-the-account"
PERMITTED = "Slack permits"


async def bench() -> Sequence[Figure]:
    async with World(poll_seconds=HOUR, agreements_seconds=HOUR) as world:
        apps = populate(world.apple, SINGLES + 2, 1, utc_now())
        await read_all(world)
        configure(world, 'provider = "app_store_connect"', 'webhook_secret = "env:HOOK_SECRET"')
        singles = _channels(world, "single", SINGLES)
        # Each crowd hears of an app of its own: what one was told lately does not hold back what the other is to be told.
        first, second = (_channels(world, name, CHANNELS) for name in ("first", "second"))
        crowds = [*((apps[-2], channel) for channel in first), *((apps[-1], channel) for channel in second)]
        await _subscribe(world, [*zip(apps, singles, strict=False), *crowds])
        world.apple.latency = LATENCY
        async with purser(world, HOOK_SECRET=SECRET) as bot, _desk(world) as desk:
            await settled(world)
            each = [await desk.told([app], [channel], IDLE) for app, channel in zip(apps, singles, strict=False)]
            few = await desk.told([apps[-2]] * FEW, first)
            before = bot.resident
            many = await desk.told([apps[-1]] * MANY, second, IDLE)
            after = bot.resident
    single = median(wave.seconds for wave in each)
    return (
        Figure("webhook to message at idle", single, "two vendor answers", 2 * LATENCY, "s", at_most=1, absolute=True),
        Figure(f"{FEW} builds x {CHANNELS} channels: last message", few.seconds, PERMITTED, few.permitted, "s", at_most=1.1),
        Figure(f"{MANY:,} builds x {CHANNELS} channels: last message", many.seconds, PERMITTED, many.permitted, "s", at_most=1.1),
        Figure("memory after both", after, "after the first", before, "MiB", at_most=1.1),
    )


def _channels(world: World, name: str, number: int) -> list[Channel]:
    return [world.slack.workspace.add_channel(f"{name}-{place}") for place in range(number)]


async def _subscribe(world: World, wanted: Sequence[tuple[AppleApp, Channel]]) -> None:
    """Each channel to new builds of the app's product."""

    def work(repositories: Repositories) -> None:
        for number, (app, channel) in enumerate(wanted):
            product = repositories.catalogue.product_of(APPLE, app.id)
            if product is None:
                raise BenchFailed(f"{app.name} is not known")
            kinds = frozenset({EventKind.NEW_BUILDS})
            subscription = Subscription(f"bench-{number}", channel.id, kinds, world.town.ada.id, utc_now(), product_id=product.id)
            repositories.subscriptions.add(subscription)

    async with _database(world) as database:
        await database.write(work)


@dataclass(frozen=True, slots=True)
class _Wave:
    """Seconds until the last message, and how many its messages take at Slack's pace: both in one channel and in all of them."""

    seconds: float
    permitted: float


class _Desk:
    """Uploads builds, calls the webhook and sees what Slack gets."""

    def __init__(self, world: World, http: httpx.AsyncClient, database: Database) -> None:
        self._world = world
        self._http = http
        self._database = database
        self._numbers = count(1_000)
        self._told = 0

    async def told(self, apps: Sequence[AppleApp], channels: Sequence[Channel], pause: float = 0) -> _Wave:
        """One new build of each of `apps`, all at once, after `pause` seconds. Raises BenchFailed when not every channel hears of
        every one."""
        await asyncio.sleep(pause)
        apple, ids = self._world.apple, {channel.id for channel in channels}
        for app in apps:
            number = next(self._numbers)
            apple.upload(app, f"9.{number}.0", str(number))
        since, started = self._world.slack.mark, time.time()
        await self._call()
        self._told += len(apps) * len(channels)
        await self._all_sent()
        seen = [happening.thing for happening in self._world.slack.workspace.happenings[since:] if happening.what is What.POSTED]
        messages = [message for message in seen if isinstance(message, Message) and message.channel in ids]
        busiest = max(Counter(message.channel for message in messages).values())
        seconds = max(float(message.ts) for message in messages) - started
        return _Wave(seconds, max(busiest * PACE, len(messages) / OF_WORKSPACE))

    async def _call(self) -> None:
        webhook = self._world.apple.webhook(SECRET)
        url = f"{self._world.public_url}/webhooks/{APPLE}"
        try:
            (await self._http.post(url, content=webhook.body, headers=webhook.headers)).raise_for_status()
        except httpx.HTTPError as error:
            raise BenchFailed(f"the webhook was not taken: {error!r}") from error

    async def _all_sent(self) -> None:
        deadline = time.perf_counter() + PATIENCE
        while time.perf_counter() < deadline:
            counts = await self._database.read(lambda repositories: repositories.outbox.counts())
            if counts[DeliveryState.SENT] >= self._told:
                return
            await asyncio.sleep(LOOK_EVERY)
        raise BenchFailed(f"not everything was told: {dict(counts)}")


@asynccontextmanager
async def _desk(world: World) -> AsyncIterator[_Desk]:
    async with httpx.AsyncClient(trust_env=False, timeout=CALL_SECONDS) as http, _database(world) as database:
        yield _Desk(world, http, database)


@asynccontextmanager
async def _database(world: World) -> AsyncIterator[Database]:
    database = Database(world.database_url)
    try:
        yield database
    finally:
        await database.aclose()
