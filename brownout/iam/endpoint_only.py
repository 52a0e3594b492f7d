"""Nobody, whoever it is, reads anything from outside the escrow's VPC endpoints."""

from brownout.iam.doors import reads
from brownout.iam.escrow import KINDS
from brownout.iam.reach import Entered
from brownout.iam.search import Found, Search
from brownout.iam.vantage import outside


def endpoint_only(search: Search, region: str, found: Found) -> None:
    """Try to read what is kept in a region, from the internet and from another VPC's endpoint."""
    spared = {one.role: set(one.what) for one in search.escrow.may_read if one.outside}
    everybody = [*search.subjects.of_sides("customer", "provider", "escrow"), *search.subjects.strangers()]
    for kind in KINDS:
        for held in search.held(kind, region, found):
            doors = list(reads(held, search.named))
            for subject in everybody:
                if kind not in spared.get(subject.principal.arn, ()):
                    search.attempt(Entered(subject, subject.label), doors, lambda _: outside(), found)
