"""The tree as a whole: what it may say, and what must not be in it."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# Put together here, so that this file does not name what it looks for.
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("deb", "debian", "org"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
        ("docker", "io"),
        ("ghcr", "io"),
    )
]
MACHINE_PATHS = [f"/{name}/" for name in ("work", "root", "home", "Users", "tmp/venv", "opt/wheels")] + [f"/opt/{'py'}pi"]
LOCK_FILES = {
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "Pipfile.lock",
    "pylock.toml",
    "package-lock.json",
    "yarn.lock",
    "pnpm-lock.yaml",
}
CAPABILITY_FILES = ("__init__.py", "client.py", "wire.py")


def text_of(path: Path) -> str:
    """Empty for what is no text, such as a picture."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def mentions(files: Sequence[Path], root: Path, words: Sequence[str]) -> Iterator[str]:
    # A route or a URL's path may be called like a folder: a machine's path starts a word.
    pattern = re.compile(
        "|".join(rf"(?<![\w.~-]){re.escape(word)}" if word.startswith("/") else re.escape(word) for word in words)
    )
    for path in files:
        text = text_of(path)
        lines = enumerate(text.splitlines(), 1) if any(word in text for word in words) else ()
        yield from (f"{path.relative_to(root)}:{number}" for number, line in lines if pattern.search(line))


def test_no_file_names_a_registry_host(project_files: Sequence[Path], root: Path) -> None:
    assert list(mentions(project_files, root, REGISTRY_HOSTS)) == []


def test_no_file_names_a_path_of_some_machine(project_files: Sequence[Path], root: Path) -> None:
    assert list(mentions(project_files, root, MACHINE_PATHS)) == []


def test_the_search_finds_what_it_looks_for(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(
        f"fine\nsee https://{REGISTRY_HOSTS[0]}/x\n{MACHINE_PATHS[0]}y\nhttps://host{MACHINE_PATHS[0]}\n"
    )
    assert list(mentions([tmp_path / "a.txt"], tmp_path, [*REGISTRY_HOSTS, *MACHINE_PATHS])) == ["a.txt:2", "a.txt:3"]


def test_there_is_no_lock_file(project_files: Sequence[Path]) -> None:
    assert [path.name for path in project_files if path.name in LOCK_FILES] == []


# --- Requirements -----------------------------------------------------------------------------


def pins_of(path: Path) -> dict[str, str]:
    """Name -> version of every pinned requirement."""
    lines = [line.removesuffix("\\").strip() for line in path.read_text().splitlines() if re.match(r"[A-Za-z0-9]", line)]
    found = [Requirement(line) for line in lines]
    return {canonicalize_name(entry.name): str(entry.specifier).removeprefix("==") for entry in found}


def declared(root: Path, *extras: str) -> list[Requirement]:
    project = tomllib.loads((root / "pyproject.toml").read_text())
    tables = [project["project"]["dependencies"], project["dependency-groups"]["build"], project["build-system"]["requires"]]
    tables += [project["project"]["optional-dependencies"][extra] for extra in extras]
    return [Requirement(line) for table in tables for line in table]


@pytest.mark.parametrize(("file", "extras"), [("requirements.txt", ["postgres"]), ("requirements-dev.txt", ["postgres", "dev"])])
def test_what_is_declared_is_pinned_within_its_range(root: Path, file: str, extras: list[str]) -> None:
    pins = pins_of(root / file)
    stale = [
        str(entry)
        for entry in declared(root, *extras)
        if not entry.specifier.contains(pins.get(canonicalize_name(entry.name), "0"))
    ]
    assert stale == [], "run `make requirements`"


def test_both_requirement_files_pin_the_same_versions(root: Path) -> None:
    run, develop = pins_of(root / "requirements.txt"), pins_of(root / "requirements-dev.txt")
    assert {name: develop.get(name) for name in run} == run


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_every_pin_has_hashes_and_no_line_names_a_place(root: Path, file: str) -> None:
    text = (root / file).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert [line for line in lines if not re.match(r"[a-z0-9-]+==[^ ]+ .*--hash=sha256:[0-9a-f]{64}", line)] == []
    assert "://" not in text


# --- Providers --------------------------------------------------------------------------------


def provider_folders(root: Path) -> list[Path]:
    return sorted(path.parent for path in (root / "providers").glob("*/__init__.py"))


def test_every_provider_has_the_files_of_its_kind(root: Path) -> None:
    folders = provider_folders(root)
    assert folders
    assert [f"{path.name}/{name}" for path in folders for name in CAPABILITY_FILES if not (path / name).is_file()] == []


def test_every_provider_is_listed_and_kept_apart_from_the_others(root: Path) -> None:
    from providers import SPECS

    names = [path.name for path in provider_folders(root)]
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    apart = next(contract["modules"] for contract in contracts if contract["type"] == "independence")
    assert sorted(SPECS) == names
    assert sorted(apart) == [f"providers.{name}" for name in names]
