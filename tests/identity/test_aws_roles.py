"""Roles: who may assume which, for how long, and what the session is then good for."""

import datetime as dt

import msgspec
import pytest

from brownout.identity import AwsKeys, CloudIdentity
from brownout.identity.aws_keys import AwsSession, Caller
from brownout.wire import HttpRequest, Refusal
from tests.identity.identities import CLAUDE, NOW, converse, identities, instance_session, signed_by, standing_keys

PROVISIONED = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/br0wn0utpt01"


def assumed(identity: CloudIdentity, endpoint: str = "bedrock-us", utc: dt.datetime = NOW, **form: str) -> AwsSession:
    """Return a session of an endpoint's role, assumed from the target's machine."""
    asked = {"RoleArn": identity.role_arn(endpoint), "RoleSessionName": "test"} | form
    return identity.sts.assume_role(instance_session(identity).caller, asked, utc)


def refusal(identity: CloudIdentity, endpoint: str, request: HttpRequest, utc: dt.datetime = NOW) -> Refusal:
    """Return how an endpoint refuses a request."""
    with pytest.raises(Refusal) as caught:
        identity.verify(endpoint, request, utc)
    return caught.value


def test_a_session_opens_its_endpoint_and_no_other() -> None:
    """A session of an endpoint's role is let in there; in the same region elsewhere it is known, and denied."""
    identity = identities()
    session = assumed(identity)
    identity.verify("bedrock-us", signed_by(session.keys), NOW)
    denied = refusal(identity, "bedrock-us-2", signed_by(session.keys))
    assert ("denied", "AccessDeniedException") == (denied.kind, denied.code)
    assert (
        f"User: arn:aws:sts::{identity.aws.escrow}:assumed-role/brownout-bedrock-us/test is not authorized to perform: "
        f"bedrock:InvokeModel on resource: arn:aws:bedrock:us-east-1::foundation-model/{CLAUDE} because no "
        "identity-based policy allows the bedrock:InvokeModel action"
    ) == denied.message


def test_several_sets_of_keys_are_valid_at_once() -> None:
    """The standing keys and any number of sessions are let in side by side."""
    identity = identities()
    for keys in (standing_keys(identity, "bedrock-us"), assumed(identity).keys, assumed(identity).keys):
        identity.verify("bedrock-us", signed_by(keys), NOW)


def test_the_machine_itself_may_not_call() -> None:
    """The instance role is of another account: known, and denied, by its own name."""
    identity = identities()
    session = instance_session(identity)
    denied = refusal(identity, "bedrock-us", signed_by(session.keys))
    assert "denied" == denied.kind
    assert denied.message.startswith(f"User: arn:aws:sts::{identity.aws.app}:assumed-role/brownout-app/i-0")


@pytest.mark.parametrize(
    ("path", "action", "resource"),
    [
        ("/model/m/converse-stream", "bedrock:InvokeModelWithResponseStream", ":us-east-1::foundation-model/m"),
        ("/model/m/invoke", "bedrock:InvokeModel", "arn:aws:bedrock:us-east-1::foundation-model/m"),
        (f"/model/{PROVISIONED.replace('/', '%2F')}/invoke", "bedrock:InvokeModel", PROVISIONED),
        ("/model/us.anthropic.claude/converse", "bedrock:InvokeModel", "inference-profile/us.anthropic.claude"),
        ("/", "bedrock:InvokeModel", "*"),
    ],
)
def test_a_denial_names_what_was_tried(path: str, action: str, resource: str) -> None:
    """The sentence has the IAM action of the operation and the ARN of the model, whatever its form."""
    identity = identities()
    denied = refusal(identity, "bedrock-us", signed_by(instance_session(identity).keys, converse(path)))
    assert f"not authorized to perform: {action} on resource: " in denied.message
    assert denied.message.partition(" because ")[0].endswith(resource)


def test_a_session_ends_by_the_callers_clock() -> None:
    """A session is good for as long as was asked, and then refused as expired; the endpoint's skew counts too."""
    identity = identities()
    session = assumed(identity, DurationSeconds="900")
    assert NOW + dt.timedelta(seconds=900) == session.keys.expires
    last = NOW + dt.timedelta(seconds=899)
    identity.verify("bedrock-us", signed_by(session.keys, utc=last), last)
    over = NOW + dt.timedelta(seconds=900)
    assert "ExpiredTokenException" == refusal(identity, "bedrock-us", signed_by(session.keys, utc=over), over).code
    identity.skew["bedrock-us"] = dt.timedelta(seconds=1)
    assert "ExpiredTokenException" == refusal(identity, "bedrock-us", signed_by(session.keys, utc=last), last).code


