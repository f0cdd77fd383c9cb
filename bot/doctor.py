"""`purser doctor`: checks everything that can be wrong and says how to mend it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

import aiohttp
import httpx
from rich.console import Console
from rich.table import Table
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.app import Configured, Workshop, utc_now
from bot.domain.errors import (
    AgreementBlocked,
    Confused,
    NotFound,
    ProviderError,
    RateLimited,
    Refused,
    StoreUnavailable,
    Unreachable,
)
from bot.domain.ports import Probes, Provider
from bot.manifest import scopes
from bot.store.migrate import current_matches_head
from handlers.messenger import web_client

SKEW = timedelta(minutes=1)  # Slack refuses requests that look 5 minutes old, Apple tokens that look issued in the future


class Mark(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `mend` says what to do; empty when there is nothing to do."""

    what: str
    mark: Mark
    says: str
    mend: str = ""


async def examine(settings: Configured, console: Console | None = None) -> bool:
    """Prints the report. False when something failed."""
    console = console or Console()
    table = Table("check", "", "found", "what to do", box=None, pad_edge=False)
    sound = True
    async for finding in _findings(settings):
        colour = {Mark.OK: "green", Mark.WARNING: "yellow", Mark.FAILED: "red"}[finding.mark]
        table.add_row(finding.what, f"[{colour}]{finding.mark}[/]", finding.says, finding.mend)
        sound = sound and finding.mark is not Mark.FAILED
    console.print(table)
    return sound


async def _findings(settings: Configured) -> AsyncIterator[Finding]:
    for finding in await _slack(settings):
        yield finding
    yield await _database(settings)
    yield await _public_url(settings)
    if not settings.accounts:
        yield Finding("accounts", Mark.FAILED, "none configured", f"add [[accounts]] to {settings.config_file.name}")
    async with Workshop(settings) as workshop:
        probes = [_account(name, provider) for name, provider in workshop.providers.items()]
        for findings in await asyncio.gather(*probes):
            for finding in findings:
                yield finding


async def _slack(settings: Configured) -> list[Finding]:
    environment = settings.environment
    if environment.slack_bot_token is None:
        return [
            Finding(
                "Slack token",
                Mark.FAILED,
                "SLACK_BOT_TOKEN is not set",
                "create the app from `purser manifest`, install it, copy the token",
            )
        ]
    client = web_client(environment.slack_bot_token.get_secret_value(), environment.slack_api_url)
    try:
        answer = await client.auth_test()
    except SlackApiError as error:
        code = error.response.get("error", "no answer")
        return [Finding("Slack token", Mark.FAILED, f"Slack says {code}", "copy the bot token anew from OAuth & Permissions")]
    except (aiohttp.ClientError, TimeoutError):
        return [Finding("Slack token", Mark.FAILED, "Slack does not answer", "check SLACK_API_URL and the network")]
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return [
        Finding("Slack token", Mark.OK, f"{answer['team']} as @{answer['user']}"),
        _scopes(headers.get("x-oauth-scopes", "")),
        _skew("clock against Slack", _date(headers.get("date"))),
        await _signing(settings, client),
    ]


def _scopes(granted: str) -> Finding:
    missing = sorted(set(scopes()) - {scope.strip() for scope in granted.split(",")})
    if missing:
        return Finding(
            "Slack scopes",
            Mark.FAILED,
            f"missing: {', '.join(missing)}",
            "update the app from `purser manifest` and reinstall it",
        )
    return Finding("Slack scopes", Mark.OK, f"all {len(scopes())}")


async def _signing(settings: Configured, client: AsyncWebClient) -> Finding:
    environment = settings.environment
    if environment.slack_app_token is not None:
        try:
            await client.apps_connections_open(app_token=environment.slack_app_token.get_secret_value())
        except (SlackApiError, aiohttp.ClientError, TimeoutError):
            return Finding(
                "Socket Mode",
                Mark.FAILED,
                "Slack refuses SLACK_APP_TOKEN",
                "make one with connections:write under Basic Information",
            )
        return Finding("Socket Mode", Mark.OK, "connects")
    secret = environment.slack_signing_secret
    if secret is None:
        return Finding(
            "signing secret",
            Mark.FAILED,
            "SLACK_SIGNING_SECRET is not set",
            "copy it from Basic Information, or set SLACK_APP_TOKEN",
        )
    if len(secret.get_secret_value()) != 32:
        return Finding(
            "signing secret", Mark.WARNING, "is not 32 characters long", "compare it with Basic Information > App Credentials"
        )
    return Finding("signing secret", Mark.OK, "is set")


async def _database(settings: Configured) -> Finding:
    url = settings.environment.database_url
    kind = url.partition(":")[0]
    try:
        current = await asyncio.to_thread(current_matches_head, url)
    except StoreUnavailable as error:
        return Finding("database", Mark.FAILED, str(error), "check DATABASE_URL, and that the server or the folder is there")
    if not current and kind != "sqlite":
        return Finding("database", Mark.FAILED, "its tables are not up to date", "run `purser migrate`")
    return Finding("database", Mark.OK, kind if current else f"{kind}; is made at the first start")


async def _public_url(settings: Configured) -> Finding:
    url = settings.environment.public_url
    if url is None:
        return Finding(
            "PUBLIC_URL",
            Mark.WARNING,
            "is not set",
            "set it to the https address under which people reach Purser; without it Appcircle files have no link",
        )
    try:
        async with httpx.AsyncClient(timeout=5) as client:
            answer = await client.get(f"{url}/healthz")
    except httpx.HTTPError:
        return Finding(
            "PUBLIC_URL", Mark.WARNING, "does not answer from here", "fine while Purser is not running; else check proxy and DNS"
        )
    if answer.status_code != 200:
        return Finding(
            "PUBLIC_URL", Mark.FAILED, f"answers {answer.status_code}", "let the proxy pass everything on to HOST:PORT"
        )
    if url.startswith("http://"):
        return Finding("PUBLIC_URL", Mark.WARNING, "answers over http", "iOS installs only from https")
    return Finding("PUBLIC_URL", Mark.OK, "answers")


async def _account(name: str, provider: Provider) -> list[Finding]:
    if not isinstance(provider, Probes):
        return []
    try:
        result = await provider.probe()
    except ProviderError as error:
        return [Finding(name, Mark.FAILED, str(error), _remedy(error))]
    return [Finding(name, Mark.OK, result.summary), _skew(f"clock against {name}", result.server_time)]


REMEDIES: tuple[tuple[type[ProviderError], str], ...] = (
    (AgreementBlocked, "the Account Holder accepts the agreement at https://appstoreconnect.apple.com/business"),
    (Refused, "check the key or token, its role, and that it was not revoked"),
    (RateLimited, "wait; if it stays, raise poll_every"),
    (NotFound, "check ids, organisation and addresses of this account"),
    (Unreachable, "check the address, the network and the vendor's status page"),
    (Confused, "check the address: something else answers there"),
)


def _remedy(error: ProviderError) -> str:
    return next((mend for kind, mend in REMEDIES if isinstance(error, kind)), "try again later")


def _skew(what: str, theirs: datetime | None) -> Finding:
    if theirs is None:
        return Finding(what, Mark.WARNING, "they did not say the time")
    skew = abs(utc_now() - theirs)
    if skew > SKEW:
        return Finding(what, Mark.FAILED, f"{skew.total_seconds():.0f} s apart", "let this machine's clock be set by NTP")
    return Finding(what, Mark.OK, "agrees")


def _date(header: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(header) if header else None
    except ValueError:
        return None
