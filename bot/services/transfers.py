"""Files on their way: a link that is taken back ends them, too."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

from bot.domain.errors import StoreUnavailable
from bot.domain.model import OPENING
from bot.domain.ports import Clock, Repositories, Store
from bot.services.tokens import LinkRevoked

LOOK_EVERY = timedelta(seconds=3)
PATIENCE = timedelta(seconds=1)


class Transfers:
    """Looks at the grant between chunks, so that a link that was taken back in any process ends here. While the store cannot
    answer, the transfer goes on."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def until_revoked(self, grant_id: str, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Raises LinkRevoked instead of going on. A transfer that is over within LOOK_EVERY asks the store nothing."""
        due = self._clock() + LOOK_EVERY
        async for chunk in chunks:
            if self._clock() >= due:
                await self._look(grant_id)
                due = self._clock() + LOOK_EVERY
            yield chunk

    async def _look(self, grant_id: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                if not await self._goes_on(grant_id):
                    raise LinkRevoked(grant_id)
        except (StoreUnavailable, TimeoutError):
            return

    async def _goes_on(self, grant_id: str) -> bool:
        """Says again that the file is on its way, where another transfer of the same link has ended meanwhile: what is on its way
        can be taken back also when the link's minutes are over."""
        grant = await self._store.read(lambda repos: repos.grants.get(grant_id))
        if grant is None or grant.revoked_at is not None:
            return False
        if grant.outcome != OPENING:
            await self._store.write(partial(_say_again, grant_id=grant_id))
        return True


def _say_again(repos: Repositories, grant_id: str) -> None:
    repos.grants.note(grant_id, OPENING)
