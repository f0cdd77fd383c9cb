"""Whatever a vendor does wrong, each ability of each provider ends in the right error or the right facts, soon and in bounds."""

import asyncio
import re
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest
from _pytest.mark.structures import ParameterSet
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.misbehaviour import Misbehaving, Misbehaviour
from tests.contracts.conftest import MakeStage
from tests.contracts.contract import FACTS, LESS, OTHER, System, Target
from tests.contracts.systems import SYSTEMS, VARIANTS
from tests.contracts.troubles import ASIDE, FILE_ENDS, TROUBLES, Trouble, error_inside, spoiled_body

LONGEST = 10.0  # seconds that any of these may take, on a machine that does other things as well
# Bytes. Four calls may be under way at once, each with its body as bytes and as text; a file is never held as a whole.
CALL_MEMORY, FILE_MEMORY = 100_000_000, 8_000_000
HARMLESS = {"host", "accept", "accept-encoding", "connection", "user-agent", "range", "if-range"}


def cases() -> Iterator[ParameterSet]:
    for system in (*SYSTEMS, *VARIANTS):
        for target in system.targets:
            for name, trouble in (*TROUBLES.items(), ("200 with an error inside", error_inside(system))):
                if not (target.is_file and trouble.of_shape) and (name in ASIDE or not target.is_aside):
                    yield pytest.param(system, target, name, trouble, id=f"{system.name}-{target.name}-{name}")


def expected(system: type[System], target: Target, name: str, trouble: Trouble) -> str:
    """What is special about the target first, then about the system."""
    if name in target.differs:
        return target.differs[name]
    if target.is_file and name in FILE_ENDS:
        return FILE_ENDS[name]
    if name == "401 then fine" and system.renews:
        return FACTS
    return target.rephrase(trouble.ends)


def targets(*, with_files: bool = True) -> list[ParameterSet]:
    pairs = [(system, target) for system in SYSTEMS for target in system.targets if not target.is_aside]
    pairs = [(system, target) for system, target in pairs if with_files or not target.is_file]
    return [pytest.param(system, target, id=f"{system.name}-{target.name}") for system, target in pairs]


@contextmanager
def traced(bound: int) -> Iterator[None]:
    """Fails when more than `bound` bytes are in use at any moment inside, the pretend vendor's included."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < bound
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("system", "target", "name", "trouble"), list(cases()))
async def test_trouble(stage: MakeStage, system: type[System], target: Target, name: str, trouble: Trouble) -> None:
    scene = stage(system)
    scene.system.fill()
    subject = await scene.subject()
    wanted = expected(system, target, name, trouble)
    healthy = await scene.healthy(target, subject) if wanted in (FACTS, LESS) else None
    before = len(scene.vendor.requests)
    if trouble.doctor:
        scene.doctored.doctor(target.path, trouble.doctor)
    if trouble.kind:
        scene.vendor.misbehave(target.path, trouble.kind, times=trouble.times, **trouble.options)
    with traced(FILE_MEMORY if target.is_file else CALL_MEMORY) if trouble.is_heavy else nullcontext():
        async with asyncio.timeout(LONGEST):
            outcome = await scene.outcome(target, subject, healthy, trouble.limits)
    assert outcome == wanted or outcome.startswith(f"{wanted}: ")
    asked = Counter(request.path for request in scene.vendor.requests[before:] if re.search(target.path, request.path))
    assert max(asked.values(), default=0) <= trouble.asks


@pytest.mark.parametrize(("system", "target"), targets(with_files=False))
async def test_values_of_other_types(stage: MakeStage, system: type[System], target: Target) -> None:
    """Every value is of another type than it was. What is optional counts as absent, what is not is Confused."""
    scene = stage(system)
    scene.system.fill()
    subject = await scene.subject()
    scene.doctored.doctor(target.path, spoiled_body)
    assert await scene.outcome(target, subject, None) != FACTS
    assert scene.doctored.answers


@pytest.mark.parametrize(("system", "target"), targets())
async def test_redirect_to_another_host(stage: MakeStage, system: type[System], target: Target) -> None:
    """Calls go nowhere else. A file may lie on another host, which is shown no credential of any kind."""
    scene = stage(system)
    scene.system.fill()
    subject = await scene.subject()
    stranger = Misbehaving(Starlette(routes=[Route("/{path:path}", welcome, methods=["GET", "HEAD", "POST", "PATCH"])]))
    scene.vendor.misbehave(target.path, Misbehaviour.REDIRECT_ELSEWHERE, url=f"{await scene.serve(stranger)}/elsewhere")
    outcome = await scene.outcome(target, subject, None)
    assert outcome == (OTHER if target.is_file else target.rephrase("Confused: redirected"))
    assert len(stranger.requests) == (1 if target.is_file else 0)
    for request in stranger.requests:
        assert set(request.headers) <= HARMLESS
        assert [secret for secret in scene.secrets() if secret in f"{request.path}?{request.query}"] == []


async def welcome(_request: Request) -> Response:
    return JSONResponse({"data": [], "results": {"list": []}, "channel": {}})
