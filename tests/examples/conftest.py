"""The engines of the examples stand in environments of their own: they and Feast do not agree on versions."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENGINES = ROOT / ".cache" / "examples"


@pytest.fixture
def engine():
    """Path of a program of an engine's environment; the test is skipped where that has not been made."""

    def _find(environment, program):
        found = ENGINES / environment / "bin" / program
        if not found.exists():
            pytest.skip(f"{environment} is not installed: make test-examples")
        return str(found)

    return _find


@pytest.fixture
def example():
    return lambda name: ROOT / "examples" / "pipelines" / name


@pytest.fixture
def rows(tmp_path):
    """The turbofan rows, beside which a test may write."""
    return shutil.copy(ROOT / "examples" / "turbofan" / "data" / "turbofan.parquet", tmp_path / "turbofan.parquet")


@pytest.fixture
def run(tmp_path):
    """Run a command in the test's folder; our command line stands on its path, as in the image."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    def _run(words, **environment):
        where = {**os.environ, "PATH": path, **environment}
        done = subprocess.run(words, cwd=tmp_path, env=where, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return _run
