"""The `purser` command as a person or an init system meets it: what it says, and how it ends."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx

import pytest

from bot.manifest import scopes
from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.world import World, free_port

from .conftest import ACCOUNTS
from .terminal import ROOT, Terminal

NOWHERE = "postgresql://purser:hunter2hunter2@127.0.0.1:9/purser"
SERVING, WORKING = "answering", "working"


@pytest.fixture
def bare(tmp_path: Path) -> Terminal:
    """Nothing is configured here."""
    return Terminal(tmp_path, {})


@pytest.fixture
def terminal(world: World) -> Terminal:
    return Terminal(world.folder, world.environment)


# --- What cannot start says why ---------------------------------------------------------------


async def test_without_a_token_it_says_what_to_set(bare: Terminal) -> None:
    outcome = await bare.purser("run")
    assert outcome.code == 2
    assert "SLACK_BOT_TOKEN" in outcome.err
    assert "SLACK_SIGNING_SECRET" in outcome.err
    assert "SLACK_APP_TOKEN" in outcome.err
    assert "`purser manifest`" in outcome.err
    assert outcome.out == ""


BROKEN = """\
[purser]
poll_every = "soon"
pol_every = "5m"

[[accounts]]
name = "acme-apple"
provider = "app_store_conect"

[[accounts]]
name = "acme-store"
provider = "appcircle"
personal_api_token = "ac_pat_0123456789abcdef"
store_url = "acme.store"

[[accounts]]
name = "acme-store"
provider = "app_store_connect"
key_id = "2X9R4HXF34"
private_key = "file:AuthKey.p8"

[[products]]
name = "Shop"
apps = ["acme-applivery:1"]
"""


async def test_all_mistakes_at_once_each_with_its_line_and_an_example(bare: Terminal) -> None:
    (bare.folder / "purser.toml").write_text(BROKEN)
    (bare.folder / "AuthKey.p8").write_text("-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----\n")
    outcome = await bare.purser("doctor", PORT="0", SECRET_KEY="short")
    assert outcome.code == 2
    assert outcome.out == ""
    for number in (2, 3, 7, 12, 13, 16, 19, 23):
        assert f"purser.toml:{number}," in outcome.err
    assert {"PORT", "SECRET_KEY"} <= {line.split(":")[0].strip() for line in outcome.err.splitlines()}
    assert outcome.err.count("for example:") == 10
    assert "The configuration has 10 mistakes." in outcome.err
    assert "did you mean `app_store_connect`?" in outcome.err
    assert "is not a private key" in outcome.err
    assert "ac_pat_0123456789abcdef" not in outcome.err
    assert "bm90IGEga2V5" not in outcome.err


async def test_what_is_no_toml_and_what_is_not_there(bare: Terminal) -> None:
    (bare.folder / "purser.toml").write_text("[purser]\npoll_every = 5m\n")
    spoilt, missing = await asyncio.gather(bare.purser("sync"), bare.purser("manifest", PURSER_CONFIG="elsewhere.toml"))
    assert spoilt.code == missing.code == 2
    assert "purser.toml:2: is not TOML" in spoilt.err
    assert "elsewhere.toml: cannot be read" in missing.err


async def test_without_accounts_there_is_nothing_to_check(bare: Terminal) -> None:
    outcome = await bare.purser("sync")
    assert outcome.code == 2
    assert "cp purser.example.toml purser.toml" in outcome.err


async def test_a_taken_port_is_one_sentence(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = await terminal.purser("run", PORT=str(port))
    assert outcome.code == 1
    assert outcome.err == f"purser: cannot listen on 127.0.0.1:{port} (Address already in use); set HOST and PORT to others\n"


async def test_a_token_that_slack_refuses_is_one_sentence(terminal: Terminal) -> None:
    outcome = await terminal.purser("run", SLACK_BOT_TOKEN="xoxb-somebody-elses")
    assert outcome.code == 1
    assert outcome.err == "purser: Slack refuses SLACK_BOT_TOKEN (invalid_auth); copy it anew from OAuth & Permissions\n"


@pytest.mark.parametrize("command", ["run", "migrate", "sync"])
async def test_a_database_that_is_not_there(terminal: Terminal, command: str) -> None:
    outcome = await terminal.purser(command, DATABASE_URL=NOWHERE)
    assert outcome.code == 1
    (sentence,) = outcome.err.splitlines()
    assert sentence.startswith("purser: the database cannot be used (unreachable); check DATABASE_URL")


async def test_a_database_in_a_folder_that_cannot_be_made(terminal: Terminal) -> None:
    (terminal.folder / "file").touch()
    outcome = await terminal.purser("run", DATABASE_URL=f"sqlite:///{terminal.folder}/file/purser.db")
    assert outcome.code == 1
    (sentence,) = outcome.err.splitlines()
    assert "a folder that this user can make" in sentence


async def test_a_file_that_is_no_database(terminal: Terminal) -> None:
    (terminal.folder / "purser.db").write_text("Dear diary, " * 1000)
    outcome = await terminal.purser("migrate")
    assert outcome.code == 1
    assert "this one is no SQLite database" in outcome.err


async def test_a_word_that_is_no_command(bare: Terminal) -> None:
    outcome = await bare.purser("dance")
    assert outcome.code == 2
    assert "'doctor'" in outcome.err


# --- purser manifest --------------------------------------------------------------------------


async def test_the_manifest_is_json(bare: Terminal) -> None:
    over_socket, over_http = await asyncio.gather(
        bare.purser("manifest"),
        bare.purser("manifest", PUBLIC_URL="https://purser.example.com", SECRET_KEY="k" * 32),
    )
    assert over_socket.code == over_http.code == 0
    assert json.loads(over_socket.out)["settings"]["socket_mode_enabled"]
    assert json.loads(over_http.out)["features"]["slash_commands"][0]["url"] == "https://purser.example.com/slack/events"


@pytest.fixture
def nobody_reads() -> Iterator[int]:
    """The writing end of a pipe whose reader has gone, as `head` does."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@pytest.mark.parametrize("command", ["manifest", "doctor"])
