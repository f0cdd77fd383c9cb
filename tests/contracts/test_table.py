"""The table of providers is whole, and true."""

import re
from pathlib import Path

import pytest

from bot.domain.ports import Provider, ReceivesWebhooks
from providers import SPECS
from tests.contracts.conftest import MakeStage
from tests.contracts.contract import ABILITIES, System
from tests.contracts.systems import SYSTEMS, VARIANTS
from tests.contracts.troubles import OTHER_TYPES, TROUBLES

every_system = pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)


def test_every_provider_is_held_to_the_contract() -> None:
    assert {system.name for system in SYSTEMS} == {*SPECS, "harbour"}


def test_the_architecture_names_every_ability() -> None:
    told = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in told.splitlines() if line.startswith("| `")]
    assert [ability.__name__ for ability in ABILITIES if not any(f"`{ability.__name__}`" in row for row in rows)] == []


@every_system
async def test_it_has_the_abilities_that_it_had(stage: MakeStage, system: type[System]) -> None:
    """One that is lost, or come by unseen, would be lost to people without a word."""
    client: Provider = await stage(system).client()
    assert {ability.__name__ for ability in ABILITIES if isinstance(client, ability)} == {
        ability.__name__ for ability in system.abilities
    }


@every_system
def test_every_ability_that_calls_is_disturbed(system: type[System]) -> None:
    assert {target.ability for target in system.targets} == system.abilities - {ReceivesWebhooks}


@pytest.mark.parametrize("system", [*SYSTEMS, *VARIANTS], ids=lambda system: system.__name__)
async def test_every_path_belongs_to_its_ability(stage: MakeStage, system: type[System]) -> None:
    """A pattern that no request matches would let every test of it pass, and a call that none matches is never tried."""
    scene = stage(system)
    scene.system.fill()
    subject = await scene.subject()
    for target in system.targets:
        before = len(scene.vendor.requests)
        await scene.healthy(target, subject)
        asked = [request.path for request in scene.vendor.requests[before:]]
        assert any(re.search(target.path, path) for path in asked), target.name
    paths = [target.path for kin in (*SYSTEMS, *VARIANTS) if kin.name == system.name for target in kin.targets]
    asked = {request.path for request in scene.vendor.requests}
    assert [path for path in asked if not any(re.search(pattern, path) for pattern in paths)] == [], "nothing disturbs these"


@every_system
def test_what_differs_is_a_trouble(system: type[System]) -> None:
    known = {*TROUBLES, "200 with an error inside", OTHER_TYPES}
    assert [name for target in system.targets for name in target.differs if name not in known] == []
