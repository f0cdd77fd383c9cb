"""The yardstick: `python -m tests.bench.stock PORT SIGNING_SECRET`, a Bolt app as its documentation begins, saying "ok"."""

import logging
import sys
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult


async def authorize(**_: Any) -> AuthorizeResult:
    """As an app that keeps its installations does, and without asking Slack."""
    return AuthorizeResult(enterprise_id=None, team_id="T0ACME", bot_token="xoxb-stock", bot_user_id="U0BOT", bot_id="B0BOT")


async def versions(ack: AsyncAck) -> None:
    await ack("ok")


def main(port: int, signing_secret: str) -> None:
    logging.disable(logging.INFO)
    app = AsyncApp(signing_secret=signing_secret, authorize=authorize)
    app.command("/versions")(versions)
    app.start(port, host="127.0.0.1")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
