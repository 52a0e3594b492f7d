"""A reply that does not tell its usage is whole all the same, and says that it tells none: in every dialect."""

import re

import pytest

from brownout.dialects import DIALECTS
from brownout.dialects.sagemaker_containers import InvocationAsk
from brownout.wire import Answer, Ask, Dialect, End, Event, Token, ToolCall
from tests.dialects.rounds import read, stream, whole

_PLAIN = Ask(model="m", prompt="p")
_TGI = InvocationAsk(model="m", prompt="p", container="tgi", details=True)
CASES = [
    *(pytest.param(dialect, _PLAIN, id=name) for name, dialect in DIALECTS.items()),
    pytest.param(DIALECTS["sagemaker-invoke"], _TGI, id="sagemaker-invoke-tgi"),
]
_COUNTS = {"prompt_tokens": 123_457, "output_tokens": 765_431}
_COUNTED = re.compile(rb"123457|765431")


def _end(*, counted: bool) -> End:
    return End(stop="length", counted=counted, **_COUNTS)


def _told(end: Event | None) -> tuple[str, int, bool]:
    assert isinstance(end, End)
    return end.stop, end.output_tokens, end.counted


@pytest.mark.parametrize(("dialect", "ask"), CASES)
@pytest.mark.parametrize("counted", [True, False])
def test_a_whole_reply_tells_its_usage_or_none(dialect: Dialect, ask: Ask, counted: bool) -> None:  # noqa: FBT001
    """Without usage neither the headers nor the body bear a count; text and stop reason are there."""
    reply = whole(dialect, ask, Answer(text="a b", end=_end(counted=counted)))
    on_the_wire = reply.body + repr(reply.headers).encode()
    answer = dialect.client.answer(reply)
    assert counted is bool(_COUNTED.search(on_the_wire))
    assert ("a b", ("length", 765_431 if counted else 0, counted)) == (answer.text, _told(answer.end))


@pytest.mark.parametrize(("dialect", "ask"), CASES)
@pytest.mark.parametrize("counted", [True, False])
def test_a_stream_tells_its_usage_or_none(dialect: Dialect, ask: Ask, counted: bool) -> None:  # noqa: FBT001
    """Without usage the stream has its tokens and its terminator, and no final count, wherever it is split."""
    said: list[Event] = [Token("a"), Token(" b"), _end(counted=counted)]
    sent = stream(dialect, ask, said)
    for cuts in ([], list(range(1, len(sent)))):
        *tokens, end = read(dialect, sent, cuts)
        assert said[:2] == tokens
        assert ("length", 765_431 if counted else 0, counted) == _told(end)


@pytest.mark.parametrize("dialect", [pytest.param(one, id=name) for name, one in DIALECTS.items()])
def test_a_tool_can_be_called_at_no_told_cost(dialect: Dialect) -> None:
    """Calls do not depend on the usage."""
    call = ToolCall(id="c", name="weather", arguments='{"city":"Bonn"}')
    *calls, end = read(dialect, stream(dialect, _PLAIN, [call, End(stop="tool", counted=False)]), [])
    assert (["weather"], False) == ([one.name for one in calls if isinstance(one, ToolCall)], _told(end)[2])
