"""`purser demo`: the real bot, used by a person at a terminal against a pretend workspace."""

import asyncio
import contextlib
import re
import shutil
import sys
from collections.abc import Callable

from prompt_toolkit import PromptSession, print_formatted_text
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.patch_stdout import patch_stdout
from rich.emoji import Emoji

from bot.sandbox.five import FiveSystems
from bot.sandbox.process import BotDidNotStart, BotProcess, ended_by_signals
from bot.sandbox.slack import Channel, Message, NothingSeen, Undelivered, User, View
from bot.sandbox.slack.faults import SlackError
from bot.sandbox.slack.terminal import Screen
from bot.sandbox.slack.workspace import ChannelKind, Happening, What
from bot.sandbox.world import World

FIRST_UPLOAD = 25.0  # seconds
NEXT_UPLOAD = 60.0
SETTLED_SECONDS = 10.0

_BUTTON = re.compile(r"(\[\d+ [^\]]+\])")
_NO_TERMINAL = "purser demo needs a terminal to talk to you; `purser demo --script` plays a conversation without one."
_WELCOME = """\
Purser runs on {url}, against a pretend Slack and pretend App Store Connect, Applivery, Appcircle, App47 and Akana.
You are {user} in #{channel}, which hears about Shop, Courier and agreements. Developers upload something now and then.
Try /versions shop, and type a number to press that button. help lists the rest, quit ends everything.
"""
_HELP = """\
/versions shop         a slash command; /purser help lists them all
@purser status         a mention in this channel
dm versions courier    a direct message to Purser
home                   open Purser's Home tab
7                      press button 7
in general             go to another channel: {channels}
as gus                 be somebody else: {users}
upload                 let a developer upload something now
block, sign            an Apple agreement expires; the Account Holder signs it
quit                   end everything
"""

Tell = Callable[[str], None]


