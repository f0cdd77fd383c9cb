"""The settings: environment, `.env` and purser.toml, read once and checked as a whole; all mistakes are reported together."""

import io
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Generic, Protocol, Self, TypeVar

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    model_validator,
)

from bot.domain.answers import DueDate
from bot.domain.names import normalise
from bot.environment import DEFAULT_FILE, MAKE_KEY, VARIABLES, Environment
from bot.mistakes import ConfigurationError, Mistake, TomlMistakes, did_you_mean, explain

__all__ = [
    "Commands",
    "ConfigurationError",
    "Environment",
    "Mistake",
    "ProductRule",
    "PurserTable",
    "Settings",
    "load",
]

A = TypeVar("A", bound=BaseModel)
A_co = TypeVar("A_co", bound=BaseModel, covariant=True)
SecretSources = Callable[[Mapping[str, str], Path], object]

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
APPS = 'apps = ["acme-apple:1234567890"]'
MAKE_APP = "`purser manifest` prints the manifest from which Slack creates the app"


def _duration(longest: str) -> BeforeValidator:
    """From a second to `longest`, in the units that it and shorter ones have."""
    units = "smhd"[: "smhd".index(longest[-1]) + 1]
    sentence = f"must be a whole number and {', '.join(units[:-1])} or {units[-1]}, from 1s to {longest}, in quotes"

    def check(text: object) -> timedelta:
        match = re.fullmatch(rf"([0-9]{{1,6}})([{units}])", text) if isinstance(text, str) else None
        if match is None or not timedelta() < _span(match[0]) <= _span(longest):
            raise ValueError(sentence)
        return _span(match[0])

    return BeforeValidator(check)


def _span(text: str) -> timedelta:
    return timedelta(**{UNITS[text[-1]]: int(text[:-1])})


