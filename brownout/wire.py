"""What passes between a client and an endpoint, free of any dialect, and what a dialect must do with it.

    Ask  -->  [ dialect.client ]  -->  HttpRequest  -->  [ dialect.server ]  -->  Ask
    Token, Token, ... End  <--  [ reader ]  <--  bytes  <--  [ writer ]  <--  Token, Token, ... End

Faults and capacity models speak in these nouns only; how they look on the wire is the dialect's business.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

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
    "too-large",  # 413: the body is longer than the service reads
    "unknown",  # an error of a shape we do not know: fail safe
]
StopReason: TypeAlias = Literal[
    "stop",  # the model had no more to say
    "length",  # the bound on the answer's length
    "stop-sequence",  # the text came to a sequence that the caller named
    "tool",  # a tool is to be called, and the answer goes on with what it gives
    "filtered",  # the provider's own filter ended the answer
]


class Tool(msgspec.Struct, frozen=True):
    """A tool that a caller offers: its name and the JSON Schema of its arguments."""

    name: str
    schema: Mapping[str, Any] = msgspec.field(default_factory=dict)


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """A tool to be called. ``arguments`` is a JSON object, encoded; it counts as one event of the reply."""

    id: str
    name: str
    arguments: str


class ToolResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a tool gave back: ``id`` is the call's, ``name`` the tool's, where anybody says it."""

    id: str
    text: str
    name: str = ""


Part: TypeAlias = str | ToolCall | ToolResult
Who: TypeAlias = Literal["system", "user", "assistant"]


class Turn(msgspec.Struct, frozen=True):
    """What one party to a conversation said at once; a tool's result is brought by the user."""

    role: Who
    parts: tuple[Part, ...]


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One generation asked for.

    Attributes:
        model: the model's id, as the caller wrote it (an ARN, an inference profile), decoded from the path.
        prompt: all text of the request joined by newlines: system prompts, messages, tools' results.
        max_tokens: the bound on the answer's length; 256 where the caller set none.
        stream: whether the answer is streamed.
        bounded: whether the caller set ``max_tokens``; quotas hold it against who did not.
        stops: sequences at which the text ends.
        tools: the tools offered.
        tool_choice: the name of the one tool that must be called, ``any`` for any of them, ``none`` for none;
            empty: the model decides.
        turn: the text of the last message when it is the user's; empty when it brings a tool's result.
        turns: all of a conversation in which tools were called, as `brownout.dialects.turns` puts it; empty of any
            other, of which ``prompt`` and ``turn`` say enough. Where there are any, they are what is sent.
        tier: the service tier or request type asked for, in the provider's word.
        count: nothing is generated: the prompt's tokens are counted.
    """

    model: str
    prompt: str
    max_tokens: int = 256
    stream: bool = True
    bounded: bool = True
    stops: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: str = ""
    turn: str = ""
    turns: tuple[Turn, ...] = ()
    tier: str = ""
    count: bool = False


class Token(msgspec.Struct, frozen=True, gc=False):
    """One emitted token's text (spaces included: the reply is the concatenation)."""

    text: str


class End(msgspec.Struct, frozen=True, kw_only=True):
    """The dialect's terminator: why it ended and what it cost, in tokens.

    ``stop_sequence`` is the one met; ``tier`` is what served the request, in the provider's word. ``latency_s`` and
    ``first_token_s`` are the service's own figures, which some providers report: from the request's arrival to the
    answer's end and to its first token. 0 and empty are unknown. ``counted`` is whether the reply tells its usage.
    """

    stop: StopReason = "stop"
    prompt_tokens: int = 0
    output_tokens: int = 0
    stop_sequence: str = ""
    tier: str = ""
    latency_s: float = 0.0
    first_token_s: float = 0.0
    counted: bool = True


Event: TypeAlias = Token | ToolCall | End


class Meter(NamedTuple):
    """What is left of one quota. Their names are ``requests``, ``tokens``, ``input-tokens`` and ``output-tokens``."""

    limit: int
    remaining: int
    reset_s: float


