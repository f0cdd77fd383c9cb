"""`purser sync`: one full check of the accounts now, with a progress bar and a table of what was found."""

import asyncio

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from bot.app import Configured, Workshop
from bot.domain.errors import UserMistake
from bot.remedies import UNLISTED, problem, remedy
from bot.report import Row, print_rows
from bot.services.sync import SyncReport

HEAD = Row("account", f"{'apps':>7}{'builds':>9}{'alerts':>9}")


async def sync_now(settings: Configured, account: str | None) -> bool:
    """False when an account could not be read. Raises UserMistake for an account that is not configured, StoreUnavailable."""
    names = [each.name for each in settings.accounts if account in (None, each.name)]
    if not names:
        known = ", ".join(each.name for each in settings.accounts)
        raise UserMistake(f"no account is called {account}; {settings.config_file.name} has {known}")
    async with Workshop(settings) as workshop:
        await workshop.register()
        reports = await _check(workshop, names)
        unlisted = await workshop.unlisted()
    products = [Row(name, f"no account lists {', '.join(apps)}", UNLISTED) for name, apps in unlisted.items()]
    print_rows(Console(), [HEAD, *map(_row, reports), *products])
    return all(report.failure is None for report in reports)


async def _check(workshop: Workshop, names: list[str]) -> list[SyncReport]:
    terminal = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as progress:
        bar = progress.add_task("accounts", total=len(names))

        async def one(name: str) -> SyncReport:
            report = await workshop.sync.account(name, full=True)
            progress.advance(bar)
            return report

        return await asyncio.gather(*map(one, names))


def _row(report: SyncReport) -> Row:
    if report.failure:
        return Row(report.account, f"could not be read: {problem(report.failure)}", remedy(report.failure))
    return Row(report.account, f"{report.apps:>7,}{report.builds:>9,}{report.news:>9,}")
