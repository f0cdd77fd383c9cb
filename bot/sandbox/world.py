"""Everything that Purser meets, on loopback: a Slack workspace, three vendors with their file hosts, and settings for the bot."""

import contextlib
import secrets
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType

from bot.config import Commands
from bot.sandbox.server import LoopbackServer
from bot.sandbox.slack import PretendSlack
from bot.sandbox.story import Developers, fill_appcircle, fill_apple, fill_applivery, settle
from bot.sandbox.vendors.app_store_connect import PretendAppStoreConnect
from bot.sandbox.vendors.appcircle import PretendAppcircle
from bot.sandbox.vendors.applivery import PretendApplivery
from bot.sandbox.vendors.base import utc_now

APPLE, APPLIVERY, APPCIRCLE = "acme-apple", "acme-applivery", "acme-store"

_TOML = """\
[purser]
poll_every = "{poll_every}"
agreements_every = "{agreements_every}"
owners = ["{owner}"]

[[dates]]
name = "Apple Developer membership"
due = 2031-03-01

[[accounts]]
name = "{apple}"
provider = "app_store_connect"
issuer_id = "{issuer_id}"
key_id = "{key_id}"
private_key = "env:ASC_PRIVATE_KEY"
api_url = "{apple_url}"

[[accounts]]
name = "{applivery}"
provider = "applivery"
organization = "{organization}"
token = "env:APPLIVERY_TOKEN"
api_url = "{applivery_url}"
download_url = "{applivery_url}"

[[accounts]]
name = "{appcircle}"
provider = "appcircle"
personal_api_token = "env:APPCIRCLE_PAT"
store_url = "{appcircle_url}"
api_url = "{appcircle_url}"
auth_url = "{appcircle_url}"

[[products]]
name = "Shop"
aliases = ["acme shop"]
apps = ["{apple}:{apple_shop}", "{applivery}:{applivery_shop}", "{appcircle}:{appcircle_shop}"]
"""


class World:
    """`async with World() as world:` has everything running but the bot, which `environment` and `folder` are for.

    Run the bot in `folder` (there is a purser.toml) and let it listen on `port`; its public address is `public_url`. The folder
    is gone afterwards. `socket_mode`: hand out SLACK_APP_TOKEN, so that the bot opens a WebSocket instead of being called.
    `now` is what the ages of the vendors' builds count from; worlds of one moment have the same builds.
    """

    def __init__(
        self, *, poll_seconds: int = 1, agreements_seconds: int = 1, socket_mode: bool = False, now: datetime | None = None
    ) -> None:
        self.poll_seconds = poll_seconds
        self._intervals = {"poll_every": f"{poll_seconds}s", "agreements_every": f"{agreements_seconds}s"}
        self._socket_mode = socket_mode
        self._stack = AsyncExitStack()
        self.slack = PretendSlack()
        self.slack.commands = frozenset(Commands().model_dump().values())
        self.town = settle(self.slack)
        self.apple, self.applivery, self.appcircle = PretendAppStoreConnect(), PretendApplivery(), PretendAppcircle()
        now = now or utc_now()
        self.in_apple = fill_apple(self.apple, now)
        self.in_applivery = fill_applivery(self.applivery, now)
        self.in_appcircle = fill_appcircle(self.appcircle, now)
        self.developers = Developers(
            (self.apple, self.in_apple), (self.applivery, self.in_applivery), (self.appcircle, self.in_appcircle)
        )
        self.port = free_port()
        self.public_url = f"http://127.0.0.1:{self.port}"
        self._secret_key = secrets.token_urlsafe(48)

    async def __aenter__(self) -> "World":
        async with AsyncExitStack() as stack:
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="purser-")))
            await stack.enter_async_context(self.slack)
            self.slack.bot_url = f"{self.public_url}/slack/events"
            await self._serve_vendors(stack)
            (self.folder / "purser.toml").write_text(self._toml(), encoding="utf-8")
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def database_url(self) -> str:
        return f"sqlite:///{(self.folder / 'purser.db').as_posix()}"

    @property
    def environment(self) -> Mapping[str, str]:
        """Every variable that the bot reads here."""
        variables = {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_SIGNING_SECRET": self.slack.signing_secret,
            "SLACK_API_URL": self.slack.api_url,
            "DATABASE_URL": self.database_url,
            "PUBLIC_URL": self.public_url,
            "SECRET_KEY": self._secret_key,
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "ASC_PRIVATE_KEY": self.apple.private_key_pem,
            "APPLIVERY_TOKEN": self.applivery.service_account_token,
            "APPCIRCLE_PAT": self.appcircle.personal_api_token,
        }
        return variables | ({"SLACK_APP_TOKEN": self.slack.app_token} if self._socket_mode else {})

    def leaked_credentials(self) -> Iterator[str]:
        """The file hosts that were shown a vendor's credential."""
        for name, storage in (("Appcircle", self.appcircle.storage), ("Applivery", self.applivery.storage)):
            if storage.received_authorization:
                yield f"the file host of {name}"

    async def _serve_vendors(self, stack: AsyncExitStack) -> None:
        self.apple_server = await stack.enter_async_context(LoopbackServer(self.apple.app))
        self.applivery_server = await stack.enter_async_context(LoopbackServer(self.applivery.app))
        self.appcircle_server = await stack.enter_async_context(LoopbackServer(self.appcircle.app))
        for vendor in (self.applivery, self.appcircle):
            files = await stack.enter_async_context(LoopbackServer(vendor.storage.app))
            vendor.storage_url = files.url

    def _toml(self) -> str:
        return _TOML.format(
            **self._intervals,
            owner=self.town.grace.id,
            apple=APPLE,
            applivery=APPLIVERY,
            appcircle=APPCIRCLE,
            issuer_id=self.apple.issuer_id,
            key_id=self.apple.key_id,
            organization=self.applivery.organization,
            apple_url=self.apple_server.url,
            applivery_url=self.applivery_server.url,
            appcircle_url=self.appcircle_server.url,
            apple_shop=self.in_apple.shop.id,
            applivery_shop=self.in_applivery.shop.id,
            appcircle_shop=self.in_appcircle.shop.id,
        )


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at the moment.

    Taken by chance from below those that systems give to outgoing connections, one of which could take it before the bot does.
    """
    for _ in range(100):
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")
