"""Whether what was handed in as a batch is accounted for, line by line."""

from brownout.metrics.base import Observation, View, metric, need, some


@metric("lost_batch_lines", "count", timed=True)
def lost_batch_lines(view: View) -> Observation:
    """Lines of batches that the target had taken, and that did not end once, in the output or the error file.

    OpenAI's guide "Batch API" promises as much: each line of the input is answered by a line of the one or of the
    other, also where a batch expires or is cancelled.
    """
    lines = [r for r in view.client if r.batch]
    need(lines, 1, "lines of batches that were taken")
    lost = [r for r in lines if r.filed != 1]
    doubled = sum(r.filed > 1 for r in lost)
    batches = len({r.batch for r in lines})
    return Observation(
        value=len(lost),
        samples=len(lines),
        witnesses=some([r.canary for r in lost]),
        why=f"of {len(lines)} lines of {batches} batches, {len(lost) - doubled} ended in no file, {doubled} twice",
    )
