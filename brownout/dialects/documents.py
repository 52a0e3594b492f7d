"""An answer inside the JSON document that its caller asked for, event by event."""

from brownout.dialects.structured import Frame
from brownout.wire import Answer, End, Event, Token, ToolCall, gathered


class Documented:
    """Puts one answer's events into a document.

    What stands before the text comes with the first token, what stands after it with the end, if the model had its say:
    an answer that was cut short is broken JSON, as a real one is. A tool call is no part of a document.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._begun = False
        self._called = False

    def events(self, event: Event) -> list[Event]:
        """Return what one event becomes."""
        if isinstance(event, ToolCall):
            self._called = True
            return [event]
        piece = self._opening()
        if isinstance(event, Token):
            piece += self._frame.inside(event.text)
        elif self._called:
            return [event]
        elif event.stop == "stop":
            piece += self._frame.after
        said: list[Event] = [Token(piece)] if piece else []
        return [*said, event] if isinstance(event, End) else said

    def _opening(self) -> str:
        opening = "" if self._begun or self._called else self._frame.before
        self._begun = True
        return opening


def documented(frame: Frame | None, answer: Answer) -> Answer:
    """Return a whole answer inside its document; as it is where none was asked for."""
    if frame is None or answer.end is None or answer.calls:
        return answer
    inside = Documented(frame)
    said: list[Event] = [Token(answer.text)] if answer.text else []
    return gathered(made for event in (*said, answer.end) for made in inside.events(event))
