"""Vendors that call us: the signature first, then a check, and the channel hears of a new build once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import httpx
import pytest

from bot.sandbox.slack import Message
from bot.sandbox.vendors.base import PretendVendor, Webhook
from bot.sandbox.world import APPCIRCLE, APPLE, APPLIVERY, World

from .conftest import ACCOUNTS, Journey, lived_in
from .terminal import until

SECRETS = {account: f"the-webhook-secret-of-{account}" for account in ACCOUNTS}
NEW = "3.4.0 (1700)"


@dataclass
class Vendors:
    """What vendors do, and what the channel hears of it. Nobody here checks an account by hand."""

    journey: Journey
    http: httpx.AsyncClient

    def upload(self, account: str) -> None:
        world = self.journey.world
        match account:
            case "acme-apple":
                world.apple.upload(world.in_apple.shop, "3.4.0", "1700")
            case "acme-applivery":
                world.applivery.upload(world.in_applivery.shop, "3.4.0", "1700")
            case "acme-store":
                world.appcircle.upload(world.in_appcircle.shop, "3.4.0", "1700")

    def webhook(self, account: str) -> Webhook:
        world, secret = self.journey.world, SECRETS[account]
        match account:
            case "acme-apple":
                return world.apple.webhook(secret)
            case "acme-applivery":
                return world.applivery.webhook()
            case _:
                return world.appcircle.webhook(secret)

    async def call(self, account: str, webhook: Webhook, secret: str | None = None) -> int:
        """The status of the answer. Applivery signs nothing: its address holds the secret."""
        query = {"secret": SECRETS[account] if secret is None else secret} if account == APPLIVERY else {}
        url = f"{self.journey.world.public_url}/webhooks/{account}"
        return (await self.http.post(url, params=query, content=webhook.body, headers=webhook.headers)).status_code

    def checks(self, account: str) -> int:
        """How often the account's builds were listed."""
        world = self.journey.world
        vendors: dict[str, tuple[PretendVendor, str]] = {
            APPLE: (world.apple, "/v1/builds"),
            APPLIVERY: (world.applivery, f"/{world.in_applivery.shop.id}/builds"),
            APPCIRCLE: (world.appcircle, f"/{world.in_appcircle.shop.id}/app-versions"),
        }
        vendor, path = vendors[account]
        return sum(request.path.endswith(path) for request in vendor.requests)

    async def all_before_is_under_way(self, other_than: str) -> None:
        """Another account's webhook leads to its check: whatever was asked for before has begun by then."""
        other = APPCIRCLE if other_than == APPLE else APPLE
        before = self.checks(other)
        assert await self.call(other, self.webhook(other)) == 200
        await until(lambda: self.checks(other) > before)

    def cards(self) -> list[Message]:
        return [message for message in self.journey.in_mobile() if NEW in message.text_content]


@pytest.fixture
async def vendors(world: World) -> AsyncIterator[Vendors]:
    file = world.folder / "purser.toml"
    text = file.read_text()
    for account in ACCOUNTS:
        text = text.replace(f'name = "{account}"\n', f'name = "{account}"\nwebhook_secret = "env:{variable(account)}"\n')
    file.write_text(text)
    (world.folder / ".env").write_text("".join(f"{variable(account)}={secret}\n" for account, secret in SECRETS.items()))
    async with lived_in(world) as journey, httpx.AsyncClient(verify=False) as http:
        await journey.ask("/purser subscribe all")
        yield Vendors(journey, http)


def variable(account: str) -> str:
    return f"{account.upper().replace('-', '_')}_WEBHOOK_SECRET"


@pytest.mark.parametrize("account", ACCOUNTS)
async def test_webhook_and_poll_together_tell_once(vendors: Vendors, account: str) -> None:
    vendors.upload(account)
    calls = [vendors.call(account, vendors.webhook(account)) for _ in range(3)]
    statuses = (await asyncio.gather(*calls, vendors.journey.purser.sync.account(account)))[:3]
    assert statuses == [200, 200, 200]
    await until(vendors.cards)  # nobody delivers by hand
    await vendors.all_before_is_under_way(account)
    await vendors.journey.check()
    (card,) = vendors.cards()
    assert "Download" in [button.label for button in card.buttons]


@pytest.mark.parametrize("account", [APPLE, APPCIRCLE])
async def test_a_delivery_that_is_repeated_checks_nothing_again(vendors: Vendors, account: str) -> None:
    before, webhook = vendors.checks(account), vendors.webhook(account)
    for _ in range(3):
        assert await vendors.call(account, webhook) == 200
        await vendors.all_before_is_under_way(account)
    assert vendors.checks(account) == before + 1


async def test_what_cannot_be_known_as_a_repetition_is_told_once_all_the_same(vendors: Vendors) -> None:
    """Applivery's deliveries have no id."""
    vendors.upload(APPLIVERY)
    webhook = vendors.webhook(APPLIVERY)
    for _ in range(3):
        assert await vendors.call(APPLIVERY, webhook) == 200
        await vendors.all_before_is_under_way(APPLIVERY)
    await until(vendors.cards)
    await vendors.journey.check()
    assert len(vendors.cards()) == 1


async def test_uploads_that_never_became_builds_are_told_with_what_is_wrong(vendors: Vendors) -> None:
    """Apple's call does not say of which app."""
    world = vendors.journey.world
    apps = [world.apple.add_app(name, f"com.acme.{name.lower()}") for name in ("Atlas", "Beacon", "Compass")]
    await vendors.journey.check()
    for app in apps:
        world.apple.fail_upload(app, "3.4.0", "1700", [("90717", "Invalid App Store Icon.")])
    told = {"oldState": "PROCESSING", "newState": "FAILED"}
    assert await vendors.call(APPLE, world.apple.webhook(SECRETS[APPLE], attributes=told)) == 200
    await until(lambda: len(vendors.cards()) == len(apps))
    for card in vendors.cards():
        assert "failed (Invalid App Store Icon.)" in card.text_content
        assert "Download" not in [button.label for button in card.buttons]


async def test_what_is_not_signed_by_the_vendor_is_refused(vendors: Vendors) -> None:
    before = [vendors.checks(account) for account in (APPLIVERY, APPCIRCLE)]
    for account in ACCOUNTS:
        webhook = vendors.webhook(account)
        backwards = {name: value[::-1] for name, value in webhook.headers.items()}
        attempts = [(replace(webhook, headers=backwards), "guess"), (replace(webhook, headers={}), "")]
        attempts += [(replace(webhook, body=webhook.body + b" "), "")]
        assert [await vendors.call(account, attempt, secret) for attempt, secret in attempts] == [401, 401, 401]
    await vendors.all_before_is_under_way(APPLIVERY)
    assert [vendors.checks(account) for account in (APPLIVERY, APPCIRCLE)] == before


async def test_an_account_that_nobody_configured(vendors: Vendors) -> None:
    url = f"{vendors.journey.world.public_url}/webhooks/nobody"
    assert (await vendors.http.post(url, content=b"{}")).status_code == 404


async def test_without_a_secret_nobody_is_believed(journey: Journey) -> None:
    webhook = journey.world.appcircle.webhook("")
    async with httpx.AsyncClient(verify=False) as http:
        url = f"{journey.world.public_url}/webhooks/{APPCIRCLE}"
        assert (await http.post(url, content=webhook.body, headers=webhook.headers)).status_code == 401
