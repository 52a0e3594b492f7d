"""Broken endpoints, one defect each: what a proxy does to our replies, by the name of the check that must see it."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from brownout.dialects.headers import header
from brownout.wire import HttpReply
from fixtures.conform.forms import FORMS
from fixtures.conform.forms.frames import StreamEvent
from fixtures.conform.judging import changed
from tests.conformance.bodies import (
    Edit,
    Path,
    Places,
    delta_text,
    encoded,
    is_delta,
    places_of,
    restreamed,
    with_text,
    without,
)
from tests.conformance.world import Aborted, Mutation, Visit

Body = Any


def _is_stream(visit: Visit, reply: HttpReply) -> bool:
    return reply.status == 200 and (header(reply.headers, "content-type") or "").startswith(
        FORMS[visit.dialect.name].stream_type
    )


def _with(reply: HttpReply, *, body: bytes | None = None, status: int | None = None, **headers: str) -> HttpReply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    kept = {name: value for name, value in reply.headers.items() if name.lower() not in named}
    return HttpReply(status=status or reply.status, headers=kept | named, body=reply.body if body is None else body)


# --- what a mutation can do --------------------------------------------------------------------------------


def body(edit: Callable[[Visit, Body], Body]) -> Mutation:
    """Change the decoded body of whole answers."""

    async def mutation(visit: Visit) -> HttpReply:
        reply = await visit.reply()
        if reply.status != 200 or _is_stream(visit, reply):
            return reply
        return _with(reply, body=json.dumps(edit(visit, json.loads(reply.body))).encode())

    return mutation


def place(which: str, value: object) -> Mutation:
    """Put something else where a vendor's whole reply has what `Places` names."""
    return body(lambda visit, old: changed(old, getattr(places_of(visit.dialect.name), which), value))


def lost(which: str) -> Mutation:
    """Leave out what `Places` names."""
    return body(lambda visit, old: without(old, getattr(places_of(visit.dialect.name), which)))


def at(path: Path, value: object) -> Mutation:
    """Put something else at a path of whole replies."""
    return body(lambda _visit, old: changed(old, path, value))


def stop_word() -> Mutation:
    """Say of every whole answer that the model had no more to say."""

    def edit(visit: Visit, old: Body) -> Body:
        its = places_of(visit.dialect.name)
        return changed(old, its.stop, its.stop_word)

    return body(edit)


def stream(make: Callable[[str], Edit]) -> Mutation:
    """Change the events of streams; ``make`` is given the dialect."""

    async def mutation(visit: Visit) -> HttpReply:
        reply = await visit.reply()
        if not _is_stream(visit, reply):
            return reply
        name = visit.dialect.name
        return _with(reply, body=restreamed(name, reply.body, make(name)))

    return mutation


def raw_stream(edit: Callable[[bytes], bytes]) -> Mutation:
    """Change the bytes of streams."""

    async def mutation(visit: Visit) -> HttpReply:
        reply = await visit.reply()
        return _with(reply, body=edit(reply.body)) if _is_stream(visit, reply) else reply

    return mutation


def headed(name: str, value: str, *, of: Callable[[Visit, HttpReply], bool] = lambda _visit, _reply: True) -> Mutation:
    """Set a header; an empty value takes it away."""

    async def mutation(visit: Visit) -> HttpReply:
        reply = await visit.reply()
        if not of(visit, reply):
            return reply
        kept = {key: one for key, one in reply.headers.items() if key.lower() != name}
        return msgspec.structs.replace(reply, headers=kept | ({name: value} if value else {}))

    return mutation


def errors(
    edit: Callable[[Visit, HttpReply], HttpReply], *, of: Callable[[Visit], bool] = lambda _visit: True
) -> Mutation:
    """Change refusals."""

    async def mutation(visit: Visit) -> HttpReply:
        reply = await visit.reply()
        return edit(visit, reply) if reply.status >= 400 and of(visit) else reply

    return mutation


def refusing(when: Callable[[Visit], bool], status: int = 500) -> Mutation:
    """Refuse what should be served."""

    async def mutation(visit: Visit) -> HttpReply:
        if when(visit):
            return HttpReply(status=status, headers={"Content-Type": "application/json"}, body=b'{"message":"no"}')
        return await visit.reply()

    return mutation


