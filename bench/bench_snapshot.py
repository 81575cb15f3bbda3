"""What a snapshot costs beside the bare retrieval, and what memory our part takes: `python bench/bench_snapshot.py`.

`fraud` (needs the data of examples/fraud): time and peak memory of `create_snapshot` over those of Feast's retrieval
and a Parquet write of the same rows, each in a process of its own, in one run. `wide`: peak anonymous memory of our
part on a generated table, mapped from disk as a retrieval is after it was spooled.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

MB = 1 << 20


class PeakMemory:
    """Highest anonymous resident memory while it runs: mapped files can be dropped by the kernel at any time."""

    def __enter__(self) -> PeakMemory:
        self.peak = self.now()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._done.set()
        self._thread.join()

    @staticmethod
    def now() -> int:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("needs Linux")

    def _watch(self) -> None:
        while not self._done.wait(0.02):
            self.peak = max(self.peak, self.now())


def measured(work) -> dict[str, float]:
    with PeakMemory() as memory:
        before = PeakMemory.now()
        start = time.perf_counter()
        work()
        seconds = time.perf_counter() - start
    return {"seconds": seconds, "peak_mb": memory.peak / MB, "added_mb": (memory.peak - before) / MB}


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
        made = create_snapshot(
            FeatureStore(repo_path=str(home / "feature_repo")),
            name=f"bench{time.time_ns()}",
            feature_service="fraud",
            entity_df=home / "data" / "transactions.parquet",
            label="tx_fraud",
            ratio=0.1,
            seed=42,
            root=root,
        )
    sys.stderr.write(f"{made.manifest.counts['train']['rows']:,} training rows, digest {made.digest}\n")


def wide(home: Path, rows: int, features: int) -> dict[str, float]:
    """Our part on `rows` x `features` float32, 1% minority."""
    from feast import Entity, FeatureStore, ValueType

    from feast_plugin.catalog import Catalog
    from feast_plugin.contract import Column, Contract
    from feast_plugin.identity import content_digest
    from feast_plugin.retrieve import canonical_rows
    from feast_plugin.snapshot import publish
    from feast_plugin.split import SplitRule
    from feast_plugin.storage import Location
    from feast_plugin.write import Draft

    names = [f"f{j}" for j in range(features)]
    path = home / "wide.arrow"
    rng = np.random.default_rng(0)
    schema = pa.schema(
        [("id", pa.int64()), ("event_timestamp", pa.timestamp("us", "UTC"))]
        + [(name, pa.float32()) for name in names]
        + [("label", pa.int64())]
    )
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        step = 1_000_000
        for start in range(0, rows, step):
            n = min(step, rows - start)
            label = (rng.random(n) < 0.01).astype(np.int64)
            columns = [pa.array(np.arange(start, start + n)), pa.array(rng.permutation(n) + start).cast(schema[1].type)]
            columns += [pa.array(rng.standard_normal(n, dtype=np.float32) + label) for _ in names]
            writer.write_table(pa.table([*columns, pa.array(label)], schema=schema))
    repo = home / "wide_repo"
    repo.mkdir(exist_ok=True)
    (repo / "feature_store.yaml").write_text("project: wide\nprovider: local\nregistry: registry.db\n")
    store = FeatureStore(repo_path=str(repo))
    store.apply([Entity(name="id", value_type=ValueType.INT64)])
    contract = Contract(
        columns=tuple(Column(f"view:{name}", name, "float32") for name in names),
        label="label",
        label_reference="resampler:label",
        join_keys={"id": pa.int64()},
    )
    rule = SplitRule.parse("time:0.7,0.15,0.15")

    def work() -> None:
        table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        with tempfile.TemporaryDirectory(dir=home) as spool:
            rows_ = canonical_rows(table, contract, Path(spool))
            assignment = rule.assign(
                timestamps=rows_.timestamps, row_id=rows_.row_id, label=rows_.label, values=None, seed=1
            )
            parameters = {"algorithm": 1, "k_neighbors": 5, "sampler": "smote", "split": str(rule)}
            inputs = {"sha256": content_digest(rows_.table), "feature_service": None, "project": store.project}
            draft = Draft(contract, rows_, assignment, 1, 0.02, parameters, inputs)
            publish(store, Catalog(Location.parse(home / "snapshots"), "wide"), draft)

    found = measured(work)
    path.unlink()
    return found


def child(*words: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, __file__, *words], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["fraud", "wide", "child-bare", "child-snapshot"])
    parser.add_argument(
        "home", type=Path, help="fraud: holds data/ and an applied feature_repo/; wide: a scratch directory"
    )
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--features", type=int, default=16)
    parser.add_argument("--repeat", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.what == "wide":
        print(json.dumps(wide(arguments.home, arguments.rows, arguments.features), indent=1))
    elif arguments.what.startswith("child-"):
        import feast_plugin.snapshot  # noqa: F401 - what is measured is work, not imports

        work = bare if arguments.what == "child-bare" else snapshot
        print(json.dumps(measured(lambda: work(arguments.home))))
    else:
        rounds = []
        for _ in range(arguments.repeat):
            plain, ours = (child(f"child-{what}", str(arguments.home)) for what in ("bare", "snapshot"))
            rounds.append(
                {
                    "bare": plain,
                    "snapshot": ours,
                    "time_ratio": ours["seconds"] / plain["seconds"],
                    "added_peak_mb": ours["peak_mb"] - plain["peak_mb"],
                }
            )
        print(json.dumps(rounds, indent=1))


if __name__ == "__main__":
    main()
