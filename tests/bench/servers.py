"""The two sides of the comparison as processes of their own, treated alike: same core, same request, same load generator."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from tests.bench.errand import BenchFailed, errand, surroundings
from tests.bench.load import Finding, Order, ask_once

START_SECONDS = 60.0  # a machine that does much else needs them
ASK_SECONDS = 5.0  # for one answer while it starts: whoever took its port meanwhile may never give one
STOP_SECONDS = 10.0
LOOK_EVERY = 0.01  # seconds
MIB = 1024  # KiB

# Where there are several cores, servers share the first and the load generator has the last.
SERVERS, LOAD = 0, -1


class Server:
    """`async with Server(module, arguments, environment, folder, order)` runs a Python module until `order` is answered well.

    `seconds` is how long that took, from the spawn to the whole answer. `core` None: on any core. Raises BenchFailed.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        order: Order,
        core: int | None = SERVERS,
    ) -> None:
        self._command = (sys.executable, "-m", module, *arguments)
        self.environment = environment
        self._folder = folder
        self._log = folder / f"{module}.log"
        self._core = core
        self.order = order
        self.seconds = 0.0

    async def __aenter__(self) -> "Server":
        started = time.perf_counter()
        with self._log.open("ab") as log, on_core(self._core):
            self._process = await asyncio.create_subprocess_exec(
                *self._command, cwd=self._folder, env=surroundings(self.environment), stdout=log, stderr=log
            )
        try:
            await self._wait_for_answer(started + START_SECONDS)
        except BaseException:  # also when cancelled: nobody else ends the process
            await self._end()
            raise
        self.seconds = time.perf_counter() - started
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    @property
    def resident(self) -> float:
        """MiB of memory held now."""
        table = Path(f"/proc/{self._process.pid}/statm")  # Linux; looked at often while something is measured
        if table.exists():
            return int(table.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MIB / 1024
        listing = subprocess.run(["ps", "-o", "rss=", "-p", str(self._process.pid)], capture_output=True, check=True, text=True)
        return int(listing.stdout) / MIB

    async def under_load(self, users: int, seconds: float) -> Finding:
        """Raises BenchFailed when an answer is not what was ordered."""
        order = replace(self.order, users=users, seconds=seconds)
        try:
            with on_core(LOAD):
                return Finding(**await errand("tests.bench.load", asdict(order)))
        except BenchFailed as error:
            raise BenchFailed(f"{error}\n{self._log_tail()}") from error

    async def _wait_for_answer(self, deadline: float) -> None:
        while time.perf_counter() < deadline and self._process.returncode is None:
            try:
                async with asyncio.timeout(ASK_SECONDS):
                    return await ask_once(self.order)
            except (ConnectionError, TimeoutError):
                await asyncio.sleep(LOOK_EVERY)
        raise BenchFailed(f"{' '.join(self._command)} did not start:\n{self._log_tail()}")

    async def _end(self) -> None:
        if self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def _log_tail(self, lines: int = 15) -> str:
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


@contextmanager
def on_core(place: int | None) -> Iterator[None]:
    """Processes started in this block stay on one core (None: on any), where the system can be told so."""
    if place is None or not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(cores)[place]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
