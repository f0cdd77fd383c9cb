"""`purser audit` over what people did in Slack."""

import asyncio
import csv
import io
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from bot.audit import COLUMNS, Question, Row, audit, moment, printable, row_of, write_csv
from bot.domain.errors import UserMistake
from bot.domain.model import Build, BuildState, Grant, Handover, Platform
from bot.domain.ports import AuditLine, GrantFilter
from bot.sandbox.world import World

from .conftest import Journey, asking
from .terminal import Terminal
from .test_downloading import opened

NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Log:
    """What `purser audit` writes, without its process."""

    database_url: str

    async def written(self, **options: str) -> str:
        out = io.StringIO(newline="")
        await audit(self.database_url, Question(**options), out)
        return out.getvalue()

    async def rows(self, **options: str) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(await self.written(form="json", **options))
        return found


@pytest.fixture
async def log(journey: Journey) -> Log:
    """Ada had Shop and Courier; Ben had Shop, and it was taken back."""
    slack, town = journey.world.slack, journey.world.town
    assert opened(await journey.ask("/download shop applivery"))
    assert opened(await journey.ask("/download courier ios"))
    await slack.command(town.ben, town.mobile, "/download shop appcircle")
    await slack.command(town.ben, town.mobile, "/purser revoke all")
    return Log(journey.purser.settings.environment.database_url)


async def test_filters(log: Log, world: World) -> None:
    everything = await log.rows()
    assert [(row["person"], row["product"], row["outcome"]) for row in everything] == [
        (world.town.ben.id, "Shop", "revoked"),
        (world.town.ada.id, "Courier", "not_opened"),
        (world.town.ada.id, "Shop", "not_opened"),
    ]
    assert [row["product"] for row in await log.rows(person=world.town.ada.id)] == ["Courier", "Shop"]
    assert len(await log.rows(product="acme shop")) == 2
    assert len(await log.rows(since="1h")) == 3
    assert await log.rows(until="1h") == []
    assert await log.rows(since="2999-01-01") == []


async def test_the_command(log: Log, world: World) -> None:
    """Each of its options reaches the log, and it ends with the right code."""
    terminal = Terminal(world.folder, world.environment)
    options = {"person": world.town.ben.id, "product": "shop", "since": "1h", "until": "2999-01-01"}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    outcome = await terminal.fresh.purser("audit", "--format", "csv", *words)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome == await terminal.purser("audit", "--format", "csv", *words)
    assert outcome.out == await log.written(form="csv", **options)
    assert len(outcome.out.splitlines()) == 2
    without_secrets = Terminal(world.folder, {"DATABASE_URL": world.environment["DATABASE_URL"]})
    refused = await without_secrets.purser("audit", "--product", "shpo")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == "purser: no product is called shpo; did you mean Shop?\n"


async def test_the_formats_say_the_same(log: Log) -> None:
    parsed = list(csv.DictReader(io.StringIO(await log.written(form="csv"))))
    assert [row["grant"] for row in parsed] == [row["grant"] for row in await log.rows()]
    table = (await log.written()).splitlines()
    assert table[0].split()[:4] == ["at", "person", "channel", "product"]
    assert len(table) == 4
    assert "Courier" in table[2]


async def test_an_empty_log(log: Log) -> None:
    assert await log.written(person="U0NOBODY") == "No downloads in the log.\n"
    assert await log.written(person="U0NOBODY", form="csv") == ",".join(COLUMNS) + "\n"
    assert await log.rows(person="U0NOBODY") == []


async def test_what_is_too_old_is_forgotten(log: Log, journey: Journey) -> None:
    journey.clock.advance(days=401)
    await journey.purser.jobs.defer("purge")
    for _ in range(500):
        await asyncio.sleep(0.01)
        if not await journey.purser.store.read(lambda r: r.grants.count(GrantFilter())):
            break
    assert await log.rows() == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"product": "shpo"}, "no product is called shpo; did you mean Shop?"),
        ({"since": "yesterday"}, "yesterday is no time; write 2026-05-01"),
        ({"person": "@ada"}, "@ada is no member ID such as U0123ABCD"),
        ({"since": "999999d"}, "999999d is beyond the calendar"),
    ],
)
@asking
async def test_options_that_cannot_be_understood(asked: Journey, options: dict[str, str], said: str) -> None:
    with pytest.raises(UserMistake, match=re.escape(said)):
        await Log(asked.purser.settings.environment.database_url).written(**options)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("7d", NOW - timedelta(days=7)),
        ("90m", NOW - timedelta(minutes=90)),
        ("2026-05-01", datetime(2026, 5, 1, tzinfo=UTC)),
        ("2026-05-01T08:00", datetime(2026, 5, 1, 8, tzinfo=UTC)),
        ("2026-05-01T08:00+02:00", datetime(2026, 5, 1, 6, tzinfo=UTC)),
    ],
)
def test_times(text: str, meant: datetime) -> None:
    assert moment(text, NOW) == meant


@pytest.mark.parametrize(
    "text",
    ["", "7", "7w", "d", "2026-13-01", "-7d", "999999d", "9999-12-31T23:59-14:00", "0001-01-01T00:00+14:00"],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(UserMistake):
        moment(text, NOW)


async def test_vendors_text_is_only_text(log: Log, journey: Journey) -> None:
    world = journey.world
    world.applivery.upload(world.in_applivery.shop, "=1+1;\x1b[31m", "1500")
    await journey.check("acme-applivery")
    assert opened(await journey.ask("/download shop applivery"))
    as_csv = await log.written(form="csv")
    assert next(csv.DictReader(io.StringIO(as_csv)))["version"].startswith("'=")
    assert "\x1b" not in await log.written()


@pytest.mark.parametrize("text", ["=1+1", "\n=1+1", " =1+1", "\u00a0@SUM(1)", "\uff1d1+1", "\tx", "-1", "\uff0b1"])
async def test_no_spreadsheet_computes_what_a_vendor_wrote(text: str) -> None:
    build = Build("a", "b", "c", text, Platform.IOS, "t", BuildState.READY, Handover.FILE)

    async def rows() -> AsyncIterator[Row]:
        yield row_of(AuditLine(Grant("g", "0" * 16, "U1", "C1", NOW, NOW), build, "Shop"))

    out = io.StringIO(newline="")
    await write_csv(rows(), out)
    assert next(csv.DictReader(io.StringIO(out.getvalue(), newline="")))["version"] == f"'{text}"


def test_a_row_without_its_build() -> None:
    grant = Grant("g", "0" * 16, "U1", "C1", NOW, NOW)
    assert row_of(AuditLine(grant))["version"] is None
    assert tuple(row_of(AuditLine(grant))) == COLUMNS
    build = Build("a", "b", "c", "1", Platform.IOS, "t", BuildState.READY, Handover.FILE)
    assert row_of(AuditLine(grant, build, "Shop"))["at"] == "2026-05-04T12:30:00Z"


def test_what_a_terminal_would_obey() -> None:
    assert printable("a\x1b[31mb\u202e") == "a\ufffd[31mb\ufffd"
