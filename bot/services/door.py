"""The second look: may the person for whom a link was made still have the build when it is opened?"""

import asyncio
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from bot.domain.answers import Denial, Denied
from bot.domain.errors import MessageRefused
from bot.domain.model import Grant, Product
from bot.domain.ports import Clock
from bot.services.access import Access

PATIENCE = timedelta(seconds=2)
PEACE = timedelta(seconds=30)  # how long Slack is left alone after it did not answer: pages must not wait for it one by one
UNHEARD = frozenset({"no_answer", "ratelimited"})
MOST_REFUSED = 10_000  # refusals remembered

log = structlog.get_logger()


class Door(Protocol):
    async def denial(self, grant: Grant, product: Product) -> Denied | None:
        """Why this grant may not be opened any more; None: may."""
        ...


class OpenDoor:
    """Leaves it at the check of the click."""

    async def denial(self, grant: Grant, product: Product) -> Denied | None:
        return None


class Doorkeeper:
    """Checks again what can have changed since the click: guest, other organisation, deactivated, groups, channel, the rules.

    While Slack cannot answer, what it said last of the person and the product stands: the refusal of an earlier look, or else the
    check of the click, which is no older than a link lives. Everybody whom Slack does not show is refused. `access` should
    forget sooner than a link ends.
    """

    def __init__(self, access: Access, clock: Clock, patience: timedelta = PATIENCE) -> None:
        self._access = access
        self._clock = clock
        self._patience = patience
        self._in_peace_until: datetime | None = None
        self._refused: dict[tuple[str, str], Denied] = {}

    async def denial(self, grant: Grant, product: Product) -> Denied | None:
        if self._in_peace_until is not None and self._clock() < self._in_peace_until:
            return self._said_last(grant, product)
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                denied = await self._look(grant, product)
        except MessageRefused as error:
            if error.is_outage:
                return self._stands(grant, product, error.reason)
            log.warning("person not shown", grant=grant.id, reason=error.reason)
            denied = Denied(Denial.DEACTIVATED)
        except TimeoutError:
            return self._stands(grant, product, "no_answer")
        if denied is not None and denied.denial is Denial.GROUP_UNKNOWN:
            return self._stands(grant, product, denied.denial)
        self._remember(grant, product, denied)
        return denied

    async def _look(self, grant: Grant, product: Product) -> Denied | None:
        person = await self._access.person(grant.user, None)
        denied = self._access.denial(person) or self._access.denial_here(product, grant.channel, person)
        return denied or await self._access.denial_of_absence(product, grant.channel, grant.user, unless_told=True)

    def _stands(self, grant: Grant, product: Product, reason: str) -> Denied | None:
        if reason in UNHEARD:
            self._in_peace_until = self._clock() + PEACE
        denied = self._said_last(grant, product)
        if denied is None:
            log.warning("link opened on the check of its click", grant=grant.id, reason=reason)
        return denied

    def _said_last(self, grant: Grant, product: Product) -> Denied | None:
        """The refusal of an earlier look; which channels may ask stands in the configuration."""
        here = self._access.denial_here(product, grant.channel)
        if here is not None and here.denial is Denial.CHANNEL:
            return here
        return self._refused.get((grant.user, product.id))

    def _remember(self, grant: Grant, product: Product, denied: Denied | None) -> None:
        self._refused.pop((grant.user, product.id), None)
        if denied is not None:
            self._refused[grant.user, product.id] = denied
        if len(self._refused) > MOST_REFUSED:
            del self._refused[next(iter(self._refused))]
