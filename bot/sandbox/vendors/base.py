"""What every pretend vendor has: an app to serve, a log of requests, misbehaviour, ids and a clock."""

import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.misbehaviour import Misbehaving, RecordedRequest

T = TypeVar("T")


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Webhook:
    """A vendor's call, ready to be posted as it is: the signature covers these very bytes."""

    body: bytes
    headers: dict[str, str]


class VendorRefusal(HTTPException):
    """Raised in a route to answer with a status and a JSON body (None: an empty one)."""

    def __init__(self, status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, headers=headers)
        self.body = body


def _refuse(_request: Request, error: Exception) -> Response:
    if not isinstance(error, VendorRefusal):
        raise error
    if error.body is None:
        return Response(status_code=error.status_code, headers=error.headers)
    return JSONResponse(error.body, error.status_code, error.headers)


class PretendVendor:
    """Serve `.app` with a LoopbackServer; `.requests` tells what came in.

    `clock` decides what has expired. Ids are made from `seed`, so that a test can be repeated.
    """

    credential_header = "authorization"

    def __init__(self, routes: Sequence[Route], *, bodies: Mapping[int, bytes], clock: Callable[[], datetime], seed: str) -> None:
        starlette = Starlette(routes=routes, exception_handlers={VendorRefusal: _refuse})
        self.app = Misbehaving(
            starlette, name_credential=self.name_credential, bodies=bodies, credential_header=self.credential_header
        )
        self.misbehave = self.app.misbehave
        self.behave = self.app.behave
        self.clock = clock
        self._random = random.Random(seed)  # noqa: S311  ids of a pretend vendor

    def name_credential(self, authorization: str) -> str:
        """What to call this `credential_header` in `.requests`: the vendor's word for the credential, or "unknown"."""
        raise NotImplementedError

    @property
    def requests(self) -> list[RecordedRequest]:
        return self.app.requests

    @property
    def latency(self) -> float:
        """Seconds before every answer."""
        return self.app.latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self.app.latency = seconds

    def new_guid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def new_hex(self, digits: int = 24) -> str:
        """`digits` 24: a Mongo id."""
        return f"{self._random.getrandbits(digits * 4):0{digits}x}"


def base_url(request: Request) -> str:
    """Scheme, host and port as the client wrote them, without a slash at the end."""
    return f"{request.url.scheme}://{request.url.netloc}"


async def form_fields(request: Request) -> dict[str, str]:
    """The fields of an application/x-www-form-urlencoded body."""
    return dict(parse_qsl((await request.body()).decode()))


def shuffled(items: Mapping[str, T]) -> list[T]:
    """In the order of their random ids: no order that a client could rely on, yet the same on every call."""
    return [items[key] for key in sorted(items)]
