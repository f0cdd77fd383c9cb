"""The providers side by side: how each is connected, filled and disturbed. What they must do stands in the tests, once."""

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pydantic import SecretStr

from bot.domain.model import Build, Platform
from bot.domain.ports import (
    ChecksAgreements,
    ListsApps,
    ListsBuilds,
    ListsExpiries,
    ListsFailedUploads,
    MintsLinks,
    OpensFiles,
    Probes,
    ReceivesWebhooks,
    RegistersWebhooks,
    RereadsBuilds,
    RereadsTogether,
    WebhookRequest,
)
from bot.sandbox.vendors import PretendAkana, PretendApp47, PretendAppcircle, PretendApplivery, PretendAppStoreConnect
from bot.sandbox.vendors.app_store_connect import sign_webhook
from providers.akana.client import Akana
from providers.akana.session import DEFAULT_LIFETIME, RENEW_BEFORE, SessionKeeper, shows_login
from providers.akana.wire import classify as akana_faults
from providers.app47 import wire as app47
from providers.app47.client import App47
from providers.app47.token import AccessToken
from providers.app_store_connect.client import AppStoreConnect
from providers.app_store_connect.client import classify as apple_codes
from providers.app_store_connect.pacing import Pacer
from providers.app_store_connect.token import TokenKeeper as AppleTokens
from providers.appcircle.client import Appcircle
from providers.appcircle.token import Exchange, api_key, personal_access_key, personal_api_token
from providers.appcircle.token import TokenKeeper as AppcircleTokens
from providers.applivery import publications
from providers.applivery import wire as applivery
from providers.applivery.client import Applivery
from providers.http import StaticBearer
from providers.spec import Surroundings
from tests.contracts.contract import (
    ABILITIES,
    FACTS,
    HOOK_SECRET,
    LESS,
    OTHER,
    START,
    Clock,
    Limits,
    System,
    Target,
    agreement_words,
    change_webhooks,
    check_account,
    hook,
    list_apps,
    list_builds,
    list_expiries,
    list_failed_uploads,
    mint_link,
    on,
    open_file,
    probe,
    register_webhooks,
    registration_words,
    reread_build,
    reread_builds,
)
from tests.contracts.sixth.harbour import wire as harbour
from tests.contracts.sixth.harbour.client import Harbour
from tests.contracts.sixth.pretend import PretendHarbour
from tests.contracts.troubles import OTHER_TYPES, TROUBLES

# Either the account does not have the call, or the app went away since the apps were listed.
NOT_OFFERED = {"404": "NotFound: not_offered", "410": "NotFound: not_offered"}
DELETED = {"404": "NotFound: gone"}
EVERYTHING = (*TROUBLES, "200 with an error inside")
NOTHING_LOST = dict.fromkeys(EVERYTHING, FACTS)
# What cannot be read there is read elsewhere.
FOUND_ELSEWHERE = {name: FACTS for name, trouble in TROUBLES.items() if trouble.ends.startswith(("Confused", "NotFound"))}


def _is_in_store(build: Build) -> bool:
    return build.track == "App Store"


def _is_ios(build: Build) -> bool:
    return build.platform is Platform.IOS and ":" not in build.app_id


def _is_submitted(build: Build) -> bool:
    return build.app_id.startswith("publish-ios:")


def _is_published(build: Build) -> bool:
    return build.track == publications.TRACK


