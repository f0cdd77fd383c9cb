"""Answers that leave at once, from the store, and are refreshed behind."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from bot.domain.answers import Denied, Freshness, MentionsAnswer, NoSuchProduct
from bot.domain.message import Message
from bot.services.catalog import Answer
from bot.services.diff import DiffReply
from bot.services.refresh import Refresher
from handlers.reasons import because
from handlers.requests import Newer, Reply

A = TypeVar("A", bound=Answer | DiffReply | MentionsAnswer)


async def refreshed(refresher: Refresher, ask: Callable[[], Awaitable[A]], draw: Callable[[A], Message]) -> Reply:
    """What `ask` finds. Where that is stale, the accounts are checked behind it, and `ask` is run once more."""
    answer = await ask()
    stale = () if isinstance(answer, NoSuchProduct | Denied) else answer.freshness.stale

    async def later() -> Newer:
        await refresher.refresh(stale)
        newer = await ask()
        return Newer(draw(newer), is_news=_facts(newer) != _facts(answer))

    return Reply(draw(answer), later=later if stale else None, facts=because(answer))


def _facts(answer: Answer | DiffReply | MentionsAnswer) -> object:
    """The answer without its age."""
    return answer if isinstance(answer, NoSuchProduct | Denied) else replace(answer, freshness=Freshness())
