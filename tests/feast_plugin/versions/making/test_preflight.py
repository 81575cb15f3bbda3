"""What is found before a version is published: said, kept, and in the way where it has to be."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from feast_plugin import check_snapshot, create_snapshot, forget_entity, rebuild_snapshot, show_snapshot
from feast_plugin.notices import FindingWarning
from feast_plugin.printing.created import created
from feast_plugin.versions.making.gate import Gate
from resampler.cli import main
from resampler.errors import GateError, InvalidInputError

pytestmark = pytest.mark.filterwarnings("ignore::feast_plugin.notices.SnapshotWarning")


def table(n=1200, rare=200, seed=0):
    """Two classes that meet; the flag is what a person would stumble over: only the rare class has it."""
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1], [n - rare, rare])
    flag = np.where((y == 1) & (np.arange(n) % 4 == 0), 1, 0)
    columns = {f"x{j}": rng.normal(size=n) + 1.5 * y for j in range(3)}
    return pa.table({"row": np.arange(n), **columns, "flag": flag, "y": y})


@pytest.fixture
def create(tmp_path):
    def made(rows=None, **options):
        defaults = {"name": "t", "label": "y", "join_keys": ["row"], "ratio": 0.5, "grid": "off"}
        defaults |= {"entity_df": table() if rows is None else rows}
        return create_snapshot(tmp_path / "catalog", **(defaults | options))

    return made


def names(findings):
    return [one.name for one in findings]


def test_findings_are_said_and_kept(create, tmp_path):
    with pytest.warns(FindingWarning, match="own-values of class '1': flag is 1 in"):
        made = create()
    assert "own-values" in names(made.findings)
    manifest = show_snapshot("t", tmp_path / "catalog")
    assert manifest.findings == [one.to_dict() for one in made.findings]
    assert made.to_dict()["findings"] == manifest.findings


def test_a_strict_gate_publishes_nothing(create, tmp_path):
    with pytest.raises(GateError, match="own-values"):
        create(strict=True)
    assert not list((tmp_path / "catalog" / "t").glob("v*"))


def test_what_is_allowed_passes_is_recorded_and_changes_no_digest(create):
    plain = create(name="plain")
    allowed = create(name="allowed", strict=True, allow=names(plain.findings))
    assert [one.allowed for one in allowed.findings] == [True] * len(plain.findings)
    assert allowed.digest == plain.digest
    assert allowed.manifest.recipe == plain.manifest.recipe


def test_a_strict_gate_stops_an_equal_version_that_is_there(create):
    first = create()
    with pytest.raises(GateError, match="own-values"):
        create(strict=True)
    assert create(strict=True, allow="own-values").digest == first.digest


def test_what_is_allowed_stays_so_without_a_forgotten_entity(create, tmp_path):
    create(allow="own-values")
    (done,) = forget_entity(tmp_path / "catalog", name="t", entity=7)
    left = show_snapshot("t", tmp_path / "catalog", version=done.replaced_by).findings
    assert {one["name"]: one["allowed"] for one in left}["own-values"]


def test_an_unchecked_version_that_is_used_again_is_checked_then(create, tmp_path):
    options = {"missing": "complete"}  # as every version was made in format 3
    first = create(**options)
    home = tmp_path / "catalog" / "t"
    (home / "datasets.json").unlink()
    old = dataclasses.replace(first.manifest, format=3, findings=[], grids={}, profile=None)
    (home / "v0001" / "manifest.json").write_text(old.to_json())
    again = create(**options, allow="own-values")
    assert (again.version, again.reused, again.manifest.findings) == (1, True, [])
    assert names(again.findings) == names(first.findings)
    assert {one["name"]: one["allowed"] for one in again.to_dict()["findings"]}["own-values"]
    assert any("1 allowed, sought now" in line for line in created(again))


def test_nothing_allows_what_is_no_check(create):
    with pytest.raises(InvalidInputError, match="must name checks"):
        create(allow=["own-valuez"])


def weights(n=13_552, rare=2_200, whole=66):
    """A feature that is null in nearly every row, as the weight in a table of hospital stays is."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [n, rare])
    weight = np.where(rng.random(n + rare) < 0.03, rng.normal(80, 9, n + rare).round(1), np.nan)
    weight[n:] = np.where(np.arange(rare) < whole, 75.5, np.nan)
    rows = {"row": np.arange(n + rare), "stay": rng.integers(1, 15, n + rare), "weight": weight, "y": y}
    return pa.table(rows | {"weight": pa.array(weight, from_pandas=True)})


def test_a_handful_of_parents_is_refused_in_words_that_name_the_feature_and_the_figures(create, tmp_path):
    options = {"rows": weights(), "ratio": 1.0, "missing": "complete", "split": "stratified:1,0,0"}
    with pytest.raises(GateError, match="few-parents"), pytest.warns(FindingWarning) as said:
        create(**options)
    refusal = next(str(one.message) for one in said if "few-parents" in str(one.message))
    for words in ("refusal", "weight is null in 97 %", "66 of 2,200 rows", "172 copies", "missing inherit"):
        assert words in refusal
    assert not list((tmp_path / "catalog" / "t").glob("v*"))
    made = create(**options, allow=["few-parents"])
    assert {"few-parents", "copies", "nulls"} <= set(names(made.findings))


def test_check_finds_what_create_finds_and_publishes_nothing(create, tmp_path):
    options = {"label": "y", "join_keys": ["row"], "ratio": 0.5, "grid": "off", "entity_df": table()}
    found = check_snapshot(tmp_path / "catalog", name="t", allow="own-values", **options)
    assert not (tmp_path / "catalog").exists()
    assert found == create(allow="own-values").findings
    with pytest.raises(TypeError, match="ratoi"):
        check_snapshot(tmp_path / "catalog", name="t", ratoi=1, **options)


