"""SLO metrics: one file each, registered here by import.

A metric is a pure function from a `View` (one test's history and the part of it that an SLO is about) to an
`Observation`. It raises `NoEvidence` where the history cannot tell; the verdict is then unknown, never pass.
"""

from brownout.metrics.base import METRICS, Metric, NoEvidence, Observation, View, metric

from brownout.metrics import (  # noqa: F401  isort: skip - imported for their registration
    availability,
    batches,
    boundary_violations,
    capacity,
    breaker,
    early_retries,
    failover,
    foreign_answers,
    latency,
    ramp,
    normalisation,
    recovery,
    retries,
    retry_amplification,
    shaping,
    side_channels,
    target_exits,
    telemetry,
    stream_held,
    passed_off,
    undeclared_destinations,
    unlifted_faults,
    unsaid_failures,
    hung_requests,
    interference,
    identity,
)

__all__ = ["METRICS", "Metric", "NoEvidence", "Observation", "View", "metric"]
