"""Tasks on engine dask."""

from __future__ import annotations

import pytest
from engine_suite import EngineSuite, StartsSuite

pytestmark = pytest.mark.xdist_group("dask")


class TestDask(EngineSuite):
    engine = "dask"


class TestDaskStarts(StartsSuite):
    engine = "dask"
