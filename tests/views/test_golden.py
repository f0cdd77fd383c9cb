"""Every screen with ordinary facts, against a file that a person can read. `UPDATE_GOLDEN=1` writes the files anew."""

import json
import os
from pathlib import Path

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


@pytest.mark.parametrize("screen", GOLDEN)
def test_slack_accepts_screen(screen: str) -> None:
    assert problems(GOLDEN[screen]()) == []


@pytest.mark.parametrize("screen", GOLDEN)
def test_every_press_can_be_read_back(screen: str) -> None:
    for element in all_elements(GOLDEN[screen]()):
        action = parse_action_id(element["action_id"])
        values = [option["value"] for option in element.get("options", ())] or [element.get("value")]
        for value in values:
            match action:
                case Action.OPEN:
                    assert element["url"]
                case Action.SUBSCRIBE_FORM | Action.GET_A_BUILD | Action.BUILD_MENU:
                    assert value is None
                case Action.DOWNLOAD | Action.TRY_AGAIN | Action.TELL_ME | Action.SHARE_BUILD:
                    assert decode_build(value)
                case Action.TO_PHONE | Action.REVOKE:
                    assert decode_grant(value)
                case Action.CHECK_AGAIN | Action.TAKE_ON:
                    assert decode_incident(value)
                case Action.SNOOZE:
                    assert decode_snooze(value)
                case _:
                    assert decode_ask(value).command


def test_no_golden_file_is_left_over() -> None:
    assert {file.stem for file in FOLDER.glob("*.json")} == set(GOLDEN)


def test_tone() -> None:
    for screen, draw in GOLDEN.items():
        message = draw()
        assert "!" not in json.dumps([message.text, message.blocks]), screen
