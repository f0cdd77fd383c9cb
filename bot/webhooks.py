"""`purser webhooks sync`: sees to it that vendors call Purser, and says where only a person can."""

import asyncio
from collections.abc import Container, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from rich.console import Console

from bot.domain.errors import ProviderError
from bot.domain.ports import RegistersWebhooks, WebhookRegistration
from bot.mistakes import ConfigurationError, Mistake
from bot.remedies import problem, remedy
from bot.report import LONGEST_LABEL, Row, print_rows
from bot.workshop import Configured, chosen_accounts, connect_providers, utc_now, webhook_pages

_EXAMPLE = "PUBLIC_URL=https://purser.example.com"
_UNACCEPTABLE = ("http_400", "http_409", "http_422")  # what Apple answers when it dislikes an attribute


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of the webhooks of one account; `failure`: not even its apps could be listed."""

    account: str
    apps: Sequence[WebhookRegistration] = ()
    failure: ProviderError | None = None

    @property
    def is_well(self) -> bool:
        return self.failure is None and all(each.failure is None for each in self.apps)


async def sync_webhooks(settings: Configured, account: str | None) -> bool:
    """Prints what became of each app's webhook. False when one failed.

    Raises UserMistake for an account that is not configured, ConfigurationError for what must be set before.
    """
    names = [each.name for each in chosen_accounts(settings, account)]
    async with AsyncExitStack() as stack:
        providers = connect_providers(settings, utc_now)
        for provider in providers.values():
            stack.push_async_callback(provider.aclose)
        able = {name: provider for name in names if isinstance(provider := providers[name], RegistersWebhooks)}
        _require(settings, able)
        addresses = {name: f"{settings.environment.public_url}/webhooks/{name}" for name in names}
        with Console(stderr=True).status("Registering webhooks"):
            results = await asyncio.gather(*(_registered(name, able[name], addresses[name]) for name in able))
    by_hand = [_by_hand(settings, name, addresses[name]) for name in names if name not in able]
    print_rows(Console(), [*_table(results), *by_hand])
    return all(result.is_well for result in results)


def _require(settings: Configured, able: Container[str]) -> None:
    """Raises ConfigurationError when the `able` accounts cannot be called, whatever their vendors do."""
    mistakes = tuple(_mistakes(settings, [account.name for account in settings.accounts if account.name in able]))
    if mistakes:
        raise ConfigurationError(mistakes)


def _mistakes(settings: Configured, able: Sequence[str]) -> Iterator[Mistake]:
    url = settings.environment.public_url
    if url is None:
        yield Mistake("PUBLIC_URL", "is not set: the address at which vendors reach Purser", _EXAMPLE)
    elif able and not url.startswith("https://"):
        yield Mistake("PUBLIC_URL", "must start with https:// for vendors to call it", _EXAMPLE)
    for name in able:
        if not _has_secret(settings, name):
            what = "has no webhook_secret, with which its vendor would sign; set it, or choose others with --account"
            yield Mistake(f"{settings.config_file.name}, account {name}", what, 'webhook_secret = "env:WEBHOOK_SECRET"')


def _has_secret(settings: Configured, name: str) -> bool:
    return any(getattr(account, "webhook_secret", None) for account in settings.accounts if account.name == name)


async def _registered(name: str, provider: RegistersWebhooks, address: str) -> Registered:
    try:
        return Registered(name, await provider.register_webhooks(address))
    except ProviderError as error:
        return Registered(name, failure=error)


# --- The report -------------------------------------------------------------------------------


def _table(results: Sequence[Registered]) -> Iterator[Row]:
    names = [each.app.name for result in results for each in result.apps]
    width = min(max(map(len, ["app", *names])), LONGEST_LABEL)
    if names:
        yield Row("account", f"{'app':<{width}}  webhook")
    for result in results:
        by_name = sorted(result.apps, key=lambda each: each.app.name.casefold())
        yield from (_row(result.account, each, width) for each in by_name)
        if result.failure:
            yield Row(result.account, f"could not be read: {problem(result.failure)}", remedy(result.failure))
        elif not result.apps:
            yield Row(result.account, "has no apps")


def _row(account: str, registration: WebhookRegistration, width: int) -> Row:
    app, failure = f"{registration.app.name:<{width}}", registration.failure
    if failure is None:
        return Row(account, f"{app}  {registration.outcome}")
    return Row(account, f"{app}  {registration.outcome}: {problem(failure)}", _mend(failure))


def _mend(failure: ProviderError) -> str:
    if failure.reason in _UNACCEPTABLE:
        return "the vendor does not take what it was told: check PUBLIC_URL and webhook_secret"
    return remedy(failure)


def _by_hand(settings: Configured, name: str, address: str) -> Row:
    page = webhook_pages(settings).get(name)
    if page is None:
        return Row(name, "its vendor calls nobody: what is new there is found by polling")
    if not _has_secret(settings, name):
        return Row(
            name,
            "takes no calls: it has no webhook_secret",
            "set it, then look here again; until then, polling finds what is new",
        )
    return Row(name, "its vendor has no API for this; once, by hand:", page.format(address=address))
