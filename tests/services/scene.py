"""Checks of two accounts, and what the channels of a pretend Slack hear of them."""

from dataclasses import dataclass, field, replace

from bot.domain.digest import Digest
from bot.domain.model import App, Build, DeliveryState, EventKind, Handover, Platform, Product, Subscription
from bot.sandbox.slack import Message, PretendSlack
from bot.sandbox.slack.workspace import Channel
from bot.services.access import Access, Rules
from bot.services.alerts import AlertDelivery
from bot.services.sync import Sync
from bot.store import Database
from bot.views import alerts
from bot.views.bundle import bundle
from handlers.messenger import SlackMessenger, web_client
from handlers.people import SlackSharedChannels

from .conftest import NOON, Deferred, Everyone, Shelf, StoppedClock, make_build, shelf


@dataclass
class Scene:
    """Shop, on iOS in Apple's account and on Android in Applivery's. Nothing is delivered before `deliver`."""

    slack: PretendSlack
    store: Database
    clock: StoppedClock
    apple: Shelf
    applivery: Shelf
    rules: Rules = field(default_factory=Rules)

    def delivery(self) -> AlertDelivery:
        client = web_client(self.slack.bot_token, self.slack.api_url)
        access = Access(Everyone(), self.rules, shared=SlackSharedChannels(client, self.clock))
        return AlertDelivery(
            self.store,
            SlackMessenger(client),
            alerts.card,
            alerts.line,
            {},
            self.clock,
            pace=0,
            render_list=bundle,
            rules=self.rules,
            is_shared=access.is_shared,
        )

    async def deliver(self) -> int:
        return await self.delivery().deliver_due()

    async def check(self) -> None:
        providers = {each.account: each for each in (self.apple, self.applivery)}
        sync = Sync(self.store, providers, (), Deferred(), self.clock, rules=self.rules)
        for account in providers:
            await sync.account(account)

    def upload(self, id: str, *, to: Shelf | None = None, app: int = 0, **facts: object) -> Build:
        """A build that the next check finds; `app` counts the apps of the account."""
        account = to or self.apple
        is_android = account is self.applivery
        android: dict[str, object] = {"platform": Platform.ANDROID, "track": "", "handover": Handover.FILE}
        standard: dict[str, object] = {"uploaded_at": self.clock(), **(android if is_android else {})}
        build = make_build(account.apps[app], id, **(standard | facts))
        account.builds.insert(0, build)
        return build

    def change(self, build: Build, **facts: object) -> Build:
        """What the vendor says of a build from now on."""
        changed = replace(build, **facts)  # type: ignore[arg-type]
        account = next(each for each in (self.apple, self.applivery) if build in each.builds)
        account.builds[account.builds.index(build)] = changed
        return changed

    def channel(self, name: str = "mobile", **facts: object) -> Channel:
        return self.slack.workspace.channels.get(f"C0{name.upper()}") or self.slack.workspace.add_channel(name, **facts)

    async def subscribe(
        self, channel: Channel, *, by: str = "U0ADA", digest: Digest | None = None, **filters: object
    ) -> Subscription:
        facts: dict[str, object] = {"kinds": frozenset(EventKind), "created_by": by, "created_at": self.clock()}
        wanted = Subscription(f"s-{channel.id}-{filters}", channel.id, digest=digest, **(facts | filters))  # type: ignore[arg-type]
        await self.store.write(lambda r: r.subscriptions.add(wanted))
        return wanted

    async def product(self, name: str = "Shop") -> Product:
        products = await self.store.read(lambda r: r.catalogue.products())
        return next(product for product in products if product.name == name)

    async def outcomes(self, channel: Channel) -> list[tuple[DeliveryState, str | None]]:
        """Oldest first."""
        last = await self.store.read(lambda r: r.told.last(channel.id, 1000))
        return [(delivery.state, delivery.reason) for delivery in reversed(last)]

    def said(self, channel: Channel) -> list[Message]:
        return [message for message in self.slack.messages(channel) if not message.is_ephemeral]


async def set_scene(slack: PretendSlack, store: Database, clock: StoppedClock) -> Scene:
    """Both accounts were read once, an hour ago."""
    apple = await shelf(store, "acme-apple", "app_store_connect", App("acme-apple", "1", "Shop", "com.acme.shop"))
    applivery = await shelf(store, "acme-applivery", "applivery", App("acme-applivery", "a1", "Shop", "com.acme.shop"))
    scene = Scene(slack, store, clock, apple, applivery)
    await scene.check()
    clock.advance(hours=1)
    assert clock() > NOON
    return scene
