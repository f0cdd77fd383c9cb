"""Why a channel did or did not hear about something: from the records."""

from collections.abc import Iterator

from bot.domain.answers import Denied, NoSuchProduct, SubscriptionLine, ToldLine, Untold, UntoldLine, WhyAnswer
from bot.domain.model import Build, Person, Product
from bot.domain.ports import BuildFilter, Repositories, Store
from bot.services.access import Access
from bot.services.catalog import Catalog
from bot.services.hearing import Listener

DELIVERIES = 8  # told of
NEWEST = 8  # builds of the product that are looked at


class WhyDesk:
    """`/purser why [product]`."""

    def __init__(self, store: Store, catalog: Catalog, access: Access) -> None:
        self._store = store
        self._catalog = catalog
        self._access = access

    async def ask(self, words: str, channel: str, person: Person | None = None) -> WhyAnswer | NoSuchProduct | Denied:
        """What the records say of a product in this channel; without words, of all of them."""
        if not words.strip():
            return await self._store.read(lambda r: self._why(r, channel, None, person))
        product, _ = await self._catalog.find_product(words, channel, "why", person)
        if isinstance(product, NoSuchProduct):
            return product
        if denied := self._access.denial_here(product, channel, person):
            return denied
        return await self._store.read(lambda r: self._why(r, channel, product, person))

    def _why(self, repositories: Repositories, channel: str, product: Product | None, person: Person | None) -> WhyAnswer:
        listener = Listener(repositories, channel, self._access)
        products = {each.id: each for each in repositories.catalogue.products()}
        accounts = {app.account for app in product.apps} if product else set(self._catalog.titles)
        about = [s for s in listener.subscriptions if product is None or s.product_id in (None, product.id)]
        return WhyAnswer(
            channel=channel,
            product=product,
            subscriptions=tuple(SubscriptionLine(s, products.get(s.product_id or "")) for s in about),
            muted=tuple(products[mute.product_id] for mute in listener.mutes if mute.product_id in products),
            denied=self._access.news_denial(product, channel) if product else None,
            quiet=repositories.quiet.get(channel),
            accounts=tuple(h for h in repositories.catalogue.health() if h.name in accounts & self._catalog.titles.keys()),
            told=tuple(self._told(repositories, channel, product, person)),
            untold=tuple(self._untold(repositories, listener, product)) if product else (),
        )

    def _told(
        self, repositories: Repositories, channel: str, product: Product | None, person: Person | None
    ) -> Iterator[ToldLine]:
        """The last deliveries, but those about what this person may not ask for here."""
        last = repositories.told.last(channel, DELIVERIES, product.id if product else None)
        builds = repositories.catalogue.builds_by_key(d.alert.build_key for d in last if d.alert.build_key)
        for delivery in last:
            alert = delivery.alert
            about = repositories.catalogue.product(alert.product_id) if alert.product_id else None
            if about is None or not self._access.denial_here(about, channel, person):
                yield ToldLine(delivery, about, builds.get(alert.build_key or ""))

    def _untold(self, repositories: Repositories, listener: Listener, product: Product) -> Iterator[UntoldLine]:
        """The product's newest builds of which nothing was sent here, or is to be."""
        configured = BuildFilter(accounts=frozenset(self._catalog.titles))
        newest = repositories.catalogue.newest(product.id, configured, NEWEST)
        told = repositories.told.about(listener.channel, [build.key for build in newest])
        for build in newest:
            if build.key not in told:
                yield UntoldLine(build, listener.untold(product, build) or self._missed(repositories, build))

    def _missed(self, repositories: Repositories, build: Build) -> Untold:
        """Why nothing was said of a build that this channel would hear of now."""
        if repositories.told.announced([build.key]):
            return Untold.SUBSCRIBED_LATER
        if not build.state.is_announceable:
            return Untold.NOT_READY
        health = repositories.catalogue.account(build.account)
        first_seen = repositories.told.first_seen([build.key]).get(build.key)
        is_baseline = health and health.baseline_at and first_seen and first_seen <= health.baseline_at
        return Untold.FIRST_SIGHT if is_baseline else Untold.OLD
