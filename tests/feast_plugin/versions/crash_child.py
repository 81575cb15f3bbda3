"""What the crash and concurrency tests run in processes of their own."""

from __future__ import annotations

import importlib
import os
import signal
from pathlib import Path

import pyarrow.parquet as pq

from feast_plugin import alias_snapshot, create_snapshot

COLUMNS = ["customer_id", "event_timestamp", "fraud"]


def create(kind: str, place: str, root: str, seed: int) -> None:
    """Through Feast, or of the same table in a plain directory."""
    options = {"name": "pay", "label": "fraud", "ratio": 0.5, "seed": seed, "k_neighbors": 3}
    if kind == "directory":
        table = pq.read_table(f"{place}/payments.parquet", columns=[*COLUMNS, "amount", "score"])
        keys = {"join_keys": ["customer_id"], "timestamp": "event_timestamp"}
        create_snapshot(root, entity_df=table, **keys, **options)
        return
    from feast import FeatureStore

    frame = pq.read_table(f"{place}/payments.parquet", columns=COLUMNS)
    create_snapshot(FeatureStore(repo_path=place), feature_service="numbers", entity_df=frame, root=root, **options)


def create_when(kind: str, place: str, root: str, seed: int, barrier) -> None:
    """All at once: whoever comes waits for the rest."""
    barrier.wait(240)  # processes start minutes apart on a machine that does much else
    create(kind, place, root, seed)


def create_and_die(
    kind: str, place: str, root: str, seed: int, module: str, name: str, call: int, *, after: bool
) -> None:
    """kill -9 at one call of one function of ours, before or after it did its work."""
    _make_deadly(module, name, call, after=after)
    create(kind, place, root, seed)
    Path(root, "survived").touch()


def _make_deadly(module: str, name: str, call: int, *, after: bool) -> None:
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


def alias_and_die(
    kind: str, place: str, root: str, version: int, module: str, name: str, call: int, *, after: bool
) -> None:
    """kill -9 at one call of one function while an alias moves."""
    _make_deadly(module, name, call, after=after)
    store = root
    if kind != "directory":
        from feast import FeatureStore

        store = FeatureStore(repo_path=place)
    alias_snapshot(store, name="pay", root=root, alias="prod", version=version)
