"""Sorry, as an answer."""

from brownout.wire import End, Event, Refusal, Token
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, with_router


class _Apologetic(Router):
    async def unanswered(self, refusal: Refusal) -> list[Event]:
        text = f"Error: {refusal}. Please try again later."
        return [*(Token(f"{word} ") for word in text.split()), End()]


ERROR_AS_TEXT = Planted(
    name="error-as-text",
    about="answers 200 with the error as the text when no endpoint could answer",
    make=with_router(_Apologetic),
    caught_by="garbled_as_success",
    also=frozenset({"rejections_masked"}),
    why="a client is told of its own mistake in a 200, too",
    seen_in="unknown-errors",
)
