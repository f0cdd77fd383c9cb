"""What a feature gets and gives: Slack's payloads boiled down to what features need."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.answers import Denied
from bot.domain.message import Home, Message, Modal
from bot.domain.model import Person, Product
from bot.domain.ports import Beside
from bot.views.ids import Action, Shortcut
from handlers.reasons import OK


@dataclass(frozen=True, slots=True)
class Ask:
    """Words of a person: from a slash command, a mention or a direct message. `words` exclude the command's own.

    `offset` is the first row wanted of a paged answer, `beside` the place in the log of downloads.
    """

    person: Person
    channel: str
    words: str
    offset: int = 0
    beside: Beside | None = None


@dataclass(frozen=True, slots=True)
class Click:
    """A pressed button or a chosen menu entry. `value` is as it came: decoding refuses what our views did not make.

    `is_private` says that nobody else sees the message with the button, so that an answer may take its place.
    """

    person: Person
    channel: str
    value: str
    is_private: bool = False


class Showing(StrEnum):
    """Who sees a reply, and where."""

    ONLY_YOU = "ephemeral"
    CHANNEL = "in_channel"
    INSTEAD = "instead"  # in the place of the message that was clicked, or of the answer before


@dataclass(frozen=True, slots=True)
class Newer:
    """What an answer has become. `is_news` says that it tells something else now, not only that it is younger."""

    message: Message
    is_news: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """A feature's answer. `later` runs behind it and brings what it has become. Where a click can open one, `modal` takes the
    message's place. `facts` are for the log: a `reason`, and what belongs to it."""

    message: Message
    showing: Showing = Showing.ONLY_YOU
    later: Callable[[], Awaitable[Newer]] | None = None
    modal: Modal | None = None
    facts: Mapping[str, str] = field(default_factory=lambda: OK)


@dataclass(frozen=True, slots=True)
class Form:
    """A submitted form. `channel` is what it is about, `values` are what was chosen, by the names of the inputs."""

    person: Person
    channel: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Call:
    """A shortcut of Slack's menus. `channel` is where it counts as called, `text` the message's whose menu it was."""

    person: Person
    channel: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Tab:
    """What a Home tab shows. `later` runs behind it and brings what it has become."""

    home: Home
    later: Callable[[], Awaitable[Home]] | None = None


FormFeature = Callable[[Form], Awaitable[Modal]]
Feature = Callable[[Ask], Awaitable[Reply]]
ClickFeature = Callable[[Click], Awaitable[Reply]]
ShortcutFeature = Callable[[Call], Awaitable[Reply]]
HomeFeature = Callable[[Person, str], Awaitable[Tab]]


@dataclass(frozen=True, slots=True)
class Routes:
    """The table of contents.

    `commands`: a slash command's name -> the word that it stands for ("/versions" -> "versions"; the root command stands for
    none). Words that no feature knows are a question for versions when one `names_product`, else for `fallback`. `open_to_all`
    names features that answer people who may see no build, `impersonal` those that answer without looking up who asks, and
    `suggest` finds products for a menu by text, channel and person. `forms`: a form's callback -> what its submission does.
    `home` draws a person's Home tab, given their conversation with us; presses of `alters_home` change what it shows.
    `denied` hears of the clicks of people who may have nothing at all.
    """

    features: Mapping[str, Feature]
    clicks: Mapping[Action, ClickFeature]
    commands: Mapping[str, str]
    fallback: Feature
    names_product: Callable[[str], Awaitable[bool]]
    open_to_all: frozenset[str]
    impersonal: frozenset[str]
    suggest: Callable[[str, str, Person], Awaitable[tuple[Product, ...]]]
    home: HomeFeature
    forms: Mapping[str, FormFeature] = field(default_factory=dict)
    shortcuts: Mapping[Shortcut, ShortcutFeature] = field(default_factory=dict)
    alters_home: frozenset[Action] = frozenset()
    denied: Mapping[Action, Callable[[Click, Denied], Awaitable[None]]] = field(default_factory=dict)
