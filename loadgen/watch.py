"""One request under observation: what happened on its connection goes in, one `ClientRecord` comes out.

Both drivers feed it, and it does no I/O, so that they cannot disagree on what counts as success.
"""

import contextlib
import errno
import socket
from collections.abc import Callable, Mapping
from typing import Literal

from brownout.answer import read_reply
from brownout.canary import COMMON, canary_id
from brownout.clock import Clock
from brownout.evidence import ClientOutcome, ClientRecord
from brownout.tape import Tape, header_pairs
from brownout.wire import Dialect, End, HttpReply, Refusal, StreamReader, Token
from brownout.workload import DueRequest
from loadgen.plan import LoadPlan
from loadgen.replies import HELD_BYTES, Replies

# Out of files, ports or memory: this machine failed, and the target must not be blamed for it.
_OWN_FAULT = {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM}
_NOT_CONNECTED = {errno.ECONNREFUSED, errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN}
_REFUSAL_BYTES = 65536  # an error page longer than this says nothing more


class Watch:
    """The observer of one request, from when it is due until it has ended.

    It ends once: it keeps its ``result`` and calls ``record`` then. Whatever is fed later changes nothing of that, so a
    driver may go on reading to hand a connection back; when it is done, it says `over`.
    ``due_s`` is when the request is due, on ``clock``.

    Args:
        plan: the load being played.
        dialect: the plan's dialect.
        due: the request.
        start_s: when load started, on ``clock``.
        clock: the test's clock; every instant in the record is read from it.
        record: what takes the finished record.
        replies: looks at what came, where somebody does.
        tape: takes all that came, also what came after the end; the same.
    """

    def __init__(
        self,
        plan: LoadPlan,
        dialect: Dialect,
        due: DueRequest,
        *,
        start_s: float,
        clock: Clock,
        record: Callable[[ClientRecord], None],
        replies: Replies | None = None,
        tape: Tape | None = None,
    ) -> None:
        self.result: ClientRecord | None = None
        self.due_s = start_s + due.due_s
        self._plan = plan
        self._client = dialect.client
        self._due = due
        self._clock = clock
        self._record = record
        self._canary = canary_id(due.tenant, due.number)
        self._question = "" if due.common is None else canary_id(COMMON, due.common)
        self._asked = self._question or self._canary
        self._sent_s: float | None = None
        self._first_token_s: float | None = None
        self._status: int | None = None
        self._headers: Mapping[str, str] = {}
        self._reader: StreamReader | None = None
        self._body = bytearray()
        self._text = ""
        self._replies = replies
        self._came = bytearray()
        self._came_whole = False
        self._tape = tape
        self._pieces: list[tuple[float, bytes]] = []

    def left_s(self) -> float:
        """Return how many seconds of the client's patience are left; negative when it is over."""
        return self.due_s + self._plan.workload.patience_s - self._clock.now_s()

    def sent(self) -> None:
        """Note that the request is being handed to the socket layer."""
        self._sent_s = self._clock.now_s()

    def status(self, status: int, headers: Mapping[str, str]) -> None:
        """Note the reply's status and headers (a mapping that does not care about case)."""
        self._status = status
        self._headers = headers
        if status == 200 and self._due.stream:
            self._reader = self._client.reader()

    def received(self, data: bytes) -> None:
        """Take bytes of the reply's body, as they arrived."""
        if self._replies is not None and len(self._came) < HELD_BYTES:
            self._came += data  # also what comes behind an answer's end: the client was given it
        if self._tape is not None:
            self._pieces.append((self._clock.now_s(), data))
        if self.result is not None:
            return
        if self._reader is not None:
            self._stream(self._reader, data)
        elif self._status == 200 or len(self._body) < _REFUSAL_BYTES:
            self._body += data

    def eof(self) -> None:
        """Note that the reply's body is over, in the way HTTP says it is."""
        self._came_whole = True
        self._taped()
        if self.result is not None:
            return
        if self._status is None:
            self._end("error", error="reset")
        elif self._status != 200:
            self._refused(self._status)
        elif self._reader is not None:
            self._end("truncated")
        else:
            self._whole()

    def transport_error(self, error: BaseException) -> None:
        """Note that the connection could not be made, or broke."""
        self._taped()
        if self.result is not None:
            return
        if self._status is None:
            outcome, said = unanswered_by(error)
            self._end(outcome, error=said)
        elif self._status != 200:
            self._refused(self._status)
        else:
            self._end("error", error="reset")

    def went_down(self, outcome: ClientOutcome, *, error: str = "", code: str = "") -> None:
        """Note how a request ended that was asked within another: with that one, or by what that one says of it."""
        if self.result is None:
            self._end(outcome, error=error, code=code)

    def gave_up(self) -> None:
        """Note that the client's patience is over. A request not even sent by then is the generator's failure."""
        self._taped()
        if self.result is None:
            self._end("unsent" if self._sent_s is None else "hung")

    def over(self) -> None:
        """Note that nothing more will come: whoever looks at replies is given all that came."""
        if self._replies is not None:
            came, self._came = bytes(self._came), bytearray()
            self._replies.look(
                self._canary, self._due.tenant, self._headers, came, whole=self._came_whole, question=self._question
            )

    def _taped(self) -> None:
        """Tape what came, once."""
        tape, self._tape = self._tape, None
        if tape is not None:
            now_s = self._clock.now_s()
            tape.reply(
                canary=self._canary,
                status=self._status,
                headers=header_pairs(self._headers),
                pieces=self._pieces,
                at_s=now_s if self._sent_s is None else self._sent_s,
                end_s=now_s,
            )

    def _stream(self, reader: StreamReader, data: bytes) -> None:
        try:
            events = reader.feed(data)
        except Refusal as refusal:
            for text in self._tokens_before_refusal(data):
                self._token(text)
            self._end("error", error=refusal.kind, retry_after_s=refusal.retry_after_s)
            return
        self._body += data
        for event in events:
            if isinstance(event, Token):
                self._token(event.text)
            elif isinstance(event, End):
                self._terminated()
                return

    def _tokens_before_refusal(self, data: bytes) -> list[str]:
        """Return the tokens that stand before the error frame in the bytes that hold it.

        A reader that raises returns no events. Whether tokens came in one piece with the error is the network's doing
        and must not change what is recorded, so these bytes are read once more, one at a time.
        """
        texts: list[str] = []
        reader = self._client.reader()
        with contextlib.suppress(Refusal):
            reader.feed(bytes(self._body))
            for place in range(len(data)):
                texts += [event.text for event in reader.feed(data[place : place + 1]) if isinstance(event, Token)]
        return texts

    def _token(self, text: str) -> None:
        if text and self._first_token_s is None:
            self._first_token_s = self._clock.now_s()
        self._text += text

    def _whole(self) -> None:
        """Judge a reply that was not streamed, now that all of it is here."""
        try:
            answer = self._client.answer(HttpReply(status=200, headers=self._headers, body=bytes(self._body)))
        except Refusal as refusal:
            self._end("error", error=refusal.kind, retry_after_s=refusal.retry_after_s)
            return
        self._token(answer.text)
        if answer.end is None:
            self._end("truncated")
        else:
            self._terminated()

    def _terminated(self) -> None:
        """Judge a reply whose terminator was seen: it claims to be whole, its text must be."""
        whole = read_reply(self._text, self._asked).integrity == "whole"
        self._end("ok" if whole else "wrong", terminated=True)

    def _refused(self, status: int) -> None:
        refusal = self._client.refusal(HttpReply(status=status, headers=self._headers, body=bytes(self._body)))
        self._end("refused", error=refusal.kind, code=refusal.code, retry_after_s=refusal.retry_after_s)

    def _end(
        self,
        outcome: ClientOutcome,
        *,
        error: str = "",
        code: str = "",
        retry_after_s: float | None = None,
        terminated: bool = False,
    ) -> None:
        now_s = self._clock.now_s()
        reading = read_reply(self._text, self._asked) if self._text or terminated else None
        self.result = ClientRecord(
            test=self._plan.test,
            canary=self._canary,
            tenant=self._due.tenant,
            traffic_class=self._due.traffic_class,
            stream=self._due.stream,
            due_s=self.due_s,
            sent_s=now_s if self._sent_s is None else self._sent_s,
            end_s=now_s,
            outcome=outcome,
            first_token_s=self._first_token_s,
            status=self._status,
            error=error,
            code=code,
            integrity=reading.integrity if reading else None,
            served_by=reading.endpoint if reading else None,
            retry_after_s=retry_after_s,
            tokens=_token_count(self._text),
            question=self._question,
        )
        self._record(self.result)


def unanswered_by(error: BaseException) -> tuple[Literal["error", "unsent"], str]:
    """Return what a request comes to whose connection broke before any answer, and by what: this machine, or not."""
    number = getattr(error, "errno", None)
    if number in _OWN_FAULT:
        return "unsent", errno.errorcode[number]
    return "error", "connect" if _never_connected(error) else "reset"


def _never_connected(error: BaseException) -> bool:
    """Return whether there was no connection to begin with. aiohttp marks such errors by their ``os_error``."""
    unmade = isinstance(error, OSError) and (error.errno in _NOT_CONNECTED or isinstance(error, socket.gaierror))
    return unmade or hasattr(error, "os_error")


def _token_count(text: str) -> int:
    """Return the tokens in a reply's text (`brownout.answer`): its bracketed head is one, each word after it one.

    Counted in the text because frames are no measure: a router may join tokens or split them.
    """
    head, bracket, rest = text.partition("]")
    return 1 + len(rest.split()) if bracket and head.startswith("[") else len(text.split())
