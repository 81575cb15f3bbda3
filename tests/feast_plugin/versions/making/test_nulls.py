"""Versions of tables with nulls: every sampler, every type of column; verified, made again, forgotten, declared."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from feast_plugin import create_snapshot, forget_entity, rebuild_snapshot, verify_snapshot
from feast_plugin.notices import SnapshotWarning
from resampler.errors import DataError
from resampler.grids import Grid
from resampler.methods.catalog import METHODS
from resampler.schema import FeatureSchema

WIDE = 2**60
TAKEN = [name for name, method in METHODS.items() if method.nulls and not method.hardens]
REFUSED = [name for name, method in METHODS.items() if not method.nulls]


def rows(method, n=400, seed=1):
    """One row in five rare; columns of every type, nulls in all but one."""
    rng = np.random.default_rng(seed)
    rare = rng.random(n) < 0.2

    def holed(values, share, kind=None):
        return pa.array(values.tolist(), kind, mask=rng.random(n) < share)

    def arrays(values, kind):
        held = [None if rng.random() < 0.2 else row for row in values.tolist()]
        return pa.array(held, pa.list_(kind))

    near = rng.normal(size=(3, n)) + rare
    columns = {"customer": np.arange(n), "bad": rare.astype(np.int64)}
    if METHODS[method].categories != "all":
        columns |= {
            "amount": holed(near[0], 0.1),
            "score": holed(near[1].astype(np.float32), 0.4 + 0.2 * rare, pa.float32()),
            "whole": pa.array(near[2]),
            "visits": holed(rng.integers(0, 50, n), 0.3, pa.int32()),
            "account": holed(WIDE + rng.integers(0, 1000, n), 0.3, pa.int64()),
            "embedding": arrays(rng.normal(size=(n, 3)), pa.float64()),
            "codes": arrays(WIDE + rng.integers(0, 100, (n, 2)), pa.int64()),
        }
    if METHODS[method].categories != "none":
        columns["country"] = holed(rng.choice(["CH", "DE", "FR"], n), 0.3)
        columns["shop"] = holed(rng.choice(["a", "b"], n), 0.1)
    if METHODS[method].categories == "vote":
        columns["night"] = holed(rng.random(n) < 0.3, 0.2)
    return pa.table(columns)


def create(directory, table, method, **options):
    given = {"sampler": method, "seed": 1, "ratio": 0.8, "k_neighbors": 3, "split": "stratified:0.8,0.1,0.1"}
    return create_snapshot(
        Path(directory) / "catalog", name="holes", entity_df=table, label="bad", join_keys=["customer"],
        **(given | options),
    )  # fmt: skip


def parts(made):
    train = pq.read_table(f"{made.uri}/train")
    return train, train.filter(train["is_synthetic"]), pq.read_table(f"{made.uri}/lineage.parquet")


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("method", "options"),
    [*((name, {}) for name in TAKEN), ("random", {"shrinkage": 0.5}), ("smotenc", {"clean": "enn"})],
)
def test_synthetic_rows_have_the_nulls_of_their_bases_and_come_again(tmp_path, method, options):
    table = rows(method)
    made = create(tmp_path, table, method, **options)
    train, new, lineage = parts(made)
    base = train.take(lineage["base_row"])
    assert new.num_rows > 80
    features = [name for name in table.column_names if name not in ("customer", "bad")]
    for name in features:
        assert new[name].type == train[name].type
        assert new[name].is_null().to_pylist() == base[name].is_null().to_pylist()
    holes = [name for name in features if new[name].null_count]
    assert len(holes) == len(features) - ("whole" in features)
    for name in ("account", "codes"):
        if name in features and METHODS[method].place == "segment":
            values = new[name] if name == "account" else pc.list_flatten(new[name])
            assert WIDE <= pc.min(values).as_py() <= pc.max(values).as_py() <= WIDE + 1000
    nullable = {f.name.partition("[")[0] for f in made.manifest.schema.features if f.nulls == "inherit"}
    assert nullable == set(holes)
    assert made.manifest.notes["incomplete_minority_rows"] == 0
    assert verify_snapshot(tmp_path / "catalog", name="holes").problems == ()
    before = {path: path.read_bytes() for path in Path(made.uri).rglob("*.parquet")}
    (Path(made.uri) / "lineage.parquet").unlink()
    assert rebuild_snapshot(tmp_path / "catalog", name="holes").restored
    assert {path: path.read_bytes() for path in Path(made.uri).rglob("*.parquet")} == before


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_order_of_the_frame_changes_no_byte_and_a_recipe_alone_makes_the_rows(tmp_path):
    table = rows("smotenc")
    one = create(tmp_path / "a", table, "smotenc")
    other = create(tmp_path / "b", table.take(np.random.default_rng(0).permutation(400)), "smotenc", retain="recipe")
    assert one.digest == other.digest


def test_equal_rows_are_one_version_and_its_contract_says_what_a_stream_needs(tmp_path):
    table = rows("smotenc")
    made = create(tmp_path, table, "smotenc")
    assert create(tmp_path, table, "smotenc").reused
    schema = made.manifest.schema
    nullable = dict(zip(schema.names, schema.nullable_mask.tolist(), strict=True))
    assert nullable == {name: name != "whole" for name in schema.names}
    grids = dict(zip(schema.names, schema.grids, strict=True))
    assert grids["visits"] == Grid.from_dict(made.manifest.grids["visits"])
    assert grids["country"] is grids["amount"] is None
    again = FeatureSchema.from_json(schema.to_json())
    assert again == schema
    plain = create(tmp_path, table, "smotenc", missing="complete", grid="off", k_neighbors=1)
    assert plain.manifest.schema == plain.manifest.schema.with_rules()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_an_entity_with_nulls_is_forgotten_and_the_rest_is_made_anew(tmp_path):
    table = rows("smotenc")
    made = create(tmp_path, table, "smotenc")
    train, _, lineage = parts(made)
    parent = train["customer"][lineage["base_row"][0].as_py()].as_py()
    forget_entity(tmp_path / "catalog", name="holes", entity=parent)
    assert verify_snapshot(tmp_path / "catalog", name="holes").problems == ()


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("method", REFUSED)
def test_a_sampler_that_measures_whole_rows_says_so_and_is_complete(tmp_path, method):
    table = rows(method).select(["customer", "bad", "amount", "whole"])
    with pytest.warns(
        SnapshotWarning, match=rf"'{method}' measures whole rows: \d+ minority rows with nulls are no par"
    ):
        made = create(tmp_path, table, method)
    assert made.manifest.parameters["missing"] == "complete"
    assert made.manifest.notes["incomplete_minority_rows"] > 0
    assert parts(made)[1]["amount"].null_count == 0


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("method", "options", "remedy"),
    [
        ("smotenc", {"missing": "complete"}, "lower k_neighbors, use missing inherit, change the split"),
        ("svm", {}, "lower k_neighbors, use smote, which takes nulls, change the split"),
        ("smotenc", {"exclude_noisy": True}, "lower k_neighbors, leave exclude_noisy out, change the split"),
        ("smotenc", {}, "lower k_neighbors, change the split"),
    ],
)
def test_too_few_parents_are_an_error_that_says_what_helps_here(tmp_path, method, options, remedy):
    table = rows(method)
    table = table.select(["customer", "bad", "amount", "whole"]) if method == "svm" else table
    with pytest.raises(DataError, match=f"that can be parents, got [0-9]+: {remedy}"):
        create(tmp_path, table, method, k_neighbors=200, **options)
