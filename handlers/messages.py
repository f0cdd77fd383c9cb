"""How an answer that no acknowledgement carries reaches somebody: through a response URL, or as a message of its own."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import structlog
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook import WebhookResponse

from bot.domain.message import Message
from handlers.messenger import LONGEST_WAIT, WAITS, patiently, wanted_wait
from handlers.payloads import Said
from handlers.requests import Reply, Showing

log = structlog.get_logger()


class Responds(Protocol):
    """Whoever speaks through a response URL, if Slack gave one."""

    response_url: str | None

    async def __call__(
        self,
        *,
        text: str,
        blocks: Sequence[dict[str, Any]],
        response_type: str,
        replace_original: bool,
        unfurl_links: bool,
        unfurl_media: bool,
    ) -> WebhookResponse: ...


async def send(reply: Reply, respond: Responds) -> None:
    """Through the response URL. What Slack does not take is in the log."""
    if not respond.response_url:
        log.warning("nowhere to answer")
        return
    sending = partial(
        respond,
        response_type="in_channel" if reply.showing is Showing.CHANNEL else "ephemeral",
        replace_original=reply.showing is Showing.INSTEAD,
        **_spoken(reply.message),
    )
    answer = await sending()
    for _ in range(WAITS):
        if answer.status_code == 429 and (wait := wanted_wait(answer.headers)) <= LONGEST_WAIT:
            await asyncio.sleep(wait)
            answer = await sending()
    if answer.status_code != 200:
        log.warning("answer not taken by Slack", reason=_refusal(answer))


async def follow_up(reply: Reply, respond: Responds) -> None:
    """A command's response URL can add a message but not change one, says Slack: so only news is worth another.
    https://github.com/slackapi/bolt-js/issues/2287"""
    if reply.later and (newer := await reply.later()).is_news:
        await send(Reply(newer.message), respond)


async def bring_up_to_date(reply: Reply, respond: Responds) -> None:
    """What a click changed in place is changed again; beside it, only news is worth another message."""
    if reply.showing is not Showing.INSTEAD:
        await follow_up(reply, respond)
    elif reply.later:
        await send(Reply((await reply.later()).message, Showing.INSTEAD), respond)


async def tell(user: str, respond: Responds, client: AsyncWebClient, reply: Reply) -> None:
    """What no modal shows: beside the message whose menu it was, or in a direct message."""
    if respond.response_url:
        await send(reply, respond)
        await follow_up(reply, respond)
        return
    await patiently(client.chat_postMessage, channel=user, **_spoken(reply.message))
    if reply.later and (newer := await reply.later()).is_news:
        await patiently(client.chat_postMessage, channel=user, **_spoken(newer.message))


async def whisper(reply: Reply, said: Said, thread: str | None, client: AsyncWebClient) -> None:
    """To who mentioned us, where they did. Such a message cannot be changed: only news is worth another."""
    post = partial(patiently, client.chat_postEphemeral, channel=said.channel, user=said.user, thread_ts=thread)
    await post(**_spoken(reply.message))
    if reply.later and (newer := await reply.later()).is_news:
        await post(**_spoken(newer.message))


async def say(reply: Reply, said: Said, client: AsyncWebClient) -> None:
    """In a direct message, where the answer itself is brought up to date."""
    sent = await patiently(client.chat_postMessage, channel=said.channel, **_spoken(reply.message))
    if reply.later:
        newer = await reply.later()
        await patiently(client.chat_update, channel=said.channel, ts=sent["ts"], **_spoken(newer.message))


def _spoken(message: Message) -> Mapping[str, Any]:
    return {"text": message.text, "blocks": list(message.blocks), "unfurl_links": False, "unfurl_media": False}


def _refusal(answer: WebhookResponse) -> str:
    """hooks.slack.com refuses with a code as plain text ("used_url"); anybody else's page is not repeated."""
    return answer.body if re.fullmatch(r"[a-z_]{1,40}", answer.body) else f"http_{answer.status_code}"
