"""Settings from the environment, `.env` and purser.toml; every mistake with its place, none with its value."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
from pydantic import SecretStr

from bot.config import ConfigurationError, Settings, load, load_without_accounts
from bot.mistakes import key_lines, line_of
from providers.spec import AccountSettings, BaseUrl, Secret, SecretSources

FOR_YEARS = "must be a whole number and s, m, h or d, from 1s to 3650d, in quotes"
A_FILE = "sqlite:///data/purser.db"
KEY = "0123456789abcdef0123456789abcdef"


class VendorSettings(AccountSettings):
    provider: Literal["vendor"]
    key_id: str
    token: Secret
    api_url: BaseUrl = "https://api.example.com"
    apps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Spec:
    settings: type[VendorSettings] = VendorSettings


SPECS = {"vendor": Spec()}
ACCOUNT = '[[accounts]]\nname = "acme"\nprovider = "vendor"\nkey_id = "k"\ntoken = "env:VENDOR_TOKEN"\n'


class House:
    """A folder to start Purser in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str | bytes) -> None:
        (self.folder / name).write_bytes(text.encode() if isinstance(text, str) else text)

    def load(self, environ: Mapping[str, str] | None = None) -> Settings[VendorSettings]:
        return load(environ or {}, SPECS, self.folder, SecretSources)

    def mistakes(self, environ: Mapping[str, str] | None = None) -> list[str]:
        with pytest.raises(ConfigurationError) as caught:
            self.load(environ)
        return [f"{mistake.where}: {mistake.what}" for mistake in caught.value.mistakes]

    def mistake(self, environ: Mapping[str, str] | None = None) -> str:
        (only,) = self.mistakes(environ)
        return only


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


# --- The environment --------------------------------------------------------------------------


def test_nothing_at_all_is_a_configuration(house: House) -> None:
    settings = house.load()
    assert settings.environment.database_url == "sqlite:///data/purser.db"
    assert settings.environment.slack_api_url == "https://slack.com/api/"
    assert (settings.environment.host, settings.environment.port) == ("127.0.0.1", 3000)
    assert settings.purser.poll_every == timedelta(minutes=5)
    assert settings.purser.agreements_every == timedelta(minutes=15)
    assert settings.accounts == ()


