"""What is wrong with a folder is said with its place, what was allowed, and the fix."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from brownout.errors import BadInput
from brownout.iam import load_folder
from tests.iam.folders import Folder, outcomes

_BUCKET = "provider/weights-bucket-us-east-1.json"
_ROLES = "escrow-east/authorization.json"
_ROLE_ELSEWHERE = {
    "RoleName": "reader",
    "RoleId": "AROAREADER0000",
    "Arn": "arn:aws:iam::444444444445:role/reader",
    "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},
}
_ANN = {
    "UserName": "ann",
    "UserId": "AIDAANN000000",
    "Arn": "arn:aws:iam::222222222222:user/ann",
    "GroupList": ["all"],
}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A copy of the example."""
    return Folder(tmp_path / "escrow")


def _written(file: str, text: str) -> Callable[[Folder], None]:
    return lambda folder: (folder.path / file).write_text(text) and None


def _put(file: str, old: str, new: str) -> Callable[[Folder], None]:
    return lambda folder: folder.text(file, old, new)


_WRONG: dict[str, tuple[Callable[[Folder], None], str]] = {
    "a field nobody knows": (_put("escrow.yaml", "failover_to:", "fail_over_to:"), r"escrow.yaml:5.*'failover_to'"),
    "no region": (_put("escrow.yaml", "home: us-east-1", "home: useast1"), r"escrow.yaml:4: home: 'useast1' is no AWS"),
    "no account's number": (_put("escrow.yaml", '"111111111111"', '"1111"'), r"escrow.yaml:8: .*12 digits"),
    "two of one number": (_put("escrow.yaml", '"222222222222"', '"111111111111"'), r"two accounts have one number"),
    "an account nobody named": (
        _put("escrow.yaml", "account: escrow-west", "account: escrow-wset"),
        r"escrow.yaml:\d+: tenant_data.5.account: unknown account 'escrow-wset'.*Did you mean 'escrow-west'",
    ),
    "a service that cannot be judged": (
        _put("escrow.yaml", "arn:aws:s3:::acme-weights-us-east-1", "arn:aws:sqs:us-east-1:1:queue"),
        r"weights.0.arn: .* nothing else can be judged",
    ),
    "a key of another region": (
        _put("escrow.yaml", "arn: arn:aws:kms:us-west-2:1", "arn: arn:aws:kms:us-east-1:1"),
        r"says 'us-east-1', and its region field 'us-west-2'",
    ),
    "a policy's file that is not there": (
        _put("escrow.yaml", "policy: provider/weights-bucket-us-east-1", "policy: provider/weights-bucket-us-eats-1"),
        r"escrow.yaml:18: weights.0.policy: no policy is in .* Did you mean 'provider/weights-bucket-us-east-1.json'",
    ),
    "a policy that is of nothing": (
        _put("escrow.yaml", "policy: escrow-west/scratch-bucket.json", "policy: none"),
        r"escrow-west/scratch-bucket.json: is the policy of nothing",
    ),
    "an SCP that is not there": (
        _put("escrow.yaml", "escrow-guard]]", "escrow-gaurd]]"),
        r"escrow.yaml:10: accounts.escrow-east.scps.1.1: no .* has 'escrow-gaurd'. Did you mean 'escrow-guard'",
    ),
    "an endpoint that is not there": (
        _put("escrow.yaml", "vpce-0e5c1000000000053", "vpce-0e5c10000000000053"),
        r"escrow.yaml:14: endpoints.us-east-1.0: no .* Did you mean 'vpce-0e5c1000000000053'",
    ),
    "an account whose details are here and that is not named": (
        _written("more.json", json.dumps({"RoleDetailList": [_ROLE_ELSEWHERE]})),
        r"escrow.yaml:8: accounts: account 444444444445, .* is not named. Did you mean '444444444444'",
    ),
    "not JSON": (_written(_BUCKET, "{\n'Policy': 1}"), r"weights-bucket-us-east-1.json:2: not JSON"),
    "nothing that is known": (_written("provider/x.json", "{}"), r"x.json: is none of the exports known"),
    "exported as YAML": (_written("provider/x.yaml", "{}"), r"x.yaml: .* --output json"),
    "a field twice": (_written("provider/x.json", '{"Grants": [], "Grants": []}'), r"'Grants' is given twice"),
    "a policy that is no JSON": (_written(_BUCKET, '{"Policy": "{"}'), r"the policy in it is not JSON"),
    "an element no policy has": (
        _put(_BUCKET, r"\"Action\": \"s3:*\"", r"\"Actions\": \"s3:*\""),
        r"statement 3 \(OnlyOverTls\): unknown element 'Actions'. Did you mean 'Action'",
    ),
    "an effect that there is not": (
        _put(_BUCKET, r"\"Effect\": \"Allow\"", r"\"Effect\": \"allow\""),
        r"statement 1 \(RuntimeReads\): Effect: unknown effect 'allow'. Did you mean 'Allow'",
    ),
    "a policy of a resource without a principal": (
        _put(_BUCKET, r"\"Principal\": \"*\", ", ""),
        r"statement 2 .* no Principal",
    ),
    "details cut short": (_put(_ROLES, '"Policies": []', '"IsTruncated": true'), r"IsTruncated: it is a page"),
    "details of another form": (
        _put(_ROLES, '"RoleName": "operator"', '"RoleName": 7'),
        r"authorization.json:\d+: RoleDetailList.2.RoleName: Expected `str`, got `int`",
    ),
    "endpoints of another form": (
        _put("escrow-east/endpoints.json", '"VpcId"', '"Vpc"'),
        r"endpoints.json:3: VpcEndpoints.0: Object missing required field `VpcId`",
    ),
    "grants cut short": (
        _put("provider/weights-key-us-east-1.grants.json", '"Truncated": false', '"Truncated": true'),
        r"Truncated: it is a page",
    ),
}


