"""What was seen outside a boundary, as stories: whose data, where, under what, when, and amid which faults. Pure.

The evidence has a record for each canary in each message. A `Leak` is one message; a `Story` is all leaks that are
told alike. Which records are violations is `brownout.crossing`'s to say, as it is for the judge.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

from brownout.answering import Answering
from brownout.canary import KINDS, Kind
from brownout.crossing import broken_by, crossing, made_abroad, mixed_up
from brownout.egress import EgressRecord, Layer
from brownout.evidence import ClientRecord, ProviderRecord
from brownout.plan import Plan, TestPlan
from brownout.topology import Topology
from reports.reading import Evidence
from reports.timeline import Window, fault_windows, load_start_s

_BYTES = "connection"  # a connection's last bytes, which are looked at again where a request was looked at already


class Way(NamedTuple):
    """By which way data got out: what leaks have in common that are told as one.

    Attributes:
        metric: the metric that counts it.
        layer: which layer of evidence saw it.
        tenant: whose data it was; empty for nobody's.
        kinds: what of it.
        place: where it was seen: an endpoint, a service, a file, a host; empty for a reply, which ``to`` was given.
        to: the tenant who was given it; empty for nobody.
        chain: what it lay under (``gzip>base64``); ``raw`` for nothing, empty for what bears no data.
        part: in which part of a message; empty for a whole attempt.
        profile: the geography of the inference profile that it went by, where that is what is wrong with it.
        denied: whether it was kept from getting there.
    """

    metric: str
    layer: Layer
    tenant: str
    kinds: tuple[Kind, ...]
    place: str
    to: str = ""
    chain: str = ""
    part: str = ""
    profile: str = ""
    denied: bool = False


class Leak(NamedTuple):
    """One message in which data got out.

    Attributes:
        way: by which way.
        test: the test, which all its repeats share.
        repeat: which of them.
        at_s: when it was seen, in seconds since load started.
        canary: whose request's data (``acme-17``); empty for nobody's.
        offset: how far into the part, in bytes.
        within: the request whose reply it was seen in; empty elsewhere.
        faults: labels of the faults that were on then.
        asked_s: where it was found only when load had ended: when the request was due whose data it is; the faults are
            those of that request's time. None elsewhere, and where no client knows of it.
        late: whether it was found only when load had ended.
        times: how often, where that is counted.
        why: what else the evidence says of it.
    """

    way: Way
    test: str
    repeat: int
    at_s: float
    canary: str
    offset: int = 0
    within: str = ""
    faults: tuple[str, ...] = ()
    asked_s: float | None = None
    late: bool = False
    times: int = 1
    why: str = ""

    @property
    def told_s(self) -> float:
        """The instant by which it is told: of what was found late, when it was asked."""
        return self.at_s if self.asked_s is None else self.asked_s


@dataclass(frozen=True)
class Story:
    """All leaks by one way, over all tests, in the order of the plan and of time."""

    way: Way
    leaks: tuple[Leak, ...]

    @property
    def first(self) -> Leak:
        """The one to tell."""
        return self.leaks[0]

    @property
    def last(self) -> Leak:
        """The last of them."""
        return self.leaks[-1]

    @property
    def times(self) -> int:
        """How often it was seen."""
        return sum(leak.times for leak in self.leaks)

    @property
    def requests(self) -> int:
        """How many requests' data it was; 0 of what is nobody's."""
        return len({(leak.test, leak.repeat, leak.canary) for leak in self.leaks if leak.canary})

    @property
    def tests(self) -> list[str]:
        """The tests in which it was seen, in the order of the plan."""
        return list(dict.fromkeys(leak.test for leak in self.leaks))

    @property
    def faults(self) -> dict[str, int]:
        """How many of the leaks were amid which faults (``a and b``), the most first; empty: amid none."""
        return dict(Counter(" and ".join(leak.faults) for leak in self.leaks).most_common())


def leaks_of(test: TestPlan, plan: Plan, evidence: Evidence) -> list[Leak]:
    """Return what got out in one test, in the order of time."""
    topology, when = plan.topology_of(test), _When(test, evidence)
    attempts = [
        (record, how)
        for record in evidence.provider.get(test.test, [])
        if record.canary is not None and (how := crossing(topology, record))
    ]
    client = evidence.client.get(test.test, [])
    answering = Answering(client, evidence.provider.get(test.test, []))
    counted = [one for one in evidence.egress.get(test.test, []) if not mixed_up(answering, one)]
    counted += made_abroad(topology, client, answering)
    sighted = [_sighted(metric, seen, when) for metric, seen in _messages(topology, counted)]
    known = {(leak.canary, leak.way.place) for leak in sighted if leak.way.metric == "boundary_violations"}
    whole = [
        _attempted(record, how, topology, when)
        for record, how in attempts
        if (record.canary, record.endpoint) not in known
    ]
    return sorted([*sighted, *whole], key=lambda leak: (leak.told_s, leak.way, leak.canary))


def stories_of(leaks: Iterable[Leak]) -> list[Story]:
    """Return leaks as stories: of each metric the one seen most often first, then of each the next."""
    told: dict[Way, list[Leak]] = {}
    for leak in leaks:
        told.setdefault(leak.way, []).append(leak)
    stories = sorted((Story(way, tuple(found)) for way, found in told.items()), key=lambda story: -story.times)
    ranked: dict[str, list[Story]] = {}
    for story in stories:
        ranked.setdefault(story.way.metric, []).append(story)
    return [story for rank in zip_longest(*ranked.values()) for story in rank if story]


class _When:
    """Tells when something was, and amid which faults, in one test."""

    def __init__(self, test: TestPlan, evidence: Evidence) -> None:
        self._test = test
        phases, client = evidence.phases.get(test.test, []), evidence.client.get(test.test, [])
        self.origin_s = load_start_s(phases, client)
        self._ended_s = next((one.at_s for one in phases if one.phase == "load-end"), math.inf)
        self._asked: Mapping[str, ClientRecord] = {record.canary: record for record in client}
        self._windows = fault_windows(evidence.faults.get(test.test, []), test.injections, self.origin_s)

    def leak(self, way: Way, at_s: float, canary: str) -> Leak:
        """Return a leak at an instant of the evidence's clock."""
        late = way.layer == "files" or at_s >= self._ended_s
        asked = self._asked.get(canary) if late else None
        since_s, until_s = (asked.due_s, asked.end_s) if asked else (at_s, at_s)
        return Leak(
            way,
            self._test.base,
            self._test.repeat,
            at_s - self.origin_s,
            canary,
            faults=() if late and not asked else self._faults(since_s - self.origin_s, until_s - self.origin_s),
            asked_s=asked.due_s - self.origin_s if asked else None,
            late=late,
        )

    def _faults(self, since_s: float, until_s: float) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.label for one in self._windows if _overlaps(one, since_s, until_s)))


