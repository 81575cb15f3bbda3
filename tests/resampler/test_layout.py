"""Arrays of any layout enter the batch side without a compilation of their own, and right ones without a copy."""

from contextlib import contextmanager

import numpy as np
import pytest
from harness.one_class import one_class
from numba.core import event

from resampler import samplers
from resampler.layout import as_kernel_array, as_kernel_rows
from resampler.neighbors import nearest_rows
from resampler.samplers import replay


def read_only(array):
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def strided(array):
    twice = np.empty((2 * len(array), *array.shape[1:]), dtype=array.dtype)
    twice[::2] = array
    return twice[::2]


def unaligned(array):
    return np.frombuffer(b"x" + array.tobytes(), dtype=np.uint8)[1:].view(array.dtype).reshape(array.shape)


def of_other_order(array):
    return array.astype(array.dtype.newbyteorder(">"))


LAYOUTS = (read_only, strided, np.asfortranarray, unaligned, of_other_order)


class Compilations(event.Listener):
    def __init__(self):
        self.names = []

    def on_start(self, happened):
        self.names.append(f"{happened.data['dispatcher']}{happened.data['args']}")

    def on_end(self, happened):
        pass


@contextmanager
def compilations():
    """Count what Numba says itself that it compiles."""
    listener = Compilations()
    event.register("numba:compile", listener)
    try:
        yield listener.names
    finally:
        event.unregister("numba:compile", listener)


def batch(X, y, ids, layout):
    """Everything of the batch side that takes arrays; what it gives, as bytes."""
    given, found = layout(X), []
    for sampler in (
        samplers.SMOTE(random_state=0),
        samplers.SMOTE(random_state=0, group_by=3),
        samplers.SMOTE(random_state=0, neighbors="approximate"),
        samplers.BorderlineSMOTE(random_state=0),
        samplers.ADASYN(random_state=0),
        samplers.SVMSMOTE(random_state=0),
        samplers.SMOTENC([3], random_state=0),
        samplers.EmbeddingSMOTE(random_state=0),
        samplers.RandomOverSampler(random_state=0, shrinkage=0.5),
        samplers.SMOTETomek(random_state=0),
        samplers.SMOTEENN(random_state=0),
        samplers.TomekLinks(),
    ):
        found.append(sampler.fit_resample(given, layout(y))[0])
        if hasattr(sampler, "provenance_"):
            kept = sampler.provenance_
            found.append(replay(given, kept._replace(**{f: layout(getattr(kept, f)) for f in PARENTS})))
    mask = layout(np.arange(4) == 3)
    for options in ({}, {"categorical_mask": mask, "scale": layout(np.ones(4))}):
        made = one_class(given, 30, row_ids=layout(ids), **options)
        found += [made.X, made.base_id, made.neighbor_id]
    for method in ("exact", "approximate"):
        options = {"row_ids": layout(ids), "queries": layout(np.arange(9))}
        found.append(nearest_rows(given, 3, method=method, **options).indices)
    return [array.astype(array.dtype.newbyteorder("=")).tobytes() for array in found]


PARENTS = ("base", "neighbor", "step", "donor")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_of_any_layout_are_not_compiled_for(dtype):
    X = np.random.default_rng(0).normal(size=(120, 4)).astype(dtype)
    X[:, 3] = np.arange(120) % 2
    y, ids = np.repeat([0, 1], [90, 30]), np.arange(120)[::-1].copy()
    want = batch(X, y, ids, np.copy)
    native = [layout for layout in LAYOUTS if layout is not of_other_order]
    with compilations() as names:
        for layout in native:
            assert batch(X, y, ids, layout) == want
    assert names == []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_rows_are_copied_only_where_they_must_be(layout):
    for dtype in (np.float32, np.float64):
        X = np.arange(12, dtype=dtype).reshape(4, 3)
        assert as_kernel_rows(X) is X
        assert as_kernel_array(X, dtype) is X
        rows = as_kernel_rows(layout(X))
        assert rows.dtype.isnative
        assert rows.flags.c_contiguous
        assert rows.flags.aligned
        assert rows.flags.writeable
        assert np.array_equal(rows, X)
    assert as_kernel_rows([[1, 2]]).dtype == np.float64


def test_shrinkage_takes_the_other_byte_order():
    X, y = np.random.default_rng(0).normal(size=(60, 2)), np.repeat([0, 1], [45, 15])
    sampler = samplers.RandomOverSampler(random_state=0, shrinkage=0.5)
    assert np.array_equal(sampler.fit_resample(of_other_order(X), y)[0], sampler.fit_resample(X, y)[0])
