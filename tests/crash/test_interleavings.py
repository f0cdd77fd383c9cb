"""Whatever order polls, webhooks, redeliveries, deliveries and Slack's answers come in: the card says what the vendor says."""

import asyncio
from collections.abc import AsyncIterator, Callable, Container, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

import aiohttp
import pytest

from bot.domain.model import App, Build, BuildState, DeliveryState, EventKind, Subscription
from bot.domain.ports import Repositories
from bot.jobs.inprocess import InProcessJobs
from bot.manifest import scopes
from bot.sandbox.slack import Message, PretendSlack
from bot.sandbox.slack.workspace import Channel
from bot.services.alerts import AlertDelivery
from bot.services.sync import Sync
from bot.store import Database
from bot.views import alerts
from bot.views.bundle import bundle
from bot.views.text import STATES
from handlers.messenger import SlackMessenger, web_client

from ..services.conftest import NOON, Deferred, StoppedClock, make_build
from ..services.scene import set_scene
from ..store.migrated import migrated_file
from .chaos import KILLS, SEED

ACCOUNT = "acme-apple"
SHOP = App(ACCOUNT, "1", "Shop", "com.acme.shop")
EXAMPLES = range(KILLS)
STEPS = 40
FEW = 3  # examples on PostgreSQL, of which each needs a database of its own
MOST_BUILDS = 8  # more than five within a minute become a list
STATES_SEEN = (BuildState.READY, BuildState.IN_REVIEW, BuildState.APPROVED, BuildState.REJECTED, BuildState.EXPIRED)


class TickingClock(StoppedClock):
    """No two moments are the same."""

    def __call__(self) -> datetime:
        self.advance(microseconds=1)
        return self.now


@dataclass
class Vendor:
    """Answers late, and now and then with what was true a moment ago: several servers stand behind one address."""

    random: Random
    account: str = ACCOUNT
    provider: str = "app_store_connect"
    builds: dict[str, Build] = field(default_factory=dict)
    before: dict[str, Build] = field(default_factory=dict)
    is_behind: bool = True

    def change(self, build: Build) -> None:
        self.before = dict(self.builds)
        self.builds[build.id] = build

    async def list_apps(self) -> Sequence[App]:
        return (SHOP,)

    async def list_builds(self, apps: Sequence[App], known: Container[str] = ()) -> Sequence[Build]:
        stale = self.is_behind and self.random.random() < 0.3
        answer = tuple((self.before if stale else self.builds).values())
        await asyncio.sleep(self.random.uniform(0, 0.005))
        return answer

    async def aclose(self) -> None: ...


@dataclass
class Life:
    """One random life of some builds; every step is an event that the outside may bring at any time."""

    random: Random
    vendor: Vendor
    jobs: InProcessJobs
    delivery: AlertDelivery
    slack: PretendSlack
    clock: TickingClock
    builds: int

    async def step(self) -> None:
        happens = self.random.choice((self.change, self.change, self.poll, self.webhook, self.deliver, self.trouble, self.time))
        await happens()
        await asyncio.sleep(self.random.choice((0, 0, 0.001, 0.01)))

    async def change(self) -> None:
        id = f"88{self.random.randrange(self.builds)}"
        old = self.vendor.builds.get(id)
        if old is None:
            self.vendor.change(make_build(SHOP, id, version=f"3.{id}.0", state=BuildState.PROCESSING, uploaded_at=self.clock()))
        else:
            self.vendor.change(replace(old, state=self.random.choice(STATES_SEEN)))

    async def poll(self) -> None:
        await self.jobs.defer("poll", ACCOUNT)

    async def webhook(self) -> None:
        for _ in range(self.random.choice((1, 1, 2))):  # vendors deliver again what they think was lost
            await self.jobs.defer("sync", ACCOUNT)

    async def deliver(self) -> None:
        await self.jobs.defer("deliver")

    async def trouble(self) -> None:
        faults, method = self.slack.api.faults, self.random.choice(("chat.postMessage", "chat.update", "conversations.history"))
        self.random.choice((faults.rate_limit, faults.lose_answer, faults.break_down))(method)

    async def time(self) -> None:
        self.clock.advance(seconds=self.random.choice((1, 7, 40)))


@pytest.fixture
def clock() -> TickingClock:
    return TickingClock()


@pytest.fixture
async def slack(clock: TickingClock) -> AsyncIterator[PretendSlack]:
    async with PretendSlack(lambda: clock().timestamp()) as slack:
        slack.api.scopes = set(scopes())
        yield slack


