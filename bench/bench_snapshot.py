"""What a snapshot costs beside the bare retrieval, and what memory our part takes.

    python bench/bench_snapshot.py [TRANSACTIONS.parquet]

fraud: time and peak memory of `create_snapshot` on examples/fraud, over those of Feast's retrieval and a Parquet write
of the same rows, each in a process of its own, in turn. Needs the transactions (examples/fraud/README.md says which),
or the example's data/ made from them. wide: our part on a generated table, mapped from disk as a retrieval is after it
was spooled; only its memory is judged.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

EXAMPLE = Path(__file__).parents[1] / "examples" / "fraud"
BARS = {"time_ratio": 1.5, "added_mb": 300, "wide_mb": 2048}


class PeakMemory:
    """Highest memory while it runs: anonymous; and resident, with pages of mapped files, which the kernel can drop."""

    def __enter__(self) -> PeakMemory:
        self.before = self.peak = self.now()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._done.set()
        self._thread.join()

    @staticmethod
    def now() -> np.ndarray:
        lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        return np.array([int(lines[name].split()[0]) / 1024 for name in ("RssAnon", "VmRSS")])

    def _watch(self) -> None:
        while not self._done.wait(0.02):
            self.peak = np.maximum(self.peak, self.now())


def measured(work) -> dict[str, float]:
    with PeakMemory() as memory:
        start, cpu = time.perf_counter(), time.process_time()
        work()
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    anonymous, resident = memory.peak
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "peak_mb": anonymous,
        "resident_mb": resident,
        "added_mb": anonymous - memory.before[0],
        "added_resident_mb": resident - memory.before[1],
    }


def bare(home: Path) -> None:
    """Feast's retrieval and a Parquet write, in the fewest lines."""
    from feast import FeatureStore

    store = FeatureStore(repo_path=str(home / "feature_repo"))
    columns = ["transaction_id", "customer_id", "terminal_id", "event_timestamp", "tx_fraud"]
    frame = pq.read_table(home / "data" / "transactions.parquet", columns=columns).to_pandas()
    service = store.get_feature_service("fraud")
    pq.write_table(store.get_historical_features(frame, service).to_arrow(), home / "bare.parquet")


def snapshot(home: Path) -> None:
    """Everything that `resampler snapshot create` does."""
    from feast import FeatureStore

    from feast_plugin import create_snapshot

    with tempfile.TemporaryDirectory(dir=home) as root:
        create_snapshot(
            FeatureStore(repo_path=str(home / "feature_repo")),
            name=f"bench{time.time_ns()}",
            feature_service="fraud",
            entity_df=home / "data" / "transactions.parquet",
            label="tx_fraud",
            ratio=0.1,
            seed=42,
            root=root,
        )


def our_part(home: Path) -> None:
    """All that follows a retrieval, on the table in `home`."""
    from feast import FeatureStore

    from feast_plugin.registries.feast import FeastRegistry
    from feast_plugin.versions.draft import Draft
    from feast_plugin.versions.files.catalog import Catalog
    from feast_plugin.versions.inputs.contract import Contract, StoredFeature
    from feast_plugin.versions.inputs.rows import canonical_rows
    from feast_plugin.versions.making.recipe import Recipe
    from feast_plugin.versions.making.training import assign
    from feast_plugin.versions.publish import publish_version

    retrieved = [pa.ipc.open_file(pa.memory_map(str(home / "wide.arrow"))).read_all()]
    names = [name for name in retrieved[0].column_names if name.startswith("f")]
    contract = Contract(
        columns=tuple(StoredFeature(f"view:{name}", name, "float32") for name in names),
        label="label",
        label_reference="resampler:label",
        join_keys={"id": pa.int64()},
    )
    recipe = Recipe(seed=1, ratio=0.02, sampler="smote", split="time:0.7,0.15,0.15")
    registry = FeastRegistry(FeatureStore(repo_path=str(home / "repo")))
    with tempfile.TemporaryDirectory(dir=home) as spool:
        rows = canonical_rows(retrieved.pop(), contract, Path(spool))
        inputs = {
            "rows": rows.table.num_rows,
            "sha256": rows.sha256(),
            "feature_service": None,
            "project": registry.project,
        }
        draft = Draft(contract, rows, assign(rows, recipe), recipe, inputs)
        publish_version(registry, Catalog.open("wide", home / "snapshots"), draft)


