"""Small tapes: a message here and there, each part's digest a word."""

from typing import Any

from brownout.tape import REPLIES, TapeRecord
from tests.histories import ABROAD, ACME, EUROPA, NEAR, TEST


def message(number: int, *, tenant: str = EUROPA, place: str = ABROAD, play: str = TEST, **changes: Any) -> TapeRecord:
    """Return a request of a tenant's, received a moment after it was due."""
    known: dict[str, Any] = {
        "test": play,
        "place": place,
        "kind": "request",
        "at_s": number / 10,
        "end_s": number / 10 + 0.2,
        "canary": f"{tenant}-{number}" if tenant else "",
        "parts": {"method": "m", "path": "p", "header x-foo": f"foo {number}", "body as it came": f"said {number}"},
        "blocks": [f"said {number}", "end"],
    }
    return TapeRecord(**(known | changes))


def answer(number: int, *, tenant: str = EUROPA, play: str = TEST, **changes: Any) -> TapeRecord:
    """Return the reply to a request."""
    parts = {"status": "200", "header date": "d", "pace": "even"}
    return message(number, tenant=tenant, place=REPLIES, play=play, **({"kind": "reply", "parts": parts} | changes))


def tape(count: int = 40, *, play: str = TEST, secret: str = "") -> list[TapeRecord]:
    """Return a healthy tape: each request of the tenant abroad and its reply, and as many of the near one's."""
    told: list[TapeRecord] = []
    for number in range(count):
        told += [message(number, play=play), answer(number, play=play)]
        told.append(message(number, tenant=ACME, place=NEAR, play=play, blocks=[f"acme {number} {secret}"]))
        told.append(answer(number, tenant=ACME, play=play, blocks=[f"acme {number} {secret}"]))
    return told
