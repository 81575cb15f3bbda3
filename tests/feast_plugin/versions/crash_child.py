"""What the crash and concurrency tests run in processes of their own."""

from __future__ import annotations

import importlib
import os
import signal
from pathlib import Path

import pyarrow.parquet as pq
from feast import FeatureStore

from feast_plugin import create_snapshot


def create(repo: str, root: str, seed: int) -> None:
    create_snapshot(
        FeatureStore(repo_path=repo),
        name="pay",
        feature_service="numbers",
        entity_df=pq.read_table(f"{repo}/payments.parquet", columns=["customer_id", "event_timestamp", "fraud"]),
        label="fraud",
        ratio=0.5,
        seed=seed,
        k_neighbors=3,
        root=root,
    )


def create_when(repo: str, root: str, seed: int, barrier) -> None:
    """All at once: whoever comes waits for the rest."""
    barrier.wait(60)
    create(repo, root, seed)


def create_and_die(repo: str, root: str, seed: int, module: str, name: str, call: int, *, after: bool) -> None:
    """kill -9 at one call of one function of ours, before or after it did its work."""
    owner = importlib.import_module(module)
    *path, attribute = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    genuine, calls = getattr(owner, attribute), [0]

    def deadly(*args, **kwargs):
        calls[0] += 1
        if calls[0] == call and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = genuine(*args, **kwargs)
        if calls[0] == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, attribute, deadly)
    create(repo, root, seed)
    Path(root, "survived").touch()
