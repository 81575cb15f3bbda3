"""The image: what it is built of, and kernels that fit another machine as they are."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from image import DOCKERFILE, OTHER_HOST, compiler_environment, instructions

from resampler.cli import resampler

ROOT = DOCKERFILE.parents[2]
# Calls one kernel; says what was compiled for it, and for which processor.
SCRIPT = """
import json
import numpy as np
from numba.core import event
from numba.core.registry import cpu_target

compiled = event.install_recorder("numba:compile")
with compiled as found:
    from resampler.kernels.random import rank_keys
    out = np.empty(3, dtype=np.uint64)
    rank_keys(np.uint64(7), 1, np.arange(3), out)
print(json.dumps([len(found.buffer), *cpu_target.target_context.codegen().magic_tuple()[1:], out.tolist()]))
"""


@pytest.fixture
def run(tmp_path):
    """Return what runs the script on a copy of the kernels, with a cache of its own: as where an image was made."""
    shutil.copytree(ROOT / "resampler", tmp_path / "site" / "resampler", ignore=shutil.ignore_patterns("__pycache__"))
    outside = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    given = {"PYTHONPATH": str(tmp_path / "site"), "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/nonexistent"}

    def run(script, environment):
        env = outside | given | environment | {"NUMBA_CACHE_DIR": str(tmp_path / "kernels")}
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", script], env=env, capture_output=True, text=True, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.mark.compiled
def test_kernels_of_the_image_fit_another_machine(run, tmp_path):
    n_compiled, name, features, out = run(SCRIPT, compiler_environment())
    assert n_compiled
    assert {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features} == {
        key: value for key, value in compiler_environment().items() if "CPU" in key
    }
    for path in (tmp_path / "site").rglob("*.py"):  # layers of an image keep whole seconds
        os.utime(path, (0, int(path.stat().st_mtime)))
    before = sorted((tmp_path / "kernels").rglob("*"))
    for path in before:
        path.chmod(0o500 if path.is_dir() else 0o400)
    assert run(OTHER_HOST + SCRIPT, compiler_environment()) == [0, name, features, out]
    assert sorted((tmp_path / "kernels").rglob("*")) == before
    for path in before:
        path.chmod(0o700)


@pytest.mark.compiled
def test_kernels_of_no_named_processor_fit_the_machine_alone(run):
    assert run(SCRIPT, {})[0]
    n_compiled, name, _, _ = run(OTHER_HOST + SCRIPT, {})
    assert n_compiled
    assert name == "haswell"


def test_the_image_runs_our_command_without_rights():
    found = dict(instructions())
    assert json.loads(found["ENTRYPOINT"]) == [resampler.name]
    assert found["USER"] not in {"0", "root"}
    assert found["USER"].partition(":")[0].isdigit()  # so that Kubernetes can see that it is not root


def test_what_the_image_is_built_of_is_all_that_is_sent():
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert "*" in (ROOT / ".dockerignore").read_text().splitlines()
    project = (ROOT / "pyproject.toml").read_text()
    assert sent == {"pyproject.toml", "README.md", "LICENSE", "resampler", "stream", "feast_plugin"}
    assert 'packages = ["resampler", "stream", "feast_plugin"]' in project
    assert all((ROOT / Path(name)).exists() for name in sent)
