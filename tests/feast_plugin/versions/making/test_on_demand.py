"""On-demand features of synthetic rows are what their transformation gives for the rows' inputs."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from feast import FeatureService, Field, RequestSource
from feast.on_demand_feature_view import OnDemandFeatureView, on_demand_feature_view
from feast.types import Array, Bool, Float64, Int64, String, UnixTimestamp

from feast_plugin import augment, forget_entity, rebuild_snapshot
from feast_plugin.notices import SnapshotWarning
from feast_plugin.retrieval.contract import build_contract
from feast_plugin.retrieval.on_demand import transformation
from resampler.errors import ContractError, CorruptStateError, InvalidInputError

STORES = ["dask", "duckdb"]
REQUEST = RequestSource(name="at_hand", schema=[Field(name="limit", dtype=Float64), Field(name="hour", dtype=Int64)])


def with_views(project):
    """Views of every mode and type, of features in the service and out of it, and of request data."""
    numbers, mixed = (project.store.get_feature_view(name) for name in ("numbers", "mixed"))

    @on_demand_feature_view(
        sources=[numbers],
        schema=[
            Field(name="doubled", dtype=Float64),
            Field(name="size", dtype=String),
            Field(name="large", dtype=Bool),
        ],
    )
    def shaped(inputs: pd.DataFrame) -> pd.DataFrame:
        amount = inputs["amount"]
        size = amount.map(lambda value: None if np.isnan(value) else "big" if value > 60 else "small")
        return pd.DataFrame({"doubled": 2 * amount, "size": size, "large": amount > 60})

    @on_demand_feature_view(
        sources=[mixed, REQUEST],
        schema=[Field(name="used", dtype=Float64), Field(name="pair", dtype=Array(Float64))],
        mode="python",
    )
    def shared(inputs: dict) -> dict:
        rows = list(zip(inputs["visits"], inputs["limit"], inputs["hour"], strict=True))
        return {
            "used": [None if v is None or limit is None else v / limit for v, limit, _ in rows],
            "pair": [[float(hour), float(hour % 5)] for _, _, hour in rows],
        }

    @on_demand_feature_view(sources=[numbers], schema=[Field(name="again", dtype=Float64)])
    def later(inputs: pd.DataFrame) -> pd.DataFrame:
        of = "doubled" if "doubled" in inputs else "amount"  # of the view before it; Feast tries it without on apply
        return pd.DataFrame({"again": inputs[of] + 1})

    project.store.apply(
        [
            shaped,
            shared,
            later,
            FeatureService(name="inside", features=[numbers, shaped]),
            FeatureService(name="outside", features=[shaped[["doubled", "size"]], shared]),
            FeatureService(name="chained", features=[numbers[["score"]], shaped, later]),
            FeatureService(name="renamed", features=[numbers, shaped.with_name("s")]),
        ]
    )
    rng = np.random.default_rng(3)
    frame = project.frame()
    for name, column in (("limit", rng.uniform(1, 9, 400)), ("hour", rng.integers(0, 24, 400))):
        frame = frame.append_column(name, pa.array(column))
    return frame


def train(made):
    rows = pq.read_table(f"{made.uri}/train/part-00000.parquet")
    mark = made.manifest.columns["synthetic"]
    return rows.filter(pc.invert(rows[mark])), rows.filter(rows[mark])


def check_shaped(rows, prefix=""):
    amount = rows[f"{prefix}amount"] if f"{prefix}amount" in rows.column_names else pc.divide(rows["doubled"], 2.0)
    amount = amount.to_numpy()
    np.testing.assert_array_equal(rows["doubled"].to_numpy(), 2 * amount)
    expected = [None if np.isnan(value) else "big" if value > 60 else "small" for value in amount]
    assert rows["size"].to_pylist() == expected


@pytest.mark.parametrize("offline", STORES)
def test_of_inputs_in_the_version(make, offline):
    project = make(offline=offline)
    made = project.create(entity_df=with_views(project), feature_service="inside")
    real, synthetic = train(made)
    assert synthetic.num_rows > 50
    for rows in (real, synthetic):
        check_shaped(rows)
        assert rows["large"].to_pylist() == pc.greater(rows["amount"], 60.0).to_pylist()
    assert made.manifest.parameters["on_demand"] == "computed"
    assert (made.manifest.hidden, made.manifest.columns["inputs"]) == (None, [])
    assert project.check().problems == ()
    names = [feature.name for feature in made.manifest.schema.features]
    assert names == ["amount", "score", "doubled", "size", "large"]


@pytest.mark.parametrize("clean", [None, "enn"])
@pytest.mark.parametrize("retain", ["full", "recipe"])
def test_of_inputs_that_are_not_published(make, clean, retain):
    digests = set()
    for offline in STORES:
        project = make(offline, offline=offline)
        options = {"feature_service": "outside", "clean": clean, "retain": retain}
        made = project.create(entity_df=with_views(project), **options)
        digests.add(made.digest)
        inputs = pq.read_table(f"{made.uri}/inputs.parquet")
        assert inputs.column_names == [
            "event_timestamp", "customer_id", "amount", "score", "visits", "night", "country", "limit", "hour"
        ]  # fmt: skip
        left = 0 if made.manifest.left_out is None else made.manifest.left_out.rows
        assert inputs.num_rows == made.manifest.splits["train"].real + left
        published = {"customer_id", "event_timestamp", "doubled", "size", "used", "pair", "fraud", "is_synthetic"}
        rebuilt = rebuild_snapshot(project.reopened(), name="pay", root=project.root)
        assert rebuilt.source == "version"
        assert project.check().problems == ()
        real, synthetic = train(made)
        assert set(real.column_names) == published
        for rows in (real, synthetic):
            check_shaped(rows)
            hour = np.array(rows["pair"].to_pylist())
            np.testing.assert_array_equal(hour[:, 0] % 5, hour[:, 1])
        assert project.create(entity_df=with_views(project), **options).reused
    assert len(digests) == 1


def test_an_input_that_changes_makes_another_version_although_no_column_shows_it(make):
    project = make()
    frame = with_views(project)
    made = project.create(entity_df=frame, feature_service="outside")
    assert made.manifest.inputs["on_demand"].keys() == {"shaped", "shared"}
    both = [pc.multiply(frame[name], factor) for name, factor in (("limit", 2.0), ("hour", 1))]
    other = frame.drop_columns(["limit", "hour"]).append_column("limit", both[0]).append_column("hour", both[1])
    assert project.create(entity_df=other, feature_service="outside").version == 2


def test_a_version_whose_rows_are_damaged_is_made_again_from_the_store(make, tmp_path):
    project = make()
    file = tmp_path / "frame.parquet"
    pq.write_table(with_views(project), file)
    made = project.create(entity_df=file, feature_service="outside")
    broken = Path(made.uri) / "inputs.parquet"
    before = broken.read_bytes()
    broken.unlink()
    assert "inputs.parquet is missing" in project.check().problems
    rebuilt = rebuild_snapshot(project.reopened(), name="pay", root=project.root)
    assert (rebuilt.source, rebuilt.restored) == ("store", ("inputs.parquet",))
    assert broken.read_bytes() == before


def test_who_is_forgotten_leaves_the_inputs_too(make):
    project = make()
    project.create(entity_df=with_views(project), feature_service="outside", clean="enn")
    (done,) = forget_entity(project.reopened(), name="pay", root=project.root, entity=7)
    assert done.replaced_by == 2
    inputs = pq.read_table(project.root / "pay" / "v0002" / "inputs.parquet")
    assert 7 not in inputs["customer_id"].to_pylist()
    assert project.check(2).problems == ()
    assert rebuild_snapshot(project.reopened(), name="pay", root=project.root).source == "version"


def test_nulls_are_given_to_the_transformation_as_they_are(make):
    project = make()
    frame = with_views(project)
    late = frame["event_timestamp"].to_numpy().copy()
    rows = np.flatnonzero(np.arange(400) % 3 == 0)
    late[rows] += np.timedelta64(400, "D")  # nothing is as old as the ttl allows
    times = pa.array(late, pa.timestamp("us", "UTC"))
    frame = frame.set_column(1, "event_timestamp", times)
    made = project.create(entity_df=frame, feature_service="inside", split="stratified:0.7,0.15,0.15")
    real, synthetic = train(made)
    assert synthetic["amount"].null_count > 0
    for part in (real, synthetic):
        amount = part["amount"].fill_null(np.nan).to_numpy()
        np.testing.assert_array_equal(part["doubled"].fill_null(np.nan).to_numpy(), 2 * amount)
        expected = [None if np.isnan(value) else "big" if value > 60 else "small" for value in amount]
        assert part["size"].to_pylist() == expected


@pytest.mark.parametrize(("service", "full"), [("chained", False), ("inside", True)])
def test_views_after_views_and_under_full_names(make, service, full):
    project = make()
    made = project.create(entity_df=with_views(project), feature_service=service, full_feature_names=full)
    _, synthetic = train(made)
    prefix = "shaped__" if full else ""
    doubled = synthetic[f"{prefix}doubled"].to_numpy()
    if service == "chained":
        np.testing.assert_array_equal(synthetic["again"].to_numpy(), doubled + 1)
    else:
        np.testing.assert_array_equal(doubled, 2 * synthetic["numbers__amount"].to_numpy())
    assert project.check().problems == ()
    assert rebuild_snapshot(project.reopened(), name="pay", root=project.root).source == "version"


@pytest.mark.parametrize("full", [False, True])
def test_a_view_under_another_name(make, full):
    """Feast's file stores do not retrieve one; the contract and the transformation know it."""
    project = make()
    with_views(project)
    store = project.reopened()
    service = store.get_feature_service("renamed")
    contract = build_contract(store, service, "fraud", frame_columns=["fraud"], full_feature_names=full)
    table = pa.table({"numbers__amount" if full else "amount": [1.0, 90.0]})
    found = transformation(store, contract)(table)
    assert found.column_names == [f"{'s__' if full else ''}{name}" for name in ("doubled", "size", "large")]
    assert found.column(1).to_pylist() == ["small", "big"]


