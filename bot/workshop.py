"""Accounts and the store, without Slack: what the whole rests on, and all that commands need which do one thing and end."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Self

from bot.config import Settings, load
from bot.domain.errors import UserMistake
from bot.domain.ports import Jobs, Provider, Repositories, Step
from bot.services.access import Rules
from bot.services.products import ConfiguredProduct, unlisted
from bot.services.sync import Sync
from bot.store import Database
from providers import SPECS
from providers.spec import (
    AccountSettings,
    Observation,
    ProviderSpec,
    SecretSources,
    Surroundings,
    unobserved,
    unwatched,
)

Configured = Settings[AccountSettings]
Specs = Mapping[str, ProviderSpec]


def load_settings(environ: Mapping[str, str], cwd: Path, specs: Specs = SPECS) -> Configured:
    """Raises ConfigurationError."""
    return load(environ, specs, cwd, SecretSources)


def utc_now() -> datetime:
    return datetime.now(UTC)


class Workshop:
    """Accounts and the store without Slack, for commands that do one thing and end."""

    def __init__(
        self,
        settings: Configured,
        clock: Callable[[], datetime] = utc_now,
        watch: Callable[[Step], None] = unwatched,
    ) -> None:
        self.store = Database(settings.environment.database_url)
        self.providers = connect_providers(settings, clock, watch=watch)
        self.sync = new_sync(settings, self.store, self.providers, NoJobs(), clock)
        self._accounts = settings.accounts
        self._products = products_of(settings)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for provider in self.providers.values():
            await provider.aclose()
        await self.store.aclose()

    async def register(self) -> None:
        """Accounts must be known before they are checked. Raises StoreUnavailable."""
        await self.store.write(partial(register_accounts, accounts=self._accounts))

    async def unlisted(self) -> Mapping[str, Sequence[str]]:
        """The apps of `[[products]]` that no account lists, by product. Raises StoreUnavailable."""
        return await self.store.read(lambda r: unlisted(r.catalogue, self._products))


class NoJobs:
    """Leaves what follows to the running bot: deliveries wait in the store."""

    async def defer(self, task: str, key: str = "") -> None:
        """Does nothing."""


def chosen_accounts(settings: Configured, name: str | None) -> Sequence[AccountSettings]:
    """The account of this name; None: all. Raises UserMistake when no account is called so."""
    found = [account for account in settings.accounts if name in (None, account.name)]
    if not found:
        known = ", ".join(account.name for account in settings.accounts)
        raise UserMistake(f"no account is called {name}; {settings.config_file.name} has {known}")
    return found


def webhook_pages(settings: Configured, specs: Specs = SPECS) -> Mapping[str, str]:
    """Account -> where a person enters the webhook's `{address}`; only of vendors that have no API for that."""
    pages = {account.name: specs[account.provider].webhooks_by_hand for account in settings.accounts}
    return {name: page for name, page in pages.items() if page}


def connect_providers(
    settings: Configured,
    clock: Callable[[], datetime],
    specs: Specs = SPECS,
    observe: Callable[[Observation], None] = unobserved,
    watch: Callable[[Step], None] = unwatched,
) -> Mapping[str, Provider]:
    """One client per configured account, by account name. Opens no connection yet."""
    surroundings = Surroundings(clock, observe, watch)
    return {
        account.name: specs[account.provider].connect(account, replace(surroundings, homes=addresses_of(account)))
        for account in settings.accounts
    }


def new_sync(
    settings: Configured, store: Database, providers: Mapping[str, Provider], jobs: Jobs, clock: Callable[[], datetime]
) -> Sync:
    """The checks of accounts; what follows from one is deferred to `jobs`."""
    return Sync(
        store,
        providers,
        products_of(settings),
        jobs,
        clock,
        owners=settings.purser.owners,
        poll_every=settings.purser.poll_every,
        rules=rules_of(settings),
    )


def rules_of(settings: Configured) -> Rules:
    """Who may ask for what, as configured."""
    products = products_of(settings)
    return Rules(
        guests=settings.purser.guests,
        external=settings.purser.external,
        owners=frozenset(settings.purser.owners),
        channels={product.name: product.channels for product in products if product.channels},
        groups={product.name: product.groups for product in products if product.groups},
        apps={app: product.name for product in products for app in product.apps},
    )


def products_of(settings: Configured) -> list[ConfiguredProduct]:
    """The `[[products]]` of the configuration."""
    return [ConfiguredProduct(p.name, p.aliases, p.apps, p.allow_channels, p.allow_groups) for p in settings.products]


def addresses_of(account: AccountSettings) -> list[str]:
    """Where an account's vendor lives, as configured or by default."""
    return [value for value in account.model_dump().values() if isinstance(value, str) and value.startswith("http")]


def register_accounts(repositories: Repositories, accounts: Iterable[AccountSettings]) -> None:
    """Accounts must be known to the store before they are checked."""
    for account in accounts:
        repositories.catalogue.register_account(account.name, account.provider)