class AkanaSystem(System):
    name = "akana"
    abilities = frozenset({ListsApps, ListsBuilds, RereadsBuilds, Probes})
    renews = True
    pages: ClassVar = {ListsApps: 100}
    one_is_an_object = True
    error_inside = b'{"faultcode": "Server", "faultstring": "An error occurred."}'
    error_inside_is = "Confused: fault"
    words = frozenset({"com.soa.app.state.sandbox"})
    needed = frozenset({"guid"})
    _nearly_over = DEFAULT_LIFETIME - RENEW_BEFORE
    _as_text: ClassVar = {OTHER_TYPES: OTHER}  # a list of one number is a text: with another id it is another app
    _no_login: ClassVar = {
        # No portal is asked a second time with a password: it may lock the user out.
        "401 then fine": "Refused: unauthorized",
        "429 then fine": "RateLimited: rate_limited",
        "500 then fine": "Unreachable: http_500",
        # What the portal counts as a wrong password.
        "400 HTML": "Refused: bad_credential",
        # The cookie is the login; without one there is none, whatever the body says.
        "truncated JSON": FACTS,
        "10 MB of tiny objects": FACTS,
        OTHER_TYPES: FACTS,
        "wrong types": "Refused: login_pending",
        "a bare list": "Refused: login_pending",
        "a bare number": "Refused: login_pending",
        "null": "Refused: login_pending",
        "an empty object": "Refused: login_pending",
    }
    targets = (
        Target("lists apps", ListsApps, "^/api/search$", list_apps, _as_text),
        Target("lists builds", ListsBuilds, "^/api/apps/[^/]+/versions$", list_builds, _as_text),
        Target("rereads a build", RereadsBuilds, "^/api/apps/[^/]+/versions$", reread_build, {OTHER_TYPES: "NotFound: gone"}),
        Target("probes", Probes, "^/api/search$", probe, {OTHER_TYPES: FACTS}),  # it only counts
        Target("logs in", ListsApps, "^/api/login$", list_apps, _no_login),
        Target("renews its session", ListsApps, "/renewToken$", list_apps, NOTHING_LOST, is_aside=True, late=_nearly_over),
    )

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.vendor = self.portal = PretendAkana(clock)
        self.portal.csrf_on_reads = True

    @classmethod
    def unheard(cls, value: Any) -> Any:
        """What is told by categories: {"domain": ..., "value": ...}."""
        if isinstance(value, dict) and value.get("value") in cls.words:
            return {**value, "value": "com.soa.app.state.from_the_future"}
        if isinstance(value, dict):
            return {name: cls.unheard(inner) for name, inner in value.items()}
        return [cls.unheard(item) for item in value] if isinstance(value, list) else value

    def client(self, url: str, surroundings: Surroundings, limits: Limits) -> Akana:
        http = self.http(surroundings, limits, classify=akana_faults(self.portal.tenant), refuses=shows_login)
        password = SecretStr(self.portal.password)
        session = SessionKeeper(http, url, self.portal.tenant, self.portal.username, password, surroundings.clock)
        return Akana(http, session, url)

    def add_app(self, name: str) -> Any:
        return self.portal.add_app(name)

    def add_build(self, app: Any, number: int, uploaded_at: datetime = START) -> Any:
        return self.portal.upload(app, f"1.{number}", uploaded_at=uploaded_at)

    @property
    def secrets(self) -> Sequence[str]:
        return [self.portal.password]


class App47System(System):
    name = "app47"
    abilities = frozenset({ListsApps, ListsBuilds, RereadsBuilds, MintsLinks, Probes})
    pages: ClassVar = {ListsApps: 100, ListsBuilds: 100}
    fills_pages = True
    error_inside = b'{"results": {"success": false, "message": "Something went wrong"}}'
    error_inside_is = "Confused: success_false"
    needed = frozenset({"id", "success", "type", "version"})  # a page is one of a version
    words = frozenset({"type", "platform", "environment", "status"})
    targets = (
        Target("lists apps", ListsApps, "^/api/v2/apps$", list_apps),
        Target("lists builds", ListsBuilds, "^/api/v2/apps/[^/]+/builds$", list_builds, NOT_OFFERED),
        Target("rereads a build", RereadsBuilds, "^/api/v2/apps/[^/]+$", reread_build),
        Target("mints a link", MintsLinks, "^/api/v2/apps/[^/]+$", mint_link),
        Target("probes", Probes, "^/api/v2$", probe),
        Target(
            "rereads a true build",
            RereadsBuilds,
            "^/api/v2/apps/[^/]+/builds/[^/]+$",
            on(lambda build: not app47.is_page(build), reread_build),
            FOUND_ELSEWHERE,
            is_aside=True,
        ),
    )

    def __init__(self, clock: Clock) -> None:
        self.vendor = self.catalog = PretendApp47(clock)

    def client(self, url: str, surroundings: Surroundings, limits: Limits) -> App47:
        http = self.http(surroundings, limits, classify=app47.classify)
        return App47(http, AccessToken(self.catalog.access_token), url, store_page="https://apps.acme.com")

    def add_app(self, name: str) -> Any:
        return self.catalog.add_app(name)

    def add_build(self, app: Any, number: int, uploaded_at: datetime = START) -> Any:
        return self.catalog.upload(app, f"1.{number}", str(number), uploaded_at=uploaded_at)

    def fill(self) -> None:
        super().fill()
        self.catalog.add_web_app("Intranet", "https://intranet.acme.com")

    def chosen(self, builds: Sequence[Build]) -> Build:
        """The web app: for it alone a question is asked before there is a link."""
        return next(build for build in builds if app47.is_page(build))

    @property
    def secrets(self) -> Sequence[str]:
        return [self.catalog.access_token]


