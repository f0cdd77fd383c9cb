"""`purser sync`: one full check of the accounts now, with a progress bar and a table of what was found."""

import asyncio

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from bot.app import Configured, Workshop
from bot.domain.errors import UserMistake
from bot.services.sync import SyncReport


async def sync_now(settings: Configured, account: str | None) -> bool:
    """False when an account could not be read. Raises UserMistake for an account that is not configured."""
    names = [each.name for each in settings.accounts if account in (None, each.name)]
    if not names:
        raise UserMistake(f"no account is called {account}; configured: {', '.join(a.name for a in settings.accounts)}")
    errors = Console(stderr=True)
    async with Workshop(settings) as workshop:
        await workshop.register()
        with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=errors) as progress:
            bar = progress.add_task("accounts", total=len(names))

            async def one(name: str) -> SyncReport:
                report = await workshop.sync.account(name, full=True)
                progress.advance(bar)
                return report

            reports = await asyncio.gather(*(one(name) for name in names))
    Console().print(_table(reports))
    return all(report.failure is None for report in reports)


def _table(reports: list[SyncReport]) -> Table:
    table = Table("account", "apps", "builds", "alerts", "result", box=None, pad_edge=False)
    for report in reports:
        result = str(report.failure) if report.failure else "well"
        table.add_row(report.account, str(report.apps), str(report.builds), str(report.news), result)
    return table
