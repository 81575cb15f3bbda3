"""Who is told: by what users of OpenLineage and MLflow set anyway; nothing is imported to find out."""

import os
import subprocess
import sys

import pytest

from resampler.lineage.settings import Settings

OFF = ("openlineage", "mlflow", "requests", "attr", "feast")
PUBLISH = f"""
import sys, pyarrow as pa, numpy as np, warnings
warnings.simplefilter("ignore")
from feast_plugin import alias_snapshot, create_snapshot
rows = pa.table({{"id": np.arange(300), "a": np.arange(300) % 17 * 1.0, "y": np.arange(300) % 6 == 0}})
create_snapshot(sys.argv[1], name="t", entity_df=rows, label="y", join_keys=["id"], ratio=0.5, strict=False)
alias_snapshot(sys.argv[1], name="t", alias="prod")
print(sorted(set({OFF}) & set(sys.modules)))
"""
EXPLAIN = f"""
import sys
from resampler.commands.explain import explain
explain(["snapshot:t:prod", "--catalog", sys.argv[1]], standalone_mode=False)
print(sorted(set({(*OFF, "pandas")}) & set(sys.modules)))
"""


@pytest.fixture
def environment(monkeypatch, tmp_path):
    for name in [one for one in os.environ if one.startswith(("OPENLINEAGE", "MLFLOW"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return monkeypatch


def test_nobody_is_told_by_default(environment):
    assert Settings.from_environment() == Settings()
    assert Settings.from_environment().addressed == ()


@pytest.mark.parametrize("name", ["OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE__TRANSPORT__TYPE"])
def test_openlineage_is_told_where_its_client_finds_a_transport(name, environment):
    environment.setenv(name, "http://localhost:5000")
    assert Settings.from_environment().addressed == ("openlineage",)
    assert Settings.from_environment().openlineage.namespace == "resampler"
    environment.setenv("OPENLINEAGE_NAMESPACE", "ours")
    assert Settings.from_environment().openlineage.namespace == "ours"
    environment.setenv("OPENLINEAGE_DISABLED", "True")
    assert Settings.from_environment().addressed == ()


@pytest.mark.parametrize("folder", [".", ".openlineage"])
def test_or_a_file(folder, environment, tmp_path):
    (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / folder / "openlineage.yml").write_text("transport:\n  type: console\n")
    assert Settings.from_environment().addressed == ("openlineage",)


def test_mlflow_is_told_where_its_server_is_named(environment):
    environment.setenv("MLFLOW_TRACKING_URI", "http://me:s3cret@localhost")
    found = Settings.from_environment()
    assert (found.addressed, found.mlflow.experiment) == (("mlflow",), "resampler")
    assert "s3cret" not in repr(found)
    environment.setenv("MLFLOW_EXPERIMENT_NAME", "fraud")
    assert Settings.from_environment().mlflow.experiment == "fraud"


def test_nothing_is_imported_where_nobody_is_told_nor_to_explain(environment, tmp_path):
    for code in (PUBLISH, EXPLAIN):
        found = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "c")], capture_output=True, text=True, timeout=300, check=True
        )
        assert found.stdout.splitlines()[-1] == "[]", found.stdout
    assert not (tmp_path / "c" / "t" / "outbox").exists()
