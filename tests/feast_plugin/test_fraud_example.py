"""examples/fraud on transactions made here: every window that a snapshot holds is what a loop over the past gives."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import FeatureStore

from feast_plugin import create_snapshot, forget_entity, rebuild_snapshot, verify_snapshot
from resampler.errors import DataError

EXAMPLE = Path(__file__).parents[2] / "examples" / "fraud"
DAY = 86_400


def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def transactions(n=900, days=60):
    rng = np.random.default_rng(5)
    seconds = np.sort(rng.choice(days * DAY, n, replace=False))
    return pa.table(
        {
            "transaction_id": np.arange(n),
            "tx_datetime": pa.array(np.datetime64("2018-04-01", "us") + seconds.astype("timedelta64[s]")),
            "customer_id": rng.integers(0, 12, n),
            "terminal_id": rng.integers(0, 9, n),
            "tx_amount": rng.gamma(2.0, 30.0, n).round(2),
            "tx_fraud": (rng.random(n) < 0.1).astype(np.int64),
        }
    ), seconds


def naive_windows(raw, seconds, row):
    """What was known at the last midnight; of a terminal's frauds, what was known a week late."""
    customer, terminal, amount, fraud = (
        raw[name].to_numpy() for name in ("customer_id", "terminal_id", "tx_amount", "tx_fraud")
    )
    midnight = seconds[row] // DAY * DAY
    found = {}
    for days in (1, 7, 30):
        seen = [
            i for i in range(len(seconds)) if customer[i] == customer[row] and 0 < midnight - seconds[i] <= days * DAY
        ]
        found[f"tx_count_{days}d"] = len(seen)
        found[f"tx_mean_amount_{days}d"] = sum(amount[i] for i in seen) / max(len(seen), 1)
        late = midnight - 7 * DAY
        told = [i for i in range(len(seconds)) if terminal[i] == terminal[row] and 0 < late - seconds[i] <= days * DAY]
        found[f"terminal_count_{days}d"] = len(told)
        found[f"terminal_risk_{days}d"] = sum(fraud[i] for i in told) / max(len(told), 1)
    return found


def test_windows_hold_the_past_and_nothing_else(tmp_path, monkeypatch):
    raw, seconds = transactions()
    pq.write_table(raw, tmp_path / "raw.parquet")
    load(EXAMPLE / "make.py", "fraud_make").make(tmp_path / "raw.parquet", tmp_path / "data")
    monkeypatch.setenv("FRAUD_DATA", str(tmp_path / "data"))
    shutil.copytree(EXAMPLE / "feature_repo", tmp_path / "repo", ignore=shutil.ignore_patterns("state", "__pycache__"))
    definitions = load(tmp_path / "repo" / "definitions.py", "fraud_definitions")
    store = FeatureStore(repo_path=str(tmp_path / "repo"))
    store.apply([getattr(definitions, name) for name in (
        "transaction", "customer", "terminal", "transactions", "customers", "terminals", "fraud",
    )])  # fmt: skip
    options = {
        "name": "fraud", "feature_service": "fraud", "entity_df": tmp_path / "data" / "transactions.parquet",
        "label": "tx_fraud", "ratio": 0.5,
    }  # fmt: skip
    made = create_snapshot(store, **options)
    assert made.manifest.parameters["sampler"] == "smotenc"
    # Three join keys, whose order is not that of the alphabet.
    assert create_snapshot(store, **options).reused
    assert verify_snapshot(store, name="fraud").problems == ()
    assert rebuild_snapshot(store, name="fraud").restored == ()
    rows = 0
    for split in made.datasets:
        table = pq.read_table(f"{made.uri}/{split}/part-00000.parquet")
        for row in table.filter(pa.compute.invert(table["is_synthetic"])).to_pylist():
            at = row["transaction_id"]
            expected = naive_windows(raw, seconds, at)
            np.testing.assert_allclose([row[name] for name in expected], list(expected.values()), rtol=1e-6)
            assert row["tx_amount"] == np.float32(raw["tx_amount"][at].as_py())
            assert row["tx_fraud"] == raw["tx_fraud"][at].as_py()
            rows += 1
    assert rows == raw.num_rows
    (done,) = forget_entity(store, name="fraud", entity="customer_id=7")
    customers = raw["customer_id"].to_numpy()
    assert done.rows == np.count_nonzero(customers == 7)
    choice = "customer_id=8 or terminal_id=8 or transaction_id=8"
    for _ in range(2):  # a forgotten one counts: whoever asks again means it, not its namesake
        with pytest.raises(DataError, match=f"'8' is one in each of several join keys: give {choice}"):
            forget_entity(store, name="fraud", entity=8)
        forget_entity(store, name="fraud", entity="transaction_id=8")
    (done,) = forget_entity(store, name="fraud", entity=800)  # only a transaction is called that
    assert done.rows == 1
    kept = pq.read_table(f"{store.repo_path}/snapshots/fraud/v{done.replaced_by:04d}/train", columns=["terminal_id"])
    assert 8 in kept["terminal_id"].to_pylist()
    told = json.loads((store.repo_path / "snapshots" / "fraud" / "forgotten.json").read_text())
    assert {key: len(hashes) for key, hashes in told["hashes"].items()} == {"customer_id": 1, "transaction_id": 2}
    assert verify_snapshot(store, name="fraud").ok
