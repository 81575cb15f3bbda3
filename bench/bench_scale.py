"""Tables that one machine does not hold, or not comfortably: resampled by parts, on each engine, to the same bytes.

    python bench/bench_scale.py [--only higgs smotenc wide cleaning workers digest snapshot] [--quick] [--by N]
                                [--engine processes] [--workers 2] [--recall 0.5] [--home DIRECTORY]

Tables are generated (`scale_tables`) and lie in Parquet; each job runs in a process of its own, and is watched from
outside (`outside`): processor seconds of it and all that it starts, and memory, PSS without pages of files.
Core-seconds by stage are what tasks say of themselves; what is left is the driver, and starting workers.
--quick takes a hundredth of the rows, of cleaning a tenth: it says whether all works, not how fast. The whole takes an
hour and 25 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import outside
import pyarrow as pa
import pyarrow.parquet as pq
from scale_tables import KEY, LABEL, TIME, Shape, in_memory, scattered, write, write_timed

K = 5
HIGGS = Shape(7_280_000, 1_455_043, 28)
SMOTENC = Shape(20_000_000, 700_000, 10, (10, 50, 200, 500, 1_000, 5_000), clusters=40)
WIDE = {
    "SMOTE": Shape(8_000_000, 50_000, 30, clusters=40),
    "SMOTENC": Shape(8_000_000, 50_000, 25, (10, 20, 50, 100, 1_000), clusters=40),
}
SNAPSHOT = Shape(8_000_000, 50_000, 30, clusters=40)
SMALL = Shape(60_000, 6_000, 10)
WORKERS = Shape(1_000_000, 200_000, 20)
CLEANING = {"SMOTEENN": (123_000, 30, 0.1), "SMOTETomek": (30_000, 63, 0.1)}
BARS = {
    "higgs": "1,000 core-s (500), 8 GB, recall .5",
    "smotenc": "done in 8 GB (600 core-s)",
    "wide": "done in 8 GB",
    "snapshot": "done in 8 GB",
    "cleaning": 10,
    "workers": 1.7,
}
ENGINES = ("inline", "processes", "ray", "dask", "spark")
GB = 1e9
MEMORY = 8 * GB
PROVENANCE_ROWS = 1_500  # whose neighbours are looked up again, exactly


class Job(NamedTuple):
    """A table that is resampled: what a process of its own is given."""

    data: str
    out: str
    sampler: str
    options: dict[str, Any]
    engine: dict[str, Any]
    recall: float | None = None
    categorical: list[str] | None = None


# -- what runs in a process of its own


def count_stages() -> tuple[Counter[str], dict[str, int]]:
    """Add up from now on, by stage, what tasks say of themselves: processor seconds, and the most that one held."""
    from resampler.engines.workplace import Workplace

    spent: Counter[str] = Counter()
    peaks: dict[str, int] = {}
    whole = Workplace.run

    def counted(self: Workplace, tasks: Any, *rest: Any, **named: Any) -> Any:
        tasks = list(tasks)
        results = whole(self, tasks, *rest, **named)
        for task, result in zip(tasks, results, strict=True):
            stage = task.name.split("/")[0]
            spent[stage] += result.cpu_seconds
            peaks[stage] = max(peaks.get(stage, 0), result.peak_memory_bytes or 0)
        return results

    Workplace.run = counted  # type: ignore[method-assign]
    return spent, peaks


def do(job: Job) -> dict[str, Any]:
    """Resample a table; return what is said of it, and what it took by stage."""
    from resampler import samplers
    from resampler.engines.settings import EngineSettings
    from resampler.partitioned import resample

    spent, peaks = count_stages()
    began = time.perf_counter()
    sampler = getattr(samplers, job.sampler)(random_state=0, **job.options)
    done = resample(
        job.data,
        sampler,
        label=LABEL,
        key=KEY,
        categorical=job.categorical,
        out=job.out,
        recall=job.recall,
        engine=EngineSettings(**job.engine),
    )
    return {
        "digest": done.digest,
        "counts": done.counts,
        "recall": done.recall,
        "interval": done.said.get("recall_interval", {}),
        "stages": dict(spent),
        "peaks": peaks,
        "driver": time.process_time(),
        "seconds": time.perf_counter() - began,
    }


def estimator(shape: Shape, sampler: str, whose: str) -> dict[str, Any]:
    """Resample a table in memory with our estimator or imbalanced-learn's, on one thread."""
    import numba
    from imblearn import over_sampling
    from threadpoolctl import threadpool_limits

    from resampler import samplers

    numba.config.NUMBA_NUM_THREADS = 1
    table, y = in_memory(shape)
    frame = table.to_pandas()
    options = {"categorical_features": shape.categorical} if shape.levels else {}
    one = getattr(samplers if whose == "ours" else over_sampling, sampler)(random_state=0, **options)
    with threadpool_limits(1):
        if whose == "ours":  # compiled before it is timed
            one.fit_resample(frame, y)
        began = time.process_time()
        _, y_new = one.fit_resample(frame, y)
        return {"cpu_seconds": time.process_time() - began, "rows": len(y_new)}


