"""What a machine can prove about where a target's data goes, as ``brownout doctor`` finds it."""

import msgspec

from brownout.egress import Grade, Layer


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was tried.

    Attributes:
        what: in words.
        ok: whether it is so.
        why: what is otherwise.
    """

    what: str
    ok: bool
    why: str = ""


class LayerProof(msgspec.Struct, frozen=True, kw_only=True):
    """One layer of evidence, on this machine.

    Attributes:
        layer: which.
        sees: what it sees.
        can: whether it can be complete here.
        why: what stands against it.
    """

    layer: Layer
    sees: str
    can: bool
    why: str = ""


class Provable(msgspec.Struct, frozen=True, kw_only=True):
    """What this machine can prove.

    Attributes:
        grade: the strongest, of a target that brownout starts here.
        why: what keeps it from being stronger.
        help: what would raise it.
        sealed_by: how targets are sealed: ``root``, or ``user namespace``; empty where they cannot be.
        sealing_s: how long trying that took.
        layers: each layer of evidence.
        checks: what was tried to seal a target.
        machine: what it is.
        never: what no grade proves, on any machine.
    """

    grade: Grade
    why: str
    help: str
    sealed_by: str
    sealing_s: float
    layers: list[LayerProof]
    checks: list[Check]
    machine: dict[str, str]
    never: list[str]
