"""`purser webhooks sync`: every app's webhook stands at Apple, and what Apple then calls with is understood."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx
import pytest

from bot.cli import main
from bot.domain.errors import UserMistake
from bot.mistakes import ConfigurationError
from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.vendors.apple.hooks import AppleWebhook
from bot.sandbox.world import APPLE, APPLIVERY, World
from bot.webhooks import sync_webhooks
from bot.workshop import load_settings

from .terminal import Terminal, secrets_in

PUBLIC_URL = "https://purser.acme.com"
SECRETS = {"ASC_WEBHOOK_SECRET": "blue-whale-7Q2K", "APPLIVERY_WEBHOOK_SECRET": "grey-heron-9D7K"}
SYNC = ("webhooks", "sync")


@dataclass(frozen=True)
class Command:
    """`purser webhooks sync` without its process: whether all went well, and what it wrote. Nothing else is written."""

    world: World
    variables: Mapping[str, str]
    console: pytest.CaptureFixture[str]

    async def sync(self, account: str | None = None, **changes: str) -> tuple[bool, str]:
        settings = load_settings({**self.variables, **changes}, self.world.folder)
        is_well = await sync_webhooks(settings, account)
        out, err = self.console.readouterr()
        assert err == ""
        assert [secret for secret in secrets_in({**self.variables, **changes}) if secret in out] == []
        return is_well, out

    @property
    def terminal(self) -> Terminal:
        return Terminal(self.world.folder, self.variables)


@pytest.fixture
def command(world: World, capsys: pytest.CaptureFixture[str]) -> Command:
    """Apple's and Applivery's accounts have a webhook_secret, Appcircle's has none."""
    config = world.folder / "purser.toml"
    text = config.read_text()
    for provider, variable in (("app_store_connect", "ASC_WEBHOOK_SECRET"), ("applivery", "APPLIVERY_WEBHOOK_SECRET")):
        line = f'provider = "{provider}"\n'
        text = text.replace(line, f'{line}webhook_secret = "env:{variable}"\n')
    config.write_text(text)
    return Command(world, {**world.environment, **SECRETS, "PUBLIC_URL": PUBLIC_URL}, capsys)


def hooks(world: World) -> Mapping[str, AppleWebhook]:
    return {hook.app.name: hook for hook in world.apple.hooks.registered.values()}


def table(out: str) -> list[list[str]]:
    """The rows about apps, without their head."""
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["account", "app", "webhook"]
    return [line for line in lines[1:] if line[0] == APPLE]


async def test_every_app_gets_its_webhook_and_a_second_time_changes_nothing(world: World, command: Command) -> None:
    world.apple.add_app("Till", "com.acme.till")
    is_well, out = await command.sync()
    assert is_well
    assert table(out) == [[APPLE, "Shop", "created"], [APPLE, "Till", "created"]]
    assert {hook.url for hook in hooks(world).values()} == {f"{PUBLIC_URL}/webhooks/{APPLE}"}
    before = {name: (hook.id, hook.event_types, hook.secret) for name, hook in hooks(world).items()}
    is_well, out = await command.sync()
    assert is_well
    assert table(out) == [[APPLE, "Shop", "unchanged"], [APPLE, "Till", "unchanged"]]
    assert {name: (hook.id, hook.event_types, hook.secret) for name, hook in hooks(world).items()} == before


async def test_another_address_and_another_secret_reach_apple(world: World, command: Command) -> None:
    await command.sync()
    _, moved = await command.sync(PUBLIC_URL="https://elsewhere.acme.com/purser/")
    assert table(moved) == [[APPLE, "Shop", "updated"]]
    assert hooks(world)["Shop"].url == f"https://elsewhere.acme.com/purser/webhooks/{APPLE}"
    await command.sync(PUBLIC_URL="https://elsewhere.acme.com/purser/", ASC_WEBHOOK_SECRET="red-fox-2X9R")
    assert hooks(world)["Shop"].secret == "red-fox-2X9R"


async def test_who_has_no_api_is_told_where_to_enter_the_address(command: Command) -> None:
    is_well, out = await command.sync(APPLIVERY)
    assert is_well
    row, advice = out.splitlines()
    assert row == f"{APPLIVERY}  its vendor has no API for this; once, by hand:"
    assert f"Integrations > Webhook: enter {PUBLIC_URL}/webhooks/{APPLIVERY}/… with webhook_secret" in advice


