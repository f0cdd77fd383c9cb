"""Block Kit's rules, as Slack enforces them: what breaks one is refused with `invalid_blocks` and a JSON pointer.

Source: https://docs.slack.dev/reference/block-kit (blocks, block elements, composition objects, views).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
# Undocumented, and measured by the reporter of https://github.com/slackapi/bolt-js/issues/2509.
MESSAGE_CHARACTERS = 13_200


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PlainText(_Part):
    type: Literal["plain_text"]
    text: str = Field(min_length=1)
    emoji: bool | None = None


class Mrkdwn(_Part):
    type: Literal["mrkdwn"]
    text: str = Field(min_length=1)
    verbatim: bool | None = None


AnyText = Annotated[PlainText | Mrkdwn, Field(discriminator="type")]
T = TypeVar("T", bound=PlainText | Mrkdwn)


def _at_most(characters: int) -> AfterValidator:
    def check(text: T) -> T:
        if len(text.text) > characters:
            raise PydanticCustomError("text_too_long", "must be less than {limit} characters", {"limit": characters + 1})
        return text

    return AfterValidator(check)


def _web_address(url: str) -> str:
    if not url.startswith(("http://", "https://", "mailto:")):
        raise PydanticCustomError("bad_url", "must be a valid URL")
    return url


ActionId = Annotated[str, Field(min_length=1, max_length=255)]
BlockId = Annotated[str, Field(min_length=1, max_length=255)]
Url = Annotated[str, Field(min_length=1, max_length=3000), AfterValidator(_web_address)]
Plain75 = Annotated[PlainText, _at_most(75)]
Placeholder = Annotated[PlainText, _at_most(150)]


class Confirm(_Part):
    title: Annotated[PlainText, _at_most(100)]
    text: Annotated[AnyText, _at_most(300)]
    confirm: Annotated[PlainText, _at_most(30)]
    deny: Annotated[PlainText, _at_most(30)]
    style: Literal["primary", "danger"] | None = None


class Option(_Part):
    text: Plain75
    value: str = Field(min_length=1, max_length=150)
    description: Plain75 | None = None
    url: Url | None = None


class RichOption(_Part):
    text: Annotated[AnyText, _at_most(75)]
    value: str = Field(min_length=1, max_length=150)
    description: Annotated[AnyText, _at_most(75)] | None = None


class OptionGroup(_Part):
    label: Plain75
    options: list[Option] = Field(min_length=1, max_length=100)


class Suggestions(_Part):
    """The answer to a block_suggestion: https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element"""

    options: list[Option] | None = Field(default=None, max_length=100)
    option_groups: list[OptionGroup] | None = Field(default=None, max_length=100)


class _Interactive(_Part):
    action_id: ActionId | None = None
    confirm: Confirm | None = None
    focus_on_load: bool | None = None


class Button(_Interactive):
    type: Literal["button"]
    text: Plain75
    value: str | None = Field(default=None, max_length=2000)
    url: Url | None = None
    style: Literal["primary", "danger"] | None = None
    accessibility_label: str | None = Field(default=None, max_length=75)


class _Select(_Interactive):
    placeholder: Placeholder | None = None
    max_selected_items: int | None = Field(default=None, ge=1)


class StaticSelect(_Select):
    type: Literal["static_select", "multi_static_select"]
    options: list[Option] | None = Field(default=None, min_length=1, max_length=100)
    option_groups: list[OptionGroup] | None = Field(default=None, min_length=1, max_length=100)
    initial_option: Option | None = None
    initial_options: list[Option] | None = None


class ExternalSelect(_Select):
    type: Literal["external_select", "multi_external_select"]
    min_query_length: int | None = Field(default=None, ge=0)
    initial_option: Option | None = None
    initial_options: list[Option] | None = None


class PeopleSelect(_Select):
    type: Literal["users_select", "multi_users_select"]
    initial_user: str | None = None
    initial_users: list[str] | None = None


class ConversationSelect(_Select):
    type: Literal["conversations_select", "multi_conversations_select", "channels_select", "multi_channels_select"]
    initial_conversation: str | None = None
    initial_conversations: list[str] | None = None
    initial_channel: str | None = None
    initial_channels: list[str] | None = None
    default_to_current_conversation: bool | None = None
    response_url_enabled: bool | None = None
    filter: dict[str, Any] | None = None


class Overflow(_Interactive):
    type: Literal["overflow"]
    options: list[Option] = Field(min_length=1, max_length=5)


class Choices(_Interactive):
    type: Literal["checkboxes", "radio_buttons"]
    options: list[RichOption] = Field(min_length=1, max_length=10)
    initial_options: list[RichOption] | None = None
    initial_option: RichOption | None = None


class DateAndTime(_Interactive):
    type: Literal["datepicker", "timepicker"]
    placeholder: Placeholder | None = None
    initial_date: str | None = Field(default=None, pattern=r"^\d{4}-\d{2}-\d{2}$")
    initial_time: str | None = Field(default=None, pattern=r"^\d{2}:\d{2}$")
    timezone: str | None = None


class TextInput(_Interactive):
    type: Literal["plain_text_input", "number_input", "url_text_input", "email_text_input"]
    placeholder: Placeholder | None = None
    initial_value: str | None = Field(default=None, max_length=3000)
    multiline: bool | None = None
    min_length: int | None = Field(default=None, ge=0, le=3000)
    max_length: int | None = Field(default=None, ge=1, le=3000)
    is_decimal_allowed: bool | None = None
    min_value: str | None = None
    max_value: str | None = None
    dispatch_action_config: dict[str, Any] | None = None


class Image(_Part):
    type: Literal["image"]
    alt_text: str = Field(min_length=1, max_length=2000)
    image_url: Url | None = None
    slack_file: dict[str, Any] | None = None


_Menus = StaticSelect | ExternalSelect | PeopleSelect | ConversationSelect
ActionElement = Annotated[Button | _Menus | Overflow | Choices | DateAndTime, Field(discriminator="type")]
Accessory = Annotated[Button | _Menus | Overflow | Choices | DateAndTime | Image, Field(discriminator="type")]
InputElement = Annotated[_Menus | Choices | DateAndTime | TextInput, Field(discriminator="type")]
ContextElement = Annotated[PlainText | Mrkdwn | Image, Field(discriminator="type")]


class _Block(_Part):
    block_id: BlockId | None = None


class Section(_Block):
    type: Literal["section"]
    text: Annotated[AnyText, _at_most(3000)] | None = None
    fields: list[Annotated[AnyText, _at_most(2000)]] | None = Field(default=None, min_length=1, max_length=10)
    accessory: Accessory | None = None
    expand: bool | None = None

    def model_post_init(self, context: object) -> None:
        if self.text is None and self.fields is None:
            raise PydanticCustomError("empty_section", "must have either text or fields")


class Header(_Block):
    type: Literal["header"]
    text: Annotated[PlainText, _at_most(150)]


class Divider(_Block):
    type: Literal["divider"]


class Context(_Block):
    type: Literal["context"]
    elements: list[ContextElement] = Field(min_length=1, max_length=10)


class Actions(_Block):
    type: Literal["actions"]
    elements: list[ActionElement] = Field(min_length=1, max_length=25)


class Input(_Block):
    type: Literal["input"]
    label: Annotated[PlainText, _at_most(2000)]
    element: InputElement
    hint: Annotated[PlainText, _at_most(2000)] | None = None
    optional: bool | None = None
    dispatch_action: bool | None = None


class ImageBlock(_Block):
    type: Literal["image"]
    alt_text: str = Field(min_length=1, max_length=2000)
    image_url: Url | None = None
    slack_file: dict[str, Any] | None = None
    title: Annotated[PlainText, _at_most(2000)] | None = None


class Markdown(_Block):
    type: Literal["markdown"]
    text: str = Field(min_length=1, max_length=12_000)


class RichText(_Block):
    type: Literal["rich_text"]
    elements: list[dict[str, Any]]


AnyBlock = Annotated[
    Section | Header | Divider | Context | Actions | Input | ImageBlock | Markdown | RichText, Field(discriminator="type")
]
_MESSAGE: TypeAdapter[object] = TypeAdapter(Annotated[list[AnyBlock], Field(max_length=MESSAGE_BLOCKS)])
_SUGGESTIONS: TypeAdapter[object] = TypeAdapter(Suggestions)


class View(_Part):
    """https://docs.slack.dev/reference/views/modal-views and home-tab-views"""

    type: Literal["modal", "home"]
    blocks: list[AnyBlock] = Field(max_length=VIEW_BLOCKS)
    title: Annotated[PlainText, _at_most(24)] | None = None
    submit: Annotated[PlainText, _at_most(24)] | None = None
    close: Annotated[PlainText, _at_most(24)] | None = None
    callback_id: str | None = Field(default=None, max_length=255)
    private_metadata: str | None = Field(default=None, max_length=3000)
    external_id: str | None = Field(default=None, max_length=255)
    clear_on_close: bool | None = None
    notify_on_close: bool | None = None
    submit_disabled: bool | None = None

    def model_post_init(self, context: object) -> None:
        if self.type == "modal" and self.title is None:
            raise PydanticCustomError("untitled_modal", "missing required field: title")
        if self.type == "modal" and self.submit is None and any(isinstance(block, Input) for block in self.blocks):
            raise PydanticCustomError("no_submit", "missing required field: submit")
        if self.type == "home" and (self.title or self.submit or self.close):
            raise PydanticCustomError("titled_home", "a home has neither title nor submit nor close")