@pytest.mark.timeout(60 + 3 * KILLS)
@pytest.mark.parametrize("seed", [SEED], ids=lambda seed: f"PURSER_SEED={seed}")
@pytest.mark.parametrize("database", ["SQLite", "PostgreSQL"])
async def test_the_final_card_is_the_vendors(
    slack: PretendSlack, clock: TickingClock, tmp_path: Path, request: pytest.FixtureRequest, database: str, seed: int
) -> None:
    """On PostgreSQL, a check and a delivery are transactions of two connections at once."""
    is_file = database == "SQLite"
    for example in EXAMPLES if is_file else EXAMPLES[:FEW]:
        channel = slack.workspace.add_channel(f"example-{example}")
        url = migrated_file(tmp_path / f"{example}.db") if is_file else request.getfixturevalue("another_postgres")()
        wrong = await lived(slack, channel, clock, url, Random(f"{seed}/{example}"))
        assert wrong == [], f"example {example}"
    assert slack.violations == []


class SlowSync(Sync):
    """Holds its transaction open after everything was written, as the commit of a large reading does."""

    written: Event
    go_on: Event

    def _record(self, repositories: Repositories, found: Any) -> int:
        news = super()._record(repositories, found)
        self.written.set()
        self.go_on.wait(10)
        return news


async def test_what_is_drawn_while_a_check_commits_is_what_it_commits(
    slack: PretendSlack, clock: TickingClock, another_postgres: Callable[[], str]
) -> None:
    store = Database(another_postgres())
    scene = await set_scene(slack, store, clock)
    await scene.subscribe(scene.channel())
    build = scene.upload("501")
    await scene.check()
    scene.change(build, state=BuildState.EXPIRED)
    sync = SlowSync(store, {ACCOUNT: scene.apple}, (), Deferred(), clock)
    sync.written, sync.go_on = Event(), Event()
    checking = asyncio.create_task(sync.account(ACCOUNT))
    await asyncio.to_thread(sync.written.wait, 10)
    await scene.deliver()
    sync.go_on.set()
    await checking
    clock.advance(seconds=5)
    await scene.deliver()
    (card,) = scene.said(scene.channel())
    assert "expired" in card.text_content
    await store.aclose()


async def lived(slack: PretendSlack, channel: Channel, clock: TickingClock, url: str, random: Random) -> list[str]:
    """What is wrong in the channel after one random life."""
    store, vendor = Database(url), Vendor(random)
    jobs, client = InProcessJobs(), web_client(slack.bot_token, slack.api_url)
    sync = Sync(store, {ACCOUNT: vendor}, (), jobs, clock)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as client.session:
        delivery = AlertDelivery(store, SlackMessenger(client), alerts.card, alerts.line, {}, clock, pace=0, render_list=bundle)
        jobs.use({"poll": sync.poll, "sync": sync.account, "deliver": lambda _: delivery.deliver_due()})
        await store.write(lambda r: r.catalogue.register_account(ACCOUNT, vendor.provider))
        await sync.account(ACCOUNT)
        subscription = Subscription("1", channel.id, frozenset({EventKind.NEW_BUILDS}), "U0ADA", NOON)
        await store.write(lambda r: r.subscriptions.add(subscription))
        life = Life(random, vendor, jobs, delivery, slack, clock, random.choice((3, MOST_BUILDS)))
        async with jobs.running(works=True):
            for _ in range(STEPS):
                await life.step()
        vendor.is_behind = False
        slack.api.faults.clear()
        async with jobs.running(works=True):  # nothing is on its way when time leaps
            await sync.account(ACCOUNT)
        await settled(delivery, store, clock)
    await store.aclose()
    return list(mistakes(channel, vendor))


async def settled(delivery: AlertDelivery, store: Database, clock: TickingClock) -> None:
    """The time that all deliveries need."""
    for _ in range(50):
        clock.advance(minutes=20)
        await delivery.resume()
        await delivery.deliver_due()
        counts = await store.read(lambda r: r.outbox.counts())
        if not counts[DeliveryState.PENDING] + counts[DeliveryState.SENDING]:
            return
    raise AssertionError(f"deliveries stay open: {counts}")


def mistakes(channel: Channel, vendor: Vendor) -> list[str]:
    found = []
    for build in vendor.builds.values():
        cards = [m for m in channel.messages if f"({build.number})" in m.text_content and m.thread_ts in (None, m.ts)]
        if len(cards) > 1 or (build.state.is_announceable and not cards):
            found.append(f"{build.number} has {len(cards)} cards")
        found += [f"{build.number} is {build.state}, its card says {c.text_content!r}" for c in cards if not says(c, build)]
    return found


def says(message: Message, build: Build) -> bool:
    """A list says it for each build in turn."""
    about = message.text_content.split(f"({build.number})", 1)[1].split("(88", 1)[0]
    return STATES[build.state] in about
