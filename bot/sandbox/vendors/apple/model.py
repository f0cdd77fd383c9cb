"""What a pretend App Store Connect account holds, and the ways in which it refuses."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum

_PLATFORMS = {"ios": "IOS", "macos": "MAC_OS", "tvos": "TV_OS", "visionos": "VISION_OS"}


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
    """`number` is what the API calls `version`; `version` stands on the pre-release version `train_id`."""

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
    groups: list[BetaGroup] = field(default_factory=list, repr=False)

    @property
    def apple_platform(self) -> str:
        return _PLATFORMS.get(self.platform, self.platform.upper())


@dataclass(frozen=True, slots=True)
class Certificate:
    id: str
    name: str
    certificate_type: str
    expires_at: datetime


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
