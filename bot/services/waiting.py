"""Tell me when it is ready: who waits for a build, and the one message that ends the wait."""

from collections.abc import Callable, Iterable
from datetime import datetime

from bot.domain.answers import AlertFacts
from bot.domain.errors import MessageRefused
from bot.domain.model import Alert, AlertKind, Build, BuildState, Wait
from bot.domain.ports import Repositories, Store
from bot.services.access import Access


class WaitingRoom:
    """Writes down who waits."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def enter(self, person_id: str, channel: str, build: Build) -> None:
        """Once per person and build; `channel` is where they asked."""
        wait = Wait(build.key, person_id, channel, self._clock())
        await self._store.write(lambda r: r.waits.add(wait))


class WaitingList:
    """Looks again, before somebody is told: they may have become a guest or left since they asked."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def may_hear(self, told: AlertFacts, user: str) -> bool:
        """Raises MessageRefused while Slack cannot say who this is."""
        if told.alert.kind is not AlertKind.READY or told.product is None:
            return True
        try:
            person = await self._access.person(user, None)
        except MessageRefused as error:
            if error.is_outage:
                raise
            return False
        channel = told.alert.facts.get("channel", user)
        denied = self._access.denial(person) or self._access.denial_here(told.product, channel, person)
        return not (denied or await self._access.denial_of_absence(told.product, channel, user, unless_told=True))


def tell_waiting(repositories: Repositories, builds: Iterable[Build], at: datetime) -> int:
    """In the transaction of a check: who waited for one of these builds is told that it is ready, or that it never will be.
    Returns how many messages that makes; nobody gets a second one about the same build."""
    finished = {build.key: build for build in builds if build.state is not BuildState.PROCESSING}
    return sum(_tell(repositories, finished[wait.build_key], wait, at) for wait in repositories.waits.take(finished))


def _tell(repositories: Repositories, build: Build, wait: Wait, at: datetime) -> bool:
    product = repositories.catalogue.product_of(build.account, build.app_id)
    alert = Alert(
        fingerprint=f"ready:{build.key}:{wait.user}",
        kind=AlertKind.READY,
        account=build.account,
        created_at=at,
        product_id=product.id if product else None,
        build_key=build.key,
        facts={"channel": wait.channel},
    )
    return repositories.outbox.add(alert, [wait.user])
