"""One person pressing Download many times at once: on both databases, because only one of them has a single writer."""

import asyncio

import pytest

from bot.domain.answers import Ticket
from bot.domain.errors import Unreachable
from bot.store import Database
from tests.services.conftest import StoppedClock
from tests.services.test_links import BUILD, Desk, RereadingStreamer, Streamer, blocked_for, ticket_for

AT_ONCE = 16


@pytest.fixture
async def desk(store: Database) -> Desk:
    desk = Desk(store, StoppedClock())
    await desk.save(BUILD)
    return desk


async def test_no_more_links_than_one_may_have(desk: Desk) -> None:
    links = desk.links(Streamer(), per_hour=3)
    answers = await asyncio.gather(*(links.grant("U1", "C1", BUILD.key) for _ in range(AT_ONCE)))
    assert sum(isinstance(answer, Ticket) for answer in answers) == 3
    assert sum(grant.given for grant in await desk.log()) == 3


async def test_clicks_that_lead_nowhere_wait_as_one(desk: Desk) -> None:
    vendor = RereadingStreamer(failure=Unreachable("vendor", "acme", "reread build", "connect"))
    links = desk.links(vendor)
    await asyncio.gather(*(blocked_for(links) for _ in range(AT_ONCE)))
    (waiting,) = await desk.log()
    assert (waiting.given, waiting.asked) == (False, AT_ONCE)


async def test_try_again_pressed_twice_at_once(desk: Desk) -> None:
    vendor = RereadingStreamer(failure=Unreachable("vendor", "acme", "reread build", "connect"))
    links = desk.links(vendor)
    await blocked_for(links)
    vendor.failure = None
    one, two = await asyncio.gather(ticket_for(links), ticket_for(links))
    assert one.grant.id != two.grant.id
    assert len(await desk.log()) == 2
