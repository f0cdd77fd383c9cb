"""The form behind Subscribe: the same words as `subscribe`, chosen instead of typed."""

from collections.abc import Mapping
from typing import Final

from bot.domain.digest import WEEKDAYS
from bot.domain.errors import UserMistake
from bot.domain.message import Block, Message, Modal
from bot.domain.model import Platform
from bot.views.ids import Action, action_id, decode_ask
from bot.views.limits import Element, plain_text
from bot.views.text import PLATFORMS

CALLBACK: Final = "subscribe"
AT_ONCE: Final = "at-once"
_NAMED: Final = tuple(platform for platform in Platform if platform not in (Platform.API, Platform.OTHER))
_KINDS: Final = (("New builds", "new-builds"), ("Agreements", "agreements"), ("Expiries", "expiries"))
_RHYTHMS: Final = (
    ("At once", AT_ONCE),
    ("In a daily digest", "daily"),
    *((f"In a digest on {day.title()}s", f"weekly {day}") for day in WEEKDAYS[:5]),
)


def form(channel: str) -> Modal:
    """For what this channel hears about."""
    product: Element = {"type": "external_select", "min_query_length": 0, "action_id": action_id(Action.PRODUCT_MENU)}
    kinds = [_option(*kind) for kind in _KINDS]
    rhythms = [_option(*rhythm) for rhythm in _RHYTHMS]
    platforms = [_option(words, platform.value) for platform, words in PLATFORMS.items() if platform in _NAMED]
    return Modal(
        title="Subscribe",
        blocks=(
            _input("product", "Product", product, "Without one, this channel hears about all products."),
            _input("platform", "Platform", {"type": "static_select", "options": platforms}, "Without one, all of them."),
            _input(
                "kinds", "About", {"type": "multi_static_select", "options": kinds, "initial_options": kinds[:1]}, optional=False
            ),
            _input("rhythm", "When", {"type": "static_select", "options": rhythms, "initial_option": rhythms[0]}, optional=False),
            _input("time", "Digest at", {"type": "timepicker", "initial_time": "09:00"}, "In your own time zone."),
        ),
        callback=CALLBACK,
        submit="Subscribe",
        metadata=channel,
    )


def words_of(values: Mapping[str, str]) -> str:
    """What was chosen, as somebody would type it after `subscribe`. Raises UserMistake for what the form cannot have sent."""
    product = decode_ask(values["product"]).words if values.get("product") else "all"
    rhythm = values.get("rhythm", AT_ONCE)
    digest = f"{rhythm} {values.get('time') or '09:00'}" if rhythm != AT_ONCE else ""
    known = {*(value for _, value in (*_KINDS, *_RHYTHMS)), *Platform, ""}
    chosen = (values.get("platform", ""), *values.get("kinds", "").split(), rhythm)
    if not product or not known.issuperset(chosen):
        raise UserMistake("I do not know this form. Open it again.")
    return " ".join(word for word in (product, values.get("platform", ""), values.get("kinds", ""), digest) if word)


def outcome(message: Message) -> Modal:
    """What came of it, in the place of the form. Buttons stay out: from a form, nothing can be answered into a channel."""
    return Modal("Subscribe", tuple(block for block in message.blocks if block["type"] != "actions"))


def _input(name: str, label: str, element: Element, hint: str = "", *, optional: bool = True) -> Block:
    block: Block = {
        "type": "input",
        "block_id": name,
        "label": plain_text(label, 100),
        "element": {"action_id": name, **element},
        "optional": optional,
    }
    return {**block, "hint": plain_text(hint, 200)} if hint else block


def _option(words: str, value: str) -> Element:
    return {"text": plain_text(words, 75), "value": value}
