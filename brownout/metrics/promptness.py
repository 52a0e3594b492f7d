"""When service is good again: the first of a run of requests of which nearly all were answered promptly."""

from collections.abc import Sequence

from brownout.evidence import ClientRecord

RUN_LENGTH = 20  # one good answer is luck; a run of them is service
REST_MIN = 8  # of what is left at the end of a test, shorter than a run: all of it must be good
GOOD_MIN = 18  # a router that asks a sick endpoint now and then whether it has healed loses a request by it
PROMPT_S = 2.0  # to the first token: what an interactive user takes for an answer, not a wait
TOKEN_S = 0.05  # what a token of an answer that is not streamed may take besides (20 a second: as fast as people read)


def is_prompt(record: ClientRecord) -> bool:
    """Return whether the request was served, and began to be within `PROMPT_S` of being due.

    An answer that is not streamed has no first token: it comes whole, and the longer it is, the later.
    """
    allowed_s = PROMPT_S if record.stream else PROMPT_S + record.tokens * TOKEN_S
    return record.outcome == "ok" and record.ttft_s is not None and record.ttft_s <= allowed_s


def good_again_s(records: Sequence[ClientRecord]) -> float | None:
    """Return when a prompt answer begins a run of `RUN_LENGTH` (by due time) with `GOOD_MIN` prompt ones.

    Where fewer are left (one tenant's share of the traffic is small, and service came back late in the test), it begins
    a rest of `REST_MIN` or more that are all prompt. The instant is that answer's due time; None when there is neither.
    """
    prompt = [is_prompt(record) for record in records]
    starts = (at for at, good in enumerate(prompt) if good and _is_good(prompt[at : at + RUN_LENGTH]))
    return next((records[at].due_s for at in starts), None)


def _is_good(run: Sequence[bool]) -> bool:
    return sum(run) >= GOOD_MIN if len(run) == RUN_LENGTH else len(run) >= REST_MIN and all(run)