async def test_who_has_no_secret_takes_no_calls(command: Command) -> None:
    _, out = await command.sync()
    *_, row, advice = out.splitlines()
    assert row == "acme-store      takes no calls: it has no webhook_secret"
    assert advice.strip().startswith("→ set it")


async def test_an_app_that_fails_says_why_and_what_to_do(world: World, command: Command) -> None:
    """It is the command that ends with 1."""
    till = world.apple.add_app("Till", "com.acme.till")
    world.apple.misbehave(f"/v1/apps/{till.id}/webhooks", Misbehaviour.FORBIDDEN)
    outcome = await command.terminal.fresh.purser(*SYNC, "--account", APPLE)
    assert (outcome.code, outcome.err) == (1, "")
    _, shop, row, advice = outcome.out.splitlines()
    assert shop.split() == [APPLE, "Shop", "created"]
    assert row == "acme-apple  Till  failed: register webhooks was refused (forbidden)"
    assert advice.strip().startswith("→ use a key with the role Developer or App Manager")


async def test_what_apple_does_not_take(world: World, command: Command) -> None:
    world.apple.misbehave("^/v1/webhooks$", Misbehaviour.STATUS, status=409, body='{"errors": [{"code": "ENTITY_ERROR"}]}')
    is_well, out = await command.sync(APPLE)
    assert not is_well
    assert out.splitlines()[-1].strip() == "→ the vendor does not take what it was told: check PUBLIC_URL and webhook_secret"


async def test_an_account_that_cannot_be_read(world: World, command: Command) -> None:
    world.apple.block_agreements()
    is_well, out = await command.sync()
    assert not is_well
    row, advice, *others = out.splitlines()
    assert row.startswith("acme-apple      could not be read: register webhooks is blocked by an agreement (")
    assert "Account Holder" in advice
    assert others[0].startswith(APPLIVERY)


async def test_an_account_without_apps(world: World, command: Command) -> None:
    world.apple.apps.clear()
    assert await command.sync(APPLE) == (True, "acme-apple  has no apps\n")


# --- What must be set before ------------------------------------------------------------------


async def test_everything_that_is_missing_is_said_at_once(world: World) -> None:
    """No account has a webhook_secret."""
    outcome = await Terminal(world.folder, {**world.environment, "PUBLIC_URL": ""}).purser(*SYNC)
    assert (outcome.code, outcome.out) == (2, "")
    assert "The configuration has 2 mistakes." in outcome.err
    assert "PUBLIC_URL: is not set" in outcome.err
    assert "purser.toml, account acme-apple: has no webhook_secret" in outcome.err
    assert world.apple.requests == []


async def test_an_address_that_apple_does_not_call(world: World, command: Command) -> None:
    with pytest.raises(ConfigurationError, match="PUBLIC_URL: must start with https://"):
        await command.sync(PUBLIC_URL=world.public_url)
    is_well, _ = await command.sync(APPLIVERY, PUBLIC_URL=world.public_url)
    assert is_well


async def test_an_account_that_nobody_configured(command: Command) -> None:
    with pytest.raises(UserMistake, match=r"^no account is called nonsense; purser\.toml has acme-apple"):
        await command.sync("nonsense")


@pytest.mark.parametrize(("words", "says"), [((), "required: COMMAND"), (("foo",), "invalid choice: 'foo'")])
def test_words_that_are_no_command(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["webhooks", *words])
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: purser webhooks [-h] COMMAND")
    assert says in err


# --- What Apple then calls --------------------------------------------------------------------


async def test_apple_signs_with_the_secret_of_the_last_sync(world: World, command: Command) -> None:
    await command.sync()
    await command.sync(ASC_WEBHOOK_SECRET="red-fox-2X9R")
    world.apple.finish_processing(world.apple.upload(world.in_apple.shop, "9.9.0", "999", processed=False))
    call = world.apple.hooks.outgoing[0].call
    async with (
        command.terminal.started("run", until="answering", ASC_WEBHOOK_SECRET="red-fox-2X9R"),
        httpx.AsyncClient(base_url=world.public_url) as apple,
    ):
        taken = await apple.post(f"/webhooks/{APPLE}", content=call.body, headers=call.headers)
        assert (taken.status_code, taken.text) == (200, "ok\n")
        refused = await apple.post(f"/webhooks/{APPLE}", content=call.body + b" ", headers=call.headers)
        assert refused.status_code == 401
