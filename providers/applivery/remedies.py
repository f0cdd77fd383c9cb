"""What to do about Applivery's refusals, in its own words."""

_ACCOUNTS = "Workspace Settings > Service Accounts, https://docs.applivery.com"

REMEDIES = {
    "unauthorized": f"use a Service Account token, not an App API token, and see that it still exists: {_ACCOUNTS}",
    "bad_credential": f"copy the Service Account token anew: {_ACCOUNTS}",
    "forbidden": f"give the service account a role in this workspace, Viewer or more: {_ACCOUNTS}",
    "http_402": "see the plan of the workspace: this API belongs to some of them, https://www.applivery.com/pricing/",
    "plan_limit": "see the plan of the workspace: it does not hold this, or its downloads of the month are used up,"
    " https://www.applivery.com/pricing/",
    "not_found": f"check organization, apps and store_id of this account, and that the token is of this workspace: {_ACCOUNTS}",
    "no_webhook_secret": "set webhook_secret of this account, and end the URL under Integrations > Webhook in it",
}