def test_all_variables_are_read(house: House) -> None:
    house.write("other.toml", "")
    settings = house.load(
        {
            "SLACK_BOT_TOKEN": " xoxb-1\n",
            "SLACK_SIGNING_SECRET": "s",
            "SLACK_APP_TOKEN": "xapp-1",
            "SLACK_API_URL": "http://127.0.0.1:9/api",
            "DATABASE_URL": "postgres://u:p@h/d",
            "PUBLIC_URL": "https://purser.example.com/",
            "SECRET_KEY": f"{KEY}1, {KEY}2",
            "PURSER_CONFIG": "other.toml",
            "HOST": "0.0.0.0",
            "PORT": "8080",
            "LOG_LEVEL": "WARNING",
            "LOG_FORMAT": "json",
        }
    )
    environment = settings.environment
    assert environment.slack_bot_token == SecretStr("xoxb-1")
    assert environment.slack_api_url == "http://127.0.0.1:9/api/"
    assert environment.database_url == "postgresql://u:p@h/d"
    assert environment.public_url == "https://purser.example.com"
    assert [key.get_secret_value() for key in environment.secret_key] == [f"{KEY}1", f"{KEY}2"]
    assert (environment.host, environment.port) == ("0.0.0.0", 8080)
    assert (environment.log_level, environment.log_format) == ("warning", "json")
    assert settings.config_file == house.folder / "other.toml"
    assert settings.socket_mode


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("PORT", "0", "must be a whole number from 1 to 65535"),
        ("PORT", "65536", "must be a whole number from 1 to 65535"),
        ("PORT", "٣", "must be a whole number from 1 to 65535"),
        ("LOG_LEVEL", "loud", "must be 'debug', 'info', 'warning' or 'error'"),
        ("LOG_FORMAT", "xml", "must be 'text' or 'json'"),
        ("SLACK_BOT_TOKEN", "xoxp-1", "is not a bot token, which starts with xoxb-"),
        ("SLACK_APP_TOKEN", "xoxb-1", "is not an app-level token, which starts with xapp-"),
        ("SLACK_API_URL", "https://slack.com/", "must end in /api/"),
        ("DATABASE_URL", "mysql://h/d", "must be a sqlite:/// or postgresql:// address"),
        ("DATABASE_URL", "purser.db", "must be a sqlite:/// or postgresql:// address"),
        ("DATABASE_URL", "sqlite:///", "must be a sqlite:/// or postgresql:// address"),
        ("DATABASE_URL", "sqlite:///:memory:", "must be sqlite:/// with a file, or postgresql://"),
        ("DATABASE_URL", "sqlite://h/d", "must be sqlite:/// with a file, or postgresql://"),
        ("DATABASE_URL", "sqlite:///a?mode=ro", "must be sqlite:/// with a file alone, without ? and options"),
        ("DATABASE_URL", "sqlite:///file:x?mode=memory&uri=true", "must be sqlite:/// with a file alone, without ? and options"),
        ("DATABASE_URL", "postgresql://u:p@h:abc/d", f"is not an address like {A_FILE} or postgresql://host/name"),
        ("DATABASE_URL", "postgresql://h/d?schema=public", "has an option after ? that PostgreSQL does not take"),
        ("DATABASE_URL", "postgresql://h/d?ssl=true", "has an option after ? that PostgreSQL does not take"),
        ("DATABASE_URL", "postgres://h/d?connect_timeout=soon", "has an option after ? that PostgreSQL does not take"),
        ("SLACK_BOT_TOKEN", "xoxb-a\nb", "has a line break or another character that Slack never gives out; copy it anew"),
        ("SLACK_SIGNING_SECRET", "s\x1b[0m", "has a line break or another character that Slack never gives out; copy it anew"),
        ("PURSER_CONFIG", "gone.toml", "cannot be read (No such file or directory)"),
    ],
)
def test_a_wrong_variable_is_named(house: House, name: str, value: str, what: str) -> None:
    where = value if name == "PURSER_CONFIG" else name
    assert house.mistake({name: value}) == f"{where}: {what}"


@pytest.mark.parametrize(
    "url",
    [
        "purser.example.com",
        "ftp://h",
        "https://?",
        "https://u:p@h",
        "https://h?x",
        "https://h#x",
        "https://h:99999",
        "https://[h",
    ],
)
def test_a_wrong_public_url_is_named_and_not_repeated(house: House, url: str) -> None:
    mistake = house.mistake({"PUBLIC_URL": url, "SECRET_KEY": KEY})
    assert mistake.startswith("PUBLIC_URL: must be a ")
    assert url not in mistake


def test_a_public_url_needs_a_key(house: House) -> None:
    mistake = house.mistake({"PUBLIC_URL": "https://h"})
    assert mistake.startswith("SECRET_KEY: is not set")
    assert 'python3 -c "import secrets; print(secrets.token_urlsafe(48))"' in mistake


@pytest.mark.parametrize("value", [KEY[:-1], f"{KEY},short"])
def test_a_short_key_is_refused_and_not_repeated(house: House, value: str) -> None:
    mistake = house.mistake({"SECRET_KEY": value})
    assert mistake.startswith("SECRET_KEY: must be at least 32 bytes long")
    assert value not in mistake


def test_secrets_are_in_no_repr(house: House) -> None:
    house.write("purser.toml", ACCOUNT)
    secrets = {
        "SLACK_BOT_TOKEN": "xoxb-HIDE",
        "SECRET_KEY": f"HIDE{KEY}",
        "DATABASE_URL": "postgresql://u:HIDE@h/d",
        "VENDOR_TOKEN": "HIDE",
    }
    assert "HIDE" not in repr(house.load(secrets))