class AppleSystem(System):
    name = "app_store_connect"
    reads_our_times = True  # when a token was made
    abilities = frozenset(ABILITIES) - {OpensFiles}
    renews = True
    pages: ClassVar = {ListsApps: 200, ListsBuilds: 200, ListsExpiries: 200}
    error_inside = b'{"errors": [{"status": "500", "code": "UNEXPECTED_ERROR", "title": "An unexpected error occurred."}]}'
    error_inside_is = "Confused: unexpected_shape"
    needed = frozenset({"id", "type", "state", "expirationDate"})  # what never ends does not expire
    # A role that may not ask about signing, and the path that a healthy account does not have, say nothing of agreements.
    _no_role: ClassVar = {"403": FACTS}
    _no_route: ClassVar = {"404": FACTS, "truncated JSON": FACTS}
    # What the key may not see is not there, and neither is what belongs to an app that is gone.
    _no_uploads: ClassVar = {"403": LESS, "404": LESS, "410": LESS}
    _hook = "^/v1/webhooks"
    _version = "^/v1/appStoreVersions/"
    words = frozenset(
        {
            "platform",
            "processingState",
            "internalBuildState",
            "externalBuildState",
            "appVersionState",
            "appStoreState",
            "phasedReleaseState",
            "profileState",
            "certificateType",
        }
    )
    targets = (
        Target("lists apps", ListsApps, "^/v1/apps$", list_apps),
        Target("lists builds", ListsBuilds, "^/v1/builds$", list_builds),
        Target("lists App Store versions", ListsBuilds, "^/v1/apps$", list_builds),
        Target("rereads a build", RereadsBuilds, "^/v1/builds/", reread_build),
        Target("rereads builds together", RereadsTogether, "^/v1/builds$", reread_builds),
        Target("mints a link, the build", MintsLinks, "^/v1/builds/", mint_link),
        Target("mints a link, its group", MintsLinks, "^/v1/betaGroups$", mint_link),
        Target("checks agreements", ChecksAgreements, "^/v1/apps$", check_account, rephrase=agreement_words),
        Target("probes", Probes, "^/v1/apps$", probe),
        Target("lists expiries, certificates", ListsExpiries, "^/v1/certificates$", list_expiries),
        Target("lists expiries, profiles", ListsExpiries, "^/v1/profiles$", list_expiries),
        Target("lists failed uploads", ListsFailedUploads, "/buildUploads$", list_failed_uploads, _no_uploads),
        Target("adds a webhook", RegistersWebhooks, _hook, register_webhooks, rephrase=registration_words, is_aside=True),
        Target("registers webhooks, the apps", RegistersWebhooks, "^/v1/apps$", register_webhooks),
        Target("registers webhooks", RegistersWebhooks, "/webhooks$", register_webhooks, rephrase=registration_words),
        Target("changes a webhook", RegistersWebhooks, f"{_hook}/", change_webhooks, rephrase=registration_words, is_aside=True),
        Target("asks about a version", ListsBuilds, _version, list_builds, NOTHING_LOST, is_aside=True),
        Target("rereads a version", RereadsBuilds, _version, on(_is_in_store, reread_build), is_aside=True),
        Target("mints a store page", MintsLinks, _version, on(_is_in_store, mint_link), is_aside=True),
        Target(
            "probes the account",
            ChecksAgreements,
            "^/v1/agreements$",
            check_account,
            _no_role | _no_route,
            agreement_words,
            is_aside=True,
        ),
        Target("probes signing", ChecksAgreements, "^/v1/certificates$", check_account, _no_role, agreement_words, is_aside=True),
    )

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.vendor = self.apple = PretendAppStoreConnect(clock)

    @classmethod
    def going_on(cls, page: Any, answer: Any) -> Any:
        """Apple's pages are known by the cursor in their address."""
        return {**page, "links": {"next": f"{answer['links']['self']}&limit=200"}}

    def client(self, url: str, surroundings: Surroundings, limits: Limits) -> AppStoreConnect:
        pacer = Pacer(surroundings.clock, self.clock.sleep)
        key = self.apple.team_key
        return AppStoreConnect(
            self.http(surroundings, limits, classify=apple_codes, on_answer=pacer.heard),
            AppleTokens(key.private_key, key.key_id, key.issuer_id, surroundings.clock),
            url,
            surroundings.clock,
            pacer,
            is_team_key=True,
            webhook_secret=SecretStr(HOOK_SECRET),
        )

    def add_app(self, name: str) -> Any:
        return self.apple.add_app(name, f"com.acme.{name.lower().replace(' ', '')}")

    def add_build(self, app: Any, number: int, uploaded_at: datetime = START) -> Any:
        return self.apple.upload(app, f"1.{number}", str(number), uploaded_at=uploaded_at)

    def fill(self) -> None:
        shop = self.add_app("Shop")
        self.apple.add_group(shop)
        build = self.add_build(shop, 1)
        self.apple.add_store_version(shop, "1.0", state="READY_FOR_DISTRIBUTION", build=build)
        self.apple.fail_upload(shop, "1.1", "2", [("90717", "Invalid App Store Icon.")], uploaded_at=START)
        self.apple.add_certificate("Acme", "DISTRIBUTION", START + timedelta(days=30))
        self.apple.add_profile("Acme Shop", "IOS_APP_STORE", START + timedelta(days=30))

    def add_expiries(self, count: int) -> None:
        for number in range(count):
            self.apple.add_certificate(f"Acme {number}", "DISTRIBUTION", START + timedelta(days=number))

    def chosen(self, builds: Sequence[Build]) -> Build:
        return next(build for build in builds if build.track == "TestFlight")

    @property
    def secrets(self) -> Sequence[str]:
        return [self.apple.private_key_pem, HOOK_SECRET]

    def call(self, secret: str) -> WebhookRequest:
        return hook(self.apple.webhook(secret))

    def signed(self, body: bytes) -> WebhookRequest:
        return hook(sign_webhook(HOOK_SECRET, body))


