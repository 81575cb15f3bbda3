"""`resampler warmup`: compile every kernel into the cache, so that no stream waits for the compiler."""

from __future__ import annotations

import time
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

import click
import numpy as np
from tqdm import tqdm

from resampler.buffer import MinorityBuffer
from resampler.online import OnlineResampler
from resampler.schema import FeatureSchema
from resampler.synthesize import synthesize

if TYPE_CHECKING:
    from collections.abc import Callable

GROUP = "resampler.warmup"  # entry points: functions without arguments


def _online() -> None:
    schema = FeatureSchema.numeric(["a", "b"])
    for clean in (False, True):  # with the others compared, and without
        online = OnlineResampler(schema, ratio=1.0, k_neighbors=1, capacity=4, clean=clean)
        online.process(np.eye(8, 2, dtype=np.float32), np.arange(8) % 3 == 0, np.arange(8))
        online.forget([0])
        OnlineResampler.from_bytes(online.to_bytes())


def _buffer() -> None:
    buffer = MinorityBuffer(2, 4, 1, max_age=9)
    buffer.insert(np.eye(4, 2, dtype=np.float32), np.arange(4), np.arange(4))
    buffer.expire(0)
    buffer.evict(1)
    buffer.discard([2])
    buffer.kneighbors(np.zeros((1, 2), dtype=np.float32), 1)
    buffer.sample(1, seed=0)
    buffer.graph()
    MinorityBuffer.from_bytes(MinorityBuffer(2, 4, 1, index="graph").to_bytes())


def _batch(dtype: str) -> None:
    synthesize(np.eye(4, 2, dtype=dtype), 1, k_neighbors=1, categorical_mask=np.array([False, True]))


def _run(point: EntryPoint) -> None:
    try:
        warm = point.load()
    except ModuleNotFoundError:  # a wing whose extra is not installed has nothing to compile
        return
    warm()


STEPS: dict[str, Callable[[], None]] = {
    "online": _online,
    "buffer": _buffer,
    "batch float32": lambda: _batch("float32"),
    "batch float64": lambda: _batch("float64"),
}


@click.command()
def warmup() -> None:
    """Compile every kernel into the cache (once a machine and release)."""
    started = time.perf_counter()
    installed = {point.name: partial(_run, point) for point in entry_points(group=GROUP)}
    with tqdm((STEPS | installed).items(), unit="step", disable=None, leave=False) as steps:
        for name, step in steps:
            steps.set_description(name)
            step()
    click.echo(f"kernels ready after {time.perf_counter() - started:.1f} s", err=True)
