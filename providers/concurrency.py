"""Several calls at once, but never many."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


async def map_bounded(work: Callable[[Item], Awaitable[Result]], items: Iterable[Item], at_once: int = 4) -> list[Result]:
    """The results in the order of the items. The first failure ends the others and is raised as it is."""
    gate = asyncio.Semaphore(at_once)

    async def run(item: Item) -> Result:
        async with gate:
            return await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run(item)) for item in items]
    except ExceptionGroup as failures:
        first = failures.exceptions[0]
        raise first from first.__cause__
    return [task.result() for task in tasks]
