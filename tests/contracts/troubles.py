"""Everything that a vendor may do wrong on the way of one call, and how the call must then end."""

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from bot.sandbox.misbehaviour import Misbehaviour as Bad
from tests.contracts.contract import FACTS, OTHER, Limits, System
from tests.contracts.doctored import Doctor

TEN_MEGABYTES = 10_000_000
QUICK_TO_GIVE_UP = Limits(read=0.1, tries=1)
SHORT_OF_TIME = Limits(deadline=0.3)  # a file must be open by then, also on a busy machine
_SPOILED: Mapping[str, Any] = {"text": [7], "number": [1], "boolean": "yes", "null": {}, "list": "a,b", "object": ["a"]}


@dataclass(frozen=True, slots=True)
class Trouble:
    """`ends` is a class and a reason, a class alone where the reason is the vendor's shape, or "the facts".

    One of `kind` (with `options` for `misbehave`) and `doctor` says what is done. `asks`: how often one path may be asked for at
    most. `is_heavy`: memory is watched meanwhile.
    """

    ends: str
    kind: Bad | None = None
    times: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    doctor: Doctor | None = None
    limits: Limits | None = None
    of_shape: bool = False  # means nothing where a file is handed on
    asks: int = 4  # two tries, each with one renewal
    is_heavy: bool = False


def answers(status: int, body: bytes | str, ends: str, content_type: str = "application/json") -> Trouble:
    options = {"status": status, "body": body, "content_type": content_type}
    return Trouble(ends, Bad.STATUS, options=options, of_shape=status == 200 and "html" not in content_type)


def padded(body: bytes) -> bytes:
    return body + b" " * TEN_MEGABYTES


def dense(_body: bytes) -> bytes:
    return as_many_as_possible()


@cache
def as_many_as_possible() -> bytes:
    """As many things as 10 MB hold: parsed, they would take 240 MB."""
    return b"[" + b"{}," * (TEN_MEGABYTES // 3) + b"{}]"


def spoiled(value: Any, spared: Container[str] = ()) -> Any:
    """Every leaf is of another type than it was, but for those with a `spared` name."""
    if isinstance(value, dict):
        return {name: inner if name in spared else spoiled(inner, spared) for name, inner in value.items()}
    if isinstance(value, list):
        return [spoiled(inner, spared) for inner in value]
    kinds = {bool: "boolean", str: "text", int: "number", float: "number", type(None): "null"}
    return _SPOILED[kinds[type(value)]]


def spoiled_body(body: bytes, spared: Container[str] = ()) -> bytes:
    return json.dumps(spoiled(json.loads(body), spared)).encode()


TROUBLES: Mapping[str, Trouble] = {
    "401 then fine": Trouble("Refused: unauthorized", Bad.UNAUTHORIZED, times=1),
    "401 for good": Trouble("Refused: unauthorized", Bad.UNAUTHORIZED),
    "403": Trouble("Refused: forbidden", Bad.FORBIDDEN),
    "404": answers(404, "", "NotFound: not_found"),
    "410": answers(410, "", "NotFound: gone"),
    "429 then fine": Trouble(FACTS, Bad.RATE_LIMITED, times=1),
    "429": Trouble("RateLimited: rate_limited", Bad.RATE_LIMITED),
    "429 with Retry-After": Trouble("RateLimited: rate_limited, 120 s", Bad.RATE_LIMITED, options={"retry_after": 120}, asks=1),
    "500 then fine": Trouble(FACTS, Bad.SERVER_ERROR, times=1),
    "500": Trouble("Unreachable: http_500", Bad.SERVER_ERROR),
    "502 HTML": Trouble("Unreachable: http_502", Bad.HTML_502),
    "400 HTML": answers(400, "<!doctype html><h1>Bad Request</h1>", "Confused: http_400", "text/html"),
    "HTML with a 200": Trouble("Confused: html", Bad.HTML_200),
    "no body with a 200": answers(200, "", "Confused: empty_body"),
    "truncated JSON": Trouble("Confused: bad_json", Bad.TRUNCATED_JSON, of_shape=True),
    "wrong types": Trouble("Confused", Bad.WRONG_JSON, of_shape=True),
    "a bare list": answers(200, "[[]]", "Confused"),
    "a bare number": answers(200, "7", "Confused"),
    "null": answers(200, "null", "Confused"),
    "an empty object": answers(200, "{}", "Confused"),
    "JSON that is too deep": answers(200, "[" * 100_000, "Confused: bad_json"),
    "slow drip": Trouble("Unreachable: timeout", Bad.SLOW_DRIP, options={"pause": 0.05}, limits=SHORT_OF_TIME),
    "hang": Trouble("Unreachable: timeout", Bad.HANG, limits=QUICK_TO_GIVE_UP),
    "dropped before headers": Trouble("Unreachable: dropped", Bad.DROP_BEFORE_HEADERS),
    "dropped mid-body": Trouble("Unreachable: dropped", Bad.DROP_MID_BODY),
    "redirect loop": Trouble("Confused: redirected", Bad.REDIRECT_LOOP, asks=6),
    "huge body": Trouble("Confused: too_large", Bad.HUGE_BODY, is_heavy=True),
    "gzip bomb": Trouble("Confused: too_large", Bad.GZIP_BOMB, is_heavy=True),
    "10 MB of tiny objects": Trouble("Confused: too_many_values", doctor=dense, of_shape=True, is_heavy=True),
    "10 MB of body": Trouble(FACTS, doctor=padded, of_shape=True, is_heavy=True),
}
OTHER_TYPES = "values of other types"
ASIDE = (
    "401 then fine",
    "403",
    "404",
    "429 with Retry-After",
    "500",
    "HTML with a 200",
    "truncated JSON",
    "an empty object",
    "hang",
    "slow drip",
    "dropped mid-body",
)
"""What is tried on targets that are aside: one of each kind."""
FILE_ENDS = {
    "slow drip": FACTS,  # a phone may take its time
    "redirect loop": "Confused: too_many_redirects",
    "huge body": OTHER,  # it is handed on, piece by piece
    "gzip bomb": OTHER,
}


def error_inside(system: type[System]) -> Trouble:
    return answers(200, system.error_inside, system.error_inside_is)