async def interactive() -> int:
    """Until the person quits: 0; 1 when it cannot begin. Leaves no process and no file behind."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print_formatted_text(_NO_TERMINAL, file=sys.stderr)
        return 1
    with ended_by_signals(), patch_stdout():
        try:
            async with FiveSystems() as world, BotProcess(world.environment, world.folder, world.public_url):
                await _converse(Demo(world, _tell))
        except (BotDidNotStart, DidNotSettle) as error:
            _tell(str(error))
            return 1
    return 0


async def _converse(demo: "Demo") -> None:
    await demo.settle_in()
    completer = WordCompleter(demo.words(), sentence=True)
    session: PromptSession[str] = PromptSession(completer=completer, complete_while_typing=False, reserve_space_for_menu=0)
    async with asyncio.TaskGroup() as tasks:
        behind = [tasks.create_task(demo.listen()), tasks.create_task(demo.develop())]
        with contextlib.suppress(EOFError, KeyboardInterrupt):
            while await demo.obey(await session.prompt_async(lambda: demo.prompt)):
                pass
        for task in behind:
            task.cancel()


def _tell(text: str) -> None:
    pieces = _BUTTON.split(text)
    print_formatted_text(FormattedText([("bold fg:ansicyan" if _BUTTON.match(piece) else "", piece) for piece in pieces]))


class DidNotSettle(Exception):
    """The demo cannot begin."""


class Demo:
    """What each typed line does. Everything that the person's screen shows goes to `tell`, message by message."""

    def __init__(self, world: World, tell: Tell) -> None:
        self._world = world
        self._tell = tell
        self._slack = world.slack
        self._user: User = world.town.ada
        self._channel: Channel = world.town.mobile
        self._screen = Screen(world.slack.workspace, min(shutil.get_terminal_size().columns, 120) - 4)
        self._shown = 0
        self._acts = world.developers.acts()

    @property
    def prompt(self) -> str:
        return f"{self._user.name} in #{self._channel.name}> "

    def words(self) -> list[str]:
        """What completion offers."""
        asked = ["/versions shop", "/download shop android", "/purser status", "/purser subscriptions", "@purser help"]
        return [*asked, *(f"in {name}" for name in self._places()), *(f"as {name}" for name in self._people()), *_WORDS]

    async def settle_in(self) -> None:
        """Waits for the first look at every account, then has #mobile subscribed. Raises DidNotSettle."""
        try:
            async with asyncio.timeout(SETTLED_SECONDS):
                await self._said("status", lambda answer: "not checked yet" not in answer)
                for words in ("shop", "courier", "all agreements"):
                    await self._said(f"subscribe {words}", lambda answer: "now hears" in answer)
        except (TimeoutError, Undelivered) as error:
            raise DidNotSettle(
                f"The bot did not get to know its accounts within {SETTLED_SECONDS:g} s. {error}".rstrip()
            ) from error
        self._shown = self._slack.mark
        self._tell(_WELCOME.format(url=self._world.public_url, user=self._user.name, channel=self._channel.name))

    async def obey(self, line: str) -> bool:
        """Does what one line says. False: the person wants to quit."""
        word, _, rest = line.strip().partition(" ")
        if word in ("quit", "exit", "q"):
            return False
        try:
            await self._do(word, rest.strip(), line.strip())
        except (Undelivered, NothingSeen) as error:
            self._tell(f"Purser did not answer: {error}")
        except (SlackError, LookupError) as error:
            self._tell(f"Slack did not take that: {error}")
        self._catch_up()
        return True

    async def listen(self) -> None:
        """Shows what arrives unasked."""
        while True:
            await self._slack.workspace.watch(self._is_shown, 1e9, self._slack.mark)
            self._catch_up()

    async def develop(self) -> None:
        """Lets developers act now and then."""
        await asyncio.sleep(FIRST_UPLOAD)
        while True:
            self._act()
            await asyncio.sleep(NEXT_UPLOAD)

    async def _said(self, words: str, is_wanted: Callable[[str], bool]) -> None:
        """Asks until the answer is as it has to be."""
        grace, mobile = self._world.town.grace, self._world.town.mobile
        while True:
            answer = await self._slack.command(grace, mobile, f"/purser {words}")
            if is_wanted(answer.text_content):
                return
            await asyncio.sleep(0.1)

    async def _do(self, word: str, rest: str, line: str) -> None:
        if line.startswith("/"):
            await self._slack.command(self._user, self._channel, line)
        elif word == "@purser":
            await self._slack.mention(self._user, self._channel, rest)
        elif word == "dm" and rest:
            await self._slack.dm(self._user, rest)
        elif line == "home":
            await self._slack.open_home(self._user)
        elif line.isdecimal():
            await self._press(int(line))
        elif line:
            self._manage(word, rest.lstrip("#@"))

    async def _press(self, number: int) -> None:
        found = self._screen.button(number)
        if found is None:
            self._tell(f"There is no button {number} any more.")
            return
        source, button = found
        await self._slack.press(self._user, source, button)
        if button.url:
            self._tell(f"Open this in a browser: {button.url}")

    def _manage(self, word: str, name: str) -> None:
        if word == "in" and name in self._places():
            self._channel = self._places()[name]
        elif word == "as" and name in self._people():
            self._user = self._people()[name]
        elif word == "upload":
            self._act()
        elif word == "block":
            self._world.apple.block_agreements()
            self._tell("· an agreement of the Apple account has expired")
        elif word == "sign":
            self._world.apple.clear_agreements()
            self._tell("· the Account Holder has signed the agreement")
        else:
            self._tell(_HELP.format(channels=", ".join(self._places()), users=", ".join(self._people())))

    def _act(self) -> None:
        self._tell(f"· {next(self._acts)()}")

    def _places(self) -> dict[str, Channel]:
        channels = self._slack.workspace.channels.values()
        return {channel.name: channel for channel in channels if channel.kind is not ChannelKind.DM and not channel.is_archived}

    def _people(self) -> dict[str, User]:
        return {user.name: user for user in self._slack.workspace.users.values() if not user.is_bot}

    def _catch_up(self) -> None:
        """Shows, in its order, everything that has happened on this person's screen since the last time."""
        fresh, self._shown = self._slack.workspace.happenings[self._shown :], self._slack.mark
        for happening in fresh:
            if self._is_shown(happening):
                self._show(happening.thing)

    def _is_shown(self, happening: Happening) -> bool:
        thing = happening.thing
        if happening.what is What.DELETED:
            return False
        if isinstance(thing, View):
            return thing.user == self._user.id
        return thing.user == self._slack.workspace.bot.id and thing.is_seen_by(self._user.id) and self._can_read(thing)

    def _can_read(self, message: Message) -> bool:
        channel = self._slack.workspace.channels[message.channel]
        return self._user.id in channel.members or channel.kind is ChannelKind.PUBLIC

    def _show(self, thing: Message | View) -> None:
        self._tell(Emoji.replace("\n".join(("", *self._screen.lines(thing)))))


_WORDS = ("home", "upload", "block", "sign", "help", "quit")
