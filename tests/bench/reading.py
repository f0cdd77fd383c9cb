"""One check of an account as Purser makes it, in a process of its own: `python -m tests.bench.reading`.

Reads, decodes, joins products and stores; `folder` holds purser.toml, the variables are those of the bot.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import structlog

from bot.store.migrate import upgrade
from bot.workshop import Workshop, load_settings


async def read(order: dict[str, Any]) -> dict[str, Any]:
    settings = load_settings(os.environ, Path(order["folder"]))
    upgrade(settings.environment.database_url)
    async with Workshop(settings) as workshop:
        await workshop.register()
        started = time.perf_counter()
        report = await workshop.sync.account(order["account"])
        seconds = time.perf_counter() - started
    return {"seconds": seconds, "apps": report.apps, "builds": report.builds}


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # standard output is for the answer
    json.dump(asyncio.run(read(json.load(sys.stdin))), sys.stdout)
