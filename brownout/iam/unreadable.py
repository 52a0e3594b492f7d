"""Zero knowledge: neither party's roles, nor any that they can become, read what is the other's."""

from collections.abc import Iterator, Mapping

from brownout.iam.doors import opens, reads
from brownout.iam.escrow import Kind
from brownout.iam.reach import Entered, reach
from brownout.iam.search import Found, Search

OTHERS: Mapping[Kind, tuple[str, ...]] = {"weights": ("customer", "escrow"), "tenant_data": ("provider", "escrow")}
"""The sides that must not read it; the owner's own may. An escrow account is neither's, and may be run by either."""


class Unreadable:
    """Judges it for one kind of secret.

    Args:
        kind: weights or tenant data.
        search: looks.
    """

    def __init__(self, kind: Kind, search: Search) -> None:
        self._kind = kind
        self._search = search
        self._reached: list[Entered] | None = None

    def __call__(self, region: str, found: Found) -> None:
        """Try what is kept in a region: to read it, and to change who may."""
        search = self._search
        found.doubts += self._not_exported()
        for held in search.held(self._kind, region, found):
            doors = [*reads(held, search.named), *opens(held)]
            for entered in self._others():
                search.attempt(entered, doors, search.anywhere, found)

    def _others(self) -> list[Entered]:
        """Return who is not meant to read it, and every role that one of these can become.

        That is asked of all regions at once: who has become a role in one of them is that role everywhere.
        """
        if self._reached is None:
            search, others = self._search, OTHERS[self._kind]
            readers = search.escrow.readers(self._kind)
            start = [one for one in search.subjects.of_sides(*others) if one.principal.arn not in readers]
            start += search.subjects.strangers()
            trusted = [name for name, side in search.escrow.federations.items() if side not in others]
            self._reached = reach(start, search.subjects.real, search.inquiry, search.ways_to_sts(), trusted=trusted)
        return self._reached

    def _not_exported(self) -> Iterator[str]:
        """Return whose roles would have to be known. Of the others, the worst is assumed instead."""
        escrow, exports = self._search.escrow, self._search.exports
        for name, account in escrow.accounts.items():
            if account.side not in OTHERS[self._kind] and account.id not in exports.accounts:
                yield f"who may become a role of account {name}, of which there is no get-account-authorization-details"
        for name in sorted(escrow.readers(self._kind)):
            if name not in exports.identities:
                yield f"who may become {name}, which may_read names and no export has"
