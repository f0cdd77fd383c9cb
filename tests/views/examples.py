"""Facts to draw: ordinary ones for the golden files, absurd ones for everything else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.answers import (
    AccountLine,
    AgreementsAnswer,
    AlertFacts,
    AppsAnswer,
    AuditAnswer,
    Blocked,
    BuildsAnswer,
    Checked,
    ChoiceAnswer,
    DeadIncident,
    Denial,
    Denied,
    DiffAnswer,
    EverywhereAnswer,
    Freshness,
    HeadsAnswer,
    HomeAnswer,
    Limited,
    Lone,
    MentionedBuilds,
    MentionsAnswer,
    Muted,
    NoSuchProduct,
    NothingMatches,
    NothingToCompare,
    Obstacle,
    Pair,
    ProductHeads,
    ProductLine,
    ProductsAnswer,
    RevocableAnswer,
    Revoked,
    Snoozed,
    StatusAnswer,
    Subscribed,
    SubscriptionLine,
    SubscriptionsAnswer,
    Taken,
    Ticket,
    ToldLine,
    Unsubscribed,
    Untold,
    UntoldLine,
    WhoamiAnswer,
    WhyAnswer,
)
from bot.domain.digest import Digest
from bot.domain.errors import UserMistake
from bot.domain.message import Home, Message, Modal
from bot.domain.model import (
    NOT_LISTED,
    VENDOR_LINK,
    AccountHealth,
    AccountStatus,
    Agreement,
    AgreementState,
    Alert,
    AlertKind,
    App,
    AppTrouble,
    Build,
    BuildState,
    Delivery,
    DeliveryState,
    EventKind,
    Expiry,
    ExpiryKind,
    Grant,
    Handover,
    Person,
    Platform,
    Product,
    QuietChannel,
    Subscription,
)
from bot.domain.ports import AuditLine, BuildFilter, BuildPage
from bot.views import (
    agreements,
    alerts,
    diff,
    download,
    grants,
    home,
    incidents,
    mentions,
    mistakes,
    modals,
    status,
    subscriptions,
    versions,
    waiting,
    whoami,
    why,
)
from bot.views import help as help_view
from bot.views.bundle import bundle

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
UNREAD = AppTrouble("acme-apple", "2", "Driver", "forbidden", NOW - timedelta(hours=5))
UNLISTED = AppTrouble("acme-apple", "1", "Shop", NOT_LISTED, NOW - timedelta(days=2))
AILING = Freshness(UNLISTED.since, troubles=(UNLISTED, UNREAD))
STALE = Freshness(NOW - timedelta(minutes=40), (DOWN,), refreshing=True)

HEADS = HeadsAnswer(SHOP, (ANDROID, IOS, PROCESSING, ADHOC, EXPIRED), TITLES, STALE, asked="shop")
BUILDS = BuildsAnswer(
    SHOP, BuildFilter(Platform.IOS, version="3.2"), "shop ios 3.2", BuildPage((IOS, PROCESSING), 37), 10, 10, TITLES, FRESH
)
OLDER_IOS = replace(
    IOS,
    id="b412",
    version="3.1.0",
    number="412",
    uploaded_at=NOW - timedelta(days=20),
    min_os="15.0",
    notes="Fixes for <b>all</b>",
)
OLDER_ANDROID = replace(
    ANDROID,
    account="acme-store",
    id="v70",
    version="3.1.0",
    number="70",
    track="Enterprise store (Live)",
    state=BuildState.LIVE,
    uploaded_at=NOW - timedelta(days=9),
    size=52_200_000,
    min_os="24",
    branch=None,
    commit=None,
)
DIFF = DiffAnswer(
    SHOP,
    BuildFilter(),
    (BuildFilter(version="3.1"), BuildFilter(version="3.2.0", number="77")),
    (
        Pair(OLDER_ANDROID, replace(ANDROID, min_os="26")),
        Pair(OLDER_IOS, replace(IOS, min_os="16.0", notes="Faster checkout.\n@channel, try it: http://acme.example")),
    ),
    (Lone(replace(IOS, platform=Platform.MACOS), BuildFilter(version="3.1")),),
    TITLES,
    STALE,
    asked="shop 3.1 3.2.0 (77)",
)
NO_DIFF = NothingToCompare(SHOP, BuildFilter(), (BuildFilter(version="3.2"),), (), (Lone(IOS),), (), "", FRESH)
PRODUCTS = ProductsAnswer((ProductLine(DRIVER, None), ProductLine(SHOP, ANDROID)), FRESH)
GRANT = Grant("0a" * 16, ANDROID.key, "U1", "C1", NOW, NOW + timedelta(minutes=10))

LOG = (
    AuditLine(GRANT, ANDROID, "Shop"),
    AuditLine(replace(GRANT, user="U2", opened=3, outcome="streamed"), IOS, "Shop"),
    AuditLine(replace(GRANT, created_at=NOW - timedelta(days=2), opened=1, outcome="connect"), None, None),
    AuditLine(replace(GRANT, given=False, outcome="vendor_down"), ADHOC, "Shop"),
    AuditLine(replace(GRANT, given=False, outcome="denied_guest"), ADHOC, "Shop"),
    AuditLine(replace(GRANT, revoked_at=NOW, revoked_by="U9"), ADHOC, "Shop"),
)

BLOCKED_PAPERS = Agreement(
    "acme-apple",
    AgreementState.BLOCKED,
    since=NOW - timedelta(days=1, hours=4),
    checked_at=NOW - timedelta(minutes=5),
    code="FORBIDDEN_ERROR.PLA_NOT_VALID",
    blocked=("apps", "signing"),
)
TAKEN = replace(
    BLOCKED_PAPERS,
    taken_by="U1",
    taken_at=NOW - timedelta(hours=1),
    snoozed_by="U2",
    snoozed_until=NOW + timedelta(days=3),
)
OVER = replace(TAKEN, until=NOW - timedelta(minutes=3))
ENDING = (
    Expiry("", ExpiryKind.DATE, "m 2027-02-27", "Apple Developer membership", NOW - timedelta(days=2)),
    Expiry("acme-apple", ExpiryKind.PROFILE, "P1", "Shop Ad Hoc", NOW + timedelta(hours=2)),
    Expiry("acme-apple", ExpiryKind.CERTIFICATE, "C1", "Apple Distribution: Acme & Söhne", NOW + timedelta(days=1)),
    Expiry("acme-apple", ExpiryKind.BUILD, IOS.key, "Shop 3.2.0 (418)", NOW + timedelta(days=7), Platform.IOS, "TestFlight"),
    Expiry("", ExpiryKind.DATE, "a 2027-03-31", "Akana API key", NOW + timedelta(days=30)),
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
    ENDING,
)
SUBSCRIPTION = Subscription("s1", "C1", frozenset({EventKind.NEW_BUILDS}), "U1", NOW, "1", Platform.IOS, "testflight")
EVERYTHING = Subscription("s2", "C1", frozenset(EventKind), "U1", NOW)
SUBSCRIBED = (SubscriptionLine(SUBSCRIPTION, SHOP), SubscriptionLine(EVERYTHING, None))


def alert(kind: AlertKind, **facts: str) -> Alert:
    return Alert("f", kind, "acme-apple", NOW, facts=facts)


def digest(expiries: Sequence[Expiry], total: int = 0) -> AlertFacts:
    """Facts as bot.services.expiries writes them down."""
    facts = {"count": str(total or len(expiries))}
    for place, expiry in enumerate(expiries):
        told = (
            expiry.account,
            expiry.kind,
            expiry.name,
            expiry.expires_at.isoformat(),
            expiry.platform or "",
            expiry.track or "",
        )
        keys = ("account", "kind", "name", "ends", "platform", "track")
        facts |= {f"{place}.{key}": text for key, text in zip(keys, told, strict=True)}
    return AlertFacts(replace(alert(AlertKind.EXPIRIES, **facts), account=""), EventKind.EXPIRIES)


NEW_BUILD = AlertFacts(alert(AlertKind.NEW_BUILD), EventKind.NEW_BUILDS, SHOP, ANDROID, "Applivery")
BURST = (
    replace(NEW_BUILD, build=replace(IOS, state=BuildState.REJECTED)),
    NEW_BUILD,
    replace(NEW_BUILD, product=DRIVER, build=ADHOC, title="Appcircle", is_gone=True),
    replace(NEW_BUILD, build=None),
)
QUIET = QuietChannel("C0456", "channel_not_found", NOW - timedelta(hours=5), NOW)


GIVEN_UP = Delivery("d", NEW_BUILD.alert, "C0456", DeliveryState.FAILED, NOW, reason="msg_too_long")


def told(build: Build, state: DeliveryState, reason: str | None = None, **facts: Any) -> ToldLine:
    standing = Delivery("d", NEW_BUILD.alert, "C1", state, NOW, reason=reason)
    return ToldLine(replace(standing, **facts), SHOP, build)


WHY = WhyAnswer(
    "C1",
    SHOP,
    SUBSCRIBED,
    muted=(SHOP,),
    quiet=replace(QUIET, channel="C1"),
    accounts=(WELL, DOWN, AccountHealth("acme-new", "applivery")),
    told=(
        told(IOS, DeliveryState.SENT, sent_at=NOW - timedelta(hours=1)),
        told(ANDROID, DeliveryState.PENDING, "no_answer", attempts=2),
        told(ANDROID, DeliveryState.PENDING, is_digest=True),
        told(ADHOC, DeliveryState.FAILED, "is_archived", attempts=1),
        told(ADHOC, DeliveryState.DROPPED, "muted"),
        ToldLine(Delivery("d", alert(AlertKind.AGREEMENT_BLOCKED), "C1", DeliveryState.SENT, NOW, sent_at=NOW)),
    ),
    untold=tuple(UntoldLine(PROCESSING, reason) for reason in Untold),
)
HOME = HomeAnswer(
    Person("U1"),
    "D1",
    EverywhereAnswer(
        (ProductHeads(DRIVER, ()), ProductHeads(SHOP, (ANDROID, PROCESSING, IOS, ADHOC, replace(EXPIRED, track="Beta")))),
        TITLES,
        replace(FRESH, failing=(DOWN,)),
    ),
    (AccountLine(WELL, "App Store Connect", agreement=BLOCKED_PAPERS), AccountLine(DOWN, "Appcircle")),
    (SubscriptionLine(replace(EVERYTHING, channel="D1"), None), SUBSCRIBED[0]),
    (LOG[0], replace(LOG[4], grant=replace(GRANT, channel="D1", created_at=NOW - timedelta(days=2))), AuditLine(GRANT)),
)
MENTIONED = MentionsAnswer(
    (
        MentionedBuilds(SHOP, BuildFilter(version="3.2"), (IOS, ANDROID), 7),
        MentionedBuilds(DRIVER, BuildFilter(), (ADHOC, PROCESSING), 2, missed=BuildFilter(Platform.IOS, version="9.9")),
        MentionedBuilds(replace(DRIVER, name="Scanner"), BuildFilter(), (), 0),
    ),
    TITLES,
    FRESH,
)
INCIDENT = {"since": (NOW - timedelta(hours=2, minutes=14)).isoformat(), "code": "FORBIDDEN.PLA_NOT_ACCEPTED", "blocked": "apps"}


def incident_facts(kind: AlertKind, incident: Agreement) -> AlertFacts:
    return AlertFacts(alert(kind, **INCIDENT), EventKind.AGREEMENTS, title="App Store Connect", agreement=incident)


def _blocked(obstacle: Obstacle) -> Message:
    build = {Obstacle.EXPIRED: EXPIRED, Obstacle.PROCESSING: PROCESSING}.get(obstacle, IOS)
    instead = ADHOC if obstacle in (Obstacle.EXPIRED, Obstacle.GONE) else None
    since = NOW - timedelta(minutes=28)
    return download.blocked(Blocked(obstacle, build, "App Store Connect", "acme-apple", since, instead, "timeout"), NOW)


def in_a_view(view: Home | Modal) -> Message:
    """To be looked at like a message."""
    return Message("A view", view.blocks)


GOLDEN: Mapping[str, Callable[[], Message]] = {
    "home": lambda: in_a_view(home.home(HOME, NOW)),
    "home_empty": lambda: in_a_view(home.home(HomeAnswer(Person("U1"), "D1", EverywhereAnswer((), {}, Freshness())), NOW)),
    "home_denied": lambda: in_a_view(home.instead(mistakes.denied(Denied(Denial.GUEST)))),
    "get_a_build": lambda: in_a_view(modals.picker("D1")),
    "window_waiting": lambda: in_a_view(modals.waiting("D1")),
    "window_ticket": lambda: in_a_view(modals.answer(GOLDEN["ticket_file"](), "D1")),
    "mentions": lambda: mentions.mentions(MENTIONED, NOW),
    "mentions_none": lambda: mentions.mentions(MentionsAnswer((), TITLES, FRESH), NOW),
    "mentions_denied": lambda: mentions.mentions(MentionsAnswer((), TITLES, FRESH, Denied(Denial.CHANNEL, ("C0123",))), NOW),
    "heads": lambda: versions.heads(HEADS, NOW),
    "heads_empty": lambda: versions.heads(HeadsAnswer(SHOP, (), {}, Freshness(refreshing=True)), NOW),
    "heads_shared": lambda: versions.shared(HEADS, "U1", NOW),
    "builds": lambda: versions.builds(BUILDS, NOW),
    "builds_shared": lambda: versions.shared(BUILDS, "U1", NOW),
    "diff": lambda: diff.diff(DIFF, NOW),
    "diff_shared": lambda: diff.shared(DIFF, "U1", NOW),
    "diff_one_named": lambda: diff.diff(
        replace(DIFF, wanted=BuildFilter(Platform.IOS), named=DIFF.named[:1], pairs=(Pair(OLDER_IOS, IOS),), lone=(Lone(ADHOC),)),
        NOW,
    ),
    "diff_none_named": lambda: diff.diff(replace(DIFF, named=(), pairs=(Pair(ADHOC, ADHOC),), lone=()), NOW),
    "diff_nothing": lambda: diff.nothing(NO_DIFF, NOW),
    "diff_nothing_missing": lambda: diff.nothing(
        replace(
            NO_DIFF,
            wanted=BuildFilter(Platform.IOS),
            named=(BuildFilter(version="9.9"), BuildFilter(number="7")),
            missing=(BuildFilter(version="9.9"), BuildFilter(number="7")),
            lone=(),
            near=("3.2.0", "3.1.0"),
            rest="ios 7",
        ),
        NOW,
    ),
    "diff_nothing_apart": lambda: diff.nothing(
        replace(
            NO_DIFF,
            named=(BuildFilter(number="418"), BuildFilter(number="77")),
            lone=(Lone(IOS, BuildFilter(number="77")), Lone(ANDROID, BuildFilter(number="418"))),
        ),
        NOW,
    ),
    "diff_nothing_twice": lambda: diff.nothing(
        replace(NO_DIFF, named=(BuildFilter(version="3.2"),) * 2, near=("3.1.9",), rest="3.2"), NOW
    ),
    "no_such_product_unsaid": lambda: mistakes.no_such_product(NoSuchProduct("", (SHOP, DRIVER), "diff", "3.1 3.2")),
    "products": lambda: versions.products(PRODUCTS, NOW),
    "products_no_accounts": lambda: versions.products(ProductsAnswer((), Freshness(), has_accounts=False), NOW),
    "products_empty": lambda: versions.products(ProductsAnswer((), Freshness()), NOW),
    "products_shared": lambda: versions.shared(PRODUCTS, "U1", NOW),
    "ticket_file": lambda: download.ticket(Ticket(GRANT, ANDROID, "Applivery", "https://purser.acme.com/d/t"), NOW),
    "ticket_ios": lambda: download.ticket(Ticket(GRANT, ADHOC, "Appcircle", "https://purser.acme.com/d/t"), NOW),
    "ticket_page": lambda: download.ticket(Ticket(GRANT, IOS, "App Store Connect", "https://purser.acme.com/d/t"), NOW),
    "choice": lambda: download.choice(ChoiceAnswer(SHOP, (ANDROID, ADHOC), TITLES), NOW),
    "choice_of_nothing": lambda: download.choice(
        ChoiceAnswer(SHOP, (replace(ANDROID, handover=Handover.NONE), replace(ADHOC, handover=Handover.NONE)), TITLES), NOW
    ),
    "blocked_vendor_down_for_the_first_time": lambda: download.blocked(
        Blocked(Obstacle.VENDOR_DOWN, ANDROID, "Applivery", "acme", reason="timeout", well_at=NOW - timedelta(minutes=4)), NOW
    ),
    **{f"blocked_{obstacle}": lambda obstacle=obstacle: _blocked(obstacle) for obstacle in Obstacle},
    "ticket_on_the_phone": lambda: download.on_the_phone(Ticket(GRANT, ANDROID, "Applivery", "https://purser.acme.com/d/t"), NOW),
    "ticket_of_the_vendor": lambda: download.ticket(
        Ticket(replace(GRANT, outcome=VENDOR_LINK), ANDROID, "Applivery", "https://vendor.example/x"), NOW
    ),
    "sent_to_phone": lambda: download.sent_to_phone(is_new=True),
    "sent_to_phone_already": lambda: download.sent_to_phone(is_new=False),
    "choice_shared": lambda: download.shared_choice(ChoiceAnswer(SHOP, (ANDROID, ADHOC), TITLES), "U1", NOW),
    "build_shared": lambda: download.shared_build(ANDROID, SHOP, TITLES, "U1", NOW),
    "revocable": lambda: grants.revocable(RevocableAnswer(LOG[:2], 17, of_everybody=True), NOW),
    "revocable_none": lambda: grants.revocable(RevocableAnswer((), 0, of_everybody=False), NOW),
    "revoked": lambda: grants.revoked(Revoked(3, "U2")),
    "revoked_none": lambda: grants.revoked(Revoked(0)),
    "audit": lambda: grants.audit(AuditAnswer(LOG, 120, 15, "shop", SHOP), NOW),
    "audit_empty": lambda: grants.audit(AuditAnswer((), 0, 0, ""), NOW),
    "limited": lambda: download.limited(Limited(30, NOW + timedelta(minutes=12, seconds=4)), NOW),
    "limited_clicks": lambda: download.limited(Limited(120, NOW + timedelta(minutes=12), of_clicks=True), NOW),
    "waiting": lambda: waiting.waiting(Blocked(Obstacle.PROCESSING, PROCESSING, "App Store Connect"), PROCESSING),
    "alert_ready": lambda: alerts.card(replace(NEW_BUILD, alert=alert(AlertKind.READY, channel="C0123")), NOW),
    "alert_never_ready": lambda: alerts.card(
        replace(NEW_BUILD, alert=alert(AlertKind.READY), build=replace(IOS, state=BuildState.FAILED)), NOW
    ),
    "no_such_product": lambda: mistakes.no_such_product(NoSuchProduct("shpo", (SHOP, DRIVER), "versions", "ios 3.2")),
    "no_such_product_which": lambda: mistakes.no_such_product(NoSuchProduct("", (SHOP, DRIVER), "download", "418")),
    "no_such_product_yet": lambda: mistakes.no_such_product(NoSuchProduct("shop", (), "versions", unread=("acme-apple",))),
    "no_such_product_alone": lambda: mistakes.no_such_product(NoSuchProduct("zzz", (), "download")),
    "nothing_matches": lambda: mistakes.nothing_matches(
        NothingMatches(SHOP, BuildFilter(Platform.IOS, version="9.9", number="7"), FRESH), NOW
    ),
    **{f"denied_{denial}": lambda denial=denial: mistakes.denied(Denied(denial, ("C0123", "C0456"))) for denial in Denial},
    "user_mistake": lambda: mistakes.user_mistake(UserMistake("Say what: `subscribe shop` for one product.")),
    "internal": lambda: mistakes.internal("a1b2c3"),
    "heads_of_an_app_that_ails": lambda: versions.heads(replace(HEADS, freshness=AILING), NOW),
    "status_ailing": lambda: status.status(
        StatusAnswer(
            (
                AccountLine(WELL, "App Store Connect", troubles=(UNREAD, replace(UNREAD, app_id="3"), UNLISTED)),
                AccountLine(replace(DOWN, next_at=NOW + timedelta(minutes=20)), "Appcircle"),
            ),
            {},
        ),
        NOW,
    ),
    "alert_apps_unread": lambda: alerts.card(
        AlertFacts(
            alert(AlertKind.APPS_UNREAD, apps="Driver, Shop", count="2", reason="forbidden", since=UNREAD.since.isoformat()),
            None,
            title="App Store Connect",
        ),
        NOW,
    ),
    "status": lambda: status.status(
        StatusAnswer(
            (AccountLine(WELL, "App Store Connect", agreement=BLOCKED_PAPERS), AccountLine(DOWN, "Appcircle")),
            {"sent": 1200, "pending": 2, "failed": 1},
            failed=(GIVEN_UP,),
        ),
        NOW,
    ),
    "apps": lambda: status.apps(
        AppsAnswer((AccountLine(WELL, "App Store Connect", (SHOP, DRIVER)), AccountLine(DOWN, "Appcircle"))), NOW
    ),
    "agreements": lambda: agreements.agreements(PAPERS, NOW),
    "subscriptions": lambda: subscriptions.subscriptions(SubscriptionsAnswer("C1", SUBSCRIBED)),
    "subscriptions_none": lambda: subscriptions.subscriptions(SubscriptionsAnswer("C1", ())),
    "subscriptions_muted": lambda: subscriptions.subscriptions(SubscriptionsAnswer("C1", SUBSCRIBED[1:], (SHOP, DRIVER))),
    "subscribe_what": subscriptions.say_what,
    "subscribed_digest": lambda: subscriptions.subscribed(
        Subscribed(SubscriptionLine(replace(EVERYTHING, digest=Digest(9, 30, "Europe/Berlin", 0)), None), added=True)
    ),
    "subscribed_unmuted": lambda: subscriptions.subscribed(Subscribed(SUBSCRIBED[0], added=False, unmuted=True)),
    "muted": lambda: subscriptions.muted(Muted(SHOP, is_muted=True)),
    "unmuted": lambda: subscriptions.muted(Muted(SHOP, is_muted=False)),
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
    "alert_expiries": lambda: alerts.card(digest(ENDING), NOW),
    "alert_expiries_one": lambda: alerts.card(digest(ENDING[2:3]), NOW),
    "alert_expiries_many": lambda: alerts.card(digest(ENDING[1:] * 5, 100), NOW),
    "alert_burst": lambda: bundle(BURST, NOW),
    "alert_channel_quiet": lambda: alerts.card(
        AlertFacts(alert(AlertKind.CHANNEL_QUIET, channel="C0123", reason="is_archived"), None), NOW
    ),
    "alert_channel_shared": lambda: alerts.card(
        AlertFacts(alert(AlertKind.CHANNEL_QUIET, channel="C0123", reason="is_ext_shared"), None), NOW
    ),
    "why": lambda: why.why(WHY, NOW),
    "why_nothing": lambda: why.why(WhyAnswer("C1", None), NOW),
    "status_quiet": lambda: status.status(StatusAnswer((AccountLine(WELL, "App Store Connect"),), {"sent": 3}, (QUIET,)), NOW),
    "alert_new_build_gone": lambda: alerts.card(replace(NEW_BUILD, build=None), NOW),
    "alert_agreement_blocked": lambda: alerts.card(
        AlertFacts(alert(AlertKind.AGREEMENT_BLOCKED, **INCIDENT), EventKind.AGREEMENTS, title="App Store Connect"), NOW
    ),
    "alert_agreement_taken": lambda: alerts.card(incident_facts(AlertKind.AGREEMENT_BLOCKED, TAKEN), NOW),
    "alert_agreement_over": lambda: alerts.card(incident_facts(AlertKind.AGREEMENT_BLOCKED, OVER), NOW),
    "alert_agreement_reminder": lambda: alerts.line(incident_facts(AlertKind.AGREEMENT_REMINDER, BLOCKED_PAPERS)),
    "alert_agreement_reminder_taken": lambda: alerts.line(incident_facts(AlertKind.AGREEMENT_REMINDER, TAKEN)),
    "alert_agreement_cleared_line": lambda: alerts.line(incident_facts(AlertKind.AGREEMENT_CLEARED, OVER)),
    **{
        f"incident_checked_{state}": lambda state=state: incidents.checked(
            Checked(AccountStatus("acme-apple", state, NOW, "PLA_NOT_VALID", ("apps", "release")), BLOCKED_PAPERS), NOW
        )
        for state in (AgreementState.BLOCKED, AgreementState.REFUSED, AgreementState.UNKNOWN)
    },
    "incident_checked_in_force": lambda: incidents.checked(
        Checked(
            AccountStatus("acme-apple", AgreementState.IN_FORCE, NOW), replace(BLOCKED_PAPERS, state=AgreementState.IN_FORCE)
        ),
        NOW,
    ),
    "incident_taken": lambda: incidents.taken(Taken(TAKEN)),
    "incident_taken_over": lambda: incidents.taken(Taken(TAKEN, "U9")),
    "incident_taken_already": lambda: incidents.taken(Taken(TAKEN, TAKEN.taken_by)),
    "incident_snoozed": lambda: incidents.snoozed(Snoozed(TAKEN), NOW),
    "incident_dead_over": lambda: incidents.dead(DeadIncident("acme-apple", True, OVER), NOW),
    "incident_dead_older": lambda: incidents.dead(DeadIncident("acme-apple", True, OVER, BLOCKED_PAPERS), NOW),
    "incident_dead_unwatched": lambda: incidents.dead(DeadIncident("acme-apple", False), NOW),
    "incident_dead_unknown": lambda: incidents.dead(DeadIncident("acme-apple", True), NOW),
    "alert_agreement_cleared": lambda: alerts.card(
        AlertFacts(
            alert(AlertKind.AGREEMENT_CLEARED, **INCIDENT, until=NOW.isoformat()), EventKind.AGREEMENTS, title="App Store Connect"
        ),
        NOW,
    ),
}
