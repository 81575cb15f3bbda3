"""`Spark`: tasks as partitions of jobs of Spark."""

from __future__ import annotations

import contextlib
import os
import pickle
import re
import shutil
import sys
import tempfile
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from resampler.engines.engine import ATTEMPTS, Engine, died, unusable
from resampler.engines.task import TaskError
from resampler.engines.worker import search_path, work
from resampler.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from resampler.engines.settings import EngineSettings
    from resampler.engines.task import Task

TASKS_A_JOB = 4  # a worker: a job costs some 50 ms, and what it raises is known when it ends
JOBS = 2  # at once, so that the last tasks of one leave no worker without work
_GONE = ("Python worker exited unexpectedly", "ExecutorLostFailure", "Python worker keep-alive")
_FAILED = re.compile(r"Task (\d+) in stage")


class Spark(Engine):
    """Tasks on Spark: in the session that is active in this process, one at an address, or a local one.

    Parameters
    ----------
    settings : EngineSettings
        Address: ``spark://host:7077``, ``yarn``, ``k8s://...``, or ``sc://host`` of Spark Connect; by default the
        active session, and where there is none, workers of this machine.
    """

    name = "spark"

    def __init__(self, settings: EngineSettings) -> None:
        super().__init__(settings)
        self._folder: str | None = None
        active = SparkSession.getActiveSession()
        self._is_own = active is None
        self.is_local &= self._is_own
        try:
            self._session = active or self._start()
        except (PySparkException, Py4JJavaError) as error:
            raise TaskError(f"engine spark cannot start its session: {str(error).strip().splitlines()[0]}") from error

    def _start(self) -> SparkSession:
        address = self.settings.engine_address
        if address is not None and address.startswith("sc://"):
            return SparkSession.builder.remote(address).getOrCreate()
        if not has_java():
            raise MissingExtraError("engine 'spark' needs Java 17 or later on this machine: on PATH, or by JAVA_HOME")
        builder = SparkSession.builder.appName("feast-resampler").config("spark.ui.showConsoleProgress", "false")
        if address is not None:
            return builder.master(address).getOrCreate()
        self._folder = tempfile.mkdtemp(prefix="resampler-spark-")
        own = {
            "spark.ui.enabled": "false",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.local.dir": self._folder,
            "spark.sql.warehouse.dir": f"{self._folder}/warehouse",
            "spark.pyspark.python": sys.executable,
            "spark.executorEnv.PYTHONPATH": search_path(),
            "spark.log.level": "OFF",
            "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile=file:{self._quiet()}",
        }
        for name, value in own.items():
            builder = builder.config(name, value)
        with _terminal_to(Path(self._folder, "stderr")):
            return builder.master(f"local[{super().workers},{ATTEMPTS}]").getOrCreate()

    def _quiet(self) -> Path:
        """Leave a file that keeps Spark from writing on the terminal what it raises too."""
        file = Path(str(self._folder), "log4j2.properties")
        file.write_text(
            "status = off\nappender.none.type = Null\nappender.none.name = none\n"
            "rootLogger.level = off\nrootLogger.appenderRef.none.ref = none\n"
        )
        return file

    @property
    def workers(self) -> int:
        """How many tasks run at once: what the cluster has now, where nothing is said."""
        return self.settings.workers or self._session.sparkContext.defaultParallelism

    def run(self, workplace: str, tasks: Sequence[Task]) -> Iterator[Task]:
        """Do tasks, as `Engine.run`.

        Parameters
        ----------
        workplace, tasks
            As there.

        Yields
        ------
        Task
            As the jobs are finished that they are part of.

        Raises
        ------
        TaskError
            As there.
        ResamplerError
            As there.
        """
        size, tag = TASKS_A_JOB * self.workers, uuid.uuid4().hex
        jobs = [tasks[first : first + size] for first in range(0, len(tasks), size)]
        pool = ThreadPoolExecutor(JOBS)
        try:
            for job, outcomes in zip(jobs, pool.map(lambda job: self._do(workplace, job, tag), jobs), strict=True):
                for raised in filter(None, outcomes):
                    raise pickle.loads(raised)  # noqa: S301 - from a worker of ours
                yield from job
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            self._session.interruptTag(tag)
            pool.shutdown()

    def _do(self, workplace: str, tasks: Sequence[Task], tag: str) -> list[bytes | None]:
        self._session.addTag(tag)
        numbers = self._session.range(0, len(tasks), 1, len(tasks))  # one a partition
        try:
            rows = numbers.mapInArrow(_doing(workplace, list(tasks)), "raised binary").collect()
        except (PySparkException, Py4JJavaError) as error:  # what tasks raise is handed back
            raise self._failed(tasks, error) from error
        return [row.raised for row in rows]

    def _failed(self, tasks: Sequence[Task], error: Exception) -> Exception:
        text = str(error)
        found = _FAILED.search(text)
        gone = next((said for said in _GONE if said in text), None)
        if found is None or gone is None:
            return unusable(self, error)
        return died(tasks[int(found[1])], self, f"Spark says: {gone}")

    def close(self) -> None:
        """Stop the session where it was started here."""
        if self._is_own:
            self._session.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


@contextlib.contextmanager
def _terminal_to(file: Path) -> Iterator[None]:
    """Send to a file what processes that are started meanwhile say: Java's greeting, which no option turns off."""
    try:
        kept = os.dup(2)
    except OSError:  # closed
        yield
        return
    try:
        with file.open("wb") as quiet:
            os.dup2(quiet.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def has_java() -> bool:
    """Say whether this machine has a Java that Spark would find.

    Returns
    -------
    bool
        On PATH, or by JAVA_HOME.
    """
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java") is not None if home is None else Path(home, "bin", "java").is_file()


def _doing(workplace: str, tasks: Sequence[Task]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return what Spark calls in a worker with the numbers of a partition."""

    def _do(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            raised: list[Any] = [work(workplace, tasks[number]) for number in batch.column(0).to_pylist()]
            yield pa.record_batch([pa.array(raised, pa.binary())], ["raised"])

    return _do
