"""A conversation in which tools were called, turn by turn: in the one form that every provider takes."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import msgspec

from brownout.wire import Part, ToolCall, ToolResult, Turn, Who

_decode = msgspec.json.Decoder().decode


def conversation(said: Iterable[Turn]) -> tuple[Turn, ...]:
    """Return the turns as every provider takes them; none where no tool was called, or not all of them take it.

    What is the system's comes first. After that users and assistants alternate, beginning and ending with the user.
    Results come before what a user says besides (Anthropic wants it so), and calls after what an assistant says (OpenAI
    has no other order). Blank texts, which some refuse, are left out.
    """
    merged: list[Turn] = []
    system: list[Part] = []
    for turn in said:
        parts = [part for part in turn.parts if not isinstance(part, str) or part.strip()]
        if turn.role == "system":
            system += parts
        elif parts and merged and merged[-1].role == turn.role:
            merged[-1] = Turn(turn.role, (*merged[-1].parts, *parts))
        elif parts:
            merged.append(Turn(turn.role, tuple(parts)))
    turns = [Turn(turn.role, _in_order(turn.parts)) for turn in merged]
    if not _can_be_told(turns):
        return ()
    return (*([Turn("system", tuple(system))] if system else []), *turns)


def _in_order(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Return results, texts and calls, each in their order."""
    results = [part for part in parts if isinstance(part, ToolResult)]
    texts = [part for part in parts if isinstance(part, str)]
    return (*results, *texts, *(part for part in parts if isinstance(part, ToolCall)))


def _can_be_told(turns: Sequence[Turn]) -> bool:
    roles = [turn.role for turn in turns]
    if not turns or (roles[0], roles[-1]) != ("user", "user") or results_of(turns[0]):
        return False
    called = [call for turn in turns for call in calls_of(turn)]
    paired = all(
        sorted(call.id for call in calls_of(one)) == sorted(result.id for result in results_of(after))
        for one, after in pairwise(turns)
    )
    return bool(called) and paired and all(is_object(call.arguments) for call in called)


def is_object(arguments: str) -> bool:
    """Return whether a call's arguments are a JSON object; a model may have written anything."""
    try:
        return isinstance(_decode(arguments), dict)
    except (msgspec.DecodeError, RecursionError):
        return False


def texts_of(turn: Turn) -> list[str]:
    """Return what is said in a turn, in words."""
    return [part for part in turn.parts if isinstance(part, str)]


def calls_of(turn: Turn) -> list[ToolCall]:
    """Return the calls in a turn."""
    return [part for part in turn.parts if isinstance(part, ToolCall)]


def results_of(turn: Turn) -> list[ToolResult]:
    """Return what tools gave back in a turn."""
    return [part for part in turn.parts if isinstance(part, ToolResult)]


def named(turns: Iterable[Turn]) -> list[Turn]:
    """Return turns whose results bear their tools' names, by the calls before them: not every provider says these."""
    names: dict[str, str] = {}
    told = []
    for turn in turns:
        names |= {call.id: call.name for call in calls_of(turn)}
        parts = [
            msgspec.structs.replace(part, name=part.name or names.get(part.id, ""))
            if isinstance(part, ToolResult)
            else part
            for part in turn.parts
        ]
        told.append(Turn(turn.role, tuple(parts)))
    return told


def arguments_of(value: Any) -> str:
    """Return a call's arguments, encoded."""
    return msgspec.json.encode(value).decode()


def raw(arguments: str) -> msgspec.Raw:
    """Return arguments to be encoded as they stand: no number in them is written in another way."""
    return msgspec.Raw(arguments.encode())


def apart(turns: Sequence[Turn]) -> tuple[list[str], Sequence[Turn]]:
    """Return what is the system's, and the other turns: most providers keep them apart."""
    system: Who = "system"
    if turns and turns[0].role == system:
        return texts_of(turns[0]), turns[1:]
    return [], turns
