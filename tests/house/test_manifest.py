"""The Slack app that `purser manifest` describes: within Slack's limits, and asking for no more than the code uses."""

import ast
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.config import load
from bot.manifest import EVENT_SCOPES, METHOD_SCOPES, SHORTCUTS, manifest, scopes
from bot.views.ids import Shortcut
from providers import SPECS
from providers.spec import SecretSources

PUBLIC = {"PUBLIC_URL": "https://purser.example.com", "SECRET_KEY": "k" * 48}


def manifest_for(variables: dict[str, str], folder: Path, toml: str = "") -> dict[str, Any]:
    (folder / "purser.toml").write_text(toml)
    return manifest(load(variables, SPECS, folder, SecretSources))


def test_the_checked_in_manifest_is_what_the_command_prints_for_a_public_address(root: Path, tmp_path: Path) -> None:
    assert json.loads((root / "manifest.json").read_text()) == manifest_for(PUBLIC, tmp_path)


def test_over_http_every_address_is_the_one_endpoint(tmp_path: Path) -> None:
    made = manifest_for(PUBLIC, tmp_path)
    url = "https://purser.example.com/slack/events"
    assert {command["url"] for command in made["features"]["slash_commands"]} == {url}
    assert made["settings"]["event_subscriptions"]["request_url"] == url
    assert made["settings"]["interactivity"] == {"is_enabled": True, "request_url": url, "message_menu_options_url": url}
    assert made["settings"]["socket_mode_enabled"] is False


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {**PUBLIC, "SLACK_APP_TOKEN": "xapp-1"},
        {**PUBLIC, "PUBLIC_URL": "http://127.0.0.1:3000"},
    ],
    ids=["nothing set", "a token for it", "an address that Slack does not call"],
)
def test_in_socket_mode_there_is_no_address(variables: dict[str, str], tmp_path: Path) -> None:
    made = manifest_for(variables, tmp_path)
    assert made["settings"]["socket_mode_enabled"] is True
    assert "url" not in str(made)


def test_commands_are_called_as_configured(tmp_path: Path) -> None:
    made = manifest_for({}, tmp_path, '[purser]\ncommands = { root = "/builds-bot", versions = "/builds" }\n')
    assert [command["command"] for command in made["features"]["slash_commands"]] == ["/builds", "/download", "/builds-bot"]


def test_texts_stay_within_slacks_limits(tmp_path: Path) -> None:
    """https://docs.slack.dev/reference/app-manifest: name 35, description 140, bot's name 80, command's description 2,000."""
    made = manifest_for(PUBLIC, tmp_path)
    assert len(made["display_information"]["name"]) <= 35
    assert len(made["display_information"]["description"]) <= 140
    assert re.fullmatch(r"#[0-9a-f]{6}", made["display_information"]["background_color"])
    assert len(made["features"]["bot_user"]["display_name"]) <= 80
    for command in made["features"]["slash_commands"]:
        assert re.fullmatch(r"/[a-z0-9_-]{1,31}", command["command"])
        assert 0 < len(command["description"]) <= 2000


def test_shortcuts_are_those_that_something_answers(tmp_path: Path) -> None:
    """Limits: ten shortcuts, name 24 characters, description 150."""
    made = manifest_for({}, tmp_path)["features"]
    assert {shortcut["callback_id"] for shortcut in made["shortcuts"]} == set(Shortcut) == {each[0] for each in SHORTCUTS}
    assert {shortcut["callback_id"]: shortcut["type"] for shortcut in made["shortcuts"]}[Shortcut.FIND_BUILDS] == "message"
    assert all(len(shortcut["name"]) <= 24 and len(shortcut["description"]) <= 150 for shortcut in made["shortcuts"])
    assert made["app_home"]["home_tab_enabled"] is True


def test_people_can_write_to_the_bot(tmp_path: Path) -> None:
    assert manifest_for({}, tmp_path)["features"]["app_home"]["messages_tab_read_only_enabled"] is False


def called_methods(path: Path) -> set[str]:
    """Web API methods by the names of slack_sdk's client: chat_postMessage is chat.postMessage."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} - {"api_call"}
    return {name.replace("_", ".") for name in names if re.match("[a-z]+_", name) and hasattr(AsyncWebClient, name)}


def test_scopes_are_those_of_the_methods_that_the_code_calls(sources: Sequence[Path], root: Path) -> None:
    real = [path for path in sources if not path.is_relative_to(root / "bot" / "sandbox")]
    called = {method for path in real for method in called_methods(path)}
    assert called == set(METHOD_SCOPES)


def test_events_are_those_that_the_edge_listens_to(root: Path) -> None:
    heard = set(re.findall(r'bolt\.event\("([a-z_.]+)"\)', (root / "handlers" / "edge.py").read_text()))
    assert {event.partition(".")[0] for event in EVENT_SCOPES} == heard


def test_no_scope_is_asked_for_twice() -> None:
    assert len(set(scopes())) == len(scopes())
    assert "commands" in scopes()
