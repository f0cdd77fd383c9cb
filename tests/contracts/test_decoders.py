"""Every pure decoder of every provider, found by its name: for any input whatever it returns sound facts or raises Confused."""

import asyncio
import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

import providers
from bot.domain.errors import Confused
from bot.domain.model import App, Build, Platform
from tests.contracts.conftest import Stage
from tests.contracts.contract import System
from tests.contracts.sixth import harbour
from tests.contracts.systems import SYSTEMS
from tests.providers.json_values import ANY_JSON, places, replaced

PACKAGES = [*(importlib.import_module(f"providers.{name}") for name in providers.SPECS), harbour]
PAYLOADS = Path(__file__).parents[1] / "providers" / "payloads"
ANY_TEXT = st.text() | st.text("0123456789 :+-,;=%MayTueGPDST", max_size=60)
# How arguments are made, by their names. A decoder with another one makes `test_every_decoder_can_be_fed` fail.
ARGUMENTS: dict[str, st.SearchStrategy[Any]] = {
    "body": ANY_JSON,
    "payload": ANY_JSON,
    "manifest": st.binary() | st.just(b"<plist><dict><key>items</key><array><dict/></array></dict></plist>"),
    "header": ANY_TEXT,
    "text": ANY_TEXT | st.none(),
    "set_cookie": st.lists(ANY_TEXT | ANY_TEXT.map(lambda text: f"AtmoAuthToken_acme={text}"), max_size=3),
    "status": st.integers(200, 599),
    "tenant": st.just("acme"),
    "before": st.none(),
}
CONSTANTS = {
    "account": "acme",
    "operation": "list builds",
    "app_id": "app.acme",
    "prefix": "dist:",
    "platform": Platform.IOS,
    "app": App("acme", "1", "Shop"),
    "read": lambda resource, _included: resource.id,
    "status": 200,
}
DOCUMENTS = {"body", "payload"}
SPOILED = ANY_JSON | st.sampled_from(
    ["\x00", "a\x00b", "\ud800", 2**70, -1, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "", " ", [[]]]
)
Decoder = Callable[..., Any]


def modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(package.__path__):
        yield importlib.import_module(f"{package.__name__}.{found.name}")


def decoders() -> Iterator[tuple[str, Decoder]]:
    """Public functions called `read_...` or `classify`, where they are defined. A `classify` of a tenant makes one."""
    for package in PACKAGES:
        for module in modules(package):
            for name, function in inspect.getmembers(module, inspect.isfunction):
                if function.__module__ == module.__name__ and (name.startswith("read_") or name == "classify"):
                    tenant_first = "tenant" in inspect.signature(function).parameters and name == "classify"
                    yield f"{module.__name__}.{name}", function("acme") if tenant_first else function


ARGUMENTS |= {name: st.just(constant) for name, constant in CONSTANTS.items() if name not in ARGUMENTS}
DECODERS = dict(decoders())
# One thing is made for all decoders of a package: making it takes longer than what they do with it.
every_package = pytest.mark.parametrize("package", [package.__name__ for package in PACKAGES])


def parameters(decoder: Decoder) -> list[str]:
    return list(inspect.signature(decoder).parameters)


def nouns(found: Any) -> Iterator[Any]:
    """The domain's objects in what a decoder returns."""
    if isinstance(found, (list, tuple)):
        for item in found:
            yield from nouns(item)
    elif is_dataclass(found) and not isinstance(found, type):
        if type(found).__module__.startswith("bot.domain"):
            yield found
        for part in fields(found):
            yield from nouns(getattr(found, part.name))


def check_noun(noun: Any) -> None:
    """What a database takes, and what the rest of Purser relies on."""
    for part in fields(noun):
        fact = getattr(noun, part.name)
        if isinstance(fact, str):
            assert "\x00" not in fact, part.name
            fact.encode()
        if isinstance(fact, datetime):
            assert fact.utcoffset() == timedelta(0)
        if isinstance(fact, int):
            assert abs(fact) < 2**63
    if isinstance(noun, Build):
        assert noun.id
        assert noun.app_id
        assert noun.version


def decoders_of(package: str) -> Mapping[str, Decoder]:
    return {name: decoder for name, decoder in DECODERS.items() if name.startswith(f"{package}.")}


def decode(name: str, arguments: Mapping[str, Any]) -> None:
    decoder = DECODERS[name]
    note(name)
    try:
        found = decoder(**{parameter: arguments[parameter] for parameter in parameters(decoder)})
    except Confused:
        return
    for noun in nouns(found):
        check_noun(noun)


def test_every_provider_has_decoders() -> None:
    for package in PACKAGES:
        mine = [name for name in DECODERS if name.startswith(f"{package.__name__}.wire.read_")]
        assert mine, f"{package.__name__}.wire reads nothing; the recipe wants read_...(body, account, operation)"


def test_every_decoder_can_be_fed() -> None:
    unknown = {name: [each for each in parameters(decoder) if each not in ARGUMENTS] for name, decoder in DECODERS.items()}
    assert {name: wanted for name, wanted in unknown.items() if wanted} == {}


@every_package
@given(arguments=st.fixed_dictionaries(ARGUMENTS))
def test_anything_at_all(package: str, arguments: Mapping[str, Any]) -> None:
    for name in decoders_of(package):
        decode(name, arguments)


# --- true answers, spoiled in one place -------------------------------------------------------------


async def answers_of(system: type[System]) -> list[Any]:
    """Every JSON document that the pretend vendor sends while all abilities are used once."""
    async with AsyncExitStack() as stack:
        scene = Stage(system, stack)
        scene.system.fill()
        scene.doctored.doctor("", bytes)
        subject = await scene.subject()
        for target in system.targets:
            await scene.healthy(target, subject)
        return [json.loads(answer) for answer in scene.doctored.answers if answer.startswith((b"{", b"["))]


class Answers:
    """By the system's name. Hypothesis prints every argument of a failure: these are too many."""

    def __init__(self, by_system: Mapping[str, list[Any]]) -> None:
        self._by_system = by_system

    def __repr__(self) -> str:
        return "answers"

    def of(self, package: str) -> list[Any]:
        return next(found for name, found in self._by_system.items() if package.endswith(f".{name}"))


@pytest.fixture(scope="module")
def answers() -> Answers:
    """Those that were recorded come along."""
    found = {system.name: asyncio.run(answers_of(system)) for system in SYSTEMS}
    for path in PAYLOADS.glob("*.json"):
        name = next(name for name in found if path.name.startswith(name))
        found[name].append(json.loads(path.read_bytes()))
    return Answers(found)


@every_package
@given(answer=st.integers(0, 99), place=st.integers(0, 9_999), value=SPOILED)
def test_one_thing_that_is_wrong(package: str, answer: int, place: int, value: Any, answers: Answers) -> None:
    documents = answers.of(package)
    document = documents[answer % len(documents)]
    if inside := places(document):
        document = replaced(document, inside[place % len(inside)], value)
    for name, decoder in decoders_of(package).items():
        if DOCUMENTS & {*parameters(decoder)}:
            decode(name, {parameter: CONSTANTS.get(parameter, document) for parameter in parameters(decoder)})
