"""A process that does one thing: JSON on standard input, JSON on standard output."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.environment import VARIABLES

PROJECT = Path(__file__).parents[2]


class BenchFailed(Exception):
    """Nothing could be measured; the message says why."""


async def errand(
    module: str, order: Mapping[str, Any], environment: Mapping[str, str] | None = None, paths: Sequence[Path] = ()
) -> Mapping[str, Any]:
    """Runs `python -m module`; what stands in `paths` is imported first. Raises BenchFailed with what it said when it fails."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module),
        cwd=PROJECT,
        env=surroundings(environment or {}, paths),
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
    )
    try:
        said, complaint = await process.communicate(json.dumps(order).encode())
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        raise BenchFailed(f"{module} failed:\n{complaint.decode(errors='replace')[-2000:]}")
    answer: Mapping[str, Any] = json.loads(said)
    return answer


def surroundings(environment: Mapping[str, str], paths: Sequence[Path] = ()) -> dict[str, str]:
    """Our own variables less those that Purser reads, and the given ones; no proxy stands before what is measured."""
    inherited = {name: value for name, value in os.environ.items() if name.upper() not in VARIABLES}
    found = os.pathsep.join(map(str, (*paths, PROJECT)))
    return {**inherited, "PYTHONPATH": found, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", **environment}
