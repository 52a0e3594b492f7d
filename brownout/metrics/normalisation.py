"""Whether errors are the same to an application whichever provider sent them, and still say what they said."""

from collections import Counter
from collections.abc import Sequence

from brownout.evidence import ClientRecord, ProviderRecord
from brownout.metrics import places
from brownout.metrics.base import NoEvidence, Observation, View, metric, need, some
from brownout.metrics.retries import REJECTED

_REJECTED_MIN = 5


@metric("throttle_shapes", "count", lacks=places.two_dialects)
def throttle_shapes(view: View) -> Observation:
    """In how many forms (status and code) clients were told that every endpoint asked had throttled their request.

    One form can be shown to be the only one if the endpoints that threw their requests out speak two dialects.
    """
    shapes: dict[tuple[int | None, str], list[str]] = {}
    dialects = set()
    for record, attempts in _refused(view):
        if all(r.outcome == "refused" and r.refusal == "throttled" for r in attempts):
            shapes.setdefault((record.status, record.code), []).append(record.canary)
            dialects.add(view.history.topology.endpoint(attempts[-1].endpoint).dialect)
    told = sum(len(canaries) for canaries in shapes.values())
    if len(shapes) < 2 and len(dialects) < 2:
        by = f"endpoints of {len(dialects)} dialect" if dialects else "any endpoint"
        raise NoEvidence(f"{told} clients were refused after being throttled by {by} (two dialects needed)")
    names = ", ".join(f"{status} {code or 'without a code'}" for status, code in sorted(shapes, key=str))
    return Observation(
        value=len(shapes),
        samples=told,
        witnesses=some([canaries[0] for canaries in shapes.values()] if len(shapes) > 1 else []),
        why=f"{told} clients were told of throttling by {', '.join(sorted(dialects))} as: {names}",
    )


@metric("rejections_masked", "count", stands_alone=True)
def rejections_masked(view: View) -> Observation:
    """Requests that were rejected for what they say, and whose client was not told so.

    Told is who gets a 4xx that its own dialect reads as such: then the application knows that its request is wrong.
    """
    rejected = [
        record
        for record in view.client
        if (made := view.history.by_canary.get(record.canary))
        and all(r.outcome == "refused" and r.refusal in REJECTED for r in made)
    ]
    need(rejected, _REJECTED_MIN, "requests that endpoints rejected for what they say")
    masked = [record for record in rejected if not _told(record)]
    seen = Counter(f"{r.outcome} {r.status or ''} {r.error}".strip() for r in masked)
    return Observation(
        value=len(masked),
        samples=len(rejected),
        witnesses=some([r.canary for r in masked]),
        why=f"{len(masked)} of {len(rejected)} rejected requests reached their clients as something else"
        + (f": {', '.join(f'{count} {kind}' for kind, count in seen.most_common(3))}" if seen else ""),
    )


@metric("illegible_errors", "count")
def illegible_errors(view: View) -> Observation:
    """Refusals in which the client's own dialect can read no error, though an endpoint was asked.

    An SDK has no class for such a thing, and an application no branch: it is somebody else's error passed on raw.
    """
    refused = list(_refused(view))
    if not any(r.outcome == "refused" for _, made in refused for r in made):
        raise NoEvidence("no client was refused what an endpoint had refused")
    illegible = [record for record, _ in refused if not record.code and record.error == "unknown"]
    statuses = ", ".join(sorted({str(r.status) for r in illegible}))
    return Observation(
        value=len(illegible),
        samples=len(refused),
        witnesses=some([r.canary for r in illegible]),
        why=f"{len(illegible)} of {len(refused)} refusals were in no form that the client's dialect knows"
        + (f" (status {statuses})" if illegible else ""),
    )


def _refused(view: View) -> list[tuple[ClientRecord, Sequence[ProviderRecord]]]:
    """Return the clients that were refused, with the attempts made for them, where there were any."""
    made = [(record, view.history.by_canary.get(record.canary, ())) for record in view.client]
    return [(record, attempts) for record, attempts in made if record.outcome == "refused" and attempts]


def _told(record: ClientRecord) -> bool:
    return record.outcome == "refused" and 400 <= (record.status or 0) < 500 and record.error in REJECTED
