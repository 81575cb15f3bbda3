"""imbalanced-learn's own test-suite, whole, as its wheel ships it, with our classes in place of its own."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import imblearn
import pytest

ROOT = Path(imblearn.__file__).parent
PLUGIN = """
import imblearn.combine, imblearn.over_sampling, imblearn.under_sampling
from resampler import samplers

for module in (imblearn.combine, imblearn.over_sampling, imblearn.under_sampling):
    for name in samplers.__all__:
        if hasattr(module, name):
            setattr(module, name, getattr(samplers, name))
"""
# Every test that may fail, why, and how many times (a test runs once for each of its parameters).
ITS_ROWS = "compares with rows that its own random stream gave"
NO_DANGER = "wants no rows where none is in danger; one rule for all surfaces makes the plain method's, with a warning"
MAY_FAIL = {
    "over_sampling/_smote/tests/test_smote.py::test_sample_regular": (ITS_ROWS, 1),
    "over_sampling/_smote/tests/test_smote.py::test_sample_regular_half": (ITS_ROWS, 1),
    "over_sampling/_smote/tests/test_smote.py::test_sample_regular_with_nn": (ITS_ROWS, 1),
    "over_sampling/_smote/tests/test_borderline_smote.py::test_borderline_smote_no_in_danger_samples": (NO_DANGER, 2),
    "over_sampling/tests/test_adasyn.py::test_ada_fit_resample": (ITS_ROWS, 1),
    "over_sampling/tests/test_adasyn.py::test_ada_fit_resample_nn_obj": (ITS_ROWS, 1),
    "over_sampling/tests/test_random_over_sampler.py::test_ros_fit_resample": (ITS_ROWS, 6),
    "under_sampling/_prototype_selection/tests/test_random_under_sampler.py::test_rus_fit_resample": (ITS_ROWS, 2),
    "under_sampling/_prototype_selection/tests/test_random_under_sampler.py::test_rus_fit_resample_half": (ITS_ROWS, 1),
    "combine/tests/test_smote_enn.py::test_sample_regular": (ITS_ROWS, 1),
    "combine/tests/test_smote_enn.py::test_sample_regular_pass_smote_enn": (ITS_ROWS, 1),
    "combine/tests/test_smote_enn.py::test_validate_estimator_init": (ITS_ROWS, 1),
    "combine/tests/test_smote_enn.py::test_validate_estimator_default": (ITS_ROWS, 1),
    "combine/tests/test_smote_tomek.py::test_sample_regular": (ITS_ROWS, 1),
    "combine/tests/test_smote_tomek.py::test_sample_regular_half": (ITS_ROWS, 1),
    "combine/tests/test_smote_tomek.py::test_validate_estimator_init": (ITS_ROWS, 1),
    "combine/tests/test_smote_tomek.py::test_validate_estimator_default": (ITS_ROWS, 1),
    "utils/tests/test_min_dependencies.py::test_min_dependencies_readme": ("reads a README that no wheel holds", 1),
}


@pytest.mark.slow
def test_only_tests_of_its_random_stream_fail(tmp_path):
    (tmp_path / "swap_in_ours.py").write_text(PLUGIN)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "swap_in_ours", "-p", "no:cacheprovider", "-c", os.devnull]
    done = subprocess.run(
        [*command, f"--rootdir={ROOT}", "-rA", "--tb=line", str(ROOT)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    failed = [line.split()[1] for line in lines if line.startswith(("FAILED ", "ERROR "))]
    passed = sum(line.startswith("PASSED ") for line in lines)
    times = Counter(node.partition("[")[0].rpartition("/imblearn/")[2] for node in failed)
    assert times == {node: times_ for node, (_, times_) in MAY_FAIL.items()}, done.stdout[-3000:]
    assert passed >= 2400  # fewer where numpydoc is not installed
