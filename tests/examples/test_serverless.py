import runpy
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from feast_plugin import create_snapshot
from resampler.training_set import open_version


class Context:
    """What a function is given of its time limit."""

    def __init__(self, seconds):
        self._until = time.monotonic() + seconds

    def get_remaining_time_in_millis(self):
        return int(1000 * (self._until - time.monotonic()))


def embeddings(path):
    rng = np.random.default_rng(0)
    y = np.arange(1_500) % 15 == 0
    X = rng.normal(size=(1_500, 48)) + 3 * y[:, None] * rng.normal(size=48)
    X = (X / np.linalg.norm(X, axis=1, keepdims=True)).astype(np.float32)
    column = pa.FixedSizeListArray.from_arrays(pa.array(X.ravel()), 48)
    pq.write_table(pa.table({"id": np.arange(1_500), "embedding": column, "intent": y.astype(np.int64)}), path)


def test_calls_that_are_cut_make_the_version_of_one_that_is_not(example, tmp_path, monkeypatch):
    handler = runpy.run_path(str(example("serverless_handler.py")))["handler"]
    rows = tmp_path / "rows.parquet"
    embeddings(rows)
    event = {"name": "intents", "rows": str(rows), "label": "intent", "keys": ["id"], "ratio": 0.3}
    monkeypatch.setenv("CATALOG", str(tmp_path / "catalog"))
    answers = [handler(event, Context(15.0))]  # no more than its margin: a part a call
    while not answers[-1]["done"]:
        assert answers[-1]["resume"]
        answers.append(handler(event, Context(15.0)))
        assert len(answers) < 50
    whole = create_snapshot(
        tmp_path / "other", name="intents", entity_df=str(rows), label="intent", join_keys=["id"], sampler="embedding",
        ratio=0.3, seed=42,
    )  # fmt: skip
    assert len(answers) > 2
    assert answers[-1]["version"] == 1
    assert answers[-1]["digest"] == whole.digest
    made = open_version("intents", catalog=str(tmp_path / "catalog")).read("train")
    assert made["is_synthetic"].to_numpy().any()