async def test_a_reader_that_goes_away_is_no_disaster(bare: Terminal, nobody_reads: int, command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.cli", command),
        cwd=bare.folder,
        env={"PYTHONPATH": str(ROOT)},
        stdout=nobody_reads,
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await process.communicate()
    assert (process.returncode, err) == (1, b"")


async def test_a_terminal_that_knows_few_letters(bare: Terminal) -> None:
    outcome = await bare.purser("doctor", PYTHONIOENCODING="ascii")
    assert outcome.code == 1
    assert "SLACK_BOT_TOKEN is not set" in outcome.out


# --- purser sync ------------------------------------------------------------------------------


async def test_sync_shows_what_every_account_has(terminal: Terminal) -> None:
    outcome = await terminal.purser("sync")
    assert (outcome.code, outcome.err) == (0, "")
    assert [line.split() for line in outcome.out.splitlines()] == [
        ["account", "apps", "builds", "alerts"],
        ["acme-apple", "1", "3", "0"],
        ["acme-applivery", "2", "16", "0"],
        ["acme-store", "2", "3", "0"],
    ]


async def test_sync_says_which_account_cannot_be_read(world: World, terminal: Terminal) -> None:
    await world.applivery_server.stop()
    whole, single = await asyncio.gather(terminal.purser("sync"), terminal.purser("sync", "--account", "acme-store"))
    assert (whole.code, single.code) == (1, 0)
    row, advice = (line.strip() for line in whole.out.splitlines()[2:4])
    assert row == "acme-applivery  could not be read: list apps got no answer (connect)"
    assert advice.startswith("→ check the addresses of this account")
    assert ["acme-store", "2", "3", "0"] in [line.split() for line in whole.out.splitlines()]
    assert [line.split()[0] for line in single.out.splitlines()] == ["account", "acme-store"]
    assert whole.err == single.err == ""


async def test_sync_of_an_account_that_nobody_configured(terminal: Terminal) -> None:
    outcome = await terminal.purser("sync", "--account", "nonsense")
    assert outcome.code == 2
    assert outcome.err == f"purser: no account is called nonsense; purser.toml has {', '.join(ACCOUNTS)}\n"


# --- What runs until it is told to end --------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "until", "number"),
    [
        ("run", SERVING, signal.SIGTERM),
        ("web", SERVING, signal.SIGINT),
        ("worker", WORKING, signal.SIGTERM),
        ("clock", WORKING, signal.SIGINT),
    ],
)
async def test_it_ends_when_it_is_told_to(terminal: Terminal, command: str, until: str, number: signal.Signals) -> None:
    async with terminal.started(command, until=until) as started:
        assert await started.end(number) < 5
    assert started.code == 0
    assert "stopped" in started.said[-1]


async def test_it_ends_in_time_whatever_it_waits_for(world: World, terminal: Terminal) -> None:
    """Whoever stops a container kills it 10 seconds later."""
    world.applivery.misbehave("/", Misbehaviour.HANG)  # the check at the start, and the one behind the answer
    async with terminal.started("run", until=SERVING) as started, httpx.AsyncClient(timeout=30) as client:
        await world.slack.command(world.town.ada, world.town.mobile, "/versions")
        world.slack.api.faults.hang("auth.test")
        waiting = asyncio.create_task(client.get(f"{world.public_url}/readyz"))
        assert await started.end() < 10
        await asyncio.gather(waiting, return_exceptions=True)
    assert started.code == 0


async def test_migrate_can_be_repeated(terminal: Terminal) -> None:
    for _ in range(2):
        outcome = await terminal.purser("migrate")
        assert (outcome.code, outcome.out, outcome.err) == (0, "The database is up to date.\n", "")


async def test_ctrl_c_ends_a_check_without_a_traceback(world: World, terminal: Terminal) -> None:
    world.apple.misbehave("/", Misbehaviour.HANG)
    async with terminal.started("sync") as started:
        async with asyncio.timeout(10):
            while not world.apple.requests:
                await asyncio.sleep(0.02)
        assert await started.end(signal.SIGINT) < 5
    assert (started.code, started.said) == (1, [])
