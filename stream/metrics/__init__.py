"""What a worker exports to Prometheus: all of `resampler.monitoring.catalog.WORKER`, and nothing else."""

from __future__ import annotations

from stream.metrics.refusal import Refusal
from stream.metrics.shard import ShardMetrics
from stream.metrics.standing import Standing
from stream.metrics.worker import Metrics, ShardState

__all__ = ["Metrics", "Refusal", "ShardMetrics", "ShardState", "Standing"]
