"""What a pretend workspace holds: people, conversations, messages, views. Plain objects that a test may look at and change."""

import asyncio
import copy
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.sandbox.slack import content
from bot.sandbox.slack.content import Block, Button, Menu


class ChannelKind(StrEnum):
    PUBLIC = "public"
    PRIVATE = "private"
    DM = "dm"


@dataclass
class User:
    """A person, or the bot. `is_restricted` is a multi-channel guest, `is_ultra_restricted` a single-channel one."""

    id: str
    name: str
    real_name: str = ""
    team: str = ""
    is_admin: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_bot: bool = False
    deleted: bool = False


@dataclass
class Channel:
    """A conversation. `is_shared`: through Slack Connect, with people of other organisations in it."""

    id: str
    name: str
    kind: ChannelKind = ChannelKind.PUBLIC
    members: set[str] = field(default_factory=set)
    is_archived: bool = False
    is_shared: bool = False
    messages: "list[Message]" = field(default_factory=list)

    def find(self, ts: str) -> "Message | None":
        """The message of this time that everybody sees."""
        return next((message for message in self.messages if message.ts == ts and not message.is_ephemeral), None)


class Readable:
    """Something with blocks, read and pressed by a person."""

    text: str
    blocks: list[Block]

    @property
    def text_content(self) -> str:
        """All visible text, one line per piece. Blocks hide `text`, as in Slack."""
        if not self.blocks:
            return content.plain(self.text)
        return "\n".join(line for line in map(content.block_text, self.blocks) if line)

    @property
    def buttons(self) -> list[Button]:
        return content.buttons_of(self.blocks)

    @property
    def menus(self) -> list[Menu]:
        return content.menus_of(self.blocks)

    @property
    def pings(self) -> list[str]:
        """Everything in it that would notify people."""
        return [ping for text in (self.text, *content.mrkdwn_texts(self.blocks)) for ping in content.pings(text)]

    def button(self, wanted: str, near: str = "") -> Button:
        """The first button with this label or action id, where `near` is part of the text it belongs to. Raises LookupError."""
        for button in self.buttons:
            if wanted in (button.label, button.action_id) and near.casefold() in button.near.casefold():
                return button
        where = f" near {near!r}" if near else ""
        raise LookupError(f"no button {wanted!r}{where}; there are {[button.label for button in self.buttons]}")

    def menu(self, action_id: str) -> Menu:
        """The menu with this action id. Raises LookupError."""
        found = next((menu for menu in self.menus if menu.action_id == action_id), None)
        if found is None:
            raise LookupError(f"no menu {action_id!r}; there are {[menu.action_id for menu in self.menus]}")
        return found


@dataclass(eq=False)
class Message(Readable):
    """A message as it stands now. `to` is the only person who sees an ephemeral one; `edits` holds its earlier contents."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[Block] = field(default_factory=list)
    thread_ts: str | None = None
    metadata: dict[str, Any] | None = None
    to: str | None = None
    edits: list[tuple[str, list[Block]]] = field(default_factory=list)
    deleted: bool = False

    @property
    def is_ephemeral(self) -> bool:
        return self.to is not None

    def is_seen_by(self, user: str) -> bool:
        """Whether an ephemeral message is meant for this person; every other message is for all."""
        return self.to in (None, user)


@dataclass(eq=False)
class View(Readable):
    """A modal or a Home tab as one person sees it. `below_id` is the modal on which this one is stacked."""

    id: str
    user: str
    kind: str
    payload: dict[str, Any]
    hash: str
    root_id: str = ""
    text: str = ""
    below_id: str = ""

    @property
    def blocks(self) -> list[Block]:  # type: ignore[override]
        blocks: list[Block] = self.payload["blocks"]
        return blocks

    @property
    def title(self) -> str:
        return content.visible(self.payload.get("title"))


class What(StrEnum):
    """What happened on somebody's screen."""

    POSTED = "posted"
    UPDATED = "updated"
    DELETED = "deleted"
    OPENED = "opened"


@dataclass(frozen=True, slots=True)
class Happening:
    """One change of the screen. `cause` is the interaction that it answers, when that is certain."""

    what: What
    thing: Message | View
    cause: str | None = None


class NothingSeen(TimeoutError):
    """What was waited for did not appear."""


