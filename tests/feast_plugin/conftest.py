"""A small Feast project of mixed types, on real stores and a real registry, made anew for each test."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.labeling import LabelView
from feast.types import Array, Bool, Float32, Float64, Int64, String

from feast_plugin import create_snapshot, forget_entity, verify_snapshot
from feast_plugin.versions.files.catalog import Catalog
from feast_plugin.versions.inputs.tombstones import Tombstones
from resampler.storage import Location

if TYPE_CHECKING:
    from pathlib import Path

N_CUSTOMERS = 40
ROWS_EACH = 10
START = np.datetime64("2024-03-01T00:00:00", "us")


def payments_table(seed: int = 7) -> pa.Table:
    """400 rows, one in ten fraud; fraud differs in every column, so that synthetic rows can be told to fit."""
    rng = np.random.default_rng(seed)
    n = N_CUSTOMERS * ROWS_EACH
    customer = np.repeat(np.arange(1, N_CUSTOMERS + 1), ROWS_EACH)
    seconds = rng.permutation(n) * 3_600
    fraud = (rng.random(n) < 0.1).astype(np.int64)
    fraud[:: ROWS_EACH * 4] = 1
    emb = (rng.normal(size=(n, 3)) + 4 * fraud[:, None]).astype(np.float32)
    country = np.where(fraud == 1, rng.choice(["FR", "US"], n), rng.choice(["CH", "DE", "FR"], n))
    return pa.table(
        {
            "customer_id": customer,
            "event_timestamp": pa.array(START + seconds.astype("timedelta64[s]"), pa.timestamp("us", "UTC")),
            "amount": rng.gamma(2.0, 30.0, n) + 500 * fraud,
            "score": rng.random(n).astype(np.float32) + fraud.astype(np.float32),
            "visits": rng.integers(0, 50, n) + 2**40 * fraud,
            "night": rng.random(n) < 0.3,
            "country": pa.array(country, pa.string()),
            "emb": pa.FixedSizeListArray.from_arrays(pa.array(emb.ravel()), 3).cast(pa.list_(pa.float32())),
            "fraud": fraud,
            "verdict": pa.array(np.where(fraud == 1, "bad", "good"), pa.string()),
        }
    )


@dataclasses.dataclass(frozen=True)
class Project:
    """A Feast repository on disk."""

    path: Path
    store: FeatureStore
    table: pa.Table

    @property
    def source(self) -> Path:
        return self.path / "payments.parquet"

    @property
    def root(self) -> Path:
        return self.path / "snapshots"

    def frame(self, *columns: str) -> pa.Table:
        return self.table.select(["customer_id", "event_timestamp", *(columns or ("fraud",))])

    def catalog(self) -> Catalog:
        return Catalog(Location.parse(self.root), "pay")

    def check(self, version: int | None = None):
        return verify_snapshot(self.reopened(), name="pay", root=self.root, version=version)

    def names(self) -> list[str]:
        return sorted(d.name for d in self.reopened().list_saved_datasets())

    def forget(self, entity):
        return forget_entity(self.reopened(), name="pay", root=self.root, entity=entity)

    def customers(self, version: int) -> set[int]:
        files = (self.root / "pay" / f"v{version:04d}").glob("*/part-*.parquet")
        return {customer for file in files for customer in pq.read_table(file)["customer_id"].to_pylist()}

    def bury(self, key: str, value: int) -> None:
        """Leave what a forget leaves that was killed behind its tombstone, before any version was replaced."""
        Tombstones.read(self.catalog().home).add([{key: pa.scalar(value)}])

    def reopened(self) -> FeatureStore:
        return FeatureStore(repo_path=str(self.path))

    def create(self, **options):
        defaults = {
            "name": "pay",
            "feature_service": "numbers",
            "entity_df": self.frame(),
            "label": "fraud",
            "ratio": 0.5,
            "seed": 1,
            "k_neighbors": 3,
            "root": self.root,
        }
        return create_snapshot(self.reopened(), **(defaults | options))


def make_project(
    path: Path, *, offline: str = "dask", registry: str | None = None, table=None, source: str | None = None
) -> Project:
    path.mkdir(parents=True, exist_ok=True)
    registry_yaml = registry or "registry: registry.db"
    (path / "feature_store.yaml").write_text(
        f"project: shop\nprovider: local\n{registry_yaml}\n"
        "online_store:\n  type: sqlite\n  path: online.db\n"
        f"offline_store:\n  type: {offline}\nentity_key_serialization_version: 3\n"
    )
    table = payments_table() if table is None else table
    # Feast cannot type a list column under Parquet's own name for its elements.
    pq.write_table(table, path / "payments.parquet", use_compliant_nested_type=False)
    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.INT64)
    payments = FileSource(
        name="payments", path=source or str(path / "payments.parquet"), timestamp_field="event_timestamp"
    )
    common = {"entities": [customer], "ttl": timedelta(days=1), "source": payments, "online": False}
    numbers = FeatureView(
        name="numbers", schema=[Field(name="amount", dtype=Float64), Field(name="score", dtype=Float32)], **common
    )
    mixed = FeatureView(
        name="mixed",
        schema=[
            Field(name="visits", dtype=Int64),
            Field(name="night", dtype=Bool),
            Field(name="country", dtype=String),
        ],
        **common,
    )
    vectors = FeatureView(name="vectors", schema=[Field(name="emb", dtype=Array(Float32))], **common)
    labels = LabelView(
        name="verdicts",
        schema=[Field(name="customer_id", dtype=Int64), Field(name="verdict", dtype=String)],
        entities=[customer],
        source=payments,
        online=False,
    )
    store = FeatureStore(repo_path=str(path))
    store.apply(
        [
            customer,
            numbers,
            mixed,
            vectors,
            labels,
            FeatureService(name="numbers", features=[numbers]),
            FeatureService(name="all", features=[numbers, mixed, vectors]),
        ]
    )
    return Project(path, store, table)


@pytest.fixture
def project_of():
    """A project around a store of the test's own; the rows are those of `make`."""
    return lambda path, store: Project(path, store, payments_table())


@pytest.fixture
def make(tmp_path):
    def make_in(name: str = "repo", **options) -> Project:
        return make_project(tmp_path / name, **options)

    return make_in


@pytest.fixture
def project(make) -> Project:
    return make()
