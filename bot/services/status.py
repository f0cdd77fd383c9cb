"""What is known of the accounts themselves."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from bot.domain.answers import AccountLine, AgreementsAnswer, AppsAnswer, StatusAnswer, WhoamiAnswer
from bot.domain.model import AppTrouble, Expiry, Person, Product
from bot.domain.ports import ChecksAgreements, Provider, Repositories, Store
from bot.services.access import Access
from bot.services.expiries import Almanac

FAILURES = 3  # told of


class StatusDesk:
    """`/purser status | apps | agreements | whoami`. `titles`: account name -> provider's title."""

    def __init__(
        self,
        store: Store,
        providers: Mapping[str, Provider],
        titles: Mapping[str, str],
        almanac: Almanac,
        access: Access,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._titles = titles
        self._almanac = almanac
        self._access = access
        self._clock = clock
        self._with_agreements = {name for name, provider in providers.items() if isinstance(provider, ChecksAgreements)}

    async def status(self) -> StatusAnswer:
        def work(repositories: Repositories) -> StatusAnswer:
            outbox, quiet = repositories.outbox, tuple(repositories.quiet.all())
            return StatusAnswer(self._lines(repositories), outbox.counts(), quiet, tuple(outbox.failures(FAILURES)))

        return await self._store.read(work)

    async def apps(self, channel: str, person: Person | None = None) -> AppsAnswer:
        """Accounts with the products that this person may see in this channel."""
        return await self._store.read(lambda r: AppsAnswer(self._lines(r, self._by_account(r, channel, person))))

    async def agreements(self, channel: str, person: Person | None = None) -> AgreementsAnswer:
        """Legal papers and everything that ends, builds as far as this person may see their products in this channel."""

        def work(repositories: Repositories) -> AgreementsAnswer:
            lines = tuple(line for line in self._lines(repositories) if line.health.name in self._with_agreements)
            return AgreementsAnswer(lines, self._expiries(repositories, channel, person))

        return await self._store.read(work)

    async def whoami(self, person: Person) -> WhoamiAnswer:
        denied = self._access.denial(person)
        products = await self._store.read(lambda r: r.catalogue.products())
        restricted = tuple((p, channels) for p in products if (channels := self._access.channels_of(p)))
        return WhoamiAnswer(person, self._access.is_owner(person.id), denied.denial if denied else None, restricted)

    def _expiries(self, repositories: Repositories, channel: str, person: Person | None) -> tuple[Expiry, ...]:
        endings = self._almanac.endings(repositories, self._clock())
        denied = self._access.denial_here
        return tuple(each.expiry for each in endings if not each.product or not denied(each.product, channel, person))

    def _lines(
        self, repositories: Repositories, products: Mapping[str, Sequence[Product]] | None = None
    ) -> tuple[AccountLine, ...]:
        agreements = {a.account: a for a in repositories.agreements.all_current()}
        troubles: dict[str, list[AppTrouble]] = defaultdict(list)
        for trouble in repositories.catalogue.troubles():
            troubles[trouble.account].append(trouble)
        return tuple(
            AccountLine(
                health=h,
                title=self._titles[h.name],
                products=tuple((products or {}).get(h.name, ())),
                agreement=agreements.get(h.name),
                troubles=tuple(troubles[h.name]),
            )
            for h in repositories.catalogue.accounts()
            if h.name in self._titles
        )

    def _by_account(self, repositories: Repositories, channel: str, person: Person | None) -> Mapping[str, list[Product]]:
        found: dict[str, list[Product]] = defaultdict(list)
        for product in repositories.catalogue.products():
            if not self._access.denial_here(product, channel, person):
                for account in dict.fromkeys(app.account for app in product.apps):
                    found[account].append(product)
        return found