def always(make: Callable[[Visit], HttpReply], *, when: Callable[[Visit], bool] = lambda _visit: True) -> Mutation:
    """Answer without asking the endpoint."""

    async def mutation(visit: Visit) -> HttpReply:
        return make(visit) if when(visit) else await visit.reply()

    return mutation


def first_for_ever() -> Mutation:
    """Give the first answer again and again."""
    kept: list[HttpReply] = []

    async def mutation(visit: Visit) -> HttpReply:
        if not kept:
            kept.append(await visit.reply())
        return kept[0]

    return mutation


@dataclass
class Swapped:
    """Gives each of four concurrent requests the answer of the next one."""

    waiting: list[tuple[Visit, "asyncio.Future[HttpReply]"]] = field(default_factory=list)

    async def __call__(self, visit: Visit) -> HttpReply:
        """Answer one."""
        if not visit.request.body.count(b"Repeat the word"):
            return await visit.reply()
        mine: asyncio.Future[HttpReply] = asyncio.get_running_loop().create_future()
        self.waiting.append((visit, mine))
        if len(self.waiting) == 4:
            together, self.waiting = self.waiting, []
            replies = [await one.reply() for one, _ in together]
            for (_, future), reply in zip(together, replies[1:] + replies[:1], strict=True):
                future.set_result(reply)
        return await mine


as_success = errors(lambda visit, _reply: visit.answer())
as_success_signed = errors(
    lambda visit, _reply: visit.answer(),
    of=lambda visit: any(name in visit.request.headers for name in ("authorization", "x-api-key")),
)
untyped = errors(
    lambda _visit, reply: _with(reply, body=b"<html>no</html>", content_type="text/html", x_amzn_errortype="")
)
html = errors(lambda _visit, reply: _with(reply, content_type="text/html"))
same_cost = place("prompt_tokens", 9)


# --- what a stream's events can go through -----------------------------------------------------------------


def _cumulative(dialect: str) -> Edit:
    def edit(events: list[StreamEvent]) -> list[StreamEvent]:
        said, made = "", []
        for event in events:
            said += delta_text(dialect, event)
            made.append(with_text(dialect, event, said) if is_delta(dialect, event) else event)
        return made

    return edit


def _plainly_ended(dialect: str) -> Edit:
    """Say in the stream that the model had no more to say."""
    words = {"length": "stop", "max_tokens": "end_turn", "MAX_TOKENS": "STOP"}
    del dialect

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                name: words.get(one, one)
                if name in {"finish_reason", "finishReason", "stop_reason", "stopReason"} and isinstance(one, str)
                else plain(one)
                for name, one in value.items()
            }
        return [plain(one) for one in value] if isinstance(value, list) else value

    return lambda events: [StreamEvent(event.name, plain(event.body)) for event in events]


def _unpaid(dialect: str) -> Edit:
    """Take every figure of cost out of the stream."""
    del dialect

    def free(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                name: 0 if isinstance(one, int) and "token" in name.lower() else free(one)
                for name, one in value.items()
            }
        return [free(one) for one in value] if isinstance(value, list) else value

    return lambda events: [StreamEvent(event.name, free(event.body)) for event in events]


def _unended(dialect: str) -> Edit:
    """Take the terminator away, and the reason for the end."""

    def is_end(event: StreamEvent) -> bool:
        said = json.dumps(event.body)
        reasons = (
            '"finish_reason": "',
            '"finishReason": "',
            '"stop_reason": "',
            "stopReason",
            '"metrics"',
            "message_stop",
        )
        return event.name == "[DONE]" or any(reason in said for reason in reasons)

    del dialect
    return lambda events: [event for event in events if not is_end(event)]


def _misshapen(dialect: str) -> Edit:
    """Take a required member out of the first event that has one."""
    names = {
        "openai/ChatCompletion": "choices",
        "anthropic/Message": "message",
        "bedrock-runtime/Converse:output": "role",
    }
    name = names.get(FORMS[dialect].reply_model)

    def edit(events: list[StreamEvent]) -> list[StreamEvent]:
        first, *rest = events
        broken = {**first.body, "candidates": "none"} if name is None else without(first.body, (name,))
        return [StreamEvent(first.name, broken), *rest]

    return edit


def _first_last(dialect: str) -> Edit:
    """Send the first event just before the last."""
    if dialect == "vertex-generate":
        # Of Gemini's chunks only the last is told from the others.
        return lambda events: [events[-1], *events[:-1]]
    return lambda events: [*events[1:-1], events[0], events[-1]]


