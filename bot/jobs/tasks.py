"""The background tasks, by the names under which they are deferred."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from bot.domain.ports import Jobs
from bot.services.agreements import AgreementWatch
from bot.services.alerts import AlertDelivery
from bot.services.sync import Sync

Task = Callable[[str], Awaitable[object]]


class RunsJobs(Jobs, Protocol):
    """What both ways of running background work offer the composition root."""

    def use(self, tasks: Mapping[str, Task]) -> None:
        """The tasks themselves defer others, so the table comes after the seam."""
        ...

    def running(self, works: bool) -> AbstractAsyncContextManager[None]:
        """Ready to defer for as long as the block lasts, and with `works` also at work."""
        ...


_ONE_AT_A_TIME = {"poll": "account", "sync": "account", "reconcile": "account"}


def task_table(sync: Sync, agreements: AgreementWatch, alerts: AlertDelivery) -> Mapping[str, Task]:
    """Task name -> function of its key (an account's name, or nothing)."""
    return {
        "poll": lambda account: sync.poll(account),
        "sync": lambda account: sync.account(account),
        "reconcile": lambda account: sync.account(account, full=True),
        "agreements": lambda account: agreements.check(account),
        "deliver": lambda _: alerts.deliver_due(),
        "resume": lambda _: alerts.resume(),
    }


def lock_of(task: str, key: str) -> str:
    """Work with the same lock never runs twice at once: an account is read by one check at a time, whatever asked for it."""
    return f"{_ONE_AT_A_TIME.get(task, task)}:{key}"
