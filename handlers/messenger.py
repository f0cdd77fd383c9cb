"""Slack's Web API as the services know it: posting alerts, finding them again, and who people are."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import MessageRefused
from bot.domain.message import Message
from bot.domain.model import Person

METADATA_TYPE = "purser_alert"
NO_ANSWER = timedelta(seconds=5)
FINAL = frozenset(  # trying again cannot help: https://docs.slack.dev/reference/methods/chat.postMessage#errors
    {
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "restricted_action",
        "user_not_found",
        "cannot_dm_bot",
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_too_long",
        "no_text",
        "metadata_too_large",
        # https://docs.slack.dev/reference/methods/chat.update#errors
        "message_not_found",
        "cant_update_message",
        "edit_window_closed",
        "thread_not_found",
    }
)
TOKEN_REFUSED = frozenset(  # whoever runs Purser must mend it: https://docs.slack.dev/reference/methods/users.info#errors
    {
        "missing_scope",
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "no_permission",
        "not_allowed_token_type",
    }
)
WAITS = 2  # how often an answer to a person waits for a Slack that is asked too much
LONGEST_WAIT = 30.0  # seconds; after more, the person has asked again
CLOCKS_DIFFER = timedelta(minutes=10)  # at most, between this machine and Slack: a message may look older than what caused it
A_PAGE = 200  # messages of history
MOST_PAGES = 20  # when looking for a message again
PERSON_KEPT = timedelta(minutes=10)
MOST_PEOPLE = 10_000
GROUP_KEPT = timedelta(minutes=5)
ROOM_KEPT = timedelta(minutes=1)
SHARED_KEPT = timedelta(minutes=5)
MOST_ROOM_PAGES = 100  # of 1,000 people each

T = TypeVar("T")


def web_client(token: str, api_url: str) -> AsyncWebClient:
    """A client that never repeats a call by itself: a repeated chat.postMessage could be a second message."""
    return AsyncWebClient(token=token, base_url=api_url, timeout=10, retry_handlers=[])


class SlackMessenger:
    """Implements Messenger."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def post(self, channel: str, message: Message, delivery_id: str, thread: str | None = None) -> str:
        answer = await call(
            self._client.chat_postMessage,
            channel=channel,
            thread_ts=thread,
            text=message.text,
            blocks=list(message.blocks),
            metadata={"event_type": METADATA_TYPE, "event_payload": {"delivery": delivery_id}},
            unfurl_links=False,
            unfurl_media=False,
        )
        return str(answer["ts"])

    async def reply(self, channel: str, thread: str, message: Message, delivery_id: str) -> str:
        return await self.post(channel, message, delivery_id, thread)

    async def update(self, channel: str, ts: str, message: Message) -> None:
        await call(self._client.chat_update, channel=channel, ts=ts, text=message.text, blocks=list(message.blocks))

    async def find(
        self, channel: str, delivery_id: str, since: datetime, until: datetime, thread: str | None = None
    ) -> str | None:
        channel = await self._conversation(channel)
        try:
            return await self._find(channel, delivery_id, since, until, thread)
        except MessageRefused as error:
            if error.reason == "thread_not_found":
                return None
            if error.reason != "not_in_channel" or not await self._joined(channel):
                raise
            return await self._find(channel, delivery_id, since, until, thread)

    async def _joined(self, channel: str) -> bool:
        """The bot may write to public channels that it is not in, and read only those that it is in."""
        try:
            await call(self._client.conversations_join, channel=channel)
        except MessageRefused as error:
            if error.retry_after is not None and error.reason in ("ratelimited", "no_answer"):
                raise
            return False
        return True

    async def _find(self, channel: str, delivery_id: str, since: datetime, until: datetime, thread: str | None) -> str | None:
        cursor = None
        for _ in range(MOST_PAGES):
            answer = await call(
                self._client.conversations_replies if thread else self._client.conversations_history,
                channel=channel,
                ts=thread,
                oldest=f"{(since - CLOCKS_DIFFER).timestamp():.6f}",
                latest=f"{(until + CLOCKS_DIFFER).timestamp():.6f}",
                include_all_metadata=True,
                limit=A_PAGE,
                cursor=cursor,
            )
            for message in answer.get("messages") or ():
                if _delivery_of(message) == delivery_id:
                    return str(message["ts"])
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None
        raise MessageRefused("not_looked_for", NO_ANSWER)

    async def _conversation(self, channel: str) -> str:
        """A message may be posted to a person's id; only the conversation with them has a history."""
        if not channel.startswith(("U", "W")):
            return channel
        answer = await call(self._client.conversations_open, users=channel)
        return str(answer["channel"]["id"])


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

    async def _recall(self, of: str) -> T:
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
        return await self._recall(of)


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
        members, cursor = set[str](), None
        for _ in range(MOST_ROOM_PAGES):
            answer = await call(self._client.conversations_members, channel=of, limit=1000, cursor=cursor)
            members.update(map(str, answer.get("members") or ()))
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or None
            if cursor is None:
                break
        return frozenset(members)