def test_findings_do_not_depend_on_the_order_of_rows(create):
    rows = table()
    order = np.random.default_rng(0).permutation(rows.num_rows)
    assert create(name="one").findings == create(rows.take(order), name="other").findings


def test_how_well_rows_are_told_is_kept_and_shown_where_the_rule_is_kept_too(create):
    made = create(grid="auto")
    told = made.manifest.notes["detectability"]["1"]
    assert 0 < told["low"] <= told["area"] <= told["high"] < 1
    page = (Path(made.uri) / "report.html").read_text(encoding="utf-8")
    assert f"under the curve of <b>{told['area']:.2f}</b>" in page
    assert "number, steps of 1, from 0 to 1<" in page.replace("\n", "<")  # the flag


def test_the_manifest_of_a_rebuilt_version_has_its_findings(create, tmp_path):
    made = create(retain="recipe", allow="own-values")
    rebuild_snapshot(tmp_path / "catalog", name="t")
    assert show_snapshot("t", tmp_path / "catalog").findings == made.manifest.findings


def spoiled():
    """Rows of the rare class on axes around a tight other class, and one that stands in both."""
    rng = np.random.default_rng(5)
    corners = np.concatenate([np.eye(10), -np.eye(10)])  # nearer to the middle than to each other
    own = np.concatenate([corners, rng.normal(size=(40, 10)) / 10 + 9])
    X = np.concatenate([rng.normal(size=(300, 10)) / 50, own])
    X[0] = X[-1]
    rows = {"row": np.arange(len(X))} | {f"x{j}": X[:, j] for j in range(10)}
    return pa.table(rows | {"y": np.repeat([0, 1], [300, 60])})


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_suspects_are_ranked_with_keys_and_reasons(create, tmp_path, suffix):
    path = tmp_path / f"suspects.{suffix}"
    made = create(spoiled(), split="stratified:1,0,0", suspects=path)
    found = pyarrow.csv.read_csv(path) if suffix == "csv" else pq.read_table(path)
    assert found["rank"].to_pylist() == list(range(1, found.num_rows + 1))
    assert set(found["row"].to_pylist()[:2]) == {0, 359}
    assert found["reason"].to_pylist()[:2] == ["a row of another class has the same values"] * 2
    assert set(found["row"].to_pylist()[2:]) == set(range(300, 320))
    assert min(found["own_distance"].to_pylist()[2:]) > max(found["other_distance"].to_pylist()[2:])
    assert made.digest == create(spoiled(), name="without", split="stratified:1,0,0").digest


def test_suspects_need_a_file_that_can_be_written(create, tmp_path):
    (tmp_path / "directory.csv").mkdir()
    (tmp_path / "full.csv").symlink_to("/dev/full")
    full = tmp_path / "full.csv", tmp_path / f"{'x' * 300}.csv"
    for path in ("suspects.txt", tmp_path / "nowhere" / "suspects.csv", tmp_path / "directory.csv", *full):
        with pytest.raises(InvalidInputError, match="suspects"):
            create(suspects=path)


def test_noise_is_no_parent_where_that_is_asked_for(create, tmp_path):
    def parents(made):
        found = pq.read_table(f"{made.uri}/lineage.parquet")
        return {*found["base_row"].to_pylist(), *found["neighbor_row"].to_pylist()}

    noise = set(range(300, 320))
    plain = create(spoiled(), name="plain", split="stratified:1,0,0")
    assert parents(plain) & noise
    made = create(spoiled(), split="stratified:1,0,0", exclude_noisy=True)
    assert not parents(made) & noise
    assert made.manifest.parameters["exclude_noisy"] is True
    assert "exclude_noisy" not in plain.manifest.parameters
    assert made.manifest.notes["noisy_minority_rows"] == len(noise)
    rebuild_snapshot(tmp_path / "catalog", name="t")


@pytest.fixture
def resampler(monkeypatch, capfd, tmp_path):
    def call(verb, *words, rows=None):
        pq.write_table(table() if rows is None else rows, tmp_path / "rows.parquet")
        options = ["--catalog", tmp_path / "catalog", "--name", "t", "--entity-df", tmp_path / "rows.parquet"]
        options += ["--label", "y", "--join-keys", "row", "--ratio", "0.5", "--grid", "off"]
        monkeypatch.setattr(sys, "argv", ["resampler", "snapshot", verb, *map(str, [*options, *words])])
        code = 0
        try:
            main()
        except SystemExit as exit_:
            code = exit_.code
        return code, *capfd.readouterr()

    return call


def test_the_command_says_the_worst_first_and_exits_3_where_the_gate_is_shut(resampler, tmp_path):
    code, out, err = resampler("check", "--strict")
    assert code == 3
    assert err.startswith("warning own-values of class '1'")
    assert "would not be published: own-values" in err
    code, out, _ = resampler("check", "--strict", "--allow", "own-values", "--allow", "detectability", "--json")
    assert code == 0
    assert json.loads(out)["stopping"] == []
    assert json.loads(out)["findings"][0]["rule"]
    assert not (tmp_path / "catalog").exists()
    assert resampler("create", "--strict")[0] == 3
    code, out, _ = resampler("create", "--strict", "--allow", "own-values", "--allow", "detectability", "--json")
    assert code == 0
    assert "own-values" in [one["name"] for one in json.loads(out)["findings"]]


def test_a_gate_is_open_by_default():
    assert (Gate().strict, Gate().allow, Gate().suspects) == (False, (), None)
