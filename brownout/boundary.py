"""Boundary: which endpoints a tenant's data may reach, and what of it may reach nothing else.

An escrow VPC, the European Union, a FedRAMP authorisation: each is a set of endpoints, given by name, by region, by
account, or by all of these, and the inference profiles that may be used there.

A cross-Region inference profile of Bedrock reaches wider than the endpoint it is called at: ``us.`` sends a prompt to
any region of its geography, ``global.`` to any commercial region at all, without a word of where it went
(`facts/wire.md` 1.7). So an endpoint is inside with the model itself, and with a profile only where that is named.
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase

import msgspec

from brownout.canary import KINDS, Kind
from brownout.dialects.bedrock_ids import GEOGRAPHIES, geography_covers
from brownout.errors import BadInput, unknown


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What a boundary asks of an endpoint. ``profile`` is the geography of the inference profile that it serves."""

    name: str
    region: str
    account: str = ""
    profile: str = ""


class Boundary(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line that the data of its tenants may not cross.

    Attributes:
        why: what it is for.
        endpoints: inside are these alone; empty: whichever the rest lets in.
        regions: patterns (``us-*``), of which an endpoint's region must match one; empty: any.
        accounts: of which an endpoint's must be one; empty: any, also one that nobody has named.
        inference_profiles: the geographies (``us``, ``eu``, ``global``) whose profiles may be used.
        never: the kinds of data that are kept in; all, where nothing is said. Of the others nobody asks where they go.
    """

    why: str = ""
    endpoints: list[str] = []
    regions: list[str] = []
    accounts: list[str] = []
    inference_profiles: list[str] = []
    never: list[Kind] = msgspec.field(default_factory=lambda: list(KINDS))

    def holds(self, place: Place) -> bool:
        """Return whether an endpoint is inside, with the model that it serves."""
        return not self.why_outside(place)

    def why_outside(self, place: Place) -> str:
        """Return what keeps an endpoint outside; empty where it is inside."""
        if self.endpoints and place.name not in self.endpoints:
            return "it is not among endpoints"
        if self.regions and not any(fnmatchcase(place.region, one) for one in self.regions):
            return f"its region {place.region} is none of {', '.join(self.regions)}"
        if self.accounts and place.account not in self.accounts:
            return f"its account {place.account or '(none is given)'} is none of {', '.join(self.accounts)}"
        if not self.lets(place.profile):
            return f"it serves an inference profile, {place.profile}., that inference_profiles does not name"
        return ""

    def lets(self, geography: str) -> bool:
        """Return whether an inference profile of a geography may be used; of none: the model itself."""
        return not geography or geography in self.inference_profiles

    def check(self, places: Sequence[Place], *, where: str) -> None:
        """Check it against the endpoints there are.

        Raises:
            BadInput: an endpoint, region or account that is not there; an endpoint that is named and yet outside; no
                such inference profile; a profile that reaches regions that the boundary does not let in; nothing that
                it keeps in; nothing inside at all.
        """
        if not self.never:
            raise BadInput(
                f"{where}.never: it keeps nothing in. Name at least one of {', '.join(KINDS)}, or leave it out for all."
            )
        self._check_names(places, where)
        for geography in self.inference_profiles:
            self._check_profile(geography, f"{where}.inference_profiles")
        for place in places:
            if place.name in self.endpoints and (why := self.why_outside(place)):
                raise BadInput(
                    f"{where}.endpoints: {place.name} is outside all the same: {why}. Mend that, or leave it out."
                )
        if not any(self.holds(place) for place in places):
            raise BadInput(
                f"{where}: no endpoint is inside; its tenants could not be served at all. "
                f"Of {places[0].name}, for one: {self.why_outside(places[0])}."
            )

    def _check_names(self, places: Sequence[Place], where: str) -> None:
        names = [place.name for place in places]
        for name in self.endpoints:
            if name not in names:
                raise unknown("endpoint", name, names, where=f"{where}.endpoints")
        for pattern in self.regions:
            if not any(fnmatchcase(place.region, pattern) for place in places):
                raise unknown("region", pattern, {place.region for place in places}, where=f"{where}.regions")
        accounts = {place.account for place in places if place.account}
        for account in self.accounts:
            if account not in accounts:
                raise unknown("account", account, accounts, where=f"{where}.accounts")

    def _check_profile(self, geography: str, where: str) -> None:
        if geography not in GEOGRAPHIES:
            raise unknown("inference profile", geography, GEOGRAPHIES, where=where)
        if self.regions and not geography_covers(geography, self.regions):
            raise BadInput(
                f"{where}: {geography}. profiles reach regions that {', '.join(self.regions)} does not let in. "
                "Widen regions, or leave the profile out."
            )
