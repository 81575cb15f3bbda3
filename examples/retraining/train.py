"""Train on a version's training split, and leave predictions for the gate. What is where is in the environment."""

import os
import pickle
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.ensemble import HistGradientBoostingClassifier

KEYS = ["unit", "event_timestamp"]
LABEL, SYNTHETIC, OUTPUT, CHAMPION = (
    os.environ[f"RESAMPLER_{name}"] for name in ("LABEL", "SYNTHETIC", "OUTPUT", "CHAMPION")
)


def features(rows):
    names = [name for name in rows.column_names if name not in {*KEYS, LABEL, SYNTHETIC}]
    return rows.select(names).to_pandas()


def predict(model, rows, path):
    score = model.predict_proba(features(rows))[:, 1]
    columns = {name: rows[name] for name in (*KEYS, SYNTHETIC)}
    columns |= {"y_true": rows[LABEL], "y_pred": (score > 0.5).astype("int64"), "score": score}
    pq.write_table(pa.table(columns), path)


train, validation = (pq.read_table(os.environ[f"RESAMPLER_{split}_PATH"]) for split in ("TRAIN", "VALIDATION"))
model = HistGradientBoostingClassifier(random_state=0).fit(features(train), train[LABEL].to_numpy())
Path(OUTPUT, "model.pickle").write_bytes(pickle.dumps(model))
predict(model, validation, os.environ["RESAMPLER_PREDICTIONS"])
predict(model, train, os.environ["RESAMPLER_TRAIN_PREDICTIONS"])
if CHAMPION:  # the model of the version that the alias points to, on the same rows: what the new one is compared with
    champion = pickle.loads(Path(CHAMPION, "model.pickle").read_bytes())  # noqa: S301 - written by the lines above
    predict(champion, validation, os.environ["RESAMPLER_BASELINE_PREDICTIONS"])
