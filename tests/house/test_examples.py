"""The examples and the README name every setting there is, and the examples work as they stand."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import BaseModel

from bot.config import ConfigFile, PurserTable, Settings, load
from bot.environment import VARIABLES
from providers import SPECS
from providers.spec import AccountSettings, SecretSources


def keys_of(model: type[BaseModel]) -> set[str]:
    return set(model.model_fields)


def lines_of(example: str) -> Iterator[str]:
    """Lines of settings, with or without the # that leaves them out."""
    for line in example.splitlines():
        plain = line.removeprefix("# ")
        if re.match(r"\[|[a-z_]+ = ", plain):
            yield plain


def everything_on(example: str) -> str:
    """The example with every optional line put in."""
    return "\n".join(lines_of(example))


@pytest.fixture(scope="module")
def key() -> str:
    made = ec.generate_private_key(ec.SECP256R1())
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture(scope="module")
def variables(root: Path, key: str) -> dict[str, str]:
    """A value for every variable that either example names for a secret."""
    names = re.findall(r"env:([A-Z0-9_]+)", (root / "purser.example.toml").read_text())
    return {name: key if name == "ASC_PRIVATE_KEY" else "x" * 40 for name in names if name != "NAME"}


def loaded(text: str, variables: dict[str, str], folder: Path) -> Settings[AccountSettings]:
    (folder / "purser.toml").write_text(text, encoding="utf-8")
    return load(variables, SPECS, folder, SecretSources)


def test_the_example_file_works_as_it_stands(root: Path, variables: dict[str, str], tmp_path: Path) -> None:
    settings = loaded((root / "purser.example.toml").read_text(), variables, tmp_path)
    assert sorted(account.provider for account in settings.accounts) == sorted(SPECS)


def test_the_example_file_works_with_all_options_on(root: Path, variables: dict[str, str], tmp_path: Path) -> None:
    settings = loaded(everything_on((root / "purser.example.toml").read_text()), variables, tmp_path)
    assert [date.name for date in settings.dates] == ["Apple Developer membership"]
    assert settings.products[0].apps[0] == ("acme-apple", "1234567890")


def test_options_that_are_off_show_their_defaults(root: Path, variables: dict[str, str], tmp_path: Path) -> None:
    shown = loaded(everything_on((root / "purser.example.toml").read_text()), variables, tmp_path).purser
    assert shown.model_copy(update={"owners": ()}) == loaded("", {}, tmp_path).purser


def test_the_example_file_names_every_setting_of_purser_and_of_every_provider(root: Path) -> None:
    example = tomllib.loads(everything_on((root / "purser.example.toml").read_text()))
    named: dict[str, set[str]] = {}
    for account in example["accounts"]:
        named.setdefault(account["provider"], set()).update(account)
    assert named == {name: keys_of(spec.settings) for name, spec in SPECS.items()}
    for table, field in ConfigFile.model_fields.items():
        if table != "accounts":
            model = next(
                kind for kind in (field.annotation, *getattr(field.annotation, "__args__", ())) if hasattr(kind, "model_fields")
            )
            entry = example[table] if isinstance(example[table], dict) else example[table][0]
            assert set(entry) == keys_of(model), table


def test_the_example_environment_names_every_variable(root: Path, variables: dict[str, str]) -> None:
    text = (root / ".env.example").read_text()
    named = set(re.findall(r"^(?:# )?([A-Z0-9_]+)=", text, re.MULTILINE))
    assert named == {*VARIABLES, *variables}


def test_a_copied_example_environment_is_no_mistake(root: Path, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text((root / ".env.example").read_text())
    settings = load({}, SPECS, tmp_path, SecretSources)
    assert settings.environment == load({}, SPECS, tmp_path / "elsewhere", SecretSources).environment


def test_the_readme_names_every_variable_rule_and_provider(root: Path) -> None:
    text = (root / "README.md").read_text(encoding="utf-8")
    wanted = {*VARIABLES, *keys_of(PurserTable), *SPECS}
    assert sorted(key for key in wanted if not re.search(rf"\b{key}\b", text)) == []
