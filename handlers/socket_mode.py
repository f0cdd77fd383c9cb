"""Socket Mode: keeps a WebSocket open, over which Slack reaches an app without a public address.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NoReturn

import structlog
from aiohttp import ClientError
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient

from handlers.messenger import error_code

LONGEST_PAUSE = 30.0  # seconds

log = structlog.get_logger()


@asynccontextmanager
async def staying_connected(client: SocketModeClient, *, pause: float = 0.5, patience: float = 10.0) -> AsyncIterator[None]:
    """Connects behind the block, again and again if need be; closes the client afterwards. Seconds as in `_stay_connected`."""
    connecting = asyncio.create_task(_stay_connected(client, pause, patience))
    connecting.add_done_callback(_tell_defect)
    try:
        yield
    finally:
        connecting.cancel()
        await client.close()


def _tell_defect(task: asyncio.Task[NoReturn]) -> None:
    """Without the task, nobody would notice that Slack cannot reach us any more."""
    if not task.cancelled():
        log.critical("socket mode broke", exc_info=task.exception())


async def _stay_connected(client: SocketModeClient, pause: float, patience: float) -> NoReturn:
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
        async with asyncio.timeout(patience), client.connect_operation_lock:
            if not await client.is_connected():
                answer = await client.web_client.apps_connections_open(app_token=client.app_token)
                client.wss_uri = answer["url"]
                await client.connect()
    except SlackApiError as error:
        return error_code(error) or "no_answer"
    except (ClientError, OSError):
        return "unreachable"
    return None
