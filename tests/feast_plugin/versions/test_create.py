"""Creating a version: what it holds, when it is reused, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import FeatureView, Field, FileSource
from feast.types import Bool, Float32, Int32, Int64

from feast_plugin import rebuild_snapshot, verify_snapshot
from resampler.errors import ContractError, DataError, GateError, InvalidInputError, ResamplerError


def read(snapshot, split):
    return pq.read_table(f"{snapshot.uri}/{split}/part-00000.parquet")


def test_every_real_row_passes_through_once_and_unchanged(project):
    snapshot = project.create(feature_service="all")
    parts = [read(snapshot, split) for split in snapshot.datasets]
    table = pa.concat_tables(parts)
    real = table.filter(pa.compute.invert(table["is_synthetic"])).drop_columns("is_synthetic")
    by = [("event_timestamp", "ascending"), ("customer_id", "ascending")]
    expected = project.table.select(real.column_names).sort_by(by)
    assert real.sort_by(by).to_pylist() == expected.to_pylist()


def test_only_training_is_augmented_and_reaches_the_ratio(project):
    snapshot = project.create(ratio=0.5)
    counts = snapshot.manifest.counts
    train = counts["train"]["classes"]
    assert train["1"]["real"] + train["1"]["synthetic"] == int(0.5 * train["0"]["real"])
    assert train["0"]["synthetic"] == 0
    assert counts["validation"]["synthetic"] == counts["test"]["synthetic"] == 0
    assert not read(snapshot, "test")["is_synthetic"].to_numpy().any()


def test_a_synthetic_row_lies_between_its_parents_and_is_nobody(project):
    snapshot = project.create(feature_service="all")
    train = read(snapshot, "train")
    lineage = pq.read_table(f"{snapshot.uri}/lineage.parquet")
    n_real = snapshot.manifest.splits["train"].real
    child, base, neighbor = (train.take(lineage[name]) for name in ("row", "base_row", "neighbor_row"))
    step = lineage["step"].to_numpy().astype(np.float64)
    for name in ("amount", "score", "visits"):
        a, b, c = (t[name].to_numpy().astype(np.float64) for t in (base, neighbor, child))
        tolerance = 1e-6 * (1 + np.abs(a).max()) + (0.51 if name == "visits" else 0)
        np.testing.assert_allclose(c, a + step * (b - a), atol=tolerance)
    assert set(child["fraud"].to_pylist()) == {1}
    assert set(child["country"].to_pylist()) <= {"FR", "US"}
    rare = np.flatnonzero(train["fraud"].to_numpy()[:n_real] == 1)
    assert set(child["event_timestamp"].to_pylist()) <= set(train["event_timestamp"].take(rare).to_pylist())
    keys = child["customer_id"].to_numpy()
    assert (keys < 0).all()
    assert len(np.unique(keys)) == len(keys)
    assert lineage["base_row"].to_numpy().max() < n_real
    assert lineage["neighbor_row"].to_numpy().max() < n_real


def test_columns_and_types_are_those_of_the_contract(project):
    snapshot = project.create(feature_service="all")
    schema = read(snapshot, "validation").schema
    assert schema.names == [
        "customer_id", "event_timestamp", "amount", "score", "visits", "night", "country", "emb", "fraud",
        "is_synthetic",
    ]  # fmt: skip
    assert schema.field("event_timestamp").type == pa.timestamp("us", "UTC")
    assert schema.field("score").type == pa.float32()
    assert schema.field("visits").type == pa.int64()
    assert schema.field("emb").type.value_type == pa.float32()
    assert not schema.pandas_metadata


def test_features_that_are_called_like_elements_of_an_array_are_their_own(project):
    vectors = project.store.get_feature_view("vectors")
    source = vectors.batch_source
    table = pq.read_table(source.path)
    for name in ("emb[cm]", "emb[3]"):
        table = table.append_column(name, pa.array(np.random.default_rng(0).normal(size=len(table)), pa.float32()))
    pq.write_table(table, source.path, use_compliant_nested_type=False)
    beside = FeatureView(
        name="beside",
        entities=[project.store.get_entity("customer")],
        source=source,
        schema=[*vectors.features, Field(name="emb[cm]", dtype=Float32), Field(name="emb[3]", dtype=Float32)],
    )
    project.store.apply([beside])
    snapshot = project.create(feature_service=None, features=["beside:emb", "beside:emb[cm]", "beside:emb[3]"])
    assert snapshot.manifest.schema.names == ("emb[0]", "emb[1]", "emb[2]", "emb[cm]", "emb[3]")
    train = read(snapshot, "train")
    synthetic = train.filter(train["is_synthetic"])
    assert synthetic.num_rows
    assert {len(value) for value in synthetic["emb"].to_pylist()} == {3}
    assert verify_snapshot(project.reopened(), name="pay", root=project.root).ok


def test_equal_inputs_reuse_the_version_and_others_make_the_next(project):
    first = project.create()
    again = project.create()
    assert (again.version, again.digest, again.reused) == (1, first.digest, True)
    for change in ({"seed": 2}, {"ratio": 0.6}, {"k_neighbors": 4}, {"split": "stratified:0.7,0.15,0.15"}):
        other = project.create(**change)
        assert not other.reused
        assert other.digest != first.digest
    assert other.version == 5
    fewer = project.create(entity_df=project.frame().slice(1))
    assert fewer.version == 6


def test_the_digest_does_not_depend_on_the_order_of_the_frame(project):
    shuffled = project.frame().take(np.random.default_rng(0).permutation(400))
    assert project.create().digest == project.create(entity_df=shuffled).digest


def test_dask_and_duckdb_give_the_same_bytes(make):
    dask, duckdb = make("a", offline="dask"), make("b", offline="duckdb")
    ours, theirs = (p.create(feature_service="all") for p in (dask, duckdb))
    assert ours.digest == theirs.digest
    assert ours.manifest.stored == theirs.manifest.stored


@pytest.mark.parametrize("offline", ["dask", "duckdb"])
@pytest.mark.parametrize("label", ["verdict", "verdicts:verdict"])
def test_a_string_label(make, offline, label):
    project = make(offline=offline)
    options = {"label": label}
    if label == "verdict":
        options["entity_df"] = project.frame("verdict")
    snapshot = project.create(**options)
    assert set(snapshot.manifest.counts["train"]["classes"]) == {"bad", "good"}
    train = read(snapshot, "train")
    assert set(train.filter(train["is_synthetic"])["verdict"].to_pylist()) == {"bad"}


def test_a_label_that_is_a_feature_of_the_service_is_no_feature(project):
    snapshot = project.create(feature_service="all", label="night", entity_df=project.frame("fraud"), ratio=0.9)
    assert "mixed:night" in snapshot.manifest.columns["references"]
    assert "night" not in [f["name"] for f in snapshot.manifest.contract["features"]]
    assert read(snapshot, "train").schema.field("night").type == pa.bool_()


LABELS = {"bool": pa.bool_(), "int8": pa.int64(), "int64": pa.int64(), "double": pa.int64(), "string": pa.string()}


@pytest.mark.parametrize("offline", ["dask", "duckdb"])
@pytest.mark.parametrize("kind", LABELS)
def test_a_label_of_the_frame_keeps_its_kind(make, offline, kind):
    project = make(offline=offline)
    frame = project.frame()
    column = frame["fraud"].cast(pa.bool_() if kind == "bool" else kind)
    snapshot = project.create(entity_df=frame.set_column(2, "fraud", column))
    table = read(snapshot, "train")
    assert table.schema.field("fraud").type == LABELS[kind]
    assert set(table.filter(table["is_synthetic"])["fraud"].to_pylist()) == {"1" if kind == "string" else 1}
    assert set(snapshot.manifest.counts["train"]["classes"]) == {"0", "1"}
    assert verify_snapshot(project.reopened(), name="pay", root=project.root).problems == ()
    assert rebuild_snapshot(project.reopened(), name="pay", root=project.root).restored == ()
    with pytest.warns(RuntimeWarning, match="experimental"):
        back = project.reopened().get_saved_dataset(snapshot.datasets["train"]).to_df()["fraud"]
    is_kind = {"bool": pd.api.types.is_bool_dtype, "string": pd.api.types.is_string_dtype}
    assert is_kind.get(kind, pd.api.types.is_int64_dtype)(back)
    plain = project.create(name="plain")
    features = ["amount", "score"]
    assert table.select(features).equals(read(plain, "train").select(features))


@pytest.mark.parametrize("offline", ["dask", "duckdb"])
@pytest.mark.parametrize(("dtype", "kind"), [(Bool, pa.bool_()), (Int32, pa.int32()), (Int64, pa.int64())])
def test_a_label_of_a_view_has_the_type_that_the_view_promises(make, offline, dtype, kind):
    project = make(offline=offline)
    table = project.table.set_column(
        project.table.schema.get_field_index("fraud"), "fraud", project.table["fraud"].cast(kind)
    )
    pq.write_table(table, project.source, use_compliant_nested_type=False)
    view = FeatureView(
        name="labelled",
        entities=[project.store.get_entity("customer")],
        schema=[Field(name="fraud", dtype=dtype)],
        source=FileSource(name="labels", path=str(project.source), timestamp_field="event_timestamp"),
        online=False,
    )
    project.store.apply([view])
    snapshot = project.create(label="labelled:fraud", entity_df=project.frame("verdict"))
    assert read(snapshot, "train").schema.field("fraud").type == kind


@pytest.mark.parametrize("sampler", ["smotenc", "adasyn"])
def test_subgroups_that_are_too_small_are_named(make, sampler):
    """France has three frauds among its rows, Switzerland none that needs a neighbour."""
    table = make("whole").table
    country = np.array(table["country"].to_pylist(), dtype=object)
    fraud = np.flatnonzero(table["fraud"].to_numpy())
    country[fraud], country[fraud[:3]] = "US", "FR"
    table = table.set_column(table.schema.get_field_index("country"), "country", pa.array(country, pa.string()))
    project = make(table=overlapping(table))
    frame = project.frame().append_column("side", pa.array(["train"] * 400))
    options = {"feature_service": "all", "split": "column:side", "entity_df": frame, "sampler": sampler}
    with pytest.raises(DataError, match=r"rows of class 1 in each subgroup .* too few have country='FR' \(3\): lower"):
        project.create(group_by="country", **options)
    with pytest.raises(DataError, match=r"customer_id=\d+ \(\d\), .* and \d+ more: lower k_neighbors"):
        project.create(group_by="customer_id", **options)


def test_numbers_that_are_no_booleans_are_refused(project):
    table = project.table
    index = table.schema.get_field_index("night")
    rewritten = table.set_column(index, "night", pa.array([2, *[0] * 399]))
    pq.write_table(rewritten, project.source, use_compliant_nested_type=False)
    with pytest.raises(ContractError, match="'night' must be bool by the contract, the data has numbers other than 0"):
        project.create(feature_service="all")


def test_full_feature_names(project):
    snapshot = project.create(full_feature_names=True)
    assert read(snapshot, "train").column_names == [
        "customer_id", "event_timestamp", "numbers__amount", "numbers__score", "resampler__fraud",
        "resampler__is_synthetic",
    ]  # fmt: skip


def test_a_csv_frame_and_references_in_place_of_a_service(project, tmp_path):
    path = tmp_path / "frame.csv"
    project.frame().to_pandas().to_csv(path, index=False)
    listed = project.create(entity_df=path, feature_service=None, features=["numbers:amount", "numbers:score"])
    served = project.create(name="served")
    assert [s.sha256 for s in listed.manifest.splits.values()] == [s.sha256 for s in served.manifest.splits.values()]


def test_units_of_distance_come_from_training_alone(project):
    """Test rows that are a thousand times larger change no unit, hence no synthetic row."""
    table = project.table
    last = np.argsort(table["event_timestamp"].to_numpy())[-30:]
    amount = table["amount"].to_numpy().copy()
    amount[last] *= 1000
    before = project.create()
    pq.write_table(
        table.set_column(table.schema.get_field_index("amount"), "amount", pa.array(amount)),
        project.source,
        use_compliant_nested_type=False,
    )
    after = project.create()
    assert after.version == 2
    assert before.manifest.splits["train"].sha256 == after.manifest.splits["train"].sha256
    assert before.manifest.splits["test"].sha256 != after.manifest.splits["test"].sha256


@pytest.mark.parametrize("service", ["numbers", "all"])
@pytest.mark.parametrize("sampler", ["borderline", "adasyn"])
def test_an_adaptive_sampler_starts_from_rows_that_meet_others(make, sampler, service):
    project = make(table=overlapping(make("apart").table))
    snapshot = project.create(sampler=sampler, feature_service=service)
    assert snapshot.manifest.parameters["sampler"] == sampler
    train, lineage = read(snapshot, "train"), pq.read_table(f"{snapshot.uri}/lineage.parquet")
    plain = pq.read_table(f"{project.create(feature_service=service).uri}/lineage.parquet")
    assert lineage.num_rows == plain.num_rows
    assert set(lineage["base_row"].to_pylist()) < set(plain["base_row"].to_pylist())
    labels = train["fraud"].to_numpy()
    assert (labels[lineage["base_row"].to_numpy()] == 1).all()
    assert (labels[lineage["neighbor_row"].to_numpy()] == 1).all()
    assert project.create(sampler=sampler, feature_service=service).reused


def test_where_no_row_is_in_danger_the_plain_rows_are_made_or_none(project):
    with pytest.warns(UserWarning, match="no row of class 1 is in danger"):
        made = project.create(sampler="borderline")
    assert read(made, "train").equals(read(project.create(name="plain", sampler="smote"), "train"))
    with pytest.raises(DataError, match=r"0 of .* synthetic rows could be made: no row of class 1 is in danger"):
        project.create(sampler="borderline", no_danger="error")


def overlapping(table):
    """Most fraud stands apart; a third of it among the others."""
    hidden = np.flatnonzero(table["fraud"].to_numpy())[::3]
    for name, gap in (("amount", 500.0), ("score", 1.0), ("visits", 2**40)):
        values = table[name].to_numpy().copy()
        values[hidden] -= np.asarray(gap, values.dtype)
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values))
    vectors = np.array(table["emb"].to_pylist(), dtype=np.float32)
    vectors[hidden] -= 4
    return table.set_column(table.schema.get_field_index("emb"), "emb", pa.array(list(vectors), table["emb"].type))


def drop(name):
    return lambda p: {"entity_df": p.frame("fraud", "verdict").drop_columns(name)}


def with_nulls(name):
    def change(p):
        frame = p.frame()
        column = pa.array([None, *frame[name].to_pylist()[1:]], frame[name].type)
        return {"entity_df": frame.set_column(frame.schema.get_field_index(name), name, column)}

    return change


BAD = {
    "label absent": ({"label": "nope"}, DataError, "nope.*neither a column"),
    "label constant": (
        lambda p: {"entity_df": p.frame("fraud").filter(pa.compute.equal(p.table["fraud"], 0))},
        DataError,
        "two classes or more, got only 0",
    ),
    "label null": (with_nulls("fraud"), DataError, "'fraud' must have no null, got 1"),
    "timestamp null": (with_nulls("event_timestamp"), DataError, "'event_timestamp' must have no null"),
    "no timestamp": (drop("event_timestamp"), DataError, "lacks column 'event_timestamp'"),
    "no join key": (drop("customer_id"), DataError, "lacks column 'customer_id'"),
    "empty frame": (lambda p: {"entity_df": p.frame().slice(0, 0)}, DataError, "no row"),
    "duplicates": (
        lambda p: {"entity_df": pa.concat_tables([p.frame(), p.frame().slice(3, 2)])},
        DataError,
        r"2 repeated, first event_timestamp=.*, customer_id=1 \(2 times\)",
    ),
    "ratio reached": ({"ratio": 0.05}, GateError, "already reached"),
    "ratio zero": ({"ratio": 0.0}, InvalidInputError, "must be in"),
    "ratio two": ({"ratio": 2.0}, InvalidInputError, "must be in"),
    "ratio nan": ({"ratio": float("nan")}, InvalidInputError, "must be in"),
    "seed negative": ({"seed": -1}, InvalidInputError, "seed must be"),
    "k too large": ({"k_neighbors": 300}, DataError, "needs at least 301 rows"),
    "service unknown": ({"feature_service": "x"}, ContractError, "it has all, numbers"),
    "feature unknown": (
        {"feature_service": None, "features": ["numbers:nope"]},
        ContractError,
        "no feature 'nope'; it has amount, score",
    ),
    "view unknown": (
        {"feature_service": None, "features": ["nope:amount"]},
        ContractError,
        "feature view 'nope' is not in project 'shop'; it has mixed, numbers",
    ),
    "name traversal": ({"name": "../x"}, InvalidInputError, "snapshot name"),
    "split unknown": ({"split": "random:1,0,0"}, InvalidInputError, "unknown"),
    "split shares": ({"split": "time:0.7,0.2,0.2"}, InvalidInputError, "sum to 1"),
    "split column absent": ({"split": "column:side"}, DataError, "'side' is neither"),
    "sampler unknown": ({"sampler": "magic"}, InvalidInputError, "sampler must be one of"),
    "smote on strings": (
        {"feature_service": "all", "sampler": "smote"},
        InvalidInputError,
        "use 'smotenc'",
    ),
    "frame of another kind": ({"entity_df": "frame.txt"}, InvalidInputError, "must be a .parquet"),
    "frame absent": ({"entity_df": "absent.parquet"}, DataError, "cannot be read"),
    "key of another type": (
        lambda p: {"entity_df": p.frame().set_column(0, "customer_id", p.table["country"])},
        ContractError,
        "'customer_id' must be int64 by the contract, the data is string",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_and_nothing_published(project, case):
    change, error, message = BAD[case]
    with pytest.raises(error, match=message) as caught:
        project.create(**(change(project) if callable(change) else change))
    # What the data are at fault for is no wrong usage of the command.
    assert caught.value.exit_code == (2 if error is InvalidInputError else 3 if error is GateError else 1)
    assert not list(project.root.rglob("manifest.json"))
    assert not list(project.root.rglob("part-*"))
    assert project.reopened().list_saved_datasets() == []


def test_what_an_engine_raises_is_one_of_our_errors(project):
    project.source.unlink()
    with pytest.raises(ResamplerError, match="Feast could not retrieve the features"):
        project.create()


def test_a_type_other_than_promised_is_refused(make):
    project = make()
    table = project.table.drop_columns("score").append_column("score", project.table["country"])
    pq.write_table(table, project.source, use_compliant_nested_type=False)
    with pytest.raises(ContractError, match="'score' must be float by the contract, the data is"):
        project.create()


def test_a_minority_row_with_a_null_feature_is_a_parent_unless_only_complete_ones_are(make, tmp_path):
    project = make()
    fraud = np.flatnonzero(project.table["fraud"].to_numpy())
    first = fraud[np.argmin(project.table["event_timestamp"].to_numpy()[fraud])]
    score = project.table["score"].to_pylist()
    score[first] = None
    index = project.table.schema.get_field_index("score")
    table = project.table.set_column(index, "score", pa.array(score, pa.float32()))
    pq.write_table(table, project.source, use_compliant_nested_type=False)
    for missing, rows_left_out in (("complete", 1), ("inherit", 0)):
        snapshot = project.create(missing=missing)
        assert snapshot.manifest.notes["incomplete_minority_rows"] == rows_left_out
        train = read(snapshot, "train")
        row = train["score"].is_null().to_numpy().argmax()
        lineage = pq.read_table(f"{snapshot.uri}/lineage.parquet")
        children = np.count_nonzero(lineage["base_row"].to_numpy() == row)
        assert (children > 0) == (missing == "inherit")
        assert (row in lineage["neighbor_row"].to_pylist()) <= (missing == "inherit")
        assert train["score"].null_count == 1 + children
        nulls = {feature.name for feature in snapshot.manifest.schema.features if feature.nulls == "inherit"}
        assert nulls == ({"score"} if missing == "inherit" else set())
    with pytest.raises(DataError, match=r"missing='refuse' takes no nulls, got some among \d+ rows in score \(1\)"):
        project.create(missing="refuse")


def test_rows_keep_their_synthetic_children_when_others_arrive(project):
    """More of the majority asks for more copies and moves no neighbourhood: what was there is there again."""
    table = project.table.append_column("side", pa.array(["train"] * 400))
    frame = table.select(["customer_id", "event_timestamp", "fraud", "side"])
    majority = np.flatnonzero(table["fraud"].to_numpy() == 0)
    fewer = np.setdiff1d(np.arange(400), majority[:20])
    before, after = (
        read(project.create(split="column:side", entity_df=rows), "train") for rows in (frame.take(fewer), frame)
    )
    small, large = (
        {tuple(row.values()) for row in t.filter(t["is_synthetic"]).select(["amount", "score"]).to_pylist()}
        for t in (before, after)
    )
    assert len(large) == len(small) + 10
    assert len(small & large) >= 0.95 * len(small)


def test_rows_keep_their_children_when_the_minority_grows_elsewhere(project):
    """New fraud among the honest moves no neighbourhood of the old: copy r of a base is the same row."""
    table = project.table.append_column("side", pa.array(["train"] * 400))
    fraud = np.flatnonzero(table["fraud"].to_numpy())
    far = fraud[:5]
    for name, gap in (("amount", 500.0), ("score", 1.0)):
        values = table[name].to_numpy().copy()
        values[far] -= np.asarray(gap, values.dtype)
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values))
    pq.write_table(table.drop_columns("side"), project.source, use_compliant_nested_type=False)
    frame = table.select(["customer_id", "event_timestamp", "fraud", "side"])

    def children(rows):
        snapshot = project.create(entity_df=rows, split="column:side", k_neighbors=3)
        lineage = pq.read_table(f"{snapshot.uri}/lineage.parquet")
        made = read(snapshot, "train").take(lineage["row"]).select(["amount", "score"]).to_pylist()
        of: dict[int, list] = {}
        for base, row in zip(lineage["base_id"].to_pylist(), made, strict=True):
            of.setdefault(base, []).append(tuple(row.values()))
        return of, snapshot.manifest.contract

    (before, unit), (after, unit_after) = children(frame.take(np.setdiff1d(np.arange(400), far))), children(frame)
    assert unit == unit_after
    assert set(before) < set(after)
    for base, rows in before.items():
        fewer, more = sorted((rows, after[base]), key=len)
        assert [row for row in more if row in fewer] == fewer  # in one order
