"""What the shipped code may not do, read from its syntax."""

import ast
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

BROAD = {"Exception", "BaseException"}
EDGE = "handlers/edge.py"


def is_broad(caught: ast.expr | None) -> bool:
    """Whether an `except` or a `suppress` catches everything; None is a bare `except:`."""
    if caught is None:
        return True
    parts = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(ast.unparse(part).rsplit(".", 1)[-1] in BROAD for part in parts)


def passes_on(handler: ast.ExceptHandler) -> bool:
    """Whether it ends in a bare `raise`: it tidies up and keeps nothing from the caller."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def broad_catches(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and is_broad(node.type) and not passes_on(node):
            yield node.lineno
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress") and any(map(is_broad, node.args)):
            yield node.lineno


def imports_of(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def test_only_the_edge_catches_everything(sources: Sequence[Path], root: Path) -> None:
    found = [(path.relative_to(root).as_posix(), line) for path in sources for line in broad_catches(parsed(path))]
    assert [f"{name}:{line}" for name, line in found if name != EDGE] == []
    assert len(found) <= 1, "one broad `except` is enough"


def test_the_search_knows_every_broad_form() -> None:
    code = (
        "try: pass\nexcept: pass\ntry: pass\nexcept (ValueError, Exception): pass\ncontextlib.suppress(builtins.BaseException)\n"
    )
    fine = (
        "try: pass\nexcept ValueError: pass\ncontextlib.suppress(OSError)\ntry: pass\nexcept BaseException:\n  tidy()\n  raise\n"
    )
    assert sorted(broad_catches(ast.parse(code))) == [2, 4, 5]
    assert list(broad_catches(ast.parse(fine))) == []


def test_the_domain_rests_on_the_standard_library_alone(sources: Sequence[Path], root: Path) -> None:
    domain = [path for path in sources if path.is_relative_to(root / "bot" / "domain")]
    foreign = {
        name
        for path in domain
        for name in imports_of(parsed(path))
        if not name.startswith("bot.domain") and name.partition(".")[0] not in sys.stdlib_module_names
    }
    assert domain
    assert foreign == set()


def test_nothing_stands_in_for_work_to_be_done(sources: Sequence[Path], root: Path) -> None:
    marks = ["TO" + "DO", "FIX" + "ME", "X" * 3]
    found = [
        f"{path.relative_to(root)}:{number}"
        for path in sources
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if any(mark in line.split() or f"{mark}:" in line for mark in marks)
    ]
    assert found == []
