"""What passes between a client and an endpoint, free of any dialect, and what a dialect must do with it.

    Ask  -->  [ dialect.client ]  -->  HttpRequest  -->  [ dialect.server ]  -->  Ask
    Token, Token, ... End  <--  [ reader ]  <--  bytes  <--  [ writer ]  <--  Token, Token, ... End

Faults and capacity models speak in these nouns only; how they look on the wire is the dialect's business.
"""

from collections.abc import Mapping
from typing import Literal, Protocol, TypeAlias

import msgspec

RefusalKind: TypeAlias = Literal[
    "throttled",  # 429: the quota or the shared pool is exhausted
    "unavailable",  # 503
    "internal",  # 500
    "overloaded",  # 503/529: the model's servers are full
    "timeout",  # 408/504
    "model-error",  # 424: the container failed
    "unauthenticated",  # 401/403: bad, missing or expired credentials
    "denied",  # 403: known caller, not allowed
    "not-found",  # 404: no such model or path
    "invalid",  # 400: the request would be rejected by the real service
    "unknown",  # an error of a shape we do not know: fail safe
]
StopReason: TypeAlias = Literal["stop", "length"]


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One generation asked for. ``prompt`` is all text of the messages joined by newlines."""

    model: str
    prompt: str
    max_tokens: int = 256
    stream: bool = True


class Token(msgspec.Struct, frozen=True):
    """One emitted token's text (spaces included: the reply is the concatenation)."""

    text: str


class End(msgspec.Struct, frozen=True, kw_only=True):
    """The dialect's terminator: why it ended and what it cost, in tokens."""

    stop: StopReason = "stop"
    prompt_tokens: int = 0
    output_tokens: int = 0


Event: TypeAlias = Token | End


class Refusal(Exception):  # noqa: N818 - the noun both sides use
    """A request refused by an endpoint, in the words every dialect can translate.

    Args:
        kind: what class of refusal.
        message: the provider's own sentence.
        retry_after_s: when the provider says to come back; None when it does not say.
        status: the HTTP status seen, on the client's side; None on the server's.
    """

    def __init__(
        self, kind: RefusalKind, message: str = "", *, retry_after_s: float | None = None, status: int | None = None
    ) -> None:
        super().__init__(f"{kind}: {message}" if message else kind)
        self.kind: RefusalKind = kind
        self.message = message
        self.retry_after_s = retry_after_s
        self.status = status


class Cut(Exception):  # noqa: N818 - what happens to the stream
    """Raised inside an endpoint to end a stream: the connection closes without the dialect's terminator."""


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it stands on the wire. ``path`` is percent-encoded as sent, ``query`` without the ``?``."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    body: bytes = b""


class HttpReply(msgspec.Struct, frozen=True, kw_only=True):
    """A whole (not streamed) reply."""

    status: int
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    body: bytes = b""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole reply as a client reads it. ``end`` is None when the terminating field is missing."""

    text: str
    end: End | None


class StreamWriter(Protocol):
    """The server's half of one streamed reply."""

    def start(self) -> bytes:
        """Return what precedes the first token (may be empty)."""
        ...

    def event(self, event: Event) -> bytes:
        """Return the frames for one event; for `End`, the whole terminator."""
        ...

    def refusal(self, refusal: Refusal) -> bytes:
        """Return the frame of an error that comes after the 200."""
        ...


class StreamReader(Protocol):
    """The client's half of one streamed reply: fed bytes split anywhere."""

    def feed(self, data: bytes) -> list[Event]:
        """Return the events completed by these bytes.

        A stream is whole only once an `End` was returned. Raises `Refusal` for an error frame in the
        stream, and ``Refusal("unknown")`` for bytes that are not of this dialect.
        """
        ...


class Server(Protocol):
    """The endpoint's half of a dialect."""

    def read_ask(self, request: HttpRequest) -> Ask:
        """Return what is asked for.

        Raises:
            Refusal: ``not-found`` for a path or model of another shape, ``invalid`` for a body the real
                service would reject.
        """
        ...

    def reply(self, ask: Ask, text: str, end: End, *, reply_id: str) -> HttpReply:
        """Return the whole reply of a request that is not streamed."""
        ...

    def stream_headers(self, *, reply_id: str) -> Mapping[str, str]:
        """Return the headers of a streamed reply (its status is 200)."""
        ...

    def writer(self, ask: Ask, *, reply_id: str) -> StreamWriter:
        """Return the encoder of one streamed reply."""
        ...

    def refusal(self, refusal: Refusal, *, reply_id: str) -> HttpReply:
        """Return the provider's own error for this refusal: status, headers, body."""
        ...


class Client(Protocol):
    """The caller's half of a dialect. Credentials are added by `brownout.identity`, not here."""

    def request(self, ask: Ask, *, project: str = "", location: str = "") -> HttpRequest:
        """Return the request for an ask. ``project`` and ``location`` matter to Vertex only."""
        ...

    def answer(self, reply: HttpReply) -> Answer:
        """Return the answer in a whole 200 reply; raises `Refusal` when it is none."""
        ...

    def reader(self) -> StreamReader:
        """Return the decoder of one streamed reply."""
        ...

    def refusal(self, reply: HttpReply) -> Refusal:
        """Return the refusal in a reply whose status is not 200; never raises."""
        ...


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """One provider's wire: its name, both halves, and how callers prove who they are."""

    name: str
    server: Server
    client: Client
    auth: Literal["sigv4", "google-oauth", "api-key"]
