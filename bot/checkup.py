"""`purser sync`: one full check of the accounts now, a line for each while it is read, and a table of what was found."""

import asyncio

from rich.console import Console

from bot.progress import AccountLines
from bot.remedies import UNLISTED, problem, remedy
from bot.report import Row, print_rows
from bot.services.sync import SyncReport
from bot.workshop import Configured, Workshop, chosen_accounts

HEAD = Row("account", f"{'apps':>7}{'builds':>9}{'alerts':>9}")


async def sync_now(settings: Configured, account: str | None) -> bool:
    """False when an account was not read. Raises UserMistake for an account that is not configured, StoreUnavailable."""
    names = [each.name for each in chosen_accounts(settings, account)]
    lines = AccountLines(names)
    async with Workshop(settings, watch=lines.watch) as workshop:
        await workshop.register()
        with lines:
            reports = await asyncio.gather(*(_check(workshop, name, lines) for name in names))
        unlisted = await workshop.unlisted()
    products = [Row(name, f"no account lists {', '.join(apps)}", UNLISTED) for name, apps in unlisted.items()]
    print_rows(Console(), [HEAD, *map(_row, reports), *products])
    return all(_was_read(report) for report in reports)


async def _check(workshop: Workshop, name: str, lines: AccountLines) -> SyncReport:
    report = await workshop.sync.account(name, full=True)
    lines.end(name, "" if _was_read(report) else _row(report).says)
    return report


def _was_read(report: SyncReport) -> bool:
    return report.failure is None and not report.was_left_alone


def _row(report: SyncReport) -> Row:
    if report.failure:
        return Row(report.account, f"could not be read: {problem(report.failure)}", remedy(report.failure))
    if report.was_left_alone:
        return Row(
            report.account, "was not read: the few requests that its vendor still allows are kept for clicks", "try again later"
        )
    counts = f"{report.apps:>7,}{report.builds:>9,}{report.news:>9,}"
    if not report.unread:
        return Row(report.account, counts)
    apps = f"{len(report.unread):,} app{'' if len(report.unread) == 1 else 's'}"
    first = next(iter(report.unread.values()))
    return Row(report.account, f"{counts}  {apps} could not be read: {problem(first)}", remedy(first))
