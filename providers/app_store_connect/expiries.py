"""Certificates and provisioning profiles with their ends. Pure; the read functions raise only Confused.

https://developer.apple.com/documentation/appstoreconnectapi/certificates and .../profiles
"""

from bot.domain.model import Expiry, ExpiryKind
from providers.app_store_connect.documents import Moment, Page, Resource, Text, Wire, attributes_of, read_page, readable

INVALID = "INVALID"


class _CertificateAttributes(Wire):
    name: Text = None
    certificate_type: Text = None
    expiration_date: Moment = None


class _ProfileAttributes(Wire):
    name: Text = None
    profile_state: Text = None
    expiration_date: Moment = None


def read_certificates(body: object, account: str, operation: str) -> Page[Expiry]:
    """A page of /v1/certificates."""
    return _present(read_page(body, account, operation, lambda resource, _: _certificate(resource, account)))


def read_profiles(body: object, account: str, operation: str) -> Page[Expiry]:
    """A page of /v1/profiles, without those that are invalid already: their end is no news."""
    return _present(read_page(body, account, operation, lambda resource, _: _profile(resource, account)))


def _certificate(resource: Resource, account: str) -> Expiry | None:
    about = attributes_of(resource, _CertificateAttributes)
    if about.expiration_date is None:
        return None
    name = about.name or (readable(about.certificate_type) if about.certificate_type else resource.id)
    return Expiry(account, ExpiryKind.CERTIFICATE, resource.id, name, about.expiration_date)


def _profile(resource: Resource, account: str) -> Expiry | None:
    about = attributes_of(resource, _ProfileAttributes)
    if about.expiration_date is None or about.profile_state == INVALID:
        return None
    return Expiry(account, ExpiryKind.PROFILE, resource.id, about.name or resource.id, about.expiration_date)


def _present(page: Page[Expiry | None]) -> Page[Expiry]:
    return Page(tuple(item for item in page.items if item is not None), page.next, page.total)