def write_wide(home: Path, rows: int, features: int) -> None:
    """`rows` x `features` float32, 1% minority, and a repository to register versions of it in."""
    from feast import Entity, FeatureStore, ValueType

    rng = np.random.default_rng(0)
    names = [f"f{j}" for j in range(features)]
    schema = pa.schema(
        [("id", pa.int64()), ("event_timestamp", pa.timestamp("us", "UTC"))]
        + [(name, pa.float32()) for name in names]
        + [("label", pa.int64())]
    )
    with pa.OSFile(str(home / "wide.arrow"), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        step = 1_000_000
        for start in range(0, rows, step):
            n = min(step, rows - start)
            label = (rng.random(n) < 0.01).astype(np.int64)
            columns = [pa.array(np.arange(start, start + n)), pa.array(rng.permutation(n) + start).cast(schema[1].type)]
            columns += [pa.array(rng.standard_normal(n, dtype=np.float32) + label) for _ in names]
            writer.write_table(pa.table([*columns, pa.array(label)], schema=schema))
    (home / "repo").mkdir()
    (home / "repo" / "feature_store.yaml").write_text("project: wide\nprovider: local\nregistry: registry.db\n")
    FeatureStore(repo_path=str(home / "repo")).apply([Entity(name="id", value_type=ValueType.INT64)])


def prepare_fraud(home: Path, transactions: Path | None) -> bool:
    """Make the example's sources and registry in `home`; False where there are no transactions."""
    if transactions is None and not (EXAMPLE / "data" / "transactions.parquet").exists():
        return False
    shutil.copytree(
        EXAMPLE / "feature_repo", home / "feature_repo", ignore=shutil.ignore_patterns("state", "__pycache__")
    )
    if transactions is None:
        shutil.copytree(EXAMPLE / "data", home / "data")
    else:
        subprocess.run([sys.executable, EXAMPLE / "make.py", transactions, "--out", home / "data"], check=True)
    feast = Path(sys.executable).with_name("feast")
    subprocess.run([feast, "apply"], cwd=home / "feature_repo", check=True, capture_output=True)
    return True


WORK = {"bare": bare, "snapshot": snapshot, "our_part": our_part}


def child(work: str, home: Path) -> dict[str, float]:
    done = subprocess.run([sys.executable, __file__, "--child", work, home], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def run_child(work: str, home: Path) -> None:
    # What is measured is work: not imports, nor the compiler, which runs once a machine (`resampler warmup`).
    import feast_plugin.registries.feast
    import feast_plugin.snapshot  # noqa: F401
    from resampler.commands.warmup import STEPS

    for step in STEPS.values():
        step()
    print(json.dumps(measured(lambda: WORK[work](home))))


def fraud(home: Path, repeat: int) -> None:
    rounds = [[child(work, home) for work in ("bare", "snapshot")] for _ in range(repeat)]
    rows = pq.read_metadata(home / "bare.parquet").num_rows
    print(f"fraud: {rows:,} rows x 15 features of three views, DuckDB store, ratio 0.1, median of {repeat}")
    for at, what in enumerate(("bare retrieval and Parquet write", "create_snapshot")):
        found = {key: statistics.median(pair[at][key] for pair in rounds) for key in rounds[0][at]}
        print(f"  {what:34}{found['seconds']:7.1f} s {found['cpu_seconds']:7.1f} CPU s {found['peak_mb']:7.0f} MB peak")
    ratio = statistics.median(ours["seconds"] / plain["seconds"] for plain, ours in rounds)
    cpu = statistics.median(ours["cpu_seconds"] / plain["cpu_seconds"] for plain, ours in rounds)
    added = max(ours["peak_mb"] - plain["peak_mb"] for plain, ours in rounds)
    print(f"  time ratio {ratio:.2f} (CPU {cpu:.2f}), bar {BARS['time_ratio']}")
    resident = max(ours["resident_mb"] - plain["resident_mb"] for plain, ours in rounds)
    print(f"  added peak {added:.0f} MB ({resident:.0f} MB with mapped pages), bar {BARS['added_mb']}")


def wide(home: Path, rows: int, features: int) -> None:
    write_wide(home, rows, features)
    found = child("our_part", home)
    print(f"wide: {rows:,} rows x {features} float32 features, 1% minority, our part alone")
    print(f"  {found['seconds']:.0f} s, {found['added_mb']:.0f} MB peak, bar {BARS['wide_mb']}")
    print(f"  ({found['added_resident_mb']:.0f} MB with mapped pages, those of the table that is given among them)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("transactions", type=Path, nargs="?", help="by default what examples/fraud/data holds")
    parser.add_argument("--only", choices=["fraud", "wide"])
    parser.add_argument("--rows", type=int, default=20_000_000, help="of the wide table")
    parser.add_argument("--features", type=int, default=16, help="of the wide table")
    parser.add_argument("--repeat", type=int, default=3, help="rounds of fraud")
    parser.add_argument("--child", nargs=2, metavar=("WORK", "HOME"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        run_child(arguments.child[0], Path(arguments.child[1]))
        return
    if arguments.only != "wide":
        with tempfile.TemporaryDirectory(prefix="bench-") as home:
            if prepare_fraud(Path(home), arguments.transactions):
                fraud(Path(home), arguments.repeat)
            else:
                print("fraud: not measured, there are no transactions (examples/fraud/README.md)")
    if arguments.only != "fraud":
        with tempfile.TemporaryDirectory(prefix="bench-") as home:
            wide(Path(home), arguments.rows, arguments.features)


if __name__ == "__main__":
    main()
