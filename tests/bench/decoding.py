"""A process that only decodes: `python -m tests.bench.decoding`, with one page of Apple's builds on standard input.

Every further page is the same one with other ids. What is decoded stays in memory, as it does until a reading is stored.
"""

import gc
import json
import re
import sys
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

from providers.app_store_connect.wire import ListedBuild, read_builds
from providers.failures import parse_json

_ID_START = re.compile(r"\b[0-9a-f]{8}(?=-[0-9a-f]{4}-4)")


def seconds_for(parts: Sequence[str], builds: int) -> float:
    """From the bytes of answers to facts, without making the bytes: in seconds of the processor, so that other work of the
    machine does not count. `parts` is a page without the starts of its ids."""
    found: dict[ListedBuild, None] = {}
    seconds, number = 0.0, 0
    while len(found) < builds:
        number += 1
        content = f"{number:08x}".join(parts).encode()
        started = time.process_time()
        items = read_builds(parse_json(content, "application/json"), "acme-apple", "list builds").items
        found.update(dict.fromkeys(items))
        seconds += time.process_time() - started
    return seconds * builds / len(found)


def decoded(order: dict[str, Any]) -> dict[int, float]:
    """The median of each size's turns; `sizes` are taken in their order."""
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)  # as in the bot: bot/app.py
    parts = _ID_START.split(order["page"])
    seconds: dict[int, list[float]] = {}
    for size in order["sizes"]:
        gc.collect()
        seconds.setdefault(size, []).append(seconds_for(parts, size))
    return {size: median(turns) for size, turns in seconds.items()}


if __name__ == "__main__":
    json.dump(decoded(json.load(sys.stdin)), sys.stdout)
