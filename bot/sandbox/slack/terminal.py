"""Messages and views as lines of plain text, with numbered buttons."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from bot.sandbox.slack import content
from bot.sandbox.slack.content import Block, Button, Menu
from bot.sandbox.slack.workspace import ChannelKind, Message, View, Workspace

WIDTH = 110


class Screen:
    """What one person has seen so far. Every button drawn gets the next number and keeps it."""

    def __init__(self, workspace: Workspace, width: int = WIDTH) -> None:
        self._workspace = workspace
        self._width = width
        self._buttons: dict[int, tuple[Message | View, Button]] = {}

    def button(self, number: int) -> tuple[Message | View, Button] | None:
        """The button with this number and where it stands; None when there is none or it is no longer there."""
        found = self._buttons.get(number)
        return found if found and found[1] in found[0].buttons else None

    def lines(self, thing: Message | View) -> list[str]:
        """A heading that says where it stands and who sees it, then what it shows, indented."""
        shown = [self._heading(thing)]
        for line in self._body(thing):
            shown += textwrap.wrap(line, self._width, initial_indent="  ", subsequent_indent="    ", break_long_words=False) or [
                ""
            ]
        return shown

    def _heading(self, thing: Message | View) -> str:
        if isinstance(thing, View):
            return f"{thing.kind} {thing.title}".rstrip()
        channel, author = self._workspace.channels[thing.channel], self._workspace.users[thing.user].name
        place = "direct message" if channel.kind is ChannelKind.DM else f"#{channel.name}"
        notes = ["only you see this"] if thing.is_ephemeral else []
        notes += ["in a thread"] if thing.thread_ts else []
        notes += ["edited"] if thing.edits else []
        return f"{place}  {author}" + (f"  ({', '.join(notes)})" if notes else "")

    def _body(self, thing: Message | View) -> Iterator[str]:
        names = self._workspace.names()
        if not thing.blocks:
            yield from content.plain(thing.text, names).splitlines()
        standing = {(button.block_id, button.action_id): button for button in thing.buttons}
        menus = {(menu.block_id, menu.action_id): menu for menu in thing.menus}
        for block in thing.blocks:
            handles = [self._handle(thing, block, element, standing, menus) for element in content.elements(block)]
            yield from _with_handles(_block_lines(block, names), [handle for handle in handles if handle])

    def _handle(
        self,
        thing: Message | View,
        block: Block,
        element: Mapping[str, Any],
        buttons: Mapping[tuple[str, str], Button],
        menus: Mapping[tuple[str, str], Menu],
    ) -> str:
        place = (block["block_id"], element["action_id"])
        if place in menus:
            return _menu_handle(menus[place])
        if place not in buttons:
            return "[____]"
        number = len(self._buttons) + 1
        self._buttons[number] = (thing, buttons[place])
        return f"[{number} {buttons[place].label}]"


def _block_lines(block: Block, names: Mapping[str, str]) -> list[str]:
    if block["type"] == "divider":
        return ["─" * 40]
    return content.block_text(block, names).splitlines()


def _with_handles(lines: list[str], handles: list[str]) -> list[str]:
    if not handles:
        return lines
    if not lines:
        return ["  ".join(handles)]
    return [*lines[:-1], f"{lines[-1]}   {'  '.join(handles)}"]


def _menu_handle(menu: Menu) -> str:
    if menu.kind == "overflow":
        return f"[… {' | '.join(label for label, _ in menu.options)}]"
    return f"[{menu.label} …]"
