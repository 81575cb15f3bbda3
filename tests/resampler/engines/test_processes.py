"""Tasks on engine processes."""

from __future__ import annotations

import signal

import pytest
from engine_suite import EngineSuite, StartsSuite

pytestmark = pytest.mark.xdist_group("processes")


class TestProcesses(EngineSuite):
    engine = "processes"


class TestProcessesStarts(StartsSuite):
    engine = "processes"
    signals = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
