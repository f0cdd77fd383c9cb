"""What the running bot writes down: enough to follow one request, and nothing that opens anything."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest

from bot.sandbox.misbehaviour import Misbehaviour
from bot.sandbox.slack import Message
from bot.sandbox.vendors.base import PretendVendor
from bot.sandbox.world import World

from .terminal import ROOT, Started, Terminal, until

HOOK_SECRET = "the-webhook-secret-of-acme"


@asynccontextmanager
async def running(world: World, **changes: str) -> AsyncIterator[Started]:
    """The bot as a process, with everything read from the vendors."""
    terminal = Terminal(world.folder, {**world.environment, "APPLIVERY_WEBHOOK_SECRET": HOOK_SECRET})
    file = world.folder / "purser.toml"
    file.write_text(
        file.read_text().replace(
            'provider = "applivery"\n', 'provider = "applivery"\nwebhook_secret = "env:APPLIVERY_WEBHOOK_SECRET"\n'
        )
    )
    async with terminal.started("run", until="answering", **changes) as started:
        await until(lambda: sum("account checked" in line for line in started.said) == 3)
        yield started
        await started.end()


class Story:
    """A little of everything, right and wrong. `keys` are what it has seen of tokens and links."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.keys: set[str] = set()

    async def happen(self) -> None:
        async with httpx.AsyncClient(follow_redirects=True) as browser:
            await self._ask("/purser subscribe all")
            for system in ("applivery", "appcircle"):
                await self._download(browser, await self._ask(f"/download shop {system}"))
            await self._press(await self._ask("/versions shpo android"), "Shop")
            await self.world.slack.mention(self.world.town.ada, self.world.town.mobile, "versions courier")
            await self._ask("/versions " + "x" * 200)
            await self._knock(browser)
            await self._new_build(browser)
            await self._trouble(browser)
        vendors: tuple[PretendVendor, ...] = (self.world.apple, self.world.applivery, self.world.appcircle)
        self.keys |= {request.authorization.split()[-1] for v in vendors for request in v.requests if request.authorization}
        self.keys |= {path.split("/")[3] for path in self._paths() if path.startswith("/v1/download/")}

    async def _ask(self, line: str) -> Message:
        return await self.world.slack.command(self.world.town.ada, self.world.town.mobile, line)

    async def _press(self, message: Message, label: str) -> Message:
        answer = await self.world.slack.press(self.world.town.ada, message, label)
        assert isinstance(answer, Message)
        return answer

    async def _download(self, browser: httpx.AsyncClient, ticket: Message) -> None:
        (url,) = [button.url for button in ticket.buttons if button.url]
        self.keys.add(url.split("/")[-1])
        for address in (url, f"{url}/file", f"{url}/qr.svg", f"{url}/manifest.plist", f"{url[:-1]}"):
            await browser.get(address)

    async def _knock(self, browser: httpx.AsyncClient) -> None:
        """Strangers."""
        for path in ("/slack/events", "/webhooks/acme-applivery?secret=guessed", "/webhooks/nobody", "/d/x/../../etc/passwd"):
            await browser.post(f"{self.world.public_url}{path}", content=b"{", headers={"content-type": "application/json"})

    async def _new_build(self, browser: httpx.AsyncClient) -> None:
        self.world.applivery.upload(self.world.in_applivery.shop, "3.4.0", "1700")
        hook = f"{self.world.public_url}/webhooks/acme-applivery"
        await browser.post(hook, params={"secret": HOOK_SECRET}, content=self.world.applivery.webhook().body)
        card = await self.world.slack.wait_for(lambda message: "3.4.0 (1700)" in message.text_content)
        await self._download(browser, await self._press(card, "Download"))

    async def _trouble(self, browser: httpx.AsyncClient) -> None:
        """Vendors and Slack fail in the middle of it."""
        tickets = [await self._ask(f"/download shop {system}") for system in ("applivery 3.4.0", "appcircle")]
        self.world.applivery.misbehave("/", Misbehaviour.FORBIDDEN)
        self.world.appcircle.misbehave("/", Misbehaviour.HTML_502)
        for ticket in tickets:
            await self._download(browser, ticket)

    def _paths(self) -> Iterator[str]:
        for vendor in (self.world.applivery, self.world.applivery.storage):
            yield from (request.path for request in vendor.requests)


