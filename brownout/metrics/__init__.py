"""SLO metrics: one file each, registered here by import.

A metric is a pure function from a `View` (one test's history and the part of it that an SLO is about) to an
`Observation`. It raises `NoEvidence` where the history cannot tell; the verdict is then unknown, never pass.
"""

from brownout.metrics.base import METRICS, Metric, NoEvidence, Observation, View, metric

from brownout.metrics import (  # noqa: F401  isort: skip - imported for their registration
    availability,
    boundary_violations,
    early_retries,
    failover,
    foreign_answers,
    latency,
    recovery,
    retry_amplification,
    target_exits,
    stream_held,
    truncated_as_success,
    unlifted_faults,
    unsaid_failures,
    hung_requests,
)

__all__ = ["METRICS", "Metric", "NoEvidence", "Observation", "View", "metric"]
