"""`/purser audit`: who was given which link, for those who look after Purser."""

from bot.domain.answers import AuditAnswer, NoSuchProduct
from bot.domain.errors import UserMistake
from bot.domain.ports import GrantFilter
from bot.views import grants, mistakes
from handlers.desk import Desk
from handlers.reasons import because
from handlers.requests import Ask, Reply


class Audit:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def ask(self, ask: Ask) -> Reply:
        """All downloads, or those of one product. Raises UserMistake for people who are no owners."""
        if not self._desk.access.is_owner(ask.person.id):
            raise UserMistake("The log of downloads is for the owners of Purser, who are named in purser.toml.")
        product = None
        if ask.words:
            product, _ = await self._desk.catalog.find_product(ask.words, ask.channel, "audit", ask.person)
        if isinstance(product, NoSuchProduct):
            return Reply(mistakes.no_such_product(product), facts=because(product))
        wanted = GrantFilter(product=product.id if product else None)
        page = await self._desk.audit.page(wanted, ask.beside, grants.PAGE_ROWS)
        return Reply(grants.audit(AuditAnswer(page.lines, page.total, page.newer, ask.words, product), self._desk.clock()))
