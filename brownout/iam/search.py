"""Tries doors, and keeps what was found: which opened, and what could not be told."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from brownout.iam.doors import Door
from brownout.iam.escrow import Escrow, Held, Kind
from brownout.iam.evaluate import Decision
from brownout.iam.exports import Exports
from brownout.iam.inquiry import Inquiry
from brownout.iam.reach import Entered, Ways
from brownout.iam.subjects import Subjects, resources_named
from brownout.iam.vantage import Vantage, inside, outside
from brownout.iam.verdicts import Breach


@dataclass
class Found:
    """What is found of one promise in one region.

    Attributes:
        breaches: doors that opened, or may.
        doubts: what keeps the promise from being shown at all.
        asked: how many questions its answer rests on, beyond those about requests.
    """

    breaches: list[Breach] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    asked: int = 0

    def note(self, entered: Entered, action: str, resource: str, vantage: str, decision: Decision) -> None:
        """Keep an answer, unless it is a refusal."""
        if decision.answer == "denied":
            return
        doubts = [*entered.doubts, *(decision.why if decision.answer == "unknown" else ())]
        by = [where for step in entered.steps for where in step.by] + list(decision.by)
        self.breaches.append(
            Breach(
                who=entered.first,
                roles=[step.role for step in entered.steps],
                action=action,
                resource=resource,
                vantage=vantage,
                certain=not doubts,
                by=list(dict.fromkeys(by)),
                why=list(dict.fromkeys(doubts)),
            )
        )


class Search:
    """What all promises look into.

    Args:
        escrow: the parties.
        exports: their policies.
        inquiry: asks of them.
    """

    def __init__(self, escrow: Escrow, exports: Exports, inquiry: Inquiry) -> None:
        self.escrow = escrow
        self.exports = exports
        self.inquiry = inquiry
        self.subjects = Subjects(escrow, exports)
        self.named = resources_named(exports)

    def held(self, kind: Kind, region: str, found: Found) -> list[Held]:
        """Return what is to be kept in a region; nothing is a doubt."""
        held = self.escrow.held(kind, region)
        if not held:
            found.doubts.append(f"{kind} names nothing in {region}")
        return held

    def inside(self, service: str) -> list[Vantage]:
        """Return the escrow's own ways to a service."""
        return list(inside(self.escrow, self.exports, service))

    def anywhere(self, door: Door) -> Iterator[Vantage]:
        """Return every way to a door."""
        yield from outside()
        yield from self.inside(door.service)

    def ways_to_sts(self, region: str = "") -> Ways:
        """Return from where roles may be assumed, and of the STS endpoint of which region; by default of any."""
        return [(way, region) for way in (*outside(), *self.inside("sts"))]

    def attempt(
        self, entered: Entered, doors: Iterable[Door], ways: Callable[[Door], Iterable[Vantage]], found: Found
    ) -> None:
        """Try doors from wherever there is a way; of each action, one that opens is enough."""
        opened: set[str] = set()
        for door in doors:
            if door.action in opened:
                continue
            vantage, decision = self._widest(entered, door, ways(door))
            if decision.answer != "denied":
                found.note(entered, door.action, door.resource, vantage, decision)
            if decision.answer == "allowed":
                opened.add(door.action)

    def _widest(self, entered: Entered, door: Door, ways: Iterable[Vantage]) -> tuple[str, Decision]:
        """Return the answer from where most is allowed."""
        widest = ("", Decision("denied"))
        for way in ways:
            decision = self.inquiry.read(entered.subject, door, way)
            if decision.answer == "allowed":
                return way.name, decision
            if decision.answer == "unknown":
                widest = (way.name, decision)
        return widest