def test_an_hour_is_the_default() -> None:
    """A session whose length was not asked for holds an hour."""
    assert NOW + dt.timedelta(hours=1) == assumed(identities()).keys.expires


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"DurationSeconds": "899"}, "Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have"),
        ({"DurationSeconds": "43201"}, "Member must have value less than or equal to 43200"),
        ({"DurationSeconds": "x"}, "'durationSeconds' failed"),
        ({"DurationSeconds": "3601"}, "exceeds the 1 hour session limit for roles assumed by role chaining"),
        ({"RoleSessionName": "a b"}, "'roleSessionName' failed to satisfy constraint: Member must satisfy regular"),
        ({"RoleSessionName": "x"}, "length greater than or equal to 2"),
        ({"RoleSessionName": "x" * 65}, "length less than or equal to 64"),
        ({"ExternalId": "a b"}, "'externalId' failed to satisfy constraint"),
        ({"RoleArn": "short", "RoleSessionName": "x"}, "2 validation errors detected: "),
        ({"RoleArn": "arn:aws:iam::1:role/brownout-bedrock-us"}, "is invalid"),
    ],
)
def test_a_bad_field_is_a_validation_error(form: dict[str, str], said: str) -> None:
    """Every bound of the service model is held, and said in AWS's sentence."""
    with pytest.raises(Refusal) as caught:
        assumed(identities(), **form)
    assert ("invalid", "ValidationError") == (caught.value.kind, caught.value.code)
    assert said in caught.value.message


def test_fields_that_must_be_there_must_be_there() -> None:
    """Without a role or a session's name there is no session."""
    identity = identities()
    with pytest.raises(Refusal, match="2 validation errors detected: Value null at 'roleArn'"):
        identity.sts.assume_role(instance_session(identity).caller, {}, NOW)


def test_a_user_may_ask_for_as_long_as_the_role_allows() -> None:
    """Without a chain the bound is the role's own."""
    identity = identities()
    user = Caller(principal="arn:aws:iam::111122223333:user/ops", user_id="AIDA", account="111122223333")
    role = identity.aws.role_of("bedrock-us")
    role.trusts.add(user.principal)
    role.max_session = dt.timedelta(hours=12)
    form = {"RoleArn": role.arn, "RoleSessionName": "ops", "DurationSeconds": "43200"}
    assert NOW + dt.timedelta(hours=12) == identity.sts.assume_role(user, form, NOW).keys.expires
    role.max_session = dt.timedelta(hours=11)
    with pytest.raises(Refusal, match="exceeds the MaxSessionDuration set for this role"):
        identity.sts.assume_role(user, form, NOW)


def test_trust_is_the_machines_alone() -> None:
    """A session of one endpoint's role may not become another, nor may anyone once the trust is taken away."""
    identity = identities()
    form = {"RoleArn": identity.role_arn("bedrock-eu"), "RoleSessionName": "test"}
    with pytest.raises(Refusal) as caught:
        identity.sts.assume_role(assumed(identity).caller, form, NOW)
    assert ("denied", "AccessDenied") == (caught.value.kind, caught.value.code)
    assert caught.value.message.endswith(f"is not authorized to perform: sts:AssumeRole on resource: {form['RoleArn']}")
    identity.aws.role_of("bedrock-us").trusts.clear()
    with pytest.raises(Refusal, match="sts:AssumeRole"):
        assumed(identity)


def test_a_role_that_is_not_there_is_denied_alike() -> None:
    """AWS does not tell strangers which roles exist."""
    with pytest.raises(Refusal, match="sts:AssumeRole"):
        assumed(identities(), RoleArn="arn:aws:iam::111122223333:role/nobody")


def test_an_external_id_must_be_known() -> None:
    """Where a role asks for an external id, none and a wrong one are denied; where it does not, any is let pass."""
    identity = identities()
    assumed(identity, ExternalId="whatever")
    identity.aws.role_of("bedrock-us").external_id = "s3cret"
    assumed(identity, ExternalId="s3cret")
    for form in ({}, {"ExternalId": "other"}):
        with pytest.raises(Refusal, match="sts:AssumeRole"):
            assumed(identity, **form)


