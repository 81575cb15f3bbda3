"""What every wing's tests share."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Kernels compile in the first example, and machines are noisy: no test depends on how long anything takes.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", parent=settings.get_profile("project"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "project"))
