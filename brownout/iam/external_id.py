"""The confused deputy: the provider serves many, and one of them must not be able to send it into another's escrow."""

from brownout.iam.authorization import Identity
from brownout.iam.evaluate import Decision
from brownout.iam.inquiry import ASSUME
from brownout.iam.reach import Entered, Ways, best, may_mean
from brownout.iam.search import Found, Search
from brownout.iam.subjects import Subject

_GUESSES = {"without an external id": None, "with another customer's external id": "another-customers-id"}


def external_id_required(search: Search, region: str, found: Found) -> None:
    """Let the provider's roles assume those of other sides without the external id, and with another one.

    Source: IAM User Guide, "The confused deputy problem".
    """
    providers = list(search.subjects.of_sides("provider"))
    ways = search.ways_to_sts(region)
    for role in search.subjects.real:
        if search.escrow.accounts[role.account].side == "provider" or role.identity is None:
            continue
        found.asked += 1
        for subject in providers:
            if may_mean(role.identity.trust, subject):
                for how, external_id in _GUESSES.items():
                    decision = _assumed(subject, role.identity, external_id, search, ways)
                    entered = Entered(subject, subject.label)
                    found.note(entered, ASSUME, role.principal.arn, f"anywhere {how}", decision)


def _assumed(subject: Subject, role: Identity, external_id: str | None, search: Search, ways: Ways) -> Decision:
    known = {"sts:ExternalId": external_id}
    return best(lambda way: search.inquiry.assume(subject, role, way[0], way[1], known), ways)
