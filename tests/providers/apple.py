"""A served pretend App Store Connect account and clients for it."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import httpx
from pydantic import SecretStr
from starlette.types import ASGIApp

from bot.sandbox.server import LoopbackServer
from bot.sandbox.vendors.app_store_connect import PretendAppStoreConnect
from bot.sandbox.vendors.apple.keys import AppleKey
from providers.app_store_connect.client import AppStoreConnect, classify
from providers.app_store_connect.pacing import Pacer
from providers.app_store_connect.token import TokenKeeper
from providers.http import VendorHttp
from providers.spec import Observation, Surroundings

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
SECRET = "webhook secret"


class Clock:
    """Stands still until it is moved or slept on."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        await asyncio.sleep(0)


class Apple:
    """A served pretend account and clients for it."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self.clock = Clock()
        self.pretend = PretendAppStoreConnect(clock=self.clock)
        self.observations: list[Observation] = []
        self.url = ""
        self.stack = stack

    async def serve(self, app: ASGIApp) -> str:
        return (await self.stack.enter_async_context(LoopbackServer(app))).url

    def client(
        self,
        key: AppleKey | None = None,
        url: str | None = None,
        *,
        read_timeout: float = 5.0,
        webhook_secret: str | None = SECRET,
    ) -> AppStoreConnect:
        key = key or self.pretend.team_key
        pacer = Pacer(self.clock, self.clock.sleep)
        surroundings = Surroundings(clock=self.clock, observe=self.observations.append)
        timeout = httpx.Timeout(5.0, read=read_timeout)
        http = VendorHttp(
            "app_store_connect",
            "acme-apple",
            surroundings,
            tries=2,
            timeout=timeout,
            backoff_max=0.01,
            classify=classify,
            on_answer=pacer.heard,
        )
        self.stack.push_async_callback(http.aclose)
        return AppStoreConnect(
            http,
            TokenKeeper(key.private_key, key.key_id, key.issuer_id, self.clock),
            url or self.url,
            self.clock,
            pacer,
            is_team_key=key.issuer_id is not None,
            webhook_secret=SecretStr(webhook_secret) if webhook_secret else None,
        )

    def add_apps(self, count: int, builds_each: int = 1) -> None:
        """Build k of all apps is k minutes older than the newest; within a minute, apps differ by milliseconds."""
        for number in range(count):
            app = self.pretend.add_app(f"App {number:03}", f"com.acme.app{number:03}")
            for age in range(builds_each):
                moment = START - timedelta(minutes=age, milliseconds=number)
                self.pretend.upload(app, "1.0", f"{builds_each - age}", uploaded_at=moment)

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.pretend.requests]
