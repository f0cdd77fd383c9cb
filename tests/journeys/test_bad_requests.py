"""What reaches `/slack/events` without being Slack's, or without being what Slack documents."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from bot.sandbox.slack import Message, payloads
from bot.sandbox.slack.line import sign

from .conftest import Journey

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
WHOAMI = urlencode({"command": "/purser", "text": "whoami", "user_id": "U1", "channel_id": "C1", "team_id": "T1"})
SIX_MINUTES = 360


@pytest.fixture(autouse=True)
def _no_traceback(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Looks when the bot has ended, and with it what runs behind its answers."""
    yield
    assert "Traceback" not in "".join(capfd.readouterr())
    assert [record for record in caplog.records if record.exc_info] == []


def headers_for(journey: Journey, body: str, age: int = 0) -> dict[str, str]:
    """Signed properly, `age` seconds ago."""
    timestamp = str(int(time.time()) - age)
    signature = sign(journey.world.slack.signing_secret, timestamp, body)
    return {"Content-Type": FORM, "X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature}


async def status(journey: Journey, body: str | bytes, headers: Mapping[str, Any]) -> int:
    assert journey.world.slack.bot_url
    async with httpx.AsyncClient(verify=False) as http:
        return (await http.post(journey.world.slack.bot_url, content=body, headers=headers)).status_code


# --- Not Slack's ------------------------------------------------------------------------------


FORGED: list[dict[str, str | bytes]] = [
    {"X-Slack-Signature": "v0=" + "0" * 64},
    {"X-Slack-Signature": ""},
    {"X-Slack-Signature": b"v0=\xe9"},
    {"X-Slack-Request-Timestamp": ""},
    {"X-Slack-Request-Timestamp": "soon"},
    {"X-Slack-Request-Timestamp": "nan"},
    {"X-Slack-Request-Timestamp": "9" * 400},
]


async def test_only_what_slack_signed_just_now_is_answered(journey: Journey) -> None:
    assert await status(journey, WHOAMI, headers_for(journey, WHOAMI)) == 200
    for age in (SIX_MINUTES, -SIX_MINUTES):
        assert await status(journey, WHOAMI, headers_for(journey, WHOAMI, age)) == 401
    for change in FORGED:
        assert await status(journey, WHOAMI, {**headers_for(journey, WHOAMI), **change}) == 401, change
    for missing in ("X-Slack-Signature", "X-Slack-Request-Timestamp"):
        headers = {name: value for name, value in headers_for(journey, WHOAMI).items() if name != missing}
        assert await status(journey, WHOAMI, headers) == 401, missing


async def test_nothing_of_a_stranger_is_read(journey: Journey) -> None:
    for body in (b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b"payload={"):
        for content_type in (FORM, JSON):
            assert await status(journey, body, {"Content-Type": content_type}) == 401


async def test_a_changed_body_is_refused(journey: Journey) -> None:
    assert await status(journey, WHOAMI.replace("U1", "U2"), headers_for(journey, WHOAMI)) == 401


async def test_other_ways_to_knock(journey: Journey) -> None:
    assert journey.world.slack.bot_url
    async with httpx.AsyncClient(verify=False) as http:
        assert (await http.get(journey.world.slack.bot_url)).status_code == 405
        assert (await http.post(journey.world.slack.bot_url, content=bytes(1024 * 1024 + 1))).status_code == 413


# --- Slack's own questions --------------------------------------------------------------------


async def test_the_address_is_verified(journey: Journey) -> None:
    challenge = json.dumps({"type": "url_verification", "challenge": "3eZbrw1aB10FEMAGAZd4FyFQ", "token": "old"})
    answer = await journey.world.slack.line.post(challenge, JSON)
    assert (answer.status_code, answer.json()) == (200, {"challenge": "3eZbrw1aB10FEMAGAZd4FyFQ"})


async def test_the_certificate_is_looked_at(journey: Journey) -> None:
    """Signed or not: Slack only wants to hear 200."""
    assert await status(journey, "ssl_check=1&token=old", headers_for(journey, "ssl_check=1&token=old")) == 200
    assert await status(journey, "ssl_check=1&token=old", {"Content-Type": FORM}) == 200


async def test_an_event_that_slack_sends_again_is_answered_once(journey: Journey) -> None:
    slack, event = journey.world.slack, mention(journey)
    await slack.line.send("event", event)
    await slack.wait_for(lambda message: "3.1.0 (1412)" in message.text_content)
    for retry in ((1, "http_timeout"), (2, "http_error"), (3, "unknown_error")):
        await slack.line.send("event", event, retry)
    assert "You are" in (await slack.mention(journey.world.town.ada, journey.world.town.mobile, "whoami")).text_content
    assert len(slack.calls("chat.postEphemeral")) == 2


# --- Signed, but not as documented ------------------------------------------------------------


def mention(journey: Journey) -> dict[str, Any]:
    slack, town = journey.world.slack, journey.world.town
    message = slack.workspace.post(Message(town.mobile.id, slack.workspace.next_ts(), town.ada.id, "versions shop"))
    return payloads.event(slack.workspace, payloads.said(slack.workspace, town.ada, town.mobile, message))


NONSENSE = [
    ("", FORM),
    ("", JSON),
    ("hello", FORM),
    ("\x00\x01", FORM),
    ("{", FORM),
    ("[1]", JSON),
    ("5", JSON),
    ("null", JSON),
    ('"x"', JSON),
    ("[" * 100_000, JSON),
    ('{"a":' * 100_000, JSON),
    ("payload=", FORM),
    ("payload={", FORM),
    ("payload=[]", FORM),
    ("payload=null", FORM),
    ("command=", FORM),
    ("command=/versions", FORM),
    ("command=/nothing&user_id=U1&channel_id=C1", FORM),
    ('{"type":"nonsense"}', JSON),
    ('{"type":"event_callback"}', JSON),
    ('{"type":"event_callback","event":{}}', JSON),
    ('{"type":"event_callback","event":{"type":"app_mention"}}', JSON),
    ('payload={"type":"view_submission","view":{"callback_id":"x"}}', FORM),
    ('payload={"type":"view_closed"}', FORM),
    ('payload={"type":"shortcut","callback_id":"x"}', FORM),
    ('payload={"type":"dialog_submission"}', FORM),
]


async def test_nonsense_is_no_disaster(journey: Journey) -> None:
    for body, content_type in NONSENSE:
        answer = await journey.world.slack.line.post(body, content_type)
        assert answer.status_code < 500, body[:100]
    assert "You are" in (await journey.ask("/purser whoami")).text_content


@pytest.mark.parametrize(
    "kind",
    ["command", "action", "menu", "mention", "direct message", "home", "press in a window", "shortcut", "message shortcut"],
)
async def test_a_payload_with_anything_missing_or_of_another_kind(journey: Journey, kind: str) -> None:
    payload, content_type, envelope = await documented(journey, kind)
    for changed in spoilt(payload):
        fields = {"payload": json.dumps(changed)} if envelope else changed
        body = json.dumps(changed) if content_type == JSON else urlencode(fields)
        answer = await journey.world.slack.line.post(body, content_type)
        assert answer.status_code < 500, body
    assert "You are" in (await journey.ask("/purser whoami")).text_content


async def documented(journey: Journey, kind: str) -> tuple[dict[str, Any], str, bool]:
    """A right payload, its content type, and whether it stands in a form's field."""
    slack, town = journey.world.slack, journey.world.town
    match kind:
        case "command":
            return payloads.command(slack.workspace, town.ada, town.mobile, "/purser whoami"), FORM, False
        case "mention":
            return mention(journey), JSON, False
        case "direct message":
            channel = slack.workspace.direct(town.ada)
            message = slack.workspace.post(Message(channel.id, slack.workspace.next_ts(), town.ada.id, "whoami"))
            return payloads.event(slack.workspace, payloads.said(slack.workspace, town.ada, channel, message)), JSON, False
        case "home":
            facts = {"type": "app_home_opened", "user": town.ada.id, "channel": "D0ADA", "tab": "home"}
            return payloads.event(slack.workspace, facts), JSON, False
        case "press in a window":
            home = await slack.open_home(town.ada)
            pressed = payloads.block_actions(slack.workspace, town.ada, home, payloads.pressed(home.button("Builds")))
            view = {key: value for key, value in pressed["view"].items() if key != "blocks"}
            return {**pressed, "view": view, "trigger_id": "long-gone"}, FORM, True
        case "shortcut" | "message shortcut":
            message = Message(town.mobile.id, slack.workspace.next_ts(), town.ben.id, "Shop 3.1.0")
            called = payloads.shortcut(slack.workspace, town.ada, "find_builds", message if "message" in kind else None)
            return {**called, "trigger_id": "long-gone"}, FORM, True
    answer = await journey.ask("/versions shop" if kind == "action" else "/versions")
    if kind == "menu":
        return payloads.block_suggestion(slack.workspace, town.ada, answer, answer.menus[0], "shop"), FORM, True
    payload = payloads.block_actions(slack.workspace, town.ada, answer, payloads.pressed(answer.button("Download")))
    return {**payload, "response_url": f"{slack.url}/response/long-gone"}, FORM, True


def spoilt(value: Any, depth: int = 3) -> Iterator[Any]:
    """The value with each part of it, down to this depth, left out or replaced by something else."""
    if depth and isinstance(value, dict):
        for key, inner in value.items():
            yield {other: value[other] for other in value if other != key}
            yield from ({**value, key: changed} for changed in (None, 5, "x", [], {}, *spoilt(inner, depth - 1)))
    if depth and isinstance(value, list):
        for index, inner in enumerate(value):
            yield from ([*value[:index], changed, *value[index + 1 :]] for changed in (None, 5, *spoilt(inner, depth - 1)))
