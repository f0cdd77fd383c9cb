"""`purser doctor`: checks everything that can be wrong and says how to mend it."""

import asyncio
import os
from collections.abc import Callable, Container, Coroutine, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import aiohttp
import httpx
from rich.console import Console
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import ProviderError, StoreUnavailable, UserMistake
from bot.domain.model import AccountHealth
from bot.domain.ports import Probes, Provider
from bot.environment import Environment
from bot.manifest import scopes
from bot.mending import database_remedy
from bot.remedies import UNLISTED, problem, remedy
from bot.report import Row, print_rows
from bot.store import Database
from bot.store.connect import parse_url
from bot.store.migrate import current_matches_head
from bot.workshop import Configured, Workshop, connect_providers, utc_now
from handlers.messenger import error_code, web_client

BOUND = 10.0  # seconds that one check may take; all run at once
SKEW = timedelta(minutes=1)  # Slack refuses requests that look 5 minutes old, Apple tokens that look issued in the future
SECRET_LENGTH = 32  # of every signing secret that Slack has given out so far


class Mark(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


STYLES = {Mark.OK: "green", Mark.WARNING: "yellow", Mark.FAILED: "red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """`mend` says what to do; empty when there is nothing to do."""

    what: str
    mark: Mark
    says: str
    mend: str = ""


Findings = list[Finding]
Check = Coroutine[Any, Any, Findings]


@dataclass
class Clocks:
    """How far the clocks of others are from ours, by their names."""

    ours: Callable[[], datetime]
    apart: dict[str, timedelta] = field(default_factory=dict)

    def note(self, whose: str, theirs: datetime | None) -> None:
        if theirs is not None:
            self.apart[whose] = abs(self.ours() - theirs)

    def findings(self) -> Findings:
        wrong = {whose: apart for whose, apart in sorted(self.apart.items()) if apart > SKEW}
        if wrong:
            says = ", ".join(f"{apart.total_seconds():.0f} s from that of {whose}" for whose, apart in wrong.items())
            return [Finding("clock", Mark.FAILED, says, "let NTP set this machine's clock")]
        return [Finding("clock", Mark.OK, f"agrees with {', '.join(sorted(self.apart))}")] if self.apart else []


async def examine(
    settings: Configured,
    console: Console | None = None,
    clock: Callable[[], datetime] = utc_now,
    bound: float = BOUND,
) -> bool:
    """Prints the report. False when something failed. No check takes longer than `bound` seconds."""
    clocks = Clocks(clock)
    providers = connect_providers(settings, clock)
    checks: list[tuple[str, Check]] = [
        ("Slack", _slack(settings, clocks)),
        ("database", _database(settings.environment.database_url)),
        ("PUBLIC_URL", _public_url(settings.environment)),
        ("polls", _polls(settings.environment.database_url, frozenset(providers), clock())),
        ("products", _products(settings)),
        *((name, _account(name, provider, clocks)) for name, provider in providers.items()),
    ]
    with Console(stderr=True).status("Checking"):
        results = await asyncio.gather(*(_bounded(what, check, bound) for what, check in checks))
    await asyncio.gather(*(provider.aclose() for provider in providers.values()))
    findings = [finding for result in results for finding in result]
    if not providers:
        findings.append(Finding("accounts", Mark.FAILED, "there are none", f"add [[accounts]] to {settings.config_file.name}"))
    findings += [*_owners(settings), *clocks.findings()]
    print_rows(console or Console(), [_row(finding) for finding in findings])
    return all(finding.mark is not Mark.FAILED for finding in findings)


def _row(finding: Finding) -> Row:
    return Row(finding.what, finding.says, finding.mend, finding.mark, STYLES[finding.mark])


async def _bounded(what: str, check: Check, bound: float) -> Findings:
    try:
        async with asyncio.timeout(bound):
            return await check
    except TimeoutError:
        return [Finding(what, Mark.FAILED, f"no answer within {bound:g} s", "check its address and the network")]


# --- Slack ------------------------------------------------------------------------------------


async def _slack(settings: Configured, clocks: Clocks) -> Findings:
    environment = settings.environment
    if environment.slack_bot_token is None:
        mend = "create the app from what `purser manifest` prints, install it, and copy its token"
        return [Finding("Slack token", Mark.FAILED, "SLACK_BOT_TOKEN is not set", mend)]
    client = web_client(environment.slack_bot_token.get_secret_value(), environment.slack_api_url)
    try:
        answer = await client.auth_test()
    except (SlackApiError, aiohttp.ClientError) as error:
        return [_refused("Slack token", error, "copy the bot's token anew from OAuth & Permissions")]
    headers = {name.lower(): value for name, value in answer.headers.items()}
    clocks.note("Slack", _date(headers.get("date", "")))
    token = Finding("Slack token", Mark.OK, f"{answer['team']} as @{answer['user']}")
    return [token, _scopes(headers.get("x-oauth-scopes", "")), await _delivery(environment, client)]


def _refused(what: str, error: SlackApiError | aiohttp.ClientError, mend: str) -> Finding:
    """Slack's own error code, or that nobody who speaks like Slack answers."""
    if isinstance(error, SlackApiError) and (code := error_code(error)):
        return Finding(what, Mark.FAILED, f"Slack refuses it ({code})", mend)
    return Finding(what, Mark.FAILED, "Slack does not answer", "check SLACK_API_URL, the network and https://slack-status.com")


def _scopes(granted: str) -> Finding:
    missing = sorted(set(scopes()) - {scope.strip() for scope in granted.split(",")})
    if missing:
        mend = "put what `purser manifest` prints into the app's settings, and install it again"
        return Finding("Slack scopes", Mark.FAILED, f"missing: {', '.join(missing)}", mend)
    return Finding("Slack scopes", Mark.OK, f"all {len(scopes())} are there")


async def _delivery(environment: Environment, client: AsyncWebClient) -> Finding:
    """How Slack's requests reach us: over a WebSocket, or signed."""
    if environment.slack_app_token is not None:
        try:
            await client.apps_connections_open(app_token=environment.slack_app_token.get_secret_value())
        except (SlackApiError, aiohttp.ClientError) as error:
            mend = "make an app-level token with connections:write under Basic Information, and turn Socket Mode on"
            return _refused("Socket Mode", error, mend)
        return Finding("Socket Mode", Mark.OK, "connects")
    secret = environment.slack_signing_secret
    if secret is None:
        mend = "copy it from Basic Information > App Credentials, or set SLACK_APP_TOKEN for Socket Mode"
        return Finding("signing secret", Mark.FAILED, "SLACK_SIGNING_SECRET is not set", mend)
    if len(secret.get_secret_value()) != SECRET_LENGTH:
        mend = "compare it with Basic Information > App Credentials"
        return Finding("signing secret", Mark.WARNING, f"is not {SECRET_LENGTH} characters long, as Slack's are", mend)
    return Finding("signing secret", Mark.OK, "is set")


def _date(header: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


# --- Where Purser lives -----------------------------------------------------------------------


async def _database(url: str) -> Findings:
    try:
        current = await asyncio.to_thread(current_matches_head, url)
        path = _file(url)
    except StoreUnavailable as error:
        return [Finding("database", Mark.FAILED, str(error), database_remedy(error))]
    except UserMistake as error:
        return [Finding("database", Mark.FAILED, str(error))]
    if path:
        return [_database_file(path, current)]
    if not current:
        return [Finding("database", Mark.FAILED, "its tables are not those of this version", "run `purser migrate`")]
    return [Finding("database", Mark.OK, "PostgreSQL")]


def _file(url: str) -> Path | None:
    parsed = parse_url(url)
    return Path(parsed.database or "").absolute() if parsed.drivername == "sqlite" else None


def _database_file(path: Path, current: bool) -> Finding:
    """Nothing is written: a doctor who makes a folder changes what is looked at."""
    folder = next(parent for parent in path.parents if parent.exists())
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        return Finding("database", Mark.FAILED, "its folder cannot be written to", database_remedy(StoreUnavailable("folder")))
    if not path.exists():
        return Finding("database", Mark.OK, "SQLite; made at the first start")
    if not os.access(path, os.W_OK):
        return Finding("database", Mark.FAILED, "its file is read-only", database_remedy(StoreUnavailable("readonly")))
    return Finding("database", Mark.OK, "SQLite" if current else "SQLite; brought up to date at the next start")


async def _products(settings: Configured) -> Findings:
    """Says nothing about what was never read, nor about a database that fails: that is a finding of its own."""
    url = settings.environment.database_url
    try:
        if not settings.products or not await asyncio.to_thread(current_matches_head, url):
            return []
        async with Workshop(settings) as workshop:
            unlisted = await workshop.unlisted()
    except (StoreUnavailable, UserMistake):
        return []
    return [
        Finding(f"product {name}", Mark.WARNING, f"no account lists {', '.join(apps)}", UNLISTED)
        for name, apps in unlisted.items()
    ]


async def _public_url(environment: Environment) -> Findings:
    url = environment.public_url
    if url is None:
        mend = "set it to the https address by which people reach Purser: without it, files that need a token have no link"
        return [Finding("PUBLIC_URL", Mark.WARNING, "is not set", mend)]
    reached = await _reached(url, environment)
    if url.startswith("http://"):
        mend = "give Purser an https address: iOS installs only from https, and others on the way can read links"
        return [reached, Finding("https", Mark.WARNING, "PUBLIC_URL begins with http://", mend)]
    return [reached]


async def _reached(url: str, environment: Environment) -> Finding:
    async with httpx.AsyncClient(timeout=BOUND / 3) as client:
        answer = await _ask(client, url)
        if answer is None:
            return await _nobody_there(client, environment)
    if not _is_ours(answer):
        says = f"somebody else answers there ({answer.status_code})"
        return Finding("PUBLIC_URL", Mark.FAILED, says, "let the proxy pass every path on to HOST and PORT of Purser")
    return Finding("PUBLIC_URL", Mark.OK, "answers")


async def _nobody_there(client: httpx.AsyncClient, environment: Environment) -> Finding:
    """A failure while Purser runs here; before its first start nobody can tell."""
    local = await _ask(client, f"http://{_local_host(environment.host)}:{environment.port}")
    if local is not None and _is_ours(local):
        mend = "let its DNS entry and its proxy lead to HOST and PORT of Purser, and its certificate be valid"
        return Finding("PUBLIC_URL", Mark.FAILED, "does not answer, though Purser runs here", mend)
    return Finding("PUBLIC_URL", Mark.WARNING, "does not answer; Purser does not run here", "start Purser, then look again")


async def _ask(client: httpx.AsyncClient, url: str) -> httpx.Response | None:
    try:
        return await client.get(f"{url}/healthz")
    except (httpx.HTTPError, httpx.InvalidURL):
        return None


def _is_ours(answer: httpx.Response) -> bool:
    return answer.status_code == 200 and answer.text == "ok\n" and "x-request-id" in answer.headers


def _local_host(host: str) -> str:
    """Where to knock when the server listens on `host`."""
    everywhere: Mapping[str, str] = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared with, not bound to
    return everywhere.get(host, f"[{host}]" if ":" in host else host)


def _owners(settings: Configured) -> Findings:
    """Without them, nobody hears that a key was refused."""
    if settings.purser.owners:
        return []
    mend = f"add the member IDs of those who look after Purser to [purser] in {settings.config_file.name}"
    return [Finding("owners", Mark.WARNING, "there are none: nobody is told when an account fails", mend)]


# --- Accounts ---------------------------------------------------------------------------------


async def _polls(url: str, names: Container[str], now: datetime) -> Findings:
    """Accounts of which the running bot has had no answer lately. What hinders the look is the database's own finding."""
    try:
        path = _file(url)
        if (path and not path.exists()) or not await asyncio.to_thread(current_matches_head, url):
            return []
        async with aclosing(Database(url)) as store:
            known = await store.read(lambda r: r.catalogue.health())
    except (StoreUnavailable, UserMistake):
        return []
    return [_poll(health, health.failing_since, now) for health in known if health.name in names and health.failing_since]


def _poll(health: AccountHealth, since: datetime, now: datetime) -> Finding:
    times = "once" if health.failures == 1 else f"{health.failures} times in a row"
    last = f", last tried {_minute(health.checked_at)}" if health.checked_at else ""
    pause = f", next try {_minute(health.next_at)}" if health.next_at and health.next_at > now else ""
    says = f"down since {_minute(since)} ({health.reason}), {times}{last}{pause}"
    return Finding(
        f"polls of {health.name}", Mark.WARNING, says, "when the account is fine below, `purser sync` reads it at once"
    )


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


async def _account(name: str, provider: Provider, clocks: Clocks) -> Findings:
    if not isinstance(provider, Probes):
        return []
    try:
        result = await provider.probe()
    except ProviderError as error:
        return [Finding(name, Mark.FAILED, problem(error), remedy(error))]
    clocks.note(name, result.server_time)
    if result.missing:
        says = f"{result.summary}; not there: {', '.join(result.missing)}"
        return [Finding(name, Mark.WARNING, says, "correct `apps` of this account: the ids are those of the vendor's own pages")]
    return [Finding(name, Mark.OK, result.summary)]
