"""The `purser` command, and the only reader of the environment."""

import argparse
import asyncio
import gc
import io
import os
import socket
import sys
from collections.abc import Callable, Coroutine, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.domain.errors import PurserError, StoreUnavailable, UserMistake
from bot.mending import database_remedy
from bot.mistakes import ConfigurationError

if TYPE_CHECKING:
    from bot.app import Part, Purser
    from bot.config import Settings
    from bot.workshop import Configured

Command = Callable[[argparse.Namespace], int]

WELL, FAILED, MISCONFIGURED = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Exit codes: 0 well; 1 a check failed; 2 the configuration is wrong."""
    _allow_any_text()
    arguments = _parser().parse_args(argv)
    try:
        if arguments.module:
            _import(arguments.module)
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


def _import(module: str) -> None:
    """What is imported stays: the collector, which would look through it in vain for a seventh of the time, rests meanwhile, and
    afterwards leaves it alone."""
    gc.disable()
    try:
        import_module(module)
    finally:
        gc.freeze()
        gc.enable()


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

    def add(name: str, run: Command, module: str, summary: str) -> argparse.ArgumentParser:
        """`module` brings with it all that the command needs, and no more."""
        command = commands.add_parser(name, help=summary, description=summary)
        command.set_defaults(command=run, module=module)
        return command

    demo = add("demo", _demo, "", "try Purser against a pretend workspace and pretend providers; needs no account")
    demo.add_argument("--script", action="store_true", help="play a scripted conversation, check every answer, and end")
    add("run", _run, "bot.app", "everything in one process: web, clock, jobs")
    add("web", _web, "bot.app", "answer Slack and browsers only")
    add("worker", _worker, "bot.app", "deliver alerts only")
    add("clock", _clock, "bot.app", "check accounts on time only")
    add("migrate", _migrate, "bot.migrating", "bring the database's tables up to date")
    sync = add("sync", _sync, "bot.checkup", "one full check of every account now")
    sync.add_argument("--account", help="only this account")
    _add_webhooks(commands)
    audit = add("audit", _audit, "bot.audit", "who was given which link: the log of downloads, newest first")
    audit.add_argument("--person", metavar="ID", help="only this member ID")
    audit.add_argument("--product", metavar="NAME", help="only this product")
    audit.add_argument("--since", metavar="TIME", help="from then on: 2026-05-01, 2026-05-01T08:00Z or 7d")
    audit.add_argument("--until", metavar="TIME", help="before then")
    audit.add_argument("--format", choices=("table", "csv", "json"), default="table", help="table, csv or json")
    add("doctor", _doctor, "bot.doctor", "check everything that can be wrong, and say how to mend it")
    add("manifest", _manifest, "bot.manifest", "print the Slack app manifest for this configuration")
    return parser


def _add_webhooks(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    summary = "the addresses at which vendors call Purser"
    webhooks = commands.add_parser("webhooks", help=summary, description=summary)
    summary = "see to it that vendors call Purser, one webhook per app"
    sync = webhooks.add_subparsers(required=True, metavar="COMMAND").add_parser("sync", help=summary, description=summary)
    sync.add_argument("--account", help="only this account")
    sync.set_defaults(command=_sync_webhooks, module="bot.webhooks")


def _settings() -> "Configured":
    from bot.workshop import load_settings

    return load_settings(os.environ, Path.cwd())


def _settings_without_accounts() -> "Settings[Any]":
    from bot.config import load_without_accounts

    return load_without_accounts(os.environ, Path.cwd())


def _run(_: argparse.Namespace) -> int:
    from bot.app import Part

    return _loop(_serving(_settings(), Part.EVERYTHING))


def _web(_: argparse.Namespace) -> int:
    from bot.app import Part

    return _loop(_serving(_for_several(_settings(), "web"), Part.WEB))


def _worker(_: argparse.Namespace) -> int:
    from bot.app import Part

    return _loop(_background(_for_several(_settings(), "worker"), Part.WORKER))


def _clock(_: argparse.Namespace) -> int:
    from bot.app import Part

    return _loop(_background(_for_several(_settings(), "clock"), Part.CLOCK))


def _for_several(settings: "Configured", command: str) -> "Configured":
    """Raises UserMistake: what works side by side with others cannot do so on an SQLite file."""
    if settings.environment.database_url.startswith("sqlite"):
        raise UserMistake(
            f"`purser {command}` is one of several processes, and those need DATABASE_URL=postgresql://…; "
            "with SQLite, `purser run` does everything in one"
        )
    return settings


async def _serving(settings: "Configured", parts: "Part") -> int:
    from bot.serving import serve
    from bot.store.lock import held_alone

    purser = _built(settings, parts)
    address = (settings.environment.host, settings.environment.port)
    with held_alone(settings.environment.database_url), _listening_socket(*address) as listener:
        await _prepare(purser)
        return WELL if await serve(purser.web, listener) else FAILED


async def _background(settings: "Configured", parts: "Part") -> int:
    """Listens to nobody, unless METRICS_PORT lets health and metrics be asked."""
    from bot.serving import serve, work

    purser = _built(settings, parts)
    environment = settings.environment
    if environment.metrics_port is None:
        await _prepare(purser)
        await work(purser.running())
        return WELL
    with _listening_socket(environment.host, environment.metrics_port, "METRICS_PORT") as listener:
        await _prepare(purser)
        return WELL if await serve(purser.web, listener) else FAILED


def _built(settings: "Configured", parts: "Part") -> "Purser":
    from bot.app import build
    from bot.logs import set_up_logs

    set_up_logs(settings.environment.log_level, settings.environment.log_format)
    return build(settings, parts)


async def _prepare(purser: "Purser") -> None:
    _migrate_own_file(purser.settings)
    await purser.prepare()


def _listening_socket(host: str, port: int, variable: str = "PORT") -> socket.socket:
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
        raise PurserError(f"cannot listen on {host}:{port} ({error.strerror}); set HOST and {variable} to others") from error


def _migrate_own_file(settings: "Settings[Any]") -> None:
    """An SQLite file belongs to this process; a PostgreSQL database is migrated by `purser migrate`."""
    from bot.store.migrate import upgrade

    if settings.environment.database_url.startswith("sqlite"):
        upgrade(settings.environment.database_url)


def _migrate(_: argparse.Namespace) -> int:
    from bot.migrating import prepare_database

    prepare_database(_settings().environment.database_url)
    print("The database is up to date.")  # noqa: T201
    return WELL


def _sync(arguments: argparse.Namespace) -> int:
    from bot.checkup import sync_now

    settings = _settings()
    settings.require_accounts()
    _only_worst_logs(settings)
    _migrate_own_file(settings)
    return WELL if asyncio.run(sync_now(settings, arguments.account)) else FAILED


def _sync_webhooks(arguments: argparse.Namespace) -> int:
    from bot.webhooks import sync_webhooks

    settings = _settings()
    settings.require_accounts()
    _only_worst_logs(settings)
    return WELL if asyncio.run(sync_webhooks(settings, arguments.account)) else FAILED


def _audit(arguments: argparse.Namespace) -> int:
    from bot.audit import Question, audit

    settings = _settings_without_accounts()
    _only_worst_logs(settings)
    _migrate_own_file(settings)
    question = Question(arguments.person, arguments.product, arguments.since, arguments.until, arguments.format)
    asyncio.run(audit(settings.environment.database_url, question))
    return WELL


def _doctor(_: argparse.Namespace) -> int:
    from bot.doctor import examine

    settings = _settings()
    _only_worst_logs(settings)
    return WELL if asyncio.run(examine(settings)) else FAILED


def _only_worst_logs(settings: "Settings[Any]") -> None:
    """The report says the rest."""
    from bot.logs import set_up_logs

    set_up_logs("critical", settings.environment.log_format)


def _manifest(_: argparse.Namespace) -> int:
    import json

    from bot.manifest import manifest

    print(json.dumps(manifest(_settings_without_accounts()), indent=2))  # noqa: T201
    return WELL


def _demo(arguments: argparse.Namespace) -> int:
    if arguments.script:
        from bot.sandbox.script import scripted

        return asyncio.run(scripted())
    from bot.sandbox.demo import interactive

    return asyncio.run(interactive())


def _loop(work: Coroutine[Any, Any, int]) -> int:
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)


if __name__ == "__main__":
    sys.exit(main())
