"""The promises of an escrow, each in its home region and in every region that it may fail over to."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from types import MappingProxyType

from brownout.iam.endpoint_only import endpoint_only
from brownout.iam.escrow import Escrow
from brownout.iam.exports import Exports
from brownout.iam.external_id import external_id_required
from brownout.iam.inquiry import Inquiry
from brownout.iam.readers import readers_can_read
from brownout.iam.search import Found, Search
from brownout.iam.unreadable import Unreadable
from brownout.iam.verdicts import EscrowVerdicts, Finding
from brownout.verdict import overall

PROMISES: Mapping[str, str] = MappingProxyType(
    {
        "weights-unreadable": "no role of the customer's or the escrow's, no stranger, and none that these can become, "
        "reads the weights or may change who does",
        "tenant-data-unreadable": "no role of the provider's or the escrow's, no stranger, and none that these can "
        "become, reads tenant data or may change who does",
        "endpoint-only": "nobody reads either from outside the escrow's VPC endpoints",
        "external-id-required": "no role that trusts the provider is assumed without the escrow's external id",
        "readers-can-read": "who is meant to read can, through the escrow's endpoint in that region",
    }
)
"""By id, in a sentence."""

_Judge = Callable[[str, Found], None]


def judge_escrow(escrow: Escrow, exports: Exports, now: datetime) -> EscrowVerdicts:
    """Return the verdict on every promise.

    Args:
        escrow: the parties.
        exports: their policies; both as `brownout.iam.load_folder` gives them.
        now: when the requests are made.
    """
    search = Search(escrow, exports, Inquiry(escrow, exports, now))
    judges: Mapping[str, _Judge] = {
        "weights-unreadable": Unreadable("weights", search),
        "tenant-data-unreadable": Unreadable("tenant_data", search),
        "endpoint-only": partial(endpoint_only, search),
        "external-id-required": partial(external_id_required, search),
        "readers-can-read": partial(readers_can_read, search),
    }
    findings = [_finding(name, region, judges[name], search) for region in escrow.regions for name in PROMISES]
    return EscrowVerdicts(
        escrow=escrow.escrow,
        outcome=overall(one.outcome for one in findings),
        judged_at=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        findings=findings,
        exempt=[f"{one.role}: {one.why}" for one in escrow.may_read if one.outside],
    )


def _finding(promise: str, region: str, judge: _Judge, search: Search) -> Finding:
    found, before = Found(), search.inquiry.questions
    judge(region, found)
    questions = search.inquiry.questions - before + found.asked
    doubts = list(dict.fromkeys(found.doubts))
    if not questions and not doubts:
        doubts = ["there was nothing to ask: no role that it is about is in the exports"]
    certain = any(one.certain for one in found.breaches)
    return Finding(
        promise=promise,
        region=region,
        state="home" if region == search.escrow.home else "failing over",
        outcome="fail" if certain else "unknown" if found.breaches or doubts else "pass",
        why="; ".join(doubts),
        breaches=sorted(found.breaches, key=lambda one: not one.certain),
        questions=questions,
    )
