"""One HTTP exchange whose reply is read whole: what goes on about a batch, besides the answers in it.

It is fed as a `loadgen.watch.Watch` is, by either driver, and does no I/O.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urldefrag, urljoin

import msgspec

from brownout.clock import Clock
from brownout.wire import HttpRequest
from loadgen.replies import HELD_BYTES, Replies
from loadgen.watch import unanswered_by

_MOVED = {301, 302, 303, 307, 308}
_ADDRESS = re.compile(r"[!-~]+")


class Fetch:
    """The observer of one exchange.

    Args:
        name: what it is called in evidence.
        request: what is sent.
        tenant: who sends it.
        until_s: when its client gives up, on ``clock``.
        clock: the test's clock.
        replies: looks at what came, where somebody does.

    Attributes:
        outcome: how it failed, where nothing was answered; None as long as it has not failed so.
        error: by what.
        reply_status: the reply's status, once it has one.
        body: the reply's body, as far as it came.
        whole: whether it came to its end.
    """

    def __init__(
        self, name: str, request: HttpRequest, tenant: str, *, until_s: float, clock: Clock, replies: Replies | None
    ) -> None:
        self.request = request
        self.outcome: Literal["error", "hung", "unsent"] | None = None
        self.error = ""
        self.reply_status: int | None = None
        self.whole = False
        self._name, self._tenant, self._until_s = name, tenant, until_s
        self._clock, self._replies = clock, replies
        self._headers: Mapping[str, str] = {}
        self._sent = False
        self._came = bytearray()

    @property
    def body(self) -> bytes:
        """What came."""
        return bytes(self._came)

    @property
    def served(self) -> bool:
        """Whether it was answered 2xx, as clients have it (201 for what was made), and to the end."""
        return self.whole and 200 <= (self.reply_status or 0) < 300

    def told(self) -> dict[str, Any]:
        """Return the JSON object that was answered with; empty where that is none."""
        try:
            told: Any = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return {}
        return told if isinstance(told, dict) else {}

    def moved_to(self, asked: str) -> str:
        """Return where it was sent on to, resolved against the URL that was asked; empty where it was not."""
        location = next((value for name, value in self._headers.items() if name.lower() == "location"), "")
        if self.reply_status not in _MOVED or not _ADDRESS.fullmatch(location):
            return ""
        try:
            return urldefrag(urljoin(asked, location)).url
        except ValueError:  # a host that is none
            return ""

    def left_s(self) -> float:
        """Return how many seconds are left for it."""
        return self._until_s - self._clock.now_s()

    def sent(self) -> None:
        """Note that it is being handed to the socket layer."""
        self._sent = True

    def status(self, status: int, headers: Mapping[str, str]) -> None:
        """Note the reply's status and headers."""
        self.reply_status, self._headers = status, headers

    def received(self, data: bytes) -> None:
        """Take bytes of the reply's body, as they arrived."""
        if len(self._came) < HELD_BYTES:
            self._came += data

    def eof(self) -> None:
        """Note that the reply's body is over."""
        self.whole = self.reply_status is not None
        if not self.whole:
            self.outcome, self.error = "error", "reset"

    def transport_error(self, error: BaseException) -> None:
        """Note that the connection could not be made, or broke."""
        self.outcome, self.error = unanswered_by(error) if self.reply_status is None else ("error", "reset")

    def gave_up(self) -> None:
        """Note that its client waits no longer."""
        self.outcome = "hung" if self._sent else "unsent"

    def over(self) -> None:
        """Note that nothing more will come: whoever looks at replies is given all that came."""
        if self._replies is not None:
            self._replies.look(self._name, self._tenant, self._headers, self.body, whole=self.whole)
