"""What the table of providers is made of: abilities, the ways to disturb them, and what a provider says of itself."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpx

from bot.domain.listing import gaps_of
from bot.domain.model import AgreementState, App, Build
from bot.domain.ports import (
    ByteRequest,
    ChecksAgreements,
    ListsApps,
    ListsBuilds,
    ListsExpiries,
    ListsFailedUploads,
    MintsLinks,
    OpensFiles,
    Probes,
    ReceivesWebhooks,
    RegistersWebhooks,
    RereadsBuilds,
    RereadsTogether,
    WebhookRequest,
)
from bot.sandbox.vendors.base import PretendVendor, Webhook
from providers.http import VendorHttp
from providers.spec import Surroundings

ABILITIES = (
    ListsApps,
    ListsBuilds,
    RereadsBuilds,
    RereadsTogether,
    MintsLinks,
    OpensFiles,
    ChecksAgreements,
    ReceivesWebhooks,
    Probes,
    ListsExpiries,
    ListsFailedUploads,
    RegistersWebhooks,
)
ACCOUNT = "acme"
START = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOOK_SECRET = "a webhook secret"
FACTS, LESS, OTHER = "the facts", "less", "something else"


class Clock:
    """Stands still until it is moved. A pacer may sleep on it."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Limits:
    """In seconds: what a client waits for, of whom nothing bad is expected."""

    read: float = 20.0
    deadline: float = 30.0
    tries: int = 2


@dataclass(frozen=True, slots=True)
class Subject:
    """What a call is about: known before anything goes wrong."""

    apps: Sequence[App]
    builds: Sequence[Build]
    build: Build