# --- .env -------------------------------------------------------------------------------------


def test_the_environment_wins_over_the_file(house: House) -> None:
    house.write(".env", "PORT=1\nHOST=file\n")
    environment = house.load({"PORT": "2", "HOST": ""}).environment
    assert (environment.port, environment.host) == (2, "file")


def test_odd_lines_are_left_out(house: House) -> None:
    text = b"\xef\xbb\xbfPORT=81\r\n!! what\r\nexport HOST='a b'\r\nLOG_LEVEL\r\n\r\n=x\r\n# PORT=1\r\nLOG_FORMAT=json # why\r\n"
    house.write(".env", text)
    environment = house.load().environment
    assert (environment.port, environment.host, environment.log_format) == (81, "a b", "json")
    assert environment.log_level == "info"


def test_a_dollar_in_a_secret_stays(house: House) -> None:
    house.write(".env", "SLACK_SIGNING_SECRET=a${HOME}b$c\n")
    assert house.load().environment.slack_signing_secret == SecretStr("a${HOME}b$c")


def test_secrets_of_accounts_may_stand_in_the_file(house: House) -> None:
    house.write(".env", 'VENDOR_TOKEN="-----BEGIN\nmany lines\n-----END"\n')
    house.write("purser.toml", ACCOUNT)
    assert house.load().accounts[0].token.get_secret_value() == "-----BEGIN\nmany lines\n-----END"


def test_a_file_of_another_encoding_is_a_sentence(house: House) -> None:
    house.write(".env", "PORT=1\nHOST=Zürich".encode("latin-1"))
    house.write("purser.toml", '[purser]\n# Zürich\npoll_every = "1s"\n'.encode("utf-16"))
    assert house.mistakes() == [".env:2: is not UTF-8 text", "purser.toml:1: is not UTF-8 text"]


def test_a_folder_in_place_of_a_file_is_a_sentence(house: House) -> None:
    (house.folder / ".env").mkdir()
    assert house.mistake() == ".env: cannot be read (Is a directory)"


# --- purser.toml ------------------------------------------------------------------------------


def test_the_whole_file_is_read(house: House) -> None:
    house.write(
        "purser.toml",
        "\ufeff"
        + """[purser]\r
poll_every = "10s"
agreements_every = "2h"
owners = ["U0ADMIN", "W012"]
guests = true
external = true
commands = { versions = "/builds" }

[[dates]]
name = "Membership"
due = 2027-03-01

[[products]]
name = "Shop"
aliases = ["store"]
apps = ["acme:1:2"]
allow_channels = ["C0123"]

"""
        + ACCOUNT,
    )
    settings = house.load({"VENDOR_TOKEN": "t"})
    assert settings.purser.poll_every == timedelta(seconds=10)
    assert settings.purser.agreements_every == timedelta(hours=2)
    assert settings.purser.owners == ("U0ADMIN", "W012")
    assert (settings.purser.guests, settings.purser.external) == (True, True)
    assert settings.purser.commands.model_dump() == {"root": "/purser", "versions": "/builds", "download": "/download"}
    assert [(date.name, date.due) for date in settings.dates] == [("Membership", datetime(2027, 3, 1, tzinfo=UTC))]
    (product,) = settings.products
    assert (product.name, product.aliases, product.apps, product.allow_channels) == (
        "Shop",
        ("store",),
        (("acme", "1:2"),),
        ("C0123",),
    )
    assert settings.accounts[0].token.get_secret_value() == "t"


def test_files_of_secrets_stand_beside_the_file(house: House) -> None:
    (house.folder / "etc").mkdir()
    house.write("etc/purser.toml", ACCOUNT.replace("env:VENDOR_TOKEN", "file:token.txt"))
    house.write("etc/token.txt", "from a file\n")
    settings = house.load({"PURSER_CONFIG": "etc/purser.toml"})
    assert settings.accounts[0].token.get_secret_value() == "from a file"


