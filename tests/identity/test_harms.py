"""What is wrong for a while with who may call refuses those who would be let in, counts them, and leaves no trace."""

import datetime as dt
import itertools

import msgspec
import pytest

from brownout.identity import CLOUD_PLATFORM, CloudIdentity
from brownout.identity.harms import Harm, How
from brownout.wire import HttpRequest, Refusal
from tests.identity.identities import NOW, converse, identities, instance_session, signed_by, standing_keys

SOON = NOW + dt.timedelta(minutes=1)


def _bedrock(identity: CloudIdentity) -> HttpRequest:
    return signed_by(standing_keys(identity, "bedrock-us"))


def _vertex(identity: CloudIdentity, utc: dt.datetime = NOW) -> HttpRequest:
    email = identity.service_account_email("vertex-us")
    token = identity.tokens.issue(email, scopes=frozenset({CLOUD_PLATFORM}), life=dt.timedelta(hours=1), utc=utc)
    path = f"/v1/projects/{identity.project}/locations/us-central1/publishers/google/models/m:generateContent"
    return HttpRequest(method="POST", path=path, headers={"authorization": f"Bearer {token.value}"})


def _own(identity: CloudIdentity) -> HttpRequest:
    key = identity.credentials("own")["api_key"]
    return HttpRequest(method="POST", path="/v1/chat/completions", headers={"authorization": f"Bearer {key}"})


def _said(identity: CloudIdentity, endpoint: str, request: HttpRequest, utc: dt.datetime = NOW) -> tuple[str, str]:
    with pytest.raises(Refusal) as refused:
        identity.verify(endpoint, request, utc)
    return refused.value.kind, refused.value.code


@pytest.mark.parametrize(
    ("how", "bedrock", "vertex"),
    [
        ("expired", ("unauthenticated", "ExpiredTokenException"), ("unauthenticated", "")),
        ("revoked", ("denied", "AccessDeniedException"), ("unauthenticated", "")),
        ("denied", ("denied", "AccessDeniedException"), ("denied", "IAM_PERMISSION_DENIED")),
    ],
)
def test_each_cloud_refuses_in_its_own_words(how: How, bedrock: tuple[str, str], vertex: tuple[str, str]) -> None:
    """And lets the same credentials in before and after."""
    identity = identities()
    requests = {"bedrock-us": _bedrock(identity), "vertex-us": _vertex(identity)}
    for (name, request), words in zip(requests.items(), (bedrock, vertex), strict=True):
        identity.verify(name, request, NOW)
        harm = Harm(how)
        identity.harms.begin(name, harm)
        assert (words, 1) == (_said(identity, name, request), harm.refused)
        identity.harms.end(name, harm)
        identity.harms.end(name, harm)
        identity.verify(name, request, NOW)
        assert [] == identity.harms.at(name)


def test_the_same_sentences_as_of_what_it_stands_for() -> None:
    """A session that is revoked, and one whose harm says so, are told the same; so are they who lack a permission."""
    told = []
    for harmed in (False, True):
        identity = identities()
        role = identity.aws.role_of("bedrock-us")
        if harmed:
            identity.harms.begin("bedrock-us", Harm("revoked"))
        else:
            identity.revoke("bedrock-us", NOW)
        sentences = []
        for _ in range(2):
            with pytest.raises(Refusal) as refused:
                identity.verify("bedrock-us", _bedrock(identity), NOW)
            sentences.append(refused.value.message)
            role.revoked_before = None
            for harm in identity.harms.at("bedrock-us"):
                identity.harms.end("bedrock-us", harm)
            if harmed:
                identity.harms.begin("bedrock-us", Harm("denied"))
            else:
                role.opens.clear()
        told.append(sentences)
    assert told[0] == told[1]


def test_a_key_of_an_api_of_its_own_can_be_taken_back() -> None:
    """It is unknown then, and told so as any other."""
    identity = identities()
    identity.harms.begin("own", Harm("revoked"))
    with pytest.raises(Refusal, match="Incorrect API key provided: sk-\\*"):
        identity.verify("own", _own(identity), NOW)


def test_what_was_given_out_later_is_spared() -> None:
    """An expiry is over for who renews: a new session, a new token."""
    identity = identities()
    old = _vertex(identity, NOW)
    harm = Harm("expired", issued_before=SOON)
    for name in ("bedrock-us", "vertex-us"):
        identity.harms.begin(name, harm)
    role = identity.aws.role_of("bedrock-us")
    form = {"RoleArn": role.arn, "RoleSessionName": "test"}
    renewed = identity.sts.assume_role(instance_session(identity).caller, form, SOON)
    identity.verify("bedrock-us", signed_by(renewed.keys, utc=SOON), SOON)
    identity.verify("vertex-us", _vertex(identity, SOON), SOON)
    assert 0 == harm.refused
    _said(identity, "bedrock-us", _bedrock(identity), SOON)
    _said(identity, "vertex-us", old, SOON)
    assert 2 == harm.refused


def test_who_would_be_refused_anyway_does_not_count() -> None:
    """A signature that is wrong is told so, whatever else is wrong."""
    identity = identities()
    harms = [Harm("revoked"), Harm(None, skew=dt.timedelta(hours=1))]
    for harm in harms:
        identity.harms.begin("bedrock-us", harm)
    request = msgspec.structs.replace(_bedrock(identity), body=b"{} ")
    assert ("unauthenticated", "InvalidSignatureException") == _said(identity, "bedrock-us", request)
    assert ("unauthenticated", "MissingAuthenticationTokenException") == _said(identity, "bedrock-us", converse())
    assert [0, 0] == [harm.refused for harm in harms]


@pytest.mark.parametrize(("minutes", "words"), [(15, "Signature expired"), (-15, "Signature not yet current")])
def test_a_clock_that_is_off_counts_whom_the_right_one_lets_in(minutes: int, words: str) -> None:
    """Ahead or behind; within five minutes nobody is refused."""
    identity = identities()
    harm, borne = Harm(None, skew=dt.timedelta(minutes=minutes)), Harm(None, skew=dt.timedelta(minutes=4))
    identity.harms.begin("bedrock-us", borne)
    identity.verify("bedrock-us", _bedrock(identity), NOW)
    identity.harms.begin("bedrock-us", harm)
    with pytest.raises(Refusal, match=words):
        identity.verify("bedrock-us", _bedrock(identity), NOW)
    identity.verify("bedrock-us-2", signed_by(standing_keys(identity, "bedrock-us-2")), NOW)
    assert (0, 1) == (borne.refused, harm.refused)


def test_several_can_be_taken_back_in_any_order() -> None:
    """What is left still refuses; when nothing is, the first credentials are good."""
    for order in itertools.permutations(range(3)):
        identity = identities()
        harms = [Harm("expired"), Harm("denied"), Harm(None, skew=dt.timedelta(hours=1))]
        for harm in harms:
            identity.harms.begin("bedrock-us", harm)
        for number in order:
            _said(identity, "bedrock-us", _bedrock(identity))
            identity.harms.end("bedrock-us", harms[number])
        identity.verify("bedrock-us", _bedrock(identity), NOW)
        assert 3 == sum(harm.refused for harm in harms)
