"""PostgreSQL stops in the middle, and comes back."""

import asyncio
import os
from random import Random

import httpx
import pytest

from ..store.postgres import Postgres
from .chaos import SEED
from .conftest import Scene
from .crew import Member, is_ready, ready, working

AWAY = float(os.environ.get("PURSER_AWAY") or 4)  # seconds
IN_TIME = 10.0


@pytest.mark.timeout(120 + AWAY)
@pytest.mark.parametrize("seed", [SEED], ids=lambda seed: f"PURSER_SEED={seed}")
async def test_nothing_is_lost_nobody_restarts_and_all_end_in_time(on_postgres: Scene, postgres: Postgres, seed: int) -> None:
    scene, random = on_postgres, Random(seed)
    crew = [Member(command, scene.environment, scene.world.folder) for command in ("web", "worker", "clock")]
    async with working(*crew), httpx.AsyncClient(trust_env=False) as http:
        await ready(scene.world.public_url)
        await scene.subscribe()
        for _ in range(3):
            scene.uploads.one(random)
        await asyncio.sleep(random.uniform(0.5, 2))  # some are told, some are half-way
        postgres.stop()
        try:
            scene.uploads.one(random)
            assert not await is_ready(http, scene.world.public_url)
            answer = await scene.world.slack.command(scene.world.town.ada, scene.world.town.mobile, "/versions shop")
            assert "My database does not answer. Nothing is lost" in answer.text_content
            metrics = await http.get(f"{scene.world.public_url}/metrics")
            assert (metrics.status_code, "purser_database_up 0.0" in metrics.text) == (200, True)
            await asyncio.sleep(AWAY)
        finally:
            postgres.start()
        scene.uploads.one(random)
        await scene.until_told()
        await ready(scene.world.public_url)
        assert [member.ended for member in crew] == [[], [], []]
        postgres.stop()
        try:
            assert max(await asyncio.gather(*(member.end() for member in crew))) < IN_TIME
        finally:
            postgres.start()
    assert [member.ended for member in crew] == [[0], [0], [0]]
    assert scene.wrong == []
