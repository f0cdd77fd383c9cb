"""What a channel hears about."""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from bot.domain.answers import Denied, NoSuchProduct, Subscribed, SubscriptionLine, SubscriptionsAnswer, Unsubscribed
from bot.domain.errors import UserMistake
from bot.domain.model import Alert, Build, EventKind, Person, Product, Subscription
from bot.domain.ports import Repositories, Store
from bot.services.access import Access
from bot.services.asking import Question
from bot.services.catalog import Catalog
from bot.services.names import normalise

KIND_WORDS = {
    **dict.fromkeys(("newbuilds", "newbuild", "builds"), EventKind.NEW_BUILDS),
    **dict.fromkeys(("agreements", "agreement"), EventKind.AGREEMENTS),
    **dict.fromkeys(("expiries", "expiry", "expirations"), EventKind.EXPIRIES),
}
ALL_PRODUCTS = ("all", "everything")


class SubscriptionDesk:
    """Subscribe, unsubscribe, list: by words."""

    def __init__(self, store: Store, catalog: Catalog, access: Access, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._catalog = catalog
        self._access = access
        self._clock = clock

    async def subscribe(
        self, words: str, channel: str, user: str, person: Person | None = None
    ) -> Subscribed | NoSuchProduct | Denied:
        """`shop ios track:testflight new-builds`, `all agreements`. Raises UserMistake."""
        kinds, rest = _split_kinds(words)
        found, question = await self._named(rest, channel, "subscribe", person)
        if isinstance(found, NoSuchProduct):
            return replace(found, rest=" ".join([found.rest, *sorted(kinds)]).strip())
        if found and (denied := self._access.denial_here(found, channel, person)):
            return denied
        subscription = self._subscription(found, question, kinds, channel, user)
        added = await self._store.write(lambda r: r.subscriptions.add(subscription))
        return Subscribed(SubscriptionLine(subscription, found), added)

    async def unsubscribe(self, words: str, channel: str, person: Person | None = None) -> Unsubscribed | NoSuchProduct:
        """The named product's subscriptions of this channel, or all of them with `all`. Raises UserMistake."""
        _, rest = _split_kinds(words)
        found, _ = await self._named(rest, channel, "unsubscribe", person)
        if isinstance(found, NoSuchProduct):
            return found
        lines = [line for line in (await self.listing(channel)).lines if found is None or line.product == found]
        await self._store.write(lambda r: [r.subscriptions.remove(line.subscription.id) for line in lines])
        return Unsubscribed(tuple(lines))

    async def listing(self, channel: str) -> SubscriptionsAnswer:
        """What this channel is subscribed to."""

        def work(repositories: Repositories) -> SubscriptionsAnswer:
            found = repositories.subscriptions.of_channel(channel)
            products = {p.id: p for p in repositories.catalogue.products()} if found else {}
            return SubscriptionsAnswer(channel, tuple(SubscriptionLine(s, products.get(s.product_id or "")) for s in found))

        return await self._store.read(work)

    async def _named(
        self, words: str, channel: str, command: str, person: Person | None
    ) -> tuple[Product | NoSuchProduct | None, Question]:
        """The product that the words name (None: all of them) and the filters around it."""
        everything = [word for word in words.split() if word.casefold() in ALL_PRODUCTS]
        named = " ".join(word for word in words.split() if word not in everything)
        found, question = await self._catalog.find_product(named, channel, command, person)
        if everything and not question.name:
            return None, question
        if not question.name:
            raise UserMistake(f"Say what: `{command} shop` for one product, `{command} all` for everything.")
        return found, question

    def _subscription(
        self, product: Product | None, question: Question, kinds: frozenset[EventKind], channel: str, user: str
    ) -> Subscription:
        default = frozenset(EventKind) if product is None else frozenset({EventKind.NEW_BUILDS})
        return Subscription(
            id=secrets.token_hex(6),
            channel=channel,
            kinds=kinds or default,
            created_by=user,
            created_at=self._clock(),
            product_id=product.id if product else None,
            platform=question.wanted.platform,
            track=question.track,
            provider=question.wanted.provider,
        )


def channels_for(
    subscriptions: Iterable[Subscription], alert: Alert, build: Build | None = None, provider: str | None = None
) -> frozenset[str]:
    """The channels that hear of an alert."""
    return frozenset(s.channel for s in subscriptions if _hears(s, alert, build, provider))


def _hears(subscription: Subscription, alert: Alert, build: Build | None, provider: str | None) -> bool:
    if alert.kind.event not in subscription.kinds:
        return False
    if build is None:
        return True
    return (
        subscription.product_id in (None, alert.product_id)
        and subscription.platform in (None, build.platform)
        and subscription.provider in (None, provider)
        and (subscription.track is None or subscription.track in normalise(build.track))
    )


def _split_kinds(words: str) -> tuple[frozenset[EventKind], str]:
    tokens = words.split()
    kinds = {token: KIND_WORDS[normalise(token)] for token in tokens if normalise(token) in KIND_WORDS}
    return frozenset(kinds.values()), " ".join(token for token in tokens if token not in kinds)