class AppcircleSystem(System):
    name = "appcircle"
    abilities = frozenset({ListsApps, ListsBuilds, RereadsBuilds, OpensFiles, Probes, ReceivesWebhooks})
    renews = True
    error_inside = b'{"message": "Something went wrong"}'
    error_inside_is = "Confused: not_a_list"
    words = frozenset({"platformType", "publishType", "latestFlowStatus"})
    _package = "/package.ipa$|^/artifacts/"
    _dripping: ClassVar = {"slow drip": "Unreachable: timeout"}
    _profiles = "^/(store|distribution|publish)/v2/profiles(/ios|/android)?$"
    _versions = "^/store/v2/profiles/[^/]+/app-versions$"
    _in_v1_then: ClassVar = {"400 HTML": FACTS}  # v2 may not take the parameter
    _in_profiles: ClassVar = {"200 with an error inside": "Confused: missing_field:id"}
    _exchange: ClassVar = {
        # There is no bearer yet that could be renewed.
        "401 then fine": "Refused: unauthorized",
        "400 HTML": "Refused: bad_credential",
        "200 with an error inside": "Confused: missing_field:access_token",
    }
    targets = (
        Target("lists apps", ListsApps, _profiles, list_apps),
        Target("lists builds", ListsBuilds, _versions, list_builds, _in_v1_then),
        Target("lists builds of Testing Distribution", ListsBuilds, "^/distribution/v2/profiles/", list_builds, _in_profiles),
        Target("lists builds of Publish", ListsBuilds, "^/publish/v2/profiles/ios/", list_builds),
        Target("rereads a build", RereadsBuilds, _versions, reread_build, _in_v1_then),
        Target("opens a file", OpensFiles, "/download-update$", open_file, is_file=True),
        Target("probes", Probes, _profiles, probe),
        Target("exchanges its token", ListsApps, "^/auth/", list_apps, _exchange),
        Target(
            "reads a manifest", OpensFiles, "/download-update$", on(_is_ios, open_file), _dripping, is_file=True, is_aside=True
        ),
        Target("opens a package", OpensFiles, _package, on(_is_ios, open_file), is_file=True, is_aside=True),
        Target("reads a link", OpensFiles, "^/publish/.*/app-versions/[^/]+$", on(_is_submitted, open_file), is_aside=True),
    )

    def __init__(self, clock: Clock) -> None:
        self.vendor = self.circle = PretendAppcircle(clock)

    def client(self, url: str, surroundings: Surroundings, limits: Limits) -> Appcircle:
        http = self.http(surroundings, limits)
        return Appcircle(
            http, AppcircleTokens(http, url, self.exchange, surroundings.clock), url, url, webhook_secret=HOOK_SECRET
        )

    @property
    def exchange(self) -> Exchange:
        return personal_api_token(self.circle.personal_api_token)

    def add_app(self, name: str) -> Any:
        return self.circle.add_app(name, f"com.acme.{name.lower().replace(' ', '')}")

    def add_build(self, app: Any, number: int, uploaded_at: datetime = START) -> Any:
        return self.circle.upload(app, f"1.{number}", str(number), uploaded_at=uploaded_at, size=40_000)

    def fill(self) -> None:
        super().fill()
        for module, platform in ((self.circle.distribution, ""), (self.circle.publishing, "ios")):
            profile = module.add_profile("Shop", "com.acme.shop", platform)
            module.upload(profile, "1.1", "1", uploaded_at=START - timedelta(days=1))
        twin = self.circle.add_app("Shop for iOS", "com.acme.shop")
        self.circle.upload(twin, "1.1", "1", platform="ios", uploaded_at=START - timedelta(days=1), size=40_000)

    @property
    def secrets(self) -> Sequence[str]:
        return [self.circle.personal_api_token, HOOK_SECRET]

    def call(self, secret: str) -> WebhookRequest:
        return hook(self.circle.webhook(secret))

    def signed(self, body: bytes) -> WebhookRequest:
        return WebhookRequest({"ac_signature": hmac.new(HOOK_SECRET.encode(), body, "sha256").hexdigest()}, body)


