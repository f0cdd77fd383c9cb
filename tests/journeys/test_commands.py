"""The `purser` command as a person or an init system meets it: what it says, and how it ends."""

import asyncio
import io
import json
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from bot.checkup import sync_now
from bot.cli import main
from bot.doctor import examine
from bot.domain.errors import UserMistake
from bot.mistakes import ConfigurationError
from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.world import APPCIRCLE, APPLE, APPLIVERY, World
from bot.workshop import Configured, load_settings

from ..store.migrated import migrated_file
from ..store.postgres import Postgres
from .conftest import ACCOUNTS
from .terminal import ROOT, Terminal, until

NOWHERE = "postgresql://purser:hunter2hunter2@127.0.0.1:9/purser"


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


def test_all_mistakes_at_once_each_with_its_line_and_an_example(tmp_path: Path) -> None:
    (tmp_path / "purser.toml").write_text(BROKEN)
    (tmp_path / "AuthKey.p8").write_text("-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----\n")
    with pytest.raises(ConfigurationError) as caught:
        load_settings({"PORT": "0", "SECRET_KEY": "short"}, tmp_path)
    said = str(caught.value)
    for number in (2, 3, 7, 12, 13, 16, 19, 23):
        assert f"purser.toml:{number}," in said
    assert {"PORT", "SECRET_KEY"} <= {line.split(":")[0].strip() for line in said.splitlines()}
    assert said.count("for example:") == 10
    assert "The configuration has 10 mistakes." in said
    assert "did you mean `app_store_connect`?" in said
    assert "is not a private key" in said
    assert "ac_pat_0123456789abcdef" not in said
    assert "bm90IGEga2V5" not in said


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


async def test_an_app_token_that_slack_refuses_is_one_sentence(terminal: Terminal) -> None:
    outcome = await terminal.purser("run", SLACK_APP_TOKEN="xapp-somebody-elses")
    assert outcome.code == 1
    (sentence,) = outcome.err.splitlines()
    assert sentence.startswith(
        "purser: Slack refuses SLACK_APP_TOKEN (invalid_auth); make an app-level token with connections:write"
    )


async def test_without_accounts_it_says_so(world: World, terminal: Terminal) -> None:
    (terminal.folder / "purser.toml").write_text("")
    async with terminal.started("run", until="answering") as started:
        answer = await world.slack.command(world.town.ada, world.town.mobile, "/versions")
    (warning,) = [line for line in started.said if "[warning" in line]
    sentence = "No accounts are configured, so there is nothing to show; purser.example.toml has one of each kind."
    assert sentence in warning
    assert answer.text_content.startswith(sentence)


async def test_a_database_that_is_not_there(terminal: Terminal) -> None:
    outcome = await terminal.purser("run", DATABASE_URL=NOWHERE)
    assert outcome.code == 1
    (sentence,) = outcome.err.splitlines()
    assert sentence.startswith("purser: the database cannot be used (unreachable); check DATABASE_URL")


async def test_a_database_that_cannot_be_written(terminal: Terminal) -> None:
    (terminal.folder / "diary").write_text("Dear diary, " * 1000)
    diary = f"sqlite:///{terminal.folder}/diary"
    below, itself = await asyncio.gather(
        terminal.purser("run", DATABASE_URL=f"{diary}/purser.db"), terminal.purser("migrate", DATABASE_URL=diary)
    )
    assert below.code == itself.code == 1
    assert "a folder that this user can make" in below.err
    assert "this one is no SQLite database" in itself.err
    assert len((below.err + itself.err).splitlines()) == 2


def test_a_word_that_is_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["dance"])
    assert ended.value.code == 2
    assert "'doctor'" in capsys.readouterr().err


# --- purser manifest --------------------------------------------------------------------------


async def test_the_manifest_is_json(bare: Terminal) -> None:
    variables = {"PUBLIC_URL": "https://purser.example.com", "SECRET_KEY": "k" * 32}
    outcome = await bare.fresh.purser("manifest", **variables)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome == await bare.purser("manifest", **variables)
    assert json.loads(outcome.out)["features"]["slash_commands"][0]["url"] == "https://purser.example.com/slack/events"


async def test_the_manifest_needs_no_secret(bare: Terminal) -> None:
    (bare.folder / "purser.toml").write_text((ROOT / "purser.example.toml").read_text())
    outcome = await bare.purser("manifest")
    assert (outcome.code, outcome.err) == (0, "")
    with pytest.raises(ConfigurationError, match="for example: ASC_PRIVATE_KEY=…"):
        load_settings({}, bare.folder)


