"""Modals and the Home tab: how an answer gets onto somebody's screen, and whether it did.

A trigger opens a modal for 3 seconds (https://docs.slack.dev/surfaces/modals), and a vendor may take longer to answer. So what
takes longer is announced by a modal that waits, and changed in it: changing one needs no trigger.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import MessageRefused
from bot.domain.message import Home, Modal
from bot.views import modals
from bot.views.limits import plain_text
from handlers.messenger import call
from handlers.payloads import View
from handlers.requests import Reply, Showing

PATIENCE = 1.5  # seconds until the modal that waits: opening it has to fit into the 3, too

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Start:
    """What somebody pressed or called: its trigger, the channel that counts there, and the view that it stands in."""

    trigger: str
    place: str
    view: View | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A modal as it stands; its hash changes with it."""

    id: str
    hash: str


async def show(
    client: AsyncWebClient,
    start: Start,
    answering: asyncio.Task[Reply | None],
    tell: Callable[[Reply], Awaitable[None]],
) -> None:
    """Brings an answer into a modal, and later what it has become. `tell` says it elsewhere when Slack shows none."""
    await asyncio.wait({answering}, timeout=PATIENCE)
    waiting = None if answering.done() else await put(client, start, modals.waiting(start.place))
    if (reply := await answering) is None:
        return
    modal = reply.modal or modals.answer(reply.message, start.place)
    if waiting:
        shown = await change(client, Shown(waiting.id, ""), modal)
    else:
        shown = await put(client, start, modal, in_place=reply.showing is Showing.INSTEAD)
    if shown is None:
        await tell(reply)
    elif reply.later:
        await change(client, shown, modals.answer((await reply.later()).message, start.place))


async def put(client: AsyncWebClient, start: Start, modal: Modal, *, in_place: bool = False) -> Shown | None:
    """On top of the modal where it was pressed, or in its place; a first modal elsewhere. None: Slack refused."""
    below = start.view if start.view and not start.view.is_home else None
    if below and (in_place or below.is_full):
        return await _asked(client.views_update, view_id=below.id, view=as_view(modal))
    if not start.trigger:
        return None
    return await _asked(client.views_push if below else client.views_open, trigger_id=start.trigger, view=as_view(modal))


async def change(client: AsyncWebClient, shown: Shown, modal: Modal) -> Shown | None:
    """None: it is closed, or (where a hash is known) shows something else by now."""
    return await _asked(client.views_update, view_id=shown.id, hash=shown.hash or None, view=as_view(modal))


async def publish(client: AsyncWebClient, user: str, home: Home) -> None:
    """Where Slack refuses, the Home tab stays as it was until it is opened again."""
    view = {"type": "home", "blocks": list(home.blocks), "private_metadata": home.metadata}
    await _asked(client.views_publish, user_id=user, view=view)


def as_view(modal: Modal) -> dict[str, Any]:
    """https://docs.slack.dev/reference/views/modal-views"""
    view: dict[str, Any] = {"type": "modal", "title": plain_text(modal.title, 24), "blocks": list(modal.blocks)}
    view["private_metadata"] = modal.metadata
    if not modal.submit:
        return {**view, "close": plain_text("Done", 24)}
    return {**view, "callback_id": modal.callback, "submit": plain_text(modal.submit, 24), "close": plain_text("Cancel", 24)}


async def _asked(method: Callable[..., Any], **arguments: Any) -> Shown | None:
    try:
        view: Mapping[str, Any] = (await call(method, **arguments)).get("view") or {}
    except MessageRefused as error:
        log.warning("view not shown", method=method.__name__, reason=error.reason)
        return None
    return Shown(str(view.get("id", "")), str(view.get("hash", "")))
