"""Which apps of which accounts are the same product: by configuration, by bundle id or package name, by name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.domain.model import App, Product
from bot.domain.ports import Catalogue
from bot.services.names import join_name


@dataclass(frozen=True, slots=True)
class ConfiguredProduct:
    """A `[[products]]` table. `apps` are (account, app id)."""

    name: str
    aliases: tuple[str, ...] = ()
    apps: tuple[tuple[str, str], ...] = ()
    channels: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


class Joiner:
    """Assigns apps to products inside one transaction."""

    def __init__(self, catalogue: Catalogue, configured: Sequence[ConfiguredProduct]) -> None:
        self._catalogue = catalogue
        self._configured = {app: product for product in configured for app in product.apps}
        self._by_app: dict[tuple[str, str], Product] = {}
        self._by_bundle: dict[str, Product] = {}
        self._by_name: dict[str, Product] = {}
        for product in catalogue.products():
            self._learn(product)

    def product_for(self, app: App) -> Product:
        """The app's product, made when there is none yet."""
        product = self._configured_product(app) or self._by_app.get((app.account, app.id)) or self._same(app)
        product = product or self._catalogue.add_product(app.name)
        self._learn(replace(product, apps=(*(known for known in product.apps if known.id != app.id), app)))
        return product

    def _configured_product(self, app: App) -> Product | None:
        wanted = self._configured.get((app.account, app.id))
        if wanted is None:
            return None
        found = self._by_name.get(join_name(wanted.name))
        if found is None:
            return self._catalogue.add_product(wanted.name, wanted.aliases)
        if (found.name, found.aliases) != (wanted.name, wanted.aliases):
            self._catalogue.update_product(found.id, wanted.name, wanted.aliases)
        return replace(found, name=wanted.name, aliases=wanted.aliases)

    def _same(self, app: App) -> Product | None:
        by_bundle = self._by_bundle.get(app.bundle_id.casefold()) if app.bundle_id else None
        return by_bundle or self._by_name.get(join_name(app.name))

    def _learn(self, product: Product) -> None:
        for name in (product.name, *product.aliases):
            self._by_name.setdefault(join_name(name), product)
        for app in product.apps:
            self._by_app[app.account, app.id] = product
            if app.bundle_id:
                self._by_bundle.setdefault(app.bundle_id.casefold(), product)


def with_bundle_ids(apps: Iterable[App], bundle_ids: Mapping[str, str]) -> list[App]:
    """Fills in what only the builds say (Appcircle's profiles carry no bundle id). `bundle_ids`: app id -> bundle id."""
    return [app if app.bundle_id else replace(app, bundle_id=bundle_ids.get(app.id)) for app in apps]
