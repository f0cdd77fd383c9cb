"""Everything that features may ask for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.services.access import Access
from bot.services.audit import AuditLog
from bot.services.catalog import Catalog
from bot.services.diff import DiffDesk
from bot.services.home import HomeDesk
from bot.services.incidents import Incidents
from bot.services.links import Links
from bot.services.mentions import Mentions
from bot.services.phone import PhoneSender
from bot.services.refresh import Refresher
from bot.services.revoking import RevokingDesk
from bot.services.status import StatusDesk
from bot.services.subscriptions import SubscriptionDesk
from bot.services.waiting import WaitingRoom
from bot.services.why import WhyDesk
from bot.views.help import Commands


@dataclass(frozen=True, slots=True)
class Desk:
    """The services behind the features; `commands` are the names under which people reach them."""

    catalog: Catalog
    refresher: Refresher
    links: Links
    subscriptions: SubscriptionDesk
    status: StatusDesk
    incidents: Incidents
    waiting: WaitingRoom
    phone: PhoneSender
    revoking: RevokingDesk
    audit: AuditLog
    why: WhyDesk
    diff: DiffDesk
    home: HomeDesk
    mentions: Mentions
    access: Access
    commands: Commands
    clock: Callable[[], datetime]
