"""`resampler warmup`: compile every kernel into the cache, so that no stream waits for the compiler."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import click
import numpy as np
import pyarrow as pa
from numba import config
from tqdm import tqdm

from resampler.buffer import MinorityBuffer
from resampler.buffer.effort import KEPT_NEEDS
from resampler.buffer.maintenance import mend
from resampler.buffer.minority import EXACT_CAPACITY
from resampler.collector import without_collector
from resampler.compiling import must_compile
from resampler.kernels.buffer.cells import NEWCOMERS
from resampler.kernels.buffer.graph import NOBODY
from resampler.kernels.buffer.ring import end_wave
from resampler.methods.oversample import oversample
from resampler.methods.parameters import Parameters
from resampler.methods.place import build
from resampler.methods.table import Table
from resampler.neighbors import nearest_rows
from resampler.online import OnlineResampler
from resampler.profile.cells import Cells
from resampler.quality.checks.sample import keyed
from resampler.quality.privacy.arrays import audit_privacy
from resampler.schema import FeatureSchema
from resampler.tally import learn
from resampler.tiled import nearest_tiled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GROUP = "resampler.warmup"  # entry points: functions without arguments
ALL = "resampler.warmup.all"  # the same, of what only some streams need


def _online(capacity: int = EXACT_CAPACITY + 1, *, clean: bool = False) -> None:
    schema = FeatureSchema.numeric(["a", "b"])
    online = OnlineResampler(schema, ratio=1.0, k_neighbors=1, capacity=capacity, clean=clean)
    online.process(np.eye(8, 2, dtype=np.float32), np.arange(8) % 3 == 0, np.arange(8))
    online.buffer_stats()
    online.forget([0])
    OnlineResampler.from_bytes(online.to_bytes())


def _danger() -> None:
    _online(clean=True)


def _small(*, clean: bool = False) -> None:
    _online(4, clean=clean)
    buffer = MinorityBuffer(2, 4, 1)
    buffer.insert(np.eye(2, dtype=np.float32), np.arange(2))
    buffer.sample(1, seed=0)
    mend(buffer.ring, np.array([0]))


def _small_danger() -> None:
    _small(clean=True)


def _groups() -> None:
    schema = FeatureSchema.numeric(["a", "b"])
    online = OnlineResampler(schema, ratio=1.0, strategy="hardened", group_size=5, small_groups=True)
    X, y = np.random.default_rng(0).normal(size=(48, 2)).astype(np.float32), np.arange(48) % 4 == 0
    online.process(X, y, np.arange(48))
    online.forget([0])
    OnlineResampler.from_bytes(online.to_bytes())


def _waves() -> None:
    end_wave(MinorityBuffer(2, 4, 1, index="graph").ring)


def _buffer() -> None:
    X, ids = np.eye(NEWCOMERS + 4, 2, dtype=np.float32), np.arange(NEWCOMERS + 4)
    for effort in KEPT_NEEDS:
        buffer = MinorityBuffer(2, NEWCOMERS // 2, 1, index="graph", max_age=9 * NEWCOMERS, effort=effort)
        buffer.insert(X[:4], ids[:4], ids[:4])
        buffer.insert(X[4:], ids[4:], ids[4:], n_threads=2)  # a wave ends, and audits are due
    buffer.expire(0)
    buffer.evict(1)
    buffer.discard(ids[-1:])
    buffer.ring.graph.lists.stamps[:] = NOBODY  # lists have run short
    buffer.kneighbors(np.zeros((1, 2), dtype=np.float32), 1)
    buffer.sample(1, seed=0)
    buffer.graph()
    MinorityBuffer.from_bytes(MinorityBuffer(2, 4, 1, index="graph").to_bytes())


def _batch(dtype: str = "float32") -> None:
    rows, mask = np.eye(4, 2, dtype=dtype), np.array([False, True])
    table = Table(rows, np.ones(4, dtype=np.int64), categorical=mask, grids=learn(rows, [0]))
    parameters = Parameters(k_neighbors=1)
    made = oversample(table, "smotenc", {1: 1}, seed=0, parameters=parameters, shuffle=True).provenance
    build(table.X, made)
    nearest_tiled(rows, 1, np.arange(4), np.ones(2, dtype=dtype), np.arange(4), 1)
    nearest_rows(np.ones((300, 2), dtype=dtype), 1, recall=0.5)
    if dtype == "float32":  # in which an approximate search measures
        nearest_rows(rows, 1, method="approximate")


def _batch_float64() -> None:
    _batch("float64")


def _counts(dtype: type = np.float64) -> None:
    Cells(categorical=False).count(pa.chunked_array([np.zeros(1, dtype)]))


def _counts_float32() -> None:
    _counts(np.float32)


def _nulls(dtype: str = "float32") -> None:
    rows = np.array([[0, np.nan], [1, 1], [2, 2]], dtype=dtype)
    nearest_rows(rows, 1)
    nearest_tiled(rows, 1, np.arange(3), np.ones(2, dtype=dtype), np.arange(3), 1)


def _nulls_float64() -> None:
    _nulls("float64")


def _hardened() -> None:
    X = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    parameters = Parameters(group_size=5, small_groups=True)
    for grids in (learn(X, [0]), None):
        table = Table(X, np.ones(40, dtype=np.int64), grids=grids)
        made = oversample(table, "hardened", {1: 8}, seed=0, parameters=parameters, shuffle=True).provenance
        build(table.X, made)


def _chosen() -> None:
    keyed(np.arange(2), 1)


def _attacks() -> None:
    rng = np.random.default_rng(0)
    real, others = rng.normal(size=(2, 60, 4))  # flats are sought from four columns on
    base, neighbor = np.repeat(real, 6, axis=0), real[rng.integers(60, size=360)]
    audit_privacy(base + rng.random((360, 1)) * (neighbor - base), real, others, seed=0)


# A process a core takes them in this order: what others build on comes first, and the longest.
STEPS: dict[str, Callable[[], None]] = {
    "online": _online,
    "danger": _danger,
    "small": _small,
    "small danger": _small_danger,
    "groups": _groups,
    "waves": _waves,
    "batch float32": _batch,
    "batch float64": _batch_float64,
    "nulls float32": _nulls,
    "nulls float64": _nulls_float64,
    "hardened": _hardened,
    "chosen": _chosen,
    "buffer": _buffer,
    "counts": _counts,
    "counts float32": _counts_float32,
}
MORE: dict[str, Callable[[], None]] = {"attacks": _attacks}  # with --all


@without_collector()
def _take(name: str) -> str:
    """Take one step; in a process of its own it finds the step by name."""
    if step := (STEPS | MORE).get(name):
        step()
        return name
    for point in (*entry_points(group=GROUP, name=name), *entry_points(group=ALL, name=name)):
        try:
            warm = point.load()
        except ModuleNotFoundError:  # a wing whose extra is not installed has nothing to compile
            continue
        warm()
    return name


def _steps(names: list[str]) -> Iterator[str]:
    """Take steps; yield the name of each that is done.

    The compiler holds the interpreter, so threads gain nothing: where a first small kernel had to be compiled, the
    steps go to a process a core. What is loaded from the cache takes less time than a process takes to start.
    """
    if not must_compile():
        yield from map(_take, names)
        return
    with ProcessPoolExecutor(config.NUMBA_NUM_THREADS, multiprocessing.get_context("spawn")) as pool:
        for done in as_completed([pool.submit(_take, name) for name in names]):
            yield done.result()


@click.command()
@click.option("--all", "everything", is_flag=True, help="Also what contracts with nulls or grids, and audits, need.")
def warmup(everything: bool) -> None:
    """Compile every kernel into the cache (once a machine and release).

    What a stream's nulls and grids need beside that is compiled when its first worker starts, and what audits of
    privacy need by the first of them; or all of it with --all, as for an image.
    """
    started = time.perf_counter()
    names = [*STEPS, *(point.name for point in entry_points(group=GROUP))]
    if everything:
        names += [*MORE, *(point.name for point in entry_points(group=ALL))]
    with tqdm(_steps(names), total=len(names), unit="step", disable=None, leave=False) as steps:
        for name in steps:
            steps.set_description(name)
    click.echo(f"kernels ready after {time.perf_counter() - started:.1f} s", err=True)
