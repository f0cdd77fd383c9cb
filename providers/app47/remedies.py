"""What to do about App47's refusals, in its own words."""

_MEMBER = "Portal > Profile > My info, https://support.app47.com"

REMEDIES = {
    "unauthorized": f"copy the member's token anew: {_MEMBER}; it ends when its member leaves",
    "bad_credential": f"copy the member's token anew: {_MEMBER}",
    "forbidden": f"let somebody give the member whose token this is the permission to read the apps: {_MEMBER}",
}
