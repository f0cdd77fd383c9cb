"""The systems that Purser can read. ADDING.md tells how to add one; the line here switches it on."""

from collections.abc import Mapping

from providers import akana, app47, app_store_connect, appcircle, applivery
from providers.spec import ProviderSpec

SPECS: Mapping[str, ProviderSpec] = {
    spec.name: spec
    for spec in (
        akana.SPEC,
        app47.SPEC,
        app_store_connect.SPEC,
        appcircle.SPEC,
        applivery.SPEC,
    )
}