def _two_ids(dialect: str) -> Edit:
    del dialect
    return lambda events: [
        StreamEvent(event.name, {**event.body, "id": f"chatcmpl-{place}"}) if event.body else event
        for place, event in enumerate(events)
    ]


def _usage_unasked(dialect: str) -> Edit:
    del dialect

    def edit(events: list[StreamEvent]) -> list[StreamEvent]:
        cost = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        return [*events[:-1], StreamEvent("", {**events[0].body, "choices": [], "usage": cost}), events[-1]]

    return edit


def _one_word(dialect: str) -> Edit:
    """Replace a tool's call by text."""

    def edit(events: list[StreamEvent]) -> list[StreamEvent]:
        del events
        return _text_events(dialect)

    return edit


def _text_events(dialect: str) -> list[StreamEvent]:
    head = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    match FORMS[dialect].reply_model:
        case "openai/ChatCompletion":
            text = {"index": 0, "delta": {"role": "assistant", "content": "Fine."}, "finish_reason": None}
            end = {"index": 0, "delta": {}, "finish_reason": "stop"}
            bodies = [StreamEvent("", {**head, "choices": [one]}) for one in (text, end)]
            return [*bodies, StreamEvent("[DONE]", None)]
        case "anthropic/Message":
            start = {
                "id": "m",
                "type": "message",
                "role": "assistant",
                "content": [],
                "model": "m",
                "stop_reason": None,
            }
            start |= {"stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}
            named = [
                {"type": "message_start", "message": start},
                {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
                {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Fine."}},
                {"type": "content_block_stop", "index": 0},
                {
                    "type": "message_delta",
                    "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                    "usage": {"output_tokens": 1},
                },
                {"type": "message_stop"},
            ]
            return [StreamEvent(str(one["type"]), one) for one in named]
        case "bedrock-runtime/Converse:output":
            cost = {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}
            return [
                StreamEvent("messageStart", {"role": "assistant"}),
                StreamEvent("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Fine."}}),
                StreamEvent("contentBlockStop", {"contentBlockIndex": 0}),
                StreamEvent("messageStop", {"stopReason": "end_turn"}),
                StreamEvent("metadata", {"usage": cost, "metrics": {"latencyMs": 1}}),
            ]
    parts = [{"text": "Fine."}]
    return [StreamEvent("", {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]})]


# --- more of what a reply can go through -------------------------------------------------------------------


async def _garbled(visit: Visit) -> HttpReply:
    """Answer with what UTF-8 looks like to a reader of Latin-1."""
    reply = await visit.reply()
    words = "Grüße, 東京".encode().decode("latin-1")
    if _is_stream(visit, reply):
        name = visit.dialect.name
        return _with(
            reply,
            body=restreamed(
                name, reply.body, lambda events: [with_text(name, e, words) if is_delta(name, e) else e for e in events]
            ),
        )
    if reply.status != 200:
        return reply
    return _with(
        reply, body=json.dumps(changed(json.loads(reply.body), places_of(visit.dialect.name).text, words)).encode()
    )


async def _same_id(visit: Visit) -> HttpReply:
    """Give every reply the same id."""
    reply = await visit.reply()
    if visit.dialect.name == "vertex-generate":
        said = json.loads(reply.body)
        return _with(reply, body=json.dumps({**said, "responseId": "same"}).encode()) if reply.status == 200 else reply
    return _with(reply, x_request_id="same", request_id="same", x_amzn_requestid="same")


async def _closing(visit: Visit) -> HttpReply:
    """Close the connection after every reply."""
    visit.closes = True
    return await visit.reply()


async def _broken_off(visit: Visit) -> HttpReply:
    """Break the connection in the middle of a stream."""
    reply = await visit.reply()
    if _is_stream(visit, reply):
        raise Aborted(reply)
    return reply


async def _calls_unasked(visit: Visit) -> HttpReply:
    """Call a tool that was only offered."""
    reply = await visit.reply()
    if b"get_weather" not in visit.request.body or reply.status != 200:
        return reply
    return visit.calling("get_weather")


async def _checksum(visit: Visit) -> HttpReply:
    """Flip a bit within the last frame's checksum."""
    reply = await visit.reply()
    return _with(reply, body=reply.body[:-1] + bytes([reply.body[-1] ^ 1])) if _is_stream(visit, reply) else reply


