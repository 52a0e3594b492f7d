"""Trials of what goes wrong with who may call, and with the services that give out credentials."""

import asyncio

import aiohttp

from brownout.wire import Refusal
from tests.faults.renewal import NotRenewedError, renew
from tests.faults.trial import Scene, trial


async def _with_what_was_given(scene: Scene) -> None:
    """Forget what was renewed: the credentials of before must be good."""
    scene.live.drop(scene.at)


async def _refused(scene: Scene) -> tuple[int, str, str]:
    refusal = (await scene.ask()).refusal
    assert isinstance(refusal, Refusal)
    return refusal.status or 0, refusal.kind, refusal.code


async def _renewal(scene: Scene) -> int | type[aiohttp.ClientError]:
    """Renew; return how that failed."""
    try:
        await renew(scene)
    except NotRenewedError as refused:
        return refused.status
    except aiohttp.ClientError as error:
        return type(error)
    return 200


# --- services -------------------------------------------------------------------------------------------------------


@trial("sts-down", at="bedrock")
async def no_session_can_be_begun(scene: Scene) -> None:
    """STS refuses connections; who has a session is served."""
    assert aiohttp.ClientConnectorError is await _renewal(scene)
    assert (await scene.ask()).whole


@trial("sts-down", settings={"how": "5xx"}, at="bedrock")
async def sts_says_503(scene: Scene) -> None:
    """In its own words, to whoever has the machine's credentials."""
    assert 503 == await _renewal(scene)


@trial("sts-down", settings={"how": "slow", "delay_s": 20}, at="bedrock", cured=_with_what_was_given)
async def sts_takes_its_time(scene: Scene) -> None:
    """A new session is good, and late."""
    began_s = scene.live.clock.now_s()
    assert (200, True) == (await _renewal(scene), scene.live.clock.now_s() - began_s >= 20)
    assert (await scene.ask()).whole


@trial("imds-down", at="bedrock")
async def the_machine_has_no_identity(scene: Scene) -> None:
    """The metadata service refuses connections."""
    assert aiohttp.ClientConnectorError is await _renewal(scene)
    assert (await scene.ask()).whole


@trial("imds-down", settings={"how": "5xx", "status": 500}, at="vertex")
async def the_metadata_service_says_500(scene: Scene) -> None:
    """Callers of Google begin there too."""
    assert 500 == await _renewal_at_bedrock(scene)
    assert (await scene.ask()).whole


@trial("token-service-down", settings={"how": "5xx"}, at="vertex")
async def no_token_no_answer(scene: Scene) -> None:
    """Who holds no token is not even heard."""
    refusal = (await scene.ask()).refusal
    assert refusal is not None
    assert ("unauthenticated", True) == (refusal.kind, refusal.message.endswith("/token answered 503"))


@trial("token-service-down", at="vertex")
async def a_token_that_is_held_holds(scene: Scene) -> None:
    """The service refuses connections; only who must renew notices."""
    await scene.lift()
    scene.live.hold(scene.at)
    assert (await scene.ask()).whole
    await scene.put_on()
    assert (await scene.ask()).whole
    scene.live.drop(scene.at)
    refusal = (await scene.ask()).refusal
    assert refusal is not None
    assert ("unauthenticated", True) == (refusal.kind, "ClientConnectorError" in refusal.message)


@trial("token-service-down", settings={"service": "iam_credentials", "how": "5xx", "status": 500}, at="vertex")
async def nobody_can_be_impersonated(scene: Scene) -> None:
    """A federated caller gets no further than that; a service account's own key is another way."""
    url = scene.live.cloud.service_urls["iam_credentials"] + "/v1/projects/-/serviceAccounts/a@b:generateAccessToken"
    async with scene.live.session.post(url) as reply:
        assert 500 == reply.status
    assert (await scene.ask()).whole


async def _renewal_at_bedrock(scene: Scene) -> int | type[aiohttp.ClientError]:
    try:
        await renew(scene, "bedrock")
    except NotRenewedError as refused:
        return refused.status
    return 200


# --- credentials ----------------------------------------------------------------------------------------------------


@trial("expired-tokens", at="bedrock", cured=_with_what_was_given)
async def expired_until_renewed(scene: Scene) -> None:
    """What was given out before is refused; a new session is let in."""
    assert (403, "unauthenticated", "ExpiredTokenException") == await _refused(scene)
    assert 200 == await _renewal(scene)
    assert (await scene.ask()).whole


@trial("expired-tokens", at="vertex")
async def a_token_ends_before_its_hour(scene: Scene) -> None:
    """The token in hand is a 401; the next one is good, and after the lift the first is again."""
    await scene.lift()
    scene.live.hold(scene.at)
    assert (await scene.ask()).whole
    await scene.wait(1)
    await scene.put_on()
    assert (401, "unauthenticated") == (await _refused(scene))[:2]


@trial("revoked-credentials", at="bedrock", cured=_with_what_was_given)
async def renewing_is_no_help(scene: Scene) -> None:
    """The role is denied everything, in new sessions too."""
    assert (403, "denied") == (await _refused(scene))[:2]
    assert 200 == await _renewal(scene)
    assert (403, "denied") == (await _refused(scene))[:2]


@trial("revoked-credentials", at="vertex")
async def no_token_is_taken(scene: Scene) -> None:
    """A token that was given out just now is a 401."""
    assert (401, "unauthenticated") == (await _refused(scene))[:2]


@trial("revoked-credentials", at="anthropic")
async def the_key_is_unknown(scene: Scene) -> None:
    """A 401."""
    assert (401, "unauthenticated") == (await _refused(scene))[:2]


@trial("clock-skew", at="bedrock", cured=_with_what_was_given)
async def signatures_are_of_another_time(scene: Scene) -> None:
    """Refused as bad signatures, with new credentials too."""
    assert (403, "unauthenticated", "InvalidSignatureException") == await _refused(scene)
    assert 200 == await _renewal(scene)
    assert (403, "unauthenticated", "InvalidSignatureException") == await _refused(scene)


@trial("clock-skew", settings={"skew_s": -600.0}, at="sagemaker")
async def signatures_are_not_yet_current(scene: Scene) -> None:
    """The same where the endpoint's clock is behind."""
    refusal = (await scene.ask()).refusal
    assert refusal is not None
    assert (403, True) == (refusal.status, "not yet current" in refusal.message)


@trial("lost-permission", at="bedrock")
async def the_role_may_not(scene: Scene) -> None:
    """AWS knows who asks."""
    assert (403, "denied", "AccessDeniedException") == await _refused(scene)


@trial("lost-permission", at="vertex")
async def the_service_account_may_not(scene: Scene) -> None:
    """So does Google."""
    assert (403, "denied") == (await _refused(scene))[:2]


@trial("refresh-stampede", settings={"delay_s": 3.0}, at="bedrock", cured=_with_what_was_given)
async def everybody_asks_at_once(scene: Scene) -> None:
    """Refused as expired; four calls for a new session, each three seconds late, and then it goes on."""
    assert (403, "unauthenticated", "ExpiredTokenException") == await _refused(scene)
    began_s = scene.live.clock.now_s()
    assert [200] * 5 == await asyncio.gather(*(_renewal(scene) for _ in range(5)))
    assert 12.0 <= scene.live.clock.now_s() - began_s < 13.0
    assert 5 == scene.live.cloud.identity.refreshes.count(service="sts").total()
    assert (await scene.ask()).whole
