"""The table of contents: every word and every button, and the feature behind it."""

from bot.views import subscribing
from bot.views.ids import Action, Shortcut
from handlers.again import Again
from handlers.agreements import Agreements
from handlers.audit import Audit
from handlers.desk import Desk
from handlers.diff import Diff
from handlers.download import Download
from handlers.getting import GetABuild
from handlers.home import HomeTab
from handlers.mentions import Mentioned
from handlers.phone import Phone
from handlers.requests import Routes
from handlers.revoke import Revoke
from handlers.status import Status
from handlers.subscriptions import Subscriptions
from handlers.versions import Versions
from handlers.why import Why

WORDS = (
    "versions",
    "download",
    "diff",
    "apps",
    "status",
    "agreements",
    "subscribe",
    "unsubscribe",
    "subscriptions",
    "why",
    "revoke",
    "audit",
    "whoami",
    "help",
)


def routes(desk: Desk) -> Routes:
    """What people can say and press. `open_to_all` also answers people who may see no build."""
    versions, download, subscriptions = Versions(desk), Download(desk), Subscriptions(desk)
    status, revoke = Status(desk, WORDS), Revoke(desk)
    agreements, diff, getting = Agreements(desk), Diff(desk), GetABuild(versions.ask)
    features = {
        "versions": versions.ask,
        "download": download.ask,
        "diff": diff.ask,
        "apps": status.apps,
        "status": status.status,
        "agreements": status.agreements,
        "subscribe": subscriptions.subscribe,
        "unsubscribe": subscriptions.unsubscribe,
        "subscriptions": subscriptions.listing,
        "why": Why(desk).ask,
        "revoke": revoke.ask,
        "audit": Audit(desk).ask,
        "whoami": status.whoami,
        "help": status.help,
    }
    again = Again(features)
    return Routes(
        features=features,
        clicks={
            Action.DOWNLOAD: download.click,
            Action.TRY_AGAIN: download.click,
            Action.TELL_ME: download.tell_me,
            Action.ASK: again.click,
            Action.PAGE: again.click,
            Action.PRODUCT_MENU: again.click,
            Action.SHARE: Again({"versions": versions.share, "download": download.share, "diff": diff.share}).click,
            Action.SHARE_BUILD: download.share_build,
            Action.TO_PHONE: Phone(desk).click,
            Action.REVOKE: revoke.click,
            Action.MUTE: subscriptions.mute,
            Action.UNMUTE: subscriptions.unmute,
            Action.SUBSCRIBE_FORM: subscriptions.open_form,
            Action.GET_A_BUILD: getting.click,
            Action.BUILD_MENU: getting.pick,
            Action.CHECK_AGAIN: agreements.check_again,
            Action.TAKE_ON: agreements.take,
            Action.SNOOZE: agreements.snooze,
        },
        commands={desk.commands.versions: "versions", desk.commands.download: "download", desk.commands.root: ""},
        fallback=status.unknown,
        names_product=desk.catalog.names_product,
        open_to_all=frozenset({"whoami", "help", "other"}),
        impersonal=frozenset({"help", "other"}),
        suggest=desk.catalog.suggest,
        home=HomeTab(desk).draw,
        forms={subscribing.CALLBACK: subscriptions.submit},
        shortcuts={Shortcut.GET_A_BUILD: getting.call, Shortcut.FIND_BUILDS: Mentioned(desk).call},
        alters_home=frozenset({Action.DOWNLOAD, Action.TRY_AGAIN}),
        denied={Action.DOWNLOAD: download.denied, Action.TRY_AGAIN: download.denied},
    )
