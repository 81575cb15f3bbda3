"""The retrain loop on a Feast repository: rows of today come from a feature service, aliases are its datasets."""

import pyarrow.parquet as pq
import pytest

from resampler.runs.retrain.loop import retrain
from resampler.runs.retrain.settings import Settings

POLICY = """
[retrain]
feast = "numbers"
entity_df = "today.parquet"

[snapshot]
name = "pay"
repo = "."
feature_service = "numbers"
entity_df = "frame.parquet"
label = "fraud"
ratio = 0.5
split = "stratified:0.6,0.2,0.2"

[train]
command = ["{python}", "train.py", "{validation_path}", "{predictions}"]

[gate]
recall = 0.1
"""
SCRIPT = """
import sys
import pyarrow as pa, pyarrow.parquet as pq

rows = pq.read_table(sys.argv[1])
score = 1 / (1 + 2.718281828 ** (-(rows["amount"].to_numpy() - 300) / 50))
pq.write_table(pa.table({"y_true": rows["fraud"], "score": score}), sys.argv[2])
"""


@pytest.mark.slow
def test_a_feature_service_is_watched_and_an_alias_follows(project):
    pq.write_table(project.frame(), project.path / "frame.parquet")
    pq.write_table(project.frame(), project.path / "today.parquet")
    (project.path / "train.py").write_text(SCRIPT)
    policy = project.path / "policy.toml"
    policy.write_text(POLICY)
    first = retrain(Settings.read(str(policy)))
    assert (first.outcome, first.version) == ("pass", 1)
    assert {f"pay_prod_{split}" for split in ("train", "validation", "test")} <= set(project.names())
    second = retrain(Settings.read(str(policy)))
    assert [one.step for one in second.steps] == ["drift"]
    assert second.outcome == "nothing"
