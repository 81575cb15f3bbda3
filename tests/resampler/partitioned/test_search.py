"""Searches whose queries are divided among tasks find what a search in one process finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from resampler.engines.catalog import open_engine
from resampler.engines.settings import EngineSettings
from resampler.engines.workplace import Workplace
from resampler.methods.table import Search, Table
from resampler.partitioned.search import PartedSearch

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

K = 5


@pytest.fixture(scope="module")
def running() -> Any:
    with open_engine(EngineSettings(engine="processes", workers=2)) as engine:
        yield engine


def made(n: int, d: int, kind: str, seed: int = 0) -> tuple[Table, NDArray[np.float64] | None]:
    """Rows of one kind, with identities out of order, and what a differing category counts."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    penalty = None
    if kind == "ties":
        X = np.rint(X)
    if kind == "categories":
        X[:, ::3] = rng.integers(0, 4, X[:, ::3].shape)
        penalty = np.where(np.arange(d) % 3 == 0, 0.8, -1.0)
    if kind == "nulls":
        X[rng.random(X.shape) < 0.1] = np.nan
    units = np.linspace(0.5, 2, d) if kind == "units" else None
    if kind == "float32":
        X = X.astype(np.float32)
    return Table(X, np.zeros(n), rng.permutation(3 * n)[:n], units=units), penalty


def searched(search: Search, table: Table, penalty: Any, queries: NDArray[np.int64]) -> NDArray[np.int64]:
    return search.find(table, table.X, queries, K, "a", penalty, np.arange(len(table.X)))


@pytest.mark.parametrize("options", [("exact", None), ("approximate", None), ("exact", 0.6)])
@pytest.mark.parametrize("kind", ["float32", "float64", "ties", "units", "categories", "nulls"])
def test_what_tasks_find_is_what_one_search_finds(
    kind: str, options: tuple[str, float | None], tmp_path: Path, running: Any
) -> None:
    table, penalty = made(5_000, 10, kind)
    queries = np.random.default_rng(1).permutation(5_000)[:3_000]
    whole = Search(options[0], least_recall=options[1])
    parted = PartedSearch(Workplace(tmp_path, running), *options)
    want, got = (searched(one, table, penalty, queries) for one in (whole, parted))
    assert np.array_equal(got, want)
    assert (parted.recall, parted.intervals) == (whole.recall, whole.intervals)