def test_interpolated_where_it_is_asked_for(make):
    project = make()
    frame = with_views(project)
    options = {"entity_df": frame, "feature_service": "inside"}
    earlier = project.create(**options, missing="complete", grid="off")
    assert earlier.manifest.parameters["on_demand"] == "interpolated"
    named = project.create(**options, on_demand="interpolated")
    assert named.manifest.parameters["on_demand"] == "interpolated"
    computed = project.create(**options, missing="complete", grid="off", on_demand="computed")
    assert computed.manifest.parameters["on_demand"] == "computed"
    _, rows = train(earlier)
    doubled, amount = rows["doubled"].to_numpy(), rows["amount"].to_numpy()
    np.testing.assert_allclose(doubled, 2 * amount)  # of a linear one interpolation says the same, but for rounding
    for version in (1, 2, 3):
        assert project.check(version).problems == ()
        assert rebuild_snapshot(project.reopened(), name="pay", root=project.root, version=version).version == version


def test_feasts_own_call_computes_them_too(make):
    project = make()
    frame = with_views(project)
    store = project.reopened()
    job = store.get_historical_features(frame.to_pandas(), store.get_feature_service("outside"))
    made = augment(job, store, label="fraud", ratio=0.5, k_neighbors=3).to_arrow()
    rows = made.filter(made["is_synthetic"])
    assert rows.num_rows > 50
    check_shaped(rows)


