"""Whatever a vendor does wrong, each ability of each provider ends in the right error or the right facts, soon and in bounds."""

import asyncio
import re
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager, nullcontext
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from _pytest.mark.structures import ParameterSet
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.domain.ports import RegistersWebhooks
from bot.sandbox.misbehaviour import Misbehaving, Misbehaviour
from tests.contracts.conftest import Stage
from tests.contracts.contract import FACTS, OTHER, Limits, Subject, System, Target
from tests.contracts.systems import SYSTEMS, VARIANTS
from tests.contracts.troubles import ASIDE, FILE_ENDS, OTHER_TYPES, TROUBLES, Trouble, error_inside, spoiled_body

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONGEST = 10.0  # seconds that any of these may take, on a machine that does other things as well
# Bytes. Four calls may be under way at once, each with its body as bytes and as text; a file is never held as a whole.
CALL_MEMORY, FILE_MEMORY = 100_000_000, 8_000_000
WITHOUT_SUBSTITUTE = {"account", "app_id", "bundle_id", "number", "uploaded_at", "expires_at", "size", "sha256", "notes"} | {
    "file_name",
    "min_os",
    "branch",
    "commit",
}
HARMLESS = {"host", "accept", "accept-encoding", "connection", "user-agent", "range", "if-range"}


def troubles_of(system: type[System], target: Target) -> Iterator[tuple[str, Trouble]]:
    for name, trouble in (*TROUBLES.items(), ("200 with an error inside", error_inside(system))):
        if not (target.is_file and trouble.of_shape) and (name in ASIDE or not target.is_aside):
            yield name, trouble


def expected(system: type[System], target: Target, name: str, trouble: Trouble) -> str:
    """What is special about the target first, then about the system."""
    if name in target.differs:
        return target.differs[name]
    if target.is_file and name in FILE_ENDS:
        return FILE_ENDS[name]
    if name == "401 then fine" and system.renews:
        return FACTS
    return target.rephrase(trouble.ends)


def targets_of(systems: Iterable[type[System]]) -> list[ParameterSet]:
    pairs = [(system, target) for system in systems for target in system.targets]
    return [pytest.param(system, target, id=f"{system.name}-{target.name}") for system, target in pairs]


def targets(*, with_files: bool = True) -> list[ParameterSet]:
    def is_wanted(target: Target) -> bool:
        return not target.is_aside and (with_files or not target.is_file)

    return [case for case in targets_of(SYSTEMS) if is_wanted(case.values[1])]


@contextmanager
def traced(bound: int) -> Iterator[None]:
    """Fails when more than `bound` bytes are in use at any moment inside, the pretend vendor's included."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < bound
    finally:
        tracemalloc.stop()


@dataclass(frozen=True, slots=True)
class Scene:
    """A system with everything in its place, what its ability is about, and the facts that it gives while nothing is wrong."""

    stage: Stage
    subject: Subject
    facts: Any

    async def outcome(self, target: Target, limits: Limits | None) -> str:
        return await self.stage.outcome(target, self.subject, self.facts, limits)


async def made(stage: Stage, target: Target) -> Scene:
    """The facts are read once the subject is known; what registers webhooks must find none, and its facts are a word."""
    stage.system.fill()
    subject = await stage.subject()
    return Scene(stage, subject, FACTS if target.ability is RegistersWebhooks else await stage.healthy(target, subject))


MakeScene = Callable[[type[System], Target], Awaitable[Scene]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene() -> AsyncIterator[MakeScene]:
    """Vendors are served once for all that befalls one of their abilities, and calmed in between; each call has a client of its
    own. What changes the vendor has a vendor of its own each time."""
    scenes: dict[tuple[type[System], str], Scene] = {}
    async with AsyncExitStack() as stack:

        async def find(system: type[System], target: Target) -> Scene:
            key = (system, target.name)
            if key not in scenes or target.ability is RegistersWebhooks:
                scenes[key] = await made(Stage(system, stack), target)
            scenes[key].stage.calm()
            return scenes[key]

        yield find


@pytest.mark.parametrize(("system", "target"), targets_of((*SYSTEMS, *VARIANTS)))
async def test_troubles(scene: MakeScene, system: type[System], target: Target) -> None:
    """All of a target's in one test: what pytest does for each would take as long as the trouble."""
    wrong: dict[str, str] = {}
    for name, trouble in troubles_of(system, target):
        wanted = expected(system, target, name, trouble)
        outcome, asked = await met(await scene(system, target), target, trouble)
        if not (outcome == wanted or outcome.startswith(f"{wanted}: ")) or asked > trouble.asks:
            wrong[name] = f"{outcome}, asked for {asked} times; not {wanted}, {trouble.asks} times at most"
    assert wrong == {}


