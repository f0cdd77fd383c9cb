"""What becomes the next message in a channel: one card, a line in a thread, or many alerts as one list."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from uuid import uuid4

from bot.domain.answers import AlertFacts, Untold
from bot.domain.model import ABOUT_BUILDS, Agreement, Alert, AlertKind, Card, Delivery, DeliveryState, EventKind
from bot.domain.ports import Repositories
from bot.services.access import Rules
from bot.services.agreements import cards_of, look_of
from bot.services.hearing import Listener
from bot.services.news import SILENT

MOST_CARDS = 5  # messages about builds within BURST; more of them become one list
BURST = timedelta(minutes=1)
TOGETHER = timedelta(days=7)  # a version that comes to another platform later than this gets a card of its own
SOON = timedelta(seconds=5)
A_MOMENT = timedelta(seconds=1)
MOST_KNOWN = 10_000  # alerts whose facts are kept
MOST_ORIGINS = 5  # request ids on one log line
ABOUT_INCIDENTS = (AlertKind.AGREEMENT_BLOCKED, AlertKind.AGREEMENT_REMINDER, AlertKind.AGREEMENT_CLEARED)


@dataclass(frozen=True, slots=True)
class Parcel:
    """Deliveries that are one message: `number` of them, held under `claim`. `id` is in its metadata; `facts` is what it says,
    newest first. Two hundred channels have theirs in hand at once, so it keeps what the deliveries say and not themselves.

    `tried_at` is when it was handed to Slack without our knowing what became of it; `origin` the request that brought what it
    tells, as log lines name it.
    `card` is the message to be brought up to date before: it shows `shown`. `thread` is the message in whose thread it stands.
    `is_list`: it is drawn as a list, even of one.
    """

    id: str
    channel: str
    claim: str
    facts: tuple[AlertFacts, ...]
    number: int = 1
    attempts: int = 0
    tried_at: datetime | None = None
    origin: Mapping[str, str] = field(default_factory=dict)
    card: Card | None = None
    shown: tuple[AlertFacts, ...] = ()
    thread: str | None = None
    is_list: bool = False

    @property
    def is_change(self) -> bool:
        """Whether it is a line in the thread of a card."""
        return self.card is not None and self.facts[0].alert.kind is not AlertKind.NEW_BUILD

    @property
    def is_silent(self) -> bool:
        """Whether it only brings its card up to date."""
        return self.is_change and SILENT in self.facts[0].alert.facts

    @property
    def look(self) -> str | None:
        """What its card shows of an incident."""
        incident = self.facts[0].agreement if self.is_about_incident else None
        return look_of(incident) if incident else None

    @property
    def is_about_incident(self) -> bool:
        return self.facts[0].alert.kind in ABOUT_INCIDENTS


class Packer:
    """Decides anew each time, so that what came meanwhile is seen. `rules` say what may be told where."""

    def __init__(self, rules: Rules, titles: Mapping[str, str], clock: Callable[[], datetime]) -> None:
        self._rules = rules
        self._facts = Facts(titles)
        self._clock = clock

    def take(self, repositories: Repositories, channel: str) -> Parcel | None:
        """Claims what is next in a channel; None: nothing is due, or somebody else is at it."""
        now = self._clock()
        quiet = repositories.quiet.get(channel)
        if quiet and quiet.probe_at > now:
            return None
        due = self._due(repositories, channel, now)
        if not due:
            return None
        together = due[:1] if quiet and not due[0].batch else self._together(repositories, channel, due, now)
        settled = self._settled(repositories, together, now)
        return self._claimed(repositories, channel, settled, now) if settled else None

    def forget(self) -> None:
        """What was read for parcels that are on their way."""
        self._facts.forget()

    def _settled(self, repositories: Repositories, chosen: Sequence[Delivery], now: datetime) -> Sequence[Delivery]:
        """What is said of a build must be what whoever changes it next believes to be said: while that is under way, it waits."""
        changing = repositories.catalogue.being_changed(d.alert.build_key for d in chosen if d.alert.build_key)
        waiting = [d for d in chosen if d.alert.build_key in changing]
        if waiting and chosen[0].batch:
            waiting = [*chosen]
        for delivery in waiting:
            repositories.outbox.put_off(delivery.id, now + A_MOMENT)
        return [delivery for delivery in chosen if delivery not in waiting] if waiting else chosen

    def _due(self, repositories: Repositories, channel: str, now: datetime) -> list[Delivery]:
        """Oldest first. What is about a build or an incident waits for an earlier message about it; what nobody wants any more is
        dropped."""
        waiting = repositories.outbox.open_in(channel)
        due = [d for d in waiting if d.state is DeliveryState.PENDING and d.due_at <= now]
        unwanted = self._unwanted(repositories, channel, due)
        for id, reason in unwanted.items():
            repositories.outbox.drop(id, reason)
        wanted = [d for d in waiting if d.id not in unwanted]
        first = {_subject(d.alert): d for d in reversed(wanted)}
        due_ids = {d.id for d in due}
        ready = []
        for delivery in (d for d in wanted if d.id in due_ids):
            before = first[_subject(delivery.alert)]
            if before.id in due_ids:
                ready.append(delivery)
            else:
                repositories.outbox.put_off(delivery.id, max(before.due_at, now + SOON))
        return ready

    def _unwanted(self, repositories: Repositories, channel: str, due: Sequence[Delivery]) -> Mapping[str, Untold]:
        """Delivery -> why it is not to be told: configuration, mutes and subscriptions may have changed since it was written."""
        over = {d.id: Untold.GONE for d in due if _is_over(repositories, d.alert)}
        about = [delivery for delivery in due if delivery.alert.product_id]
        if not about:
            return over
        listener = Listener(repositories, channel, self._rules)
        facts = zip(about, self._facts.of(repositories, [delivery.alert for delivery in about]), strict=True)
        reasons = {delivery.id: self._against(listener, delivery, told) for delivery, told in facts}
        return over | {id: reason for id, reason in reasons.items() if reason}

    def _against(self, listener: Listener, delivery: Delivery, told: AlertFacts) -> Untold | None:
        if told.product is None or told.event is None:
            return None
        if told.build is None or told.alert.kind not in ABOUT_BUILDS:
            return Untold.RESTRICTED if self._rules.news_denial(told.product, listener.channel) else None
        if told.is_gone and told.alert.kind is AlertKind.NEW_BUILD and not delivery.tried_at:  # or Slack may have it
            return Untold.GONE
        return listener.untold(told.product, told.build)

    def _together(self, repositories: Repositories, channel: str, due: Sequence[Delivery], now: datetime) -> Sequence[Delivery]:
        """The oldest, with what becomes one message with it."""
        first = due[0]
        if first.batch:
            return [d for d in repositories.outbox.batch(first.batch) if d.state is DeliveryState.PENDING]
        if first.is_digest:
            return [d for d in due if d.is_digest and not d.batch]
        new = self._new_cards(repositories, channel, due, now)
        lately = repositories.told.messages_since(channel, now - BURST)
        if len(lately) >= MOST_CARDS:
            return self._held_back(repositories, due, new, lately[-MOST_CARDS] + BURST)
        return new if first in new and len(new) + len(lately) > MOST_CARDS else due[:1]

    def _held_back(
        self, repositories: Repositories, due: Sequence[Delivery], new: Sequence[Delivery], until: datetime
    ) -> Sequence[Delivery]:
        """After so many cards, what follows waits until there may be another message, and then it is one."""
        held = {delivery.id for delivery in new}
        for id in held:
            repositories.outbox.put_off(id, until)
        return [delivery for delivery in due if delivery.id not in held][:1]

    def _new_cards(self, repositories: Repositories, channel: str, due: Iterable[Delivery], now: datetime) -> list[Delivery]:
        """What would be a message of its own in the channel."""
        unsure = {d.alert.build_key for d in due if d.tried_at}
        about = [d for d in due if d.alert.kind in ABOUT_BUILDS and not (d.batch or d.is_digest or d.alert.build_key in unsure)]
        keys = [d.alert.build_key for d in about if d.alert.build_key]
        standing = repositories.told.cards(channel, keys).keys()
        joining = repositories.told.version_cards(channel, keys, now - TOGETHER).keys()
        return [d for d in about if d.alert.build_key not in standing | joining]

    def _claimed(self, repositories: Repositories, channel: str, chosen: Sequence[Delivery], now: datetime) -> Parcel | None:
        first = chosen[0]
        is_list = bool(len(chosen) > 1 or first.batch or first.is_digest)
        batch = first.batch or uuid4().hex if is_list else None
        claim = uuid4().hex
        claimed = repositories.outbox.claim(channel, [delivery.id for delivery in chosen], now, claim, batch)
        taken = [delivery for delivery in chosen if delivery.id in claimed]
        if not taken or (first.batch and first.id not in claimed):
            return None  # whoever has the first one posts it; what we took is found in Slack later
        if batch is None:
            return self._alone(repositories, first, claim, now)
        facts = self._list(repositories, repositories.outbox.batch(batch) if first.batch else taken)
        return replace(_parcel(batch, claim, taken, facts), is_list=True)

    def _alone(self, repositories: Repositories, delivery: Delivery, claim: str, now: datetime) -> Parcel:
        alert, channel = delivery.alert, delivery.channel
        facts = (self._facts.of(repositories, [alert])[0],)
        parcel = _parcel(delivery.id, claim, [delivery], facts)
        if card := card_before(repositories, channel, alert):
            shown = self._list(repositories, repositories.outbox.batch(card.batch)) if card.batch else facts
            return replace(parcel, card=card, shown=shown, thread=card.root)
        return replace(parcel, thread=self._version_root(repositories, channel, alert, now))

    def _version_root(self, repositories: Repositories, channel: str, alert: Alert, now: datetime) -> str | None:
        """The card of the same version on another platform or of another provider, in whose thread this one belongs."""
        if alert.kind is not AlertKind.NEW_BUILD or alert.build_key is None:
            return None
        card = repositories.told.version_cards(channel, [alert.build_key], now - TOGETHER).get(alert.build_key)
        return card.root if card else None

    def _list(self, repositories: Repositories, together: Iterable[Delivery]) -> tuple[AlertFacts, ...]:
        """Every build once, newest first."""
        latest = {d.alert.build_key or d.id: d.alert for d in together}
        return tuple(self._facts.of(repositories, [*latest.values()][::-1]))


def _parcel(id: str, claim: str, taken: Sequence[Delivery], facts: tuple[AlertFacts, ...]) -> Parcel:
    origins = dict.fromkeys(delivery.alert.origin for delivery in taken if delivery.alert.origin)
    return Parcel(
        id,
        taken[0].channel,
        claim,
        facts,
        number=len(taken),
        attempts=max(delivery.attempts for delivery in taken),
        tried_at=max((delivery.tried_at for delivery in taken if delivery.tried_at), default=None),
        origin={"request_id": ",".join(islice(origins, MOST_ORIGINS))} if origins else {},
    )


def card_before(repositories: Repositories, channel: str, alert: Alert) -> Card | None:
    """The message that this alert changes, and in whose thread it belongs."""
    match alert.kind:
        case AlertKind.BUILD_CHANGED | AlertKind.NEW_BUILD if alert.build_key:
            return repositories.told.cards(channel, [alert.build_key]).get(alert.build_key)
        case AlertKind.AGREEMENT_CLEARED | AlertKind.AGREEMENT_REMINDER:
            ts = repositories.outbox.first_messages(cards_of(alert.account, alert.facts["since"])).get(channel)
            return Card(ts) if ts else None
        case _:
            return None


class Facts:
    """What alerts' cards show, as the store knows it now; read once for all channels, until apps, products or builds change."""

    def __init__(self, titles: Mapping[str, str]) -> None:
        self._titles = titles
        self._known: tuple[int, dict[str, AlertFacts]] = (0, {})

    def forget(self) -> None:
        self._known = (0, {})

    def of(self, repositories: Repositories, alerts: Sequence[Alert]) -> list[AlertFacts]:
        """In the order of the alerts."""
        revision = repositories.catalogue.revision()
        if self._known[0] != revision or len(self._known[1]) > MOST_KNOWN:
            self._known = revision, {}
        known = self._known[1]
        about_builds = [alert for alert in alerts if alert.kind in ABOUT_BUILDS]
        new = [alert for alert in about_builds if alert.id not in known]
        known.update(zip((alert.id for alert in new), gather(repositories, new, self._titles), strict=True))
        others = [alert for alert in alerts if alert.kind not in ABOUT_BUILDS]
        now = dict(zip((alert.id for alert in others), gather(repositories, others, self._titles), strict=True))
        return [now.get(alert.id) or known[alert.id] for alert in alerts]


