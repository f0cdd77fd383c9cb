"""`purser` in a process of its own, forked off one that has imported everything: importing takes longer than all else that most
of them live to do.

One such nursery serves all the tests of a pytest process, from the first that needs it. What starting itself does is proved by
the fresh interpreters of tests/journeys.
"""

import asyncio
import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any

from bot.cli import main

NURSERY = multiprocessing.get_context("forkserver")
# Without bot.audit, which remembers the standard output that it was imported with.
COMMANDS = ("bot.app", "bot.checkup", "bot.doctor", "bot.manifest", "bot.migrating", "bot.webhooks")
# What they, and what they use, import when they get there.
LATER = ("bot.jobs.queue", "bot.serving", "bot.store.lock", "uvloop")
THEIRS = (
    "alembic.command",
    "anyio._backends._asyncio",
    "apscheduler.executors.asyncio",
    "cryptography.hazmat.backends.openssl",
    "encodings.idna",
    "procrastinate.builtin_tasks",
    "procrastinate.worker",
    "slack_bolt.listener_matcher.async_builtins",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.httptools_impl",
)
NURSERY.set_forkserver_preload([*COMMANDS, *LATER, *THEIRS, "tests.certificates", __name__])
IN, OUT, ERR = 0, 1, 2


class Forked:
    """One command, in this environment and no other, that reads nothing. Has what tests use of asyncio.subprocess.Process."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], folder: Path, output: int, errors: int) -> None:
        given = (words, dict(environment), folder, _Sent(output), _Sent(errors))
        self._process = NURSERY.Process(target=_purser, args=given)
        self._process.start()

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Nothing when it has ended."""
        if self.returncode is None:
            assert self._process.pid
            os.kill(self._process.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._process.sentinel, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(self._process.sentinel)
        self._process.join()
        assert self.returncode is not None
        return self.returncode


class _Sent:
    """A descriptor that arrives in the other process as a number of its own."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __reduce__(self) -> tuple[Callable[[Any], int], tuple[Any]]:
        return _received, (DupFd(self._descriptor),)


def _received(sent: Any) -> int:
    descriptor: int = sent.detach()
    return descriptor


def _purser(words: Sequence[str], environment: Mapping[str, str], folder: Path, output: int, errors: int) -> None:
    """What `python -m bot.cli` does with these words."""
    gc.freeze()  # what was imported: the collector would touch it in vain, and each page of it that is touched is copied
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(os.open(os.devnull, os.O_RDONLY), IN)
    for theirs, ours in ((output, OUT), (errors, ERR)):
        os.dup2(theirs, ours)
        os.close(theirs)
    sys.stdin = open(IN, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(OUT, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(ERR, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.exit(main(words))
