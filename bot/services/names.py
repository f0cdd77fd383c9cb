"""Forgiving names: case, spaces, dashes and small typos do not matter."""

from collections.abc import Iterable

from bot.domain.model import Product
from bot.domain.names import normalise

NEAR_ENOUGH = 65  # of 100; "shpo" is 75 to "shop", "xyz" is 0
MOST_SUGGESTIONS = 3
PLATFORM_SUFFIXES = ("foriphone", "forandroid", "forios", "android", "iphone", "ios")
LONGEST_NAME = 80  # more text than this is no name, and comparing it would only cost time


def join_name(name: str) -> str:
    """The name by which apps of different systems are taken for one ("Shop iOS" and "shop-android" are "shop")."""
    plain = normalise(name)
    for suffix in PLATFORM_SUFFIXES:
        if plain.endswith(suffix) and len(plain) > len(suffix):
            return plain.removesuffix(suffix)
    return plain


class NameIndex:
    """Finds products by what people call them."""

    def __init__(self, products: Iterable[Product]) -> None:
        self.products = tuple(products)
        self._by_name: dict[str, Product] = {}
        for product in self.products:
            for name in spellings(product):
                self._by_name.setdefault(name, product)

    def exact(self, text: str) -> Product | None:
        return self._by_name.get(normalise(text)) if len(text) <= LONGEST_NAME else None

    def near(self, text: str) -> tuple[Product, ...]:
        """The few products whose name looks like `text`, the likeliest first."""
        from rapidfuzz import process  # 2 MiB that only a typo needs

        asked = normalise(text[:LONGEST_NAME])
        hits = process.extract(asked, self._by_name.keys(), scorer=_likeness, score_cutoff=NEAR_ENOUGH, limit=10)
        return tuple({self._by_name[name].id: self._by_name[name] for name, _, _ in hits}.values())[:MOST_SUGGESTIONS]


def spellings(product: Product) -> list[str]:
    """Every normalised text that means this product, its own name first.

    "Shop Android", as one system may list it, does not mean the product: people who type it mean Shop, on Android.
    """
    apps = [app.name for app in product.apps if join_name(app.name) == normalise(app.name)]
    bundle_ids = [app.bundle_id for app in product.apps if app.bundle_id]
    return [normalise(name) for name in (product.name, *product.aliases, *apps, *bundle_ids)]


def closest(word: str, known: Iterable[str]) -> str | None:
    """The one known word that `word` most likely misspells."""
    from rapidfuzz import fuzz, process

    hit = process.extractOne(word[:LONGEST_NAME].casefold(), list(known), scorer=fuzz.ratio, score_cutoff=60)
    return hit[0] if hit else None


def _likeness(asked: str, name: str, **_: object) -> float:
    """Typos count by edit distance; the beginning of a name, or a name with words behind it, counts as near."""
    if min(len(asked), len(name)) >= 3 and (name.startswith(asked) or asked.startswith(name)):
        return 90.0
    from rapidfuzz import fuzz

    return fuzz.ratio(asked, name)
