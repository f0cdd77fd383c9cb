"""What lists tell when nothing is wrong: order, pages, nothing at all, one thing, and words that nobody has heard yet."""

import json
import random
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from bot.domain.errors import Confused
from bot.domain.listing import gaps_of
from bot.domain.ports import ListsApps, ListsBuilds, ListsExpiries, MintsLinks, RereadsBuilds
from tests.contracts.conftest import MakeStage, Stage
from tests.contracts.contract import (
    START,
    Run,
    System,
    Target,
    change_webhooks,
    list_builds,
    list_expiries,
    list_failed_uploads,
    mint_link,
)
from tests.contracts.doctored import Doctor
from tests.contracts.systems import SYSTEMS, AppleSystem, AppliverySystem

MOST_PAGES = 500
every_system = pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
with_pages = pytest.mark.parametrize(
    ("system", "ability"),
    [
        pytest.param(system, ability, id=f"{system.name}-{ability.__name__}")
        for system in SYSTEMS
        for ability in (ListsApps, ListsBuilds, ListsExpiries)
        if ability in system.pages
    ],
)


listing = pytest.mark.parametrize(
    ("system", "ability"),
    [
        pytest.param(system, ability, id=f"{system.name}-{ability.__name__}")
        for system in SYSTEMS
        for ability in (ListsApps, ListsBuilds, ListsExpiries)
        if ability in system.abilities
    ],
)


def target_of(system: type[System], ability: type) -> Target:
    return next(target for target in system.targets if target.ability is ability)


def fill(scene: Stage, ability: type, count: int) -> None:
    """`count` of what the ability lists, in no order."""
    system = scene.system
    ages = random.Random(count).sample(range(count), count)
    if ability is ListsApps:
        for number in range(count):
            system.add_app(f"App {number:03}")
    elif ability is ListsBuilds:
        app = system.add_app("Shop")
        for age in ages:
            system.add_build(app, count - age, START - timedelta(minutes=age))
    else:
        system.add_expiries(count)


async def read(scene: Stage, ability: type, known: Collection[str] = ()) -> Sequence[Any]:
    client = await scene.client()
    if ability is ListsApps:
        return await client.list_apps()
    if ability is ListsExpiries:
        return await client.list_expiries()
    apps = await client.list_apps()
    scene.vendor.requests.clear()
    return await client.list_builds(apps, known)


def pages_read(scene: Stage, ability: type) -> int:
    target = target_of(type(scene.system), ability)
    return sum(1 for request in scene.vendor.requests if re.search(target.path, request.path))


@every_system
async def test_builds_of_all_apps_come_newest_first(stage: MakeStage, system: type[System]) -> None:
    scene = stage(system)
    for name in ("Shop", "Courier"):
        app = scene.system.add_app(name)
        for age in random.Random(name).sample(range(40), 12):
            scene.system.add_build(app, 100 - age, START - timedelta(hours=age))
    moments = [build.uploaded_at for build in await read(scene, ListsBuilds)]
    assert len(moments) == 24
    assert moments == sorted(moments, reverse=True)


@with_pages
async def test_all_pages_are_read(stage: MakeStage, system: type[System], ability: type) -> None:
    scene, count = stage(system), system.pages[ability] * 2 + 1
    fill(scene, ability, count)
    found = await read(scene, ability)
    assert len({item.id for item in found}) == len(found) == count
    assert pages_read(scene, ability) >= 3


@with_pages
async def test_a_page_that_repeats_ends_the_reading(stage: MakeStage, system: type[System], ability: type) -> None:
    """Whatever a vendor says of a next page: one that brings nothing new is the last, and not the end of the list."""
    scene, size = stage(system), system.pages[ability]
    fill(scene, ability, size * 3)
    kept: dict[str, bytes] = {}
    scene.doctored.doctor(target_of(system, ability).path, lambda body: kept.setdefault("first", body))
    found = await read(scene, ability)
    assert len(found) == size
    assert pages_read(scene, ability) <= 2
    assert [error.reason for error in gaps_of(found).values()] == ["endless_pages"]


def without_end(system: type[System], ids: Collection[str]) -> Doctor:
    """Every answer is the first one with ids that nobody has seen, and another page behind it."""
    first: list[bytes] = []
    numbers = count(1)
    known = re.compile("|".join(map(re.escape, ids)).encode())

    def doctor(body: bytes) -> bytes:
        first.append(body)
        suffix = str(next(numbers)).encode()
        page = known.sub(lambda found: found[0] + suffix, first[0])
        return json.dumps(system.going_on(json.loads(page), json.loads(body))).encode()

    return doctor


