"""Every screen with facts that no reasonable vendor, person or clock produces; Slack still has to accept it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

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
    Freshness,
    HeadsAnswer,
    Lone,
    MentionedBuilds,
    MentionsAnswer,
    Muted,
    NoSuchProduct,
    NothingMatches,
    NothingToCompare,
    Obstacle,
    Pair,
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
from bot.domain.errors import UserMistake
from bot.domain.message import Message
from bot.domain.model import (
    AccountHealth,
    AccountStatus,
    Agreement,
    AgreementState,
    AlertKind,
    Build,
    BuildState,
    Delivery,
    DeliveryState,
    EventKind,
    Expiry,
    ExpiryKind,
    Handover,
    Person,
    Platform,
    Product,
    QuietChannel,
)
from bot.domain.ports import AuditLine, BuildFilter, BuildPage
from bot.views import (
    agreements,
    alerts,
    diff,
    download,
    grants,
    incidents,
    mentions,
    mistakes,
    status,
    subscriptions,
    versions,
    waiting,
    whoami,
    why,
)
from bot.views import help as help_view
from bot.views.bundle import bundle
from bot.views.ids import Action, decode_ask
from bot.views.limits import OPTIONS, product_options
from tests.views.examples import (
    ANDROID,
    BLOCKED_PAPERS,
    DOWN,
    EVERYTHING,
    GRANT,
    INCIDENT,
    IOS,
    NOW,
    SHOP,
    SUBSCRIPTION,
    TITLES,
    WELL,
    alert,
    digest,
)
from tests.views.validate import all_elements, mrkdwn_texts, option_problems, problems

MANY = 10_000
LONG = 40_000

WORDS: Mapping[str, str] = {
    "nothing": "",
    "blank": " \t\n ",
    "long": "x" * LONG,
    "ampersands": "&" * LONG,
    "angles": "<>" * (LONG // 2),
    "pings": "<!channel> <!here> <@U123> <#C123|general> @here @channel @everyone " * 500,
    "marks": "*bold* _italic_ ~strike~ `code` ```block``` ＊＿～｀＞ > quote " * 500,
    "links": "http://evil.example/<https://evil.example|press> mailto:a@b.c evil.example " * 500,
    "codes": ":fire: :white_check_mark: :no_entry: " * 500,
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈" * (LONG // 20),
    "right_to_left": "متجر التطبيقات " * (LONG // 16),
    "override": "\u202ecod.exe\u2066\u2067\u200f\u200b" * (LONG // 16),
    "controls": "\x00\x07\x1b[31m\r\n\u2028\x9b" * (LONG // 16),
    "surrogates": "\ud800\udfff" * 1000,
    "lines": "line\n" * LONG,
    "quotes": "\"'\\" * LONG,
}
TIMES: Mapping[str, datetime | None] = {
    "none": None,
    "long_ago": datetime(1, 1, 1, tzinfo=UTC),
    "far_ahead": datetime(9999, 12, 31, 23, 59, tzinfo=UTC),
}
Drawing = Callable[[str, datetime | None], Message]


def some_build(text: str, when: datetime | None, **changes: object) -> Build:
    build = Build(
        account="acme-apple",
        app_id="a",
        id="b",
        version=text,
        platform=Platform.OTHER,
        track=text,
        state=BuildState.OTHER,
        handover=Handover.FILE,
        number=text or None,
        uploaded_at=when,
        expires_at=None,
        size=None if when is None else 10**18,
        sha256=text or None,
        notes=text or None,
        detail=text or None,
        file_name=text or None,
        branch=text or None,
        commit=text or None,
        uploader=text or None,
    )
    return replace(build, **changes)  # type: ignore[arg-type]


def some_health(text: str, when: datetime | None) -> AccountHealth:
    return AccountHealth(text, text, when, when, when, when, text or None, 10**9, when, when, when, 10**9, 10**9)


def builds(text: str, when: datetime | None) -> tuple[Build, ...]:
    return (some_build(text, when),) * MANY


def freshness(text: str, when: datetime | None) -> Freshness:
    return Freshness(when, (some_health(text, when),) * MANY, refreshing=True)


def some_product(text: str) -> Product:
    return Product("1", text, (text,) * 100)


def heads_answer(text: str, when: datetime | None) -> HeadsAnswer:
    titles = {"acme-apple": text} | {str(place): text for place in range(100)}
    return HeadsAnswer(some_product(text), builds(text, when), titles, freshness(text, when))


def builds_answer(text: str, when: datetime | None) -> BuildsAnswer:
    page = BuildPage(builds(text, when), 10**9)
    wanted = BuildFilter(Platform.OTHER, text, text, text, text)
    return BuildsAnswer(some_product(text), wanted, text, page, 10**5, 10, {}, freshness(text, when))


def diff_answer(text: str, when: datetime | None, many: int = MANY) -> DiffAnswer:
    wanted, build = BuildFilter(Platform.OTHER, text, text, text, text), some_build(text, when, min_os=text)
    pairs = (Pair(build, replace(build, size=None, notes=f"{text} too")), Pair(build, replace(build, size=0)))
    lone = (Lone(build, wanted), Lone(build))
    titles = {"acme-apple": text, "acme-games": text}
    return DiffAnswer(
        some_product(text), wanted, (wanted, wanted), pairs * many, lone * many, titles, freshness(text, when), text
    )


def nothing_to_compare(text: str, when: datetime | None) -> NothingToCompare:
    wanted = BuildFilter(Platform.OTHER, text, text, text, text)
    lone = (Lone(some_build(text, when), wanted),) * MANY
    return NothingToCompare(
        some_product(text), wanted, (wanted, wanted), (wanted, wanted), lone, (text,) * 3, text, freshness(text, when)
    )


def products_answer(text: str, when: datetime | None, many: int = MANY) -> ProductsAnswer:
    return ProductsAnswer((ProductLine(some_product(text), some_build(text, when)),) * many, freshness(text, when))


def account_line(text: str, when: datetime | None, state: AgreementState | None = None) -> AccountLine:
    papers = replace(BLOCKED_PAPERS, state=state, account=text, code=text, blocked=(text,) * 50) if state else None
    return AccountLine(some_health(text, when), text, (some_product(text),) * MANY, papers)


def account_lines(text: str, when: datetime | None) -> tuple[AccountLine, ...]:
    states = (*AgreementState, None)
    return tuple(account_line(text, when, state) for state in states) * 1000


def blocked(text: str, when: datetime | None, obstacle: Obstacle) -> Message:
    build = some_build(text, when)
    return download.blocked(Blocked(obstacle, build, text, text, when, replace(build, id="other"), text), NOW)


def card(text: str, when: datetime | None, kind: AlertKind) -> Message:
    facts = alert(kind, since=text, until=text, code=text, blocked=text)
    papers = replace(BLOCKED_PAPERS, code=text, blocked=(text,) * 50)
    return alerts.card(
        AlertFacts(replace(facts, account=text), EventKind.NEW_BUILDS, some_product(text), some_build(text, when), text, papers),
        NOW,
    )


def some_expiry(text: str, when: datetime | None) -> Expiry:
    return Expiry(text, ExpiryKind.BUILD, text, text, when or NOW, Platform.VISIONOS, text)


def subscription_lines(text: str) -> tuple[SubscriptionLine, ...]:
    subscription = replace(SUBSCRIPTION, track=text, provider=text, kinds=frozenset(), product_id=text)
    return (SubscriptionLine(subscription, some_product(text)), SubscriptionLine(subscription, None)) * MANY


def audit_lines(text: str, when: datetime | None) -> tuple[AuditLine, ...]:
    given = replace(GRANT, user=text, channel=text, outcome=text, opened=10**9, created_at=when or NOW)
    revoked = replace(given, revoked_at=when, revoked_by=text)
    return (AuditLine(given, some_build(text, when), text), AuditLine(revoked), AuditLine(replace(given, given=False))) * MANY


def some_incident(text: str, when: datetime | None) -> Agreement:
    return Agreement(
        text, AgreementState.BLOCKED, when or NOW, when or NOW, when, text, (text,) * MANY, MANY, text, when, text, when, when
    )


def many_told(text: str, when: datetime | None) -> list[AlertFacts]:
    told = alert(AlertKind.NEW_BUILD)
    about = [replace(told, product_id=str(place)) for place in range(50)]
    facts = [AlertFacts(each, EventKind.NEW_BUILDS, some_product(text), some_build(text, when), text) for each in about]
    return facts * (MANY // len(facts))


def why_answer(text: str, when: datetime | None) -> WhyAnswer:
    line = SubscriptionLine(replace(SUBSCRIPTION, track=text, provider=text), some_product(text))
    delivery = Delivery("d", alert(AlertKind.NEW_BUILD), text, DeliveryState.FAILED, when or NOW, 10**9, reason=text)
    return WhyAnswer(
        text,
        some_product(text),
        (line,) * MANY,
        (some_product(text),) * MANY,
        quiet=QuietChannel(text, text, when or NOW, when or NOW),
        accounts=(some_health(text, when),) * MANY,
        told=(ToldLine(delivery, some_product(text), some_build(text, when)), ToldLine(delivery)) * MANY,
        untold=(UntoldLine(some_build(text, when), Untold.NOT_READY),) * MANY,
    )


def mentions_answer(text: str, when: datetime | None) -> MentionsAnswer:
    wanted = BuildFilter(Platform.VISIONOS, text, text, text, text)
    found = MentionedBuilds(some_product(text), wanted, builds(text, when), 10**9, missed=wanted)
    return MentionsAnswer((found,) * MANY, {}, freshness(text, when))


DRAWINGS: Mapping[str, Drawing] = {
    "mentions": lambda text, when: mentions.mentions(mentions_answer(text, when), NOW),
    "muted": lambda text, when: subscriptions.muted(Muted(some_product(text), is_muted=True)),
    "subscriptions_muted": lambda text, when: subscriptions.subscriptions(
        SubscriptionsAnswer(text, (), (some_product(text),) * MANY)
    ),
    "burst": lambda text, when: bundle(many_told(text, when), NOW),
    "why": lambda text, when: why.why(why_answer(text, when), NOW),
    "channel_quiet": lambda text, when: card(text, when, AlertKind.CHANNEL_QUIET),
    "incident_line": lambda text, when: alerts.line(
        AlertFacts(
            replace(alert(AlertKind.AGREEMENT_REMINDER), account=text),
            EventKind.AGREEMENTS,
            title=text,
            agreement=some_incident(text, when),
        )
    ),
    **{
        f"incident_checked_{state}": lambda text, when, state=state: incidents.checked(
            Checked(AccountStatus(text, state, when or NOW, text, (text,) * MANY), some_incident(text, when)), NOW
        )
        for state in AgreementState
    },
    "incident_taken": lambda text, when: incidents.taken(Taken(some_incident("U1", when), text)),
    "incident_snoozed": lambda text, when: incidents.snoozed(Snoozed(some_incident(text, when)), NOW),
    "incident_dead": lambda text, when: incidents.dead(DeadIncident(text, True, some_incident(text, when)), NOW),
    "incident_dead_older": lambda text, when: incidents.dead(DeadIncident(text, True, current=some_incident(text, when)), NOW),
    "audit": lambda text, when: grants.audit(
        AuditAnswer(audit_lines(text, when), 10**9, 10**6 - 1, text, some_product(text)), NOW
    ),
    "revocable": lambda text, when: grants.revocable(RevocableAnswer(audit_lines(text, when), 10**9, of_everybody=True), NOW),
    "revoked": lambda text, when: grants.revoked(Revoked(10**9, text)),
    "on_the_phone": lambda text, when: download.on_the_phone(
        Ticket(replace(GRANT, expires_at=when or NOW), some_build(text, when), text, "https://x/" + "x" * 2990), NOW
    ),
    "choice_shared": lambda text, when: download.shared_choice(
        ChoiceAnswer(some_product(text), builds(text, when), {}, text), text, NOW
    ),
    "build_shared": lambda text, when: download.shared_build(some_build(text, when), some_product(text), {}, text, NOW),
    "waiting": lambda text, when: waiting.waiting(Blocked(Obstacle.PROCESSING, title=text), some_build(text, when)),
    "heads": lambda text, when: versions.heads(heads_answer(text, when), NOW),
    "heads_shared": lambda text, when: versions.shared(heads_answer(text, when), "U1", NOW),
    "builds": lambda text, when: versions.builds(builds_answer(text, when), NOW),
    "builds_shared": lambda text, when: versions.shared(builds_answer(text, when), "U1", NOW),
    "diff": lambda text, when: diff.diff(diff_answer(text, when), NOW),
    "diff_one_platform": lambda text, when: diff.diff(replace(diff_answer(text, when, 1), named=()), NOW),
    "diff_shared": lambda text, when: diff.shared(diff_answer(text, when), text, NOW),
    "diff_nothing": lambda text, when: diff.nothing(nothing_to_compare(text, when), NOW),
    "products": lambda text, when: versions.products(products_answer(text, when), NOW),
    "products_shared": lambda text, when: versions.shared(products_answer(text, when), "U1", NOW),
    "hundred_products": lambda text, when: versions.products(products_answer(text, when, 100), NOW),
    "ticket": lambda text, when: download.ticket(
        Ticket(GRANT, some_build(text, when), text, "https://x/" + "x" * LONG, timedelta.max), NOW
    ),
    "ticket_short": lambda text, when: download.ticket(
        Ticket(GRANT, some_build(text, when, platform=Platform.IOS), text, "https://x/" + "x" * 2990, timedelta(0)), NOW
    ),
    "choice": lambda text, when: download.choice(ChoiceAnswer(some_product(text), builds(text, when), {}), NOW),
    **{
        f"blocked_{obstacle}": lambda text, when, obstacle=obstacle: blocked(text, when, obstacle)  # type: ignore[misc]
        for obstacle in Obstacle
    },
    "no_such_product": lambda text, when: mistakes.no_such_product(
        NoSuchProduct(text, (some_product(text),) * MANY, "versions", text)
    ),
    "nothing_matches": lambda text, when: mistakes.nothing_matches(
        NothingMatches(some_product(text), BuildFilter(Platform.OTHER, text, text, text, text), freshness(text, when)), NOW
    ),
    "denied": lambda text, when: mistakes.denied(Denied(Denial.CHANNEL, (text,) * MANY)),
    "user_mistake": lambda text, when: mistakes.user_mistake(UserMistake(text)),
    "internal": lambda text, when: mistakes.internal(text),
    "status": lambda text, when: status.status(StatusAnswer(account_lines(text, when), {text: 10**12}), NOW),
    "apps": lambda text, when: status.apps(AppsAnswer(account_lines(text, when)), NOW),
    "agreements": lambda text, when: agreements.agreements(
        AgreementsAnswer(account_lines(text, when), (some_expiry(text, when),) * MANY), NOW
    ),
    "digest": lambda text, when: alerts.card(digest((some_expiry(text, when),) * 100, MANY), NOW),
    "subscriptions": lambda text, when: subscriptions.subscriptions(SubscriptionsAnswer(text, subscription_lines(text))),
    "subscribed": lambda text, when: subscriptions.subscribed(Subscribed(subscription_lines(text)[0], added=True)),
    "unsubscribed": lambda text, when: subscriptions.unsubscribed(Unsubscribed(subscription_lines(text))),
    "whoami": lambda text, when: whoami.whoami(
        WhoamiAnswer(Person(text), True, None, ((some_product(text), (text,) * MANY),) * MANY)
    ),
    "help_unknown": lambda text, when: help_view.unknown(help_view.Commands(), text, None),
    **{f"card_{kind}": lambda text, when, kind=kind: card(text, when, kind) for kind in AlertKind},  # type: ignore[misc]
}


@pytest.mark.parametrize("drawing", DRAWINGS)
def test_slack_accepts_absurd_words(drawing: str) -> None:
    """All words in one test: what pytest does for each would take longer than the drawings."""
    found = {words: problems(DRAWINGS[drawing](text, NOW - timedelta(days=1))) for words, text in WORDS.items()}
    accepted = {"more than one emoji"} if drawing == "user_mistake" else set()  # a person's own, shown to that person alone
    assert {words: wrong for words, wrong in found.items() if {*wrong} - accepted} == {}


@pytest.mark.parametrize("drawing", DRAWINGS)
def test_slack_accepts_absurd_times(drawing: str) -> None:
    found = {time: problems(DRAWINGS[drawing]("Shop", when)) for time, when in TIMES.items()}
    assert {time: wrong for time, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("drawing", DRAWINGS)
def test_own_small_print_survives_absurd_words(drawing: str) -> None:
    """What we have to say ourselves is never crowded out: the same blocks are there, rows apart."""
    ordinary, absurd = (DRAWINGS[drawing](text, NOW) for text in ("Shop", WORDS["ampersands"]))
    if drawing == "ticket":
        return
    assert [block["type"] for block in ordinary.blocks if block["type"] in ("context", "actions")] == [
        block["type"] for block in absurd.blocks if block["type"] in ("context", "actions")
    ]


def test_slack_accepts_nothing_at_all() -> None:
    messages = (
        versions.heads(HeadsAnswer(SHOP, (), {}, Freshness()), NOW),
        versions.builds(BuildsAnswer(SHOP, BuildFilter(), "", BuildPage((), 0), 0, 10, {}, Freshness()), NOW),
        versions.products(ProductsAnswer((), Freshness()), NOW),
        versions.shared(ProductsAnswer((), Freshness()), "U1", NOW),
        download.choice(ChoiceAnswer(SHOP, (), {}), NOW),
        *(download.blocked(Blocked(obstacle), NOW) for obstacle in Obstacle),
        mistakes.no_such_product(NoSuchProduct("", (), "download")),
        mistakes.nothing_matches(NothingMatches(SHOP, BuildFilter(), Freshness()), NOW),
        *(mistakes.denied(Denied(denial)) for denial in Denial),
        mistakes.user_mistake(UserMistake()),
        status.status(StatusAnswer((), {}), NOW),
        status.apps(AppsAnswer(()), NOW),
        agreements.agreements(AgreementsAnswer(()), NOW),
        *(alerts.card(AlertFacts(alert(kind), EventKind.AGREEMENTS), NOW) for kind in AlertKind),
    )
    assert {message.text: wrong for message in messages if (wrong := problems(message))} == {}


def test_ten_thousand_builds_show_the_first_and_count_the_rest() -> None:
    message = versions.heads(HeadsAnswer(SHOP, (IOS, *(ANDROID,) * (MANY - 1)), TITLES, Freshness(NOW)), NOW)
    rows = [block for block in message.blocks if block["type"] == "section"]
    assert "418" in rows[0]["text"]["text"]
    assert any(f"and {MANY - len(rows):,} more" in text for text in mrkdwn_texts(message))


@pytest.mark.parametrize("words", WORDS)
def test_show_more_goes_on_where_the_page_ends(words: str) -> None:
    page = BuildPage((some_build(WORDS[words], NOW),) * MANY, MANY)
    message = versions.builds(BuildsAnswer(SHOP, BuildFilter(), "shop", page, 0, MANY, TITLES, Freshness(NOW)), NOW)
    rows = sum(block["type"] == "section" for block in message.blocks) - 1
    asks = [decode_ask(element["value"]) for element in all_elements(message) if element["action_id"].startswith(Action.PAGE)]
    assert [ask.offset for ask in asks] == [rows]


def test_menu_asks_us_when_it_is_too_long() -> None:
    def menu(count: int) -> str:
        lines = tuple(ProductLine(Product(str(place), f"App {place}"), None) for place in range(count))
        message = versions.products(ProductsAnswer(lines, Freshness(NOW)), NOW)
        return next(e["type"] for e in all_elements(message) if e["action_id"].startswith(Action.PRODUCT_MENU))

    assert (menu(OPTIONS), menu(OPTIONS + 1)) == ("static_select", "external_select")


@pytest.mark.parametrize("words", WORDS)
def test_menu_options_are_acceptable_and_readable(words: str) -> None:
    options = product_options([some_product(WORDS[words])] * 3, "versions")
    for option in options:
        assert list(option_problems(option)) == []
        assert decode_ask(option["value"]).command == "versions"


def test_status_counts_what_it_does_not_show() -> None:
    message = status.status(StatusAnswer((AccountLine(WELL, "Apple"), *(AccountLine(DOWN, "Appcircle"),) * 99), {}), NOW)
    assert message.text == "100 accounts, 99 failing"
    assert "75 accounts more" in " ".join(mrkdwn_texts(message))
    assert "acme-store" in next(mrkdwn_texts(message))


def test_unknown_agreements_never_look_well() -> None:
    for state in (AgreementState.UNKNOWN, AgreementState.REFUSED, None):
        message = agreements.agreements(AgreementsAnswer((account_line("a", None, state),)), NOW)
        said = " ".join((message.text, *mrkdwn_texts(message)))
        assert "0 in force" in said
        assert " · in force" not in said
        assert "unknown" in said


def test_cleared_incident_says_how_long_it_took() -> None:
    facts = AlertFacts(alert(AlertKind.AGREEMENT_CLEARED, **INCIDENT, until=NOW.isoformat()), EventKind.AGREEMENTS)
    assert "It took 2 h 14 min." in " ".join(mrkdwn_texts(alerts.card(facts, NOW)))


def test_subscription_of_everything_names_no_product() -> None:
    assert subscriptions.described(SubscriptionLine(EVERYTHING, None)) == "*all products* · new builds, agreements, expiries"


def test_shared_card_has_no_share_button_and_no_ages() -> None:
    message = versions.shared(HeadsAnswer(SHOP, (IOS, ANDROID), TITLES, Freshness(NOW)), "U1", NOW)
    assert {element["action_id"].partition(":")[0] for element in all_elements(message)} == {Action.DOWNLOAD}
    assert not any(" ago" in text for text in mrkdwn_texts(message))


@pytest.mark.parametrize("state", [BuildState.PROCESSING, BuildState.FAILED, BuildState.EXPIRED])
def test_no_download_button_where_there_is_nothing_to_have(state: BuildState) -> None:
    gone = (replace(IOS, state=state), replace(IOS, expires_at=NOW), replace(IOS, handover=Handover.NONE))
    message = versions.heads(HeadsAnswer(SHOP, gone, TITLES, Freshness(NOW)), NOW)
    assert [element["action_id"] for element in all_elements(message)] == ["share:0"]


def test_two_accounts_of_one_provider_are_told_apart() -> None:
    titles = {"acme-apple": "App Store Connect", "acme-games": "App Store Connect"}
    message = versions.heads(HeadsAnswer(SHOP, (IOS, replace(IOS, account="acme-games")), titles, Freshness(NOW)), NOW)
    said = " ".join(mrkdwn_texts(message))
    assert "App Store Connect (acme-apple) · TestFlight" in said
    assert "App Store Connect (acme-games) · TestFlight" in said
