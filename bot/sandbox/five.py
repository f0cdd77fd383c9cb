"""The world of `purser demo`: Acme has an account in each of the five systems."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

from bot.sandbox.server import LoopbackServer
from bot.sandbox.story import FRENCH_NOTES
from bot.sandbox.vendors.akana import PretendAkana
from bot.sandbox.vendors.app47 import PretendApp47
from bot.sandbox.vendors.base import utc_now
from bot.sandbox.world import World

_TOML = """
[[accounts]]
name = "acme-app47"
provider = "app47"
access_token = "env:APP47_TOKEN"
store_page = "https://apps.acme.example.com"
api_url = "{app47_url}"

[[accounts]]
name = "acme-akana"
provider = "akana"
base_url = "{akana_url}"
tenant = "{tenant}"
username = "{username}"
password = "env:AKANA_PASSWORD"
"""


class FiveSystems(World):
    """A World with App47 and Akana beside the other three."""

    def __init__(self) -> None:
        super().__init__()
        self.app47, self.akana = PretendApp47(), PretendAkana()
        now = utc_now()
        fill_app47(self.app47, now)
        fill_akana(self.akana, now)

    @property
    def environment(self) -> Mapping[str, str]:
        return {**super().environment, "APP47_TOKEN": self.app47.access_token, "AKANA_PASSWORD": self.akana.password}

    async def _serve_vendors(self, stack: AsyncExitStack) -> None:
        await super()._serve_vendors(stack)
        self.app47_server = await stack.enter_async_context(LoopbackServer(self.app47.app))
        self.akana_server = await stack.enter_async_context(LoopbackServer(self.akana.app))

    def _toml(self) -> str:
        return super()._toml() + _TOML.format(
            app47_url=self.app47_server.url,
            akana_url=self.akana_server.url,
            tenant=self.akana.tenant,
            username=self.akana.username,
        )


def fill_app47(app47: PretendApp47, now: datetime) -> None:
    """Shop for Windows in App47's catalogue, a web app, and an app that the public stores have."""
    shop = app47.add_app("Shop")
    app47.upload(shop, "3.0.9", "309", platform="windows", uploaded_at=now - timedelta(days=8), notes=FRENCH_NOTES)
    app47.add_web_app("Shift planner", "https://shifts.acme.example.com", "2.7")
    app47.add_public_app("Acme Club", apple="1234567890", google="com.acme.club")


def fill_akana(akana: PretendAkana, now: datetime) -> None:
    """Shop as a consumer of Acme's APIs: one version is live, the next is tried out."""
    shop = akana.add_app("Shop")
    akana.upload(shop, "2.0", environment="Production", state="live", uploaded_at=now - timedelta(days=40))
    akana.upload(shop, "2.1", uploaded_at=now - timedelta(days=2), notes="Payments v3")
