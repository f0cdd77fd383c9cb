"""Facts to store, and short ways to store them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from bot.domain.model import Alert, AlertKind, App, Build, BuildState, Delivery, DeliveryState, Handover, Platform, Product
from bot.domain.ports import Repositories
from bot.store.connect import open_engine, parse_url

NOW = datetime(2026, 5, 4, 12, 30, 15, 123456, tzinfo=UTC)
APPLE, STORE = "acme-apple", "acme-store"
PROVIDERS = {APPLE: "app_store_connect", STORE: "appcircle"}

IOS = Build(
    account=APPLE,
    app_id="app-1",
    id="1",
    version="3.2.0",
    platform=Platform.IOS,
    track="TestFlight",
    state=BuildState.READY,
    handover=Handover.PAGE,
    number="418",
    uploaded_at=NOW,
)


def ios(id: str, **changes: Any) -> Build:
    return replace(IOS, id=id, **changes)


def android(id: str, **changes: Any) -> Build:
    elsewhere = replace(IOS, account=STORE, platform=Platform.ANDROID, track="Enterprise store", handover=Handover.FILE)
    return replace(elsewhere, id=id, **changes)


def deliveries_due(repositories: Repositories, now: datetime) -> list[Delivery]:
    """What waits in channels and whose time has come, the oldest first."""
    channels = repositories.outbox.channels_due(now)
    waiting = [delivery for channel in channels for delivery in repositories.outbox.open_in(channel)]
    ready = (delivery for delivery in waiting if delivery.state is DeliveryState.PENDING and delivery.due_at <= now)
    return sorted(ready, key=lambda delivery: delivery.due_at)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def add_shop(repositories: Repositories) -> Product:
    """A product with an app in each of two accounts."""
    product = repositories.catalogue.add_product("Shop", ["store"])
    for account, provider in PROVIDERS.items():
        repositories.catalogue.register_account(account, provider)
        repositories.catalogue.save_app(App(account, "app-1", "Shop", "com.acme.shop"), product.id, NOW)
    return product


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """A transaction beside the store, for what only another version or a person would do."""
    engine = open_engine(parse_url(url), foreign_keys=False)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def new_build_alert(fingerprint: str = "new:1", **changes: Any) -> Alert:
    return replace(Alert(fingerprint, AlertKind.NEW_BUILD, APPLE, NOW), **changes)
