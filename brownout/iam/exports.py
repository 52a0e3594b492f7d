"""What the AWS CLI printed, a file each, told apart by what is in it and not by what it is called."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import yaml

from brownout.errors import BadInput
from brownout.iam.authorization import Identity, read_details
from brownout.iam.documents import document
from brownout.iam.grants import read_grants
from brownout.iam.policy import FULL_ACCESS, Policy, parse_policy
from brownout.loading import Places

_KNOWN = """\
  aws iam get-account-authorization-details
  aws s3api get-bucket-policy, aws kms get-key-policy, aws sagemaker get-model-package-group-policy
  aws kms list-grants
  aws organizations describe-policy
  aws ec2 describe-vpc-endpoints
or a policy document"""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A VPC endpoint.

    Attributes:
        service: such as ``s3``.
        owner: the account's number; empty where the export does not tell.
    """

    id: str
    vpc: str
    region: str
    service: str
    owner: str
    policy: Policy


@dataclass(slots=True)
class Exports:
    """All that a folder's files say.

    Attributes:
        identities: roles and users by ARN.
        accounts: the numbers of the accounts whose authorization details are here.
        controls: SCPs and RCPs by id and by name.
        endpoints: by id.
        policies: of resources, and keys' grants, by file; of which resource they are, escrow.yaml says.
    """

    identities: dict[str, Identity] = field(default_factory=dict)
    accounts: set[str] = field(default_factory=set)
    controls: dict[str, Policy] = field(default_factory=lambda: {"FullAWSAccess": FULL_ACCESS})
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)


def read_exports(folder: Path) -> Exports:
    """Read every JSON file of a folder, and of those in it.

    Raises:
        BadInput: a file that is not one of those known, is cut short, or holds a policy that is none.
    """
    exports = Exports()
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        name = path.relative_to(folder).as_posix()
        if path.suffix in {".yaml", ".yml"} and name != "escrow.yaml":
            raise BadInput(f"{path}: exports are read as JSON. Export it again with --output json.")
        if path.suffix == ".json":
            _read(path, name, exports)
    return exports


def _read(path: Path, name: str, exports: Exports) -> None:
    body = _decoded(path)
    policy = body.get("Policy")
    try:
        if "RoleDetailList" in body:
            accounts, identities = read_details(body, name)
            _refuse_twice(exports.accounts & accounts, path)
            exports.accounts |= accounts
            exports.identities |= identities
        elif "VpcEndpoints" in body:
            exports.endpoints |= {one.id: one for one in _endpoints(body, name)}
        elif isinstance(policy, Mapping) and "PolicySummary" in policy:
            exports.controls |= _control(body, name)
        elif "Grants" in body:
            exports.policies[name] = read_grants(body, name)
        elif given := body if "Statement" in body else policy or body.get("ResourcePolicy"):
            exports.policies[name] = parse_policy(document(given, name), name=name, attached="resource")
        else:
            raise BadInput(f"{path}: is none of the exports known. Known are the outputs of\n{_KNOWN}.")
    except msgspec.ValidationError as error:
        raise BadInput(_explained(error, path)) from None


def _decoded(path: Path) -> Mapping[str, Any]:
    try:
        body = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read ({error}).") from None
    except json.JSONDecodeError as error:
        raise BadInput(f"{path}:{error.lineno}: not JSON ({error.msg}).") from None
    except RecursionError:
        raise BadInput(f"{path}: not JSON that can be read (nested too deeply).") from None
    except KeyError as error:
        raise BadInput(f"{path}: field {error} is given twice in one object.") from None
    if not isinstance(body, Mapping):
        raise BadInput(f"{path}: is none of the exports known. Known are the outputs of\n{_KNOWN}.")
    return body


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise KeyError(next(key for place, (key, _) in enumerate(pairs) if key in dict(pairs[:place])))
    return made


def _refuse_twice(accounts: set[str], path: Path) -> None:
    if accounts:
        raise BadInput(f"{path}: account {min(accounts)} is in another file, too. Keep the newer export.")


class _Summary(msgspec.Struct, rename="pascal"):
    id: str
    name: str
    type: str


class _Control(msgspec.Struct, rename="pascal"):
    policy_summary: _Summary
    content: str


class _Described(msgspec.Struct, rename="pascal"):
    policy: _Control


def _control(body: Mapping[str, Any], name: str) -> dict[str, Policy]:
    described = msgspec.convert(body, _Described).policy
    summary, content = described.policy_summary, document(described.content, name)
    resource = summary.type == "RESOURCE_CONTROL_POLICY"
    policy = parse_policy(content, name=f"{name}: {summary.name}", attached="resource" if resource else "identity")
    return {summary.id: policy, summary.name: policy}


class _VpcEndpoint(msgspec.Struct, rename="pascal"):
    vpc_endpoint_id: str
    vpc_id: str
    service_name: str
    policy_document: Any = None
    owner_id: str = ""


class _VpcEndpoints(msgspec.Struct, rename="pascal"):
    vpc_endpoints: list[_VpcEndpoint]


def _endpoints(body: Mapping[str, Any], name: str) -> list[Endpoint]:
    made = []
    for one in msgspec.convert(body, _VpcEndpoints).vpc_endpoints:
        where = f"{name}: {one.vpc_endpoint_id}"
        _, _, place = one.service_name.partition("amazonaws.")
        region, _, service = place.partition(".")
        # An endpoint that nobody has given a policy lets everything through.
        policy = Policy(where, FULL_ACCESS.statements)
        if one.policy_document is not None:
            policy = parse_policy(document(one.policy_document, where), name=where, attached="resource")
        made.append(Endpoint(one.vpc_endpoint_id, one.vpc_id, region, service, one.owner_id, policy))
    return made


def _explained(error: msgspec.ValidationError, path: Path) -> str:
    """Return what is wrong in an export, with the place that msgspec names."""
    sentence, _, place = str(error).partition(" - at `$")
    steps = [word for word in place.rstrip("`").replace("[", ".").replace("]", "").split(".") if word]
    try:
        where = Places(path)(*steps)
    except (yaml.YAMLError, UnicodeDecodeError):  # JSON that is not YAML, such as one with tabs: no line then
        where = f"{path}: {'.'.join(steps)}"
    return f"{where}: {sentence}. Is it the CLI's whole output?"
