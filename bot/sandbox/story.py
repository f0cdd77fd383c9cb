"""The story that the demo and the journeys tell: what Acme has built, who works there, and what its developers do next."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from bot.sandbox.slack import Channel, ChannelKind, PretendSlack, User
from bot.sandbox.vendors.app_store_connect import PretendAppStoreConnect
from bot.sandbox.vendors.appcircle import BETA, LIVE, PretendAppcircle, StoreProfile, StoreVersion
from bot.sandbox.vendors.apple.model import AppleApp, AppleBuild
from bot.sandbox.vendors.applivery import AppliveryApp, AppliveryBuild, PretendApplivery

HOSTILE_NOTES = "Fixes for <!channel> & *bold* people, see <https://evil.test|the notes> and @here"
GERMAN_NOTES = "Warenkorb: Größen und Mengen lassen sich jetzt direkt ändern.\nBehoben: Absturz beim Öffnen alter Bestellungen."
FRENCH_NOTES = "Paiement en deux étapes. Corrige l’arrondi des prix « à partir de »."
JAPANESE_NOTES = "バーコードの読み取りが速くなりました。"
ARABIC_NOTES = "تحسين سرعة البحث وإصلاح بعض الأخطاء."


@dataclass(frozen=True, slots=True)
class Town:
    """The people and the conversations. `gus` is a guest, `eve` of another organisation, `grace` an owner of Purser."""

    ada: User
    ben: User
    grace: User
    gus: User
    eve: User
    general: Channel
    mobile: Channel
    releases: Channel
    partners: Channel
    outside: Channel
    archived: Channel


def settle(slack: PretendSlack) -> Town:
    """Fills a workspace. The bot is in every channel but `outside`."""
    people, places = slack.workspace.add_user, slack.workspace.add_channel
    ada, ben, grace = people("ada"), people("ben"), people("grace", is_admin=True)
    gus, eve = people("gus", is_restricted=True), people("eve", team="T0PARTNER")
    staff = (ada, ben, grace)
    return Town(
        ada,
        ben,
        grace,
        gus,
        eve,
        general=places("general", *staff, gus),
        mobile=places("mobile", *staff, gus),
        releases=places("releases", *staff, kind=ChannelKind.PRIVATE),
        partners=places("acme-partners", *staff, eve, is_shared=True),
        outside=places("random", *staff, with_bot=False),
        archived=places("mobile-2019", *staff, is_archived=True),
    )


@dataclass(frozen=True, slots=True)
class AppleShelf:
    """In App Store Connect: Shop, with a build in processing and one that has expired."""

    shop: AppleApp
    ready: AppleBuild
    processing: AppleBuild
    expired: AppleBuild


def fill_apple(apple: PretendAppStoreConnect, now: datetime) -> AppleShelf:
    shop = apple.add_app("Shop", "com.acme.shop")
    apple.add_group(shop)
    return AppleShelf(
        shop,
        expired=apple.upload(shop, "2.9.0", "377", uploaded_at=now - timedelta(days=97), notes=FRENCH_NOTES),
        ready=apple.upload(shop, "3.1.0", "412", uploaded_at=now - timedelta(days=3), notes=GERMAN_NOTES),
        processing=apple.upload(shop, "3.2.0", "418", uploaded_at=now - timedelta(minutes=9), processed=False),
    )


@dataclass(frozen=True, slots=True)
class AppliveryShelf:
    """In Applivery: Shop and Scanner for Android, Shop with a long past."""

    shop: AppliveryApp
    newest: AppliveryBuild
    scanner: AppliveryApp


def fill_applivery(applivery: PretendApplivery, now: datetime) -> AppliveryShelf:
    shop, scanner = applivery.add_app("Shop", "com.acme.shop"), applivery.add_app("Scanner", "com.acme.scanner")
    for age in range(14, 0, -1):
        applivery.upload(shop, f"3.0.{14 - age}", str(1400 - age), uploaded_at=now - timedelta(days=10 * age))
    newest = applivery.upload(
        shop, "3.1.0", "1412", uploaded_at=now - timedelta(hours=5), notes=HOSTILE_NOTES, branch="release/3.1"
    )
    applivery.upload(scanner, "0.9.4", "77", uploaded_at=now - timedelta(days=20), notes=JAPANESE_NOTES)
    return AppliveryShelf(shop, newest, scanner)


@dataclass(frozen=True, slots=True)
class AppcircleShelf:
    """In Appcircle's Enterprise App Store: Shop for Android, Courier for both platforms."""

    shop: StoreProfile
    newest: StoreVersion
    courier: StoreProfile
    courier_ios: StoreVersion


def fill_appcircle(appcircle: PretendAppcircle, now: datetime) -> AppcircleShelf:
    shop, courier = appcircle.add_app("Shop", "com.acme.shop"), appcircle.add_app("Courier", "com.acme.courier")
    newest = appcircle.upload(shop, "3.1.0", "1412", uploaded_at=now - timedelta(hours=4), notes=GERMAN_NOTES)
    appcircle.upload(courier, "1.8.1", "206", publish_type=BETA, uploaded_at=now - timedelta(days=1), notes=ARABIC_NOTES)
    ios = appcircle.upload(courier, "1.8.0", "203", platform="ios", publish_type=LIVE, uploaded_at=now - timedelta(days=6))
    return AppcircleShelf(shop, newest, courier, ios)


class Developers:
    """What Acme's developers do while one watches. Each act returns a sentence about it."""

    def __init__(
        self,
        apple: tuple[PretendAppStoreConnect, AppleShelf],
        applivery: tuple[PretendApplivery, AppliveryShelf],
        appcircle: tuple[PretendAppcircle, AppcircleShelf],
    ) -> None:
        self._apple = apple
        self._applivery = applivery
        self._appcircle = appcircle
        self._numbers = count(1)

    def acts(self) -> Iterator[Callable[[], str]]:
        """First the build in processing becomes ready; then new builds, turn by turn, without end."""
        yield self._finish
        while True:
            yield self._upload_android
            yield self._upload_courier
            yield self._upload_to_testflight

    def _finish(self) -> str:
        vendor, shelf = self._apple
        vendor.finish_processing(shelf.processing)
        return "Apple has finished processing Shop 3.2.0 (418)"

    def _upload_android(self) -> str:
        vendor, shelf = self._applivery
        number = next(self._numbers)
        build = vendor.upload(shelf.shop, f"3.2.{number}", str(1420 + number), notes=FRENCH_NOTES, branch="main")
        return f"a developer has uploaded Shop {build.version} ({build.number}) to Applivery"

    def _upload_courier(self) -> str:
        vendor, shelf = self._appcircle
        number = next(self._numbers)
        build = vendor.upload(shelf.courier, f"1.9.{number}", str(210 + number), platform="ios", notes=GERMAN_NOTES)
        return f"a developer has uploaded Courier {build.version} ({build.number}) to Appcircle"

    def _upload_to_testflight(self) -> str:
        vendor, shelf = self._apple
        number = next(self._numbers)
        build = vendor.upload(shelf.shop, f"3.3.{number}", str(430 + number), notes=HOSTILE_NOTES)
        return f"a developer has uploaded Shop {build.version} ({build.number}) to TestFlight"
