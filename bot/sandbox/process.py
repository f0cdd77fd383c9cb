"""The real bot as a process of its own, against a sandbox."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType

import httpx

from bot.environment import VARIABLES

END_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]  # Windows has no SIGHUP
READY_SECONDS = 20.0
STOP_SECONDS = 10.0
_PROJECT = Path(__file__).parents[2]


class BotDidNotStart(Exception):
    """The message holds the last lines of what the bot said."""


class BotProcess:
    """`async with BotProcess(environment, folder, url) as bot:` runs `purser run` in `folder` and waits for `url`/readyz.

    Afterwards it has ended: asked to, and forced to when it does not within 10 seconds. What it logged is in `log`; `seconds`
    is how long it took to be ready. Raises BotDidNotStart.
    """

    def __init__(self, environment: Mapping[str, str], folder: Path, url: str) -> None:
        self._environment = environment
        self._folder = folder
        self._url = url
        self.log = folder / "purser.log"
        self.seconds = 0.0
        self.process: asyncio.subprocess.Process | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "BotProcess":
        started = time.monotonic()
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot.sandbox.leash"),
                cwd=self._folder,
                env=self._variables(),
                stdin=asyncio.subprocess.PIPE,  # its end tells the bot that this process is no more
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the demo, which then ends the bot itself
            )
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._end)
            await self._wait_until_ready()
            self._stack = stack.pop_all()
        self.seconds = time.monotonic() - started
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def log_tail(self, lines: int = 15) -> str:
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def _variables(self) -> dict[str, str]:
        """This process's surroundings, less everything that would lead the bot out of the sandbox."""
        inherited = {name: value for name, value in os.environ.items() if name.upper() not in VARIABLES}
        paths = os.pathsep.join(path for path in (str(_PROJECT), inherited.get("PYTHONPATH")) if path)
        return {**inherited, "PYTHONPATH": paths, **self._environment}

    async def _wait_until_ready(self) -> None:
        async with httpx.AsyncClient(trust_env=False) as http:
            deadline = time.monotonic() + READY_SECONDS
            while time.monotonic() < deadline:
                if self.process is None or self.process.returncode is not None:
                    raise BotDidNotStart(f"the bot ended at once; it said:\n{self.log_tail()}")
                if await self._is_ready(http):
                    return
                await asyncio.sleep(0.05)
        raise BotDidNotStart(f"the bot was not ready within {READY_SECONDS:g} s; it said:\n{self.log_tail()}")

    async def _is_ready(self, http: httpx.AsyncClient) -> bool:
        try:
            return (await http.get(f"{self._url}/readyz", timeout=2)).status_code == 200
        except httpx.TransportError:
            return False

    async def _end(self) -> None:
        if self.process is None or self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), STOP_SECONDS)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Lets SIGTERM, and SIGHUP of a terminal that was closed, end the current task as Ctrl-C does: everything that it opened is
    closed first. Raises SystemExit then."""
    task, loop, told = asyncio.current_task(), asyncio.get_running_loop(), asyncio.Event()

    def end() -> None:
        told.set()
        if task is not None:
            task.cancel()

    with suppress(NotImplementedError):  # Windows
        for number in END_SIGNALS:
            loop.add_signal_handler(number, end)
    try:
        yield
    except asyncio.CancelledError:
        if told.is_set():
            raise SystemExit(1) from None
        raise
    finally:
        with suppress(NotImplementedError):
            for number in END_SIGNALS:
                loop.remove_signal_handler(number)
