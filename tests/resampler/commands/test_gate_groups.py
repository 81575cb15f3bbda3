"""The command on groups: whose error grew against a file, whom a version's synthetic rows favour."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from feast_plugin import create_snapshot
from resampler.commands.gate import gate
from resampler.errors import InvalidInputError


def called(*words):
    """Call the command in this process; return its exit code and what it printed, or raise its error."""
    found = CliRunner().invoke(gate, list(words), standalone_mode=False)
    if found.exception is not None:
        raise found.exception
    return found.return_value, found.stdout, found.stderr


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    """Versions whose rows of the class in the north stand in danger, so that borderline bases are theirs."""
    root = tmp_path_factory.mktemp("catalog")
    rng = np.random.default_rng(0)
    n = 6000
    y, region = rng.random(n) < 0.1, np.array(["north", "south", "west"])[rng.integers(3, size=n)]
    moved = np.where(region == "north", 1.5, 6.0) * y
    rows = {"id": np.arange(n), "a": rng.normal(size=n) + moved, "b": rng.normal(size=n), "region": region, "y": y}
    options = {"label": "y", "join_keys": ["id"], "ratio": 0.5, "split": "stratified:0.6,0.2,0.2"}
    for name, more in (
        ("edge", {"sampler": "borderline", "features": ["a", "b"]}),
        ("even", {"group_by": "region", "subgroups": "proportional"}),
        ("thin", {"retain": "recipe"}),
    ):
        table = pa.table(rows)
        if name == "edge":  # a region that is no text, which borderline takes
            table = table.set_column(3, "region", pa.array(np.searchsorted(["north", "south", "west"], region)))
            more = {"sampler": "borderline"}
        create_snapshot(root, name=name, entity_df=table, **options, **more)
    return root


@pytest.fixture
def place(tmp_path, monkeypatch, catalog):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(catalog, "c")
    for name in ("edge", "even"):
        table = pq.read_table(f"c/{name}/v0001/test")
        score = 1 / (1 + np.exp(-(2 * table["a"].to_numpy() - 2)))
        north = np.isin(np.array(table["region"].to_pylist(), dtype=object), [0, "north"])
        unlucky = np.random.default_rng(0).random(len(table)) < 0.8
        for file, found in (("before", score), ("after", np.where(north & unlucky, score / 50, score))):
            data = table.rename_columns(["y_true" if one == "y" else one for one in table.column_names])
            pq.write_table(data.append_column("score", pa.array(found)), f"{name}-{file}.parquet")
    policy = tmp_path / "policy.toml"
    policy.write_text("[gate]\nrecall = 0.1\nslices = ['region']\n")
    return tmp_path


def policy(place, text):
    (place / "policy.toml").write_text(text)
    return ["--policy", "policy.toml"]


def test_groups_are_said_with_a_table_of_their_own(place):
    allowed = policy(place, "[gate]\nrecall = 0.1\nslices = ['region']\n[gate.baseline]\nf1 = 0.9\n")
    words = ["even-after.parquet", *allowed, "--baseline", "even-before.parquet"]
    code, out, _ = called(*words)
    lines = [line for line in out.splitlines() if line.strip() != "not enough rows to tell"]
    at = lines.index("  whose error grew against the baseline, beyond chance (no rule asks)")
    assert lines[at + 1].split()[:3] == ["measure", "baseline", "now"]
    assert lines[at + 2].split()[:5] == ["where", "region", "=", "north", "recall"]
    assert len(lines) == at + 3
    found = json.loads(called(*words, "--json")[1])
    assert code == 0
    assert "no" not in {rule["verdict"] for rule in found["rules"]}
    assert [one["group"] for one in found["growth"]["region"]["recall"] if one["grew"]] == ["region=north"]


def test_groups_are_those_of_the_predictions_where_rows_are_shared(place):
    before = pq.read_table("even-before.parquet")
    named = pa.array([f"row {at}" for at in range(len(before))])
    pq.write_table(before.set_column(before.column_names.index("region"), "region", named), "named.parquet")
    words = ["even-after.parquet", "--policy", "policy.toml", "--json", "--baseline"]
    alike, other = (json.loads(called(*words, file)[1]) for file in ("even-before.parquet", "named.parquet"))
    assert alike["growth"] == other["growth"]
    pq.write_table(before.slice(100), "fewer.parquet")
    found = json.loads(called(*words, "fewer.parquet")[1])
    assert "compared with the baseline as rows that were not shared" in found["notes"]
    assert [one["group"] for one in found["growth"]["region"]["recall"] if one["grew"]] == ["region=north"]


def test_a_policy_forbids_growth_but_not_of_the_first_model(place):
    words = policy(place, "[gate.slices.region]\nworse = {recall = 0.1}\n")
    code, out, _ = called("even-after.parquet", *words, "--baseline", "even-before.parquet")
    assert code == 3
    assert "  no       recall against the baseline where region = north" in out
    assert "whose error grew" not in out
    code, out, err = called("even-after.parquet", *words, "--first")
    assert code == 0
    assert "no rule was held against the figures" in out
    assert "this is the first model: what is asked against a baseline is left out" in err
    with pytest.raises(InvalidInputError, match="worse needs a baseline"):
        called("even-after.parquet", *words)


def test_whom_synthetic_rows_favour(place):
    snapshot = ["--snapshot", "edge", "--catalog", "c"]
    code, out, _ = called("edge-before.parquet", "--policy", "policy.toml", *snapshot)
    lines = out.splitlines()
    at = lines.index("  whom synthetic rows of the class favour, beyond chance (no rule asks)")
    assert lines[at + 2].split()[:4] == ["where", "region", "=", "0"]
    found = json.loads(called("edge-before.parquet", "--policy", "policy.toml", *snapshot, "--json")[1])
    groups = {one["group"]: one for one in found["representation"]["region"]}
    train = pq.read_table("c/edge/v0001/train").to_pandas()
    train = train[train["y"] == 1]
    for kind, made in (("real", False), ("synthetic", True)):
        counts = train[train["is_synthetic"] == made]["region"].value_counts()
        assert {name: one[kind] for name, one in groups.items()} == {
            f"region={k}": int(counts.get(k, 0)) for k in (0, 1, 2)
        }
    assert [name for name, one in groups.items() if one["over_represented"]] == ["region=0"]
    assert code == 0
    words = policy(place, "[gate.slices.region]\nover_represented = 0.05\n")
    code, out, _ = called("edge-before.parquet", *words, *snapshot)
    assert code == 3
    assert "no    over_represented where region = 0" in out
    assert "whom synthetic rows" not in out


def test_an_even_version_favours_nobody(place):
    words = policy(place, "[gate.slices.region]\nover_represented = 0.1\n")
    code, out, _ = called("even-before.parquet", *words, "--snapshot", "even", "--catalog", "c", "--strict")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[2:]] == ["pass"] * 3


def test_a_version_that_does_not_know(place):
    thin = ["--snapshot", "thin", "--catalog", "c"]
    _, _, err = called("even-before.parquet", "--policy", "policy.toml", *thin)
    assert "thin version 1 does not store its training split, so whose synthetic rows it holds is not known" in err
    words = policy(place, "[gate.slices.region]\nover_represented = 0.1\n")
    for snapshot in ([], thin):
        with pytest.raises(InvalidInputError, match=r"over_represented needs --snapshot, a version that stores its"):
            called("even-before.parquet", *words, *snapshot)
