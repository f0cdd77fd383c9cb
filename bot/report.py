"""Reports for people: a label, what there is to say, and below it what to do."""

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

LONGEST_LABEL = 28  # characters; a longer one has a line of its own


@dataclass(frozen=True, slots=True)
class Row:
    """`label` and `says` on one line; `mend` below. `mark` stands before them, in `style`."""

    label: str
    says: str
    mend: str = ""
    mark: str = ""
    style: str = ""


def print_rows(console: Console, rows: Iterable[Row]) -> None:
    """In columns. A terminal's lines are broken between words; other readers get whole lines."""
    rows = tuple(rows)
    marks = max((len(row.mark) + 2 for row in rows if row.mark), default=0)
    labels = 2 + min(max((len(row.label) for row in rows), default=0), LONGEST_LABEL)
    width = console.width if console.is_terminal else None
    for row in rows:
        first, *more = _lines(row, marks, labels, width)
        console.print(Text.assemble((f"{row.mark:<{marks}}", row.style), first), soft_wrap=True)
        for line in more:
            console.print(Text(line), soft_wrap=True)


def _lines(row: Row, marks: int, labels: int, width: int | None) -> Iterator[str]:
    """The first line is without its mark."""
    margin = " " * (marks + labels)
    first, *more = _wrapped(row.says, margin, width)
    if len(row.label) + 2 > labels:
        yield row.label
        yield first
    else:
        yield f"{row.label:<{labels}}{first[len(margin) :]}"
    yield from more
    if row.mend:
        advice, *more = _wrapped(row.mend, f"{margin}  ", width)
        yield f"{margin}→ {advice[len(margin) + 2 :]}"
        yield from more


def _wrapped(text: str, margin: str, width: int | None) -> list[str]:
    if width is None:
        return [margin + text]
    room = max(width, len(margin) + 20)
    wrapper = textwrap.TextWrapper(room, initial_indent=margin, subsequent_indent=margin)
    wrapper.break_long_words = wrapper.break_on_hyphens = False
    return wrapper.wrap(text)
