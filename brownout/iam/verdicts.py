"""What was found of an escrow's policies."""

from typing import Literal

import msgspec

from brownout.verdict import Outcome

State = Literal["home", "failing over"]


class Breach(msgspec.Struct, frozen=True, kw_only=True):
    """One way in, or one that may be, or a door that is shut to those it is there for.

    Attributes:
        who: the principal that begins.
        can: what is broken is that it can; False: that nobody who is meant to can.
        roles: those that it assumes on the way, in order.
        action: what it may do.
        resource: to which.
        vantage: from where.
        certain: False where it is not known whether it may.
        by: the statements that allow it, those of the roles' trust policies included.
        why: what is not known.
    """

    who: str
    can: bool = True
    roles: list[str]
    action: str
    resource: str
    vantage: str
    certain: bool
    by: list[str]
    why: list[str]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One promise in one region.

    Attributes:
        promise: its id.
        region: where the escrow runs, or has moved to.
        state: which of the two.
        outcome: pass, fail or unknown.
        why: in a sentence; what was not known at all is here, too.
        breaches: the certain ones first.
        questions: how many requests were judged for it; none means that nothing was shown.
    """

    promise: str
    region: str
    state: State
    outcome: Outcome
    why: str
    breaches: list[Breach]
    questions: int


class EscrowVerdicts(msgspec.Struct, frozen=True, kw_only=True):
    """All of them.

    Attributes:
        escrow: its name.
        judged_at: the time of the requests (UTC), for conditions on dates.
        exempt: who may read from outside, and why, as ``escrow.yaml`` has it.
    """

    escrow: str
    outcome: Literal["pass", "fail", "unknown"]
    judged_at: str
    findings: list[Finding]
    exempt: list[str]
