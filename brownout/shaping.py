"""Shaping: how a target splits and copies its traffic on purpose, as its file describes it."""

import math
from collections.abc import Mapping
from typing import Annotated

import msgspec

from brownout.errors import BadInput
from brownout.topology import Topology

ROLLBACK_MAX_S = 10.0
_METHODS = ("DELETE", "PATCH", "POST", "PUT")
Ratio = Annotated[float, msgspec.Meta(gt=0.0, le=1.0)]


class Experiment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An A/B test: requests for ``model`` are split over arms. ``shares`` maps a place (one endpoint) to its share."""

    model: str
    shares: Mapping[str, Ratio]


class Shadow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A ``share`` of the requests for ``model`` also goes ``to`` a place (one endpoint), whose answers nobody gets.

    That endpoint serves nobody else who asks for the model while the others are well.
    """

    model: str
    to: str
    share: Ratio


class Rollback(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the experiment is ended while the target runs.

    Attributes:
        call: a request to the target, as ``METHOD /path body``; it is answered 2xx.
        back: the same, which puts the experiment on again.
        withdraws: the arm to which no request for the experiment's model goes any more.
        within_s: how long that may take.
    """

    call: str
    back: str
    withdraws: str
    within_s: Annotated[float, msgspec.Meta(gt=0.0, le=ROLLBACK_MAX_S)] = 5.0


class Shaping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a target shapes. Places are a topology's (``primary``, ``fallback``, an endpoint's name)."""

    experiment: Experiment | None = None
    rollback: Rollback | None = None
    shadow: Shadow | None = None

    @property
    def features(self) -> dict[str, bool]:
        """Return, by feature, whether it is described well enough to be held to it."""
        return {
            "ab-shares": self.experiment is not None,
            "flag-rollback": self.rollback is not None,
            "shadow-traffic": self.shadow is not None,
        }

    def check(self, *, where: str) -> None:
        """Raise `BadInput` for shares that are no shares, and for a rollback that cannot be made."""
        if self.experiment:
            _check_shares(self.experiment.shares, f"{where}.experiment.shares")
        if self.rollback is None:
            return
        arms = self.experiment.shares if self.experiment else {}
        if self.rollback.withdraws not in arms:
            said = ", ".join(arms) or "none (there is no experiment)"
            raise BadInput(f"{where}.rollback.withdraws: {self.rollback.withdraws!r} is no arm. Arms: {said}.")
        for name in ("call", "back"):
            read_call(getattr(self.rollback, name), where=f"{where}.rollback.{name}")

    def on(self, topology: Topology, *, where: str) -> "Shaping":
        """Return the same with every place as the endpoint that it is.

        Raises:
            BadInput: a place that is unknown, or several endpoints, or twice the same one.
        """
        names = {place: self._endpoint(place, topology, where) for place in self.places}
        experiment, rollback, shadow = self.experiment, self.rollback, self.shadow
        if experiment:
            shares = {names[place]: share for place, share in experiment.shares.items()}
            if len(shares) < len(experiment.shares):
                raise BadInput(f"{where}: two arms of the experiment are one endpoint: {', '.join(experiment.shares)}.")
            experiment = msgspec.structs.replace(experiment, shares=shares)
        if rollback:
            rollback = msgspec.structs.replace(rollback, withdraws=names[rollback.withdraws])
        if shadow:
            shadow = msgspec.structs.replace(shadow, to=names[shadow.to])
        return Shaping(experiment=experiment, rollback=rollback, shadow=shadow)

    @property
    def places(self) -> list[str]:
        """The places that it names."""
        return [*(self.experiment.shares if self.experiment else ()), *([self.shadow.to] if self.shadow else [])]

    def _endpoint(self, place: str, topology: Topology, where: str) -> str:
        found = topology.select(place, where=where)
        if len(found) != 1:
            raise BadInput(f"{where}: {place!r} is {len(found)} endpoints ({', '.join(found)}); name one of them.")
        return found[0]


def read_call(text: str, *, where: str = "") -> tuple[str, str, str]:
    """Return the method, path and body in ``METHOD /path body`` (the body may be left out).

    Raises:
        BadInput: it is not of this form.
    """
    method, _, rest = text.strip().partition(" ")
    path, _, body = rest.strip().partition(" ")
    if method not in _METHODS or not path.startswith("/"):
        place = f"{where}: " if where else ""
        raise BadInput(
            f"{place}{text!r} is no call. Write METHOD /path body with a method of {', '.join(_METHODS)}, such as "
            'POST /admin/flags {"ab": false}.'
        )
    return method, path, body.strip()


def _check_shares(shares: Mapping[str, float], where: str) -> None:
    if len(shares) < 2:
        raise BadInput(f"{where}: an experiment has two arms at least, not {len(shares)}.")
    total = math.fsum(shares.values())
    if not math.isclose(total, 1.0, abs_tol=1e-6):
        raise BadInput(f"{where}: they add up to {total:g}, and not to 1.")