class SlackSharedChannels(_Memory[bool]):
    """Implements SharedChannels. What workspaces of one Enterprise organisation share (`is_org_shared`) is not meant.
    https://docs.slack.dev/reference/objects/conversation-object"""

    def __init__(self, client: AsyncWebClient, clock: Callable[[], datetime], kept: timedelta = SHARED_KEPT) -> None:
        super().__init__(client, clock, kept)

    async def is_shared(self, channel: str) -> bool:
        return await self._recall(channel)

    async def _read(self, of: str) -> bool:
        answer = await call(self._client.conversations_info, channel=of)
        return bool((answer.get("channel") or {}).get("is_ext_shared"))


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


def _delivery_of(message: Mapping[str, Any]) -> str | None:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != METADATA_TYPE:
        return None
    payload = metadata.get("event_payload") or {}
    return payload.get("delivery")


async def call(method: Callable[..., Any], **arguments: Any) -> Mapping[str, Any]:
    """One Web API call. Raises MessageRefused with Slack's own error code."""
    try:
        answer = await method(**{name: value for name, value in arguments.items() if value is not None})
    except SlackApiError as error:
        raise _refusal(error) from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise MessageRefused("no_answer", NO_ANSWER) from error
    data: Mapping[str, Any] = answer.data
    return data


def error_code(error: SlackApiError) -> str | None:
    """Slack's own code; None when what answered was not Slack but, say, a load balancer's page."""
    data = getattr(error.response, "data", None)
    return str(data["error"]) if isinstance(data, dict) and "error" in data else None


def _refusal(error: SlackApiError) -> MessageRefused:
    code = error_code(error)
    if _is_too_much(error):
        return MessageRefused("ratelimited", timedelta(seconds=max(1.0, wanted_wait(_headers(error)))))
    if code in FINAL:
        return MessageRefused(str(code))
    return MessageRefused(str(code or "no_answer"), NO_ANSWER)


def wanted_wait(headers: Mapping[str, str]) -> float:
    """Seconds, from Retry-After of a 429; Slack always sends it, a proxy may not."""
    try:
        return max(0.0, float(headers.get("Retry-After", 5)))
    except (TypeError, ValueError):
        return 5.0


async def patiently(method: Callable[..., Any], **arguments: Any) -> Any:
    """A Web API call that is made again when Slack answers 429: what it refuses so was not done. Raises SlackApiError."""
    for _ in range(WAITS):
        try:
            return await method(**arguments)
        except SlackApiError as error:
            if not _is_too_much(error) or (wait := wanted_wait(_headers(error))) > LONGEST_WAIT:
                raise
        await asyncio.sleep(wait)
    return await method(**arguments)


def _is_too_much(error: SlackApiError) -> bool:
    return getattr(error.response, "status_code", None) == 429 or error_code(error) == "ratelimited"


def _headers(error: SlackApiError) -> Mapping[str, str]:
    headers: Mapping[str, str] = getattr(error.response, "headers", {})
    return headers