async def test_a_whole_story_in_json_holds_no_key(world: World) -> None:
    story = Story(world)
    async with running(world, LOG_FORMAT="json", LOG_LEVEL="debug") as started:
        await story.happen()
    text = "\n".join(started.said)
    assert len(story.keys) > 8
    assert [key for key in story.keys if key in text] == []
    assert not re.search(r"/d/\w|/response/|trigger\.|secret=|[Bb]earer|xox|eyJ", text)
    lines = [json.loads(line) for line in started.said]
    assert all({"event", "level", "timestamp"} <= line.keys() for line in lines)
    requests = {line["request_id"] for line in lines if line["event"] == "http.request"}
    answers = [line for line in lines if line["event"] == "answered"]
    assert len(answers) > 8
    assert {line["request_id"] for line in answers} <= requests
    assert {line["reason"] for line in lines if "rejected" in line["event"]} == {"bad_signature"}
    assert "exception" not in text
    (hook,) = (line for line in lines if line["event"] == "webhook.received")
    told = [line for line in lines if line["event"] == "alert delivered" and line["request_id"] == hook["request_id"]]
    assert [line["alert"].split(":")[0] for line in told] == ["new_build"]


async def test_in_text_and_over_a_socket_each_answer_can_be_followed_too() -> None:
    async with World(poll_seconds=3600, agreements_seconds=3600, socket_mode=True) as world:
        async with running(world, LOG_FORMAT="text") as started:
            await asyncio.wait_for(world.slack.sockets.connected.wait(), 10)
            for line in ("/versions", "/purser status", "/purser whoami"):
                await world.slack.command(world.town.ada, world.town.mobile, line)
        answers = [line for line in started.said if re.search(r"answered .*feature=", line)]
        assert len({match[0] for line in answers if (match := re.search(r"request_id=\w{12}\b", line))}) == 3
        assert "\x1b" not in "".join(started.said)  # no colours where nobody sees them


REASONS = [
    (Misbehaviour.HTML_502, {"reason": "vendor_down", "cause": "http_502"}),
    (Misbehaviour.HTML_200, {"reason": "confused"}),
    (Misbehaviour.DROP_BEFORE_HEADERS, {"reason": "vendor_down"}),
    (Misbehaviour.UNAUTHORIZED, {"reason": "refused", "cause": "http_401"}),
    (Misbehaviour.RATE_LIMITED, {"reason": "vendor_busy"}),
]
WORDS = [
    ("/versions nonsense", "no_such_product"),
    ("/download 418", "no_product_named"),
    ("/versions shop ios 99.9", "nothing_matches"),
    ("/purser sttus", "unknown_word"),
    ("/versions shop", "ok"),
]


async def test_each_answer_says_in_the_log_why_it_is_not_what_was_asked_for(world: World) -> None:
    async with running(world, LOG_FORMAT="json") as started:
        slack, ada, mobile = world.slack, world.town.ada, world.town.mobile
        card = await slack.command(ada, mobile, "/versions shop android applivery")
        for misbehaviour, _ in REASONS:
            world.applivery.misbehave("/", misbehaviour)
            await slack.press(ada, card, "Download")
            world.applivery.behave()
        for line, _ in WORDS:
            await slack.command(ada, mobile, line)
        slack.fail("chat.postMessage", "restricted_action")
        unanswered = asyncio.create_task(slack.dm(ada, "whoami"))
        await until(lambda: any("restricted_action" in line for line in started.said))
        unanswered.cancel()
    lines = [json.loads(line) for line in started.said]
    answers = [line for line in lines if line["event"] == "answered"]
    clicks = [line for line in answers if line["feature"] == "click"]
    assert [expected | line for line, (_, expected) in zip(clicks, REASONS, strict=True)] == clicks
    assert {line["account"] for line in clicks} == {"acme-applivery"}
    assert all(line["cause"] for line in clicks)
    said = [line["reason"] for line in answers if line["feature"] in ("versions", "download", "other")]
    assert said == ["ok", *(reason for _, reason in WORDS)]
    assert [line["reason"] for line in answers if line["feature"] == "behind" and line["level"] == "warning"] == [
        "restricted_action"
    ]


BREAKING = """
import logging
from bot.logs import set_up_logs
set_up_logs("warning", {format!r})
import structlog

def work(token):
    raise ValueError("broken")

for log in (structlog.get_logger(), logging.getLogger("a library")):
    try:
        work("xoxb-" + "1" * 12)
    except ValueError:
        log.exception("it broke")
    log.info("nobody asked for this")
"""


@pytest.mark.parametrize("form", ["json", "text"])
async def test_a_traceback_is_logged_without_what_was_passed(form: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", BREAKING.format(format=form)),
        env={"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = (stream.decode() for stream in await process.communicate())
    assert out == ""
    assert err.count("ValueError") == 2
    assert "xoxb-111111111111" not in err
    assert "nobody asked" not in err
    if form == "json":
        first, second = map(json.loads, err.splitlines())
        assert first["event"] == second["event"] == "it broke"
        assert first["exception"][0]["exc_value"] == second["exception"][0]["exc_value"] == "broken"