_VIEW: TypeAdapter[object] = TypeAdapter(View)


def message_mistakes(blocks: object) -> list[str]:
    """What Slack would say against a message's blocks; empty when it would take them."""
    return _mistakes(_MESSAGE, blocks, "/blocks") or list(_repeated_ids(_as_blocks(blocks), "/blocks"))


def view_mistakes(view: object) -> list[str]:
    """What Slack would say against a modal or a Home tab."""
    blocks = view.get("blocks") if isinstance(view, Mapping) else None
    return _mistakes(_VIEW, view, "/view") or list(_repeated_ids(_as_blocks(blocks), "/view/blocks"))


def suggestion_mistakes(body: object) -> list[str]:
    """What Slack would say against the options that answer a typeahead menu."""
    return _mistakes(_SUGGESTIONS, body, "")


def characters(blocks: Sequence[Mapping[str, Any]]) -> int:
    """How long a message is, as Slack seems to count it."""
    return sum(len(text) for block in blocks for text in _texts(block))


def _texts(node: object) -> Iterator[str]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == "text" and isinstance(value, str):
                yield value
            yield from _texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)


def _as_blocks(blocks: object) -> list[dict[str, Any]]:
    return [block for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []


def _mistakes(adapter: TypeAdapter[object], value: object, root: str) -> list[str]:
    try:
        adapter.validate_python(value)
    except ValidationError as error:
        return [f"{_wording(details)} [json-pointer:{root}{_pointer(details, value)}]" for details in error.errors()]
    return []


_WORDING: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "string_too_long": lambda limits: f"must be less than {limits['max_length'] + 1} characters",
    "string_too_short": lambda limits: f"must be more than {limits['min_length'] - 1} characters",
    "too_long": lambda limits: f"no more than {limits['max_length']} items allowed",
    "too_short": lambda limits: f"no less than {limits['min_length']} items allowed",
    "union_tag_invalid": lambda limits: f"unsupported type: {limits['tag']}",
    "union_tag_not_found": lambda limits: "missing required field: type",
}


