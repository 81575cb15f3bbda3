"""Recorded digests stay: what estimators, snapshots, streams and saved states gave once, they give for ever.

A digest in `recorded.json` may change in one case alone: a rule of how rows are made changes on purpose. Then that
part's number is raised (the snapshots' algorithm, the state's format version), the changelog names it, and the digest
that the failure shows takes the old one's place. Rows come from whole numbers, which no library's generator moves.
What rests on a BLAS (SVMSMOTE, KMeansSMOTE, EmbeddingSMOTE) or on NumPy's generators (RandomOverSampler,
RandomUnderSampler) is not the same on every machine or release, and is left out.
"""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import redis
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.types import Array, Bool, Float32, Float64, Int64, String
from scipy import sparse

from feast_plugin import create_snapshot, rebuild_snapshot
from feast_plugin.registries import registry_of
from feast_plugin.versions.create import create
from feast_plugin.versions.inputs.request import Request
from feast_plugin.versions.making.recipe import ALGORITHM, SENSE, Recipe
from resampler import Feature, FeatureSchema, Label, MinorityBuffer, OnlineResampler, samplers, search_rule
from resampler.search_rule import SearchRule
from resampler.secret import SecretKey
from stream import EmbeddedServer, OutputFormat, Settings, Worker, encode_batch, shard_keys

RECORDED = json.loads(Path(__file__).with_name("recorded.json").read_text())
KEY = SecretKey(b"a secret that everybody may read")
STRATEGIES = ("smote", "borderline", "adasyn")


def digest(*parts) -> str:
    """Hash arrays, bytes and lists of these: types, shapes and bits."""
    h = hashlib.sha256()
    for part in parts:
        if isinstance(part, list | tuple):
            h.update(digest(*part).encode())
        elif isinstance(part, bytes | str):
            h.update(part if isinstance(part, bytes) else part.encode())
        else:
            array = np.asarray(part)
            h.update(f"{array.dtype.str} {array.shape}".encode())
            h.update(repr(array.tolist()).encode() if array.dtype == object else np.ascontiguousarray(array).tobytes())
    return h.hexdigest()[:32]


def check(name, *parts):
    assert {name: digest(*parts)} == {name: RECORDED[name]}


def numbers(n, n_features=4):
    """Rows of three classes, 1 and 2 rare, that overlap."""
    i = np.arange(n)
    y = np.where(i % 7 == 0, 1, np.where(i % 11 == 0, 2, 0))
    columns = [i * prime % 1009 / 1009 for prime in (7919, 104729, 1299709, 15485863, 611953, 86028121)[:n_features]]
    return np.column_stack(columns) + y[:, None] / 4, y


