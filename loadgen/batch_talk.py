"""One batch, from its upload to its files, and what another tenant is told of it. No I/O: drivers play its steps.

Each line is a request of its own, and is judged as one (`loadgen.watch`); the exchanges about the batch are none.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from brownout.canary import CanaryMint, Kind
from brownout.clock import Clock
from brownout.evidence import ClientRecord
from brownout.wire import Dialect, HttpRequest
from brownout.workload import DueRequest
from loadgen.batch_api import BATCHES, ENDED, FILES, content_of, create, files_in, id_in
from loadgen.batch_lines import Filed, batch_file, filed, upload
from loadgen.batches import DueBatch
from loadgen.fetch import Fetch
from loadgen.nosy import Nosy
from loadgen.plan import LoadPlan
from loadgen.plants import marks_of
from loadgen.prompts import address, caller_headers, http_request
from loadgen.replies import Replies
from loadgen.steps import Pause, Said
from loadgen.watch import Watch

POLL_S = 0.5
"""How often a client asks how far a batch has come: tests are short, and real ones ask by the minute."""

_SENT_ON_MAX = 5
_GONE = {403, 404}
_COPY_LOOKS = 8  # a copy of a handful of lines is played by then, and longer would be load for nothing


class BatchTalk:
    """What one client says about one batch, and what comes of its lines.

    Where somebody looks at replies, another tenant asks for the batch and for its files, when it was made and when all
    is over, and then makes a batch of its own of what was handed in: what it is given is looked at as a reply to that
    tenant. In a planted load the file's name and the batch's metadata bear a canary, as what is in the file does.

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
        marks = self._marks()
        for watch in self._watches.values():
            watch.sent()
        path = next(iter(asked.values())).path
        name = f"{self.name}-{marks['file']}" if marks else self.name
        sent = self._fetch("upload", upload(FILES, batch_file(asked), f"{name}.jsonl", headers))
        yield sent
        file_id = id_in(sent)
        if not file_id:
            self._unserved(sent)
            return
        metadata = {"case": marks["context"]} if marks else {}
        made = self._fetch("create", create(file_id, path, headers, metadata))
        yield made
        batch_id = id_in(made)
        if not batch_id:
            self._unserved(made)
            return
        self._taken = True
        nosy = self._nosy()
        if nosy:
            yield from nosy.looks(batch_id, {"input": file_id})
        came = files_in((yield from self._ended(batch_id)))
        yield from self._collected(came)
        if nosy:
            yield from nosy.looks(batch_id, {"input": file_id} | came)
            yield from nosy.takes(file_id, path, looks=_COPY_LOOKS)

    def _ended(self, batch_id: str) -> Said[dict[str, Any]]:
        """Ask until the batch has ended; return it as it was then, and nothing where that was not seen."""
        while self._left_s() > POLL_S:
            yield Pause(POLL_S)
            look = yield from self._got("status", f"{BATCHES}/{batch_id}")
            told = look.told() if look.served else {}
            if told.get("status") in ENDED:
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
            content = yield from self._got(name, content_of(file_id))
            came += [content.body] if content.served else []
        lines = [one for one in filed(came) if one.custom_id in self._watches]
        self._times.update(one.custom_id for one in lines)
        for one in lines:
            _feed(self._watches[one.custom_id], one)
        for watch in self._watches.values():
            watch.eof()  # who is in no file was given no answer at all

    def _nosy(self) -> Nosy | None:
        """Return who asks for what is not theirs; nobody, where nobody looks at what they are given."""
        other = self._other()
        if self._replies is None or not other:
            return None
        return Nosy(other, self._headers(other), self._fetch, self._get, pause_s=POLL_S)

    def _marks(self) -> dict[Kind, str]:
        """Return what the batch itself bears: the canaries of its first line, where the load is planted."""
        first = self._due.lines[0]
        return marks_of(self._mint, first.tenant, first.number) if self._plan.workload.planted else {}

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


def _feed(watch: Watch, line: Filed) -> None:
    """Tell a request what its line in a file says, as if it had been answered by itself."""
    if line.response is not None:
        watch.status(line.response.status_code, {})
        watch.received(bytes(line.response.body))
        watch.eof()
    else:
        watch.went_down("error", error="unknown", code=line.error.code if line.error else "")
