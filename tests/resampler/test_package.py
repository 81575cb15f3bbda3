import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import resampler

ROOT = Path(__file__).resolve().parents[2]


def test_import_is_light():
    code = """
import sys, resampler
assert set(resampler.__all__) <= set(dir(resampler))
resampler.FeatureSchema, resampler.OnlineResampler, resampler.MinorityBuffer
heavy = {"redis", "feast", "pandas", "sklearn", "imblearn", "pyarrow", "click"} & set(sys.modules)
sys.exit(f"imported {heavy}" if heavy else 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_there():
    for name in resampler.__all__:
        assert getattr(resampler, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        resampler.nonsense  # noqa: B018


def test_a_missing_extra_is_told_with_the_command_that_installs_it():
    code = """
import sys
for name in ("feast", "redis", "jinja2"):
    sys.modules[name] = None  # what an installation of the core alone finds
import feast_plugin, stream
for ask in (lambda: feast_plugin.augment, lambda: feast_plugin.create_snapshot, lambda: stream.Worker):
    try:
        ask()
    except ImportError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "feast_plugin.augment needs feast: pip install 'feast-resampler[feast]'",
        "feast_plugin.create_snapshot needs jinja2: pip install 'feast-resampler[snapshot]'",
        "stream.Worker needs redis: pip install 'feast-resampler[stream]'",
    ]


def test_the_wheel_holds_the_three_packages_and_nothing_else(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {t for t in tops if not t.endswith(".dist-info")} == {"resampler", "stream", "feast_plugin"}
    assert not [n for n in names if n.endswith((".parquet", ".nbi", ".nbc", ".pyc"))]
    for package in ("resampler", "stream", "feast_plugin"):
        assert f"{package}/py.typed" in names
