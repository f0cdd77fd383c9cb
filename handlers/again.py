"""Buttons and menus that ask a whole question: "Did you mean", paging, the product menu, Share here."""

from collections.abc import Mapping
from dataclasses import replace

from bot.domain.errors import UserMistake
from bot.views.ids import decode_ask
from handlers.requests import Ask, Click, Feature, Reply, Showing


class Again:
    """Runs the question that a button carries. `features`: a question's command word -> what answers it."""

    def __init__(self, features: Mapping[str, Feature]) -> None:
        self._features = features

    async def click(self, click: Click) -> Reply:
        asked = decode_ask(click.value)
        if asked.command not in self._features:
            raise UserMistake("I do not know this button. Ask again and use the buttons of the new answer.")
        reply = await self._features[asked.command](Ask(click.person, click.channel, asked.words, asked.offset, asked.beside))
        takes_its_place = click.is_private and reply.showing is Showing.ONLY_YOU
        return replace(reply, showing=Showing.INSTEAD) if takes_its_place else reply