@pytest.mark.parametrize(
    "value", ['"0s"', '"5"', '"5 m"', '"1.5h"', '"5w"', '"-5m"', '"٥m"', "5", "true", '"9999999h"', '"25h"', '"1d"']
)
def test_a_wrong_duration_is_named(house: House, value: str) -> None:
    house.write("purser.toml", f"[purser]\n\npoll_every = {value}\n")
    assert (
        house.mistake() == "purser.toml:3, [purser] poll_every: must be a whole number and s, m or h, from 1s to 24h, in quotes"
    )


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('owners = ["U0ADMIN", "@jane"]', "owners, entry 2: must be a Slack member ID (profile > Copy member ID), not a name"),
        ('owners = "U0ADMIN"', "owners: must be a list"),
        ('guests = "yes"', "guests: must be true or false"),
        ("external = 1", "external: must be true or false"),
        ('commands = { root = "purser" }', "commands.root: must be a slash and up to 31 lower-case letters, digits, - or _"),
        ('commands = { root = "/x", versions = "/x" }', "commands: must be three different names"),
        ('commands = { rot = "/x" }', "commands.rot: is not a setting; did you mean `root`?"),
        ('poll_evry = "5m"', "poll_evry: is not a setting; did you mean `poll_every`?"),
        (
            'zzz = "5m"',
            "zzz: is not a setting; known here: agreements_every, audit_retention, commands, downloads_per_hour, external, "
            "guests, link_openings, owners, poll_every, takeover_after",
        ),
        ("downloads_per_hour = 0", "downloads_per_hour: must be greater than or equal to 1"),
        ('audit_retention = "400"', f"audit_retention: {FOR_YEARS}"),
        ('audit_retention = "999999d"', f"audit_retention: {FOR_YEARS}"),
        ('takeover_after = "2h"', "takeover_after: must be a whole number and s, m or h, from 1s to 1h, in quotes"),
        ('agreements_every = "2d"', "agreements_every: must be a whole number and s, m or h, from 1s to 24h, in quotes"),
    ],
)
def test_a_wrong_rule_is_named_with_its_line(house: House, line: str, what: str) -> None:
    house.write("purser.toml", f"# first\n[purser]\n{line}\n")
    assert house.mistake() == f"purser.toml:3, [purser] {what}"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('nam = "x"\nname = "y"', "nam: is not a setting; did you mean `name`?"),
        ('name = " "', "name: must not be empty"),
        ('due = "2027-03-01"', "due: must be a date, without quotes"),
        ("due = 2027-03-01T00:00:00Z", "due: must be a date, without quotes"),
    ],
)
def test_a_wrong_date_is_named_with_its_line(house: House, line: str, what: str) -> None:
    rest = "\n".join(other for other in ('name = "n"', "due = 2027-03-01") if other.partition(" ")[0] + " " not in line)
    house.write("purser.toml", f'[[dates]]\nname = "fine"\ndue = 2027-03-01\n[[dates]]\n{line}\n{rest}\n')
    assert house.mistake() == f"purser.toml:5, [[dates]] {what}"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[purser]\npoll_every = "5m\n', 2),
        ("[purser]\n[purser]\n", 2),
        ("[[dates]]\ndue = 2027-02-30\n", 2),
        ("a\rb = 1", 1),
        ("x = [1,\n2", 2),
        ("x = " + "[" * 5000, 1),
        ("[[accounts]]\ntoken = HIDE-ME\n", 2),
    ],
)
def test_what_is_no_toml_is_a_sentence_with_its_line(house: House, text: str, line: int) -> None:
    house.write("purser.toml", text)
    mistake = house.mistake()
    assert mistake.startswith(f"purser.toml:{line}: is not TOML: ")
    assert "HIDE" not in mistake


