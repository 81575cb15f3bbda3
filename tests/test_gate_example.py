"""The gate on the example: yes to boosting on the turbofan snapshot, no to what is worse than it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from feast_plugin import create_snapshot
from resampler.training_set import open_version

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "turbofan"


def features(version, split):
    table = version.read(split)
    X = np.column_stack([table[name].to_numpy().astype(np.float32) for name in version.features])
    return table, X, table[version.label].to_numpy()


def write(version, model, name, split="test"):
    table, X, y = features(version, split)
    keys = table.select([*version.keys, version.timestamp, version.synthetic])
    score = model.predict_proba(X)[:, 1]
    pq.write_table(keys.append_column("y_true", pa.array(y)).append_column("score", pa.array(score)), name)


def gate(*words):
    command = [sys.executable, "-m", "resampler", "gate", *map(str, words), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout)


@pytest.mark.slow
def test_it_says_yes_to_augmented_boosting_and_no_to_a_tree(tmp_path):
    create_snapshot(
        tmp_path / "c",
        name="turbofan",
        entity_df=str(EXAMPLE / "data" / "turbofan.parquet"),
        label="fails_within_15",
        join_keys=["unit"],
        timestamp="event_timestamp",
        split="group:unit:0.7,0.15,0.15",
        ratio=0.5,
        seed=42,
    )
    version = open_version("turbofan", catalog=str(tmp_path / "c"))
    table, X, y = features(version, "train")
    real = ~table[version.synthetic].to_numpy()
    with threadpool_limits(1):
        in_use = HistGradientBoostingClassifier(random_state=0, early_stopping=False).fit(X[real], y[real])
        augmented = HistGradientBoostingClassifier(random_state=0, early_stopping=False).fit(X, y)
        tree = DecisionTreeClassifier(random_state=0).fit(X, y)
        for name, model in (("in-use", in_use), ("augmented", augmented), ("tree", tree)):
            write(version, model, tmp_path / f"{name}.parquet")
    place = ("--snapshot", "turbofan", "--catalog", tmp_path / "c")
    words = ("--policy", EXAMPLE / "gate.toml", "--baseline", tmp_path / "in-use.parquet", "--strict", *place)
    code, found = gate(tmp_path / "augmented.parquet", *words)
    assert (code, found["verdict"]) == (0, "pass"), found["rules"]
    code, found = gate(tmp_path / "tree.parquet", *words)
    assert code == 3
    said = {rule["rule"]: rule["verdict"] for rule in found["rules"]}
    assert said["average_precision"] == said["average_precision against the baseline"] == "no"
