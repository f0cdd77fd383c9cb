"""What a web process tells of the whole."""

from random import Random

import httpx
from prometheus_client.parser import text_string_to_metric_families

from bot.sandbox.world import free_port

from .chaos import SEED
from .conftest import Scene
from .crew import Member, ready, working


async def samples(address: str) -> dict[tuple[str, ...], float]:
    """(name, label values) -> value."""
    async with httpx.AsyncClient(trust_env=False) as http:
        text = (await http.get(f"{address}/metrics")).text
    families = text_string_to_metric_families(text)
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


async def test_polls_and_deliveries(on_sqlite: Scene) -> None:
    scene = on_sqlite
    async with working(Member("run", scene.environment, scene.world.folder)):
        await ready(scene.world.public_url)
        await scene.subscribe()
        scene.uploads.one(Random(SEED))
        await scene.until_told()
        found = await samples(scene.world.public_url)
        assert found["purser_database_up",] == 1
        assert 0 <= found["purser_poll_age_seconds", "acme-apple"] < 10
        assert found["purser_deliveries", "sent"] == sum(1 for _ in scene.counts())
        assert found["purser_deliveries", "pending"] == found["purser_oldest_pending_alert_seconds",] == 0
        assert found["purser_links_minted",] == 0
        scene.world.slack.fail("chat.postMessage", "internal_error", times=100)
        scene.uploads.one(Random(SEED))
        await scene.until_pending()
        found = await samples(scene.world.public_url)
        assert found["purser_deliveries", "pending"] + found["purser_deliveries", "sending"] > 0
        assert 0 < found["purser_oldest_pending_alert_seconds",] < 10


async def test_what_workers_ask_of_vendors_is_told_by_them(on_postgres: Scene) -> None:
    scene, port = on_postgres, free_port()
    environment, folder = scene.environment, scene.world.folder
    worker = Member("worker", {**environment, "METRICS_PORT": str(port)}, folder)
    async with working(worker, Member("clock", environment, folder)):
        await ready(f"http://127.0.0.1:{port}")
        await scene.until_read()
        found = await samples(f"http://127.0.0.1:{port}")
        assert found["purser_provider_requests_total", "acme-apple", "list apps", "ok"] >= 1
        assert found["purser_database_up",] == 1
        async with httpx.AsyncClient(trust_env=False) as http:
            assert (await http.get(f"http://127.0.0.1:{port}/d/nonsense")).status_code == 404
    assert worker.ended == [0]
