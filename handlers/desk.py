"""Everything that features may ask for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.services.access import Access
from bot.services.catalog import Catalog
from bot.services.links import Links
from bot.services.refresh import Refresher
from bot.services.status import StatusDesk
from bot.services.subscriptions import SubscriptionDesk
from bot.views.help import Commands


@dataclass(frozen=True, slots=True)
class Desk:
    """The services behind the features; `commands` are the names under which people reach them."""

    catalog: Catalog
    refresher: Refresher
    links: Links
    subscriptions: SubscriptionDesk
    status: StatusDesk
    access: Access
    commands: Commands
    clock: Callable[[], datetime]
