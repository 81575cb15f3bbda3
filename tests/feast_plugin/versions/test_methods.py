"""Every method that a version may be made by: created, verified, made again from its recipe and from its lineage."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from naive.generation import PLACES

from feast_plugin import create_snapshot, rebuild_snapshot, verify_snapshot
from feast_plugin.notices import SnapshotWarning
from resampler.errors import DataError
from resampler.methods.catalog import METHODS
from resampler.metric import label_key

SHRINKAGE = 0.5
CASES = {name: {} for name, one in METHODS.items() if not one.hardens} | {"random, smoothed": {"shrinkage": SHRINKAGE}}
GROUPINGS = (None, "within", "proportional")  # each method has one of them
WIDE = 2**60


def method_of(case):
    return case.partition(",")[0]


def columns_for(method):
    """Whole numbers, wide ones, both widths of floats; categories where the method takes or needs them."""
    needs = METHODS[method].categories
    numbers = ["amount", "score", "visits", "account"] if needs != "all" else []
    return numbers + (["country", "night"] if needs == "all" or method == "smotenc" else [])


def rows(n=180, seed=3, gap=0.8):
    """One row in three rare, at two sites, and classes that meet."""
    rng = np.random.default_rng(seed)
    rare = np.arange(n) % 3 == 0
    near = rng.normal(size=(4, n)) + gap * rare
    return pa.table(
        {
            "customer": rng.permutation(n),
            "site": rng.choice(["north", "south"], n),
            "at": pa.array(np.datetime64("2024-03-01", "us") + np.arange(n).astype("m8[h]"), pa.timestamp("us", "UTC")),
            "amount": 100 * near[0],
            "score": near[1].astype(np.float32),
            "visits": np.rint(20 * near[2]).astype(np.int32),
            "account": WIDE + np.rint(1000 * near[3]).astype(np.int64),
            "country": rng.choice(["CH", "DE", "FR"], n, p=[0.5, 0.3, 0.2]),
            "night": (rng.random(n) < 0.3 + 0.3 * rare),
            "verdict": np.where(rare, "bad", "good"),
        }
    )


def create(directory, case, name, **options):
    method = method_of(case)
    grouping = GROUPINGS[list(CASES).index(case) % 3]
    subgroups = {} if grouping is None else {"group_by": "site", "subgroups": grouping}
    return create_snapshot(
        directory, **(
            {
                "name": name, "entity_df": rows(), "label": "verdict", "join_keys": ["customer", "site"],
                "timestamp": "at", "features": columns_for(method), "sampler": method, "ratio": 0.9, "seed": 5,
                "k_neighbors": 2, "split": "stratified:0.8,0.1,0.1",
            } | subgroups | CASES[case] | options
        )
    )  # fmt: skip


def bytes_of(made):
    root = Path(made.uri)
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*.parquet")}


@pytest.mark.parametrize("case", CASES)
def test_a_version_verifies_and_comes_again_from_its_recipe(tmp_path, case):
    full, small = create(tmp_path, case, "full"), create(tmp_path, case, "small", retain="recipe")
    assert full.manifest.parameters["sampler"] == method_of(case)
    assert full.manifest.splits["train"].synthetic > 20
    assert full.digest == small.digest
    assert verify_snapshot(tmp_path, name="full").problems == ()
    assert verify_snapshot(tmp_path, name="small").problems == ()
    assert not list(Path(small.uri).glob("train/*.parquet"))
    restored = rebuild_snapshot(tmp_path, name="small").restored
    assert {"train/part-00000.parquet", "lineage.parquet"} <= set(restored)
    assert verify_snapshot(tmp_path, name="small").problems == ()
    ours, theirs = bytes_of(full), bytes_of(small)
    assert ours.items() <= theirs.items()
    (Path(full.uri) / "train" / "part-00000.parquet").write_bytes(b"lost")
    rebuild_snapshot(tmp_path, name="full", entity_df=rows())
    assert bytes_of(full) == ours


@pytest.mark.parametrize("case", CASES)
def test_each_row_is_what_its_lineage_says_bit_for_bit(tmp_path, case):
    """Before values are put on grids: `tests/test_surfaces.py` compares versions on grids with what estimators make."""
    made = create(tmp_path, case, "one", grid="off")
    train, lineage = pq.read_table(f"{made.uri}/train"), pq.read_table(f"{made.uri}/lineage.parquet").to_pydict()
    rare = np.array(train["verdict"].to_pylist()) == "bad"
    real = np.flatnonzero(~train["is_synthetic"].to_numpy())
    sites = np.array(train["site"].to_pylist())
    place = "smoothed" if "smoothed" in case else METHODS[method_of(case)].place
    names = [name for name in columns_for(method_of(case)) if name not in ("country", "night")]
    columns = {name: train[name].to_numpy() - (WIDE if name == "account" else 0) for name in names}  # exact as floats
    exact = np.array([column.astype(np.float64) for column in columns.values()]).reshape(len(names), len(rare)).T
    grouped = made.manifest.parameters.get("subgroups") == "within"
    assert len(lineage["row"]) > 20
    for at, (row, base, neighbor) in enumerate(
        zip(lineage["row"], lineage["base_row"], lineage["neighbor_row"], strict=True)
    ):
        assert base in real
        assert rare[base]
        assert rare[neighbor] or not METHODS[method_of(case)].own_class
        assert "group_by" not in made.manifest.parameters or sites[base] == sites[neighbor]
        step, drawn, width = (
            np.float32(lineage["step"][at]),
            None,
            np.array(made.manifest.schema.scale, dtype=np.float64),
        )
        if "draw" in lineage:
            drawn = (
                5,
                label_key(f"bad/{sites[base]}" if grouped else "bad"),
                lineage["base_id"][at],
                lineage["draw"][at],
            )
        if place == "smoothed":
            around = real[sites[real] == sites[base]] if grouped else real
            n, d = len(around), len(made.manifest.schema.names)
            width = SHRINKAGE * (4 / ((d + 2) * n)) ** (1 / (d + 4)) * exact[around[rare[around]]].std(axis=0)
        placed = PLACES[place](exact[base], exact[neighbor], step, drawn, width)
        for name, value, start in zip(names, placed, exact[base], strict=True):
            if name == "account":  # in integers: how far it moves is rounded
                apart = float(step) * (exact[neighbor] - exact[base])[names.index(name)]
                moved = {"copy": 0.0, "segment": apart}.get(place, value - start)
                assert abs(columns[name][row] - columns[name][base] - moved) <= 0.5 + 1e-9
                continue
            value = np.rint(value) if name == "visits" else value
            assert train[name][row].as_py() == np.float64(value).astype(train[name].type.to_pandas_dtype())
        for j, name in enumerate(column for column in ("country", "night") if column in columns_for(method_of(case))):
            donor = lineage["donor_rows"][at][j]
            assert donor in real
            assert train[name][row] == train[name][donor]


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if method.needs_danger])
def test_without_danger_the_users_own_line_is_warned_or_nothing_published(tmp_path, method):
    apart = {"entity_df": rows(gap=60.0), "features": ["amount", "score"], "group_by": None, "subgroups": "within"}
    with pytest.warns(SnapshotWarning, match="no row of class 'bad' is in danger.* the plain method's rows") as told:
        made = create(tmp_path, method, "apart", **apart)
    assert {warning.filename for warning in told} == {__file__}
    assert made.manifest.notes["no_row_in_danger"] == ["class 'bad'"]
    plain = create(tmp_path, method, "plain", **apart | {"sampler": "smote"})
    assert made.manifest.splits["train"].sha256 == plain.manifest.splits["train"].sha256
    with pytest.raises(DataError, match="no row of class 'bad' is in danger"):
        create(tmp_path, method, "apart", **apart, no_danger="error")
    assert len(list((tmp_path / "apart").glob("v*"))) == 1
