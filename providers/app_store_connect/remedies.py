"""What to do about Apple's refusals, in App Store Connect's own words."""

_KEYS = "https://appstoreconnect.apple.com/access/integrations/api"

REMEDIES = {
    "unauthorized": "compare key_id, issuer_id (a team key has one, an individual key none) and private_key with Users and Access"
    f" > Integrations, {_KEYS}: the key may be revoked; and let NTP set this machine's clock",
    "bad_credential": f"compare key_id with Users and Access > Integrations, {_KEYS}",
    "forbidden": f"use a key with the role Developer or App Manager, from Users and Access > Integrations, {_KEYS}",
    "no_webhook_secret": "set webhook_secret of this account to a long random text",
}
