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
    """Checks again what can have changed since the click: guest, other organisation, deactivated, user groups, the rules.

    When Slack cannot be asked, the check of the click stands: it is no older than a link lives, and a link is handed out by no
    other way. Whom Slack does not know (any more) is refused. `access` should forget sooner than a link ends.
    """

    def __init__(self, access: Access, clock: Clock, patience: timedelta = PATIENCE) -> None:
        self._access = access
        self._clock = clock
        self._patience = patience
        self._in_peace_until: datetime | None = None

    async def denial(self, grant: Grant, product: Product) -> Denied | None:
        if self._in_peace_until is not None and self._clock() < self._in_peace_until:
            return None
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                person = await self._access.person(grant.user, None)
        except MessageRefused as error:
            if error.retry_after is None:
                return Denied(Denial.DEACTIVATED)
            return self._stands(grant, error.reason)
        except TimeoutError:
            return self._stands(grant, "timeout")
        denied = self._access.denial(person) or self._access.denial_here(product, grant.channel, person)
        return None if denied is not None and denied.denial is Denial.GROUP_UNKNOWN else denied

    def _stands(self, grant: Grant, reason: str) -> Denied | None:
        self._in_peace_until = self._clock() + PEACE
        log.warning("link opened on the check of its click", grant=grant.id, reason=reason)
        return None
