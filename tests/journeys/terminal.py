"""A shell for tests: the real `purser` in a process of its own, with exactly the variables that it is given."""

import asyncio
import os
import re
import signal
import sys
import termios
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ..nursery import Forked

Process = Forked | asyncio.subprocess.Process

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0  # seconds for a command to end, or to say that it has begun
CONTROLS = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
SECRET_NAMES = re.compile(r"TOKEN|SECRET|KEY|PAT$|PASSWORD")


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


@dataclass
class Started:
    """A command in the background. `said` grows while it writes to its standard error, or to its screen."""

    process: Process
    hears: asyncio.StreamReader
    heard: bytes = b""

    async def listen(self) -> None:
        with suppress(OSError):  # so a screen ends on Linux
            while piece := await self.hears.read(2**16):
                self.heard += piece

    @property
    def said(self) -> list[str]:
        return [line.rstrip() for line in self.heard.decode(errors="replace").splitlines()]

    @property
    def shown(self) -> list[str]:
        """The lines of a screen in the order in which they were drawn, also those that were wiped off again."""
        return [line for line in (CONTROLS.sub("", line).rstrip() for line in self.said) if line]

    def has_shown(self, *parts: str) -> bool:
        """Whether all of these once stood in one line."""
        return any(all(part in line for part in parts) for line in self.shown)

    async def end(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Sends the signal, and returns the seconds until the process was gone."""
        begun = time.monotonic()
        self.process.send_signal(number)
        async with asyncio.timeout(PATIENCE):
            await self.process.wait()
        return time.monotonic() - begun

    @property
    def code(self) -> int | None:
        return self.process.returncode


@dataclass(frozen=True)
class Terminal:
    """Stands in `folder`. Every command is checked for tracebacks and for the secrets among its variables."""

    folder: Path
    variables: Mapping[str, str]
    is_fresh: bool = False

    @property
    def fresh(self) -> "Terminal":
        """Where starting itself is proved: each command is an interpreter of its own, which imports everything anew."""
        return replace(self, is_fresh=True)

    async def purser(self, *words: str, **changes: str) -> Outcome:
        """Runs a command to its end. `changes` are laid over the variables; an empty one is not set."""
        async with _pipe() as (out, output), _pipe() as (err, errors):
            process = await self._begin(words, changes, output, errors)
            try:
                async with asyncio.timeout(PATIENCE):
                    said, complained = await asyncio.gather(out.read(), err.read())
                    code = await process.wait()
            finally:
                await _killed(process)
        outcome = Outcome(code, said.decode(), complained.decode())
        self._check(outcome.out + outcome.err, changes)
        return outcome

    @asynccontextmanager
    async def started(self, *words: str, until: str = "", **changes: str) -> AsyncIterator[Started]:
        """Runs a command in the background, from the moment when it says `until` on its standard error; empty: at once."""
        async with _pipe() as (_, output), _pipe() as (err, errors):
            process = await self._begin(words, changes, output, errors)
            async with self._heard(Started(process, err), until, changes) as started:
                yield started

    @asynccontextmanager
    async def on_screen(self, *words: str, until: str = "", columns: int = 100, **changes: str) -> AsyncIterator[Started]:
        """Like `started`, with a screen on which everything is shown."""
        ours, theirs = os.openpty()
        termios.tcsetwinsize(theirs, (30, columns))
        async with _reading(ours) as screen:
            process = await self._begin(words, {"TERM": "xterm", **changes}, theirs, theirs)
            async with self._heard(Started(process, screen), until, changes) as started:
                yield started

    @asynccontextmanager
    async def _heard(self, started: Started, until: str, changes: Mapping[str, str]) -> AsyncIterator[Started]:
        listening = asyncio.create_task(started.listen())
        try:
            await _until_said(started, until)
            yield started
        finally:
            await _killed(started.process)
            await listening
        self._check("\n".join(started.said), changes)

    async def _begin(self, words: tuple[str, ...], changes: Mapping[str, str], output: int, errors: int) -> Process:
        """The process alone has the two descriptors then."""
        own = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TMPDIR") if name in os.environ}
        environment = {**own, "PYTHONPATH": str(ROOT), **self.variables, **changes}
        try:
            if self.is_fresh:
                return await _interpreter(words, environment, self.folder, output, errors)
            assert not any(name.startswith("PYTHON") for name in changes), "only a fresh interpreter reads it"
            return Forked(words, environment, self.folder, output, errors)
        finally:
            for descriptor in {output, errors}:
                os.close(descriptor)

    def _check(self, text: str, changes: Mapping[str, str]) -> None:
        assert "Traceback" not in text, text
        told = [secret for secret in secrets_in({**self.variables, **changes}) if secret in text]
        assert told == [], f"told a secret: {text}"


@asynccontextmanager
async def _pipe() -> AsyncIterator[tuple[asyncio.StreamReader, int]]:
    """What is read from it, and the descriptor to write to, which is the caller's to close."""
    ours, theirs = os.pipe()
    async with _reading(ours) as reader:
        yield reader, theirs


@asynccontextmanager
async def _reading(descriptor: int) -> AsyncIterator[asyncio.StreamReader]:
    reader = asyncio.StreamReader()
    file = os.fdopen(descriptor, "rb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
    try:
        yield reader
    finally:
        transport.close()


async def _interpreter(
    words: tuple[str, ...], environment: Mapping[str, str], folder: Path, output: int, errors: int
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.cli", *words),
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        preexec_fn=_hear_ctrl_c,
    )


async def _killed(process: Process) -> None:
    """Also when it has ended already."""
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def _hear_ctrl_c() -> None:
    """As at a terminal: what a shell starts in the background ignores it, and so would all that the tests start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


async def _until_said(started: Started, wanted: str) -> None:
    await until(lambda: any(wanted in line for line in ["", *started.said]) or started.code is not None, PATIENCE)
    assert started.code is None, "\n".join(["it ended:", *started.said])


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Waits for what happens elsewhere. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            if condition():
                return
            await asyncio.sleep(0.02)


def secrets_in(variables: Mapping[str, str]) -> Iterator[str]:
    """Every secret among them; of a key, each line."""
    for name, value in variables.items():
        if SECRET_NAMES.search(name):
            yield from (line for line in value.splitlines() if line and "-----" not in line)
        yield from re.findall(r"://[^:/@]+:([^@]+)@", value)
