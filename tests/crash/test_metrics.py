"""What a web process tells of the whole."""

from random import Random

import httpx
from prometheus_client.parser import text_string_to_metric_families

from .chaos import SEED
from .conftest import Scene
from .crew import Member, ready, working


async def samples(scene: Scene) -> dict[tuple[str, ...], float]:
    """(name, label values) -> value."""
    async with httpx.AsyncClient(trust_env=False) as http:
        text = (await http.get(f"{scene.world.public_url}/metrics")).text
    families = text_string_to_metric_families(text)
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


async def test_polls_and_deliveries(on_sqlite: Scene) -> None:
    scene = on_sqlite
    async with working(Member("run", scene.environment, scene.world.folder)):
        await ready(scene.world.public_url)
        await scene.subscribe()
        scene.uploads.one(Random(SEED))
        await scene.until_told()
        found = await samples(scene)
        assert found["purser_database_up",] == 1
        assert 0 <= found["purser_poll_age_seconds", "acme-apple"] < 10
        assert found["purser_deliveries", "sent"] == sum(1 for _ in scene.counts())
        assert found["purser_deliveries", "pending"] == found["purser_oldest_pending_alert_seconds",] == 0
        assert found["purser_links_minted",] == 0
        scene.world.slack.fail("chat.postMessage", "internal_error", times=100)
        scene.uploads.one(Random(SEED))
        await scene.until_pending()
        found = await samples(scene)
        assert found["purser_deliveries", "pending"] + found["purser_deliveries", "sending"] > 0
        assert 0 < found["purser_oldest_pending_alert_seconds",] < 10
