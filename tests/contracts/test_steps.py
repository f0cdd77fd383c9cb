"""What somebody who looks on hears while an account is read."""

from datetime import timedelta

import pytest

from tests.contracts.conftest import MakeStage, Stage
from tests.contracts.contract import ACCOUNT, START, System
from tests.contracts.systems import SYSTEMS

every_system = pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)


def found(scene: Stage, operation: str) -> int:
    return sum(step.items for step in scene.steps if step.operation == operation)


@every_system
async def test_every_answer_and_everything_found_is_a_step(stage: MakeStage, system: type[System]) -> None:
    scene = stage(system)
    for name in ("Shop", "Courier"):
        app = scene.system.add_app(name)
        for number in range(12):
            scene.system.add_build(app, number, START - timedelta(minutes=number))
    client = await scene.client()
    apps = await client.list_apps()
    assert found(scene, "list apps") == len(apps) == 2
    builds = await client.list_builds(apps)
    assert found(scene, "list builds") == len(builds) == 24
    assert sum(step.requests for step in scene.steps) == len(scene.vendor.requests)
    assert {step.account for step in scene.steps} == {ACCOUNT}


@every_system
async def test_whoever_limits_requests_says_how_many_are_left(stage: MakeStage, system: type[System]) -> None:
    scene = stage(system)
    scene.system.add_app("Shop")
    await (await scene.client()).list_apps()
    told = [step.left for step in scene.steps if step.left is not None]
    assert (told != []) == (system.name == "app_store_connect")
    assert told == sorted(told, reverse=True)
