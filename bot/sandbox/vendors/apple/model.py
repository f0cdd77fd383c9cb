"""What a pretend App Store Connect account holds, and the ways in which it refuses."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum

_PLATFORMS = {"ios": "IOS", "macos": "MAC_OS", "tvos": "TV_OS", "visionos": "VISION_OS"}
_OLD_STATES = {"READY_FOR_DISTRIBUTION": "READY_FOR_SALE", "PROCESSING_FOR_DISTRIBUTION": "PROCESSING_FOR_APP_STORE"}


def apple_platform(platform: str) -> str:
    """Apple's word for one of ours; a word that Apple has not used yet is passed on."""
    return _PLATFORMS.get(platform, platform.upper())


@dataclass(eq=False, slots=True)
class AppleApp:
    """`id` is the numeric Apple ID, as text."""

    id: str
    name: str
    bundle_id: str
    sku: str


@dataclass(eq=False, slots=True)
class BetaGroup:
    """Internal groups have no public link. `every_build`: new uploads of the app join by themselves."""

    id: str
    app: AppleApp
    name: str
    created_at: datetime
    internal: bool
    link_id: str
    link_enabled: bool
    every_build: bool
    builds: dict[str, "AppleBuild"] = field(default_factory=dict, repr=False)


@dataclass(eq=False, slots=True)
class AppleBuild:
    """`number` is what the API calls `version`; `version` stands on the pre-release version `train_id`.

    `is_upload_alone`: it failed so early that there is an upload and no build.
    """

    id: str
    app: AppleApp
    train_id: str
    version: str
    number: str
    platform: str
    uploaded_at: datetime
    expires_at: datetime
    processing: str
    external_state: str
    review_state: str | None
    min_os: str
    audience: str
    notes: dict[str, str]
    upload_id: str
    internal_state: str = "IN_BETA_TESTING"
    errors: list[tuple[str, str]] = field(default_factory=list)
    groups: list[BetaGroup] = field(default_factory=list, repr=False)
    is_upload_alone: bool = False

    @property
    def apple_platform(self) -> str:
        return apple_platform(self.platform)


@dataclass(eq=False, slots=True)
class PhasedRelease:
    """`state`: INACTIVE, ACTIVE, PAUSED or COMPLETE; `day` counts to 7."""

    id: str
    state: str
    day: int


@dataclass(eq=False, slots=True)
class StoreVersion:
    """A version for the App Store. `state` is Apple's appVersionState, `old_state` its deprecated appStoreState."""

    id: str
    app: AppleApp
    version: str
    platform: str
    state: str
    created_at: datetime
    build: AppleBuild | None = None
    phased: PhasedRelease | None = None
    old_word: str | None = None
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def apple_platform(self) -> str:
        return apple_platform(self.platform)

    @property
    def old_state(self) -> str:
        return self.old_word or _OLD_STATES.get(self.state, self.state)


@dataclass(frozen=True, slots=True)
class Certificate:
    id: str
    name: str
    certificate_type: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Profile:
    """A provisioning profile. `state`: ACTIVE or INVALID."""

    id: str
    name: str
    profile_type: str
    expires_at: datetime
    state: str


class AgreementCode(StrEnum):
    """The codes of a 403 that mean an unsigned or expired agreement."""

    MISSING_OR_EXPIRED = "FORBIDDEN.REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED"
    MISSING_OR_EXPIRED_ERROR = "FORBIDDEN_ERROR.REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED"
    PLA_NOT_VALID = "FORBIDDEN_ERROR.PLA_NOT_VALID"
    PLA_NOT_ACCEPTED = "FORBIDDEN_ERROR.PLA_NOT_ACCEPTED"

    @property
    def text(self) -> tuple[str, str]:
        """Title and detail of the error."""
        return _AGREEMENT_TEXTS[self.partition(".")[2]]


_AGREEMENT_TEXTS = {
    "REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED": (
        "A required agreement is missing or has expired.",
        "This request requires an in-effect agreement that has not been signed or has expired.",
    ),
    "PLA_NOT_VALID": ("The program license agreement is not valid.", ""),
    "PLA_NOT_ACCEPTED": ("The updated program license agreement has not been accepted.", "The Account Holder must accept it."),
}


@dataclass(frozen=True, slots=True)
class _Text:
    code: str
    title: str
    detail: str


class KeyProblem(Enum):
    """403s that have nothing to do with agreements."""

    ROLE_TOO_LOW = _Text(
        "FORBIDDEN_ERROR", "This request is forbidden for security reasons", "The API key in use does not allow this request"
    )
    ACCOUNT_HOLDER_ONLY = _Text(
        "FORBIDDEN_ERROR",
        "This request is forbidden for security reasons",
        "This operation can only be performed by the Account Holder",
    )
    WRONG_VERB = _Text(
        "FORBIDDEN_ERROR",
        "The requested operation is not allowed",
        "The resource does not allow 'GET_COLLECTION'. Allowed operations are: CREATE, DELETE, GET_INSTANCE, UPDATE",
    )
    MISSING_ROLE = _Text("FORBIDDEN.MISSING_ROLE", "The API key has no role that allows this request.", "")
    UNABLE_TO_PROCESS = _Text("FORBIDDEN_ERROR", "Unable to process request.", "")
    NO_TEAM = _Text(
        "FORBIDDEN_ERROR", "Unable to process request.", "Unable to find a team with the given Content Provider ID '00000000'"
    )
