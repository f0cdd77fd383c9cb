"""What a terminal shows while accounts are read: a line for each, with what has been found so far."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from bot.domain.ports import Step

APPS, BUILDS = "list apps", "list builds"


@dataclass(frozen=True, slots=True)
class Tally:
    """The sum of an account's steps. `left`: None where the vendor has said nothing."""

    requests: int = 0
    apps: int = 0
    builds: int = 0
    left: int | None = None

    def plus(self, step: Step) -> "Tally":
        return Tally(
            self.requests + step.requests,
            self.apps + (step.items if step.operation == APPS else 0),
            self.builds + (step.items if step.operation == BUILDS else 0),
            self.left if step.left is None else step.left,
        )

    def __str__(self) -> str:
        left = "" if self.left is None else f", {self.left:,} left"
        requests = _counted(self.requests, "request") + left
        return f"{requests:<27}{_counted(self.apps, 'app'):<12}{_counted(self.builds, 'build')}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


class AccountLines:
    """A line per account while the block lasts, on standard error; nothing where that is no terminal."""

    def __init__(self, accounts: Iterable[str]) -> None:
        self._tallies = dict.fromkeys(accounts, Tally())
        self._ended: dict[str, str] = {}
        self._spinner = Spinner("dots")
        self._terminal = Console(stderr=True)
        self._live = Live(get_renderable=self._drawn, console=self._terminal, transient=True, refresh_per_second=10)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def watch(self, step: Step) -> None:
        self._tallies[step.account] = self._tallies[step.account].plus(step)

    def end(self, account: str, says: str = "") -> None:
        """The account is read; `says` stands in place of what was found."""
        self._ended[account] = says or str(self._tallies[account])

    def _drawn(self) -> Text:
        turning = str(self._spinner.render(self._terminal.get_time()))
        width = max(map(len, self._tallies))
        lines = [
            f"{' ' if name in self._ended else turning} {name:<{width}}  {self._ended.get(name) or tally}"
            for name, tally in self._tallies.items()
        ]
        return Text("\n".join(lines), no_wrap=True, overflow="ellipsis")
