"""A serverless function with AWS Lambda's signature: a version of embeddings, in slices of the function's time limit.

A state machine calls it until `done`: each call goes on with the parts that those before have finished, and the version
is the one that a single call would have made, byte for byte. Environment: CATALOG, a directory or a URI (s3://...) that
calls share, and MAX_MEMORY, that of the function. Event: `name`, `rows` (the URI of a Parquet file), `label`, `keys`.
An image with a warm cache (see deploy/docker) spends no call on compiling.
"""

from __future__ import annotations

import os
from typing import Any

from feast_plugin import create_snapshot
from resampler.budget import StoppedError

MARGIN_S = 15.0  # for the part that is under way when time is up


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    left_s = context.get_remaining_time_in_millis() / 1000 - MARGIN_S
    try:
        made = create_snapshot(
            os.environ["CATALOG"],
            name=event["name"],
            entity_df=event["rows"],
            label=event["label"],
            join_keys=event["keys"],
            sampler="embedding",
            ratio=event.get("ratio", 0.5),
            seed=event.get("seed", 42),
            max_seconds=max(0.001, left_s),  # a call finishes one part at least
            max_memory=os.environ.get("MAX_MEMORY", "3GiB"),
            resume="latest",
        )
    except StoppedError as stopped:
        return {"done": False, "resume": stopped.resume, "why": str(stopped)}
    return {"done": True, "version": made.version, "digest": made.digest, "datasets": dict(made.datasets)}
