"""Socket Mode: keeps a WebSocket open, over which Slack reaches an app without a public address.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
from typing import NoReturn

import structlog
from aiohttp import ClientError
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient

from handlers.messenger import error_code

LONGEST_PAUSE = 30.0  # seconds

log = structlog.get_logger()


async def stay_connected(client: SocketModeClient, *, pause: float = 0.5, patience: float = 10.0) -> NoReturn:
    """Looks every `pause` seconds whether the socket is open, and opens a new one when it is not; the pause doubles while that
    fails. An attempt may take `patience` seconds.

    The client reconnects by itself in most cases. Alone it would not survive a Slack that cannot be reached at the start, and
    it would try an address that did not work for ever, although Slack's addresses are good for a short time and one connection.
    """
    failures = 0
    while True:
        if await client.is_connected():
            failures = 0
        elif (reason := await _failure_to_connect(client, patience)) is None:
            log.info("socket opened")
        else:
            failures += 1
            log.warning("socket not open", reason=reason)
        await asyncio.sleep(min(pause * 2**failures, LONGEST_PAUSE))


async def _failure_to_connect(client: SocketModeClient, patience: float) -> str | None:
    client.wss_uri = None
    client.last_ping_pong_time = None  # of the old socket
    try:
        async with asyncio.timeout(patience):
            await client.connect_to_new_endpoint()
    except SlackApiError as error:
        return error_code(error) or "no_answer"
    except (ClientError, OSError):
        return "unreachable"
    return None if await client.is_connected() else "not_accepted"
