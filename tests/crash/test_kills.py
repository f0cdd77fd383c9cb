"""Random SIGKILLs: afterwards every build, and an agreement from its beginning to its end, stands exactly once in every channel
that subscribed."""

import asyncio
from random import Random

import pytest

from bot.sandbox.world import free_port

from .chaos import KILLS, SEED, storm
from .conftest import Scene
from .crew import Member, ready, working

pytestmark = [
    pytest.mark.timeout(120 + 8 * KILLS),
    pytest.mark.parametrize("seed", [SEED], ids=lambda seed: f"PURSER_SEED={seed}"),
]


async def test_one_process_on_sqlite(on_sqlite: Scene, seed: int) -> None:
    scene, random = on_sqlite, Random(seed)
    bot = Member("run", scene.environment, scene.world.folder)
    async with working(bot):
        await ready(scene.world.public_url)
        await scene.subscribe()
        await storm(scene.world, [bot], scene.uploads, KILLS, random, scene.owed)
        await scene.until_all_is_known()
        bot.kill()  # whatever is half-way now is looked at once more
        await ready(scene.world.public_url)
        await scene.until_told()
    assert scene.wrong == []
    assert scene.papers == [(1, 1, True)] * len(scene.readers)
    assert bot.ended == [0]


async def test_two_webs_two_workers_two_clocks_on_one_postgresql(on_postgres: Scene, seed: int) -> None:
    scene, random = on_postgres, Random(seed)
    second = {**scene.environment, "PORT": str(free_port())}
    crew = [
        Member(command, environment, scene.world.folder, f"{command}-{number}")
        for command in ("web", "worker", "clock")
        for number, environment in enumerate((scene.environment, second))
    ]
    async with working(*crew):
        await asyncio.gather(ready(scene.world.public_url), ready(f"http://127.0.0.1:{second['PORT']}"))
        await scene.subscribe()
        scene.uploads.one(random)  # while nobody dies
        await storm(scene.world, crew, scene.uploads, KILLS, random, scene.owed)
        await scene.until_all_is_known()
    assert scene.wrong == []
    assert scene.papers == [(1, 1, True)] * len(scene.readers)
    assert [member.ended for member in crew] == [[0]] * len(crew)
