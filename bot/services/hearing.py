"""Who hears of a build, and why somebody does not."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from bot.domain.answers import Denied, Untold
from bot.domain.model import Alert, Build, EventKind, Product, Subscription
from bot.domain.names import normalise
from bot.domain.ports import Repositories

FILTERS = (Untold.PLATFORM, Untold.PROVIDER, Untold.TRACK)


class TellingRules(Protocol):
    def news_denial(self, product: Product, channel: str) -> Denied | None:
        """Why nothing of this product is told in this channel unasked; None: may be."""
        ...


def hears(subscription: Subscription, alert: Alert, build: Build | None, provider: str | None) -> bool:
    """Whether a subscription covers an alert; without a build, its filters say nothing."""
    if alert.kind.event not in subscription.kinds:
        return False
    if build is None:
        return True
    covers = subscription.product_id in (None, alert.product_id)
    return covers and all(_lets_through(subscription, each, build, provider) for each in FILTERS)


def hearers(
    repositories: Repositories, alert: Alert, product: Product, build: Build, provider: str | None, rules: TellingRules
) -> Mapping[str, datetime]:
    """Channel -> when it hears of the alert: at once, or with its next digest."""
    muted = repositories.mutes.channels(product.id)
    heard: dict[str, datetime] = {}
    for subscription in repositories.subscriptions.all():
        channel, digest = subscription.channel, subscription.digest
        if channel in muted or not hears(subscription, alert, build, provider) or rules.news_denial(product, channel):
            continue
        due_at = digest.next_after(alert.created_at) if digest else alert.created_at
        heard[channel] = min(due_at, heard.get(channel, due_at))
    return heard


class Hearers:
    """`hearers`, found once for all alerts whose builds no filter tells apart: a check may bring a thousand. Of one account."""

    def __init__(self, repositories: Repositories, provider: str | None, rules: TellingRules) -> None:
        self._repositories = repositories
        self._provider = provider
        self._rules = rules
        self._known: dict[tuple[object, ...], Mapping[str, datetime]] = {}

    def of(self, alert: Alert, product: Product, build: Build) -> Mapping[str, datetime]:
        alike = alert.kind.event, alert.created_at, product.id, build.platform, build.track
        if alike not in self._known:
            self._known[alike] = hearers(self._repositories, alert, product, build, self._provider, self._rules)
        return self._known[alike]


class Listener:
    """A channel and what it wants to hear, as it is in this transaction. `rules` say what may be told where."""

    def __init__(self, repositories: Repositories, channel: str, rules: TellingRules) -> None:
        self.channel = channel
        self.subscriptions = repositories.subscriptions.of_channel(channel)
        self.mutes = repositories.mutes.of_channel(channel)
        self._providers = {health.name: health.provider for health in repositories.catalogue.health()}
        self._rules = rules

    def untold(self, product: Product, build: Build) -> Untold | None:
        """Why the channel does not hear of a build of this product; None: it does."""
        if self._rules.news_denial(product, self.channel):
            return Untold.RESTRICTED
        if any(mute.product_id == product.id for mute in self.mutes):
            return Untold.MUTED
        about = self.about(product)
        if not about:
            return Untold.NOT_SUBSCRIBED
        for each in FILTERS:
            about = [s for s in about if _lets_through(s, each, build, self._providers.get(build.account))]
            if not about:
                return each
        return None

    def about(self, product: Product | None) -> list[Subscription]:
        """The subscriptions to new builds of this product, whatever their filters; without a product, of any."""
        return _to_builds(self.subscriptions, product)


def _to_builds(subscriptions: Iterable[Subscription], product: Product | None) -> list[Subscription]:
    to_builds = [s for s in subscriptions if EventKind.NEW_BUILDS in s.kinds]
    return to_builds if product is None else [s for s in to_builds if s.product_id in (None, product.id)]


def _lets_through(subscription: Subscription, filter_: Untold, build: Build, provider: str | None) -> bool:
    match filter_:
        case Untold.PLATFORM:
            return subscription.platform in (None, build.platform)
        case Untold.PROVIDER:
            return subscription.provider in (None, provider)
        case _:
            return subscription.track is None or subscription.track in normalise(build.track)
