"""Who people are, which groups they are in, and who reads a channel, as Slack tells it; remembered for minutes."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import MessageRefused
from bot.domain.model import Person
from handlers.messenger import call

PERSON_KEPT = timedelta(minutes=10)
MOST_PEOPLE = 10_000
GROUP_KEPT = timedelta(minutes=5)
ROOM_KEPT = timedelta(minutes=1)
SHARED_KEPT = timedelta(minutes=5)
A_PAGE, MOST_PAGES = 1_000, 100

T = TypeVar("T")


class SlackPeople:
    """Implements People; remembers each person for as long as `kept`."""

    def __init__(self, client: AsyncWebClient, clock: Callable[[], datetime], kept: timedelta = PERSON_KEPT) -> None:
        self._client = client
        self._clock = clock
        self._kept = kept
        self._known: dict[str, tuple[datetime, Person]] = {}
        self._home: Mapping[str, Any] | None = None

    async def person(self, user: str, team: str | None) -> Person:
        known = self._known.get(user)
        if known and self._clock() - known[0] < self._kept:
            return known[1]
        home = self._home = self._home or await call(self._client.auth_test)
        answer = await call(self._client.users_info, user=user)
        person = _person(answer.get("user") or {}, user, home)
        if len(self._known) >= MOST_PEOPLE:
            self._known.clear()
        self._known[user] = (self._clock(), person)
        return person


class _Memory(Generic[T]):
    """Facts about groups or channels; remembers each for as long as `kept`, and asks once for all who wait."""

    def __init__(self, client: AsyncWebClient, clock: Callable[[], datetime], kept: timedelta = GROUP_KEPT) -> None:
        self._client = client
        self._clock = clock
        self._kept = kept
        self._known: dict[str, tuple[datetime, T]] = {}
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def recall(self, of: str) -> T:
        async with self._asking[of]:
            known = self._known.get(of)
            if known and self._clock() - known[0] < self._kept:
                return known[1]
            fact = await self._read(of)
            self._known[of] = (self._clock(), fact)
            return fact

    async def _read(self, of: str) -> T:
        raise NotImplementedError


class _Lists(_Memory[frozenset[str]]):
    """Lists of people."""

    async def members(self, of: str) -> frozenset[str]:
        return await self.recall(of)


class SlackGroups(_Lists):
    """Implements Groups."""

    async def _read(self, of: str) -> frozenset[str]:
        answer = await call(self._client.usergroups_users_list, usergroup=of)
        return frozenset(map(str, answer.get("users") or ()))


class SlackRooms(_Lists):
    """Implements Rooms. A private channel is shown only to those who are in it, and that goes for our bot."""

    def __init__(self, client: AsyncWebClient, clock: Callable[[], datetime], kept: timedelta = ROOM_KEPT) -> None:
        super().__init__(client, clock, kept)

    async def _read(self, of: str) -> frozenset[str]:
        pages = _pages(self._client.conversations_members, channel=of)
        return frozenset([str(member) async for page in pages for member in page.get("members") or ()])


class _OurChannels(_Memory[Mapping[str, bool]]):
    """Of all channels that the bot is in: whether other organisations are, too."""

    async def _read(self, of: str) -> Mapping[str, bool]:
        pages = _pages(self._client.users_conversations, types="public_channel,private_channel")
        channels = [channel async for page in pages for channel in page.get("channels") or ()]
        return {str(channel["id"]): bool(channel["is_ext_shared"]) for channel in channels if "is_ext_shared" in channel}


class _OneChannel(_Memory[bool]):
    """The same of any that Slack shows us."""

    async def _read(self, of: str) -> bool:
        answer = await call(self._client.conversations_info, channel=of)
        return bool((answer.get("channel") or {}).get("is_ext_shared"))


class SlackSharedChannels:
    """Implements SharedChannels. One call tells of all channels that the bot is in: an alert for hundreds waits for no more. What
    workspaces of one Enterprise organisation share (`is_org_shared`) is not meant.
    https://docs.slack.dev/reference/objects/conversation-object https://docs.slack.dev/reference/methods/users.conversations
    """

    def __init__(self, client: AsyncWebClient, clock: Callable[[], datetime], kept: timedelta = SHARED_KEPT) -> None:
        self._ours = _OurChannels(client, clock, kept)
        self._others = _OneChannel(client, clock, kept)

    async def is_shared(self, channel: str) -> bool:
        ours = await self._list()
        return ours[channel] if channel in ours else await self._others.recall(channel)

    async def _list(self) -> Mapping[str, bool]:
        try:
            return await self._ours.recall("")
        except MessageRefused as error:
            if error.is_outage:
                raise
            return {}


def _person(user: Mapping[str, Any], user_id: str, home: Mapping[str, Any]) -> Person:
    """From users.info: https://docs.slack.dev/reference/objects/user-object. In an Enterprise organisation, a colleague of
    another workspace is not external."""
    enterprise = (user.get("enterprise_user") or {}).get("enterprise_id")
    same_team = user.get("team_id") == home.get("team_id")
    same_enterprise = enterprise is not None and enterprise == home.get("enterprise_id")
    return Person(
        id=user_id,
        is_guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
        is_external=bool(user.get("is_stranger")) or not (same_team or same_enterprise),
        is_bot=bool(user.get("is_bot")),
        is_deactivated=bool(user.get("deleted")),
        names=_names(user),
        zone=str(user["tz"]) if user.get("tz") else None,
    )


def _names(user: Mapping[str, Any]) -> tuple[str, ...]:
    profile = user.get("profile") or {}
    found = (user.get("name"), profile.get("display_name"), user.get("real_name"), profile.get("real_name"))
    return tuple(dict.fromkeys(str(name) for name in found if name))


async def _pages(method: Callable[..., Any], **arguments: Any) -> AsyncIterator[Mapping[str, Any]]:
    """Raises MessageRefused. https://docs.slack.dev/apis/web-api/pagination"""
    cursor = None
    for _ in range(MOST_PAGES):
        page = await call(method, limit=A_PAGE, cursor=cursor, **arguments)
        yield page
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or None
        if cursor is None:
            return
