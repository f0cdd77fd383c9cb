"""The `purser` command, and the only reader of the environment."""

import argparse
import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.domain.errors import PurserError
from bot.mistakes import ConfigurationError

if TYPE_CHECKING:
    from bot.app import Configured, Part

WELL, FAILED, MISCONFIGURED = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Exit codes: 0 well; 1 a check failed; 2 the configuration is wrong."""
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.command(arguments)
        return code
    except ConfigurationError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return MISCONFIGURED
    except PurserError as error:
        print(f"purser: {error}", file=sys.stderr)  # noqa: T201
        return FAILED
    except KeyboardInterrupt:
        return FAILED


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

    return _serve(Part.EVERYTHING)


def _web(_: argparse.Namespace) -> int:
    from bot.app import Part

    return _serve(Part.WEB)


def _worker(_: argparse.Namespace) -> int:
    from bot.app import Part

    return _loop(_background(_settings(), Part.WORKER))


def _clock(_: argparse.Namespace) -> int:
    from bot.app import Part

    return _loop(_background(_settings(), Part.CLOCK))


def _serve(parts: "Part") -> int:
    return _loop(_serving(_settings(), parts))


async def _serving(settings: "Configured", parts: "Part") -> int:
    import uvicorn

    from bot.app import build
    from bot.logs import set_up_logs

    environment = settings.environment
    set_up_logs(environment.log_level, environment.log_format)
    purser = build(settings, parts)
    with _listening_socket(environment.host, environment.port) as listener:
        _migrate_own_file(settings)
        await purser.prepare()
        config = uvicorn.Config(
            purser.web, http="httptools", log_config=None, access_log=False, timeout_graceful_shutdown=8, server_header=False
        )
        server = uvicorn.Server(config)
        await server.serve(sockets=[listener])
    return WELL if server.started else FAILED


async def _background(settings: "Configured", parts: "Part") -> int:
    from bot.app import build
    from bot.logs import set_up_logs

    set_up_logs(settings.environment.log_level, settings.environment.log_format)
    purser = build(settings, parts)
    _migrate_own_file(settings)
    await purser.prepare()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with purser.running():
        await stop.wait()
    return WELL


def _listening_socket(host: str, port: int) -> socket.socket:
    """Bound before anything else, so that a taken port is one sentence.

    The protocol is named because asyncio turns off Nagle's algorithm only for sockets that say they are TCP.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
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
    _migrate_own_file(settings)
    return WELL if asyncio.run(sync_now(settings, arguments.account)) else FAILED


def _doctor(_: argparse.Namespace) -> int:
    from bot.doctor import examine

    return WELL if asyncio.run(examine(_settings())) else FAILED


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
