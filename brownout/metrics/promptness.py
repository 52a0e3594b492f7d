"""When service is good again: the first of a run of requests that were all answered promptly."""

from collections.abc import Sequence

from brownout.evidence import ClientRecord

RUN_LENGTH = 10  # one good answer is luck; ten in a row is service
PROMPT_S = 2.0  # to the first token: what an interactive user takes for an answer, not a wait


def is_prompt(record: ClientRecord) -> bool:
    """Return whether the request was served, and began to be within `PROMPT_S` of being due."""
    return record.outcome == "ok" and record.ttft_s is not None and record.ttft_s <= PROMPT_S


def good_again_s(records: Sequence[ClientRecord]) -> float | None:
    """Return the due time of the first of `RUN_LENGTH` prompt answers in a row (by due time); None if there is none."""
    run: list[float] = []
    for record in records:
        run = [*run, record.due_s] if is_prompt(record) else []
        if len(run) == RUN_LENGTH:
            return run[0]
    return None
