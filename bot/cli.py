"""The `purser` command, and the only reader of the environment."""

import argparse
import asyncio
import io
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from bot.domain.errors import PurserError, StoreUnavailable, UserMistake
from bot.mistakes import ConfigurationError
from bot.remedies import database_remedy

if TYPE_CHECKING:
    from bot.app import Configured, Part, Purser

WELL, FAILED, MISCONFIGURED = 0, 1, 2
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
GRACE = 4  # seconds for open requests when stopping; whoever stops a container kills it 10 seconds later


def main(argv: Sequence[str] | None = None) -> int:
    """Exit codes: 0 well; 1 a check failed; 2 the configuration is wrong."""
    _allow_any_text()
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.command(arguments)
        sys.stdout.flush()
        return code
    except ConfigurationError as error:
        return _complain(str(error), MISCONFIGURED)
    except UserMistake as error:
        return _complain(f"purser: {error}", MISCONFIGURED)
    except StoreUnavailable as error:
        return _complain(f"purser: {error}; {database_remedy(error)}", FAILED)
    except PurserError as error:
        return _complain(f"purser: {error}", FAILED)
    except BrokenPipeError:
        _forget_output()
        return FAILED
    except KeyboardInterrupt:
        return FAILED


def _complain(text: str, code: int) -> int:
    print(text, file=sys.stderr)  # noqa: T201
    return code


def _allow_any_text() -> None:
    """A terminal that has no letter for a name shows a question mark in its place."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _forget_output() -> None:
    """Nobody reads it any more. https://docs.python.org/3/library/signal.html#note-on-sigpipe"""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="purser", description="Every build of every app, in Slack.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], int], summary: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=summary, description=summary)
        command.set_defaults(command=run)
        return command

    demo = add("demo", _demo, "try Purser against a pretend workspace and pretend providers; needs no account")
    demo.add_argument("--script", action="store_true", help="play a scripted conversation, check every answer, and end")
    add("run", _run, "everything in one process: web, clock, jobs")
    add("web", _web, "answer Slack and browsers only")
    add("worker", _worker, "deliver alerts only")
    add("clock", _clock, "check accounts on time only")
    add("migrate", _migrate, "bring the database's tables up to date")
    sync = add("sync", _sync, "one full check of every account now")
    sync.add_argument("--account", help="only this account")
    add("doctor", _doctor, "check everything that can be wrong, and say how to mend it")
    add("manifest", _manifest, "print the Slack app manifest for this configuration")
    return parser


def _settings() -> "Configured":
    from bot.app import load_settings

    return load_settings(os.environ, Path.cwd())


def _run(_: argparse.Namespace) -> int:
    from bot.app import Part

    return _loop(_serving(_settings(), Part.EVERYTHING))


def _web(_: argparse.Namespace) -> int:
    from bot.app import Part

    return _loop(_serving(_settings(), Part.WEB))


def _worker(_: argparse.Namespace) -> int:
    from bot.app import Part

    return _loop(_background(_settings(), Part.WORKER))


def _clock(_: argparse.Namespace) -> int:
    from bot.app import Part

    return _loop(_background(_settings(), Part.CLOCK))


async def _serving(settings: "Configured", parts: "Part") -> int:
    import structlog
    import uvicorn

    log = structlog.get_logger()

    class Server(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            """uvicorn's own raises the signal again when all is closed, which would look like a crash."""
            with _on_stop(self.handle_exit):
                yield

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            log.info("answering", host=settings.environment.host, port=settings.environment.port)

    purser = _built(settings, parts)
    with _listening_socket(settings.environment.host, settings.environment.port) as listener:
        await _prepare(purser)
        config = uvicorn.Config(
            purser.web, http="httptools", log_config=None, access_log=False, timeout_graceful_shutdown=GRACE, server_header=False
        )
        server = Server(config)
        await server.serve(sockets=[listener])
    log.info("stopped")
    return WELL if server.started else FAILED


async def _background(settings: "Configured", parts: "Part") -> int:
    import structlog

    log = structlog.get_logger()
    purser = _built(settings, parts)
    await _prepare(purser)
    stop = asyncio.Event()
    with _on_stop(lambda number, frame: stop.set()):
        async with purser.running():
            log.info("working")
            await stop.wait()
    log.info("stopped")
    return WELL


def _built(settings: "Configured", parts: "Part") -> "Purser":
    from bot.app import build
    from bot.logs import set_up_logs

    set_up_logs(settings.environment.log_level, settings.environment.log_format)
    return build(settings, parts)


async def _prepare(purser: "Purser") -> None:
    _migrate_own_file(purser.settings)
    await purser.prepare()


@contextmanager
def _on_stop(handle: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Ctrl-C and SIGTERM call `handle` in the event loop, instead of breaking off whatever runs."""
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, handle, number, None)
    try:
        yield
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)


def _listening_socket(host: str, port: int) -> socket.socket:
    """Taken before anything else, so that a taken port is one sentence; who knocks early waits until there is an answer.

    The protocol is named because asyncio turns off Nagle's algorithm only for sockets that say they are TCP.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
        return listener
    except OSError as error:
        listener.close()
        raise PurserError(f"cannot listen on {host}:{port} ({error.strerror}); set HOST and PORT to others") from error


def _migrate_own_file(settings: "Configured") -> None:
    """An SQLite file belongs to this process; a PostgreSQL database is migrated by `purser migrate`."""
    from bot.store.migrate import upgrade

    if settings.environment.database_url.startswith("sqlite"):
        upgrade(settings.environment.database_url)


def _migrate(_: argparse.Namespace) -> int:
    from bot.store.migrate import upgrade

    upgrade(_settings().environment.database_url)
    print("The database is up to date.")  # noqa: T201
    return WELL


def _sync(arguments: argparse.Namespace) -> int:
    from bot.checkup import sync_now

    settings = _settings()
    settings.require_accounts()
    _only_worst_logs(settings)
    _migrate_own_file(settings)
    return WELL if asyncio.run(sync_now(settings, arguments.account)) else FAILED


def _doctor(_: argparse.Namespace) -> int:
    from bot.doctor import examine

    settings = _settings()
    _only_worst_logs(settings)
    return WELL if asyncio.run(examine(settings)) else FAILED


def _only_worst_logs(settings: "Configured") -> None:
    """The report says the rest."""
    from bot.logs import set_up_logs

    set_up_logs("critical", settings.environment.log_format)


def _manifest(_: argparse.Namespace) -> int:
    import json

    from bot.manifest import manifest

    print(json.dumps(manifest(_settings()), indent=2))  # noqa: T201
    return WELL


def _demo(arguments: argparse.Namespace) -> int:
    if arguments.script:
        from bot.sandbox.script import scripted

        return asyncio.run(scripted())
    from bot.sandbox.demo import interactive

    asyncio.run(interactive())
    return WELL


def _loop(work: Coroutine[Any, Any, int]) -> int:
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)


if __name__ == "__main__":
    sys.exit(main())