class AppliverySystem(System):
    name = "applivery"
    signs = False
    abilities = frozenset({ListsApps, ListsBuilds, RereadsBuilds, MintsLinks, Probes, ReceivesWebhooks})
    pages: ClassVar = {ListsApps: 100, ListsBuilds: 100}
    error_inside = b'{"status": false, "error": {"code": 1000, "message": "Internal error"}}'
    error_inside_is = "Confused: status_false"
    needed = frozenset({"id", "status", "os", "application", "type", "visibility", "distributionUrl"})
    words = frozenset({"status", "os", "buildPlatform", "visibility", "security"})
    _apps = "^/v1/organizations/acme/apps"
    _publication = "/pubApps/[^/]+$"
    targets = (
        Target("lists apps", ListsApps, f"{_apps}$", list_apps),
        Target("lists builds", ListsBuilds, f"{_apps}/[^/]+/builds$", list_builds),
        Target("lists publications", ListsBuilds, "/pubApps$", list_builds),
        Target("rereads a build", RereadsBuilds, f"{_apps}/[^/]+/builds/[^/]+$", reread_build),
        Target("mints a link", MintsLinks, "/downloadToken$", mint_link),
        Target("probes", Probes, f"{_apps}$", probe),
        Target("probes a store", Probes, "/pubApps$", probe, is_aside=True),
        Target("rereads a publication", RereadsBuilds, _publication, on(_is_published, reread_build), is_aside=True),
        Target("mints the page of a publication", MintsLinks, _publication, on(_is_published, mint_link), is_aside=True),
    )

    def __init__(self, clock: Clock) -> None:
        self.vendor = self.workspace = PretendApplivery(clock)

    @classmethod
    def going_on(cls, page: Any, answer: Any) -> Any:
        return {**page, "data": {**page["data"], "hasNextPage": True, "totalDocs": None}}

    def client(self, url: str, surroundings: Surroundings, limits: Limits) -> Applivery:
        return Applivery(
            self.http(surroundings, limits, classify=applivery.classify),
            StaticBearer(self.workspace.service_account_token),
            self.workspace.organization,
            url,
            url,
            store_id=self.workspace.store.id,
            webhook_secret=HOOK_SECRET,
        )

    def add_app(self, name: str) -> Any:
        return self.workspace.add_app(name, f"com.acme.{name.lower().replace(' ', '')}")

    def add_build(self, app: Any, number: int, uploaded_at: datetime = START) -> Any:
        return self.workspace.upload(app, f"1.{number}", str(number), uploaded_at=uploaded_at)

    def fill(self) -> None:
        shop = self.add_app("Shop")
        self.add_build(shop, 1)
        self.workspace.store.publish(shop.id, "shop")

    def chosen(self, builds: Sequence[Build]) -> Build:
        return next(build for build in builds if build.track == applivery.TRACK)

    @property
    def secrets(self) -> Sequence[str]:
        return [self.workspace.service_account_token, HOOK_SECRET]

    def call(self, secret: str) -> WebhookRequest:
        return hook(self.workspace.webhook(), {"secret": secret})

    def signed(self, body: bytes) -> WebhookRequest:
        return WebhookRequest({}, body, {"secret": HOOK_SECRET})