@pytest.mark.parametrize(
    ("system", "ability"),
    # A provider's lists are read by the same lines, and this takes as many requests as they allow.
    [
        pytest.param(system, ListsBuilds if ListsBuilds in system.pages else ListsApps, id=system.name)
        for system in SYSTEMS
        if system.pages
    ],
)
async def test_a_list_that_never_ends_ends_all_the_same(stage: MakeStage, system: type[System], ability: type) -> None:
    """Each page brings what is new, and says that there is more: what was read stands, and that it is not all is told."""
    scene = stage(system)
    fill(scene, ability, system.pages[ability] if system.fills_pages else 1)
    facts = await read(scene, ability)
    scene.vendor.requests.clear()
    scene.doctored.doctor(target_of(system, ability).path, without_end(system, [fact.id for fact in facts]))
    found = await read(scene, ability)
    assert 2 <= pages_read(scene, ability) <= MOST_PAGES
    assert len({item.id for item in found}) == len(facts) * pages_read(scene, ability)
    assert {error.reason for error in gaps_of(found).values()} == {"endless_pages"}


@pytest.mark.parametrize("system", [s for s in SYSTEMS if ListsBuilds in s.pages], ids=lambda system: system.name)
async def test_reading_stops_at_the_first_page_that_is_known(stage: MakeStage, system: type[System]) -> None:
    scene, size = stage(system), system.pages[ListsBuilds]
    fill(scene, ListsBuilds, size * 3)
    known = {build.id for build in await read(scene, ListsBuilds)}
    assert len(await read(scene, ListsBuilds, known)) == size
    assert pages_read(scene, ListsBuilds) == 1


@every_system
async def test_nothing_is_no_failure(stage: MakeStage, system: type[System]) -> None:
    scene = stage(system)
    client = await scene.client()
    assert await client.list_apps() == []
    assert list(await client.list_builds([])) == []
    assert (await client.probe()).summary
    if ListsExpiries in system.abilities:
        assert list(await client.list_expiries()) == []


@every_system
async def test_an_app_without_builds(stage: MakeStage, system: type[System]) -> None:
    scene = stage(system)
    scene.system.add_app("Shop")
    assert await read(scene, ListsBuilds) == []


def singled(value: Any) -> Any:
    """As some serialisers write it: a list of one is that one."""
    if isinstance(value, list):
        items = [singled(item) for item in value]
        return items[0] if len(items) == 1 else items
    return {name: singled(inner) for name, inner in value.items()} if isinstance(value, dict) else value


def over_json(change: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    return lambda body: json.dumps(change(json.loads(body))).encode()


@listing
async def test_one_element_as_an_object(stage: MakeStage, system: type[System], ability: type) -> None:
    """Where lists are known to be written so, it is that element; elsewhere it is a shape that nobody knows."""
    scene = stage(system)
    fill(scene, ability, 1)
    facts = await read(scene, ability)
    scene.doctored.doctor(target_of(system, ability).path, over_json(singled))
    if system.one_is_an_object:
        assert await read(scene, ability) == facts
    else:
        with pytest.raises(Confused):
            await read(scene, ability)


@pytest.mark.parametrize(
    ("system", "name", "run"),
    [
        (AppleSystem, "mints a link, its group", mint_link),
        (AppleSystem, "lists expiries, profiles", list_expiries),
        (AppleSystem, "lists failed uploads", list_failed_uploads),
        (AppleSystem, "registers webhooks", change_webhooks),
        (AppliverySystem, "lists publications", list_builds),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_one_element_as_an_object_in_lists_beside_them(stage: MakeStage, system: type[System], name: str, run: Run) -> None:
    scene = stage(system)
    scene.system.fill()
    subject = await scene.subject()
    target = next(replace(target, run=run) for target in system.targets if target.name == name)
    scene.doctored.doctor(target.path, over_json(singled))
    assert (await scene.outcome(target, subject, None)).startswith(target.rephrase("Confused"))


@every_system
async def test_words_from_the_future(stage: MakeStage, system: type[System]) -> None:
    """An unknown word costs the fact that it stands for, and no other."""
    scene = stage(system)
    scene.system.fill()
    facts = await read(scene, ListsBuilds)
    scene.doctored.doctor("", over_json(system.unheard))
    found = await read(scene, ListsBuilds)
    assert found
    assert {build.id for build in found} <= {build.id for build in facts}
    assert {build.version for build in found} <= {build.version for build in facts}
    assert "other" in {fact.value for build in found for fact in (build.platform, build.state)}


@pytest.mark.parametrize("system", [s for s in SYSTEMS if ListsExpiries in s.abilities], ids=lambda system: system.name)
async def test_words_from_the_future_about_what_expires(stage: MakeStage, system: type[System]) -> None:
    scene = stage(system)
    scene.system.fill()
    facts = await read(scene, ListsExpiries)
    scene.doctored.doctor("", over_json(system.unheard))
    assert [(found.id, found.expires_at) for found in await read(scene, ListsExpiries)] == [
        (fact.id, fact.expires_at) for fact in facts
    ]


@every_system
async def test_words_from_the_future_hinder_no_link_and_no_rereading(stage: MakeStage, system: type[System]) -> None:
    """They end as the missing fact ends: in another state, or in no link; never in a shape that is not understood."""
    scene = stage(system)
    scene.system.fill()
    subject = await scene.subject()
    scene.doctored.doctor("", over_json(system.unheard))
    for target in system.targets:
        if target.ability in (RereadsBuilds, MintsLinks):
            assert not (await scene.outcome(target, subject, None)).startswith("Confused"), target.name
