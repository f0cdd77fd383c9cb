"""The table of contents: every word and every button, and the feature behind it."""

from bot.views.ids import Action
from handlers.again import Again
from handlers.desk import Desk
from handlers.download import Download
from handlers.requests import Routes
from handlers.status import Status
from handlers.subscriptions import Subscriptions
from handlers.versions import Versions

WORDS = (
    "versions",
    "download",
    "apps",
    "status",
    "agreements",
    "subscribe",
    "unsubscribe",
    "subscriptions",
    "whoami",
    "help",
)


def routes(desk: Desk) -> Routes:
    """What people can say and press. `open_to_all` also answers people who may see no build."""
    versions, download, subscriptions = Versions(desk), Download(desk), Subscriptions(desk)
    status = Status(desk, WORDS, versions.ask)
    features = {
        "versions": versions.ask,
        "download": download.ask,
        "apps": status.apps,
        "status": status.status,
        "agreements": status.agreements,
        "subscribe": subscriptions.subscribe,
        "unsubscribe": subscriptions.unsubscribe,
        "subscriptions": subscriptions.listing,
        "whoami": status.whoami,
        "help": status.help,
    }
    again = Again(features)
    return Routes(
        features=features,
        clicks={
            Action.DOWNLOAD: download.click,
            Action.TRY_AGAIN: download.click,
            Action.ASK: again.click,
            Action.PAGE: again.click,
            Action.PRODUCT_MENU: again.click,
            Action.SHARE: Again({"versions": versions.share}).click,
        },
        commands={desk.commands.versions: "versions", desk.commands.download: "download", desk.commands.root: ""},
        fallback=status.unknown,
        open_to_all=frozenset({"whoami", "help", "other"}),
        suggest=desk.catalog.suggest,
    )
