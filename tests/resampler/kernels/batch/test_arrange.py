"""Rows are put in an order in which those of a cell, and of a group, are near each other; none is lost."""

import numpy as np
import pytest

from resampler.kernels.batch.arrange import LONGEST, SIDE, arrange, furthest, quantise
from resampler.kernels.batch.cells import CELL_ROWS

GROUP = 8


def widths(rows, order, size):
    """Return the mean squared diagonal of the boxes around every `size` rows."""
    whole = rows[order[: len(order) // size * size]].reshape(-1, size, rows.shape[1])
    return ((whole.max(axis=1) - whole.min(axis=1)) ** 2).sum(axis=1).mean()


def tables(n):
    rng = np.random.default_rng(0)
    isotropic = rng.normal(size=(n, 5))
    return {
        "isotropic": isotropic,
        "on a line": rng.normal(size=(n, 1)) * rng.normal(size=5),
        "far out": np.concatenate([isotropic[1:], np.full((1, 5), 1e9)]),
        "equal": np.ones((n, 5)),
    }


@pytest.mark.parametrize("n", [1, 7, 128, 129, 700])
@pytest.mark.parametrize("name", ["isotropic", "on a line", "far out", "equal"])
def test_near_rows_stand_together(name, n):
    rows = tables(n)[name]
    sketches = np.empty((n, SIDE), dtype=np.int16)
    center = rows[:9].mean(axis=0)
    length = max(furthest(rows, center, 0, n // 2), furthest(rows, center, n // 2, n))
    assert np.isclose(length, np.linalg.norm(rows - center, axis=1).max())
    grain = max(length / LONGEST, 1e-150)
    for first, last in ((0, n // 2), (n // 2, n)):
        quantise(rows, center, grain, first, last, sketches)
    assert np.abs(sketches[:, :5] * grain + center - rows).max() <= grain * 0.51
    assert (sketches[:, 5:] == 0).all()
    assert (np.sqrt((sketches.astype(float) ** 2).sum(axis=1)) <= LONGEST + 5).all()
    order = np.arange(n, dtype=np.int32)
    arrange(sketches, order, 0, n, GROUP, CELL_ROWS)
    assert sorted(order.tolist()) == list(range(n))
    if n > 2 * CELL_ROWS and name in ("isotropic", "on a line"):
        as_given = np.arange(n)
        assert widths(rows, order, CELL_ROWS) < 0.7 * widths(rows, as_given, CELL_ROWS)
        assert widths(rows, order, GROUP) < 0.5 * widths(rows, as_given, GROUP)


def test_only_the_rows_of_the_range_are_moved():
    sketches = np.random.default_rng(0).integers(-9, 9, (600, SIDE)).astype(np.int16)
    order = np.arange(600, dtype=np.int32)
    arrange(sketches, order, 100, 500, GROUP, CELL_ROWS)
    assert order[:100].tolist() + order[500:].tolist() == [*range(100), *range(500, 600)]
    assert sorted(order[100:500].tolist()) == list(range(100, 500))
