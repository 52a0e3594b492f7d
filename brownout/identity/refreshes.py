"""Which credentials were given out when: the evidence of a refresh stampede, or of a caller that never refreshes."""

import datetime as dt
from collections import Counter, deque
from typing import NamedTuple

_REMEMBERED = 100_000


class Refresh(NamedTuple):
    """One credential given out: when, by which service, and for whom (a role's ARN, a service account's email)."""

    at: dt.datetime
    service: str
    principal: str


class Refreshes:
    """All credentials given out, the latest hundred thousand of them.

    Attributes:
        all: the oldest first.
    """

    def __init__(self) -> None:
        self.all: deque[Refresh] = deque(maxlen=_REMEMBERED)

    def note(self, service: str, principal: str, utc: dt.datetime) -> None:
        """Remember one."""
        self.all.append(Refresh(utc, service, principal))

    def count(self, *, service: str = "", since: dt.datetime | None = None) -> Counter[str]:
        """Return how many each principal was given.

        Args:
            service: by which service (``sts``, ``imds``, ``google_sts``, ``iam_credentials``, ``token``); empty: any.
            since: not earlier than this.
        """
        return Counter(
            one.principal for one in self.all if service in {"", one.service} and (since is None or one.at >= since)
        )
