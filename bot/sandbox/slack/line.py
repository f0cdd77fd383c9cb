"""The line from Slack to the bot: signed HTTP requests, or Socket Mode while the bot holds a socket open."""

import hashlib
import hmac
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx

from bot.sandbox.slack.sockets import SocketHub

ACK_SECONDS = 3.0
_FORM = "application/x-www-form-urlencoded"
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # the line stays on this machine; reading its certificates takes 50 ms


class Undelivered(Exception):
    """What a person is told when an app does not answer: `operation_timeout` or `dispatch_failed`."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The bot's acknowledgement. `body` is parsed JSON, text, or None when it was empty."""

    status: int
    body: Any = None


def sign(secret: str, timestamp: str, body: str) -> str:
    """https://docs.slack.dev/authentication/verifying-requests-from-slack"""
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return f"v0={digest}"


class BotLine:
    """Sends to `url` (the bot's `/slack/events`), signed with `signing_secret`; both may be changed at any time."""

    def __init__(self, signing_secret: str, sockets: SocketHub, clock: Callable[[], float]) -> None:
        self.url: str | None = None
        self.signing_secret = signing_secret
        self.ack_seconds = ACK_SECONDS
        self._sockets = sockets
        self._clock = clock
        self._http: httpx.AsyncClient | None = None

    @property
    def is_connected(self) -> bool:
        return self._sockets.is_open or self.url is not None

    async def aclose(self) -> None:
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def send(self, kind: str, payload: Mapping[str, Any], retry: tuple[int, str] | None = None) -> Reply:
        """`kind`: "command", "interactive" or "event"; `retry`: number and reason. Raises Undelivered."""
        try:
            if self._sockets.is_open:
                return await self._over_socket(kind, payload, retry)
            return await self._over_http(kind, payload, retry)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise Undelivered("operation_timeout") from error
        except httpx.TransportError as error:
            raise Undelivered("dispatch_failed: no connection") from error

    async def _over_socket(self, kind: str, payload: Mapping[str, Any], retry: tuple[int, str] | None) -> Reply:
        facts = {"retry_attempt": retry[0], "retry_reason": retry[1]} if retry else {}
        return Reply(200, await self._sockets.send(kind, payload, facts, self.ack_seconds))

    async def _over_http(self, kind: str, payload: Mapping[str, Any], retry: tuple[int, str] | None) -> Reply:
        body, content_type = _encoded(kind, payload)
        headers = {"X-Slack-Retry-Num": str(retry[0]), "X-Slack-Retry-Reason": retry[1]} if retry else {}
        reply = _reply(await self.post(body, content_type, headers))
        if reply.status != 200:
            raise Undelivered(f"dispatch_failed: HTTP {reply.status}")
        return reply

    async def post(self, body: str, content_type: str = _FORM, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """One signed request, whatever its body. `headers` are laid over the proper ones, which makes forging easy."""
        if self.url is None:
            raise Undelivered("the pretend Slack has no address of the bot")
        timestamp = str(int(self._clock()))
        proper = {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": sign(self.signing_secret, timestamp, body),
        }
        if self._http is None:
            self._http = httpx.AsyncClient(trust_env=False, verify=_NO_TLS)
        return await self._http.post(self.url, content=body, headers=proper | dict(headers or {}), timeout=self.ack_seconds)


def _encoded(kind: str, payload: Mapping[str, Any]) -> tuple[str, str]:
    if kind == "event":
        return json.dumps(payload), "application/json"
    return urlencode(payload if kind == "command" else {"payload": json.dumps(payload)}), _FORM


def _reply(response: httpx.Response) -> Reply:
    if response.headers.get("content-type", "").startswith("application/json") and response.content:
        return Reply(response.status_code, response.json())
    return Reply(response.status_code, response.text or None)