async def _typed_in_body(visit: Visit) -> HttpReply:
    """Name an AWS error in the body only."""
    reply = await visit.reply()
    name = (header(reply.headers, "x-amzn-errortype") or "").partition(":")[0]
    if not name:
        return reply
    kept = {key: one for key, one in reply.headers.items() if key.lower() != "x-amzn-errortype"}
    said = json.dumps({**json.loads(reply.body), "__type": name}).encode()
    return HttpReply(status=reply.status, headers=kept, body=said)


async def _unwrapped(visit: Visit) -> HttpReply:
    """Pass a container's refusal on as if it were SageMaker's."""
    reply = await visit.reply()
    if reply.status != 424:
        return reply
    return _with(reply, status=400, body=b'{"Message":"Bad Request"}', x_amzn_errortype="ValidationError")


async def _events_for_array(visit: Visit) -> HttpReply:
    """Send events where an array was asked for."""
    reply = await visit.reply()
    if "streamGenerateContent" not in visit.request.path or visit.request.query:
        return reply
    chunks = [StreamEvent("", one) for one in json.loads(reply.body)]
    return _with(reply, body=encoded("vertex-generate", chunks), content_type="text/event-stream")


def _in_error(path: Path, value: object) -> Mutation:
    return errors(
        lambda _visit, reply: _with(reply, body=json.dumps(changed(json.loads(reply.body), path, value)).encode())
    )


def _asks(text: bytes) -> Callable[[Visit], bool]:
    return lambda visit: text in visit.request.body


def _sends(name: str) -> Callable[[Visit], bool]:
    return lambda visit: name in visit.request.headers


def _method(visit: Visit) -> bool:
    return visit.request.method in {"GET", "HEAD"}


_REFUSED = {"as a success": as_success, "without a type": untyped}
_BOUND = {"an end that is not the bound's": stop_word()}
_BROKEN_SHAPE = {"a member of another type": place("required", 7)}
_TIER = {
    "openai-chat": ("service_tier",),
    "anthropic-messages": ("usage", "service_tier"),
    "bedrock-converse": ("serviceTier",),
}


async def _other_tier(visit: Visit) -> HttpReply:
    return await at(_TIER[visit.dialect.name], "batch")(visit)


