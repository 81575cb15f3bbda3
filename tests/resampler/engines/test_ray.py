"""Tasks on engine ray."""

from __future__ import annotations

import os

import pytest
from engine_suite import LONG, EngineSuite, StartsSuite

# Ray kills workers when the machine is full, whoever filled it: tests run beside others.
os.environ["RAY_memory_monitor_refresh_ms"] = "0"  # noqa: SIM112 - as Ray reads it
pytestmark = pytest.mark.xdist_group("ray")


class TestRay(EngineSuite):
    engine = "ray"


@LONG
class TestRayStarts(StartsSuite):
    engine = "ray"
    lingering = ("ray::DashboardAgent", "ray::RuntimeEnvAgent")  # up to a minute
