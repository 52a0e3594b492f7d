"""One batch, from its upload to its files, and what another tenant is told of it. No I/O: drivers play its steps.

Each line is a request of its own, and is judged as one (`loadgen.watch`); the exchanges about the batch are none.
"""

from collections import Counter
from collections.abc import Callable, Generator, Mapping
from typing import Any, NamedTuple, TypeAlias, TypeVar

import msgspec

from brownout.canary import CanaryMint
from brownout.clock import Clock
from brownout.evidence import ClientRecord
from brownout.wire import Dialect, HttpRequest
from brownout.workload import DueRequest
from loadgen.batch_lines import Filed, batch_file, filed, upload
from loadgen.batches import DueBatch
from loadgen.fetch import Fetch
from loadgen.plan import LoadPlan
from loadgen.prompts import address, caller_headers, http_request
from loadgen.replies import Replies
from loadgen.watch import Watch

POLL_S = 0.5
"""How often a client asks how far a batch has come: tests are short, and real ones ask by the minute."""

_SENT_ON_MAX = 5
_FILES, _BATCHES = "/v1/files", "/v1/batches"
_ENDED = {"completed", "failed", "expired", "cancelled"}
_GONE = {403, 404}


class Pause(NamedTuple):
    """A step in which nothing is asked, for so long."""

    for_s: float


Step: TypeAlias = Fetch | Pause
Returned = TypeVar("Returned")
Said: TypeAlias = Generator[Step, None, Returned]
"""Steps, and what they come to."""


