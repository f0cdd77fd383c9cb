"""SIGTERM, as in a rolling restart: what is in flight ends or is handed back, and the web goes on answering."""

import asyncio
from random import Random
from urllib.parse import urlsplit

from bot.sandbox.slack import Message
from bot.sandbox.world import free_port

from ..journeys.terminal import until
from ..store.postgres import Postgres
from .chaos import SEED
from .conftest import Scene
from .crew import Member, ready, working

IN_TIME = 10.0  # seconds: whoever stops a container kills it then


async def test_a_message_that_is_on_its_way_is_told_once(scene: Scene) -> None:
    """Slack is asked and does not answer while the process is told to end."""
    commands = ("run",) if scene.url.startswith("sqlite") else ("web", "worker", "clock")
    crew = [Member(command, scene.environment, scene.world.folder) for command in commands]
    async with working(*crew):
        await ready(scene.world.public_url)
        await scene.subscribe()
        hanging = scene.world.slack.api.faults
        hanging.hang("chat.postMessage", times=3)
        scene.uploads.one(Random(SEED))
        await until(lambda: hanging.waits("chat.postMessage") < 3)
        assert max(await asyncio.gather(*(member.end() for member in crew))) < IN_TIME
        assert [member.ended for member in crew] == [[0]] * len(crew)
    hanging.clear()
    hanging.release()
    again = [Member(command, scene.environment, scene.world.folder) for command in commands]
    async with working(*again):
        await scene.until_told()
    assert scene.wrong == []


async def test_one_process_on_postgresql_ends_in_time_with_everything_under_way(on_postgres: Scene) -> None:
    """Somebody's request never ends, and Slack does not answer."""
    scene = on_postgres
    bot = Member("run", scene.environment, scene.world.folder)
    async with working(bot):
        await ready(scene.world.public_url)
        await scene.subscribe()
        hanging = scene.world.slack.api.faults
        hanging.hang("chat.postMessage", times=3)
        scene.uploads.one(Random(SEED))
        await until(lambda: hanging.waits("chat.postMessage") < 3)
        address = urlsplit(scene.world.public_url)
        _, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(b"POST /slack/events HTTP/1.1\r\nHost: purser\r\nContent-Length: 99\r\n\r\n{")
        await writer.drain()
        assert await bot.end() < IN_TIME - 1
        assert bot.ended == [0]
        writer.close()


async def test_a_postgresql_that_stands_still_holds_nobody_up(on_postgres: Scene, postgres: Postgres) -> None:
    """It answers nothing any more, and breaks no connection either: what waits for it would wait for ever."""
    bot = Member("run", on_postgres.environment, on_postgres.world.folder)
    async with working(bot):
        await ready(on_postgres.world.public_url)
        await on_postgres.until_read()
        with postgres.frozen():
            await asyncio.sleep(1.5)  # every account is to be read meanwhile
            assert await bot.end() < IN_TIME
    assert bot.ended == [0]


async def test_the_web_goes_on_answering(on_postgres: Scene) -> None:
    """A new process takes over before the old one is told to end, as every platform's rolling restart does."""
    scene, town = on_postgres, on_postgres.world.town
    second = {**scene.environment, "PORT": str(free_port())}
    address = f"http://127.0.0.1:{second['PORT']}"
    others = [Member(command, scene.environment, scene.world.folder) for command in ("worker", "clock")]
    old = Member("web", scene.environment, scene.world.folder, "web-1")
    new = Member("web", second, scene.world.folder, "web-2")
    async with working(*others, old, new):
        await asyncio.gather(ready(scene.world.public_url), ready(address))
        await scene.until_read()
        asking = [asyncio.create_task(scene.world.slack.command(town.ada, town.mobile, "/versions shop")) for _ in range(20)]
        await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)  # all have arrived, most are not answered
        scene.world.slack.bot_url = f"{address}/slack/events"
        assert await old.end() < IN_TIME
        asking += [asyncio.create_task(scene.world.slack.command(town.ada, town.mobile, "/versions shop")) for _ in range(20)]
        answers: list[Message] = await asyncio.gather(*asking)
    assert ["Shop" in answer.text_content for answer in answers] == [True] * 40
