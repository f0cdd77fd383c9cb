"""providers/ADDING.md, enforced: what every provider package has, and what it leaves alone."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import providers
from bot.domain.ports import ListsApps, ListsBuilds, Probes, ReceivesWebhooks, RegistersWebhooks
from providers.spec import AccountSettings

ROOT = Path(providers.__file__).parent
PROJECT = ROOT.parent
SHARED = sorted(path.stem for path in ROOT.glob("*.py") if path.stem != "__init__")

every_spec = pytest.mark.parametrize("spec", providers.SPECS.values(), ids=lambda spec: spec.name)


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_every_package_is_switched_on() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages == set(providers.SPECS)


@every_spec
def test_the_same_job_has_the_same_file(spec: Any) -> None:
    package = ROOT / spec.name
    assert (package / "client.py").is_file()
    assert (package / "wire.py").is_file()
    assert (PROJECT / "bot/sandbox/vendors" / f"{spec.name}.py").is_file()
    assert (PROJECT / "tests/providers" / f"test_{spec.name}.py").is_file()


@every_spec
def test_it_keeps_to_itself(spec: Any) -> None:
    allowed = ("bot.domain.", f"providers.{spec.name}", *(f"providers.{name}" for name in SHARED))
    for path in (ROOT / spec.name).glob("*.py"):
        for name in imports(path):
            inside = name.split(".")[0] in ("bot", "handlers", "providers")
            assert not inside or name.startswith(allowed), f"{path.name} imports {name}"


@every_spec
def test_its_wire_knows_no_network_and_no_clock(spec: Any) -> None:
    names = set(imports(ROOT / spec.name / "wire.py"))
    assert not {name for name in names if name.split(".")[0] in ("httpx", "asyncio", "time")}
    assert not {name for name in names if name.startswith("providers.http")}


@every_spec
def test_its_settings_are_strict_and_its_client_says_what_it_can(spec: Any) -> None:
    assert issubclass(spec.settings, AccountSettings)
    assert spec.settings.model_config["extra"] == "forbid"
    client = spec.connect.__annotations__["return"]
    assert issubclass(client, ListsApps)
    assert issubclass(client, ListsBuilds)
    assert issubclass(client, Probes)
    assert client.provider == spec.name


@every_spec
def test_whoever_calls_us_is_told_our_address_by_api_or_by_hand(spec: Any) -> None:
    client = spec.connect.__annotations__["return"]
    by_hand = issubclass(client, ReceivesWebhooks) and not issubclass(client, RegistersWebhooks)
    assert ("{address}" in spec.webhooks_by_hand) == by_hand


def test_the_recipe_names_every_shared_module() -> None:
    recipe = (ROOT / "ADDING.md").read_text()
    assert [name for name in SHARED if f"`{name}.py`" not in recipe] == []
