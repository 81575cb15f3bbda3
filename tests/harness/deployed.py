"""What is committed in `deploy`, as a game day loads it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import yaml
from prometheus import ROOT
from scaled import scaled_route, scaled_rules

FACTOR = 30  # an hour in two minutes; a worker that starts anew, in seconds of its own, must not take an hour of it

long = pytest.mark.skipif(os.environ.get("GAMEDAY") != "long", reason="takes minutes: make gameday")


def load(path):
    """Return a file of `deploy`."""
    return yaml.safe_load((ROOT / "deploy" / path).read_text())


def rules(factor=FACTOR):
    """Return the files of rules, faster."""
    return [scaled_rules(load(f"prometheus/{name}.yaml"), factor) for name in ("recordings", "alerts")]


def route(factor=FACTOR):
    """Return the configuration of Alertmanager, faster."""
    config = load("alertmanager/alertmanager.yaml")
    return config | {"route": scaled_route(config["route"], factor)}


def resampler(*arguments, expect=0, environment=None):
    """Run the command line; return what it printed."""
    command = [sys.executable, "-m", "resampler", *map(str, arguments)]
    where = os.environ | (environment or {})
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=where)
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout
