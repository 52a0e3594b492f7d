"""AWS Fault Injection Service, as far as one experiment needs it: start, watch, stop, read back.

Every call blocks in boto3, so it is made in a thread. An experiment of ours is found by its tag, whoever looks for it:
the tag's value is the client token it was started with, which is on disk before the start.
"""

import asyncio
import importlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from brownout.debts import settles

T = TypeVar("T")

DEBT = "fis-experiment"
TAG = "brownout-run"
ENDED = frozenset({"completed", "stopped", "failed", "cancelled"})
# An experiment that ended so has taken back what its actions did. A failed one may not have.
ENDED_WELL = frozenset({"completed", "stopped", "cancelled"})
# The states of an action that had begun to act; "pending", "cancelled" and "skipped" ones never did.
_RAN = frozenset({"running", "completed", "stopping", "stopped"})
_CALL_S = 10.0
STOPS_WITHIN_S = 120.0


class FisError(Exception):
    """AWS FIS could not be asked, refused, or did not do what it was asked for.

    Attributes:
        refused: whether FIS itself said no: then nothing was done. Else nobody knows.
    """

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.refused = refused


@dataclass(frozen=True, kw_only=True)
class Fis:
    """The service in one region, with the credentials that boto3 finds.

    Attributes:
        endpoint_url: where it is; empty for AWS.
        poll_s: how often an experiment is asked for its state.
    """

    region: str
    endpoint_url: str = ""
    poll_s: float = 2.0
    _clients: list[Any] = field(default_factory=list, repr=False, compare=False)

    async def template(self, template_id: str) -> Mapping[str, Any]:
        """Return an experiment template."""
        reply = await self._call("get_experiment_template", id=template_id)
        return dict(reply["experimentTemplate"])

    async def start(self, template_id: str, token: str, tags: Mapping[str, str]) -> "Experiment":
        """Start an experiment; the same token starts no second one. A start once sent is waited for."""
        sent = asyncio.ensure_future(
            self._call(
                "start_experiment",
                clientToken=token,
                experimentTemplateId=template_id,
                tags={**tags, TAG: token},
            )
        )
        try:
            return Experiment(self, (await asyncio.shield(sent))["experiment"])
        except asyncio.CancelledError:
            await asyncio.wait([sent])  # what it started can be found only once it has
            raise

    async def get(self, experiment_id: str) -> Mapping[str, Any]:
        """Return an experiment as it is now."""
        return dict((await self._call("get_experiment", id=experiment_id))["experiment"])

    async def stop(self, experiment_id: str) -> None:
        """Ask for an experiment's end; `Experiment.stop` waits for it."""
        await self._call("stop_experiment", id=experiment_id)

    async def tagged(self, template_id: str, token: str) -> "list[Experiment]":
        """Return the experiments that were started with a token."""
        found: list[Experiment] = []
        more: dict[str, str] = {}
        while True:
            page = await self._call("list_experiments", experimentTemplateId=template_id, maxResults=100, **more)
            found += [Experiment(self, one) for one in page["experiments"] if one.get("tags", {}).get(TAG) == token]
            if not page.get("nextToken"):
                return found
            more = {"nextToken": page["nextToken"]}

    async def _call(self, name: str, **arguments: Any) -> dict[str, Any]:
        try:
            return await asyncio.to_thread(self._call_blocking, name, arguments)
        except (BotoCoreError, ClientError) as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"] if isinstance(error, ClientError) else 500
            raise FisError(f"AWS FIS in {self.region}: {name}: {error}", refused=status < 500) from error

    def _call_blocking(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        reply: dict[str, Any] = getattr(self._client(), name)(**arguments)
        return reply

    def _client(self) -> Any:
        if not self._clients:
            # Imported here: a tenth of a second that only runs against a real cloud have a use for.
            config = importlib.import_module("botocore.config").Config(
                connect_timeout=_CALL_S, read_timeout=_CALL_S, retries={"mode": "standard", "total_max_attempts": 3}
            )
            # A session of its own: boto3's default one is not for threads.
            session = importlib.import_module("boto3").session.Session()
            made = session.client("fis", region_name=self.region, endpoint_url=self.endpoint_url or None, config=config)
            self._clients.append(made)
        return self._clients[0]


class Experiment:
    """One experiment.

    Args:
        fis: where it is.
        document: what FIS said of it last.
    """

    def __init__(self, fis: Fis, document: Mapping[str, Any]) -> None:
        self._fis = fis
        self._document = document
        self.id: str = document["id"]

    @property
    def status(self) -> str:
        """Its state, when it was last asked for."""
        return str(self._document["state"]["status"])

    @property
    def reason(self) -> str:
        """Why it is in that state, in FIS's words."""
        return str(self._document["state"].get("reason", "no reason given"))

    @property
    def ran(self) -> int:
        """How many of its actions had begun to act, when it was last asked."""
        actions = self._document.get("actions", {}).values()
        return sum(action.get("state", {}).get("status") in _RAN and "startTime" in action for action in actions)

    async def refresh(self) -> None:
        """Ask for its state."""
        self._document = await self._fis.get(self.id)

    async def until(self, condition: Callable[[str], bool], *, within_s: float) -> bool:
        """Ask for its state until it is one of some kind; return whether that was so in time."""
        try:
            async with asyncio.timeout(within_s):
                while not condition(self.status):
                    await asyncio.sleep(self._fis.poll_s)
                    await self.refresh()
        except TimeoutError:
            return False
        return True

    async def stop(self, *, within_s: float = STOPS_WITHIN_S) -> None:
        """Stop it, and return once FIS says that it has ended. One that has ended is left so.

        Raises:
            FisError: it has not ended in time, or cannot be asked.
        """
        await self.refresh()
        if self.status in ENDED:
            return
        try:
            await self._fis.stop(self.id)
        except FisError:
            await self.refresh()
            if self.status not in ENDED:  # it may have ended between the question and the order
                raise
        if not await self.until(ENDED.__contains__, within_s=within_s):
            raise FisError(f"experiment {self.id} was told to stop, and is {self.status} {within_s:g} s later")


def new_token() -> str:
    """Return a client token: two runs of one seed are two experiments."""
    return uuid.uuid4().hex


@settles(DEBT)
def settle(what: Mapping[str, str]) -> None:
    """Stop whatever was started with a debt's token, and wait until it has ended. Blocks.

    Raises:
        FisError: it cannot be asked or found, or does not end.
    """
    fis = Fis(region=what["region"], endpoint_url=what["endpoint_url"], poll_s=0.5)
    asyncio.run(stop_started(fis, what["template_id"], what["token"]))


async def stop_started(fis: Fis, template_id: str, token: str) -> int:
    """Stop every experiment that was started with a token; return how many there were."""
    found = await fis.tagged(template_id, token)
    for experiment in found:
        await experiment.stop()
    return len(found)