def _matching(pattern: str, sentence: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(sentence)
        return text

    return AfterValidator(check)


Count = Annotated[int, Field(strict=True, ge=1, le=100_000)]
MemberId = Annotated[str, _matching(r"[UW][A-Z0-9]{2,}", "must be a Slack member ID (profile > Copy member ID), not a name")]
ChannelId = Annotated[str, _matching(r"[CGD][A-Z0-9]{2,}", "must be a Slack channel ID (channel details > About), not a name")]
GroupId = Annotated[str, _matching(r"S[A-Z0-9]{2,}", "must be a Slack user group ID (group > Copy group ID), not a name")]
Command = Annotated[str, _matching(r"/[a-z0-9_-]{1,31}", "must be a slash and up to 31 lower-case letters, digits, - or _")]
Name = Annotated[str, _matching(r"(?s).*\S.*", "must not be empty")]


class Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Commands(Table):
    """The slash commands' names; another app of the workspace may own one."""

    root: Command = Field(default="/purser", examples=["/purser"])
    versions: Command = Field(default="/versions", examples=["/versions"])
    download: Command = Field(default="/download", examples=["/download"])

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len({self.root, self.versions, self.download}) < 3:
            raise ValueError("must be three different names")
        return self


class PurserTable(Table):
    """`[purser]`."""

    poll_every: Annotated[timedelta, _duration("24h")] = Field(default=timedelta(minutes=5), examples=["5m"])
    agreements_every: Annotated[timedelta, _duration("24h")] = Field(default=timedelta(minutes=15), examples=["15m"])
    owners: tuple[MemberId, ...] = Field(default=(), examples=[["U0ADMIN"]])
    guests: StrictBool = False
    external: StrictBool = False
    downloads_per_hour: Count = Field(default=30, examples=[30])
    link_openings: Count = Field(default=25, examples=[25])
    takeover_after: Annotated[timedelta, _duration("1h")] = Field(default=timedelta(seconds=30), examples=["30s"])
    audit_retention: Annotated[timedelta, _duration("3650d")] = Field(default=timedelta(days=400), examples=["400d"])
    commands: Commands = Field(default=Commands(), examples=[{"root": "/purser", "versions": "/builds"}])


class DateTable(Table):
    """`[[dates]]`."""

    name: Name = Field(examples=["Apple Developer membership"])
    due: date = Field(strict=True, examples=[date(2027, 3, 1)])


class ProductTable(Table):
    """`[[products]]`. `apps` are "account:app id"."""

    name: Name = Field(examples=["Shop"])
    aliases: tuple[Name, ...] = Field(default=(), examples=[["store"]])
    apps: tuple[str, ...] = Field(default=(), examples=[["acme-apple:1234567890"]])
    allow_channels: tuple[ChannelId, ...] = Field(default=(), examples=[["C0123"]])
    allow_groups: tuple[GroupId, ...] = Field(default=(), examples=[["S0123"]])


class ConfigFile(Table):
    """The whole file. An account's table is read by its provider's own model."""

    purser: PurserTable = Field(default=PurserTable(), examples=[{"poll_every": "5m"}])
    dates: tuple[DateTable, ...] = Field(default=(), examples=[[{}]])
    accounts: tuple[dict[str, Any], ...] = Field(default=(), examples=[[{}]])
    products: tuple[ProductTable, ...] = Field(default=(), examples=[[{}]])


@dataclass(frozen=True, slots=True)
class ProductRule:
    """A `[[products]]` table. `apps` are (account, app id)."""

    name: str
    aliases: tuple[str, ...]
    apps: tuple[tuple[str, str], ...]
    allow_channels: tuple[str, ...]
    allow_groups: tuple[str, ...] = ()


class ProviderSpecLike(Protocol[A_co]):
    """What is needed of a provider here: the model of its `[[accounts]]` tables."""

    @property
    def settings(self) -> type[A_co]: ...


@dataclass(frozen=True, slots=True)
class Settings(Generic[A]):
    """Everything that the composition root needs. `config_file` is where purser.toml is or would be."""

    environment: Environment
    config_file: Path
    purser: PurserTable
    dates: tuple[DueDate, ...]
    accounts: tuple[A, ...]
    products: tuple[ProductRule, ...]

    @property
    def socket_mode(self) -> bool:
        """Whether Slack is reached through Socket Mode rather than by its requests to PUBLIC_URL."""
        return self.environment.slack_app_token is not None

    def require_slack(self) -> None:
        """Raises ConfigurationError when the tokens that `run` and `web` need are not set."""
        missing = []
        if self.environment.slack_bot_token is None:
            what = f"is not set: the bot's token, under OAuth & Permissions of the Slack app; {MAKE_APP}"
            missing.append(Mistake("SLACK_BOT_TOKEN", what, "SLACK_BOT_TOKEN=xoxb-…"))
        if self.environment.slack_app_token is None and self.environment.slack_signing_secret is None:
            what = f"is not set: needed to check Slack's requests, unless SLACK_APP_TOKEN turns on Socket Mode; {MAKE_APP}"
            missing.append(Mistake("SLACK_SIGNING_SECRET", what, "SLACK_SIGNING_SECRET=… (Basic Information > App Credentials)"))
        if missing:
            raise ConfigurationError(tuple(missing))

    def require_accounts(self) -> None:
        """Raises ConfigurationError when no account is configured, so that there would be nothing to tell."""
        if not self.accounts:
            what = "has no [[accounts]], so there is nothing to watch; purser.example.toml shows one for each provider"
            raise ConfigurationError((Mistake(self.config_file.name, what, "cp purser.example.toml purser.toml"),))


def load_without_accounts(environ: Mapping[str, str], cwd: Path) -> Settings[Any]:
    """For what concerns no vendor: no provider is loaded and no secret looked up. Raises ConfigurationError like `load`."""
    return load(environ, None, cwd, lambda variables, folder: None)


def load(
    environ: Mapping[str, str],
    specs: Mapping[str, ProviderSpecLike[A]] | None,
    cwd: Path,
    secret_sources: SecretSources,
) -> Settings[A]:
    """Reads the environment, `cwd/.env` and purser.toml. The environment wins over `.env`; an empty variable is not set.

    `specs` are the providers by name; `secret_sources(variables, folder of the file)` makes the validation context in which
    their settings look up `env:NAME` and `file:PATH`. Without specs, without accounts. Raises ConfigurationError with every
    mistake of all three.
    """
    mistakes: list[Mistake] = []
    variables = {**_dotenv(cwd / ".env", mistakes), **{name: value for name, value in environ.items() if value.strip()}}
    environment = _environment(variables, mistakes)
    name = variables.get("PURSER_CONFIG", DEFAULT_FILE).strip()
    text = _text(cwd / name, name, mistakes, optional="PURSER_CONFIG" not in variables)
    reader = _FileReader(cwd / name, TomlMistakes(name, text), secret_sources(variables, (cwd / name).parent))
    settings = reader.settings(environment or Environment(), specs)
    mistakes += reader.mistakes.found()
    if settings is None or mistakes:
        raise ConfigurationError(tuple(mistakes))
    return settings


def _environment(variables: Mapping[str, str], mistakes: list[Mistake]) -> Environment | None:
    if "PUBLIC_URL" in variables and "SECRET_KEY" not in variables:
        what = f"is not set, and PUBLIC_URL needs it to sign download links; make one with {MAKE_KEY}"
        mistakes.append(Mistake("SECRET_KEY", what, "SECRET_KEY=(48 random bytes)"))
    try:
        return Environment(**{name.lower(): variables[name].strip() for name in VARIABLES if name in variables})  # type: ignore[arg-type]
    except ValidationError as error:
        for complaint in explain(error, Environment):
            name = complaint.key.upper()
            mistakes.append(Mistake(name, complaint.what, f"{name}={complaint.example}"))
        return None


def _dotenv(path: Path, mistakes: list[Mistake]) -> dict[str, str]:
    """Lines that are no assignment are left out, as shells' tools do. `$` in a value stays as it is: tokens may have one."""
    text = _text(path, path.name, mistakes, optional=True)
    values = dotenv_values(stream=io.StringIO(text), interpolate=False)
    return {name: value for name, value in values.items() if value and value.strip()}


def _text(path: Path, name: str, mistakes: list[Mistake], *, optional: bool) -> str:
    """Empty when the file cannot be read, which is a mistake unless it need not exist."""
    try:
        data = path.read_bytes()
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        if not (optional and isinstance(error, FileNotFoundError)):
            mistakes.append(Mistake(name, f"cannot be read ({error.strerror})", "a text file that this user may read"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        mistakes.append(Mistake(f"{name}:{line}", "is not UTF-8 text", "save the file as UTF-8"))
    return ""


class _FileReader:
    """Reads one purser.toml, collecting its mistakes."""

    def __init__(self, path: Path, mistakes: TomlMistakes, secrets: object) -> None:
        self._path = path
        self._secrets = secrets
        self.mistakes = mistakes

    def settings(self, environment: Environment, specs: Mapping[str, ProviderSpecLike[A]] | None) -> Settings[A] | None:
        """None when there are mistakes. Without specs, without accounts."""
        data = self._parse()
        file = self._file(data)
        accounts = () if specs is None else tuple(self._accounts(_tables(data, "accounts"), specs))
        self._check_products(_tables(data, "products"), _names(_tables(data, "accounts")))
        if file is None or self.mistakes.found():
            return None
        dates = tuple(DueDate(entry.name, datetime.combine(entry.due, time(), UTC)) for entry in file.dates)
        products = tuple(_rule(product) for product in file.products)
        return Settings(environment, self._path, file.purser, dates, accounts, products)

    def _parse(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self.mistakes.text)
        except (ValueError, RecursionError) as error:
            line = re.search(r"at line (\d+)", str(error))
            number = int(line[1]) if line else self.mistakes.text.count("\n") + 1
            what = re.sub(r" [(]at .*", "", str(error))
            self.mistakes.add_at(number, f"is not TOML: {what}", 'key = "text in quotes"')
            return {}

    def _file(self, data: dict[str, Any]) -> ConfigFile | None:
        try:
            return ConfigFile.model_validate(data)
        except ValidationError as error:
            self.mistakes.add_all(error, ConfigFile)
            return None

    def _accounts(self, tables: Sequence[tuple[int, dict[str, Any]]], specs: Mapping[str, ProviderSpecLike[A]]) -> Iterator[A]:
        seen: set[str] = set()
        for index, table in tables:
            name = table.get("name")
            if isinstance(name, str) and name in seen:
                self.mistakes.add(("accounts", index, "name"), "is the name of another account already", 'name = "acme-apple-2"')
            seen.update(_texts([name]))
            spec = self._spec(index, table.get("provider"), specs)
            if spec is not None:
                yield from self._account(index, table, spec)

    def _spec(self, index: int, provider: object, specs: Mapping[str, ProviderSpecLike[A]]) -> ProviderSpecLike[A] | None:
        spec = specs.get(provider) if isinstance(provider, str) else None
        if spec is None:
            what = "is missing" if provider is None else f"is not a provider; {did_you_mean(str(provider), specs)}"
            self.mistakes.add(("accounts", index, "provider"), what, f'provider = "{next(iter(specs), "…")}"')
        return spec

    def _account(self, index: int, table: dict[str, Any], spec: ProviderSpecLike[A]) -> Iterator[A]:
        try:
            yield spec.settings.model_validate(table, context=self._secrets)
        except ValidationError as error:
            self.mistakes.add_all(error, spec.settings, ("accounts", index))

    def _check_products(self, tables: Sequence[tuple[int, dict[str, Any]]], accounts: Sequence[str]) -> None:
        owners: set[str] = set()
        self._check_names(tables)
        for index, table in tables:
            if table.get("apps", []) == []:
                self.mistakes.add(
                    ("products", index, "apps"), "are missing: without them, the table would hold for nothing", APPS
                )
            for entry, app in enumerate(_texts(table.get("apps"))):
                if what := _wrong_app(app, accounts, owners):
                    self.mistakes.add(("products", index, "apps", entry), what, APPS)
                owners.add(app)

    def _check_names(self, tables: Sequence[tuple[int, dict[str, Any]]]) -> None:
        """What people type must mean one product. Spellings that they need not tell apart are the same name."""
        taken: dict[str, int] = {}
        for index, table in tables:
            for name in map(normalise, _texts([table.get("name")])):
                if taken.setdefault(name, index) != index:
                    self.mistakes.add(("products", index, "name"), "is the name of another product already", 'name = "Shop"')
        for index, table in tables:
            for entry, alias in enumerate(map(normalise, _texts(table.get("aliases")))):
                if taken.setdefault(alias, index) != index:
                    what = "is a name of another product already"
                    self.mistakes.add(("products", index, "aliases", entry), what, 'aliases = ["store"]')


def _tables(data: Mapping[str, Any], key: str) -> list[tuple[int, dict[str, Any]]]:
    """The tables of an array, with their places; what is no table is the model's to complain of."""
    entries = data.get(key)
    return [(index, entry) for index, entry in enumerate(entries) if isinstance(entry, dict)] if isinstance(entries, list) else []


def _names(tables: Sequence[tuple[int, dict[str, Any]]]) -> list[str]:
    return _texts([table.get("name") for _, table in tables])


def _texts(value: object) -> list[str]:
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []


def _wrong_app(app: str, accounts: Sequence[str], taken: set[str]) -> str | None:
    account, colon, app_id = app.partition(":")
    if not (account and colon and app_id):
        return "must be an account's name, a colon and the app's id there"
    if account not in accounts:
        return f"names an account that is not configured; {did_you_mean(account, accounts)}"
    return "belongs to a product already" if app in taken else None


def _rule(product: ProductTable) -> ProductRule:
    apps = tuple((account, app_id) for account, _, app_id in (app.partition(":") for app in product.apps))
    return ProductRule(product.name, product.aliases, apps, product.allow_channels, product.allow_groups)
