"""The example runs in a copy of the source tree, and the page names what it must."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from resampler.runs.retrain.loop import retrain
from resampler.runs.retrain.settings import PLACEHOLDERS, Settings

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.slow
def test_turbofan_is_published_and_followed_by_a_version_of_other_engines(tmp_path):
    for name in ("retraining", "turbofan/data"):
        shutil.copytree(ROOT / "examples" / name, tmp_path / name, ignore=shutil.ignore_patterns("catalog", "runs"))
    policy = tmp_path / "retraining" / "policy.toml"
    first = retrain(Settings.read(str(policy)))
    assert (first.outcome, first.version) == ("pass", 1)
    assert retrain(Settings.read(str(policy))).outcome == "nothing"

    rows = tmp_path / "turbofan" / "data" / "turbofan.parquet"
    table = pq.read_table(rows)
    late = pc.greater(table["cycle"], 120)  # engines that are never young
    pq.write_table(table.filter(late), rows)
    second = retrain(Settings.read(str(policy)))
    assert (second.version, second.before) == (2, 1)
    drift, gate = second.steps[0], second.steps[3]
    assert drift.outcome == "no"
    compared = [rule for rule in gate.details["rules"] if "baseline" in rule["rule"]]
    assert np.isfinite(compared[0]["value"])
    assert (second.outcome == "pass") == (gate.outcome != "no")


def test_the_page_names_every_placeholder():
    page = (ROOT / "docs" / "retraining.md").read_text(encoding="utf-8")
    assert [name for name in PLACEHOLDERS if f"`{name}`" not in page] == []
