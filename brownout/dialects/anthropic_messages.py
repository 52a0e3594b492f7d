"""``anthropic-messages``: Anthropic's own Messages API.

Paths, headers and limits are those of the public reference of the Claude API ("Messages", "Count tokens", "List
models", "Versions", "Rate limits", "Errors"), event streams as the official client reads them.
"""

import datetime as dt
import math
from collections.abc import Mapping
from urllib.parse import unquote

import msgspec

from brownout.dialects.anthropic_body import COUNT_REQUEST, REQUEST, ask_of, body_of, check, read_object
from brownout.dialects.anthropic_errors import ERROR_NAMES, error_event, error_reply, read_error
from brownout.dialects.anthropic_events import (
    MessageReader,
    MessageWriter,
    Said,
    read_message,
    sse,
)
from brownout.dialects.anthropic_platform import ANTHROPIC, claude
from brownout.dialects.claude_server import ClaudeServer
from brownout.dialects.headers import header
from brownout.dialects.sse import SseSplitter
from brownout.wire import Answer, Ask, Dialect, Event, HttpReply, HttpRequest, Meter, Refusal

PATH = "/v1/messages"
COUNT_PATH = f"{PATH}/count_tokens"
MODELS_PATH = "/v1/models"
VERSIONS = ("2023-01-01", "2023-06-01", "2026-10-21")
"""Values of ``anthropic-version``: the two of the public page "Versions", and the one the official client sends."""

_VERSION = "2023-06-01"
_RELEASED = "1970-01-01T00:00:00Z"
"""What the reference says a model's ``created_at`` may be where its release date is unknown."""

_ROUNDED_TO = 1000
"""The tokens that remain of a limit are told to the nearest thousand (public page "Rate limits")."""

_OF_SPENDING = ("enforced_spend_limit_reached", "contract_spend_limit_reached", "ramp_limit_exceeded")
_OF_POSTS = ("request_too_large", "conflict_error")
_OF_COUNTING = tuple(name for name in ERROR_NAMES if name not in _OF_SPENDING)
_OF_MODELS = tuple(name for name in _OF_COUNTING if name not in _OF_POSTS)
OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "messages.create": ERROR_NAMES,
    "messages.count_tokens": _OF_COUNTING,
    "models.list": tuple(name for name in _OF_MODELS if name != "not_found_error"),
    "models.retrieve": _OF_MODELS,
}
"""What each operation may answer with, by the type of the error, or its code where one type has several.

The page "Errors" gives one list for the whole API. Counting and models spend nothing, and whoever asks for models sends
no body and changes nothing.
"""

_encode = msgspec.json.encode

# --- the endpoint's half -----------------------------------------------------------------------------------


class MessagesServer(ClaudeServer):
    """The endpoint's half of ``anthropic-messages``."""

    platform = ANTHROPIC

    def owns(self, request: HttpRequest) -> bool:
        """Return whether the path is the Messages API's, or that of the models asked for in Anthropic's version."""
        if request.path in {PATH, COUNT_PATH}:
            return True
        # OpenAI's list of models has the same path; only Anthropic's callers name a version.
        return _is_models(request.path) and header(request.headers, "anthropic-version") is not None

    def read_ask(self, request: HttpRequest) -> Ask:
        """Return what is asked for; raises `Refusal` as the contract says."""
        if request.path not in {PATH, COUNT_PATH} or request.method != "POST":
            raise Refusal("not-found")
        _check_version(request)
        body = read_object(request.body)
        count = request.path == COUNT_PATH
        betas = header(request.headers, "anthropic-beta") is not None
        check(body, request=COUNT_REQUEST if count else REQUEST, betas=betas)
        tier = body.get("service_tier")
        return ask_of(
            body,
            model=str(body.get("model", "")),
            stream=body.get("stream") is True and not count,
            tier=tier if isinstance(tier, str) else "",
            count=count,
        )

    def standing(self, meters: Mapping[str, Meter], *, utc: dt.datetime) -> Mapping[str, str]:
        """Return ``anthropic-ratelimit-*``: limit, what remains, and the instant at which all of it is there again.

        Who has quotas of prompts and of answers is told their sum as ``tokens`` too ("Rate limits").
        """
        headers: dict[str, str] = {}
        prompts, answers = meters.get("input-tokens"), meters.get("output-tokens")
        if prompts is not None and answers is not None and "tokens" not in meters:
            meters = {**meters, "tokens": _sum(prompts, answers)}
        for name, meter in meters.items():
            head = f"anthropic-ratelimit-{name}"
            remaining = meter.remaining
            if name != "requests":
                remaining = min(round(remaining / _ROUNDED_TO) * _ROUNDED_TO, meter.limit)
            headers |= {
                f"{head}-limit": str(meter.limit),
                f"{head}-remaining": str(remaining),
                f"{head}-reset": _instant(utc, meter.reset_s),
            }
        return headers

    def writer(self, ask: Ask, *, reply_id: str) -> "MessagesWriter":
        """Return the encoder of one streamed reply."""
        return MessagesWriter(ask, reply_id)

    def refusal(self, refusal: Refusal, *, reply_id: str, request: HttpRequest | None = None) -> HttpReply:
        """Return Anthropic's error for this refusal."""
        del request  # no error names anything of it
        return error_reply(refusal, reply_id=reply_id, platform=ANTHROPIC)