def _overlaps(window: Window, since_s: float, until_s: float) -> bool:
    return window.on_s <= until_s and (window.off_s is None or since_s < window.off_s)


def _messages(topology: Topology, egress: Sequence[EgressRecord]) -> Iterator[tuple[str, list[EgressRecord]]]:
    """Yield what was seen where it may not be, a message at a time, each with the metric that counts it.

    What a connection's last bytes showed is left out where a request had shown it: it is the same bytes again.
    """
    shown = {(one.canary, one.kind, one.layer, one.place) for one in egress if one.part != _BYTES}
    messages: dict[tuple[object, ...], list[EgressRecord]] = {}
    for one in sorted(egress, key=lambda record: record.at_s):
        again = one.part == _BYTES and (one.canary, one.kind, one.layer, one.place) in shown
        metric = broken_by(topology, one)
        if metric and not again:
            message = (metric, one.layer, one.place, one.canary, one.to, one.chain, one.part, one.denied)
            messages.setdefault(message, []).append(one)
    for seen in messages.values():
        yield broken_by(topology, seen[0]), seen


def _sighted(metric: str, seen: Sequence[EgressRecord], when: _When) -> Leak:
    first = seen[0]
    in_a_reply = first.layer == "replies"
    kinds = {one.kind for one in seen}
    way = Way(
        metric,
        first.layer,
        first.tenant,
        tuple(kind for kind in KINDS if kind in kinds),
        "" if in_a_reply else first.place,
        to=first.to,
        chain=first.chain,
        part=first.part,
        denied=first.denied,
    )
    return when.leak(way, first.at_s, first.canary)._replace(
        offset=first.offset,
        within=first.place if in_a_reply else "",
        times=1 if first.canary else sum(one.times for one in seen),
        why=first.why,
    )


def _attempted(record: ProviderRecord, how: str, topology: Topology, when: _When) -> Leak:
    """Return an attempt in which nothing was seen that tells more: it went to the right place by a wrong profile."""
    tenant = record.tenant or ""
    inside = tenant in topology.tenants and record.endpoint in topology.tenants[tenant].allow
    way = Way(
        "boundary_violations",
        "plaintext",
        tenant,
        ("prompt",),
        record.endpoint,
        chain="raw",
        profile=record.profile if inside else "",
    )
    return when.leak(way, record.arrived_s, record.canary or "")._replace(why=how)
