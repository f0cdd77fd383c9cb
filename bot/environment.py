"""The variables that Purser itself reads, each with its default, its check and an example."""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

DEFAULT_FILE = "purser.toml"
SLACK_API = "https://slack.com/api/"
DATABASES = ("sqlite", "postgresql", "postgresql+psycopg", "postgres")
MAKE_KEY = 'python3 -c "import secrets; print(secrets.token_urlsafe(48))"'


def _printable(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if not (value.isascii() and value.isprintable()):
        raise ValueError("has a line break or another character that Slack never gives out; copy it anew")
    return secret


def _token(prefix: str, name: str) -> Callable[[SecretStr], SecretStr]:
    def check(token: SecretStr) -> SecretStr:
        if not token.get_secret_value().startswith(prefix):
            raise ValueError(f"is not {name}, which starts with {prefix}")
        return token

    return check


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _base_url(url: str) -> str:
    if not _is_address(url):
        raise ValueError("must be a whole address that starts with https:// (or http:// for local use)")
    if re.search(r"[?#@\s\\]", url):
        raise ValueError("must be a plain address, without ?, #, @ or spaces")
    return url.rstrip("/")


def _api_url(url: str) -> str:
    plain = f"{_base_url(url)}/"
    if not plain.endswith("/api/"):
        raise ValueError("must end in /api/")
    return plain


def _database_url(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in DATABASES or not rest.strip("/"):
        raise ValueError("must be a sqlite:/// or postgresql:// address")
    from bot.store.connect import checked_url  # SQLAlchemy, of which the default address has no need

    checked_url(url)
    return f"postgresql://{rest}" if scheme == "postgres" else url


def _keys(text: object) -> tuple[SecretStr, ...]:
    keys = tuple(key.strip() for key in str(text).split(",") if key.strip())
    if any(len(key.encode()) < 32 for key in keys):
        raise ValueError(
            f"must be at least 32 bytes long (each key, where several stand separated by commas); make one with {MAKE_KEY}"
        )
    return tuple(SecretStr(key) for key in keys)


def _port(text: object) -> int:
    port = int(str(text)) if re.fullmatch(r"[0-9]{1,5}", str(text)) else 0
    if not 1 <= port <= 65535:
        raise ValueError("must be a whole number from 1 to 65535")
    return port


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


Lower = BeforeValidator(lambda text: str(text).lower())
Token = Annotated[SecretStr, Field(min_length=1), AfterValidator(_printable)]


class Environment(BaseSettings):
    """The variables that Purser itself reads, by their lower-case names; `env:NAME` in the file may name any other.

    `secret_key` holds several keys during a rotation: the first signs, all verify.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", validate_default=False)

    slack_bot_token: Annotated[Token, AfterValidator(_token("xoxb-", "a bot token"))] | None = Field(
        default=None, examples=["xoxb-…"]
    )
    slack_signing_secret: Token | None = Field(default=None, examples=["(Basic Information > App Credentials)"])
    slack_app_token: Annotated[Token, AfterValidator(_token("xapp-", "an app-level token"))] | None = Field(
        default=None, examples=["xapp-…"]
    )
    slack_api_url: Annotated[str, AfterValidator(_api_url)] = Field(default=SLACK_API, examples=[SLACK_API])
    database_url: Annotated[str, AfterValidator(_database_url)] = Field(
        default="sqlite:///data/purser.db", repr=False, examples=["sqlite:///data/purser.db"]
    )
    public_url: Annotated[str, AfterValidator(_base_url)] | None = Field(default=None, examples=["https://purser.example.com"])
    secret_key: Annotated[tuple[SecretStr, ...], BeforeValidator(_keys)] = Field(default=(), examples=["(48 random bytes)"])
    purser_config: str = Field(default=DEFAULT_FILE, examples=[DEFAULT_FILE])
    host: str = Field(default="127.0.0.1", examples=["0.0.0.0"])  # noqa: S104 - what a container wants, and not the default
    port: Annotated[int, BeforeValidator(_port)] = Field(default=3000, examples=[3000])
    metrics_port: Annotated[int, BeforeValidator(_port)] | None = Field(default=None, examples=[9090])
    log_level: Annotated[LogLevel, Lower] = Field(default=LogLevel.INFO, examples=["info"])
    log_format: Annotated[LogFormat, Lower] = Field(default=LogFormat.TEXT, examples=["json"])

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `bot.config.load` was given counts: the `env:` secrets of the file must see the same variables."""
        return (init_settings,)


VARIABLES = tuple(name.upper() for name in Environment.model_fields)