def test_revoked_sessions_are_denied_explicitly() -> None:
    """Revoking denies all that was issued before, with the reason, and nothing that is issued afterwards."""
    identity = identities()
    before, later = assumed(identity), NOW + dt.timedelta(seconds=1)
    identity.revoke("bedrock-us", later)
    denied = refusal(identity, "bedrock-us", signed_by(before.keys))
    assert "denied" == denied.kind
    assert denied.message.endswith("with an explicit deny in an identity-based policy")
    identity.verify("bedrock-us", signed_by(assumed(identity, utc=later).keys), later)
    identity.aws.revoke_sessions(identity.instance.role_arn, later)
    with pytest.raises(Refusal, match="explicit deny"):
        assumed(identity)


def test_expire_ends_every_session_of_an_endpoint() -> None:
    """The screw ends what is out now, wherever it came from; what is assumed later is good."""
    identity = identities()
    out = [standing_keys(identity, "bedrock-us"), assumed(identity).keys, assumed(identity).keys]
    assert 3 == identity.expire("bedrock-us", NOW)
    assert ["ExpiredTokenException"] * 3 == [refusal(identity, "bedrock-us", signed_by(keys)).code for keys in out]
    identity.verify("bedrock-us", signed_by(assumed(identity).keys), NOW)
    assert 0 == identity.expire("own", NOW)


def test_a_right_taken_away_is_gone_at_once() -> None:
    """A role's rights are read at every call, as policies are."""
    identity = identities()
    session = assumed(identity)
    identity.aws.role_of("bedrock-us").opens.clear()
    assert "denied" == refusal(identity, "bedrock-us", signed_by(session.keys)).kind


def test_who_calls_is_known_by_signature() -> None:
    """STS knows callers by its own names for what is wrong, and takes clocks that are off by fifteen minutes."""
    identity = identities()
    keys = instance_session(identity).keys

    def code(keys: AwsKeys, utc: dt.datetime = NOW, **changes: str) -> str:
        with pytest.raises(Refusal) as caught:
            identity.sts.caller(signed_by(keys, service=changes.get("service", "sts")), utc)
        return caught.value.code

    assert identity.instance.instance_id in identity.sts.caller(signed_by(keys, service="sts"), NOW).principal
    identity.sts.caller(signed_by(keys, service="sts"), NOW + dt.timedelta(minutes=15))
    assert "SignatureDoesNotMatch" == code(keys, NOW + dt.timedelta(minutes=16))
    assert "SignatureDoesNotMatch" == code(keys, service="bedrock")
    assert "SignatureDoesNotMatch" == code(msgspec.structs.replace(keys, secret_access_key="wrong"))
    assert "InvalidClientTokenId" == code(msgspec.structs.replace(keys, access_key_id="ASIAOTHER"))
    assert "InvalidClientTokenId" == code(msgspec.structs.replace(keys, session_token="other"))
    assert "ExpiredToken" == code(keys, NOW + dt.timedelta(hours=6))
    with pytest.raises(Refusal) as caught:
        identity.sts.caller(converse(), NOW)
    assert "MissingAuthenticationToken" == caught.value.code


def test_refreshes_are_counted_by_principal() -> None:
    """What was given out is counted, by whom and since when: a stampede can be seen."""
    identity = identities()
    for _ in range(3):
        assumed(identity)
    assumed(identity, "bedrock-eu", utc=NOW + dt.timedelta(seconds=5))
    assert {identity.role_arn("bedrock-us"): 3, identity.role_arn("bedrock-eu"): 1} == identity.refreshes.count(
        service="sts"
    )
    assert [identity.role_arn("bedrock-eu")] == list(identity.refreshes.count(since=NOW + dt.timedelta(seconds=1)))


def test_the_escrow_account_is_the_models_own() -> None:
    """Where a model's ARN names an account, the roles are of that account."""
    from tests.identity.identities import ENDPOINTS  # noqa: PLC0415 - changed here only

    arn = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/br0wn0utpt01"
    identity = CloudIdentity(1, [msgspec.structs.replace(ENDPOINTS[0], model=arn)], "http://127.0.0.1:1/token")
    assert "arn:aws:iam::123456789012:role/brownout-bedrock-us" == identity.role_arn("bedrock-us")
    assert identity.aws.app != identity.aws.escrow


def test_sessions_long_over_are_forgotten() -> None:
    """A long run's ring of keys does not grow: a day after its end a session is no longer known at all."""
    identity = identities()
    session = assumed(identity)
    known = len(list(identity.aws.ring))
    later = NOW + dt.timedelta(days=2)
    assumed(identity, utc=later)
    assert identity.aws.ring.get(session.keys.access_key_id) is None
    assert known >= len(list(identity.aws.ring))