@pytest.fixture
def nobody_reads() -> Iterator[int]:
    """The writing end of a pipe whose reader has gone, as `head` does."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


async def test_a_reader_that_goes_away_is_no_disaster(bare: Terminal, nobody_reads: int) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.cli", "manifest"),
        cwd=bare.folder,
        env={"PYTHONPATH": str(ROOT)},
        stdout=nobody_reads,
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await process.communicate()
    assert (process.returncode, err) == (1, b"")


async def test_a_terminal_that_knows_few_letters(bare: Terminal) -> None:
    outcome = await bare.fresh.purser("doctor", PYTHONIOENCODING="ascii")
    assert outcome.code == 1
    assert "SLACK_BOT_TOKEN is not set" in outcome.out


@dataclass(frozen=True)
class Sync:
    """`purser sync` without its process: whether every account was read, and what it wrote."""

    world: World
    console: pytest.CaptureFixture[str]

    @property
    def settings(self) -> Configured:
        return load_settings(self.world.environment, self.world.folder)

    async def now(self, account: str | None = None) -> tuple[bool, str]:
        if not (file := self.world.folder / "purser.db").exists():
            migrated_file(file)
        is_well = await sync_now(self.settings, account)
        out, err = self.console.readouterr()
        assert err == ""
        return is_well, out


@pytest.fixture
def sync(world: World, capsys: pytest.CaptureFixture[str]) -> Sync:
    return Sync(world, capsys)


# --- purser sync ------------------------------------------------------------------------------


async def test_sync_shows_what_every_account_has(terminal: Terminal) -> None:
    outcome = await terminal.fresh.purser("sync")
    assert (outcome.code, outcome.err) == (0, "")
    assert [line.split() for line in outcome.out.splitlines()] == [
        ["account", "apps", "builds", "alerts"],
        ["acme-apple", "1", "3", "0"],
        ["acme-applivery", "2", "16", "0"],
        ["acme-store", "2", "3", "0"],
    ]


@pytest.mark.usefixtures("applivery_is_away")
async def test_sync_says_which_account_cannot_be_read(terminal: Terminal) -> None:
    outcome = await terminal.purser("sync")
    assert (outcome.code, outcome.err) == (1, "")
    apple, row, advice, appcircle = outcome.out.splitlines()[1:]
    assert apple.split() == ["acme-apple", "1", "3", "0"]
    assert row == "acme-applivery  could not be read: list apps got no answer (connect)"
    assert advice.startswith("                → check the addresses of this account")
    assert appcircle.split() == ["acme-store", "2", "3", "0"]


async def test_on_a_screen_sync_has_a_line_for_each_account_while_it_is_read(world: World, terminal: Terminal) -> None:
    till = world.apple.add_app("Till", "com.acme.till")
    for number in range(230):
        world.apple.upload(till, f"1.{number}", str(number))
    world.apple.latency = 0.7
    async with terminal.on_screen("sync") as screen:
        await until(lambda: screen.has_shown(APPLE, "1 request, 3,499 left", "2 apps", "0 builds"))
        await until(lambda: screen.has_shown(APPLE, "2 requests, 3,498 left", "2 apps", "200 builds"))
        await until(lambda: screen.has_shown(APPLIVERY, "3 requests   ", "2 apps", "16 builds"))
        await until(lambda: screen.has_shown(APPCIRCLE, "requests   ", "2 apps", "3 builds"))
        await screen.process.wait()
    assert screen.code == 0
    assert [line.split() for line in screen.shown[-3:]] == [
        [APPLE, "2", "233", "0"],
        [APPLIVERY, "2", "16", "0"],
        [APPCIRCLE, "2", "3", "0"],
    ]


@pytest.mark.usefixtures("applivery_is_away")
async def test_the_line_of_an_account_that_cannot_be_read_says_so(world: World, terminal: Terminal) -> None:
    world.apple.misbehave("^/v1/builds$", Misbehaviour.HANG)
    async with terminal.on_screen("sync", columns=60) as screen:
        await until(lambda: screen.has_shown(APPLIVERY, "could not be read: list apps", "…"), 30)
        assert await screen.end(signal.SIGINT) < 5
    assert screen.code == 1
    assert max(map(len, screen.shown)) == 60
    assert not screen.has_shown("alerts")


async def test_sync_leaves_an_account_alone_whose_requests_are_spent(world: World, sync: Sync) -> None:
    world.apple.rate_limit = 1
    is_well, out = await sync.now(APPLE)
    assert not is_well
    assert "acme-apple  was not read: the few requests that its vendor still allows are kept for clicks\n" in out


async def test_sync_says_which_apps_cannot_be_read(world: World, sync: Sync) -> None:
    first = next(iter(world.applivery.apps))
    world.applivery.misbehave(f"/apps/{first}/builds", Misbehaviour.FORBIDDEN)
    _, out = await sync.now(APPLIVERY)
    (row,) = [line for line in out.splitlines() if line.startswith(APPLIVERY)]
    assert "1 app could not be read: list builds was refused (forbidden)" in row


async def test_sync_tells_the_owners_through_the_bot_that_runs(world: World, sync: Sync) -> None:
    """What it writes waits for the running bot, addressed to them."""
    world.applivery.misbehave("", Misbehaviour.UNAUTHORIZED)
    for _ in range(2):
        await sync.now(APPLIVERY)
    with closing(sqlite3.connect(world.folder / "purser.db")) as database:
        told = database.execute("SELECT channel FROM deliveries JOIN alerts ON alerts.id = alert_id WHERE kind = 'account_down'")
        assert told.fetchall() == [(world.town.grace.id,)]


async def test_sync_names_apps_that_no_account_lists(world: World, sync: Sync) -> None:
    file = world.folder / "purser.toml"
    file.write_text(file.read_text() + '[[products]]\nname = "Till"\napps = ["acme-applivery:5f3e1c0a9b8d7e6f5a4b3c2d"]\n')
    is_well, out = await sync.now()
    assert is_well
    assert out.splitlines()[-2:] == [
        "Till            no account lists acme-applivery:5f3e1c0a9b8d7e6f5a4b3c2d",
        "                → correct the ids under apps of its [[products]] table",
    ]
    report = io.StringIO()
    await examine(sync.settings, Console(file=report, width=80))
    assert "warning  product Till" in report.getvalue()


async def test_sync_of_an_account_that_nobody_configured(sync: Sync) -> None:
    with pytest.raises(UserMistake) as caught:
        await sync.now("nonsense")
    assert str(caught.value) == f"no account is called nonsense; purser.toml has {', '.join(ACCOUNTS)}"


# --- What runs until it is told to end --------------------------------------------------------


async def test_run_ends_when_it_is_told_to(terminal: Terminal) -> None:
    async with terminal.fresh.started("run", until="answering") as started:
        assert await started.end(signal.SIGTERM) < 5
    assert started.code == 0
    assert "stopped" in started.said[-1]


async def test_a_request_for_a_websocket_is_answered_like_any_other(terminal: Terminal, world: World) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "A" * 22 + "==",
    }
    async with terminal.started("run", until="answering"), httpx.AsyncClient(verify=False) as http:
        answer = await http.get(f"{world.public_url}/healthz", headers=upgrade)
    assert (answer.status_code, answer.text) == (200, "ok\n")


@pytest.mark.timeout(180)  # each wait has its own bound
async def test_separate_processes_share_a_postgresql(terminal: Terminal, postgres: Postgres) -> None:
    """In the order of a deployment."""
    postgres_url = postgres.create()
    migrated = await terminal.fresh.purser("migrate", DATABASE_URL=postgres_url)
    assert (migrated.code, migrated.out, migrated.err) == (0, "The database is up to date.\n", "")
    async with (
        terminal.started("web", until="answering", DATABASE_URL=postgres_url) as web,
        terminal.started("worker", until="working", DATABASE_URL=postgres_url) as worker,
        terminal.started("clock", until="working", DATABASE_URL=postgres_url) as clock,
    ):
        await until(lambda: sum("account checked" in line for line in worker.said + clock.said) >= len(ACCOUNTS))
        for process, number in ((web, signal.SIGINT), (worker, signal.SIGTERM), (clock, signal.SIGINT)):
            assert await process.end(number) < 5
            assert process.code == 0
            assert "stopped" in process.said[-1]


async def test_it_ends_in_time_whatever_it_waits_for(world: World, terminal: Terminal) -> None:
    """Whoever stops a container kills it 10 seconds later."""
    world.applivery.misbehave("/", Misbehaviour.HANG)  # the check at the start, and the one behind the answer
    async with terminal.started("run", until="answering") as started:
        await world.slack.command(world.town.ada, world.town.mobile, "/versions")
        assert await started.end(signal.SIGINT) < 9
    assert started.code == 0


async def test_ctrl_c_ends_a_check_without_a_traceback(world: World, terminal: Terminal) -> None:
    world.apple.misbehave("/", Misbehaviour.HANG)
    async with terminal.fresh.started("sync") as started:
        await until(lambda: world.apple.requests)
        assert await started.end(signal.SIGINT) < 5
    assert (started.code, started.said) == (1, [])
