"""What runs in the container behind a SageMaker endpoint, which SageMaker passes through as bytes.

Two shapes: that of OpenAI's chat completions (vLLM, LMI, TGI's Messages API) and TGI's own ``generate``. One container
speaks both and tells them by the body, as TGI's route ``/invocations`` does. Shapes and refusals are those of TGI's
router (``/generate``, ``/generate_stream``), of vLLM's OpenAI server and of Triton.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from brownout.dialects.openai_chat import ChatWriter, completion
from brownout.dialects.openai_client import ChatReader, chat_body, read_completion
from brownout.dialects.openai_errors import ErrorSaid
from brownout.dialects.openai_requests import ChatAsk, read_chat
from brownout.dialects.sse import SseSplitter
from brownout.wire import (
    Answer,
    Ask,
    End,
    Event,
    Refusal,
    RefusalKind,
    StopReason,
    StreamReader,
    StreamWriter,
    Token,
    ToolCall,
)

Container: TypeAlias = Literal["chat", "tgi"]

TGI_DEFAULT_MAX_NEW_TOKENS = 100
"""What TGI generates where the request has no ``max_new_tokens``."""

_encode = msgspec.json.encode
_decode = msgspec.json.Decoder().decode


class InvocationAsk(ChatAsk, frozen=True, kw_only=True):
    """An ask that an endpoint's container reads, where it differs from a plain streamed or whole chat completion.

    Attributes:
        container: which of the two shapes the body is in.
        details: of TGI: whether a whole reply says why it ended and what it cost.
        full_text: of TGI: whether the prompt stands before the answer.
        as_events: the body asks for a stream where the operation gives none: the events come in one whole reply.
        framed: the operation streams and the body does not: the whole reply comes in the operation's frames.
        echoed: headers of the reply that follow from the request's.
    """

    container: Container = "chat"
    details: bool = True
    full_text: bool = False
    as_events: bool = False
    framed: bool = False
    echoed: tuple[tuple[str, str], ...] = ()


# --- what a container refuses with -------------------------------------------------------------------------

REFUSALS: Mapping[int, str] = {
    0: "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for "
    "each container in Amazon CloudWatch, resolve the issue, and try again.",
    400: '{"error":{"message":"Bad Request","type":"BadRequestError","param":null,"code":400}}',
    422: '{"error":"Input validation error: the request is invalid","error_type":"validation"}',
    424: '{"error":"Request failed during generation: Server error: CUDA out of memory.","error_type":"generation"}',
    429: '{"error":"Model is overloaded","error_type":"overloaded"}',
    500: '{"error":{"message":"CUDA out of memory.","type":"InternalServerError","param":null,"code":500}}',
    503: '{"error":"Exceeds maximum queue size"}',
}
"""What containers answer, by status: 0 is SageMaker's own word for no answer within the limit, 400 and 500 are vLLM's,
422, 424 and 429 TGI's, 503 Triton's."""

_UNREADABLE = "Failed to deserialize the JSON body into the target type: {}"


def kind_of_status(status: int | None) -> RefusalKind:
    """Return what a container's status means to the caller of the endpoint."""
    if status == 0:
        return "timeout"
    if status in {429, 503}:
        return "overloaded"
    return "invalid" if status is not None and 400 <= status < 500 and status != 424 else "model-error"


def _invalid(status: int, body: str | Mapping[str, Any]) -> Refusal:
    said = body if isinstance(body, str) else _encode(body).decode()
    return Refusal("invalid", said, code="ModelError", original_status=status)


def _invalid_tgi(why: str) -> Refusal:
    return _invalid(422, {"error": f"Input validation error: {why}", "error_type": "validation"})


# --- the container's half ----------------------------------------------------------------------------------


def read_body(raw: bytes, endpoint: str) -> InvocationAsk:
    """Return what a container is asked for.

    Raises:
        Refusal: ``invalid``, with the status and the body that the container answers with.
    """
    try:
        body = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _invalid(422, _UNREADABLE.format(error)) from None
    if isinstance(body, dict) and "inputs" in body:
        return _read_tgi(body, endpoint)
    if not isinstance(body, dict) or "messages" not in body:
        raise _invalid(422, _UNREADABLE.format("data did not match any variant of untagged enum SagemakerRequest"))
    try:
        ask = read_chat(raw, model=endpoint)
    except Refusal as refusal:
        said = {"message": refusal.message, "type": "BadRequestError", "param": None, "code": 400}
        raise _invalid(400, {"error": said}) from None
    return InvocationAsk(**msgspec.structs.asdict(ask))


class _Parameters(msgspec.Struct):
    """TGI's generation parameters, of which those that choose among probabilities change nothing here."""

    max_new_tokens: int | None = None
    stop: list[str] | None = None
    details: bool | None = None
    return_full_text: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    repetition_penalty: float | None = None
    best_of: int | None = None
    seed: int | None = None


class _Generate(msgspec.Struct):
    inputs: str
    parameters: _Parameters | None = None
    stream: bool = False