@pytest.mark.parametrize("name", _WRONG)
def test_a_folder_that_cannot_be_judged_is_refused_with_the_place(name: str, folder: Folder) -> None:
    """Bad input, and never a verdict."""
    plant, said = _WRONG[name]
    plant(folder)
    with pytest.raises(BadInput) as refusal:
        folder.judge()
    assert re.search(said, str(refusal.value)), str(refusal.value)


def test_what_the_api_encodes_is_read_like_what_the_cli_prints(folder: Folder) -> None:
    """Documents URL-encoded, as the SDKs may give them, and plain documents without the command's frame."""

    def encoded(role: dict[str, object]) -> None:
        role["AssumeRolePolicyDocument"] = quote(json.dumps(role["AssumeRolePolicyDocument"]))

    folder.role(_ROLES, "escrow-runtime", encoded)
    folder.body(_BUCKET, lambda body: body.update(json.loads(body.pop("Policy"))))
    assert "pass" == folder.judge().outcome


def test_an_endpoint_without_a_policy_lets_everything_through(folder: Folder) -> None:
    """As AWS has it: the default policy allows all."""
    folder.body("escrow-east/endpoints.json", lambda body: [one.pop("PolicyDocument") for one in body["VpcEndpoints"]])
    assert "pass" == folder.judge().outcome


def test_groups_and_users_are_read_too(folder: Folder) -> None:
    """A user whose group may do everything, in an account that must not read, is kept out all the same."""
    everything = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    group = {"GroupName": "all", "GroupPolicyList": [{"PolicyName": "all", "PolicyDocument": everything}]}
    folder.body(
        "customer/authorization.json",
        lambda body: (body["GroupDetailList"].append(group), body["UserDetailList"].append(_ANN)),
    )
    identity = load_folder(folder.path)[1].identities["arn:aws:iam::222222222222:user/ann"]
    assert ["customer/authorization.json: group all: all"] == [getattr(one, "name", "") for one in identity.policies]
    assert "pass" == folder.judge().outcome


def test_a_group_that_was_not_exported_is_not_taken_for_none(folder: Folder) -> None:
    """What it allows its user is not known; here nothing rests on it."""
    folder.body("customer/authorization.json", lambda body: body["UserDetailList"].append(_ANN))
    assert set() == outcomes(folder.judge(), "fail")
