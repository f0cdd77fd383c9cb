"""What to do about Appcircle's refusals, in its own words."""

_KEYS = "https://docs.appcircle.io/appcircle-api/api-authentication"

REMEDIES = {
    "unauthorized": f"make the credential anew in the root organization, and see that it has not expired: {_KEYS}",
    "bad_credential": f"compare the credential, and sub_organization or organization_id beside it, with what Appcircle"
    f" shows: {_KEYS}",
    "forbidden": "use a credential of the root organization: one of a sub-organization lists, and may not download; the modules"
    f" also want their roles: {_KEYS}",
    "not_found": "check api_url, auth_url and store_url of this account: none of them follows from another",
    "no_webhook_secret": "set webhook_secret of this account to the one under My Organization > Notifications > Webhook,"
    " https://docs.appcircle.io/account/my-organization/notifications/webhook",
}