def _read_tgi(body: Mapping[str, Any], endpoint: str) -> InvocationAsk:
    try:
        asked = msgspec.convert(body, _Generate)
    except msgspec.ValidationError as error:
        raise _invalid(422, _UNREADABLE.format(error)) from None
    parameters = asked.parameters or _Parameters()
    _check_tgi(asked.inputs, parameters)
    bound = parameters.max_new_tokens
    return InvocationAsk(
        model=endpoint,
        prompt=asked.inputs,
        max_tokens=TGI_DEFAULT_MAX_NEW_TOKENS if bound is None else bound,
        stream=asked.stream,
        bounded=bound is not None,
        stops=tuple(parameters.stop or ()),
        turn=asked.inputs,
        container="tgi",
        details=bool(parameters.details) or asked.stream,
        full_text=bool(parameters.return_full_text) and not asked.stream,
    )


def _check_tgi(inputs: str, parameters: _Parameters) -> None:
    """Raise what TGI's validation refuses."""
    if not inputs:
        raise _invalid_tgi("`inputs` cannot be empty")
    for name in ("max_new_tokens", "temperature", "top_k", "repetition_penalty", "best_of"):
        value = getattr(parameters, name)
        if value is not None and value <= 0:
            raise _invalid_tgi(f"`{name}` must be strictly positive")
    if parameters.top_p is not None and not 0 < parameters.top_p < 1:
        raise _invalid_tgi("`top_p` must be > 0.0 and < 1.0")
    if parameters.stop is not None and len(parameters.stop) > 4:
        raise _invalid_tgi(f"`stop` supports up to 4 stop sequences. Given: {len(parameters.stop)}")


def whole_body(ask: InvocationAsk, answer: Answer, *, reply_id: str) -> bytes:
    """Return the container's whole reply: JSON, or all events of a stream that nobody streams."""
    if ask.as_events:
        writer = body_writer(ask, reply_id=reply_id)
        events: list[Event] = [Token(answer.text)] if answer.text else []
        events += [*answer.calls, answer.end or End()]
        return writer.start() + b"".join(writer.event(event) for event in events)
    if ask.container == "chat":
        return _encode(completion(ask, answer, reply_id=reply_id))
    end = answer.end or End()
    generated: dict[str, Any] = {"generated_text": _tgi_text(ask, answer, end)}
    if ask.details:
        generated["details"] = {**_details(end), "prefill": [], "tokens": []}
    return _encode([generated])


def _tgi_text(ask: InvocationAsk, answer: Answer, end: End) -> str:
    # TGI leaves the sequence that ended the text in it.
    return (ask.prompt if ask.full_text else "") + answer.text + end.stop_sequence


def body_writer(ask: InvocationAsk, *, reply_id: str) -> StreamWriter:
    """Return the encoder of the container's events."""
    return _ChatEvents(ask, reply_id) if ask.container == "chat" else _TgiEvents()


class _ChatEvents(ChatWriter):
    """vLLM's stream: OpenAI's, with errors of its own."""

    def refusal(self, refusal: Refusal) -> bytes:
        """Return the error as vLLM sends it after the 200."""
        status = 503 if refusal.kind == "overloaded" else 500
        message = refusal.message or "CUDA out of memory."
        error = {"message": message, "type": "InternalServerError", "param": None, "code": status}
        return b"data: " + _encode({"error": error}) + b"\n\n"


_TGI_FINISH: Mapping[StopReason, str] = {"length": "length", "stop-sequence": "stop_sequence"}
_EOS = "<|endoftext|>"


class _TgiEvents:
    """TGI's ``generate_stream``: an event a token, the last of which has the whole text and the reason to finish."""

    def __init__(self) -> None:
        self._index = 0
        self._text: list[str] = []

    def start(self) -> bytes:
        """Return nothing: TGI announces nothing."""
        return b""

    def event(self, event: Event) -> bytes:
        """Return the event of a token, or the last one."""
        if isinstance(event, Token):
            self._text.append(event.text)
            return self._token(event.text, special=False, rest=b',"generated_text":null,"details":null}\n\n')
        if isinstance(event, ToolCall):  # generate knows no tools; the text is all there is
            return self.event(Token(event.arguments))
        # The generation ends by a token too: the end of text, or the sequence that the caller named.
        last = event.stop_sequence if event.stop in _TGI_FINISH else _EOS
        text = _encode("".join(self._text) + event.stop_sequence)
        rest = b',"generated_text":' + text + b',"details":' + _encode(_details(event)) + b"}\n\n"
        return self._token(last, special=last == _EOS, rest=rest)

    def refusal(self, refusal: Refusal) -> bytes:
        """Return the error as TGI sends it after the 200: the same JSON, as an event."""
        said = REFUSALS[429 if refusal.kind == "overloaded" else 424].encode()
        if refusal.message:
            word = "overloaded" if refusal.kind == "overloaded" else "generation"
            said = _encode({"error": refusal.message, "error_type": word})
        return b"data:" + said + b"\n\n"

    def _token(self, text: str, *, special: bool, rest: bytes) -> bytes:
        self._index += 1
        token = b'{"id":%d,"text":' % (self._index + 1000) + _encode(text) + b',"logprob":-0.1,"special":'
        flag = b"true}" if special else b"false}"
        return b'data:{"index":%d,"token":' % self._index + token + flag + rest