MUTANTS: dict[str, dict[str, Mutation]] = {
    "whole-reply": _BROKEN_SHAPE,
    "whole-text": {"no text": place("text", ""), "no reason for the end": place("stop", None)},
    "whole-content-type": {"plain text": headed("content-type", "text/plain")},
    "usage": {
        "no usage": lost("usage"),
        "more than the bound": place("output_tokens", 99),
        "a free prompt": place("prompt_tokens", 0),
    },
    "usage-grows-with-the-prompt": {"one price": same_cost},
    "stops-at-max-tokens": _BOUND,
    "streamed-reply": {"a member lost": stream(_misshapen), "broken off": _broken_off},
    "streamed-content-type": {"plain text": headed("content-type", "text/plain")},
    "streamed-end": {"no terminator": stream(_unended), "broken off": _broken_off},
    "streamed-text": {"all of it again": stream(_cumulative)},
    "streamed-bytes-split-anywhere": {"the last bytes lost": raw_stream(lambda data: data[:-2])},
    "streamed-usage": {"no figures": stream(_unpaid)},
    "streamed-stops-at-max-tokens": {"an end that is not the bound's": stream(_plainly_ended)},
    "malformed-json-refused": _REFUSED,
    "missing-member-refused": _REFUSED,
    "unknown-model-refused": _REFUSED,
    "wrong-path-refused": {
        "answered": always(lambda visit: visit.answer(), when=lambda visit: "no-such-path" in visit.request.path)
    },
    "get-refused": {"answered": always(lambda visit: visit.answer(), when=_method)},
    "head-refused": {"answered": always(lambda visit: visit.answer(), when=_method)},
    "errors-are-json": {"as a page": html, "no JSON": untyped},
    "stream-refused-before-it-begins": {"within a stream": errors(lambda _visit, reply: _with(reply, status=200))},
    "missing-credentials-refused": {
        "without a type": untyped,
        "as not found": errors(lambda _visit, reply: _with(reply, status=404)),
    },
    "wrong-credentials-refused": {"as a success": as_success_signed},
    "unicode": {"garbled": _garbled},
    "streamed-unicode": {"garbled": _garbled},
    "concurrent-requests": {"answers swapped": Swapped()},
    "keep-alive": {"connections closed": _closing},
    "streamed-keep-alive": {"connections closed": _closing},
    "request-id": {"one id": _same_id},
    "no-strange-members": {"a member more": at(("brownout_extra",), 1)},
    "expect-continue": {"refused": refusing(_sends("expect"), 417)},
    "chunked-body": {"refused": refusing(_sends("transfer-encoding"))},
    "compressed-body": {"misread": refusing(_sends("content-encoding"))},
    "big-prompt": {"refused": refusing(lambda visit: len(visit.request.body) > 30_000, 413)},
    "escaped-unicode": {"refused": refusing(_asks(b"\\u"), 400)},
    "negative-max-tokens-refused": _REFUSED,
    "wrong-type-refused": _REFUSED,
    "wrong-role-refused": _REFUSED,
    "temperature-out-of-range-refused": _REFUSED,
    "unknown-member-refused": _REFUSED,
    "max-tokens-required": _REFUSED,
    "anthropic-version-required": _REFUSED,
    "version-required": _REFUSED,
    "system-prompt": {"passed over": same_cost},
    "conversation": {"passed over": same_cost},
    "stop-sequence": {"passed over": first_for_ever()},
    "tool-call": {"passed over": always(lambda visit: visit.answer(), when=_asks(b"get_weather"))},
    "tool-call-streamed": {"passed over": stream(_one_word)},
    "tools-need-not-be-called": {"called all the same": _calls_unasked},
    "tool-result": {"refused": refusing(_asks(b"18 degrees"), 400)},
    "count-tokens": {"one count": body(lambda _visit, old: dict.fromkeys(old, 9))},
    "sdk-reads-a-reply": {"no text": lost("text")},
    "sdk-reads-a-stream": {"no terminator": stream(_unended)},
    "sdk-raises-its-error": {"as a success": as_success, "without a type": untyped},
    "stream-order": {"the first one late": stream(_first_last)},
    "chunks-of-one-reply": {"two ids": stream(_two_ids)},
    "usage-on-demand": {"unasked": stream(_usage_unasked)},
    "rate-limit-headers": {
        "more left than the limit": headed("x-ratelimit-limit-requests", "0"),
        "more left than the limit (Anthropic)": headed("anthropic-ratelimit-requests-limit", "0"),
    },
    "service-tier": {"another one": _other_tier},
    "content-parts": {"refused": refusing(_asks(b'"type":"text"'), 400)},
    "content-blocks": {"refused": refusing(_asks(b'"type":"text"'), 400)},
    "max-completion-tokens": _BOUND,
    "models-listed": {"none": at(("data",), [])},
    "error-names-the-parameter": {"not said": _in_error(("error", "param"), None)},
    "error-request-id": {"another one": _in_error(("request_id",), "req_of_somebody")},
    "frames": {"a wrong checksum": _checksum, "cut": raw_stream(lambda data: data[:-5])},
    "tampered-body-refused": {"as a success": as_success_signed},
    "expired-signature-refused": {"as a success": as_success_signed},
    "wrong-region-refused": {"as a success": as_success_signed},
    "error-name-in-header": {"in the body only": _typed_in_body},
    "variant-named": {"not said": headed("x-amzn-invoked-production-variant", "")},
    "container-errors-wrapped": {"passed on": _unwrapped},
    "json-array-stream": {"events": _events_for_array},
    "traffic-type": {"another one": at(("usageMetadata", "trafficType"), "TRAFFIC_TYPE_UNSPECIFIED")},
    "snake-case-members": _BOUND,
    "beta-path": {"not there": refusing(lambda visit: "/v1beta1/" in visit.request.path, 404)},
}
"""By check, and by what is wrong. Those of one dialect only are passed over for the others."""

ONLY: dict[tuple[str, str], str] = {
    ("rate-limit-headers", "more left than the limit"): "openai-chat",
    ("rate-limit-headers", "more left than the limit (Anthropic)"): "anthropic-messages",
}
"""Mutations that one dialect alone can show."""

APART = {"bearer-key": "test_bearer.py breaks it: it needs TLS"}
"""Checks that are broken elsewhere."""

__all__ = ["APART", "MUTANTS", "ONLY", "Places"]
