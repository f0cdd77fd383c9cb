"""The background tasks, by the names under which they are deferred."""

from collections.abc import Awaitable, Callable, Mapping

from bot.services.agreements import AgreementWatch
from bot.services.alerts import AlertDelivery
from bot.services.sync import Sync

Task = Callable[[str], Awaitable[object]]


def task_table(sync: Sync, agreements: AgreementWatch, alerts: AlertDelivery, *, delivers: bool = True) -> Mapping[str, Task]:
    """Task name -> function of its key (an account's name, or nothing). Without `delivers`, a worker process does that."""

    async def left_to_a_worker(_: str) -> None: ...

    return {
        "poll": lambda account: sync.poll(account),
        "sync": lambda account: sync.account(account),
        "reconcile": lambda account: sync.account(account, full=True),
        "agreements": lambda account: agreements.check(account),
        "deliver": (lambda _: alerts.deliver_due()) if delivers else left_to_a_worker,
        "resume": lambda _: alerts.resume(),
    }