async def met(found: Scene, target: Target, trouble: Trouble) -> tuple[str, int]:
    """How it ends, and how often one path was asked for at most."""
    if trouble.doctor:
        found.stage.doctored.doctor(target.path, trouble.doctor)
    if trouble.kind:
        found.stage.vendor.misbehave(target.path, trouble.kind, times=trouble.times, **trouble.options)
    with traced(FILE_MEMORY if target.is_file else CALL_MEMORY) if trouble.is_heavy else nullcontext():
        async with asyncio.timeout(LONGEST):
            outcome = await found.outcome(target, trouble.limits)
    asked = Counter(request.path for request in found.stage.vendor.requests if re.search(target.path, request.path))
    return outcome, max(asked.values(), default=0)


@pytest.mark.parametrize(("system", "target"), targets(with_files=False))
async def test_values_of_other_types(scene: MakeScene, system: type[System], target: Target) -> None:
    """Every value is of another type than it was, also of those that an answer must have."""
    found = await scene(system, target)
    found.stage.doctored.doctor(target.path, spoiled_body)
    outcome = await found.outcome(target, None)
    wanted = target.differs.get(OTHER_TYPES) or target.rephrase("Confused")
    assert outcome == wanted or outcome.startswith(f"{wanted}: ")
    assert found.stage.doctored.answers


@pytest.mark.parametrize(
    ("system", "target"), [case for case in targets() if case.values[1].name.startswith(("lists ", "rereads "))]
)
async def test_optional_values_of_other_types(scene: MakeScene, system: type[System], target: Target) -> None:
    """What an answer must have is as it was, and with it all that was listed; no other fact is another one than the true one."""
    found = await scene(system, target)
    found.stage.doctored.doctor(target.path, partial(spoiled_body, spared=system.needed))
    items = as_list(await found.stage.healthy(target, found.subject))
    facts = {item.id: item for item in as_list(found.facts)}
    assert {item.id for item in items} == set(facts)
    assert found.stage.doctored.answers
    for item in items:
        for name in WITHOUT_SUBSTITUTE & {part.name for part in fields(item)}:
            assert getattr(item, name) in (None, getattr(facts[item.id], name)), name


def as_list(found: Any) -> list[Any]:
    return [*found] if isinstance(found, list) else [found]


@pytest.mark.parametrize(("system", "target"), targets())
async def test_redirect_to_another_host(scene: MakeScene, system: type[System], target: Target) -> None:
    """Calls go nowhere else. A file may lie on another host, which is shown no credential of any kind."""
    found = await scene(system, target)
    stage = found.stage
    stranger = Misbehaving(Starlette(routes=[Route("/{path:path}", welcome, methods=["GET", "HEAD", "POST", "PATCH"])]))
    stage.vendor.misbehave(target.path, Misbehaviour.REDIRECT_ELSEWHERE, url=f"{await stage.serve(stranger)}/elsewhere")
    outcome = await stage.outcome(target, found.subject, None)
    assert outcome == (OTHER if target.is_file else target.rephrase("Confused: redirected"))
    assert len(stranger.requests) == (1 if target.is_file else 0)
    for request in stranger.requests:
        assert set(request.headers) <= HARMLESS
        assert [secret for secret in stage.secrets() if secret in f"{request.path}?{request.query}"] == []


async def welcome(_request: Request) -> Response:
    return JSONResponse({"data": [], "results": {"list": []}, "channel": {}})
