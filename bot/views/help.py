"""`/purser help`: every command with an example."""

from dataclasses import dataclass

from bot.domain.message import Message
from bot.views.limits import context, message, section
from bot.views.text import code


@dataclass(frozen=True, slots=True)
class Commands:
    """What the slash commands are called here; another app may own the usual names."""

    root: str = "/purser"
    versions: str = "/versions"
    download: str = "/download"


def usage(commands: Commands, note: str = "") -> Message:
    """`note` is an escaped sentence put first, such as why help is shown."""
    first = [section(note)] if note else []
    parts = [section(_asking(commands)), section(_being_told(commands)), section(_the_rest(commands))]
    small = context(
        "Names may be typed sloppily.",
        f"The same words work in a direct message to me or after mentioning me, without {code(commands.root)}.",
        "My Home tab shows what is live where. Slack's shortcuts have Get a build, and a message's menu Find builds mentioned.",
    )
    return message("How to ask me", [*first, *parts, small])


def unknown(commands: Commands, word: str, near: str | None) -> Message:
    """Help, with a word about the command that we do not know."""
    hint = f" Did you mean {code(f'{commands.root} {near}')}?" if near else ""
    return usage(commands, f"I do not know {code(word)}.{hint}")


def _asking(commands: Commands) -> str:
    return _lines(
        "*Builds*",
        (commands.versions, "every product and its newest build"),
        (f"{commands.versions} shop", "what is where: platform, track, state, age"),
        (f"{commands.versions} shop ios 3.2", "the builds of that version"),
        (f"{commands.download} shop android", "straight to the link"),
        (f"{commands.download} shop 418", "by build number"),
        (f"{commands.root} diff shop 3.1 3.2", "two versions side by side"),
    )


def _being_told(commands: Commands) -> str:
    root = commands.root
    return _lines(
        "*What this channel hears about*",
        (f"{root} subscribe shop", "new builds of one product"),
        (f"{root} subscribe shop ios track:testflight", "only some of them"),
        (f"{root} subscribe all agreements", "Apple agreements that block an account"),
        (f"{root} unsubscribe shop", "no longer"),
        (f"{root} subscriptions", "what stands"),
        (f"{root} why shop", "why it did or did not hear about something"),
    )


def _the_rest(commands: Commands) -> str:
    root = commands.root
    return _lines(
        "*The rest*",
        (f"{root} apps", "accounts and what is in them"),
        (f"{root} status", "last checks, and what cannot be read"),
        (f"{root} agreements", "Apple agreements and dates that end"),
        (f"{root} revoke", "links of yours that still open something"),
        (f"{root} audit shop", "who was given which link, for owners"),
        (f"{root} whoami", "what you may do here"),
    )


def _lines(title: str, *examples: tuple[str, str]) -> str:
    return "\n".join((title, *(f"`{words}` {meaning}" for words, meaning in examples)))