def gather(repositories: Repositories, alerts: Sequence[Alert], titles: Mapping[str, str]) -> list[AlertFacts]:
    """What the alerts' cards show, as the store knows it now."""
    keys = [alert.build_key for alert in alerts if alert.build_key]
    builds, gone = repositories.catalogue.builds_by_key(keys), repositories.told.gone(keys)
    products = {id: repositories.catalogue.product(id) for id in {alert.product_id for alert in alerts if alert.product_id}}
    return [
        AlertFacts(
            alert=alert,
            event=alert.kind.event,
            product=products.get(alert.product_id or ""),
            build=builds.get(alert.build_key or ""),
            title=titles.get(alert.account, alert.account),
            agreement=_papers(repositories, alert),
            is_gone=alert.build_key in gone,
        )
        for alert in alerts
    ]


def _subject(alert: Alert) -> str:
    """What several alerts may be about one after the other."""
    if alert.kind in ABOUT_BUILDS and alert.build_key:
        return alert.build_key
    return f"{alert.account} {alert.facts.get('since')}" if alert.kind in ABOUT_INCIDENTS else alert.fingerprint


def _is_over(repositories: Repositories, alert: Alert) -> bool:
    """Nobody is reminded of what is over."""
    if alert.kind is not AlertKind.AGREEMENT_REMINDER:
        return False
    papers = _papers(repositories, alert)
    return papers is None or papers.until is not None


def _papers(repositories: Repositories, alert: Alert) -> Agreement | None:
    """The incident that the alert is about, as it stands now."""
    if alert.kind.event is not EventKind.AGREEMENTS:
        return None
    if "since" not in alert.facts:
        return repositories.agreements.current(alert.account)
    return repositories.agreements.incident(alert.account, datetime.fromisoformat(alert.facts["since"]))