def test_a_changed_transformation_makes_no_version_again(make):
    project = make()
    made = project.create(entity_df=with_views(project), feature_service="inside", retain="recipe")
    numbers = project.store.get_feature_view("numbers")

    @on_demand_feature_view(
        sources=[numbers],
        schema=[
            Field(name="doubled", dtype=Float64),
            Field(name="size", dtype=String),
            Field(name="large", dtype=Bool),
        ],
    )
    def shaped(inputs: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"doubled": 3 * inputs["amount"], "size": "none", "large": False})

    project.store.apply([shaped])
    with pytest.raises(ContractError, match="'shaped' computes something else than it did when the version was made"):
        rebuild_snapshot(project.reopened(), name="pay", root=project.root)
    (done,) = forget_entity(project.reopened(), name="pay", root=project.root, entity=7)
    assert done.replaced_by is None
    assert "computes something else" in done.reason
    assert not Path(made.uri).exists()


def failing(project, case):
    numbers = project.store.get_feature_view("numbers")
    sources, schema = [numbers], [Field(name="x", dtype=Float64)]
    if case == "time":
        sources.append(RequestSource(name="when", schema=[Field(name="seen", dtype=UnixTimestamp)]))
    if case == "key":
        sources.append(RequestSource(name="who", schema=[Field(name="customer_id", dtype=Int64)]))

    def plain(inputs: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"x": inputs["amount"]})

    def undeclared(inputs: pd.DataFrame) -> pd.DataFrame:  # Feast tries it without on apply
        return pd.DataFrame({"x": inputs["customer_id" if "event_timestamp" in inputs else "amount"] * 1.0})

    def chance(inputs: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"x": np.random.default_rng().random(len(inputs))})

    udf = {"undeclared": undeclared, "chance": chance}.get(case, plain)
    view = OnDemandFeatureView(name="view", sources=sources, schema=schema, udf=udf, udf_string=inspect.getsource(udf))
    project.store.apply([view, FeatureService(name="one", features=[numbers, view])])


CASES = {
    "time": (
        ContractError,
        "'view' cannot be computed for synthetic rows: feature request:seen has type UnixTimestamp",
    ),
    "key": (ContractError, "its input request:customer_id has the name of a join key, of which a synthetic row has"),
    "undeclared": (ContractError, "could not be computed for the synthetic rows: KeyError: 'customer_id'"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_computed_is_refused_with_the_way_out(make, case):
    project = make()
    failing(project, case)
    frame = project.frame().append_column("seen", project.table["event_timestamp"])
    error, message = CASES[case]
    with pytest.raises(error, match=message) as caught:
        project.create(entity_df=frame, feature_service="one")
    assert "--on-demand interpolated" in str(caught.value)
    assert not (project.root / "pay" / "v0001").exists()
    assert project.create(entity_df=frame, feature_service="one", on_demand="interpolated").version == 1


def test_a_view_that_is_no_function_of_its_inputs_is_named(make):
    project = make()
    failing(project, "chance")
    with pytest.warns(SnapshotWarning, match=r"view:x has other values for \d+ of \d+ real rows when it is computed"):
        project.create(feature_service="one")
    (project.root / "pay" / "v0001" / "lineage.parquet").unlink()
    with (
        pytest.warns(SnapshotWarning, match="depends on more than its inputs"),
        pytest.raises(CorruptStateError, match="the same rows now give other content"),
    ):
        rebuild_snapshot(project.reopened(), name="pay", root=project.root)


def test_subgroups_are_not_of_what_is_computed(make):
    project = make()
    options = {"entity_df": with_views(project), "feature_service": "inside", "group_by": "size"}
    with pytest.raises(InvalidInputError, match="group_by must not be a feature that is computed from others"):
        project.create(**options)