@pytest.mark.parametrize("text", ["purser = 1", "accounts = 1", "accounts = [1]", "products = {}", "dates = [[]]", "colour = 1"])
def test_a_value_of_the_wrong_shape_is_a_mistake_on_its_line(house: House, text: str) -> None:
    house.write("purser.toml", f"\n{text}\n")
    assert house.mistake().startswith("purser.toml:2, ")


# --- Accounts ---------------------------------------------------------------------------------


def test_an_unknown_provider_lists_the_near_or_the_known(house: House) -> None:
    house.write(
        "purser.toml",
        '[[accounts]]\nprovider = "vendr"\n[[accounts]]\nprovider = "x"\n[[accounts]]\nprovider = [1]\n[[accounts]]\n',
    )
    assert house.mistakes() == [
        "purser.toml:2, [[accounts]] provider: is not a provider; did you mean `vendor`?",
        "purser.toml:4, [[accounts]] provider: is not a provider; known here: vendor",
        "purser.toml:6, [[accounts]] provider: is not a provider; known here: vendor",
        "purser.toml:7, [[accounts]] provider: is missing",
    ]


def test_a_providers_own_settings_are_checked_with_their_lines(house: House) -> None:
    house.write(
        "purser.toml",
        ACCOUNT
        + """
[[accounts]]      # the second
name = "Acme Two"
provider = "vendor"
keyid = "k"
token = "HIDE-ME-the-secret-itself"
api_url = "api.example.com"
apps = [
    "one",
    2,
]
""",
    )
    mistakes = house.mistakes({"VENDOR_TOKEN": "t"})
    assert [mistake.partition(":")[2].partition(": ")[0] for mistake in mistakes] == [
        "7, [[accounts]] key_id",
        "8, [[accounts]] name",
        "10, [[accounts]] keyid",
        "11, [[accounts]] token",
        "12, [[accounts]] api_url",
        "13, [[accounts]] apps, entry 2",
    ]
    assert "did you mean `key_id`?" in mistakes[2]
    assert "HIDE" not in str(mistakes)


def test_a_secret_that_is_not_set_is_named(house: House) -> None:
    house.write("purser.toml", ACCOUNT)
    assert house.mistake() == "purser.toml:5, [[accounts]] token: the environment variable VENDOR_TOKEN is not set"
    with pytest.raises(ConfigurationError, match=r"for example: VENDOR_TOKEN=… \(a line of \.env\)"):
        house.load()


def test_without_accounts_no_secret_is_looked_up(house: House) -> None:
    house.write("purser.toml", ACCOUNT + '[[products]]\nname = "Shop"\napps = ["acme:1"]\n')
    settings = load_without_accounts({}, house.folder)
    assert (settings.accounts, [product.name for product in settings.products]) == ((), ["Shop"])


def test_two_accounts_of_one_name_are_a_mistake(house: House) -> None:
    house.write("purser.toml", ACCOUNT + ACCOUNT)
    assert house.mistake({"VENDOR_TOKEN": "t"}) == "purser.toml:7, [[accounts]] name: is the name of another account already"


def test_products_name_accounts_that_exist_and_each_app_once(house: House) -> None:
    house.write(
        "purser.toml",
        ACCOUNT
        + """
[[products]]
name = "Shop"
apps = ["acme:1", "acne:1", "zzz:1", "acme", "acme:1"]
[[products]]
name = "shop"
apps = ["acme:1"]
""",
    )
    assert [mistake.partition("[[products]] ")[2] for mistake in house.mistakes({"VENDOR_TOKEN": "t"})] == [
        "apps, entry 2: names an account that is not configured; did you mean `acme`?",
        "apps, entry 3: names an account that is not configured; known here: acme",
        "apps, entry 4: must be an account's name, a colon and the app's id there",
        "apps, entry 5: belongs to a product already",
        "name: is the name of another product already",
        "apps, entry 1: belongs to a product already",
    ]


