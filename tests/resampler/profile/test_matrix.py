"""A matrix is counted as its columns are."""

import numpy as np
import pyarrow as pa

from resampler.profile.cells import Cells
from resampler.profile.matrix import MatrixCounter


def test_counts_of_a_matrix_are_those_of_its_columns():
    rng = np.random.default_rng(0)
    n = 3_000
    numbers = rng.normal(size=n).astype(np.float32)
    numbers[::7] = np.nan
    categories = [f"v{i:02}" for i in range(40)]
    codes = np.minimum(rng.poisson(9, n), 39)
    names = [None if i % 11 == 0 else categories[code] for i, code in enumerate(codes)]
    columns = {"x": pa.chunked_array([pa.array(numbers)]), "c": pa.chunked_array([names])}
    cells = {name: Cells.fitted(column, categorical=name == "c") for name, column in columns.items()}
    counter = MatrixCounter(cells, {"c": categories}, n_groups=2)
    rows = np.stack([numbers, np.where(np.arange(n) % 11 == 0, np.nan, codes)], axis=1).astype(np.float32)
    groups = rng.integers(0, 2, n)
    for start in range(0, n, 1_000):
        counter.add(rows[start : start + 1_000].copy(), groups[start : start + 1_000])
    for j, (name, column) in enumerate(columns.items()):
        wanted = cells[name].count(column, groups, 2)
        assert cells[name].of_places(counter.counts[:, j]).tolist() == wanted.tolist()