def table(n):
    """Rows of mixed columns as a frame; one in nine is rare."""
    (X, _), i = numbers(n, 2), np.arange(n)
    rare = i % 9 == 0
    data = pd.DataFrame(
        {
            "amount": X[:, 0] * 90 + 40 * rare,
            "visits": i * 31 % 50 + 2**54,
            "night": i * 17 % 5 < 2,
            "country": np.array(["CH", "DE", "FR", "US"])[(i * 13 % 101 + rare) % 4],
            "site": np.array(["north", "south", "west"])[i // 40 % 3],
        }
    )
    return data, rare.astype(np.int64)


ESTIMATORS = {
    "SMOTE": samplers.SMOTE(random_state=3),
    "BorderlineSMOTE 1": samplers.BorderlineSMOTE(random_state=3),
    "BorderlineSMOTE 2": samplers.BorderlineSMOTE(kind="borderline-2", random_state=3),
    "ADASYN": samplers.ADASYN(random_state=3),
    "SMOTEENN": samplers.SMOTEENN(random_state=3),
    "SMOTETomek": samplers.SMOTETomek(random_state=3),
    "TomekLinks": samplers.TomekLinks(),
    "EditedNearestNeighbours": samplers.EditedNearestNeighbours(),
}
INPUTS = {
    "float64": lambda X: X,
    "float32": lambda X: X.astype(np.float32),
    "int64": lambda X: np.rint(X * 1000).astype(np.int64),
    "sparse": lambda X: sparse.csr_matrix(np.where(X < 0.3, 0, X)),
}


def resampled(sampler, X, y):
    X_new, y_new = sampler.fit_resample(X, y)
    made = getattr(sampler, "provenance_", None)
    parents = [] if made is None else [made.base, made.neighbor, made.step, made.donor]
    if isinstance(X_new, pd.DataFrame):
        rows = [X_new[name].to_numpy() for name in X_new]
    else:
        rows = [X_new.toarray() if sparse.issparse(X_new) else X_new]
    return [*rows, y_new, *parents]


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimators_of_numbers(name, kind):
    X, y = numbers(400)
    check(f"{name}, {kind}", *resampled(ESTIMATORS[name], INPUTS[kind](X), y))


@pytest.mark.parametrize(
    ("name", "sampler"),
    {
        "SMOTENC": samplers.SMOTENC(["night", "country", "site"], random_state=3),
        "SMOTENC, subgroups": samplers.SMOTENC(["night", "country", "site"], random_state=3, group_by="site"),
    }.items(),
)
def test_estimators_of_mixed_columns(name, sampler):
    check(name, *resampled(sampler, *table(500)))


def test_estimators_under_a_secret_key():
    X, y = numbers(400)
    check("SMOTE, secret key", *resampled(samplers.SMOTE(random_state=3, secret_key=KEY), X, y))


def test_smoten():
    data, y = table(500)
    check("SMOTEN", *resampled(samplers.SMOTEN(random_state=3), data[["country", "site", "night"]].astype(str), y))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("repo")
    data, fraud = table(400)
    X, _ = numbers(400, 3)
    rows = pa.Table.from_pandas(data, preserve_index=False)
    rows = rows.append_column("customer_id", pa.array(np.arange(400) // 10))
    moments = np.datetime64("2024-03-01", "us") + (np.arange(400) * 7919 % 1009 * 3600).astype("timedelta64[s]")
    rows = rows.append_column("event_timestamp", pa.array(moments, pa.timestamp("us", "UTC")))
    rows = rows.append_column("emb", pa.array(list(X.astype(np.float32)), pa.list_(pa.float32())))
    rows = rows.append_column("fraud", pa.array(np.where(fraud, "bad", "good")))
    pq.write_table(rows, path / "rows.parquet", use_compliant_nested_type=False)
    (path / "feature_store.yaml").write_text(
        "project: shop\nprovider: local\nregistry: registry.db\nonline_store:\n  type: sqlite\n  path: online.db\n"
        "offline_store:\n  type: dask\nentity_key_serialization_version: 3\n"
    )
    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.INT64)
    source = FileSource(name="rows", path=str(path / "rows.parquet"), timestamp_field="event_timestamp")
    numeric, mixed = {"amount": Float64, "visits": Int64, "emb": Array(Float32)}, {"night": Bool, "country": String}
    views = [
        FeatureView(
            name=name,
            entities=[customer],
            ttl=timedelta(days=1),
            source=source,
            online=False,
            schema=[Field(name=field, dtype=dtype) for field, dtype in fields.items()],
        )
        for name, fields in {"numeric": numeric, "mixed": mixed}.items()
    ]
    store = FeatureStore(repo_path=str(path))
    services = [FeatureService(name="numeric", features=views[:1]), FeatureService(name="all", features=views)]
    store.apply([customer, *views, *services])
    return store, rows.select(["customer_id", "event_timestamp", "fraud"])


def earlier(store, name, *, entity_df, label, feature_service, **options):
    """Make a version as releases before algorithm 4 did."""
    registry = registry_of(store)
    request = Request(entity_df=entity_df, label=label, feature_service=feature_service)
    return create(registry, registry.catalog(name), request, Recipe(**options, algorithm=SENSE))


@pytest.mark.parametrize("algorithm", [SENSE, ALGORITHM])
@pytest.mark.parametrize(
    ("name", "options"),
    {
        "smote": {"feature_service": "numeric", "sampler": "smote"},
        "smotenc": {"sampler": "smotenc"},
        "borderline": {"sampler": "borderline"},
        "adasyn": {"sampler": "adasyn", "clean": "tomek"},
        "undersampled": {"undersample": 0.3, "ratio": 0.8, "clean": "enn"},
        "subgroups": {"group_by": "night", "k_neighbors": 2, "subgroups": "proportional"},
        "within": {"group_by": "night", "k_neighbors": 2},
        "borderline-2": {"feature_service": "numeric", "sampler": "borderline-2"},
        "random": {"sampler": "random"},
        "smoothed": {"feature_service": "numeric", "sampler": "random", "shrinkage": 0.5},
        "embedding": {"feature_service": "numeric", "sampler": "embedding"},
        "grids": {"grid": "auto"},
        "borderline-2-grids": {"feature_service": "numeric", "sampler": "borderline-2", "grid": "auto"},
        "secret-key": {"secret_key": KEY},
        "smoothed-grids": {"feature_service": "numeric", "sampler": "random", "shrinkage": 0.5, "grid": "auto"},
    }.items(),
)
def test_snapshots(store, name, options, algorithm):
    repository, frame = store
    given = {"feature_service": "all", "ratio": 0.5, "seed": 5, "k_neighbors": 3}
    given |= {"missing": "complete", "grid": "off"} | options
    made_by = earlier if algorithm == SENSE else create_snapshot
    name = name if algorithm == SENSE else f"{name}-{algorithm}"
    version = made_by(repository, name=name, entity_df=frame, label="fraud", **given)
    lineage = pq.read_table(f"{version.uri}/lineage.parquet")
    check(f"snapshot {name}, digest", version.digest)
    check(f"snapshot {name}, training split", version.manifest.splits["train"].sha256)
    columns = (column for column in lineage.column_names if column != "donor_rows")  # which came later
    check(f"snapshot {name}, lineage", *(lineage[column].to_numpy() for column in columns))


@pytest.fixture
def many(monkeypatch):
    """Rows enough for rules of `auto` to differ, whose 20,000 rows are 2,000 here."""
    lowered = {"auto-1": SearchRule(2_000, 2_000, 2_000), "auto-2": SearchRule(np.inf, np.inf, 2_000)}
    monkeypatch.setattr(search_rule, "RULES", search_rule.RULES | lowered)
    X, _ = numbers(3_000, 6)
    i = np.arange(3_000)
    data = {f"x{j}": column + (i % 3 == 0) / 5 for j, column in enumerate(np.column_stack([X, X**2 * 97 % 1]).T)}
    return pa.table({"id": i, **data, "fraud": (i % 3 == 0).astype(np.int64)})


@pytest.mark.parametrize("rule", ["auto-1", "auto-2"])
def test_versions_by_each_rule_of_the_search(many, rule, tmp_path):
    request = Request(entity_df=many, join_keys=["id"], label="fraud")
    asked = {"ratio": 0.9, "seed": 5, "clean": "enn", "split": "stratified:0.8,0.1,0.1", "grid": "off"}
    registry = registry_of(tmp_path)
    version = create(registry, registry.catalog("many"), request, Recipe(**asked, search=rule))
    # A manifest of an earlier release names no rule: "auto-1" was all that there was.
    assert version.manifest.parameters.get("search", "auto-1") == rule
    check(f"snapshot enn of many rows by {rule}, digest", version.digest)
    check(f"snapshot enn of many rows by {rule}, training split", version.manifest.splits["train"].sha256)
    Path(version.uri, "lineage.parquet").unlink()
    assert rebuild_snapshot(tmp_path, name="many").digest == version.digest


SCHEMA = FeatureSchema(
    (
        Feature("a"),
        Feature("b", scale=0.5),
        Feature("night", "bool"),
        Feature("country", "string", categorical=True, categories=("CH", "DE", "FR", "US")),
    ),
    Label("fraud", classes=(0, 1)),
)


def coded(first, last):
    """Rows of `SCHEMA`, one in nine rare, and their numbers."""
    i = np.arange(first, last)
    rare = i % 9 == 0
    a, b = i * 7919 % 1009 / 1009 + rare / 3, i * 104729 % 997 / 997
    return np.column_stack([a, b, i * 17 % 5 < 2, i * 13 % 101 % 4]).astype(np.float32), rare.astype(np.int64), i


@pytest.fixture(scope="module")
def server():
    with EmbeddedServer() as running:
        yield running


@pytest.mark.parametrize("output_format", OutputFormat)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_streams(server, strategy, output_format):
    key = f"{strategy}-{output_format}"
    X, y, _ = coded(0, 1_200)
    with redis.Redis.from_url(server.url) as client:
        for at in range(0, len(X), 60):
            client.xadd(key, encode_batch(X[at : at + 60], y[at : at + 60]), id=f"{1_000 + at}-1")
        settings = Settings(
            SCHEMA, ratio=0.6, seed=5, strategy=strategy, clean=strategy == "adasyn", output_format=output_format
        )
        Worker(server.url, key, settings, until_idle_s=0.05).run()
        (keys,) = shard_keys(key)
        entries = client.xrange(keys.output)
        assert client.xlen(keys.dead) == 0
    written = [(number, *(part for field in fields.items() for part in field)) for number, fields in entries]
    check(f"stream {strategy}, {output_format}", *written)


OPTIONS = {
    "smote": {},
    "borderline": {"strategy": "borderline", "undersample": 0.3},
    "adasyn": {"strategy": "adasyn", "clean": True, "quota": "poisson"},
}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_online_resamplers_and_their_saved_state(strategy):
    online = OnlineResampler(SCHEMA, ratio=0.8, seed=5, capacity=150, window=600, **OPTIONS[strategy])
    batches = [online.process(*coded(at, at + 500)) for at in range(0, 2_000, 500)]
    fields = ("X", "y", "is_synthetic", "row_id", "base_id", "neighbor_id", "step")
    check(f"online {strategy}, rows", *([getattr(batch, field) for batch in batches] for field in fields))
    check(f"online {strategy}, configuration", online.config_hash)
    check(f"online {strategy}, state", online.to_bytes())


@pytest.mark.parametrize(("index", "effort"), [("exact", "effort-1"), ("graph", "effort-1"), ("graph", "effort-2")])
def test_buffers_and_their_saved_state(index, effort):
    buffer = MinorityBuffer(4, 700, index=index, effort=effort, categorical_features=[2, 3])
    X, _, i = coded(0, 1_500)
    buffer.insert(X, i)
    index += "" if effort == "effort-1" else f" by {effort}"
    check(f"buffer {index}, state", buffer.to_bytes())
    assert MinorityBuffer.from_bytes(buffer.to_bytes()).effort == buffer.effort
    made = buffer.sample(300, seed=5)
    check(f"buffer {index}, rows", made.X, made.base_id, made.neighbor_id, made.step)
    buffer.discard(i[-100::3])
    check(f"buffer {index}, neighbours", *buffer.kneighbors(X[:50], 5))
