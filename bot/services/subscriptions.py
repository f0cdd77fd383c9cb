"""What a channel hears about."""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from bot.domain.answers import Denied, Muted, NoSuchProduct, Subscribed, SubscriptionLine, SubscriptionsAnswer, Unsubscribed
from bot.domain.errors import UserMistake
from bot.domain.model import Alert, Build, EventKind, Mute, Person, Product, Subscription
from bot.domain.names import normalise
from bot.domain.ports import Repositories, Store
from bot.services.access import Access
from bot.services.asking import Question
from bot.services.catalog import Catalog
from bot.services.hearing import hears
from bot.services.rhythm import split_digest

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
        """`shop ios track:testflight new-builds daily 09:00`, `all agreements`. Ends a mute. Raises UserMistake."""
        if denied := await self._access.denial_to_all(channel):
            return denied
        digest, rest = split_digest(words, person.zone if person else None)
        kinds, rest = _split_kinds(rest)
        if digest and kinds and EventKind.NEW_BUILDS not in kinds:
            raise UserMistake("A digest is for new builds. Agreements and expiries are told when there is something to do.")
        found, question = await self._named(rest, channel, "subscribe", person)
        if isinstance(found, NoSuchProduct):
            again = [found.rest, *sorted(kinds), str(digest or "")]
            return replace(found, rest=" ".join(word for word in again if word))
        if found and (denied := self._access.denial_here(found, channel, person) or self._access.news_denial(found, channel)):
            return denied
        wanted = replace(self._subscription(found, question, kinds, channel, user), digest=digest)
        return await self._store.write(lambda r: _add(r, wanted, found))

    async def unsubscribe(self, words: str, channel: str, person: Person | None = None) -> Unsubscribed | NoSuchProduct:
        """The named product's subscriptions of this channel, or all of them with `all`. Raises UserMistake."""
        _, rest = _split_kinds(words)
        found, _ = await self._named(rest, channel, "unsubscribe", person)
        if isinstance(found, NoSuchProduct):
            return found
        lines = [line for line in (await self.listing(channel)).lines if found is None or line.product == found]

        def work(repositories: Repositories) -> None:
            for line in lines:
                repositories.subscriptions.remove(line.subscription.id)
            repositories.mutes.remove(channel, found.id if found else None)

        await self._store.write(work)
        return Unsubscribed(tuple(lines))

    async def mute(self, product_id: str, channel: str, user: str, *, is_muted: bool = True) -> Muted:
        """The channel hears nothing of the product until it is unmuted or subscribed again. Raises UserMistake."""

        def work(repositories: Repositories) -> Product | None:
            product = repositories.catalogue.product(product_id)
            if product and is_muted:
                repositories.mutes.add(Mute(channel, product_id, user, self._clock()))
            elif product:
                repositories.mutes.remove(channel, product_id)
            return product

        if (product := await self._store.write(work)) is None:
            raise UserMistake("That product is gone, so there is nothing to mute.")
        return Muted(product, is_muted)

    async def listing(self, channel: str) -> SubscriptionsAnswer:
        """What this channel is subscribed to."""

        def work(repositories: Repositories) -> SubscriptionsAnswer:
            found, mutes = repositories.subscriptions.of_channel(channel), repositories.mutes.of_channel(channel)
            products = {p.id: p for p in repositories.catalogue.products()} if found or mutes else {}
            lines = tuple(SubscriptionLine(s, products.get(s.product_id or "")) for s in found)
            muted = tuple(products[mute.product_id] for mute in mutes if mute.product_id in products)
            return SubscriptionsAnswer(channel, lines, muted)

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
    return frozenset(s.channel for s in subscriptions if hears(s, alert, build, provider))


def _add(repositories: Repositories, wanted: Subscription, product: Product | None) -> Subscribed:
    """With what stands after it: the same product and filters are one subscription."""
    before = repositories.subscriptions.of_channel(wanted.channel)
    repositories.subscriptions.add(wanted)
    after = repositories.subscriptions.of_channel(wanted.channel)
    standing = next(s for s in after if _scope(s) == _scope(wanted))
    unmuted = product is not None and repositories.mutes.remove(wanted.channel, product.id) > 0
    return Subscribed(SubscriptionLine(standing, product), standing not in before, unmuted)


def _scope(subscription: Subscription) -> tuple[str | None, ...]:
    return subscription.product_id, subscription.platform, subscription.track, subscription.provider


def _split_kinds(words: str) -> tuple[frozenset[EventKind], str]:
    tokens = words.split()
    kinds = {token: KIND_WORDS[normalise(token)] for token in tokens if normalise(token) in KIND_WORDS}
    return frozenset(kinds.values()), " ".join(token for token in tokens if token not in kinds)
