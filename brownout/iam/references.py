"""What `escrow.yaml` names must be among the exports, and the other way round: what counts for nothing misleads."""

from collections.abc import Iterable
from pathlib import Path

from brownout.errors import BadInput, nearest
from brownout.iam.arns import parse_arn
from brownout.iam.escrow import FILE, KINDS, NONE, Escrow, Held
from brownout.iam.exports import Exports
from brownout.loading import Places


def check_references(folder: Path, escrow: Escrow, exports: Exports) -> None:
    """Raise `BadInput` where the two do not fit.

    Args:
        folder: of ``escrow.yaml``, for the lines in what is said.
        escrow: as it was read.
        exports: as they were.
    """
    at = Places(folder / FILE)
    _check_controls(escrow, exports, at)
    _check_endpoints(escrow, exports, at)
    for kind in KINDS:
        for place, held in enumerate(getattr(escrow, kind)):
            _check_files(held, exports, (kind, place), at)
    _check_accounts(escrow, exports, at)
    _check_unnamed(folder, escrow, exports)


def _check_controls(escrow: Escrow, exports: Exports, at: Places) -> None:
    for name, account in escrow.accounts.items():
        levels = {(level, place): one for level, names in enumerate(account.scps) for place, one in enumerate(names)}
        named: dict[tuple[str | int, ...], str] = {("scps", *steps): one for steps, one in levels.items()}
        named |= {("rcps", place): one for place, one in enumerate(account.rcps)}
        for steps, one in named.items():
            if one not in exports.controls:
                where = at("accounts", name, *steps)
                raise _missing(where, "organizations describe-policy", one, exports.controls)


def _check_endpoints(escrow: Escrow, exports: Exports, at: Places) -> None:
    for region, names in escrow.endpoints.items():
        for place, name in enumerate(names):
            where = at("endpoints", region, place)
            if name not in exports.endpoints:
                raise _missing(where, "ec2 describe-vpc-endpoints", name, exports.endpoints)
            found = exports.endpoints[name].region
            if found != region:
                raise BadInput(f"{where}: {name} is in {found or 'no region'}, as its export says.")


def _check_files(held: Held, exports: Exports, steps: tuple[str, int], at: Places) -> None:
    for field in ("policy", "grants"):
        name = getattr(held, field)
        if name in {NONE, ""}:
            continue
        if name not in exports.policies:
            known = sorted(exports.policies)
            raise BadInput(
                f"{at(*steps, field)}: no policy is in {name!r}.{nearest(name, known)} Policies are in: "
                f"{', '.join(known) or 'no file'}. Where {held.arn} has none, write {field}: {NONE}"
            )
    if held.grants and ":kms:" not in held.arn:
        raise BadInput(f"{at(*steps, 'grants')}: only keys have grants, and {held.arn} is none.")


def _check_accounts(escrow: Escrow, exports: Exports, at: Places) -> None:
    numbers = {account.id for account in escrow.accounts.values()}
    for arn in exports.identities:
        parsed = parse_arn(arn)
        if parsed is None or parsed.account not in numbers:
            number = parsed.account if parsed else arn
            raise BadInput(
                f"{at('accounts')}: account {number}, of which there are authorization details, is not named."
                f"{nearest(number, numbers)} Name it with its side, or take its file away."
            )


def _check_unnamed(folder: Path, escrow: Escrow, exports: Exports) -> None:
    everything = [held for kind in KINDS for held in getattr(escrow, kind)]
    named = {held.policy for held in everything} | {held.grants for held in everything}
    for file in sorted(set(exports.policies) - named):
        raise BadInput(
            f"{folder / file}: is the policy of nothing: no policy or grants of weights or tenant_data in {FILE} is "
            f"{file!r}. Name it there, or take it away."
        )


def _missing(where: str, command: str, name: str, known: Iterable[str]) -> BadInput:
    names = sorted(known)
    return BadInput(
        f"{where}: no output of aws {command} has {name!r}.{nearest(name, names)} "
        f"There are: {', '.join(names) or 'none'}."
    )
