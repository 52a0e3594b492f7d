"""``vertex-rawpredict``: Claude on Vertex AI, by rawPredict and streamRawPredict.

Paths follow Google's discovery document of ``aiplatform`` v1 and its page "Use Anthropic's Claude models", the body is
that of Anthropic's Messages API, less the model, which stands in the path. Google's front end answers for itself in
``google.rpc.Status``; what it passes on from the model is in Anthropic's words, under a ``req_vrtx_`` id, as public
captures of its 400s show. Two things are inferred: that full servers answer 529 here too, and that ``stream`` in the
body makes a stream of streamRawPredict only.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from brownout.answer import estimated_tokens
from brownout.dialects.absent import NoStanding
from brownout.dialects.anthropic_body import COUNT_REQUEST, ask_of, body_of, check, forbid, read_object
from brownout.dialects.anthropic_errors import error_event, error_reply, is_named
from brownout.dialects.anthropic_errors import read_error as read_anthropic_error
from brownout.dialects.anthropic_events import MessageWriter, Said, read_message, sse
from brownout.dialects.anthropic_messages import MessagesReader
from brownout.dialects.anthropic_platform import VERTEX
from brownout.dialects.claude_server import ClaudeServer
from brownout.dialects.google_errors import error_reply as google_error_reply
from brownout.dialects.google_errors import no_such_url
from brownout.dialects.google_errors import read_error as read_google_error
from brownout.dialects.headers import header
from brownout.dialects.rejections import ANTHROPIC
from brownout.dialects.vertex_places import Place, path_of, read_path
from brownout.dialects.vertex_tiers import asked_tier, tier_headers
from brownout.wire import Answer, Ask, Dialect, Event, HttpReply, HttpRequest, Refusal

VERSIONS = ("vertex-2023-10-16", "2023-06-01", "2026-10-21")
"""Values of ``anthropic_version``: Google's, and what Anthropic's official clients send to Vertex."""

_VERSION = VERSIONS[0]
_PUBLISHER = "anthropic"
_COUNTER = "count-tokens"
"""The model that counts tokens; whose tokens, its body says."""

_WHOLE, _STREAM = "rawPredict", "streamRawPredict"
_INVALID = "invalid_request_error"
_GOOGLES = (
    "UNAUTHENTICATED",
    "PERMISSION_DENIED",
    "NOT_FOUND",
    "RESOURCE_EXHAUSTED",
    "INVALID_ARGUMENT",
    "FAILED_PRECONDITION",
    "INTERNAL",
    "UNKNOWN",
    "UNAVAILABLE",
    "DEADLINE_EXCEEDED",
    "CANCELLED",
)
_PASSED_ON = (_INVALID, "rate_limit_error", "api_error", "overloaded_error")
OPERATIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        _WHOLE: (*_GOOGLES, *_PASSED_ON),
        _STREAM: (*_GOOGLES, *_PASSED_ON),
        f"{_COUNTER}:{_WHOLE}": (*_GOOGLES, *_PASSED_ON),
    }
)
"""Every error that a call may answer with: Google's by status, Anthropic's by type."""

_APART = frozenset({"anthropic_version", "anthropic_beta"})
_encode = msgspec.json.encode

# --- the endpoint's half -----------------------------------------------------------------------------------


class RawPredictServer(ClaudeServer, NoStanding):
    """The endpoint's half of ``vertex-rawpredict``."""

    platform = VERTEX

    def owns(self, request: HttpRequest) -> bool:
        """Return whether the path is a raw call on one of Anthropic's models."""
        return _place(request.path) is not None

    def read_ask(self, request: HttpRequest) -> Ask:
        """Return what is asked for; raises `Refusal` as the contract says."""
        place = _place(request.path)
        if place is None or request.method != "POST":
            raise no_such_url(request.path)
        try:
            return _read_ask(place, request)
        except Refusal as refusal:
            # The model's objection, not the front end's: the code says so.
            raise Refusal("invalid", refusal.message, code=_INVALID) from None

    def writer(self, ask: Ask, *, reply_id: str) -> "RawPredictWriter":
        """Return the encoder of one streamed reply."""
        return RawPredictWriter(ask, reply_id)

    def refusal(self, refusal: Refusal, *, reply_id: str, request: HttpRequest | None = None) -> HttpReply:
        """Return Google's error for this refusal, or Anthropic's where it is the model's to give.

        The model's own are those whose code is one of Anthropic's types, what it rejects a request for, and that its
        servers are full.
        """
        del request  # no error names anything of it
        passed_on = (
            is_named(refusal.code) or refusal.code in ANTHROPIC or (refusal.kind == "overloaded" and not refusal.code)
        )
        if passed_on and refusal.kind != "unknown":
            return error_reply(refusal, reply_id=reply_id, platform=VERTEX)
        return google_error_reply(refusal, reply_id=reply_id)


