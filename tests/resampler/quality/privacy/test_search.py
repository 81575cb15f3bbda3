"""Nearest points are the same in few dimensions, by a tree, and in many, by products of matrices."""

import numpy as np
import pytest

from resampler.quality.privacy.search import nearest_points


@pytest.mark.parametrize("d", [2, 10, 11, 40])
@pytest.mark.parametrize("n", [1, 6, 300])
def test_nearest_points_are_those_of_a_plain_loop(d, n):
    rng = np.random.default_rng(d)
    queries, among = rng.normal(size=(50, d)) + 1e3, rng.normal(size=(n, d)) + 1e3
    k = min(n, 5)
    distances, indices = nearest_points(queries, among, k)
    for i, query in enumerate(queries):
        naive = np.sqrt(((among - query) ** 2).sum(axis=1))
        order = np.argsort(naive)[:k]
        np.testing.assert_allclose(distances[i], naive[order], rtol=1e-9)
        assert indices[i].tolist() == order.tolist()


def test_a_point_that_is_there_is_at_no_distance():
    among = np.random.default_rng(0).normal(size=(400, 30)) * 1e4
    distances, indices = nearest_points(among, among, 1)
    assert not distances.any()
    assert indices[:, 0].tolist() == list(range(400))