def snapshot(home: str, engine: dict[str, Any]) -> dict[str, Any]:
    """Make a version of a table, by parts."""
    from feast_plugin import create_snapshot

    spent, peaks = count_stages()
    create_snapshot(
        f"{home}/catalog",
        name="scale",
        entity_df=f"{home}/rows.parquet",
        label=LABEL,
        join_keys=[KEY],
        timestamp=TIME,
        **engine,
    )
    return {"stages": dict(spent), "peaks": peaks}


WORK = {"do": lambda *job: do(Job(*job)), "estimator": lambda shape, *of: estimator(Shape(*shape), *of)}
WORK["snapshot"] = snapshot


def child(work: str, *arguments: Any, limit_bytes: int | None = None) -> tuple[dict[str, Any], outside.Taken]:
    """Run one of `WORK` in a process of its own."""
    taken = outside.run([sys.executable, __file__, "--child", json.dumps([work, *arguments])], limit_bytes)
    return {} if taken.killed else json.loads(taken.out.splitlines()[-1]), taken


# -- what is asked of it


class Bench:
    """One run of the benchmark."""

    def __init__(self, arguments: argparse.Namespace, home: Path) -> None:
        self.arguments, self.home = arguments, home
        self.by = arguments.by or (100 if arguments.quick else 1)
        self.engine = {"engine": arguments.engine, "workers": arguments.workers}

    def resampled(self, name: str, shape: Shape, sampler: str, **job: Any) -> None:
        """Resample a table once, and print a row and its stages."""
        data = write(shape, self.home / name)
        out = self.home / f"{name}.out"
        given = Job(str(data), str(out), sampler, job.pop("options", {}), self.engine, **job)
        self.compiled(shape, given)
        said, taken = child("do", *given)
        print_row(name, f"{sampler}: {shape}", self.engine, said, taken)
        if not shape.levels:
            right, n = truth(data, out)
            print(f"  {recall_words(right, n)} of the neighbours that rows were made with are among the {K} nearest")
        shutil.rmtree(out)

    def compiled(self, shape: Shape, job: Job) -> None:
        """Do the same with few rows: kernels are compiled once a machine, and that is not what is measured."""
        few = shape._replace(rows=60_000, minority=25_000)
        data, out = write(few, self.home / "few"), self.home / "few.out"
        options = {name: value for name, value in job.options.items() if name != "sampling_strategy"}
        child("do", *job._replace(data=str(data), out=str(out), options=options))
        shutil.rmtree(data)
        shutil.rmtree(out)

    def higgs(self) -> None:
        self.resampled("higgs", HIGGS.smaller(self.by), "SMOTE", recall=self.arguments.recall)
        shutil.rmtree(self.home / "higgs")

    def smotenc(self) -> None:
        shape = SMOTENC.smaller(self.by)
        wanted = {"sampling_strategy": 3_400_000 / 19_300_000, "categorical_features": shape.categorical}
        self.resampled("smotenc", shape, "SMOTENC", options=wanted, recall=self.arguments.recall)
        shutil.rmtree(self.home / "smotenc")

    def wide(self) -> None:
        """The whole; and a tenth beside imbalanced-learn's, or as much as that does in as much memory."""
        for sampler, of in WIDE.items():
            shape = of.smaller(self.by)
            options = {"categorical_features": shape.categorical} if shape.levels else {}
            self.resampled("wide", shape, sampler, options=options)
            shutil.rmtree(self.home / "wide")
            for by in (10, 20, 40, 80):
                part = shape.smaller(by)
                theirs, taken = child("estimator", list(part), sampler, "theirs", limit_bytes=int(MEMORY))
                if not taken.killed:
                    break
                print(f"  imbalanced-learn, {part}: more than {MEMORY / GB:.0f} GB", flush=True)
            else:
                continue
            data, out = write(part, self.home / "part"), self.home / "part.out"
            said, ours = child("do", *Job(str(data), str(out), sampler, options, self.engine))
            tasks = sum(said["stages"].values())
            spent = theirs["cpu_seconds"]
            mine, held = child("estimator", list(part), sampler, "ours")
            print(
                f"  {part}: imbalanced-learn {spent:.2f} core-s in memory, {taken.peak_bytes / GB:.2f} GB; ours in "
                f"memory {mine['cpu_seconds']:.2f} core-s ({spent / mine['cpu_seconds']:.1f}x, bar 10), "
                f"{held.peak_bytes / GB:.2f} GB; ours from Parquet to Parquet {ours.cpu_seconds:.1f} core-s, of which "
                f"tasks {tasks:.1f}, {ours.peak_bytes / GB:.2f} GB",
                flush=True,
            )
            shutil.rmtree(data)
            shutil.rmtree(out)

    def cleaning(self) -> None:
        """Estimators in memory, in one process, on one thread; processor seconds."""
        import numba
        from bench_samplers import DATA
        from imblearn import combine
        from threadpoolctl import threadpool_limits

        from resampler import samplers

        numba.config.NUMBA_NUM_THREADS = 1
        print("\ncleaning: estimators in memory, one thread, float64, minority 10 %; bar 10x, stretch 20x")
        with threadpool_limits(1):
            for (name, (n, d, share)), kind in ((case, kind) for case in CLEANING.items() for kind in DATA):
                n = n // 10 if self.arguments.quick else n // self.by
                X, y = DATA[kind](int(n * share), d, "float64", majority=round(1 / share) - 1)
                ours, theirs = (getattr(module, name)(random_state=0) for module in (samplers, combine))
                ours.fit_resample(X[::40], y[::40])  # compiled before it is timed
                ours.fit_resample(X[: min(n, 8_000)], np.arange(min(n, 8_000)) % 3 == 0)
                seconds = []
                for estimator in (ours, theirs):
                    began = time.process_time()
                    estimator.fit_resample(X, y)
                    seconds.append(time.process_time() - began)
                print(
                    f"  {name} {len(X):,} x {d} {kind:10} {seconds[1]:8.2f} s theirs {seconds[0]:7.3f} s ours "
                    f"{seconds[1] / seconds[0]:6.1f}x",
                    flush=True,
                )

    def workers(self) -> None:
        """One worker against two, each engine, in turn."""
        shape = WORKERS.smaller(max(1, self.by // 5))
        data = write(shape, self.home / "workers", row_group=max(1_000, shape.rows // 16))
        print(f"\nworkers: SMOTE, {shape}; one against two, best of {self.arguments.repeat}; bar 1.7x, stretch 1.9x")
        for engine in ENGINES[1:]:
            times: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
            for _ in range(self.arguments.repeat):
                for workers, found in times.items():
                    out = self.home / "workers.out"
                    on = {"engine": engine, "workers": workers}
                    said, taken = child("do", *Job(str(data), str(out), "SMOTE", {}, on, self.arguments.recall))
                    found.append((said["seconds"], taken.cpu_seconds))
                    shutil.rmtree(out)
            one, two = (min(seconds for seconds, _ in times[workers]) for workers in (1, 2))
            cpu = [min(spent for _, spent in times[workers]) for workers in (1, 2)]  # which no other load touches
            print(
                f"  {engine:10} {one:7.1f} s {two:7.1f} s {one / two:5.2f}x   "
                f"{cpu[0]:7.1f} core-s {cpu[1]:7.1f} core-s {cpu[1] / cpu[0]:5.2f}x",
                flush=True,
            )
        shutil.rmtree(data)

    def digest(self) -> None:
        """One small table, in several orders and cuts, on all engines and numbers of workers."""
        print(f"\ndigest: SMOTE, {SMALL}")
        cuts = {
            "as it was made": write(SMALL, self.home / "small-0", row_group=10_000),
            "shuffled, 7 files": scattered(SMALL, self.home / "small-7", 7, 3_000),
            "shuffled, 64 files": scattered(SMALL, self.home / "small-64", 64, 500),
        }
        found: dict[str, list[str]] = {}
        runs = [(engine, 2, cut) for engine in ENGINES for cut in cuts]
        runs += [("processes", workers, "shuffled, 7 files") for workers in (1, 3)]
        for engine, workers, cut in runs:
            out = self.home / "small.out"
            job = Job(str(cuts[cut]), str(out), "SMOTE", {}, {"engine": engine, "workers": workers})
            said, _ = child("do", *job)
            found.setdefault(json.dumps(said["digest"]), []).append(f"{engine}, {workers} workers, {cut}")
            shutil.rmtree(out)
        for digest, names in found.items():
            print(f"  {digest}: {len(names)} of {len(runs)} runs" + ("" if len(found) == 1 else f": {names}"))
        for data in cuts.values():
            shutil.rmtree(data)

    def snapshot(self) -> None:
        shape = SNAPSHOT.smaller(self.by)
        home = self.home / "snapshot"
        write_timed(shape, home / "rows.parquet")
        said, taken = child("snapshot", str(home), self.engine)
        print_row("snapshot", f"create_snapshot, smote: {shape}", self.engine, said, taken)
        shutil.rmtree(home)


def truth(data: Path, out: Path) -> tuple[int, int]:
    """Look up the parents of some synthetic rows: how many are true neighbours, of how many."""
    from resampler.identity import row_ids

    rng = np.random.default_rng(0)
    files = sorted((out / "provenance").glob("*.parquet"))
    parents = pa.concat_tables([pq.read_table(file, columns=["base", "neighbor"]) for file in files])
    chosen = rng.choice(len(parents), min(PROVENANCE_ROWS, len(parents)), replace=False)
    parents = parents.take(pa.array(np.sort(chosen)))
    parts = []
    for file in sorted(data.glob("*.parquet")):
        table = pq.read_table(file)
        parts.append(table.filter(pa.compute.equal(table[LABEL], 1)))
    few = pa.concat_tables(parts)
    ids = row_ids(few, [KEY])
    order = np.argsort(ids)
    X = np.stack([few[name].to_numpy() for name in few.column_names if name not in (KEY, LABEL)], axis=1)
    at = {name: order[np.searchsorted(ids, parents[name].to_numpy(), sorter=order)] for name in parents.column_names}
    lengths = (X.astype(np.float64) ** 2).sum(axis=1)
    right = 0
    for base, neighbor in zip(at["base"], at["neighbor"], strict=True):
        d2 = lengths - 2.0 * (X @ X[base])
        d2[base] = np.inf
        limit = np.partition(d2, K - 1)[K - 1]
        right += bool(d2[neighbor] <= limit + 1e-4)  # rows that are as far but for rounding count
    return right, len(parents)


def recall_words(right: int, n: int) -> str:
    """Say a share with its 95 % interval (Wilson)."""
    z, share = 1.96, right / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return f"{share:.3f} ({middle - half:.3f} to {middle + half:.3f}, {n:,} rows)"


def print_row(name: str, what: str, engine: dict[str, Any], said: dict[str, Any], taken: outside.Taken) -> None:
    """Print one job: the row, then its stages."""
    ends = {name: f" ({low:.3f} to {high:.3f})" for name, (low, high) in said.get("interval", {}).items()}
    recall = ", ".join(f"{share:.3f}{ends.get(name, '')}" for name, share in said.get("recall", {}).items())
    print(f"\n{name}: {what}")
    print(
        f"  {engine['engine']}, {engine['workers']} workers: {taken.cpu_seconds:,.0f} core-s, {taken.seconds:,.0f} s; "
        f"peak {taken.peak_bytes / GB:.2f} GB in {taken.processes} processes ({taken.largest_bytes / GB:.2f} GB in "
        f"one; {taken.mapped_bytes / GB:.2f} GB with pages of files); bar {BARS[name]}"
        + (f"; recall it says {recall}" if recall else "")
    )
    stages = said.get("stages", {})
    left = taken.cpu_seconds - sum(stages.values())
    words = [f"{stage} {seconds:,.1f}" for stage, seconds in stages.items()]
    print(f"  core-s by stage: {', '.join(words)}; driver and starting workers {left:,.1f}")
    peaks = [f"{stage} {peak / GB:.2f}" for stage, peak in said.get("peaks", {}).items()]
    if peaks:
        print(f"  GB of a worker by stage, pages of files with it: {', '.join(peaks)}", flush=True)


def main() -> None:
    names = ("higgs", "smotenc", "wide", "cleaning", "workers", "digest", "snapshot")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--quick", action="store_true", help="a hundredth of the rows")
    parser.add_argument("--by", type=int, help="take rows / BY")
    parser.add_argument("--engine", choices=ENGINES, default="processes")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--recall", type=float, default=0.5, help="that is asked of higgs, smotenc and workers")
    parser.add_argument("--repeat", type=int, default=3, help="runs of workers")
    parser.add_argument("--home", type=Path, help="where tables are put; by default a temporary directory")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        work, *of = json.loads(arguments.child)
        print(json.dumps(WORK[work](*of)))
        return
    print(f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}; --by {arguments.by or (100 if arguments.quick else 1)}")
    if arguments.home:
        arguments.home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-scale-", dir=arguments.home) as home:
        bench = Bench(arguments, Path(home))
        for name in arguments.only:
            getattr(bench, name)()


if __name__ == "__main__":
    main()