def _details(end: End) -> dict[str, Any]:
    finish = {"finish_reason": _TGI_FINISH.get(end.stop, "eos_token")}
    if not end.counted:
        return {**finish, "seed": None}
    return {**finish, "generated_tokens": end.output_tokens, "seed": None, "input_length": end.prompt_tokens}


# --- the caller's half -------------------------------------------------------------------------------------


def request_body(ask: Ask) -> dict[str, Any]:
    """Return the body of an ask, in the shape it names; chat completions where it names none."""
    if not isinstance(ask, InvocationAsk) or ask.container == "chat":
        body = chat_body(ask)
        body.pop("model")  # the endpoint serves one
        return body
    parameters: dict[str, Any] = {"details": ask.details}
    if ask.bounded:
        parameters["max_new_tokens"] = ask.max_tokens
    if ask.stops:
        parameters["stop"] = list(ask.stops)
    if ask.full_text:
        parameters["return_full_text"] = True
    return {"inputs": ask.prompt, "parameters": parameters, "stream": ask.stream}


class _DetailsSaid(msgspec.Struct):
    finish_reason: str = "eos_token"
    generated_tokens: int | None = None
    input_length: int = 0


class _TokenSaid(msgspec.Struct):
    text: str = ""
    special: bool = False


class _Generated(msgspec.Struct):
    token: _TokenSaid | None = None
    generated_text: str | None = None
    details: _DetailsSaid | None = None
    error: str | ErrorSaid | None = None
    error_type: str | None = None


_generated_decoder = msgspec.json.Decoder(_Generated)
_whole_decoder = msgspec.json.Decoder(Sequence[_Generated])
_STOP_OF_FINISH: Mapping[str, StopReason] = {"length": "length", "stop_sequence": "stop-sequence"}
_KIND_OF_TGI: Mapping[str, RefusalKind] = {
    "overloaded": "overloaded",
    "validation": "invalid",
    "healthcheck": "unavailable",
}


def read_whole(body: bytes) -> Answer:
    """Return the answer in a container's whole reply; raises `Refusal` when it is none."""
    if not body.lstrip().startswith(b"["):
        return read_completion(body)
    try:
        generated = _whole_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal("unknown", f"not a container's reply: {error}") from None
    if not generated or generated[0].generated_text is None:
        raise Refusal("unknown", "the reply holds no text")
    # The text is all of the reply: without details it is whole all the same.
    return Answer(text=generated[0].generated_text, end=_tgi_end(generated[0].details))


def _tgi_end(details: _DetailsSaid | None) -> End:
    said = details or _DetailsSaid()
    stop = _STOP_OF_FINISH.get(said.finish_reason, "stop")
    return End(
        stop=stop,
        prompt_tokens=said.input_length,
        output_tokens=said.generated_tokens or 0,
        counted=said.generated_tokens is not None,
    )


class BodyReader:
    """Decodes a container's events, of either shape: the first one tells which. Fed bytes split anywhere."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._reader: StreamReader | None = None

    def feed(self, data: bytes) -> list[Event]:
        """Return the events completed by these bytes; raises `Refusal` as the contract says."""
        if self._reader is None:
            self._waiting += data
            if b"\n\n" not in self._waiting and b"\r\n\r\n" not in self._waiting:
                return []
            data = bytes(self._waiting)
            self._reader = ChatReader() if b'"choices"' in data.partition(b"\n\n")[0] else _TgiReader()
        try:
            return self._reader.feed(data)
        except Refusal as refusal:
            if refusal.code.isdecimal():  # vLLM's code is its status, which behind an endpoint means what it does here
                refusal.kind = kind_of_status(int(refusal.code))
            raise


class _TgiReader:
    """Decodes TGI's events. Whole means: one of them had the whole text."""

    def __init__(self) -> None:
        self._sse = SseSplitter()

    def feed(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        for payload in self._sse.feed(data):
            events += self._read(payload)
        return events

    def _read(self, payload: bytes) -> list[Event]:
        try:
            said = _generated_decoder.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refusal("unknown", f"not a container's event: {error}") from None
        if said.error is not None:
            raise refusal_in(said.error, said.error_type)
        if said.token is None:
            raise Refusal("unknown", "not a container's event: no token")
        events: list[Event] = [Token(said.token.text)] if said.token.text and not said.token.special else []
        return events if said.generated_text is None else [*events, _tgi_end(said.details)]


def refusal_in(error: str | ErrorSaid, error_type: str | None) -> Refusal:
    """Return the refusal in a container's error event, TGI's or vLLM's."""
    if isinstance(error, str):
        kind = _KIND_OF_TGI.get(error_type or "", "model-error")
        return Refusal(kind, error, code=error_type or "")
    kind = kind_of_status(error.code if isinstance(error.code, int) else None)
    return Refusal(kind, error.message or "", code=error.type or "")
