"""A router's own keys and tokens, where they do not belong: no tenant's data, and what opens the way to all of it."""

import json
from pathlib import Path
from typing import TypeVar

from brownout.identity import AwsKeys
from brownout.wire import Ask, Refusal
from suites.selftest.leaks.base import Leaky, leak, leaking

T = TypeVar("T", AwsKeys, str)


class _Holding(Leaky):
    """Knows what it was granted."""

    def granted(self, form: type[T]) -> list[T]:
        """Return the credentials of a form that it holds now: AWS's are keys, Google's a text."""
        now_s = self.clock.now_s()
        held = (one.renewal.good(now_s) for one in self._workload.held)
        return [one for one in held if isinstance(one, form)]


class _ShowsAllTheSame(_Holding):
    """Every endpoint is shown the headers that the first one asks for."""

    async def before(self, ask: Ask, tenant: str) -> None:
        del ask, tenant
        other = next(one.url for one in self.world.endpoints if one.provider == "vertex")
        for keys in self.granted(AwsKeys)[:1]:
            await self.post(other, b"{}", {"X-Amz-Security-Token": keys.session_token})


class _SendsItsSecret(_Holding):
    """It asks AWS whether its keys are good, and has never heard of signatures."""

    async def before(self, ask: Ask, tenant: str) -> None:
        del ask, tenant
        for keys in self.granted(AwsKeys)[:1]:
            asked = f"Action=GetCallerIdentity&SecretAccessKey={keys.secret_access_key}"
            await self.post(self.world.services["sts"], asked.encode())


class _AnswersWithItsKey(_Holding):
    """Errors quote what was sent upstream, its headers and all."""

    def told(self, refusal: Refusal) -> Refusal:
        told = super().told(refusal)
        shown = "; ".join(f"Authorization: Bearer {token}" for token in self.granted(str)[:1])
        return Refusal(
            told.kind, f"{told} ({shown})", status=told.status, code=told.code, retry_after_s=told.retry_after_s
        )


class _TracesHeaders(_Holding):
    """Its spans have the headers of requests as attributes, as OpenTelemetry's conventions for HTTP allow."""

    async def answered(self, ask: Ask, tenant: str, text: str) -> None:
        del ask, tenant, text
        values = [{"stringValue": keys.session_token} for keys in self.granted(AwsKeys)[:1]]
        name = "http.request.header.x-amz-security-token"
        span = {"name": "POST", "attributes": [{"key": name, "value": {"arrayValue": {"values": values}}}]}
        spans = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
        await self.post(f"{self.world.sinks['otlp']}/v1/traces", json.dumps(spans).encode())


class _LogsItsKeys(_Holding):
    """It logs at debug level what it was granted."""

    async def answered(self, ask: Ask, tenant: str, text: str) -> None:
        del ask, tenant, text
        with (Path(self.world.scratch) / "router.log").open("a") as log:
            log.writelines(f"DEBUG refreshed: {keys!r}\n" for keys in self.granted(AwsKeys))


SENDS_ITS_TOKEN_TO_THE_OTHER_CLOUD = leak(
    "sends-its-token-to-the-other-cloud",
    "shows AWS's session token to an endpoint of Google's",
    leaking(_ShowsAllTheSame),
    layer="plaintext",
    caught_by="boundary_violations",
    seen_in="inside-while-spilling-over",
)
SENDS_ITS_SECRET = leak(
    "sends-its-secret",
    "sends a secret access key, which is there to sign with, to the very cloud that granted it",
    leaking(_SendsItsSecret),
    layer="plaintext",
    caught_by="boundary_violations",
    seen_in="inside-while-spilling-over",
)
ANSWERS_WITH_ITS_KEY = leak(
    "answers-with-its-key",
    "quotes the token that it shows upstream in errors that tenants are told",
    leaking(_AnswersWithItsKey),
    layer="replies",
    caught_by="data_in_replies",
    seen_in="closed-when-all-is-down",
)
TOKEN_IN_A_SPAN = leak(
    "token-in-a-span",
    "has the token that it shows upstream as an attribute of its spans",
    leaking(_TracesHeaders),
    layer="telemetry",
    caught_by="data_in_telemetry",
    seen_in="inside-while-spilling-over",
)
LOGS_ITS_KEYS = leak(
    "logs-its-keys",
    "writes the keys that it was granted to a log",
    leaking(_LogsItsKeys),
    layer="files",
    caught_by="data_written",
    seen_in="inside-while-spilling-over",
)
