"""What a person's action opens for the bot: a trigger that lives 3 seconds and a response URL.

https://docs.slack.dev/interactivity/handling-user-interaction
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.slack.blocks import MESSAGE_CHARACTERS, characters, message_mistakes
from bot.sandbox.slack.faults import SlackError
from bot.sandbox.slack.workspace import Message, View, Workspace

TRIGGER_SECONDS = 3.0
RESPONSE_SECONDS = 30 * 60.0
RESPONSE_USES = 5


@dataclass
class Interaction:
    """`message` or `view` is where something was pressed; neither for commands and shortcuts. `channel` None: not in a
    conversation."""

    id: str
    user: str
    channel: str | None
    message: Message | None
    at: float
    view: View | None = None
    responses: int = 0
    triggered: bool = False
    refusals: list[str] = field(default_factory=list)


class Interactions:
    """All actions of people so far. `violations` collects what Slack would have refused or ignored in an answer to one."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._known: dict[str, Interaction] = {}
        self.violations: list[str] = []

    def begin(self, user: str, channel: str | None, message: Message | None = None, view: View | None = None) -> Interaction:
        interaction = Interaction(self._workspace.next_id("I"), user, channel, message, self._workspace.clock(), view)
        self._known[interaction.id] = interaction
        return interaction

    def triggered(self, trigger_id: object) -> Interaction:
        """The interaction of a trigger, which serves once. Raises SlackError."""
        interaction = self._known.get(str(trigger_id).removeprefix("trigger."))
        if interaction is None:
            raise SlackError("invalid_trigger_id")
        if interaction.triggered:
            raise SlackError("exchanged_trigger_id")
        if self._workspace.clock() - interaction.at > TRIGGER_SECONDS:
            raise SlackError("expired_trigger_id")
        interaction.triggered = True
        return interaction

    def answer(self, interaction: Interaction, body: Mapping[str, Any], origin: str = "the acknowledgement") -> Message | None:
        """Shows an acknowledgement's or a response URL's message. Raises SlackError, and remembers it as a violation."""
        try:
            return self._answered(interaction, body, origin)
        except SlackError as error:
            self.violations.append(f"{origin}: {error.code} {error.facts.get('errors', '')}".rstrip())
            raise

    def respond(self, interaction_id: str, body: Mapping[str, Any]) -> None:
        """One use of a response URL. Raises SlackError: `used_url`, `expired_url`, or what a message is refused for."""
        interaction = self._known.get(interaction_id)
        if interaction is None:
            raise SlackError("no_such_url")
        if self._workspace.clock() - interaction.at > RESPONSE_SECONDS:
            raise SlackError("expired_url")
        if interaction.responses >= RESPONSE_USES:
            self.violations.append(f"a response URL was used more than {RESPONSE_USES} times")
            raise SlackError("used_url")
        interaction.responses += 1
        self.answer(interaction, body, "a response URL")

    def _answered(self, interaction: Interaction, body: Mapping[str, Any], origin: str) -> Message | None:
        original = self._original(interaction, body, origin)
        if body.get("delete_original") and original is not None:
            self._workspace.delete(original, interaction.id)
            return None
        text, blocks = check_content(body)
        if original is not None and body.get("replace_original"):
            self._workspace.update(original, text, blocks, interaction.id)
            return original
        return self._workspace.post(self._new_message(interaction, body, text, blocks), interaction.id)

    def _original(self, interaction: Interaction, body: Mapping[str, Any], origin: str) -> Message | None:
        """A command's response URL has no original: Slack posts another message (https://github.com/slackapi/bolt-js/issues/2287)."""
        wants_original = body.get("replace_original") or body.get("delete_original")
        if wants_original and interaction.message is None:
            self.violations.append(f"{origin} of a command cannot replace or delete: Slack shows another message instead")
        return interaction.message

    def _new_message(self, interaction: Interaction, body: Mapping[str, Any], text: str, blocks: list[dict[str, Any]]) -> Message:
        if interaction.channel is None:
            raise SlackError("channel_not_found")
        kind = body.get("response_type", "ephemeral")
        if kind not in ("ephemeral", "in_channel"):
            raise SlackError("invalid_response_type")
        return Message(
            channel=interaction.channel,
            ts=self._workspace.next_ts(),
            user=self._workspace.bot.id,
            text=text,
            blocks=blocks,
            thread_ts=body.get("thread_ts"),
            to=interaction.user if kind == "ephemeral" else None,
        )


def check_content(body: Mapping[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """The text and blocks of a message that Slack would take. Raises SlackError."""
    text, blocks = body.get("text") or "", body.get("blocks") or []
    if not text and not blocks and not body.get("attachments"):
        raise SlackError("no_text")
    if not isinstance(text, str):
        raise SlackError("invalid_arguments")
    if len(text) > 40_000:
        raise SlackError("msg_too_long")
    check_blocks(blocks, message_mistakes)
    if characters(blocks) > MESSAGE_CHARACTERS:
        raise SlackError("msg_blocks_too_long")
    return text, blocks


def check_blocks(blocks: object, mistakes_of: Callable[[object], list[str]], code: str = "invalid_blocks") -> None:
    """Raises SlackError with Slack's messages."""
    mistakes = mistakes_of(blocks)
    if mistakes:
        details = {"messages": [f"[ERROR] {mistake}" for mistake in mistakes]}
        raise SlackError(code, {"errors": mistakes, "response_metadata": details})
