"""Who was given which link, for those who must be able to tell; and forgetting it in time."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import structlog

from bot.domain.ports import AuditLine, Beside, Clock, GrantFilter, Repositories, Store

AT_A_TIME = 500
LONGEST_WAIT = timedelta(days=30)  # for a build to become ready

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Some lines of the log, newest first; how many are newer, and how many there are in all."""

    lines: tuple[AuditLine, ...]
    newer: int
    total: int


class AuditLog:
    """Reads the log of grants, newest first."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def page(self, wanted: GrantFilter, place: Beside | None, limit: int) -> AuditPage:
        """The newest lines, or those next to a place: what comes meanwhile is repeated by no page and hides none."""
        return await self._store.read(partial(_page, wanted=wanted, place=place, limit=limit))

    async def lines(self, wanted: GrantFilter) -> AsyncIterator[AuditLine]:
        """All of them, a few at a time for the memory's sake. A click meanwhile repeats and hides none."""
        while lines := await self._store.read(partial(_find, wanted=wanted)):
            for line in lines:
                yield line
            wanted = replace(wanted, beside=lines[-1].beside())

    async def forget(self, retention: timedelta) -> int:
        """Removes grants that are older, and who waits in vain. Returns how many grants went."""
        now = self._clock()
        forgotten = await self._store.write(lambda r: (r.grants.purge(now - retention), r.waits.purge(now - LONGEST_WAIT)))
        log.info("audit log purged", grants=forgotten[0], waits=forgotten[1])
        return forgotten[0]


def _page(repositories: Repositories, wanted: GrantFilter, place: Beside | None, limit: int) -> AuditPage:
    lines = tuple(repositories.grants.find(replace(wanted, beside=place), limit=limit))
    newer = repositories.grants.count(replace(wanted, beside=lines[0].beside(newer=True))) if lines else 0
    return AuditPage(lines, newer, repositories.grants.count(wanted))


def _find(repositories: Repositories, wanted: GrantFilter) -> Sequence[AuditLine]:
    return repositories.grants.find(wanted, limit=AT_A_TIME)