class HarbourSystem(System):
    """The sixth, of tests/contracts/sixth: that it is here is all that a new provider needs to be held to the same."""

    name = "harbour"
    needed = frozenset({"id", "name"})
    abilities = frozenset({ListsApps, ListsBuilds, RereadsBuilds, MintsLinks, Probes})
    pages: ClassVar = {ListsApps: 100, ListsBuilds: 100}
    error_inside = b'{"error": "Something went wrong"}'
    error_inside_is = "Confused: error"
    words = frozenset({"platform", "state"})
    targets = (
        Target("lists apps", ListsApps, "^/v1/apps$", list_apps),
        Target("lists builds", ListsBuilds, "/builds$", list_builds),
        Target("rereads a build", RereadsBuilds, "/builds/[^/]+$", reread_build),
        Target("mints a link", MintsLinks, "/links$", mint_link),
        Target("probes", Probes, "^/v1/apps$", probe),
    )

    def __init__(self, clock: Clock) -> None:
        self.vendor = self.harbour = PretendHarbour(clock)

    @classmethod
    def going_on(cls, page: Any, answer: Any) -> Any:
        return {**page, "next": "1"}

    def client(self, url: str, surroundings: Surroundings, limits: Limits) -> Harbour:
        http = self.http(surroundings, limits, classify=harbour.classify)
        return Harbour(http, StaticBearer(self.harbour.token), url)

    def add_app(self, name: str) -> Any:
        return self.harbour.add_app(name)

    def add_build(self, app: Any, number: int, uploaded_at: datetime = START) -> Any:
        return self.harbour.upload(app, f"1.{number}", str(number), uploaded_at=uploaded_at)

    @property
    def secrets(self) -> Sequence[str]:
        return [self.harbour.token]


class AkanaWithApps(AkanaSystem):
    """Apps that are configured are asked for one by one."""

    _versions = "^/api/apps/[^/]+/versions$"
    targets = (
        Target("lists configured apps", ListsApps, _versions, list_apps, {"404": "less"}, is_aside=True),
        Target("probes configured apps", Probes, _versions, probe, is_aside=True),
    )

    def client(self, url: str, surroundings: Surroundings, limits: Limits) -> Akana:
        http = self.http(surroundings, limits, classify=akana_faults(self.portal.tenant), refuses=shows_login)
        password = SecretStr(self.portal.password)
        session = SessionKeeper(http, url, self.portal.tenant, self.portal.username, password, surroundings.clock)
        return Akana(http, session, url, list(self.portal.apps))


class App47WithoutSingleBuilds(App47System):
    """The list is read again where one build cannot be asked for."""

    targets = (
        Target(
            "finds a build in the list",
            RereadsBuilds,
            "^/api/v2/apps/[^/]+/builds$",
            on(lambda build: not app47.is_page(build), reread_build),
            is_aside=True,
        ),
    )

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.catalog.shows_builds = False


class AppcircleByAccessKey(AppcircleSystem):
    targets = (Target("exchanges an access key", ListsApps, "^/auth/v3/", list_apps, AppcircleSystem._exchange, is_aside=True),)

    @property
    def exchange(self) -> Exchange:
        return personal_access_key(self.circle.personal_api_token)


class AppcircleByApiKey(AppcircleSystem):
    targets = (
        Target("exchanges an API key", ListsApps, "^/auth/v1/api-key/", list_apps, AppcircleSystem._exchange, is_aside=True),
    )

    @property
    def exchange(self) -> Exchange:
        return api_key(self.circle.api_key_name, self.circle.api_key_secret)


SYSTEMS: tuple[type[System], ...] = (AkanaSystem, App47System, AppleSystem, AppcircleSystem, AppliverySystem, HarbourSystem)
# The same providers, set up in another way: what is special about it is tried, and nothing else.
VARIANTS: tuple[type[System], ...] = (AkanaWithApps, App47WithoutSingleBuilds, AppcircleByAccessKey, AppcircleByApiKey)
