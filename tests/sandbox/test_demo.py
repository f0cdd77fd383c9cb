"""The demo against the real bot in a process of its own: what a person types, what they see, and that nothing is left behind."""

import asyncio
import os
import pty
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from filelock import FileLock
from rich.console import Console

from bot.sandbox.demo import Demo, interactive
from bot.sandbox.five import FiveSystems
from bot.sandbox.process import BotDidNotStart, BotProcess
from bot.sandbox.script import Conversation, play
from bot.sandbox.world import World

from ..crash.crew import Member, ready, working

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        yield world


@pytest.fixture
async def five_systems() -> AsyncIterator[World]:
    async with FiveSystems() as world:
        yield world


def bot_of(world: World) -> BotProcess:
    return BotProcess(world.environment, world.folder, world.public_url)


@asynccontextmanager
async def forked_bot_of(world: World) -> AsyncIterator[None]:
    """Where it does not matter how the demo starts and ends its bot."""
    async with working(Member("run", world.environment, world.folder)):
        await ready(world.public_url)
        yield


async def typed(demo: Demo, screen: list[str], line: str) -> str:
    """What appears when this line is typed."""
    screen.clear()
    assert await demo.obey(line)
    return "\n".join(screen)


async def test_a_person_types_and_presses(five_systems: World) -> None:
    world = five_systems
    async with forked_bot_of(world):
        screen: list[str] = []
        demo = Demo(world, screen.append)
        await demo.settle_in()
        shop = await typed(demo, screen, "/versions shop")
        assert all(title in shop for title in ("App Store Connect", "Applivery", "Appcircle", "App47", "Akana"))
        assert "[1 Download]" in shop
        ticket = await typed(demo, screen, "1")
        assert "only you see this" in ticket
        (open_it,) = re.findall(r"\[(\d+) Open\]", ticket)
        assert f"{world.public_url}/d/" in await typed(demo, screen, open_it)
        assert "no button 99" in await typed(demo, screen, "99")
        assert "Courier" in await typed(demo, screen, "dm versions courier")
        assert "0.9.4 (77)" in await typed(demo, screen, "@purser versions scanner")
        home = await typed(demo, screen, "home")
        (builds,) = re.findall(r"\[(\d+) Builds\]", next(line for line in home.splitlines() if "Builds" in line))
        window = await typed(demo, screen, builds)
        assert "modal Purser" in window
        assert "Download]" in window
        await typed(demo, screen, "as gus")
        assert "Guests" in await typed(demo, screen, "/versions shop")
        assert demo.prompt == "gus in #mobile> "
        assert "as gus" in await typed(demo, screen, "what?")
        assert not await demo.obey("quit")


async def test_what_developers_do_is_announced(world: World) -> None:
    heard = asyncio.Event()

    def tell(text: str) -> None:
        if "3.2.0 (418)" in text and "Download" in text:
            heard.set()

    async with forked_bot_of(world):
        demo = Demo(world, tell)
        await demo.settle_in()
        listening = asyncio.create_task(demo.listen())
        assert await demo.obey("upload")
        await asyncio.wait_for(heard.wait(), 5)
        listening.cancel()


async def test_nothing_is_left_behind() -> None:
    async with World() as world:
        folder = world.folder
        async with bot_of(world) as bot:
            assert bot.process is not None
            pid = bot.process.pid
        assert "Traceback" not in bot.log_tail(1000)
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_bot_that_cannot_start_says_why(world: World) -> None:
    lacking = {name: value for name, value in world.environment.items() if name != "SLACK_BOT_TOKEN"}
    with pytest.raises(BotDidNotStart, match="SLACK_BOT_TOKEN"):
        async with BotProcess(lacking, world.folder, world.public_url):
            pass


async def test_the_script_names_the_step_that_failed(world: World, tmp_path: Path) -> None:
    with (tmp_path / "out").open("w+") as out:
        console = Console(file=out, width=200)
        async with httpx.AsyncClient(trust_env=False) as browser:
            assert not await play(Conversation(world, browser, console), bot_of(world), console)
        out.seek(0)
        assert "FAILED  versions of every product: dispatch_failed" in out.read()


async def closed_demo(folder: Path, number: signal.Signals) -> int:
    """How a demo at a terminal ended that got this signal, and lost the terminal, once it was talking."""
    ours, theirs = pty.openpty()
    demo = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.cli", "demo"),
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder), "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    while b"#mobile>" not in shown:
        shown += await asyncio.to_thread(os.read, ours, 4096)
    demo.send_signal(number)
    os.close(ours)
    return await asyncio.wait_for(demo.wait(), 15)


def left_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_a_demo_whose_terminal_is_closed_leaves_nothing(tmp_path: Path) -> None:
    assert await closed_demo(tmp_path, signal.SIGHUP) == 1
    assert left_in(tmp_path) == []


async def test_a_demo_that_is_killed_leaves_no_bot(tmp_path: Path) -> None:
    assert await closed_demo(tmp_path, signal.SIGKILL) == -signal.SIGKILL
    (folder,) = left_in(tmp_path)
    with FileLock(folder / "purser.db.lock", timeout=15):  # which the bot holds while it lives
        pass


async def test_what_is_no_command_does_not_reach_the_bot(world: World) -> None:
    screen: list[str] = []
    demo = Demo(world, screen.append)
    for line in ("/nonsense shop", "/"):
        assert "is not a valid command" in await typed(demo, screen, line)


async def test_without_a_terminal_it_points_to_the_script(capfd: pytest.CaptureFixture[str]) -> None:
    assert await interactive() == 1
    assert "purser demo --script" in capfd.readouterr().err


async def test_over_socket_mode() -> None:
    async with World(socket_mode=True) as world, forked_bot_of(world):
        await asyncio.wait_for(world.slack.sockets.connected.wait(), 5)
        world.slack.bot_url = None
        answer = await world.slack.command(world.town.ada, world.town.mobile, "/purser whoami")
        assert "You are" in answer.text_content
