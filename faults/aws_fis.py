"""aws-fis: an experiment of AWS's own Fault Injection Service, in a real account."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec

from brownout.debts import Debt
from brownout.errors import BadInput
from brownout.fault import Entry, fault
from brownout.hands import Hands, LeftOn, Turned
from faults._fis import DEBT, ENDED, ENDED_WELL, Experiment, Fis, FisError, new_token, stop_started
from faults._layers import WorldOnly

_BLIND_POLLS = 5  # in a row that failed: an experiment that nobody can watch must not go on
_NOT_BEGUN = frozenset({"pending", "initiating"})
_AGAINST_US = (ENDED | {"stopping"}) - {"completed"}


@fault(
    "aws-fis",
    Entry(
        family="cloud",
        colour="#e67e22",
        sees="Whatever the template's actions do to the account's real resources: instances stopped, subnets cut off, "
        "APIs that throttle.",
        seen=("met every day where teams rehearse AWS outages on their own account",),
        needs="an AWS account with an experiment template, and credentials that boto3 finds and that may call "
        "fis:GetExperimentTemplate, StartExperiment, GetExperiment, ListExperiments, StopExperiment and TagResource.",
        real=True,
    ),
)
@dataclass(frozen=True, kw_only=True)
class AwsFis(WorldOnly):
    """An experiment is started from a template, watched, and stopped.

    It is tagged ``brownout-run`` with a token that is written down before the start, so that ``brownout abort`` finds
    and stops it whatever became of the run. An experiment that FIS ends against our wish (a stop condition's alarm, a
    failed action, somebody's hand) ends the run.

    Attributes:
        template_id: the experiment template's, as ``EXT1a2b3c``.
        region: the template's, as ``us-east-1``.
        endpoint_url: where FIS is; empty for AWS itself.
        tags: more tags for the experiment.
        starts_within_s: how long it may take until it is running, in seconds.
        stops_within_s: how long it may take to end once told to, in seconds.
        poll_s: how often it is asked for its state, in seconds.
        without_stop_conditions: whether a template without a stop condition may be started, too. Such an experiment
            goes on whatever it does to the account.
    """

    template_id: str
    region: str
    endpoint_url: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    starts_within_s: Annotated[float, msgspec.Meta(gt=0.0)] = 120.0
    stops_within_s: Annotated[float, msgspec.Meta(gt=0.0)] = 120.0
    poll_s: Annotated[float, msgspec.Meta(gt=0.0)] = 2.0
    without_stop_conditions: bool = False

    def reaches(self) -> list[str]:
        """Return the template."""
        return [f"aws-fis:{self.region}/{self.template_id}"]

    async def turn(self, hands: Hands, at: Sequence[str]) -> Turned:
        """Start it and wait until it is running.

        Raises:
            BadInput: the template has no stop condition.
            FisError: it could not be started, or did not come to run; what was started is stopped.
            LeftOn: the same, but it may have been started, or may not have been stopped; the debt stands.
        """
        del at
        fis = Fis(region=self.region, endpoint_url=self.endpoint_url, poll_s=self.poll_s)
        self._check(await fis.template(self.template_id))
        token = new_token()
        what = {
            "region": self.region,
            "endpoint_url": self.endpoint_url,
            "template_id": self.template_id,
            "token": token,
        }
        strikes = [hands.owe(Debt(kind=DEBT, what=what))]
        try:
            experiment = await fis.start(self.template_id, token, self.tags)
            strikes.append(hands.owe(Debt(kind=DEBT, what={**what, "experiment": experiment.id})))
            strikes.pop(0)()
            await self._running(experiment)
        except BaseException as error:
            refused = isinstance(error, FisError) and error.refused
            try:
                found = await asyncio.shield(stop_started(fis, self.template_id, token))
            except FisError as second:
                raise LeftOn(f"{error or type(error).__name__}; what it may have started: {second}") from error
            if not (found or refused):
                raise LeftOn(f"{error or type(error).__name__}; the start may be heard later all the same") from error
            _all(strikes)
            raise
        return _Started(self, experiment, hands.call_off, strikes)

    def _check(self, template: Any) -> None:
        conditions = [one for one in template.get("stopConditions", ()) if one.get("source") != "none"]
        if not conditions and not self.without_stop_conditions:
            raise BadInput(
                f"aws-fis: template {self.template_id} in {self.region} has no stop condition, so nothing would end it "
                "if the account suffers more than was meant. Give it a CloudWatch alarm, or say "
                "without_stop_conditions: true."
            )

    async def _running(self, experiment: Experiment) -> None:
        begun = await experiment.until(lambda status: status not in _NOT_BEGUN, within_s=self.starts_within_s)
        if not begun:
            raise FisError(f"experiment {experiment.id} is {experiment.status} after {self.starts_within_s:g} s")
        if experiment.status in _AGAINST_US:
            raise FisError(f"experiment {experiment.id} did not run: {experiment.status}: {experiment.reason}")


def _all(strikes: list[Callable[[], None]]) -> None:
    while strikes:
        strikes.pop()()


class _Started:
    """An experiment that runs, the one who watches it, and its debts."""

    def __init__(
        self, told: AwsFis, experiment: Experiment, call_off: Callable[[str], None], strikes: list[Callable[[], None]]
    ) -> None:
        self._told, self._experiment = told, experiment
        self._call_off, self._strikes = call_off, strikes
        self._watch = asyncio.create_task(self._watched())

    async def _watched(self) -> None:
        blind = 0
        while self._experiment.status not in ENDED:
            await asyncio.sleep(self._told.poll_s)
            try:
                await self._experiment.refresh()
                blind = 0
            except FisError as error:
                blind += 1
                if blind == _BLIND_POLLS:
                    self._call_off(f"AWS FIS experiment {self._experiment.id} cannot be watched: {error}")
            if self._experiment.status in _AGAINST_US:
                self._call_off(
                    f"AWS FIS ended experiment {self._experiment.id} by itself ({self._experiment.status}): "
                    f"{self._experiment.reason}"
                )
                return

    def fired(self) -> int:
        """Return how many of its actions had begun to act, when it was last asked."""
        return self._experiment.ran

    async def recount(self) -> None:
        """Ask it once more; the last answer stands where there is none."""
        with contextlib.suppress(FisError):
            await self._experiment.refresh()

    async def undo(self) -> None:
        """Stop it and wait until it has ended.

        Raises:
            FisError: it has not; the debt stands.
        """
        self._watch.cancel()
        await asyncio.gather(self._watch, return_exceptions=True)
        await self._experiment.stop(within_s=self._told.stops_within_s)
        _all(self._strikes)

    async def undone(self) -> bool:
        """Read back whether it has ended, and not by failing: then its actions may have left something behind."""
        await self._experiment.refresh()
        return self._experiment.status in ENDED_WELL