Run = Callable[[Any, Subject], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Target:
    """One ability, or a part of one, that can be disturbed on its way. `path` matches the requests that belong to it.

    `differs`: trouble -> how it ends here instead, where that is right. `is_file`: what comes is handed on and has no shape.
    `is_aside`: a way that few calls take, or one like another that is tried with everything: a few troubles are enough. `late`:
    the client has been at work before, and this much time has passed since.
    """

    name: str
    ability: type
    path: str
    run: Run
    differs: Mapping[str, str] = field(default_factory=dict)
    rephrase: Callable[[str], str] = lambda ends: ends
    is_file: bool = False
    is_aside: bool = False
    late: timedelta | None = None


def on(chosen: Callable[[Build], bool], run: Run) -> Run:
    """The same about another build of the subject's."""

    async def elsewhere(client: Any, subject: Subject) -> Any:
        return await run(client, replace(subject, build=next(build for build in subject.builds if chosen(build))))

    return elsewhere


async def list_apps(client: Any, subject: Subject) -> Any:
    return await client.list_apps()


async def list_builds(client: Any, subject: Subject) -> Any:
    """What went wrong with an app while others could be read is told with them."""
    found = await client.list_builds(subject.apps)
    for error in gaps_of(found).values():
        raise error
    return found


async def reread_build(client: Any, subject: Subject) -> Any:
    return await client.reread_build(subject.build)


async def reread_builds(client: Any, subject: Subject) -> Any:
    return await client.reread_builds([subject.build])


async def mint_link(client: Any, subject: Subject) -> Any:
    """Addresses differ from one minting to the next; the place does not."""
    link = await client.mint_link(subject.build)
    return link.kind, urlsplit(link.url).netloc, link.expires_at is not None


async def open_file(client: Any, subject: Subject) -> Any:
    digest = sha256()
    async with client.open_file(subject.build, ByteRequest()) as stream:
        async for chunk in stream.chunks:
            digest.update(chunk)
        return stream.status, digest.hexdigest()


async def check_account(client: Any, subject: Subject) -> Any:
    status = await client.check_account()
    return FACTS if status.state is AgreementState.IN_FORCE else f"{status.state}: {status.code}"


async def probe(client: Any, subject: Subject) -> Any:
    """The summary may count what is left."""
    result = await client.probe()
    return bool(result.summary), result.server_time is not None


async def list_expiries(client: Any, subject: Subject) -> Any:
    return await client.list_expiries()


async def list_failed_uploads(client: Any, subject: Subject) -> Any:
    found = await client.list_failed_uploads(subject.apps)
    for error in gaps_of(found).values():
        raise error
    return found


async def register_webhooks(client: Any, subject: Subject) -> Any:
    outcomes = await client.register_webhooks("https://purser.acme.com/webhooks/acme")
    return next((f"failed: {each.failure.reason}" for each in outcomes if each.failure), FACTS)


async def change_webhooks(client: Any, subject: Subject) -> Any:
    """Those that stand have another address by now."""
    await client.register_webhooks("https://purser.acme.com/webhooks/former")
    return await register_webhooks(client, subject)


def agreement_words(ends: str) -> str:
    """Not knowing is an answer, and a key's problem is not the agreements'."""
    return ends if ends == FACTS else _renamed(ends, "refused" if ends.startswith("Refused") else "unknown")


def registration_words(ends: str) -> str:
    """One app's failure is told with the others' successes."""
    return ends if ends == FACTS else _renamed(ends, "failed")


def _renamed(ends: str, word: str) -> str:
    _, colon, reason = ends.partition(",")[0].partition(": ")
    return f"{word}{colon}{reason}"


class System:
    """One provider and a vendor for it, which has one app with one build unless more are added."""

    name: ClassVar[str]
    abilities: ClassVar[frozenset[type]]
    targets: ClassVar[tuple[Target, ...]]
    renews: ClassVar[bool] = False  # whether a 401 can be mended
    pages: ClassVar[Mapping[type, int]] = {}  # what has pages, and how long they are at most
    one_is_an_object: ClassVar[bool] = False  # whether a list of one may be written as that one
    error_inside: ClassVar[bytes]  # a failure that comes with a 200
    error_inside_is: ClassVar[str]
    words: ClassVar[frozenset[str]]  # the JSON names whose values are of a fixed vocabulary
    needed: ClassVar[frozenset[str]] = frozenset({"id"})  # the JSON names without whose values nothing is listed
    fills_pages: ClassVar[bool] = False  # whether a page that is not full is the last
    signs: ClassVar[bool] = True  # webhooks
    reads_our_times: ClassVar[bool] = False
    vendor: PretendVendor

    def __init__(self, clock: Clock) -> None:
        raise NotImplementedError

    def client(self, url: str, surroundings: Surroundings, limits: Limits) -> Any:
        raise NotImplementedError

    def add_app(self, name: str) -> Any:
        raise NotImplementedError

    def add_build(self, app: Any, number: int, uploaded_at: datetime = START) -> Any:
        raise NotImplementedError

    def add_expiries(self, count: int) -> None:
        raise NotImplementedError

    @classmethod
    def unheard(cls, value: Any) -> Any:
        """The same JSON with a word that nobody has heard yet for every one of `words`, and a number for every number."""
        if isinstance(value, list):
            return [cls.unheard(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {name: _unheard(inner) if name in cls.words else cls.unheard(inner) for name, inner in value.items()}

    @classmethod
    def going_on(cls, page: Any, answer: Any) -> Any:
        """`page` with another one behind it, told as in `answer`, which is what the vendor would say."""
        return page

    def fill(self) -> None:
        """What the troubles befall."""
        self.add_build(self.add_app("Shop"), 1)

    def chosen(self, builds: Sequence[Build]) -> Build:
        """The build that is reread, minted and opened."""
        return builds[0]

    @property
    def secrets(self) -> Sequence[str]:
        raise NotImplementedError

    def call(self, secret: str) -> WebhookRequest:
        """What the vendor would send us, authentic when `secret` is HOOK_SECRET."""
        raise NotImplementedError

    def signed(self, body: bytes) -> WebhookRequest:
        """An authentic call with this body."""
        raise NotImplementedError

    def http(self, surroundings: Surroundings, limits: Limits, **options: Any) -> VendorHttp:
        timeout = httpx.Timeout(20.0, read=limits.read)
        return VendorHttp(
            self.name,
            ACCOUNT,
            surroundings,
            tries=limits.tries,
            timeout=timeout,
            deadline=limits.deadline,
            backoff_max=0.01,
            **options,
        )


def _unheard(value: Any) -> Any:
    return "FROM_THE_FUTURE" if isinstance(value, str) else 4711 if isinstance(value, int) else value


def hook(call: Webhook, query: Mapping[str, str] | None = None) -> WebhookRequest:
    return WebhookRequest(call.headers, call.body, query or {})
