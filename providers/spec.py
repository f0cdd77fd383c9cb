"""What a provider package declares about itself, and how its settings read secrets and addresses."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import httpx
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, SecretStr, ValidationInfo

from bot.domain.errors import NotSet
from bot.domain.ports import Provider, Step
from providers.addresses import parse_url
from providers.connections import Connections

_PEM = "-----BEGIN"
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
_SECRET_BYTES_MAX = 64 * 1024
_UNSOUND = re.compile(r"[\s\\?#]")


@dataclass(frozen=True, slots=True)
class SecretSources:
    """Where `env:NAME` and `file:PATH` are looked up. Goes to pydantic as the validation context."""

    environ: Mapping[str, str] = field(repr=False)
    base_dir: Path


def resolve_secret(value: object, info: ValidationInfo) -> object:
    """Reads the secret that `env:NAME` or `file:PATH` points to. No message ever repeats what may be the secret itself."""
    if isinstance(value, SecretStr):
        return value
    kind, _, place = value.partition(":") if isinstance(value, str) else ("", "", "")
    if kind not in ("env", "file") or not place.strip():
        raise ValueError('must be "env:NAME" or "file:PATH"; a secret itself does not belong into this file')
    if not isinstance(info.context, SecretSources):
        raise ValueError("cannot be looked up here: no SecretSources was given as validation context")
    place = place.strip()
    secret = _from_environment(place, info.context) if kind == "env" else _from_file(place, info.context)
    if not (secret.isprintable() or secret.startswith(_PEM)):
        raise ValueError("is read as a text with a line break or another control character, which no vendor takes; copy it anew")
    return secret


def _from_environment(name: str, sources: SecretSources) -> str:
    secret = sources.environ.get(name, "").strip()
    if not secret:
        raise NotSet(name) if _VARIABLE.fullmatch(name) else ValueError("the environment variable named after env: is not set")
    return secret


def _from_file(name: str, sources: SecretSources) -> str:
    path = sources.base_dir / Path(name).expanduser()
    try:
        with path.open("rb") as stream:
            content = stream.read(_SECRET_BYTES_MAX + 1)
        secret = content.decode().strip()
    except OSError as error:
        raise ValueError(f"the file {path} cannot be read: {error.strerror or 'unknown reason'}") from None
    except ValueError:
        raise ValueError(f"the file {path} is not text") from None
    if not secret or len(content) > _SECRET_BYTES_MAX:
        raise ValueError(f"the file {path} is {'empty' if not secret else 'too long for a secret'}")
    return secret


def check_base_url(value: str) -> str:
    """An absolute http(s) address without user, query or fragment; a trailing slash is dropped."""
    try:
        url = parse_url(value.rstrip("/"))
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or _UNSOUND.search(value):
        raise ValueError('must be an address such as "https://api.example.com"')
    return value.rstrip("/")


def matching(pattern: str, sentence: str) -> AfterValidator:
    """Text of a certain form; `sentence` says in words what that is."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(sentence)
        return text

    return AfterValidator(check)


Secret = Annotated[SecretStr, BeforeValidator(resolve_secret)]
BaseUrl = Annotated[str, AfterValidator(check_base_url)]


class AccountSettings(BaseModel):
    """One [[accounts]] table of purser.toml. Every provider subclasses it and narrows `provider` to a Literal.

    Who prints a ValidationError must leave its inputs out: `error.errors(include_input=False)`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, matching(r"[a-z0-9][a-z0-9-]{0,40}", "must be up to 41 lower-case letters, digits and dashes")]
    provider: str


@dataclass(frozen=True, slots=True)
class Observation:
    """One finished vendor call, repetitions included. `reason` is "ok", "cancelled" or the error's code."""

    provider: str
    account: str
    operation: str
    reason: str
    seconds: float


def unobserved(_: Observation) -> None:
    """Nobody counts."""


def unwatched(_: Step) -> None:
    """Nobody looks on."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a provider is given by whoever connects it. All accounts of a process share the connections.

    `observe` hears of every finished call, for metrics; `watch` of every step on the way, for a person who waits.
    `homes` are the account's configured addresses: see guard.py. None: nobody is kept from leading us anywhere.
    """

    clock: Callable[[], datetime]
    observe: Callable[[Observation], None]
    watch: Callable[[Step], None] = unwatched
    connections: Connections = field(default_factory=Connections)
    homes: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """One system that Purser can read. `connect` opens no connection yet; it takes an instance of `settings`.

    `webhooks_by_hand` says where a person enters the `{address}` that the vendor shall call; for vendors without an API for that.
    It names the secret's setting, never the secret.
    `remedies`: an error's reason -> what to do about it, in the vendor's own words and with its page.
    """

    name: str
    title: str
    settings: type[AccountSettings]
    connect: Callable[[Any, Surroundings], Provider]
    webhooks_by_hand: str = ""
    remedies: Mapping[str, str] = field(default_factory=dict)
