"""What a request shows of its sender is told apart by what the clouds know of it, and is never the secret itself."""

import datetime as dt

import msgspec
import pytest

from brownout.identity import CLOUD_PLATFORM, CloudIdentity, Lives, assertion, short_term_key
from brownout.identity.google import JWT_BEARER
from brownout.identity.harms import Harm
from brownout.identity.shown import Shown
from brownout.wire import HttpRequest, Refusal
from tests.identity.identities import ENDPOINTS, NOW, TOKEN_URI, converse, identities, signed_by, standing_keys

LIFE = dt.timedelta(minutes=15)
LATER = NOW + LIFE


def with_bearer(value: str) -> HttpRequest:
    """Return a request that shows a token or a key."""
    return msgspec.structs.replace(converse(), headers={"authorization": f"Bearer {value}"})


def shown_by(identity: CloudIdentity, what: str) -> tuple[str, HttpRequest]:
    """Return an endpoint, and a request to it that shows one kind of credential."""
    role = identity.aws.role_of("bedrock-us")
    session = identity.aws.begin_session(role, "app", utc=NOW, life=LIFE).keys
    email = identity.service_account_email("vertex-us")
    scopes = frozenset({CLOUD_PLATFORM})
    if what == "federated token":
        return "vertex-us", with_bearer(identity.tokens.issue(email, scopes=scopes, life=LIFE, utc=NOW).value)
    if what == "keyed token":
        signed = assertion(identity._accounts["vertex-us"], utc=NOW)
        return "vertex-us", with_bearer(identity.issuer.exchange(JWT_BEARER, signed, NOW).value)
    requests = {
        "session": signed_by(session),
        "standing keys": signed_by(standing_keys(identity, "bedrock-us")),
        "long-term key": with_bearer(identity.bedrock_api_key("bedrock-us")),
        "short-term key": with_bearer(short_term_key(session, region="us-east-1", utc=NOW)),
        "short-term key of standing keys": with_bearer(
            short_term_key(standing_keys(identity, "bedrock-us"), region="us-east-1", utc=NOW)
        ),
        "nothing": converse(),
    }
    return "bedrock-us", requests[what]


@pytest.mark.parametrize(
    ("what", "kind", "ends"),
    [
        ("session", "session", True),
        ("standing keys", "static", False),
        ("long-term key", "static", False),
        ("short-term key", "token", True),
        ("short-term key of standing keys", "keyed-token", False),
        ("federated token", "token", True),
        ("keyed token", "keyed-token", True),
        ("nothing", "none", False),
    ],
)
def test_each_kind_of_credential_is_told_apart(what: str, kind: str, ends: bool) -> None:  # noqa: FBT001 - a table
    """By what the clouds gave out, not by how it looks."""
    identity = identities()
    shown = identity.shown(*shown_by(identity, what))
    assert (kind, ends) == (shown.kind, shown.expires is not None)


def test_a_key_for_an_endpoint_that_takes_no_other_is_static() -> None:
    """OpenAI's and Anthropic's own."""
    identity = identities()
    key = identity.credentials("own")["api_key"]
    shown = identity.shown("own", with_bearer(key))
    assert ("static", True) == (shown.kind, 0 < len(shown.id) < len(key) and shown.id not in key)
    assert Shown() == identity.shown("own", converse())


def test_the_same_credential_has_the_same_id_and_another_has_another() -> None:
    """However often it is shown."""
    identity = identities()
    name, request = shown_by(identity, "session")
    _, other = shown_by(identity, "session")
    ids = [identity.shown(name, one).id for one in (request, request, other)]
    assert (1, 2) == (len(set(ids[:2])), len(set(ids)))


@pytest.mark.parametrize("what", ["session", "short-term key", "federated token"])
def test_what_has_ended_is_over_from_that_instant(what: str) -> None:
    """As its gate has it: who is let in shows nothing that is over, and who is refused later does."""
    identity = identities()
    name, request = shown_by(identity, what)
    shown = identity.shown(name, request)
    just_before = LATER - dt.timedelta(seconds=1)
    assert [False, True] == [identity.is_over(name, shown, utc) for utc in (just_before, LATER)]
    with pytest.raises(Refusal, match=r"(?i)expired|invalid"):
        identity.verify(name, request, LATER, secure=True)


def test_a_harm_ends_what_was_given_out_before_it() -> None:
    """And nothing else: another harm ends nothing."""
    identity = identities()
    name, request = shown_by(identity, "session")
    shown = identity.shown(name, request)
    identity.harms.begin(name, Harm("denied"))
    identity.harms.begin(name, Harm("expired", issued_before=NOW))
    assert not identity.is_over(name, shown, NOW)
    identity.harms.begin(name, Harm("expired", issued_before=NOW + dt.timedelta(seconds=1)))
    assert identity.is_over(name, shown, NOW)


def test_lives_shorten_what_opens_an_endpoint_and_say_so() -> None:
    """An hour is asked for and ten seconds are granted, by each service; the machine's own keys hold as ever."""
    longest = dt.timedelta(seconds=10)
    identity = CloudIdentity(1, ENDPOINTS, TOKEN_URI, lives=Lives(longest))
    machine = identity.instance.session(NOW)
    form = {"RoleArn": identity.role_arn("bedrock-us"), "RoleSessionName": "app"}
    session = identity.sts.assume_role(machine.caller, form, NOW)
    signed = assertion(identity._accounts["vertex-us"], utc=NOW)
    token = identity.issuer.exchange(JWT_BEARER, signed, NOW)
    assert [NOW + longest] * 2 == [session.keys.expires, token.expires]
    assert machine.keys.expires is not None
    assert machine.keys.expires > NOW + dt.timedelta(hours=1)
