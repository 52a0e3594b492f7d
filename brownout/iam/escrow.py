"""``escrow.yaml``: who the parties are, what each must not read, and where the escrow may move to."""

import re
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from brownout.errors import BadInput, nearest, unknown
from brownout.iam.arns import Arn, parse_arn
from brownout.loading import Places, load_yaml

FILE = "escrow.yaml"
NONE = "none"
"""Written where there is no policy (or organization), to tell it from one that was forgotten."""

Side: TypeAlias = Literal["customer", "provider", "escrow"]
Kind: TypeAlias = Literal["weights", "tenant_data"]
KINDS: tuple[Kind, ...] = ("weights", "tenant_data")
SERVICES = ("s3", "kms", "sagemaker")
_NUMBER = re.compile(r"^\d{12}$")
_REGION = re.compile(r"^[a-z]{2}(-[a-z]+)+-\d$")


class Account(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An AWS account.

    Attributes:
        id: its number.
        side: whose it is. ``escrow`` is nobody's: neither party may read through it what the other has put there.
        scps: names or ids of the service control policies that hold for it, by level (root, units, account). Each level
            must allow. Empty: it is in no organization, or is its management account.
        rcps: names or ids of resource control policies.
        organization: such as ``o-exampleorgid``; ``none``: it is in none; empty: not known.
    """

    id: str
    side: Side
    scps: list[list[str]]
    rcps: list[str] = []
    organization: str = ""


class Held(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something to be kept secret: objects of a bucket, a KMS key, or model packages.

    Attributes:
        arn: its name; wildcards stand for all the objects or packages that they cover.
        account: whose, by its name in ``accounts``.
        region: where it is.
        policy: the file with its policy; ``none`` where it has none.
        grants: of a key: the file with its grants; ``none`` where it has none.
    """

    arn: str
    account: str
    region: str
    policy: str
    grants: str = ""


class Reader(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A role that is meant to read.

    Attributes:
        role: its ARN.
        what: which of both it may read.
        why: for whoever reads the report.
        outside: it may do so without the escrow's VPC endpoints, too.
    """

    role: str
    what: list[Kind]
    why: str
    outside: bool = False


class Escrow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file.

    Attributes:
        escrow: its name.
        home: the region where it runs.
        failover_to: the regions that it may move to.
        accounts: by name.
        endpoints: the ids of the escrow's VPC endpoints, by region.
        weights: what the provider's customers must not read.
        tenant_data: what the provider must not read.
        may_read: who may, all the same.
        federations: by the ARN of an identity provider, of which side those are whom it lets in.
    """

    escrow: str
    home: str
    failover_to: list[str] = []
    accounts: dict[str, Account]
    endpoints: dict[str, list[str]]
    weights: list[Held]
    tenant_data: list[Held]
    may_read: list[Reader] = []
    federations: dict[str, Side] = {}

    @property
    def regions(self) -> list[str]:
        """The home first, then where it may move to."""
        return [self.home, *self.failover_to]

    def held(self, kind: Kind, region: str) -> list[Held]:
        """Return what of one kind lies in a region."""
        return [one for one in getattr(self, kind) if one.region == region]

    def account_of(self, number: str) -> Account | None:
        """Return the account of that number, None of a stranger's."""
        return next((one for one in self.accounts.values() if one.id == number), None)

    def readers(self, kind: Kind) -> set[str]:
        """Return the ARNs of the roles that may read this."""
        return {one.role for one in self.may_read if kind in one.what}


def load_escrow(folder: Path) -> Escrow:
    """Return a folder's ``escrow.yaml``.

    Raises:
        BadInput: no such file, or something in it that cannot be; the message says where.
    """
    path = folder / FILE
    if not path.is_file():
        raise BadInput(f"{folder}: has no {FILE}, which says whose the accounts are and what is to be kept secret.")
    escrow = load_yaml(path, Escrow)
    _check(escrow, Places(path))
    return escrow


def _check(escrow: Escrow, at: Places) -> None:
    for name, account in escrow.accounts.items():
        if not _NUMBER.match(account.id):
            raise BadInput(f"{at('accounts', name, 'id')}: {account.id!r} is no account number: 12 digits, in quotes.")
    numbers = [account.id for account in escrow.accounts.values()]
    if len(set(numbers)) != len(numbers):
        raise BadInput(f"{at('accounts')}: two accounts have one number.")
    if not any(account.side == "provider" for account in escrow.accounts.values()):
        raise BadInput(f"{at('accounts')}: none is the provider's (side: provider).")
    if not any(account.side == "customer" for account in escrow.accounts.values()):
        raise BadInput(f"{at('accounts')}: none is the customer's (side: customer).")
    _check_regions(escrow, at)
    for kind in KINDS:
        if not getattr(escrow, kind):
            raise BadInput(f"{at(kind)}: is empty. Name what is to be kept secret.")
        for place, held in enumerate(getattr(escrow, kind)):
            _check_held(held, (kind, place), escrow, at)
    for place, reader in enumerate(escrow.may_read):
        _check_reader(reader, place, escrow, at)


def _check_regions(escrow: Escrow, at: Places) -> None:
    if not _REGION.match(escrow.home):
        raise BadInput(f"{at('home')}: {escrow.home!r} is no AWS region, such as us-east-1.")
    for place, region in enumerate(escrow.failover_to):
        if not _REGION.match(region):
            raise BadInput(f"{at('failover_to', place)}: {region!r} is no AWS region, such as us-east-1.")
        if region in escrow.regions[: place + 1]:
            raise BadInput(f"{at('failover_to', place)}: {region} is named twice, or is the home.")
    for region in escrow.endpoints:
        if region not in escrow.regions:
            raise unknown("region", region, escrow.regions, where=at("endpoints", region))


def _check_held(held: Held, steps: tuple[str, int], escrow: Escrow, at: Places) -> None:
    arn = parse_arn(held.arn)
    if arn is None or arn.service not in SERVICES:
        raise BadInput(
            f"{at(*steps, 'arn')}: {held.arn!r} is not the ARN of a bucket (s3), a key (kms) or a model package "
            "(sagemaker); nothing else can be judged."
        )
    if held.account not in escrow.accounts:
        raise unknown("account", held.account, escrow.accounts, where=at(*steps, "account"))
    if held.region not in escrow.regions:
        raise unknown("region", held.region, escrow.regions, where=at(*steps, "region"))
    _check_parts(arn, held, escrow, at(*steps, "arn"))


def _check_parts(arn: Arn, held: Held, escrow: Escrow, where: str) -> None:
    if arn.service != "s3" and arn.region != held.region:
        raise BadInput(f"{where}: says {arn.region!r}, and its region field {held.region!r}.")
    if arn.service != "s3" and arn.account != escrow.accounts[held.account].id:
        raise BadInput(f"{where}: is in account {arn.account}, and its account field says {held.account}.")
    if arn.service == "kms" and not arn.resource.startswith("key/"):
        raise BadInput(f"{where}: name the key itself (key/...), not {arn.resource!r}: policies know it by that name.")
    if arn.service == "s3" and "*" in arn.resource.partition("/")[0]:
        raise BadInput(f"{where}: name one bucket; a wildcard may stand for its objects only.")
    if arn.service == "sagemaker" and not arn.resource.startswith("model-package/"):
        raise BadInput(f"{where}: name model packages (model-package/GROUP/VERSION), not {arn.resource!r}.")


def _check_reader(reader: Reader, place: int, escrow: Escrow, at: Places) -> None:
    arn = parse_arn(reader.role)
    if arn is None or not arn.resource.startswith(("role/", "user/")):
        raise BadInput(f"{at('may_read', place, 'role')}: {reader.role!r} is not the ARN of a role (arn:aws:iam::...).")
    numbers = [account.id for account in escrow.accounts.values()]
    if arn.account not in numbers:
        raise BadInput(
            f"{at('may_read', place, 'role')}: account {arn.account} is not among accounts."
            f"{nearest(arn.account, numbers)}"
        )