class BatchTalk:
    """What one client says about one batch, and what comes of its lines.

    Where somebody looks at replies, another tenant asks for the batch and for its files, when it was made and when all
    is over: what it is given is looked at as a reply to that tenant.

    Args:
        plan: the load being played.
        dialect: the plan's dialect.
        due: the batch.
        mint: makes the canaries.
        start_s: when load started, on ``clock``.
        clock: the test's clock.
        record: takes the record of each line.
        replies: looks at what came, where somebody does.

    Attributes:
        fetched: how many exchanges there were so far.
    """

    def __init__(
        self,
        plan: LoadPlan,
        dialect: Dialect,
        due: DueBatch,
        mint: CanaryMint,
        *,
        start_s: float,
        clock: Clock,
        record: Callable[[ClientRecord], None],
        replies: Replies | None = None,
    ) -> None:
        self.fetched = 0
        self.name = f"batch-{due.number}"
        # A file is for one model alone (OpenAI's guide "Batch API").
        self._plan = msgspec.structs.replace(plan, models=[plan.models[due.number % len(plan.models)]])
        self._dialect, self._due, self._mint = dialect, due, mint
        self._clock, self._record, self._replies = clock, record, replies
        self._due_s = start_s + due.due_s
        self._taken = False
        self._times: Counter[str] = Counter()
        self._watches = {
            _custom_id(line): Watch(
                self._plan, dialect, line, start_s=start_s, clock=clock, record=self._noted(_custom_id(line))
            )
            for line in due.lines
        }

    def steps(self) -> Said[None]:
        """Yield what is to be played, one after the other; each exchange has been fed when the next is asked for."""
        yield Pause(max(self._due_s - self._clock.now_s(), 0.0))
        asked = {
            _custom_id(line): http_request(self._plan, self._dialect, line, self._mint) for line in self._due.lines
        }
        headers = self._headers(self._due.tenant)
        for watch in self._watches.values():
            watch.sent()
        path = next(iter(asked.values())).path
        sent = self._fetch("upload", upload(_FILES, batch_file(asked), f"{self.name}.jsonl", headers))
        yield sent
        file_id = _id_in(sent)
        if not file_id:
            self._unserved(sent)
            return
        wanted = {"input_file_id": file_id, "endpoint": path, "completion_window": "24h"}
        made = self._fetch("create", _posted(_BATCHES, wanted, headers))
        yield made
        batch_id = _id_in(made)
        if not batch_id:
            self._unserved(made)
            return
        self._taken = True
        yield from self._nosy(batch_id, {"input": file_id})
        told = yield from self._ended(batch_id)
        files = {"input": file_id} | _files_in(told)
        yield from self._collected({name: one for name, one in files.items() if name != "input"})
        yield from self._nosy(batch_id, files)

    def _ended(self, batch_id: str) -> Said[dict[str, Any]]:
        """Ask until the batch has ended; return it as it was then, and nothing where that was not seen."""
        while self._left_s() > POLL_S:
            yield Pause(POLL_S)
            look = yield from self._got("status", f"{_BATCHES}/{batch_id}")
            told = look.told() if look.served else {}
            if told.get("status") in _ENDED:
                return told
            if look.reply_status in _GONE:
                self._unserved(look)
                return {}
        yield Pause(max(self._left_s(), 0.0))
        for watch in self._watches.values():
            watch.gave_up()
        return {}

    def _got(self, what: str, path: str) -> Said[Fetch]:
        """Ask, and again where that was not served: who has handed in a batch waits it out."""
        while True:
            look = yield from self._get(what, path, self._due.tenant)
            if look.served or look.reply_status in _GONE or self._left_s() <= POLL_S:
                return look
            yield Pause(POLL_S)

    def _collected(self, files: Mapping[str, str]) -> Said[None]:
        """Read the files, and tell each line what became of it."""
        came: list[bytes] = []
        for name, file_id in files.items():
            content = yield from self._got(name, f"{_FILES}/{file_id}/content")
            came += [content.body] if content.served else []
        lines = [one for one in filed(came) if one.custom_id in self._watches]
        self._times.update(one.custom_id for one in lines)
        for one in lines:
            _feed(self._watches[one.custom_id], one)
        for watch in self._watches.values():
            watch.eof()  # who is in no file was given no answer at all

    def _nosy(self, batch_id: str, files: Mapping[str, str]) -> Said[None]:
        """Ask for all that there is of it as another tenant."""
        other = self._other()
        if self._replies is None or not other:
            return
        yield from self._get("status", f"{_BATCHES}/{batch_id}", other)
        for name, file_id in files.items():
            yield from self._get(name, f"{_FILES}/{file_id}/content", other)

    def _other(self) -> str:
        """Return the tenant who is nosy: the next that has a share of the load, or else the next there is."""
        tenants = self._plan.tenants
        place = tenants.index(self._due.tenant)
        others = [*tenants[place + 1 :], *tenants[:place]]
        shares = self._plan.workload.tenants
        return next((one for one in others if shares.get(one, 0) > 0), next(iter(others), ""))

    def _headers(self, tenant: str) -> dict[str, str]:
        return caller_headers(self._plan, tenant, "background")

    def _get(self, what: str, path: str, tenant: str) -> Said[Fetch]:
        """Ask, and go where one is sent on to, as clients of the API do; but nowhere else than to the target."""
        for _ in range(_SENT_ON_MAX):
            request = HttpRequest(method="GET", path=path, headers=self._headers(tenant))
            look = self._fetch(what, request, tenant)
            yield look
            base = f"{self._plan.url.rstrip('/')}/"
            moved_to = look.moved_to(address(self._plan, request))
            if not moved_to.startswith(base):
                break
            path = moved_to.removeprefix(base[:-1])
        return look

    def _fetch(self, what: str, request: HttpRequest, tenant: str = "") -> Fetch:
        self.fetched += 1
        until_s = self._clock.now_s() + self._plan.workload.patience_s
        return Fetch(
            f"{self.name}/{what}",
            request,
            tenant or self._due.tenant,
            until_s=until_s,
            clock=self._clock,
            replies=self._replies,
        )

    def _left_s(self) -> float:
        return self._due_s + self._plan.workload.batches.patience_s - self._clock.now_s()

    def _unserved(self, fetch: Fetch) -> None:
        """End all lines as the exchange has ended that they went down with."""
        for watch in self._watches.values():
            if fetch.reply_status is None:
                watch.went_down(fetch.outcome or "error", error=fetch.error)
            else:
                watch.status(fetch.reply_status, {})
                watch.received(fetch.body)
                watch.eof()

    def _noted(self, custom_id: str) -> Callable[[ClientRecord], None]:
        def note(record: ClientRecord) -> None:
            self._record(
                msgspec.structs.replace(
                    record,
                    first_token_s=None,
                    batch=self.name if self._taken else "",
                    filed=self._times[custom_id],
                )
            )

        return note


def _custom_id(line: DueRequest) -> str:
    return f"line-{line.number}"


def _posted(path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> HttpRequest:
    headers = {**headers, "Content-Type": "application/json"}
    return HttpRequest(method="POST", path=path, headers=headers, body=msgspec.json.encode(body))


def _id_in(fetch: Fetch) -> str:
    """Return the id of what was made; empty where nothing was."""
    made = fetch.told().get("id") if fetch.served else None
    return made if isinstance(made, str) else ""


def _files_in(told: Mapping[str, Any]) -> dict[str, str]:
    named = {name: told.get(f"{name}_file_id") for name in ("output", "error")}
    return {name: file_id for name, file_id in named.items() if isinstance(file_id, str) and file_id}


def _feed(watch: Watch, line: Filed) -> None:
    """Tell a request what its line in a file says, as if it had been answered by itself."""
    if line.response is not None:
        watch.status(line.response.status_code, {})
        watch.received(bytes(line.response.body))
        watch.eof()
    else:
        watch.went_down("error", error="unknown", code=line.error.code if line.error else "")