class Refusal(Exception):  # noqa: N818 - the noun both sides use
    """A request refused by an endpoint, in the words every dialect can translate.

    Args:
        kind: what class of refusal.
        message: the provider's own sentence.
        retry_after_s: when the provider says to come back; None when it does not say.
        status: the HTTP status seen, on the client's side; None on the server's.
        code: the provider's own name for the error, where it has several for one kind; empty for the usual one.
        original_status: of ``model-error``: what the container behind the provider said.
        headers: what the reply says of coming back, in place of the provider's usual header; None for the usual one.
    """

    def __init__(
        self,
        kind: RefusalKind,
        message: str = "",
        *,
        retry_after_s: float | None = None,
        status: int | None = None,
        code: str = "",
        original_status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{kind}: {message}" if message else kind)
        self.kind: RefusalKind = kind
        self.message = message
        self.retry_after_s = retry_after_s
        self.status = status
        self.code = code
        self.original_status = original_status
        self.headers = headers


class Cut(Exception):  # noqa: N818 - what happens to the stream
    """Raised inside an endpoint to end a reply without the dialect's terminator.

    Args:
        how: ``abort``: the connection closes in the middle of the transfer. ``clean``: the transfer ends as it should,
            and only the dialect's own terminator is missing. ``half-close``: the endpoint says that it sends no more,
            and leaves the connection open.
    """

    def __init__(self, how: Literal["abort", "clean", "half-close"] = "abort") -> None:
        super().__init__(how)
        self.how = how


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
    """A whole reply. ``end`` is None when the terminating field is missing."""

    text: str
    end: End | None
    calls: tuple[ToolCall, ...] = ()


def gathered(events: Iterable[Event]) -> Answer:
    """Return the whole reply that these events make up; its ``end`` is None when none of them is an `End`."""
    texts: list[str] = []
    calls: list[ToolCall] = []
    end: End | None = None
    for event in events:
        if isinstance(event, Token):
            texts.append(event.text)
        elif isinstance(event, ToolCall):
            calls.append(event)
        else:
            end = event
    return Answer(text="".join(texts), end=end, calls=tuple(calls))


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
    """The endpoint's half of a dialect. One address may speak several: all whose `Dialect.host` is the same."""

    def owns(self, request: HttpRequest) -> bool:
        """Return whether a request's method and path are of this dialect."""
        ...

    def read_ask(self, request: HttpRequest) -> Ask:
        """Return what is asked for.

        Raises:
            Refusal: ``not-found`` for a path or model of another shape, ``invalid`` for a body the real
                service would reject.
        """
        ...

    def reply(self, ask: Ask, answer: Answer, *, reply_id: str) -> HttpReply:
        """Return the whole reply of a request that is not streamed. The answer has its `End`."""
        ...

    def counted(self, ask: Ask, prompt_tokens: int, *, reply_id: str) -> HttpReply:
        """Return the reply to an `Ask` with ``count``; dialects without such an operation never make one."""
        ...

    def standing(self, meters: Mapping[str, Meter], *, utc: dt.datetime) -> Mapping[str, str]:
        """Return the headers that tell a caller what is left of its quotas; none where the provider has none.

        Args:
            meters: the quotas, by name.
            utc: the date and time of day, for providers that name the instant at which a quota is full again.
        """
        ...

    def stream_headers(self, ask: Ask, *, reply_id: str) -> Mapping[str, str]:
        """Return the headers of a streamed reply (its status is 200)."""
        ...

    def writer(self, ask: Ask, *, reply_id: str) -> StreamWriter:
        """Return the encoder of one streamed reply."""
        ...

    def refusal(self, refusal: Refusal, *, reply_id: str, request: HttpRequest | None = None) -> HttpReply:
        """Return the provider's own error for this refusal: status, headers, body.

        Args:
            refusal: what is refused, and why.
            reply_id: the reply's id.
            request: what was sent, without its body, for errors that name something of it; None where not known.
        """
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
    """One provider's wire: its name, both halves, and how callers prove who they are.

    Attributes:
        name: as topologies say it.
        server: the endpoint's half.
        client: the caller's half.
        auth: how callers prove who they are.
        host: the surface it is part of. One address speaks every dialect of its surface, as one host name does.
        signing_name: the service in the scope of an AWS signature.
        max_body_bytes: the longest body that the service reads; longer ones are refused as ``too-large``.
        reply_within_s: how long the service waits for its model to answer; None: as long as it takes.
        aside: answers what asks for no generation (a list of models), given the request, the endpoint's model and the
            reply's id; returns None for all else, and raises `Refusal` for what is not there.
    """

    name: str
    server: Server
    client: Client
    auth: Literal["sigv4", "google-oauth", "api-key"]
    host: Literal["bedrock", "sagemaker", "vertex", "native"]
    signing_name: str = "bedrock"
    max_body_bytes: int = 32 * 1024 * 1024
    reply_within_s: float | None = None
    aside: Callable[[HttpRequest, str, str], HttpReply | None] | None = None
