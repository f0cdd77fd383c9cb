"""What the Home tab tells a person."""

from collections.abc import Sequence

from bot.domain.answers import AccountLine, HomeAnswer, SubscriptionLine
from bot.domain.model import Person
from bot.domain.ports import AuditLine, GrantFilter, Repositories, Store
from bot.services.access import Access
from bot.services.catalog import Catalog
from bot.services.status import StatusDesk

DOWNLOADS = 5
LOOKED_THROUGH = 40  # grants among which recent downloads are looked for


class HomeDesk:
    """Everything on one screen, as far as this person may see it."""

    def __init__(self, store: Store, catalog: Catalog, status: StatusDesk, access: Access) -> None:
        self._store = store
        self._catalog = catalog
        self._status = status
        self._access = access

    async def answer(self, person: Person, channel: str) -> HomeAnswer:
        """`channel` is the person's conversation with us: what is only for certain channels is not shown there."""
        everywhere = await self._catalog.everywhere(channel, person)
        accounts: tuple[AccountLine, ...] = (await self._status.status()).accounts

        def work(repositories: Repositories) -> HomeAnswer:
            subscriptions = self._subscriptions(repositories, person, channel)
            downloads = self._downloads(repositories, person)
            return HomeAnswer(person, channel, everywhere, accounts, subscriptions, downloads)

        return await self._store.read(work)

    def _subscriptions(self, repositories: Repositories, person: Person, channel: str) -> tuple[SubscriptionLine, ...]:
        """Those of the conversation first; where somebody may no longer ask for a product, they read nothing about it."""
        own = [s for s in repositories.subscriptions.all() if s.channel == channel or s.created_by == person.id]
        products = {p.id: p for p in repositories.catalogue.products()} if own else {}
        lines = [SubscriptionLine(s, products.get(s.product_id or "")) for s in own]
        seen = [line for line in lines if not self._is_hidden(line, person)]
        return tuple(sorted(seen, key=lambda line: line.subscription.channel != channel))

    def _is_hidden(self, line: SubscriptionLine, person: Person) -> bool:
        product, place = line.product, line.subscription.channel
        return product is not None and self._access.denial_here(product, place, person) is not None

    def _downloads(self, repositories: Repositories, person: Person) -> tuple[AuditLine, ...]:
        """The last link for each build that can still be had, where the person may have it there."""
        given = repositories.grants.find(GrantFilter(user=person.id), 0, LOOKED_THROUGH)
        newest: dict[str, AuditLine] = {}
        for line in given:
            is_had = line.grant.given and line.build and line.build.account in self._catalog.titles
            if is_had and not self._is_denied(repositories, line, person):
                newest.setdefault(line.grant.build_key, line)
        recent: Sequence[AuditLine] = tuple(newest.values())
        return tuple(recent[:DOWNLOADS])

    def _is_denied(self, repositories: Repositories, line: AuditLine, person: Person) -> bool:
        product = repositories.catalogue.product_of(line.build.account, line.build.app_id) if line.build else None
        return product is None or self._access.denial_here(product, line.grant.channel, person) is not None