class RawPredictWriter:
    """Encodes one streamed reply: Anthropic's events, and after the first one Vertex's own, which counts tokens."""

    def __init__(self, ask: Ask, reply_id: str) -> None:
        self._message = MessageWriter(ask, reply_id, VERTEX)
        self._input_tokens = estimated_tokens(ask.prompt)
        self._reply_id = reply_id

    def start(self) -> bytes:
        """Return message_start and vertex_event."""
        return sse([*self._message.start(), Said(b"vertex_event", _vertex_event(self._input_tokens))])

    def event(self, event: Event) -> bytes:
        """Return the events of a token or a tool's call, or all that ends the stream."""
        return sse(self._message.event(event))

    def refusal(self, refusal: Refusal) -> bytes:
        """Return the ``error`` event: within a stream all errors are the model's."""
        return sse([Said(b"error", error_event(refusal, reply_id=self._reply_id, platform=VERTEX))])


def _place(path: str) -> Place | None:
    place = read_path(path)
    if place is None or place.publisher != _PUBLISHER or place.call not in {_WHOLE, _STREAM}:
        return None
    return place


def _read_ask(place: Place, request: HttpRequest) -> Ask:
    body = read_object(request.body)
    betas = bool(body.get("anthropic_beta")) or header(request.headers, "anthropic-beta") is not None
    if place.model == _COUNTER:
        check(body, request=COUNT_REQUEST, apart=_APART, betas=betas)
        return ask_of(body, model=str(body.get("model", "")), stream=False, count=True)
    forbid(body, ("model",))
    version = body.get("anthropic_version")
    if version is None:
        raise Refusal("invalid", "anthropic_version: Field required")
    if version not in VERSIONS:
        raise Refusal("invalid", f'anthropic_version: "{version}" is not a valid version')
    check({**body, "model": place.model}, apart=_APART, betas=betas)
    stream = place.call == _STREAM and body.get("stream") is True
    return ask_of(body, model=place.model, stream=stream, tier=asked_tier(request.headers))


def _vertex_event(input_tokens: int) -> bytes:
    """Return the data of ``vertex_event``, in the members of the public captures of it."""
    counts: dict[str, Any] = {
        "input_tokens": input_tokens,
        "output_tokens": 1,
        "cache_creation_input_tokens": None,
        "cache_read_input_tokens": None,
        "web_search_requests": None,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
    }
    # The prices differ by the prompt's length, so that the counts come again by the bracket that it is in.
    return _encode({"type": "vertex_event", "usage": {**counts, "tiers": {"0-to-200000": counts}}})


# --- the caller's half -------------------------------------------------------------------------------------


class _Body(msgspec.Struct):
    type: str = ""


_body_decoder = msgspec.json.Decoder(_Body)


class RawPredictClient:
    """The caller's half of ``vertex-rawpredict``."""

    def request(self, ask: Ask, *, project: str = "", location: str = "") -> HttpRequest:
        """Return the request for an ask, in a project and a location."""
        body = {"anthropic_version": _VERSION, **body_of(ask)}
        if ask.count:
            body["model"] = ask.model
        else:
            body["stream"] = ask.stream
        place = Place(
            version="v1",
            project=project,
            location=location,
            publisher=_PUBLISHER,
            model=_COUNTER if ask.count else ask.model,
            call=_STREAM if ask.stream and not ask.count else _WHOLE,
        )
        headers = {"Content-Type": "application/json", **tier_headers(ask.tier)}
        return HttpRequest(method="POST", path=path_of(place), headers=headers, body=_encode(body))

    def answer(self, reply: HttpReply) -> Answer:
        """Return the answer in a whole 200 reply; raises `Refusal` when it is none."""
        return read_message(reply.body)

    def reader(self) -> MessagesReader:
        """Return the decoder of one streamed reply."""
        return MessagesReader()

    def refusal(self, reply: HttpReply) -> Refusal:
        """Return the refusal in a reply whose status is not 200, Anthropic's or Google's; never raises."""
        try:
            passed_on = _body_decoder.decode(reply.body).type == "error"
        except (msgspec.DecodeError, UnicodeDecodeError):
            passed_on = False
        return read_anthropic_error(reply) if passed_on else read_google_error(reply)


VERTEX_RAWPREDICT = Dialect(
    name="vertex-rawpredict",
    server=RawPredictServer(),
    client=RawPredictClient(),
    auth="google-oauth",
    host="vertex",
    max_body_bytes=30 * 1024 * 1024,
)
