"""Classes are counted and numbered as NumPy does it, without sorting where they are integers close together."""

import numpy as np
import pytest

from resampler.methods.labels import counted, encoded

LABELS = {
    "few": np.array([3, 1, 3, 1, 1], dtype=np.int64),
    "none": np.empty(0, dtype=np.int64),
    "all of a byte": np.array([-128, 127, 0, 127], dtype=np.int8),
    "greatest": np.array([2**64 - 1, 2**64 - 3], dtype=np.uint64),
    "least": np.array([-(2**63), -(2**63) + 5], dtype=np.int64),
    "far apart": np.array([-(2**63), 2**63 - 1, 0], dtype=np.int64),
    "booleans": np.array([True, False, True]),
    "text": np.array(["b", "a", "b"]),
    "reals": np.array([0.0, 2.0, 0.0]),
}


@pytest.mark.parametrize("name", LABELS)
def test_counted_and_numbered_as_numpy_does(name):
    y = LABELS[name]
    for found, wanted in (
        (counted(y), np.unique(y, return_counts=True)),
        (encoded(y), np.unique(y, return_inverse=True)),
    ):
        for ours, theirs in zip(found, wanted, strict=True):
            assert ours.dtype == theirs.dtype
            assert np.array_equal(ours, theirs)
