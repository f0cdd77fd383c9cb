"""Taking back a link whose file is on its way, from another process: on both databases."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.model import OPENING
from bot.domain.ports import GrantFilter
from bot.services.tokens import LinkRevoked
from bot.services.transfers import LOOK_EVERY, Transfers
from bot.store import Database
from tests.services.conftest import StoppedClock

from .facts import NOW, hours
from .test_grants import GRANT, add


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
async def elsewhere(url: str) -> AsyncIterator[Database]:
    """The same database, as another process has it."""
    database = Database(url)
    yield database
    await database.aclose()


async def endless() -> AsyncIterator[bytes]:
    while True:
        yield b"bytes"


async def begun(store: Database, elsewhere: Database, clock: StoppedClock) -> AsyncIterator[bytes]:
    await add(store, GRANT)
    await elsewhere.write(lambda r: r.grants.open_once("g1", OPENING, 5, NOW))
    chunks = Transfers(elsewhere, clock).until_revoked("g1", endless())
    assert await anext(chunks) == b"bytes"
    return chunks


async def test_it_ends_when_another_process_takes_the_link_back(
    store: Database, elsewhere: Database, clock: StoppedClock
) -> None:
    chunks = await begun(store, elsewhere, clock)
    await store.write(lambda r: r.grants.revoke(["g1"], "U9", NOW))
    assert await anext(chunks) == b"bytes", "the store is not asked for every chunk"
    clock.now += LOOK_EVERY
    with pytest.raises(LinkRevoked):
        await anext(chunks)


async def test_it_goes_on_while_nobody_takes_it_back(store: Database, elsewhere: Database, clock: StoppedClock) -> None:
    chunks = await begun(store, elsewhere, clock)
    for _ in range(3):
        clock.now += LOOK_EVERY
        assert await anext(chunks) == b"bytes"


async def test_another_transfer_of_the_link_that_ends_does_not_put_it_out_of_reach(
    store: Database, elsewhere: Database, clock: StoppedClock
) -> None:
    chunks = await begun(store, elsewhere, clock)
    await store.write(lambda r: r.grants.note("g1", "streamed"))
    clock.now += LOOK_EVERY
    await anext(chunks)
    later = NOW + hours(2)
    found = await store.read(lambda r: r.grants.find(GrantFilter(live_at=later)))
    assert [line.grant.id for line in found] == ["g1"], "its minutes are over, its file is on its way"


async def test_a_store_that_is_gone_ends_no_download(tmp_path: Path, clock: StoppedClock) -> None:
    chunks = Transfers(Database(f"sqlite:///{tmp_path}/nothing.db"), clock).until_revoked("g1", endless())
    await anext(chunks)
    clock.now += LOOK_EVERY
    assert await anext(chunks) == b"bytes"
