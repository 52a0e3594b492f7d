"""Nobody is red for what it never said: a router that asks down its list, and says that it has no breaker."""

from pathlib import Path

import msgspec

from brownout.target import load_target
from fixtures.catalogue import REFERENCE_TARGET
from fixtures.gate import judge_virtual
from fixtures.routers import embedded_routers
from tests.options import reference_options

BREAKERLESS = "asks-the-dead-first"
DECLARED = ["failover", "fail-back", "first-token-timeout", "normalised-errors", "streaming", "tenant-boundary"]
TESTS = [
    "region-silent",
    "slow-first-token",
    "stream-cut",
    "late-error",
    "broken-stream-malformed-chunk",
    "broken-stream-no-terminator",
    "stalled-stream",
    "odd-streams",
    "fallback-fails-too",
]


def test_a_router_without_a_breaker_keeps_all_that_it_declares(tmp_path: Path) -> None:
    """It asks each dead endpoint again, and loses the streams that break there: to leave them it never promised."""
    target, _ = load_target(str(REFERENCE_TARGET))
    target = msgspec.structs.replace(target, target="no-breaker", embedded=BREAKERLESS, declares=DECLARED)
    options = reference_options(target=target, profile="full", clock="virtual", seed=7, only=TESTS)

    promises = judge_virtual(options, tmp_path / "run", embedded_routers()[BREAKERLESS]).promises

    assert set(TESTS) == {one.test for one in promises if one.outcome == "pass"}
    assert [] == [one.id for one in promises if one.outcome not in {"pass", "skipped"}]
