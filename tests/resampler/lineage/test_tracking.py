"""What a request to MLflow costs."""

import os
import subprocess
import sys

import pytest

from resampler.errors import InvalidInputError
from resampler.lineage.models import Models

ASK = """
import socket, sys
silent = socket.create_server(("127.0.0.1", 0))
from resampler.errors import ResamplerError
from resampler.lineage.models import Models
try:
    Models(f"http://127.0.0.1:{silent.getsockname()[1]}").find("models:/fraud/prod")
except ResamplerError as error:
    assert "does not answer" in str(error), error
from mlflow.tracking.request_header.registry import _request_header_provider_registry as known
assert len(list(known)) >= 2
assert "feast" not in sys.modules
"""


def test_a_request_does_not_import_feast_whose_plugin_mlflow_loads():
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 0, done.stderr


def test_where_no_mlflow_is_named_none_is_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InvalidInputError, match="set MLFLOW_TRACKING_URI"):
        Models()
    assert list(tmp_path.iterdir()) == []
