"""What the checks of the house look at: the files of the project, and nothing that a build or a test run leaves behind."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _known_to_git() -> list[Path]:
    """Tracked files and new ones that are not ignored; those of the index that were deleted are gone."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=False
    )
    names = listing.stdout.decode().split("\0") if listing.returncode == 0 else []
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def _found_on_disk() -> list[Path]:
    """For a tree without git: everything but what .gitignore names."""
    ignored = {line.strip("/\n") for line in (ROOT / ".gitignore").read_text().splitlines()} | {".git"}
    return [
        path
        for path in ROOT.rglob("*")
        if path.is_file() and not any(Path(part).match(rule) for part in path.relative_to(ROOT).parts for rule in ignored)
    ]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def project_files() -> Sequence[Path]:
    return _known_to_git() or _found_on_disk()


@pytest.fixture(scope="session")
def sources(project_files: Sequence[Path]) -> Sequence[Path]:
    """The Python files that ship."""
    rooms = {"bot", "handlers", "providers", "migrations"}
    return [path for path in project_files if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in rooms]
