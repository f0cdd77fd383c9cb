"""The bar for providers: what each has, and with what reason one has it not."""

import ast
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bot.domain.ports import ListsApps, ListsBuilds, MintsLinks, OpensFiles, Probes, ReceivesWebhooks, RereadsBuilds
from providers import SPECS

Rule = Callable[[str, Path], bool]


def has_file(pattern: str) -> Rule:
    return lambda name, root: any(root.glob(pattern.format(name=name)))


def can(*abilities: type) -> Rule:
    """Any of these."""
    return lambda name, root: issubclass(SPECS[name].connect.__annotations__["return"], abilities)


def told_settings(name: str, root: Path) -> set[str]:
    """Those in the first column of the provider's own table."""
    text = (root / "README.md").read_text(encoding="utf-8")
    section = text.partition(f"\n#### `{name}`\n")[2].partition("\n#")[0]
    cells = re.findall(r"^\| (`[^|]*`) \|", section, re.MULTILINE)
    return {setting for cell in cells for setting in re.findall(r"`(\w+)`", cell)}


def is_in_readme(name: str, root: Path) -> bool:
    return told_settings(name, root) == set(SPECS[name].settings.model_fields) - {"name", "provider"}


RULES: Mapping[str, Rule] = {
    "its settings": has_file("providers/{name}/__init__.py"),
    "its calls": has_file("providers/{name}/client.py"),
    "its decoders": has_file("providers/{name}/wire.py"),
    "token.py": has_file("providers/{name}/token.py"),
    "remedies.py": has_file("providers/{name}/remedies.py"),
    "webhook.py": has_file("providers/{name}/webhook.py"),
    "a pretend vendor": has_file("bot/sandbox/vendors/{name}.py"),
    "tests": has_file("tests/providers/test_{name}.py"),
    "recorded payloads": has_file("tests/providers/payloads/{name}_*.json"),
    "settings in the README": is_in_readme,
    "lists apps": can(ListsApps),
    "lists builds": can(ListsBuilds),
    "rereads a build": can(RereadsBuilds),
    "probes": can(Probes),
    "hands out builds": can(MintsLinks, OpensFiles),
    "receives webhooks": can(ReceivesWebhooks),
}
EXEMPTIONS: Mapping[tuple[str, str], str] = {
    ("akana", "token.py"): "its credential is a session of two cookies, in session.py and cookies.py",
    ("akana", "webhook.py"): "the vendor's pages tell of no webhooks",
    ("akana", "receives webhooks"): "the vendor's pages tell of no webhooks",
    ("akana", "hands out builds"): "an app is the registration of something that calls APIs; there is no file and no link",
    ("app47", "webhook.py"): "the vendor's pages tell of no webhooks",
    ("app47", "receives webhooks"): "the vendor's pages tell of no webhooks",
    ("app_store_connect", "recorded payloads"): "Apple publishes an OpenAPI document; the tests write its shapes out",
    ("applivery", "token.py"): "a Service Account token never changes, so that StaticBearer of http.py does",
}
SHORTEST_REASON = 20  # characters; "n/a" is none


# Reasons that no setting or page of a vendor's mends: the sentence of the error's class does.
WITHOUT_REMEDY: Mapping[str, str] = {
    "bad_signature": "somebody else called us, or with another secret: it is told to the caller alone",
    "token_expired": "a download link that had its time: the next click mints another",
}
USUAL = {"unauthorized", "forbidden", "bad_credential"}  # what every vendor may answer, and a credential that cannot be sent


def refusals(package: Path) -> set[str]:
    """The reasons that stand beside the word Refused: in calls, and in pairs."""
    found = set()
    for path in package.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            parts = node.elts if isinstance(node, ast.Tuple) else [node.func, *node.args] if isinstance(node, ast.Call) else []
            if any(isinstance(part, ast.Name) and part.id == "Refused" for part in parts):
                found |= {part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)}
    return found


@pytest.mark.parametrize("name", SPECS)
def test_every_refusal_has_a_remedy_of_the_vendors(name: str, root: Path) -> None:
    raised = refusals(root / "providers" / name) | USUAL
    assert raised - {*SPECS[name].remedies, *WITHOUT_REMEDY} == set()


def keeps(name: str, rule: str, root: Path) -> bool:
    return RULES[rule](name, root)


@pytest.mark.parametrize("name", SPECS)
def test_a_provider_has_it_or_a_reason(name: str, root: Path) -> None:
    assert {rule for rule in RULES if not keeps(name, rule, root) and (name, rule) not in EXEMPTIONS} == set()


@pytest.mark.parametrize(("name", "rule"), EXEMPTIONS)
def test_an_exemption_is_of_use_and_has_a_reason(name: str, rule: str, root: Path) -> None:
    assert len(EXEMPTIONS[name, rule].strip()) >= SHORTEST_REASON
    assert not keeps(name, rule, root), "it is kept by now: take the exemption away"


def test_the_recipe_names_the_bar(root: Path) -> None:
    assert "tests/house/test_providers.py" in (root / "providers" / "ADDING.md").read_text()
