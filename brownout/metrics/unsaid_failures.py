"""Failures that nobody told the client of."""

from brownout.metrics.base import NoEvidence, Observation, View, metric, need, some


@metric("unsaid_failures", "count")
def unsaid_failures(view: View) -> Observation:
    """Streams that just stop, without terminator or error, and connections closed without any answer.

    Official SDKs end such a stream as if it were whole (openai, anthropic, google-genai and botocore all do), so that a
    user takes half an answer for an answer.
    """
    need(view.client, 1, "requests in the window")
    failed = any(r.outcome in ("cut", "refused", "client-gone") for r in view.attempts)
    # An answer with a broken piece has been sent whole, so that only what its client was told shows the failure.
    if not failed and all(r.outcome == "ok" for r in view.client):
        raise NoEvidence("no endpoint failed a request, so there was nothing to say")
    unsaid = [r for r in view.client if r.outcome == "truncated" or (r.outcome == "error" and r.status is None)]
    stopped = sum(r.outcome == "truncated" for r in unsaid)
    return Observation(
        value=len(unsaid),
        samples=len(view.client),
        witnesses=some([r.canary for r in unsaid]),
        why=f"{stopped} streams just stopped, {len(unsaid) - stopped} connections closed without an answer",
    )
