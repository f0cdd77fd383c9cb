"""How an account is named on the screens about accounts."""

from bot.domain.answers import AccountLine
from bot.views.text import escape, name


def account_name(line: AccountLine) -> str:
    """*acme-apple* (App Store Connect)"""
    title = f" ({escape(line.title)})" if line.title else ""
    return f"*{name(line.health.name)}*{title}"
