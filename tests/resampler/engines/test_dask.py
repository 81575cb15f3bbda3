"""Tasks on engine dask."""

from __future__ import annotations

import pytest
from engine_suite import LONG, EngineSuite, StartsSuite

pytestmark = pytest.mark.xdist_group("dask")


class TestDask(EngineSuite):
    engine = "dask"


@LONG
class TestDaskStarts(StartsSuite):
    engine = "dask"
