"""Our clock is ten minutes away from the vendor's. Apple alone reads times that we wrote; nobody else notices."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from bot.domain.errors import RateLimited
from bot.sandbox.misbehaviour import Misbehaviour
from tests.contracts.conftest import MakeStage
from tests.contracts.contract import FACTS, System, Target
from tests.contracts.systems import SYSTEMS

TEN_MINUTES = timedelta(minutes=10)
every_target = pytest.mark.parametrize(
    ("system", "target"),
    [
        pytest.param(system, target, id=f"{system.name}-{target.name}")
        for system in SYSTEMS
        for target in system.targets
        if not target.is_aside
    ],
)


@every_target
@pytest.mark.parametrize("ahead", [TEN_MINUTES, -TEN_MINUTES], ids=["ten minutes ahead", "ten minutes behind"])
async def test_clock(stage: MakeStage, system: type[System], target: Target, ahead: timedelta) -> None:
    scene = stage(system)
    scene.system.fill()
    subject = await scene.subject()
    healthy = await scene.healthy(target, subject)
    scene.clock.now += ahead
    outcome = await scene.outcome(target, subject, healthy)
    if system.reads_our_times and ahead > timedelta(0):
        assert outcome.lower() == "refused: unauthorized"  # a token from the future
    else:
        assert outcome == FACTS


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
async def test_doctor_can_tell(stage: MakeStage, system: type[System]) -> None:
    """The probe hands on the vendor's Date, so that a clock that is wrong is found."""
    found = (await (await stage(system).client()).probe()).server_time
    assert found is not None
    assert abs(found - datetime.now(UTC)) < TEN_MINUTES


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
async def test_a_date_to_retry_after_is_read_by_the_vendors_clock(stage: MakeStage, system: type[System]) -> None:
    scene = stage(system)
    moment = format_datetime((datetime.now(UTC) + timedelta(minutes=2)).replace(microsecond=0), usegmt=True)
    scene.vendor.misbehave(system.targets[0].path, Misbehaviour.RATE_LIMITED, retry_after=moment)
    with pytest.raises(RateLimited) as caught:
        await (await scene.client()).list_apps()
    assert caught.value.retry_after is not None
    assert abs(caught.value.retry_after - timedelta(minutes=2)) < timedelta(seconds=20)
