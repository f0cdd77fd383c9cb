"""Every screen with ordinary facts, against a file that a person can read. `UPDATE_GOLDEN=1` writes the files anew."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.views.ids import Action, decode_ask, decode_build, decode_grant, decode_incident, decode_snooze, parse_action_id
from tests.views.examples import GOLDEN
from tests.views.validate import all_elements, problems

FOLDER = Path(__file__).parent / "golden"


@pytest.mark.parametrize("screen", GOLDEN)
def test_screen_is_as_agreed(screen: str) -> None:
    message = GOLDEN[screen]()
    drawn = json.dumps({"text": message.text, "blocks": message.blocks}, indent=2, ensure_ascii=False) + "\n"
    file = FOLDER / f"{screen}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(drawn, "utf-8")
    assert drawn == file.read_text("utf-8")


def test_slack_accepts_every_screen() -> None:
    assert {screen: wrong for screen, draw in GOLDEN.items() if (wrong := problems(draw()))} == {}


def test_every_press_can_be_read_back() -> None:
    elements = [(screen, element) for screen, draw in GOLDEN.items() for element in all_elements(draw())]
    for screen, element in elements:
        options = [option["value"] for option in element.get("options", ())]
        for value in options or [element.get("value")]:
            assert can_be_read_back(element, value), screen


def can_be_read_back(element: Mapping[str, Any], value: str | None) -> bool:
    match parse_action_id(element["action_id"]):
        case Action.OPEN:
            return bool(element["url"])
        case Action.SUBSCRIBE_FORM | Action.GET_A_BUILD | Action.BUILD_MENU:
            return value is None
        case Action.DOWNLOAD | Action.TRY_AGAIN | Action.TELL_ME | Action.SHARE_BUILD:
            return bool(decode_build(value))
        case Action.TO_PHONE | Action.REVOKE:
            return bool(decode_grant(value))
        case Action.CHECK_AGAIN | Action.TAKE_ON:
            return bool(decode_incident(value))
        case Action.SNOOZE:
            return bool(decode_snooze(value))
        case _:
            return bool(decode_ask(value).command)


def test_no_golden_file_is_left_over() -> None:
    assert {file.stem for file in FOLDER.glob("*.json")} == set(GOLDEN)


def test_tone() -> None:
    for screen, draw in GOLDEN.items():
        message = draw()
        assert "!" not in json.dumps([message.text, message.blocks]), screen
