"""Slack's Web API as the services know it: posting alerts, and finding them again."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import MessageRefused
from bot.domain.message import Message

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