def _wording(details: ErrorDetails) -> str:
    kind, name = details["type"], details["loc"][-1] if details["loc"] else ""
    if kind == "missing":
        return f"missing required field: {name}"
    if kind == "extra_forbidden":
        return f"invalid additional property: {name}"
    wording = _WORDING.get(kind)
    return wording(details.get("ctx", {})) if wording else details["msg"]


def _pointer(details: ErrorDetails, value: object) -> str:
    """The path through what was sent; pydantic's own path also names the types it chose on the way."""
    steps = []
    for step in details["loc"]:
        if isinstance(value, Mapping) and step in value:
            value = value[str(step)]
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            continue
        steps.append(f"/{step}")
    return "".join(steps)


def _repeated_ids(blocks: Sequence[Mapping[str, Any]], root: str) -> Iterator[str]:
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        yield from _repeated_actions(block, f"{root}/{index}")
        name = block.get("block_id")
        if name in seen:
            yield f"`block_id` {name} already exists [json-pointer:{root}/{index}/block_id]"
        seen.update((name,) if name else ())


def _repeated_actions(block: Mapping[str, Any], root: str) -> Iterator[str]:
    seen: set[str] = set()
    for index, element in enumerate(block.get("elements") or ()):
        name = element.get("action_id")
        if name in seen:
            yield f"`action_id` {name} already exists [json-pointer:{root}/elements/{index}/action_id]"
        seen.update((name,) if name else ())
