"""Which apps of which accounts are the same product: by configuration, by bundle id or package name, by name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.domain.model import App, Product
from bot.domain.names import normalise
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
        self._tables = {normalise(product.name): product for product in configured}
        self._by_own_name: dict[str, Product] = {}
        self._by_app: dict[tuple[str, str], Product] = {}
        self._by_bundle: dict[str, Product] = {}
        self._by_name: dict[str, Product] = {}
        for product in catalogue.products():
            self._learn(product)

    def product_for(self, app: App) -> Product:
        """The app's product, made when there is none yet."""
        table = self._configured.get((app.account, app.id)) or self._tables.get(normalise(app.name))
        known = self._product_of(table) if table else self._by_app.get((app.account, app.id)) or self._same(app)
        product = known or self._catalogue.add_product(app.name)
        self._learn(replace(product, apps=(*(known for known in product.apps if known.id != app.id), app)))
        return product

    def _product_of(self, table: ConfiguredProduct) -> Product:
        """A table's own product, and never that of another table: access rules may differ."""
        found = self._by_own_name.get(normalise(table.name)) or self._renamed(table)
        if found is None:
            return self._catalogue.add_product(table.name, table.aliases)
        if (found.name, found.aliases) != (table.name, table.aliases):
            self._catalogue.update_product(found.id, table.name, table.aliases)
        return replace(found, name=table.name, aliases=table.aliases)

    def _renamed(self, table: ConfiguredProduct) -> Product | None:
        """The product that had another name until now: all of its apps are the table's, and no other table has its name."""
        candidates = (self._by_app[app] for app in table.apps if app in self._by_app)
        free = (product for product in candidates if normalise(product.name) not in self._tables)
        return next((p for p in free if all((app.account, app.id) in table.apps for app in p.apps)), None)

    def _same(self, app: App) -> Product | None:
        by_bundle = self._by_bundle.get(app.bundle_id.casefold()) if app.bundle_id else None
        return by_bundle or self._by_name.get(join_name(app.name))

    def _learn(self, product: Product) -> None:
        self._by_own_name[normalise(product.name)] = product
        for name in (product.name, *product.aliases):
            self._by_name.setdefault(join_name(name), product)
        for app in product.apps:
            self._by_app[app.account, app.id] = product
            if app.bundle_id:
                self._by_bundle.setdefault(app.bundle_id.casefold(), product)


def unlisted(catalogue: Catalogue, configured: Iterable[ConfiguredProduct]) -> Mapping[str, Sequence[str]]:
    """Product -> its configured apps, as "account:app id", that their account was never seen to list. An account that was never
    read says nothing."""
    read = {health.name for health in catalogue.health() if health.ok_at is not None}
    listed = {name: {app.id for app in catalogue.apps(name)} for name in read}
    found = {
        product.name: [f"{account}:{app}" for account, app in product.apps if account in read and app not in listed[account]]
        for product in configured
    }
    return {name: apps for name, apps in found.items() if apps}


def with_bundle_ids(apps: Iterable[App], bundle_ids: Mapping[str, str]) -> list[App]:
    """Fills in what only the builds say (Appcircle's profiles carry no bundle id). `bundle_ids`: app id -> bundle id."""
    return [app if app.bundle_id else replace(app, bundle_id=bundle_ids.get(app.id)) for app in apps]
