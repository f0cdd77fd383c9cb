"""The composition root: the only file that sees every room."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Flag, auto
from functools import partial
from secrets import token_hex
from typing import Any

import aiohttp
import structlog
from prometheus_client import CollectorRegistry
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette

from bot.domain.errors import PurserError, StoreUnavailable
from bot.domain.ports import ChecksAgreements, ListsExpiries, Provider
from bot.jobs.clock import (
    DELIVER_EVERY,
    EXPIRIES_EVERY,
    EXPIRIES_TOLD_EVERY,
    PURGE_EVERY,
    REDRAW_EVERY,
    REMIND_EVERY,
    Ticker,
)
from bot.jobs.inprocess import InProcessJobs
from bot.jobs.tasks import RunsJobs, task_table
from bot.metrics import Gauges, Metrics
from bot.services.access import Access
from bot.services.agreements import AgreementWatch
from bot.services.alerts import AlertDelivery
from bot.services.audit import AuditLog
from bot.services.catalog import Catalog
from bot.services.diff import DiffDesk
from bot.services.door import Doorkeeper
from bot.services.expiries import Almanac, ExpiryWatch
from bot.services.home import HomeDesk
from bot.services.incidents import IncidentCards, Incidents
from bot.services.links import Links
from bot.services.mentions import Mentions
from bot.services.phone import PhoneSender
from bot.services.reading import Account, Reader
from bot.services.refresh import Refresher
from bot.services.revoking import RevokingDesk
from bot.services.status import StatusDesk
from bot.services.subscriptions import SubscriptionDesk
from bot.services.sync import Sync
from bot.services.waiting import WaitingList, WaitingRoom
from bot.services.why import WhyDesk
from bot.store import Database
from bot.store.migrate import current_matches_head
from bot.views import alerts
from bot.views.bundle import bundle
from bot.views.help import Commands
from bot.views.versions import NO_ACCOUNTS
from bot.web.app import build_operations, build_web
from bot.web.health import Check
from bot.web.slack import SlackRequests
from bot.workshop import (
    Configured,
    Specs,
    addresses_of,
    connect_providers,
    new_sync,
    register_accounts,
    rules_of,
    utc_now,
)
from handlers import routes
from handlers.desk import Desk
from handlers.edge import Edge
from handlers.messenger import TOKEN_REFUSED, SlackMessenger, error_code, web_client
from handlers.people import SlackGroups, SlackPeople, SlackRooms, SlackSharedChannels
from handlers.socket_mode import staying_connected
from providers import SPECS

AT_THE_DOOR = timedelta(minutes=1)

log = structlog.get_logger()


class Part(Flag):
    """What a process does. `purser run` does everything."""

    WEB = auto()
    WORKER = auto()
    CLOCK = auto()
    EVERYTHING = WEB | WORKER | CLOCK


@dataclass
class Purser:
    """Everything wired. `web` is the ASGI app; its lifespan starts and stops the rest."""

    settings: Configured
    store: Database
    providers: Mapping[str, Provider]
    sync: Sync
    agreements: AgreementWatch
    incidents: Incidents
    expiries: ExpiryWatch
    alerts: AlertDelivery
    jobs: RunsJobs
    slack: AsyncWebClient
    web: Starlette
    parts: Part
    edge: Edge
    bolt: AsyncApp
    socket: AsyncBaseSocketModeClient | None = None

    async def prepare(self) -> None:
        """Finds out at once what would make everything else useless. Raises StoreUnavailable, and PurserError when Slack
        refuses a token; a Slack that does not answer is no reason not to start."""
        if not self.settings.accounts:
            log.warning(NO_ACCOUNTS)
        await self.store.write(partial(register_accounts, accounts=self.settings.accounts))
        await self.jobs.check()
        await _accepted(self.slack.auth_test(), "SLACK_BOT_TOKEN", "copy it anew from OAuth & Permissions")
        app_token = self.settings.environment.slack_app_token
        if app_token is not None and Part.WEB in self.parts:
            opening = self.slack.apps_connections_open(app_token=app_token.get_secret_value())
            mend = "make an app-level token with connections:write under Basic Information, and turn Socket Mode on"
            await _accepted(opening, "SLACK_APP_TOKEN", mend)

    async def hears_slack(self) -> bool:
        """Whether the socket is open over which Slack reaches this process."""
        return self.socket is not None and await self.socket.is_connected()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Background work and connections, for as long as the block lasts."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.store.aclose)
            for provider in self.providers.values():
                stack.push_async_callback(provider.aclose)
            await stack.enter_async_context(self._slack_session())
            await stack.enter_async_context(self.jobs.running(works=Part.WORKER in self.parts))
            stack.push_async_callback(self.edge.aclose)
            if self.jobs.alone:
                await self.alerts.resume(older_than=timedelta(0))
            ticker = self._ticker()
            ticker.start()
            stack.callback(ticker.stop)
            if Part.WEB in self.parts:
                await stack.enter_async_context(self._socket_mode())
            _spare_the_collector()
            yield

    def _ticker(self) -> Ticker:
        ticker = Ticker(self.jobs)
        table = self.settings.purser
        if Part.CLOCK in self.parts:
            ticker.every(table.poll_every, "poll", self.providers)
            ticker.every(PURGE_EVERY, "purge")
            ticker.every(REMIND_EVERY, "remind")
            ticker.every(REDRAW_EVERY, "redraw")
            with_agreements = [name for name, p in self.providers.items() if isinstance(p, ChecksAgreements)]
            ticker.every(table.agreements_every, "probe", with_agreements)
            ticker.every(EXPIRIES_EVERY, "expiries", [name for name, p in self.providers.items() if isinstance(p, ListsExpiries)])
            ticker.every(EXPIRIES_TOLD_EVERY, "expiries-told", at_once=False)
        if Part.WORKER in self.parts:
            ticker.every(DELIVER_EVERY, "deliver")
            ticker.every(table.takeover_after / 2, "resume", at_once=False)
        return ticker

    @asynccontextmanager
    async def _slack_session(self) -> AsyncIterator[None]:
        """One connection pool for all calls to Slack, instead of a new connection for each."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            self.slack.session = session
            yield
            self.slack.session = None

    @asynccontextmanager
    async def _socket_mode(self) -> AsyncIterator[None]:
        token = self.settings.environment.slack_app_token
        if token is None:
            yield
            return
        logger = logging.getLogger("purser.socket")
        logger.setLevel(logging.CRITICAL)  # its texts may hold the socket's address, which is a key
        handler = AsyncSocketModeHandler(self.bolt, token.get_secret_value(), logger=logger, web_client=self.slack)

        async def handle(_: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
            structlog.contextvars.bind_contextvars(request_id=token_hex(6))
            await handler.handle(handler.client, request)

        handler.client.socket_mode_request_listeners = [handle]
        self.socket = handler.client
        async with staying_connected(handler.client):
            yield


def build(
    settings: Configured, parts: Part = Part.EVERYTHING, clock: Callable[[], datetime] = utc_now, specs: Specs = SPECS
) -> Purser:
    """Wires the rooms together. Opens no connection yet. Raises ConfigurationError when Slack's tokens are missing."""
    settings.require_slack()
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    store = Database(settings.environment.database_url)
    providers = connect_providers(
        settings, clock, specs, lambda o: metrics.vendor_called(o.account, o.operation, o.reason, o.seconds)
    )
    slack = web_client(_secret(settings.environment.slack_bot_token), settings.environment.slack_api_url)
    jobs = _jobs(settings.environment.database_url, settings.purser.takeover_after)
    titles = {account.name: specs[account.provider].title for account in settings.accounts}
    sync = new_sync(settings, store, providers, jobs, clock)
    apart = min(settings.purser.agreements_every / 2, timedelta(minutes=1))
    access = Access(
        SlackPeople(slack, clock),
        rules_of(settings),
        SlackGroups(slack, clock),
        SlackRooms(slack, clock),
        SlackSharedChannels(slack, clock),
    )
    almanac = Almanac(providers, settings.dates)
    expiries = ExpiryWatch(store, providers, almanac, access, jobs, clock, settings.purser.owners)
    agreements = AgreementWatch(store, providers, jobs, clock, apart, settings.purser.agreements_every)
    delivery = _delivery(settings, store, slack, access, titles, clock)
    audit = AuditLog(store, clock)
    incidents = Incidents(store, agreements, jobs, clock)
    cards = IncidentCards(store, SlackMessenger(slack), alerts.card, titles, clock)
    jobs.use(
        task_table(sync, agreements, expiries, incidents, cards, delivery, lambda: audit.forget(settings.purser.audit_retention))
    )
    links = _links(settings, store, providers, titles, clock, _doorkeeper(settings, slack, clock))
    reader = Reader(_accounts(settings, specs), clock, settings.purser.poll_every * 2)
    catalog = Catalog(store, reader, access)
    status = StatusDesk(store, providers, titles, almanac, access, clock)
    desk = Desk(
        catalog=catalog,
        refresher=Refresher(store, jobs, clock),
        links=links,
        subscriptions=SubscriptionDesk(store, catalog, access, clock),
        status=status,
        incidents=incidents,
        waiting=WaitingRoom(store, clock),
        phone=PhoneSender(store, SlackMessenger(slack), clock),
        revoking=RevokingDesk(store, catalog, access, clock),
        audit=audit,
        why=WhyDesk(store, catalog, access),
        diff=DiffDesk(store, reader, catalog, access),
        home=HomeDesk(store, catalog, status, access),
        mentions=Mentions(store, reader, access),
        access=access,
        commands=Commands(**settings.purser.commands.model_dump()),
        clock=clock,
    )
    bolt = _bolt(settings, slack)
    edge = Edge(bolt, routes(desk), access, metrics.answered, frames_are_short=settings.socket_mode)
    purser = Purser(
        settings, store, providers, sync, agreements, incidents, expiries, delivery, jobs, slack, Starlette(), parts, edge, bolt
    )
    purser.web = _web(purser, links, registry, clock)
    return purser


def _delivery(
    settings: Configured,
    store: Database,
    slack: AsyncWebClient,
    access: Access,
    titles: Mapping[str, str],
    clock: Callable[[], datetime],
) -> AlertDelivery:
    return AlertDelivery(
        store,
        SlackMessenger(slack),
        alerts.card,
        alerts.line,
        titles,
        clock,
        lease=settings.purser.takeover_after,
        render_list=bundle,
        rules=rules_of(settings),
        may_hear=WaitingList(access).may_hear,
        is_shared=access.is_shared,
    )


def _web(purser: Purser, links: Links, registry: CollectorRegistry, clock: Callable[[], datetime]) -> Starlette:
    """All that is answered over HTTP, or, where another process does that, health and metrics."""
    settings, jobs = purser.settings, purser.jobs
    checks = _checks(settings, purser.store, purser.slack, purser.hears_slack)
    refresh = Gauges(registry, purser.store, jobs.depth, clock).refresh
    if Part.WEB not in purser.parts:
        return build_operations(
            jobs=jobs, checks=checks, registry=registry, refresh_metrics=refresh, lifespan=lambda _: purser.running()
        )
    return build_web(
        links=links,
        providers=purser.providers,
        jobs=jobs,
        checks=checks,
        registry=registry,
        refresh_metrics=refresh,
        clock=clock,
        public_url=settings.environment.public_url,
        slack=None if settings.socket_mode else _slack_requests(settings, purser.bolt),
        lifespan=lambda _: purser.running(),
    )


def _jobs(database_url: str, takeover: timedelta) -> RunsJobs:
    """PostgreSQL carries the background work of any number of processes; an SQLite file belongs to this one."""
    if database_url.startswith("sqlite"):
        return InProcessJobs()
    from bot.jobs.queue import QueuedJobs  # needs the postgres extra

    return QueuedJobs(database_url, takeover)


def _links(
    settings: Configured,
    store: Database,
    providers: Mapping[str, Provider],
    titles: Mapping[str, str],
    clock: Callable[[], datetime],
    door: Doorkeeper,
) -> Links:
    environment = settings.environment
    return Links(
        store,
        providers,
        clock,
        keys=[key.get_secret_value() for key in environment.secret_key],
        public_url=environment.public_url,
        titles=titles,
        homes={account.name: addresses_of(account) for account in settings.accounts},
        door=door,
        openings=settings.purser.link_openings,
        per_hour=settings.purser.downloads_per_hour,
    )


def _doorkeeper(settings: Configured, slack: AsyncWebClient, clock: Callable[[], datetime]) -> Doorkeeper:
    """With a memory of its own, shorter than a link's life: what changed since the click must show."""
    people, groups = SlackPeople(slack, clock, AT_THE_DOOR), SlackGroups(slack, clock, AT_THE_DOOR)
    return Doorkeeper(Access(people, rules_of(settings), groups, SlackRooms(slack, clock)), clock)


def _bolt(settings: Configured, slack: AsyncWebClient) -> AsyncApp:
    logger = logging.getLogger("purser.bolt")
    logger.setLevel(logging.ERROR)  # it warns that it found SLACK_BOT_TOKEN in the environment by itself
    return AsyncApp(
        name="purser",  # without one, Bolt looks through the sources of the whole call stack for it, which takes 100 ms
        client=slack,
        logger=logger,
        signing_secret=_secret(settings.environment.slack_signing_secret),
        process_before_response=True,
        request_verification_enabled=False,  # bot/web/slack.py has looked at the signature before; a socket has none
    )


def _slack_requests(settings: Configured, bolt: AsyncApp) -> SlackRequests:
    return SlackRequests(_secret(settings.environment.slack_signing_secret), utc_now, AsyncSlackRequestHandler(bolt).handle)


def _accounts(settings: Configured, specs: Specs) -> list[Account]:
    return [Account(a.name, a.provider, specs[a.provider].title) for a in settings.accounts]


async def _accepted(call: Awaitable[object], token: str, mend: str) -> None:
    """Raises PurserError when Slack refuses the token."""
    try:
        await call
    except SlackApiError as error:
        code = error_code(error) or "no answer"
        if code in TOKEN_REFUSED:
            raise PurserError(f"Slack refuses {token} ({code}); {mend}") from error
        log.warning("Slack did not answer at start", reason=code)
    except (aiohttp.ClientError, TimeoutError):
        log.warning("Slack did not answer at start", reason="unreachable")


def _checks(
    settings: Configured, store: Database, slack: AsyncWebClient, hears_slack: Callable[[], Awaitable[bool]]
) -> Mapping[str, Check]:
    """What /readyz asks."""

    async def database() -> str | None:
        try:
            await store.read(lambda r: r.catalogue.revision())
            current = await asyncio.to_thread(current_matches_head, settings.environment.database_url)
        except StoreUnavailable:
            return "unreachable"
        return None if current else "not_migrated"

    async def slack_answers() -> str | None:
        try:
            await slack.auth_test()
        except SlackApiError as error:
            return error_code(error) or "no_answer"
        except (aiohttp.ClientError, TimeoutError):
            return "unreachable"
        return None

    async def socket() -> str | None:
        return None if await hears_slack() else "not_open"

    always = {"database": database, "slack": slack_answers}
    return {**always, "socket": socket} if settings.socket_mode else always


def _spare_the_collector() -> None:
    """What start-up made stays: looking through it again and again costs a tenth of the rate at which answers leave."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 5, 5)


def _secret(secret: Any) -> str:
    return secret.get_secret_value() if secret else ""
