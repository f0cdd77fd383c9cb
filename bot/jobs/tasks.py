"""The background tasks, by the names under which they are deferred."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Protocol

from bot.domain.ports import Jobs
from bot.services.agreements import AgreementWatch
from bot.services.alerts import AlertDelivery
from bot.services.expiries import ExpiryWatch
from bot.services.incidents import IncidentCards, Incidents
from bot.services.sync import Sync

Task = Callable[[str], Awaitable[object]]

TAKEOVER = timedelta(seconds=30)  # without a sign of life, after which a process's work is another's


class RunsJobs(Jobs, Protocol):
    """What both ways of running background work offer the composition root. `alone`: no other process works on the same."""

    alone: bool

    def use(self, tasks: Mapping[str, Task]) -> None:
        """The tasks themselves defer others, so the table comes after the seam."""
        ...

    async def check(self) -> None:
        """Raises StoreUnavailable when work cannot be deferred here, say before `purser migrate`."""
        ...

    async def depth(self) -> Mapping[str, int]:
        """How many jobs of each task wait. Raises StoreUnavailable."""
        ...

    def running(self, works: bool) -> AbstractAsyncContextManager[None]:
        """Ready to defer for as long as the block lasts, and with `works` also at work."""
        ...


_ONE_AT_A_TIME = {"poll": "account", "sync": "account", "uploads": "account", "probe": "agreements"}


def task_table(
    sync: Sync,
    agreements: AgreementWatch,
    expiries: ExpiryWatch,
    incidents: Incidents,
    cards: IncidentCards,
    alerts: AlertDelivery,
    purge: Callable[[], Awaitable[object]],
) -> Mapping[str, Task]:
    """Task name -> function of its key (an account's name, or nothing). `purge` forgets what the audit log may not keep."""
    return {
        "poll": lambda account: sync.poll(account),
        "sync": lambda account: sync.account(account),
        "uploads": lambda account: sync.account(account, uploads=True),
        "probe": lambda account: agreements.probe(account),
        "agreements": lambda account: agreements.check(account),
        "expiries": lambda account: expiries.read(account),
        "expiries-told": lambda _: expiries.tell(),
        "incident": lambda account: cards.update(account),
        "redraw": lambda _: incidents.redraw(),
        "remind": lambda _: incidents.remind(),
        "deliver": lambda _: alerts.deliver_due(),
        "resume": lambda _: alerts.resume(),
        "purge": lambda _: purge(),
    }


VENDORS, OTHERS = "vendors", "default"
_OF_VENDORS = frozenset({"poll", "sync", "uploads", "probe", "agreements", "expiries"})


def queue_of(task: str) -> str:
    """Where a task waits: vendors who hang must not take the room of messages."""
    return VENDORS if task in _OF_VENDORS else OTHERS


def lock_of(task: str, key: str) -> str:
    """Work with the same lock never runs twice at once: an account is read by one check at a time, whatever asked for it."""
    return f"{_ONE_AT_A_TIME.get(task, task)}:{key}"