class Workspace:
    """State and its history. `clock` gives seconds since 1970."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.team_id = "T0ACME"
        self.domain = "acme"
        self.app_id = "A0PURSER"
        self.bot = User("U0PURSER", "purser", "Purser", self.team_id, is_bot=True)
        self.bot_id = "B0PURSER"
        self.users: dict[str, User] = {self.bot.id: self.bot}
        self.channels: dict[str, Channel] = {}
        self.groups: dict[str, set[str]] = {}
        self.views: dict[str, View] = {}
        self.homes: dict[str, View] = {}
        self.happenings: list[Happening] = []
        self._counter = itertools.count(1)
        self._last_ts = 0
        self._watchers: set[asyncio.Event] = set()

    def add_user(self, name: str, **facts: Any) -> User:
        """`facts` are fields of User; an id is made from the name."""
        user = User(facts.pop("id", f"U0{name.upper()}"), name, **{"team": self.team_id, "real_name": name.title(), **facts})
        self.users[user.id] = user
        return user

    def add_channel(self, name: str, *members: User, with_bot: bool = True, **facts: Any) -> Channel:
        """`facts` are fields of Channel; an id is made from the name."""
        letters = "".join(filter(str.isalnum, name)).upper()
        inside = {user.id for user in members} | ({self.bot.id} if with_bot else set())
        channel = Channel(facts.pop("id", f"C0{letters}"), name, members=inside, **facts)
        self.channels[channel.id] = channel
        return channel

    def add_group(self, name: str, *members: User) -> str:
        """A user group; its id is made from the name."""
        group = f"S0{name.upper()}"
        self.groups[group] = {user.id for user in members}
        return group

    def direct(self, user: User) -> Channel:
        """The conversation between the bot and this person."""
        channel_id = "D" + user.id[1:]
        if channel_id not in self.channels:
            self.channels[channel_id] = Channel(channel_id, "directmessage", ChannelKind.DM, {user.id, self.bot.id})
        return self.channels[channel_id]

    def names(self) -> Mapping[str, str]:
        """Ids of people and channels -> what people call them."""
        people = {user.id: user.name for user in self.users.values()}
        return people | {channel.id: channel.name for channel in self.channels.values()}

    def next_ts(self) -> str:
        """The present moment as Slack writes it; never the same twice."""
        self._last_ts = max(int(self.clock() * 1_000_000), self._last_ts + 1)
        seconds, micros = divmod(self._last_ts, 1_000_000)
        return f"{seconds}.{micros:06d}"

    def next_id(self, prefix: str) -> str:
        return f"{prefix}{next(self._counter):08d}"

    def post(self, message: Message, cause: str | None = None) -> Message:
        """Puts a message on the screen, with the ids that Slack gives to blocks and elements that have none."""
        message.blocks = self.with_ids(message.blocks)
        self.channels[message.channel].messages.append(message)
        self._happened(What.POSTED, message, cause)
        return message

    def update(self, message: Message, text: str, blocks: list[Block], cause: str | None = None) -> None:
        message.edits.append((message.text, message.blocks))
        message.text, message.blocks = text, self.with_ids(blocks)
        self._happened(What.UPDATED, message, cause)

    def delete(self, message: Message, cause: str | None = None) -> None:
        message.deleted = True
        self.channels[message.channel].messages.remove(message)
        self._happened(What.DELETED, message, cause)

    def show(self, view: View, cause: str | None = None) -> View:
        """A modal opens or changes, or a Home tab is published."""
        view.payload["blocks"] = self.with_ids(view.payload["blocks"])
        self.views[view.id] = view
        self._happened(What.OPENED, view, cause)
        return view

    def with_ids(self, blocks: list[Block]) -> list[Block]:
        copied = copy.deepcopy(blocks)
        for block in copied:
            block.setdefault("block_id", self.next_id("b"))
            for element in _interactive(block):
                element.setdefault("action_id", self.next_id("a"))
        return copied

    def _happened(self, what: What, thing: Message | View, cause: str | None) -> None:
        self.happenings.append(Happening(what, thing, cause))
        for watcher in self._watchers:
            watcher.set()

    async def watch(self, wanted: Callable[[Happening], bool], within: float, since: int = 0) -> Happening:
        """The first happening from number `since` on that is wanted; `within` in seconds. Raises NothingSeen."""
        news = asyncio.Event()
        self._watchers.add(news)
        try:
            async with asyncio.timeout(within):
                return await self._first(wanted, since, news)
        except TimeoutError as error:
            raise NothingSeen(f"nothing of the kind within {within:g} s; seen: {self._seen_since(since)}") from error
        finally:
            self._watchers.discard(news)

    async def _first(self, wanted: Callable[[Happening], bool], position: int, news: asyncio.Event) -> Happening:
        while True:
            for happening in self.happenings[position:]:
                if wanted(happening):
                    return happening
            position = len(self.happenings)
            news.clear()
            await news.wait()

    def _seen_since(self, since: int) -> list[str]:
        return [f"{happening.what}: {happening.thing.text_content[:200]!r}" for happening in self.happenings[since:]][-5:]


def _interactive(block: Block) -> Iterator[dict[str, Any]]:
    candidates = [block.get("accessory"), block.get("element")]
    if block.get("type") == "actions":
        candidates += block["elements"]
    yield from (element for element in candidates if isinstance(element, dict) and element.get("type") != "image")
