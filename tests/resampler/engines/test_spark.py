"""Tasks on engine spark."""

from __future__ import annotations

import pytest
from engine_suite import LONG, EngineSuite, StartsSuite

from resampler.engines.spark import has_java

pytestmark = [
    pytest.mark.xdist_group("spark"),
    pytest.mark.skipif(not has_java(), reason="Spark needs Java 17 or later, which is neither on PATH nor JAVA_HOME"),
]


class TestSpark(EngineSuite):
    engine = "spark"


@LONG
class TestSparkStarts(StartsSuite):
    engine = "spark"
    workers = (3,)
