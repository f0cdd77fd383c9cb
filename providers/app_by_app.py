"""Builds of vendors who list them for one app at a time: what ails one app costs the account only that app."""

from collections.abc import Awaitable, Callable, Iterable, Sequence

from bot.domain.errors import Confused, NotFound, ProviderError, Refused
from bot.domain.listing import ITSELF, Listing, gaps_of
from bot.domain.model import App, Build
from providers.concurrency import map_bounded

_OF_ONE_APP = (Refused, NotFound, Confused)
OF_THE_KEY = frozenset({"unauthorized", "bad_credential"})


async def read_each(
    read: Callable[[App], Awaitable[Sequence[Build]]], apps: Sequence[App], operation: str, at_once: int = 4
) -> Listing[Build]:
    """The builds of all apps, in the order of the apps; an app whose `operation` failed, or whose list has a gap, is a gap.

    Raises ProviderError: what concerns the whole account, as it is, and the first failure where every app fails.
    """
    failures: list[ProviderError] = []

    async def attempt(app: App) -> Sequence[Build]:
        try:
            return await read(app)
        except _OF_ONE_APP as error:
            if error.operation != operation or error.reason in OF_THE_KEY:
                raise
            failures.append(error)
            return Listing((), {ITSELF: error})

    found = await map_bounded(attempt, apps, at_once)
    if failures and len(failures) == len(apps):
        raise failures[0] from failures[0].__cause__
    gaps = {app.id: gaps_of(builds)[ITSELF] for app, builds in zip(apps, found, strict=True) if ITSELF in gaps_of(builds)}
    return Listing((build for builds in found for build in builds), gaps)


def in_order(found: Listing[Build], order: Callable[[Iterable[Build]], list[Build]]) -> Listing[Build]:
    """The same with the builds as `order` puts them."""
    return Listing(order(found), found.gaps)
