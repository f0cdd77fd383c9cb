"""`purser audit`: who was given which link, as a table, CSV or JSON."""

import csv
import json
import re
import sys
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TextIO

from rich.console import Console
from rich.table import Table

from bot.domain.errors import UserMistake
from bot.domain.ports import AuditLine, GrantFilter, Repositories, Store
from bot.services.audit import AuditLog
from bot.services.names import NameIndex
from bot.store import Database

Row = Mapping[str, str | int | bool | None]
COLUMNS = (
    *("at", "person", "channel", "product", "version", "number", "platform", "track", "account", "build", "grant"),
    *("given", "outcome", "opened", "expires_at", "revoked_at", "revoked_by"),
)
TABLE = ("at", "person", "channel", "product", "version", "number", "platform", "outcome", "opened")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Question:
    """The command's options, as they were typed."""

    person: str | None = None
    product: str | None = None
    since: str | None = None
    until: str | None = None
    form: str = "table"


async def audit(database_url: str, question: Question, out: TextIO = sys.stdout) -> None:
    """Writes the log, newest first. Raises UserMistake for an option that cannot be understood, StoreUnavailable."""
    async with aclosing(Database(database_url)) as store:
        now = datetime.now(UTC)
        wanted = GrantFilter(
            user=member(question.person) if question.person else None,
            product=await _product_id(store, question.product) if question.product else None,
            since=moment(question.since, now) if question.since else None,
            until=moment(question.until, now) if question.until else None,
        )
        rows = (row_of(line) async for line in AuditLog(store, lambda: now).lines(wanted))
        await _WRITERS[question.form](rows, out)


def moment(text: str, now: datetime) -> datetime:
    """A day (2026-05-01), a moment (2026-05-01T08:00Z), or how long ago (7d); in UTC unless it says otherwise. Raises
    UserMistake."""
    try:
        if match := re.fullmatch(r"([0-9]{1,6})([smhd])", text):
            return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except ValueError:
        raise UserMistake(f"{text} is no time; write 2026-05-01, 2026-05-01T08:00Z or 7d") from None
    except OverflowError:
        raise UserMistake(f"{text} is beyond the calendar, which knows the years 1 to 9999") from None


def member(text: str) -> str:
    """Raises UserMistake for what is no member ID: nobody has it, and an empty log would look like an all-clear."""
    if not re.fullmatch(r"[UW][A-Z0-9]{2,}", text):
        raise UserMistake(f"{text} is no member ID such as U0123ABCD; Slack shows it under More in the person's profile")
    return text


def row_of(line: AuditLine) -> Row:
    """A line's facts by the names of the columns. Times are ISO 8601 in UTC."""
    grant, build = line.grant, line.build
    return {
        "at": _time(grant.created_at),
        "person": grant.user,
        "channel": grant.channel,
        "product": line.product,
        "version": build.version if build else None,
        "number": build.number if build else None,
        "platform": str(build.platform) if build else None,
        "track": build.track if build else None,
        "account": build.account if build else None,
        "build": grant.build_key,
        "grant": grant.id,
        "given": grant.given,
        "outcome": "revoked" if grant.revoked_at else grant.outcome or "not_opened",
        "opened": grant.opened,
        "expires_at": _time(grant.expires_at),
        "revoked_at": _time(grant.revoked_at) if grant.revoked_at else None,
        "revoked_by": grant.revoked_by,
    }


def _time(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


async def _product_id(store: Store, name: str) -> str:
    def work(repositories: Repositories) -> str:
        index = NameIndex(repositories.catalogue.products())
        found = index.exact(name)
        if found is None:
            near = ", ".join(product.name for product in index.near(name))
            raise UserMistake(f"no product is called {name}" + (f"; did you mean {near}?" if near else ""))
        return found.id

    return await store.read(work)


async def _write_table(rows: AsyncIterator[Row], out: TextIO) -> None:
    table = Table(*TABLE, box=None, pad_edge=False, header_style="bold")
    async for row in rows:
        table.add_row(*("" if row[name] is None else printable(str(row[name])) for name in TABLE))
    if not table.row_count:
        print("No downloads in the log.", file=out)
        return
    console = Console(file=out, markup=False, highlight=False, emoji=False)
    console.print(table, soft_wrap=not console.is_terminal)


async def write_csv(rows: AsyncIterator[Row], out: TextIO) -> None:
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    async for row in rows:
        writer.writerow({name: _cell(value) for name, value in row.items()})


def _cell(value: str | int | bool | None) -> str | int | None:
    """Vendors' text stays text where a spreadsheet would compute it: https://owasp.org/www-community/attacks/CSV_Injection"""
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value}" if isinstance(value, str) and _is_computed(value) else value


def _is_computed(text: str) -> bool:
    """Spreadsheets drop white space in front, and take full-width signs for the plain ones."""
    return text.startswith(_FORMULA) or unicodedata.normalize("NFKC", text).lstrip().startswith(_FORMULA)


async def _write_json(rows: AsyncIterator[Row], out: TextIO) -> None:
    out.write("[")
    separator = "\n"
    async for row in rows:
        out.write(separator + json.dumps(row, ensure_ascii=False))
        separator = ",\n"
    out.write("\n]\n")


def printable(text: str) -> str:
    """Without what would move a terminal's cursor or colour it."""
    return "".join(_visible(text))


def _visible(text: str) -> Iterator[str]:
    for char in text:
        yield char if char.isprintable() else "\ufffd"


_WRITERS: Mapping[str, Callable[[AsyncIterator[Row], TextIO], Awaitable[None]]] = {
    "table": _write_table,
    "csv": write_csv,
    "json": _write_json,
}
