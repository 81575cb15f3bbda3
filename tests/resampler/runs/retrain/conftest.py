"""A policy, rows and a training command in a directory of their own; all commands are real."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resampler.ledger import FOLDER, Ledger
from resampler.runs.retrain.loop import retrain
from resampler.runs.retrain.settings import Settings

# Trains by means, as fast as can be, and notes each time that it does.
SCRIPT = """
import os, time
from pathlib import Path
import numpy as np, pyarrow as pa, pyarrow.parquet as pq

given = {name[10:].lower(): value for name, value in os.environ.items() if name.startswith("RESAMPLER_")}
with open("trained", "a") as notes:
    notes.write(given["version"] + "\\n")
while Path("hold").exists():
    time.sleep(0.02)
train, seen = (pq.read_table(given[split + "_path"]) for split in ("train", "validation"))
X, y = train["a"].to_numpy(), train["y"].to_numpy().astype(bool)
middle = (X[y].mean() + X[~y].mean()) / 2
score = 1 / (1 + np.exp(-4 * (seen["a"].to_numpy() - middle)))
pq.write_table(pa.table({"id": seen["id"], "y_true": seen["y"], "score": score}), given["predictions"])
"""
POLICY = """
[snapshot]
name = "t"
catalog = "catalog"
entity_df = "rows.parquet"
label = "y"
join_keys = ["id"]
split = "stratified:0.6,0.2,0.2"
ratio = 0.5
seed = 1

[train]
command = ["{python}", "train.py"]

[gate]
recall = 0.8
precision = 0.7
"""


class World:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.ledger = Ledger(path / "catalog" / "t" / FOLDER)
        (path / "train.py").write_text(SCRIPT)
        self.set_policy()
        self.set_rows()

    def set_policy(self, more="", **changed):
        text = POLICY
        for old, new in changed.items():
            assert f"{old} = " in text
            text = "\n".join(f"{old} = {new}" if line.startswith(f"{old} = ") else line for line in text.splitlines())
        (self.path / "policy.toml").write_text(f"{text}\n{more}")

    def set_rows(self, seed=0, shift=0.0):
        rng = np.random.default_rng(seed)
        y = rng.random(3000) < 0.2
        a = rng.normal(size=3000) + 3.2 * y + shift
        table = pa.table({"id": np.arange(3000), "a": a, "b": rng.normal(size=3000), "y": y.astype(np.int64)})
        pq.write_table(table, self.path / "rows.parquet")

    @property
    def policy(self):
        return str(self.path / "policy.toml")

    def run(self, **options):
        self.lines = []
        return retrain(Settings.read(self.policy), say=self.lines.append, **options)

    @property
    def said(self):
        return "\n".join(self.lines)

    @property
    def trained(self):
        file = self.path / "trained"
        return file.read_text().split() if file.exists() else []

    @property
    def versions(self):
        return sorted(path.parent.name for path in (self.path / "catalog" / "t").glob("v*/manifest.json"))

    def moves(self, alias="prod"):
        file = self.path / "catalog" / "t" / "aliases.json"
        moves = json.loads(file.read_text())["aliases"].get(alias, []) if file.exists() else []
        return [(move["why"], move["after"]) for move in moves]

    def steps(self):
        return [(run.step, run.outcome) for run in self.ledger.runs()]

    @property
    def unfinished(self):
        return (self.path / "catalog" / "t" / "retrain" / "unfinished.json").exists()


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)
