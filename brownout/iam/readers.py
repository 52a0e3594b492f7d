"""Who is meant to read can. A boundary that lets nobody in keeps every other promise, and is of no use to anybody."""

from collections.abc import Sequence

from brownout.iam.doors import reads
from brownout.iam.escrow import KINDS, Held, Kind
from brownout.iam.evaluate import Decision
from brownout.iam.search import Found, Search
from brownout.iam.subjects import Subject
from brownout.iam.verdicts import Breach


def readers_can_read(search: Search, region: str, found: Found) -> None:
    """Read everything that is kept in a region, through the escrow's endpoint there, as one of those who may."""
    for kind in KINDS:
        readers = _readers(kind, search, found)
        for held in search.held(kind, region, found):
            _read(held, region, readers, search, found)


def _readers(kind: Kind, search: Search, found: Found) -> list[Subject]:
    names = search.escrow.readers(kind)
    if not names:
        found.doubts.append(f"may_read names nobody for {kind}: nothing shows that its policies are not just shut")
    readers = [one for one in search.subjects.real if one.principal.arn in names]
    missing = names - {one.principal.arn for one in readers}
    found.doubts += [f"what {name} may, which may_read names and no export has" for name in sorted(missing)]
    return readers


def _read(held: Held, region: str, readers: Sequence[Subject], search: Search, found: Found) -> None:
    doors = list(reads(held, search.named))
    plainest = [one for one in doors if one.action == doors[0].action]
    ways = [way for way in search.inside(doors[0].service) if way.endpoint and way.endpoint.region == region]
    if not ways:
        found.doubts.append(f"how {held.arn} is read: no VPC endpoint for {doors[0].service} is named in {region}")
        return
    answers = [
        search.inquiry.read(reader, door, way, anyhow=True) for reader in readers for way in ways for door in plainest
    ]
    if answers and not any(one.answer == "allowed" for one in answers):
        found.breaches.append(_shut(held, doors[0].action, answers))


def _shut(held: Held, action: str, answers: Sequence[Decision]) -> Breach:
    told = next((one for one in answers if one.answer == "unknown"), answers[0])
    return Breach(
        who="nobody who is meant to read",
        can=False,
        roles=[],
        action=action,
        resource=held.arn,
        vantage="the escrow's endpoints",
        certain=told.answer == "denied",
        by=list(told.by),
        why=list(told.why),
    )
