"""The one table: what was measured, beside what, and which bound it must keep."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """`ours` and `theirs` are in `unit`; a bound is one of the ratio, or of our value where `absolute`."""

    what: str
    ours: float
    beside: str
    theirs: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    absolute: bool = False

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs

    @property
    def is_kept(self) -> bool:
        value = self.ours if self.absolute else self.ratio
        too_much = self.at_most is not None and value > self.at_most
        too_little = self.at_least is not None and value < self.at_least
        return not (too_much or too_little)

    @property
    def bound(self) -> str:
        unit = f" {self.unit}" if self.absolute else ""
        if self.at_most is not None:
            return f"at most {self.at_most:g}{unit}"
        return f"at least {self.at_least:g}{unit}" if self.at_least is not None else ""


def draw(figures: Sequence[Figure]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("measured", "Purser", "beside", "ratio", "bound", ""):
        table.add_column(title, justify="right" if title in ("Purser", "ratio") else "left")
    for figure in figures:
        result = "" if not figure.bound else "kept" if figure.is_kept else "MISSED"
        ours, theirs = (f"{_short(value)} {figure.unit}".strip() for value in (figure.ours, figure.theirs))
        table.add_row(figure.what, ours, f"{figure.beside}: {theirs}", f"{figure.ratio:.2f}", figure.bound, result)
    return table


def _short(value: float) -> str:
    """Three digits are more than such measuring is worth."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def report(figures: Sequence[Figure]) -> bool:
    """Prints the table; whether every bound is kept."""
    Console(width=140).print(draw(figures))
    return all(figure.is_kept for figure in figures)
