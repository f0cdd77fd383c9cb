"""Facts to draw: ordinary ones for the golden files, absurd ones for everything else."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.domain.answers import (
    AccountLine,
    AgreementsAnswer,
    AlertFacts,
    AppsAnswer,
    Blocked,
    BuildsAnswer,
    ChoiceAnswer,
    Denial,
    Denied,
    DueDate,
    Freshness,
    HeadsAnswer,
    NoSuchProduct,
    NothingMatches,
    Obstacle,
    ProductLine,
    ProductsAnswer,
    StatusAnswer,
    Subscribed,
    SubscriptionLine,
    SubscriptionsAnswer,
    Ticket,
    Unsubscribed,
    WhoamiAnswer,
)
from bot.domain.errors import UserMistake
from bot.domain.message import Message
from bot.domain.model import (
    AccountHealth,
    Agreement,
    AgreementState,
    Alert,
    AlertKind,
    App,
    Build,
    BuildState,
    EventKind,
    Grant,
    Handover,
    Person,
    Platform,
    Product,
    Subscription,
)
from bot.domain.ports import BuildFilter, BuildPage
from bot.views import agreements, alerts, download, mistakes, status, subscriptions, versions, whoami
from bot.views import help as help_view

NOW = datetime(2027, 3, 1, 14, 30, tzinfo=UTC)
TITLES = {"acme-apple": "App Store Connect", "acme-store": "Appcircle", "acme-applivery": "Applivery"}
SHOP = Product("1", "Shop", ("store",), (App("acme-apple", "10", "Shop", "com.acme.shop"),))
DRIVER = Product("2", "Driver & Courier")

IOS = Build(
    account="acme-apple",
    app_id="10",
    id="b418",
    version="3.2.0",
    number="418",
    platform=Platform.IOS,
    track="TestFlight",
    state=BuildState.READY,
    handover=Handover.PAGE,
    uploaded_at=NOW - timedelta(hours=2),
    expires_at=NOW + timedelta(days=90),
)
ANDROID = Build(
    account="acme-applivery",
    app_id="a1",
    id="b77",
    version="3.2.0",
    number="77",
    platform=Platform.ANDROID,
    track="App Distribution",
    state=BuildState.READY,
    handover=Handover.FILE,
    uploaded_at=NOW - timedelta(minutes=40),
    size=53_400_000,
    sha256="0f" * 32,
    notes="Faster checkout.\nFixes the basket badge: it no longer counts gifts.",
    branch="release/3.2_rc",
    commit="9fceb02d0ae598e95dc970b74767f19372d61af8",
    uploader="Mira Okafor",
)
ADHOC = Build(
    account="acme-store",
    app_id="p1",
    id="v9",
    version="3.1.9",
    number="409",
    platform=Platform.IOS,
    track="Enterprise store (Beta)",
    state=BuildState.READY,
    handover=Handover.FILE,
    uploaded_at=NOW - timedelta(days=3),
    size=81_250_000,
)
PROCESSING = replace(IOS, id="b419", number="419", state=BuildState.PROCESSING, uploaded_at=NOW - timedelta(minutes=3))
EXPIRED = replace(IOS, id="b100", version="2.9", number="100", state=BuildState.EXPIRED, expires_at=NOW - timedelta(days=20))

FRESH = Freshness(NOW - timedelta(minutes=2))
DOWN = AccountHealth(
    "acme-store",
    "appcircle",
    checked_at=NOW - timedelta(minutes=3),
    ok_at=NOW - timedelta(hours=3),
    failing_since=NOW - timedelta(minutes=28),
    reason="unreachable",
    failures=7,
    apps=12,
    builds=340,
)
WELL = AccountHealth(
    "acme-apple", "app_store_connect", NOW - timedelta(minutes=2), NOW - timedelta(minutes=2), NOW, apps=45, builds=1204
)
STALE = Freshness(NOW - timedelta(minutes=40), (DOWN,), refreshing=True)

HEADS = HeadsAnswer(SHOP, (ANDROID, IOS, PROCESSING, ADHOC, EXPIRED), TITLES, STALE, asked="shop")
BUILDS = BuildsAnswer(
    SHOP, BuildFilter(Platform.IOS, version="3.2"), "shop ios 3.2", BuildPage((IOS, PROCESSING), 37), 10, 10, TITLES, FRESH
)
PRODUCTS = ProductsAnswer((ProductLine(DRIVER, None), ProductLine(SHOP, ANDROID)), FRESH)
GRANT = Grant("g1", ANDROID.key, "U1", "C1", NOW, NOW + timedelta(minutes=10))

BLOCKED_PAPERS = Agreement(
    "acme-apple",
    AgreementState.BLOCKED,
    since=NOW - timedelta(days=1, hours=4),
    checked_at=NOW - timedelta(minutes=5),
    code="FORBIDDEN_ERROR.PLA_NOT_VALID",
    blocked=("apps", "signing"),
)
PAPERS = AgreementsAnswer(
    (
        AccountLine(WELL, "App Store Connect", agreement=replace(BLOCKED_PAPERS, state=AgreementState.IN_FORCE)),
        AccountLine(replace(WELL, name="acme-games"), "App Store Connect", agreement=BLOCKED_PAPERS),
        AccountLine(
            replace(WELL, name="acme-lab"),
            "App Store Connect",
            agreement=replace(BLOCKED_PAPERS, state=AgreementState.REFUSED, code="forbidden"),
        ),
        AccountLine(
            replace(WELL, name="acme-old"),
            "App Store Connect",
            agreement=replace(BLOCKED_PAPERS, state=AgreementState.UNKNOWN, code=None),
        ),
        AccountLine(DOWN, "Appcircle"),
    ),
    (DueDate("Push certificate", NOW + timedelta(days=40)), DueDate("Apple Developer membership", NOW + timedelta(days=12))),
)
SUBSCRIPTION = Subscription("s1", "C1", frozenset({EventKind.NEW_BUILDS}), "U1", NOW, "1", Platform.IOS, "testflight")
EVERYTHING = Subscription("s2", "C1", frozenset(EventKind), "U1", NOW)
SUBSCRIBED = (SubscriptionLine(SUBSCRIPTION, SHOP), SubscriptionLine(EVERYTHING, None))


def alert(kind: AlertKind, **facts: str) -> Alert:
    return Alert("f", kind, "acme-apple", NOW, facts=facts)


NEW_BUILD = AlertFacts(alert(AlertKind.NEW_BUILD), EventKind.NEW_BUILDS, SHOP, ANDROID, "Applivery")
INCIDENT = {"since": (NOW - timedelta(hours=2, minutes=14)).isoformat(), "code": "FORBIDDEN.PLA_NOT_ACCEPTED", "blocked": "apps"}


def _blocked(obstacle: Obstacle) -> Message:
    build = {Obstacle.EXPIRED: EXPIRED, Obstacle.PROCESSING: PROCESSING}.get(obstacle, IOS)
    instead = ADHOC if obstacle in (Obstacle.EXPIRED, Obstacle.GONE) else None
    since = NOW - timedelta(minutes=28)
    return download.blocked(Blocked(obstacle, build, "App Store Connect", "acme-apple", since, instead, "timeout"), NOW)


GOLDEN: Mapping[str, Callable[[], Message]] = {
    "heads": lambda: versions.heads(HEADS, NOW),
    "heads_empty": lambda: versions.heads(HeadsAnswer(SHOP, (), {}, Freshness(refreshing=True)), NOW),
    "heads_shared": lambda: versions.shared(HEADS, "U1", NOW),
    "builds": lambda: versions.builds(BUILDS, NOW),
    "builds_shared": lambda: versions.shared(BUILDS, "U1", NOW),
    "products": lambda: versions.products(PRODUCTS, NOW),
    "products_empty": lambda: versions.products(ProductsAnswer((), Freshness()), NOW),
    "products_shared": lambda: versions.shared(PRODUCTS, "U1", NOW),
    "ticket_file": lambda: download.ticket(Ticket(GRANT, ANDROID, "Applivery", "https://purser.acme.com/d/t"), NOW),
    "ticket_ios": lambda: download.ticket(Ticket(GRANT, ADHOC, "Appcircle", "https://purser.acme.com/d/t"), NOW),
    "ticket_page": lambda: download.ticket(Ticket(GRANT, IOS, "App Store Connect", "https://purser.acme.com/d/t"), NOW),
    "choice": lambda: download.choice(ChoiceAnswer(SHOP, (ANDROID, ADHOC), TITLES), NOW),
    **{f"blocked_{obstacle}": lambda obstacle=obstacle: _blocked(obstacle) for obstacle in Obstacle},
    "no_such_product": lambda: mistakes.no_such_product(NoSuchProduct("shpo", (SHOP, DRIVER), "versions", "ios 3.2")),
    "no_such_product_alone": lambda: mistakes.no_such_product(NoSuchProduct("zzz", (), "download")),
    "nothing_matches": lambda: mistakes.nothing_matches(
        NothingMatches(SHOP, BuildFilter(Platform.IOS, version="9.9", number="7"), FRESH), NOW
    ),
    **{f"denied_{denial}": lambda denial=denial: mistakes.denied(Denied(denial, ("C0123", "C0456"))) for denial in Denial},
    "user_mistake": lambda: mistakes.user_mistake(UserMistake("Say what: `subscribe shop` for one product.")),
    "internal": lambda: mistakes.internal("a1b2c3"),
    "status": lambda: status.status(
        StatusAnswer(
            (AccountLine(WELL, "App Store Connect", agreement=BLOCKED_PAPERS), AccountLine(DOWN, "Appcircle")),
            {"sent": 1200, "pending": 2, "failed": 1},
        ),
        NOW,
    ),
    "apps": lambda: status.apps(
        AppsAnswer((AccountLine(WELL, "App Store Connect", (SHOP, DRIVER)), AccountLine(DOWN, "Appcircle"))), NOW
    ),
    "agreements": lambda: agreements.agreements(PAPERS, NOW),
    "subscriptions": lambda: subscriptions.subscriptions(SubscriptionsAnswer("C1", SUBSCRIBED)),
    "subscriptions_none": lambda: subscriptions.subscriptions(SubscriptionsAnswer("C1", ())),
    "subscribed": lambda: subscriptions.subscribed(Subscribed(SUBSCRIBED[0], added=True)),
    "subscribed_already": lambda: subscriptions.subscribed(Subscribed(SUBSCRIBED[1], added=False)),
    "unsubscribed": lambda: subscriptions.unsubscribed(Unsubscribed(SUBSCRIBED)),
    "unsubscribed_none": lambda: subscriptions.unsubscribed(Unsubscribed(())),
    "whoami": lambda: whoami.whoami(WhoamiAnswer(Person("U1"), True, None, ((SHOP, ("C0123",)),))),
    "whoami_guest": lambda: whoami.whoami(WhoamiAnswer(Person("U1", is_guest=True), False, Denial.GUEST)),
    "help": lambda: help_view.usage(help_view.Commands()),
    "help_renamed": lambda: help_view.usage(help_view.Commands("/builds", "/v", "/get"), note="I do not know that word."),
    "help_unknown": lambda: help_view.unknown(help_view.Commands(), "statsu", "status"),
    "alert_new_build": lambda: alerts.card(NEW_BUILD, NOW),
    "alert_new_build_gone": lambda: alerts.card(replace(NEW_BUILD, build=None), NOW),
    "alert_agreement_blocked": lambda: alerts.card(
        AlertFacts(alert(AlertKind.AGREEMENT_BLOCKED, **INCIDENT), EventKind.AGREEMENTS, title="App Store Connect"), NOW
    ),
    "alert_agreement_cleared": lambda: alerts.card(
        AlertFacts(
            alert(AlertKind.AGREEMENT_CLEARED, **INCIDENT, until=NOW.isoformat()), EventKind.AGREEMENTS, title="App Store Connect"
        ),
        NOW,
    ),
}
