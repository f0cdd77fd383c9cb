"""map_bounded: never more at once than allowed, results in order, the first failure ends the rest."""

import asyncio

import pytest

from bot.domain.errors import Unreachable
from providers.concurrency import map_bounded


async def test_results_keep_their_order_and_never_more_than_four_run() -> None:
    running, most = 0, 0

    async def work(item: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001 * (item % 3))
        running -= 1
        return item * 2

    assert await map_bounded(work, range(20)) == [item * 2 for item in range(20)]
    assert most == 4


async def test_the_first_failure_ends_the_others_and_keeps_its_cause() -> None:
    started: set[int] = set()
    ended: set[int] = set()
    error = Unreachable("acme", "acme-1", "list", "timeout")

    async def work(item: int) -> None:
        started.add(item)
        try:
            await asyncio.sleep(0 if item == 2 else 60)
        finally:
            ended.add(item)
        raise error from OSError("line cut")

    with pytest.raises(Unreachable) as caught:
        await map_bounded(work, range(50))
    assert caught.value is error
    assert isinstance(caught.value.__cause__, OSError)
    assert started == ended
    assert len(started) < 10


async def test_nothing_to_do() -> None:
    async def work(item: int) -> int:
        raise AssertionError(item)

    assert await map_bounded(work, []) == []
