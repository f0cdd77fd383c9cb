"""How App47 knows who asks: https://support.app47.com (API v2 Overview)"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A member's token, in a header of App47's own. It never changes: a 401 is final."""

    token: str = field(repr=False)

    async def headers(self) -> Mapping[str, str]:
        return {"Access-Token": self.token}

    async def renew(self) -> None:
        return None
