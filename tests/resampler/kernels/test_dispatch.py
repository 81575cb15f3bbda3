"""Call sites of kernels: what a kernel returns, whatever was remembered, and no look at types after the first call."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from numba import config

from resampler.kernels.dispatch import CallSite
from resampler.kernels.online.window import RANGES, follow


def highest_of(site, ids):
    highest = np.full(RANGES, -1, dtype=np.int64)
    return site(ids, highest), highest.tolist()


def test_a_call_site_returns_what_its_kernel_does():
    site = CallSite(follow)
    for ids in (np.arange(3), np.arange(0), np.array([2, 2]), np.arange(5, 9)):
        assert highest_of(site, ids) == highest_of(follow, ids)


@pytest.mark.skipif(config.DISABLE_JIT, reason="nothing is compiled")
def test_types_are_looked_at_once():
    class Counting:
        """A kernel that says how often it was asked for a fitting version."""

        def __init__(self):
            self.calls, self.overloads, self.typeof_pyval = 0, follow.overloads, follow.typeof_pyval

        def __call__(self, *arguments):
            self.calls += 1
            return follow(*arguments)

    kernel = Counting()
    site = CallSite(kernel)
    for _ in range(3):
        assert highest_of(site, np.arange(3)) == highest_of(follow, np.arange(3))
    assert kernel.calls == 1


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda site: pickle.loads(pickle.dumps(site))])  # noqa: S301
def test_a_copy_looks_for_itself(copied):
    site = CallSite(follow)
    highest_of(site, np.arange(3))
    assert highest_of(copied(site), np.arange(3)) == highest_of(follow, np.arange(3))