class MessagesWriter:
    """Encodes one streamed reply as server-sent events."""

    def __init__(self, ask: Ask, reply_id: str) -> None:
        self._message = MessageWriter(ask, reply_id, ANTHROPIC)
        self._reply_id = reply_id

    def start(self) -> bytes:
        """Return message_start."""
        return sse(self._message.start())

    def event(self, event: Event) -> bytes:
        """Return the events of a token or a tool's call, or all that ends the stream."""
        return sse(self._message.event(event))

    def refusal(self, refusal: Refusal) -> bytes:
        """Return the ``error`` event."""
        return sse([Said(b"error", error_event(refusal, reply_id=self._reply_id, platform=ANTHROPIC))])


def models_aside(request: HttpRequest, model: str, reply_id: str) -> HttpReply | None:
    """Answer ``GET /v1/models`` and ``GET /v1/models/ID`` of an endpoint that serves one model; None for all else.

    Raises:
        Refusal: ``not-found`` for a model that the endpoint does not serve.
    """
    if request.method != "GET" or not _is_models(request.path):
        return None
    entry = {
        "type": "model",
        "id": model,
        "display_name": claude(model),
        "created_at": _RELEASED,
        "lifecycle": "active",
        "deprecated_at": None,
        "retires_at": None,
    }
    headers = ANTHROPIC.headers("application/json", reply_id)
    if request.path == MODELS_PATH:
        page = {"data": [entry], "has_more": False, "first_id": model, "last_id": model}
        return HttpReply(status=200, headers=headers, body=_encode(page))
    asked = unquote(request.path.removeprefix(f"{MODELS_PATH}/"))
    if asked != model:
        raise Refusal("not-found", f"model: {asked}")
    return HttpReply(status=200, headers=headers, body=_encode(entry))


def _is_models(path: str) -> bool:
    return path == MODELS_PATH or path.startswith(f"{MODELS_PATH}/")


def _check_version(request: HttpRequest) -> None:
    version = header(request.headers, "anthropic-version")
    if version is None:
        raise Refusal("invalid", "anthropic-version: header is required")
    if version not in VERSIONS:
        raise Refusal("invalid", f'anthropic-version: "{version}" is not a valid version')


def _sum(prompts: Meter, answers: Meter) -> Meter:
    return Meter(
        prompts.limit + answers.limit, prompts.remaining + answers.remaining, max(prompts.reset_s, answers.reset_s)
    )


def _instant(utc: dt.datetime, in_s: float) -> str:
    """Return an instant in RFC 3339, in whole seconds and never too early."""
    at_s = math.ceil(round(utc.timestamp() + in_s, 6))
    return dt.datetime.fromtimestamp(at_s, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- the caller's half -------------------------------------------------------------------------------------


class MessagesClient:
    """The caller's half of ``anthropic-messages``."""

    def request(self, ask: Ask, *, project: str = "", location: str = "") -> HttpRequest:
        """Return the request for an ask."""
        del project, location  # Vertex's
        body = {"model": ask.model, **body_of(ask)}
        if not ask.count:
            body["stream"] = ask.stream
            if ask.tier:
                body["service_tier"] = ask.tier
        headers = {"Content-Type": "application/json", "anthropic-version": _VERSION}
        path = COUNT_PATH if ask.count else PATH
        return HttpRequest(method="POST", path=path, headers=headers, body=_encode(body))

    def answer(self, reply: HttpReply) -> Answer:
        """Return the answer in a whole 200 reply; raises `Refusal` when it is none."""
        return read_message(reply.body)

    def reader(self) -> "MessagesReader":
        """Return the decoder of one streamed reply."""
        return MessagesReader()

    def refusal(self, reply: HttpReply) -> Refusal:
        """Return the refusal in a reply whose status is not 200; never raises."""
        return read_error(reply)


class MessagesReader:
    """Decodes one streamed reply of server-sent events."""

    def __init__(self) -> None:
        self._sse = SseSplitter()
        self._message = MessageReader()

    def feed(self, data: bytes) -> list[Event]:
        """Return the events completed by these bytes; raises `Refusal` as the contract says."""
        events = (self._message.read(payload) for payload in self._sse.feed(data))
        return [event for event in events if event is not None]


ANTHROPIC_MESSAGES = Dialect(
    name="anthropic-messages",
    server=MessagesServer(),
    client=MessagesClient(),
    auth="api-key",
    host="native",
    max_body_bytes=32 * 1024 * 1024,
    aside=models_aside,
)
