"""The HTTP side: `/api/{method}` with token and scope checks, and the response URLs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.sandbox.server import CLOSE_CONNECTION
from bot.sandbox.slack.faults import Faults, SlackError
from bot.sandbox.slack.interactions import Interactions
from bot.sandbox.slack.methods import METHODS, Call, Method
from bot.sandbox.slack.workspace import Workspace

_FAMILIES = ("channels", "groups", "im")
DEFAULT_SCOPES = frozenset(
    ["app_mentions:read", "commands", "chat:write", "im:write", "team:read", "users:read"]
    + [f"{family}:{right}" for family in _FAMILIES for right in ("read", "history")]
)


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call that the bot made. `error` is Slack's code, None when it went well."""

    method: str
    arguments: Mapping[str, Any] = field(repr=False)
    error: str | None = None


class WebApi:
    """Slack's Web API over one workspace. `scopes` and `revoked` may be changed at any time."""

    def __init__(self, workspace: Workspace, interactions: Interactions, bot_token: str, app_token: str) -> None:
        self._workspace = workspace
        self._interactions = interactions
        self._tokens = {bot_token: "bot", app_token: "app"}
        self.scopes = set(DEFAULT_SCOPES)
        self.revoked = False
        self.faults = Faults()
        self.calls: list[ApiCall] = []
        self.socket_url = ""

    async def endpoint(self, request: Request) -> Response:
        """`GET` or `POST /api/{method}`."""
        method = request.path_params["method"]
        fault = await self.faults.next(method)
        if fault is not None:
            return fault
        arguments = await _arguments(request)
        try:
            answer = {"ok": True, **self._call(method, _token(request, arguments), arguments)}
        except SlackError as error:
            answer = {"ok": False, "error": error.code, **error.facts}
        self.calls.append(ApiCall(method, arguments, answer.get("error")))
        if self.faults.loses_answer(method):
            request.scope["extensions"][CLOSE_CONNECTION]()
        return JSONResponse(answer, headers=self._headers(method))

    async def response_url(self, request: Request) -> Response:
        """`POST /response/{interaction}`: "ok" as plain text, or a 4xx with a code, as hooks.slack.com answers."""
        fault = await self.faults.next("response_url")
        if fault is not None:
            return fault
        body = await request.body()
        try:
            self._interactions.respond(request.path_params["interaction"], json.loads(body))
        except json.JSONDecodeError:
            return PlainTextResponse("invalid_payload", 400)
        except SlackError as error:
            return _hook_refusal(error)
        return PlainTextResponse("ok")

    def _call(self, name: str, token: str, arguments: dict[str, Any]) -> dict[str, Any]:
        method = METHODS.get(name)
        if method is None:
            raise SlackError("unknown_method", {"req_method": name})
        self._check_token(token, method)
        call = Call(self._workspace, self._interactions, arguments, self.scopes, self.socket_url)
        if method.scope:
            call.require(method.scope)
        return method.answer(call)

    def _check_token(self, token: str, method: Method) -> None:
        kind = self._tokens.get(token)
        if not token:
            raise SlackError("not_authed")
        if kind is None:
            raise SlackError("invalid_auth")
        if self.revoked:
            raise SlackError("token_revoked")
        if kind != method.token:
            raise SlackError("not_allowed_token_type")

    def _headers(self, name: str) -> dict[str, str]:
        method = METHODS.get(name)
        accepted = method.scope if method and method.scope else ""
        return {"x-oauth-scopes": ",".join(sorted(self.scopes)), "x-accepted-oauth-scopes": accepted}


def _hook_refusal(error: SlackError) -> Response:
    status = 404 if error.code in ("used_url", "expired_url", "no_such_url") else 400
    return PlainTextResponse(error.code, status)


def _token(request: Request, arguments: dict[str, Any]) -> str:
    header = request.headers.get("authorization", "")
    return header.removeprefix("Bearer ") or str(arguments.pop("token", ""))


async def _arguments(request: Request) -> dict[str, Any]:
    """Query, form and JSON arguments alike. In forms, structures travel as JSON text and flags as words."""
    arguments: dict[str, Any] = dict(request.query_params)
    content = await request.body()
    if request.headers.get("content-type", "").startswith("application/json"):
        body = json.loads(content or b"{}")
        return arguments | (body if isinstance(body, dict) else {})
    arguments |= dict(parse_qsl(content.decode(), keep_blank_values=True))
    return {name: _decoded(name, value) for name, value in arguments.items()}


def _decoded(name: str, value: str) -> object:
    if name not in ("blocks", "attachments", "metadata", "view"):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value
