"""The streaming half: rows through Redis into the worker, its micro-batches into a learner, and a kill in between."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import redis
from tqdm import tqdm

from demo.learners import OnlineLearner
from demo.process import failed, resampler_command, script_command
from demo.producer import entry_ids
from resampler.errors import ResamplerError
from stream import Feed, ShardKeys
from stream.formats import identity
from stream.redis.connection import connect
from stream.redis.keys import shards_key, workers_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

STALLED_S = 120  # how long the demo waits for output before it gives up
LIVE_ROWS_PER_S = 5_000  # a pace that the learner keeps up with: a queue would be measured for latency otherwise
UNPACED = float("inf")


@dataclass(frozen=True)
class Stream:
    """What every pass has in common.

    Attributes
    ----------
    url : str
        The Redis server.
    rows : Path
        Parquet file of the real rows, in the order in which they are sent.
    contract : Path
        The contract, fitted scale included.
    ratio : float
        Minority : majority after augmentation.
    seed : int
        Keys every draw.
    """

    url: str
    rows: Path
    contract: Path
    ratio: float
    seed: int

    def worker(self, name: str) -> subprocess.Popen[str]:
        """Start a worker as `resampler stream run` would be started by hand."""
        command = resampler_command(
            *("stream", "run", "--stream", name, "--contract", str(self.contract), "--ratio", str(self.ratio)),
            *("--seed", str(self.seed), "--metrics-port", "0"),
        )
        return subprocess.Popen(command, env=self._environment(), stderr=subprocess.PIPE, text=True)

    def producer(self, name: str, rows_per_s: float, sent_at: Path) -> subprocess.Popen[str]:
        """Start sending the rows."""
        command = script_command("producer", name, str(self.rows), str(rows_per_s), str(sent_at))
        return subprocess.Popen(command, env=self._environment(), stderr=subprocess.PIPE, text=True)

    def _environment(self) -> dict[str, str]:
        return os.environ | {"RESAMPLER_REDIS_URL": self.url}  # not in the arguments, where `ps` would show it


@dataclass(frozen=True)
class Training:
    """What the first pass gave."""

    learner: OnlineLearner
    n_real: int
    n_synthetic: int
    latencies_ms: NDArray[np.float64]

    @property
    def synthetic_ratio(self) -> float:
        """Synthetic rows : all rows."""
        return self.n_synthetic / (self.n_real + self.n_synthetic)


def check(url: str) -> None:
    """Refuse a server that does not answer."""
    connect(url).close()


def write_rows(train: pa.Table, features: list[str], label: str, to: Path) -> pa.Table:
    """Save the real rows in time order, with just the columns that a producer knows."""
    real = train.filter(pa.compute.invert(train["is_synthetic"]))
    rows = real.select(["unit", "event_timestamp", *features, label])
    rows = rows.sort_by([("event_timestamp", "ascending"), ("unit", "ascending")])
    pq.write_table(rows, to)
    return rows


def train_on_stream(stream: Stream, name: str, rows: pa.Table, work: Path) -> Training:
    """Send all rows, and train on the worker's micro-batches while they come."""
    learner, n_real, n_synthetic, latencies = OnlineLearner(), 0, 0, []
    sent_at = work / "sent-at.npy"
    received: list[tuple[float, NDArray[np.int64]]] = []
    with _ended(stream.worker(name)) as worker:
        _wait_until(lambda: _is_ready(stream.url, name), worker)
        with (
            _ended(stream.producer(name, LIVE_ROWS_PER_S, sent_at)) as producer,
            Feed(stream.url, name, idle_s=STALLED_S) as feed,
        ):
            with tqdm(total=len(rows), unit=" rows", desc="real rows learned", disable=None, leave=False) as bar:
                for batch in feed:
                    received.append((time.monotonic(), batch.row_id[~batch.is_synthetic]))
                    learner.learn(batch.X, batch.y, batch.is_synthetic)
                    feed.commit()
                    n_real += len(batch) - batch.n_synthetic
                    n_synthetic += batch.n_synthetic
                    bar.update(len(batch) - batch.n_synthetic)
                    if n_real == len(rows):
                        break
            _finish(producer)
        _stop(worker)
    if n_real != len(rows):
        raise ResamplerError(f"{len(rows)} rows were sent and {n_real} came back within {STALLED_S} s of silence")
    sent = dict(zip(entry_ids(rows), np.load(sent_at), strict=True))
    for moment, row_ids in received:
        # A batch has waited as long as its first row.
        latencies.append(1000 * max(moment - sent[identity.decode(int(i))] for i in row_ids))
    return Training(learner, n_real, n_synthetic, np.array(latencies))


