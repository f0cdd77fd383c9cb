"""Modals: answers that stand in one, and the one where somebody picks a product."""

from collections.abc import Iterator
from typing import Final

from bot.domain.message import Block, Message, Modal
from bot.views.ids import Action, action_id
from bot.views.limits import BUTTON, Element, actions, plain_text, section

TITLE: Final = "Purser"
_FOR_CHANNELS: Final = (Action.SHARE, Action.SHARE_BUILD)


def answer(message: Message, place: str) -> Modal:
    """An answer in a modal. `place` is the channel that counts for what is pressed there. Nothing can be shared from a
    modal: it is in no channel."""
    return Modal(TITLE, tuple(_private(message.blocks)), metadata=place)


def waiting(place: str) -> Modal:
    """Stands there until the answer comes: Slack opens a modal only within 3 seconds of the press."""
    return Modal(TITLE, (section("One moment: I am asking."),), metadata=place)


def picker(place: str) -> Modal:
    """Get a build: which product?"""
    menu: Element = {
        "type": "external_select",
        "min_query_length": 0,
        "placeholder": plain_text("Pick a product", BUTTON),
        "action_id": action_id(Action.BUILD_MENU),
    }
    text = "Which product? Its newest builds come with a Download button each."
    return Modal("Get a build", (section(text), *actions(menu)), metadata=place)


def _private(blocks: tuple[Block, ...]) -> Iterator[Block]:
    for block in blocks:
        if block["type"] != "actions":
            yield block
        elif elements := [element for element in block["elements"] if not _is_for_channels(element)]:
            yield {**block, "elements": elements}


def _is_for_channels(element: Element) -> bool:
    return element["action_id"].partition(":")[0] in _FOR_CHANNELS
