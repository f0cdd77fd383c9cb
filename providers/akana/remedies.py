"""What to do about a portal's refusals, in Akana's own words."""

_LOGIN = "https://help.akana.com/content/current/cm/api/login/m_login_login.htm"

REMEDIES = {
    "login_pending": "log in to the portal as this user once: it wants something done first, such as a new password or an"
    f" agreement ({_LOGIN})",
    "login_stopped": "correct username and password, see that the portal has not locked the user out, and start Purser anew",
    "wrong_tenant": "set tenant to the federated member id: what every app id ends in"
    " (https://help.akana.com/content/current/cm/api/aaref/Ref_CookiesOnThePlatform.htm)",
    "unauthorized": f"compare username and password with the portal's ({_LOGIN})",
    "bad_credential": f"compare username and password with the portal's ({_LOGIN})",
    "forbidden": "make the user a member of the app's team, or an administrator of the business",
    "unknown_id": "correct apps of this account: every id ends in the tenant",
}
