"""Refreshes what is stale behind an answer."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from bot.domain.ports import Jobs, Store

PATIENCE = timedelta(seconds=25)  # how long an answer waits for its refresh before it stays as it is
LOOK_EVERY = 0.3  # seconds


class Refresher:
    """Asks for checks of accounts and waits until the store shows them, wherever they run."""

    def __init__(self, store: Store, jobs: Jobs, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._jobs = jobs
        self._clock = clock

    async def refresh(self, accounts: Iterable[str]) -> None:
        """Returns when every account was checked after this call, well or badly, or when patience ends."""
        asked_at = self._clock()
        waiting = set(accounts)
        for account in sorted(waiting):
            await self._jobs.defer("sync", account)
        while waiting and self._clock() < asked_at + PATIENCE:
            await asyncio.sleep(LOOK_EVERY)
            waiting -= await self._checked_since(asked_at)

    async def _checked_since(self, moment: datetime) -> set[str]:
        health = await self._store.read(lambda repositories: repositories.catalogue.health())
        return {h.name for h in health if h.checked_at is not None and h.checked_at >= moment}