def test_a_product_without_apps_would_keep_nothing_from_anybody(house: House) -> None:
    house.write("purser.toml", '[[products]]\nname = "shop"\naliases = ["till"]\nallow_channels = ["C0123"]\n')
    mistake = "purser.toml:1, [[products]] apps: are missing: without them, the table would hold for nothing"
    assert house.mistake() == mistake


def test_a_name_means_one_product(house: House) -> None:
    house.write(
        "purser.toml",
        ACCOUNT
        + """
[[products]]
name = "Shop iOS"
aliases = ["Till", "store", "shop-ios"]
apps = ["acme:1"]
[[products]]
name = "Till"
aliases = ["Store"]
apps = ["acme:2"]
[[products]]
name = "shop-ios"
apps = ["acme:3"]
""",
    )
    assert house.mistakes({"VENDOR_TOKEN": "t"}) == [
        "purser.toml:9, [[products]] aliases, entry 1: is a name of another product already",
        "purser.toml:13, [[products]] aliases, entry 1: is a name of another product already",
        "purser.toml:16, [[products]] name: is the name of another product already",
    ]


# --- Together ---------------------------------------------------------------------------------


def test_all_mistakes_come_together_each_with_an_example(house: House) -> None:
    house.write(".env", "PUBLIC_URL=nowhere\n")
    house.write("purser.toml", '[purser]\nguests = "no"\n[[accounts]]\n[[products]]\napps = ["x:1"]\n')
    with pytest.raises(ConfigurationError) as caught:
        house.load({"PORT": "http"})
    assert [mistake.where for mistake in caught.value.mistakes] == [
        "SECRET_KEY",
        "PUBLIC_URL",
        "PORT",
        "purser.toml:2, [purser] guests",
        "purser.toml:3, [[accounts]] provider",
        "purser.toml:4, [[products]] name",
        "purser.toml:5, [[products]] apps, entry 1",
    ]
    examples = [mistake.example for mistake in caught.value.mistakes]
    assert examples[2:6] == ["PORT=3000", "guests = false", 'provider = "vendor"', 'name = "Shop"']
    assert all(f"for example: {example}" in str(caught.value) for example in examples)
    assert str(caught.value).startswith("The configuration has 7 mistakes.")


def test_slack_is_asked_for_only_when_it_is_needed(house: House) -> None:
    with pytest.raises(ConfigurationError) as caught:
        house.load().require_slack()
    assert [mistake.where for mistake in caught.value.mistakes] == ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"]
    assert "`purser manifest`" in str(caught.value)


@pytest.mark.parametrize("other", [{"SLACK_APP_TOKEN": "xapp-1"}, {"SLACK_SIGNING_SECRET": "s"}])
def test_either_way_to_slack_is_enough(house: House, other: dict[str, str]) -> None:
    house.load({"SLACK_BOT_TOKEN": "xoxb-1", **other}).require_slack()


def test_accounts_are_asked_for_only_when_they_are_needed(house: House) -> None:
    with pytest.raises(ConfigurationError, match=r"purser\.toml: has no"):
        house.load().require_accounts()


# --- Lines ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 1),
        (("purser",), 3),
        (("purser", "commands", "root"), 6),
        (("accounts", 0), 8),
        (("accounts", 0, "text"), 9),
        (("accounts", 1, "quoted"), 15),
        (("accounts", 1, "dotted", "key"), 16),
        (("accounts", 1, "sub", "x"), 18),
        (("accounts", 1, "nowhere", 3), 14),
        (("nothing",), 1),
    ],
)
def test_keys_are_found_on_their_lines(path: tuple[str | int, ...], line: int) -> None:
    text = """top = 1

[ purser ]  # rules
poll_every = "5m"
[purser.commands]
root = "/purser"

[[accounts]]
text = '''
[[accounts]]
quoted = "inside a text"
'''

[[ accounts ]]
"quoted" = 1
dotted.key = 2
[accounts.sub]
x = 1
"""
    assert line_of(key_lines(text), path) == line