def kill_half_way(stream: Stream, name: str, n_entries: int, work: Path) -> tuple[int, int]:
    """Run a second pass, kill the worker with SIGKILL half way, and let another one finish.

    Returns how many output entries were there at the kill and the kernel's word on how the worker ended.
    """
    client = redis.Redis.from_url(stream.url)
    output = ShardKeys(name).output
    worker = stream.worker(name)
    with _ended(worker):
        _wait_until(lambda: _is_ready(stream.url, name), worker)
        with _ended(stream.producer(name, UNPACED, work / "sent-again-at.npy")) as producer:
            _wait_until(lambda: client.xlen(output) >= n_entries // 2, worker)
            worker.send_signal(signal.SIGKILL)
            worker.wait()
            at_kill = client.xlen(output)
            with _ended(stream.worker(name)) as successor:
                _finish(producer)
                _wait_until(lambda: client.xlen(output) >= n_entries, successor)
                _stop(successor)
    return at_kill, worker.returncode


def drain_backlog(stream: Stream, first: str, name: str, n_entries: int) -> float:
    """Run a third pass over a stream that is full from the start; return the seconds until its output is there.

    All but the last entry, which waits for a quiet second: a row of its day may still come.
    """
    client = redis.Redis.from_url(stream.url)
    client.copy(first, name)
    output = ShardKeys(name).output
    with _ended(stream.worker(name)) as worker:
        _wait_until(lambda: _is_ready(stream.url, name), worker)
        started = time.monotonic()
        _wait_until(lambda: client.xlen(output) >= n_entries - 1, worker)
        seconds = time.monotonic() - started
        _wait_until(lambda: client.xlen(output) >= n_entries, worker)
        _stop(worker)
    return seconds


def output_digest(url: str, name: str) -> tuple[int, str]:
    """Return number and sha256 of a stream's output entries: every ID, field and value."""
    entries = redis.Redis.from_url(url).xrange(ShardKeys(name).output)
    digest = hashlib.sha256()
    for entry_id, fields in entries:
        for part in (entry_id, *(item for pair in fields.items() for item in pair)):
            digest.update(len(part).to_bytes(8, "little") + part)
    return len(entries), digest.hexdigest()


def remove(url: str, name: str) -> None:
    """Delete the keys of a stream."""
    client = redis.Redis.from_url(url)
    client.delete(name, workers_key(name), shards_key(name), *client.scan_iter(f"{{{name}}}:*"))


def _is_ready(url: str, name: str) -> bool:
    return bool(redis.Redis.from_url(url).exists(ShardKeys(name).checkpoint))


def _wait_until(condition, worker: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + STALLED_S
    while not condition():
        if worker.poll() is not None:
            raise failed(worker.args, worker.returncode, worker.stderr.read())
        if time.monotonic() > deadline:
            raise ResamplerError(f"the worker did nothing for {STALLED_S} s")
        time.sleep(0.001)


def _stop(worker: subprocess.Popen[str]) -> None:
    """End a worker as an operator would, with SIGTERM."""
    worker.terminate()
    _finish(worker)


def _finish(process: subprocess.Popen[str]) -> None:
    _, stderr = process.communicate()
    if process.returncode:
        raise failed(process.args, process.returncode, stderr)


@contextlib.contextmanager
def _ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """Leave no process behind, whatever happens."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stderr and not process.stderr.closed:
            process.stderr.close()
