"""`purser audit`, in a process of its own, over what people did in Slack."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.audit import COLUMNS, Row, moment, printable, row_of, write_csv
from bot.domain.errors import UserMistake
from bot.domain.model import Build, BuildState, Grant, Handover, Platform
from bot.domain.ports import AuditLine, GrantFilter
from bot.sandbox.world import World

from .conftest import Journey
from .terminal import Terminal
from .test_downloading import opened

NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)


@pytest.fixture
async def log(journey: Journey) -> Terminal:
    """Ada had Shop and Courier; Ben had Shop, and it was taken back."""
    slack, town = journey.world.slack, journey.world.town
    assert opened(await journey.ask("/download shop applivery"))
    assert opened(await journey.ask("/download courier ios"))
    await slack.command(town.ben, town.mobile, "/download shop appcircle")
    await slack.command(town.ben, town.mobile, "/purser revoke all")
    return Terminal(journey.world.folder, journey.world.environment)


async def rows(log: Terminal, *options: str) -> list[dict[str, object]]:
    outcome = await log.purser("audit", "--format", "json", *options)
    assert (outcome.code, outcome.err) == (0, "")
    found: list[dict[str, object]] = json.loads(outcome.out)
    return found


async def test_filters(log: Terminal, world: World) -> None:
    everything = await rows(log)
    assert [(row["person"], row["product"], row["outcome"]) for row in everything] == [
        (world.town.ben.id, "Shop", "revoked"),
        (world.town.ada.id, "Courier", "not_opened"),
        (world.town.ada.id, "Shop", "not_opened"),
    ]
    assert [row["product"] for row in await rows(log, "--person", world.town.ada.id)] == ["Courier", "Shop"]
    assert len(await rows(log, "--product", "acme shop")) == 2
    assert len(await rows(log, "--since", "1h")) == 3
    assert await rows(log, "--until", "1h") == []
    assert await rows(log, "--since", "2999-01-01") == []


async def test_the_formats_say_the_same(log: Terminal) -> None:
    as_csv = await log.purser("audit", "--format", "csv")
    parsed = list(csv.DictReader(io.StringIO(as_csv.out)))
    assert [row["grant"] for row in parsed] == [row["grant"] for row in await rows(log)]
    table = (await log.purser("audit")).out.splitlines()
    assert table[0].split()[:4] == ["at", "person", "channel", "product"]
    assert len(table) == 4
    assert "Courier" in table[2]


async def test_an_empty_log(log: Terminal) -> None:
    outcome = await log.purser("audit", "--person", "U0NOBODY")
    assert outcome.out == "No downloads in the log.\n"
    assert (await log.purser("audit", "--person", "U0NOBODY", "--format", "csv")).out == ",".join(COLUMNS) + "\n"
    assert await rows(log, "--person", "U0NOBODY") == []


async def test_what_is_too_old_is_forgotten(log: Terminal, journey: Journey) -> None:
    journey.clock.advance(days=401)
    await journey.purser.jobs.defer("purge")
    for _ in range(500):
        await asyncio.sleep(0.01)
        if not await journey.purser.store.read(lambda r: r.grants.count(GrantFilter())):
            break
    assert await rows(log) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--product", "shpo"), "no product is called shpo; did you mean Shop?"),
        (("--since", "yesterday"), "yesterday is no time; write 2026-05-01"),
        (("--person", "@ada"), "@ada is no member ID such as U0123ABCD"),
        (("--since", "999999d"), "999999d is beyond the calendar"),
    ],
)
async def test_options_that_cannot_be_understood(log: Terminal, options: tuple[str, ...], said: str) -> None:
    outcome = await log.purser("audit", *options)
    assert outcome.code == 2
    assert said in outcome.err


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


async def test_vendors_text_is_only_text(log: Terminal, journey: Journey) -> None:
    world = journey.world
    world.applivery.upload(world.in_applivery.shop, "=1+1;\x1b[31m", "1500")
    await journey.check("acme-applivery")
    assert opened(await journey.ask("/download shop applivery"))
    as_csv = (await log.purser("audit", "--format", "csv")).out
    assert next(csv.DictReader(io.StringIO(as_csv)))["version"].startswith("'=")
    assert "\x1b" not in (await log.purser("audit")).out


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
