"""What the endpoint's half of Claude's own replies has wherever they are served: at Anthropic's and on Vertex AI."""

from collections.abc import Mapping
from typing import ClassVar

from brownout.dialects.anthropic_events import message, token_count
from brownout.dialects.anthropic_platform import Platform
from brownout.wire import Answer, Ask, HttpReply


class ClaudeServer:
    """Writes whole replies, counts, and the headers of streams.

    Attributes:
        platform: marks the identifiers, and has headers of its own.
    """

    platform: ClassVar[Platform]

    def reply(self, ask: Ask, answer: Answer, *, reply_id: str) -> HttpReply:
        """Return the whole reply."""
        headers = self.platform.headers("application/json", reply_id)
        return HttpReply(
            status=200, headers=headers, body=message(ask, answer, reply_id=reply_id, platform=self.platform)
        )

    def counted(self, ask: Ask, prompt_tokens: int, *, reply_id: str) -> HttpReply:
        """Return the count of a prompt's tokens."""
        del ask
        headers = self.platform.headers("application/json", reply_id)
        return HttpReply(status=200, headers=headers, body=token_count(prompt_tokens))

    def stream_headers(self, ask: Ask, *, reply_id: str) -> Mapping[str, str]:
        """Return the headers of a streamed reply."""
        del ask
        return self.platform.headers("text/event-stream; charset=utf-8", reply_id) | {"Cache-Control": "no-cache"}
