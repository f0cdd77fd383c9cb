"""A shell for tests: the real `purser` in a process of its own, with exactly the variables that it is given."""

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0  # seconds for a command to end, or to say that it has begun
SECRET_NAMES = re.compile(r"TOKEN|SECRET|KEY|PAT$|PASSWORD")


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


@dataclass
class Started:
    """A command that runs until it is told to end."""

    process: asyncio.subprocess.Process
    said: list[str]
    code: int | None = None

    async def end(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Sends the signal and returns the seconds until the process is gone, with its exit code in `code`."""
        begun = time.monotonic()
        self.process.send_signal(number)
        async with asyncio.timeout(PATIENCE):
            assert self.process.stderr
            self.said += (await self.process.stderr.read()).decode().splitlines()
            self.code = await self.process.wait()
        return time.monotonic() - begun


@dataclass(frozen=True)
class Terminal:
    """Stands in `folder`. Every command is checked for tracebacks and for the secrets among its variables."""

    folder: Path
    variables: Mapping[str, str]

    async def purser(self, *words: str, **changes: str) -> Outcome:
        """Runs a command to its end. `changes` are laid over the variables; an empty one is not set."""
        process = await self._begin(words, changes)
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate()
        assert process.returncode is not None
        outcome = Outcome(process.returncode, out.decode(), err.decode())
        self._check(outcome.out + outcome.err, changes)
        return outcome

    @asynccontextmanager
    async def started(self, *words: str, until: str = "", **changes: str) -> AsyncIterator[Started]:
        """Runs a command in the background, from the moment when it says `until` on its standard error; empty: at once."""
        process = await self._begin(words, changes)
        started = Started(process, [])
        try:
            async with asyncio.timeout(PATIENCE):
                await _read_until(process, started.said, until)
            yield started
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        self._check("\n".join(started.said), changes)

    async def _begin(self, words: tuple[str, ...], changes: Mapping[str, str]) -> asyncio.subprocess.Process:
        own = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TMPDIR") if name in os.environ}
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot.cli", *words),
            cwd=self.folder,
            env={**own, "PYTHONPATH": str(ROOT), **self.variables, **changes},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    def _check(self, text: str, changes: Mapping[str, str]) -> None:
        assert "Traceback" not in text, text
        told = [secret for secret in secrets_in({**self.variables, **changes}) if secret in text]
        assert told == [], f"told a secret: {text}"


async def _read_until(process: asyncio.subprocess.Process, said: list[str], wanted: str) -> None:
    assert process.stderr
    line = ""
    while wanted not in line:
        line = (await process.stderr.readline()).decode()
        said.append(line.rstrip())
        assert line, "\n".join(["it ended:", *said])


def secrets_in(variables: Mapping[str, str]) -> Iterator[str]:
    """Every secret among them; of a key, each line."""
    for name, value in variables.items():
        if SECRET_NAMES.search(name):
            yield from (line for line in value.splitlines() if line and "-----" not in line)
        yield from re.findall(r"://[^:/@]+:([^@]+)@", value)
