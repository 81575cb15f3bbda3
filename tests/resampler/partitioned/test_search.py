"""Searches whose queries are divided among tasks find what a search in one process finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from resampler import search_rule
from resampler.engines.catalog import open_engine
from resampler.engines.settings import EngineSettings
from resampler.engines.workplace import Workplace
from resampler.methods.table import Search, Table
from resampler.neighbors import nearest_rows
from resampler.partitioned import indexing, search
from resampler.partitioned.search import PartedSearch
from resampler.regions import tree
from resampler.regions.region import build_regions

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

K = 5
pytestmark = pytest.mark.compiled


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


def searched(by: Search, table: Table, penalty: Any, queries: NDArray[np.int64]) -> NDArray[np.int64]:
    return by.find(table, table.X, queries, K, "a", penalty, np.arange(len(table.X)))


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
    assert (parted.recall, parted.intervals, parted.exact) == (whole.recall, whole.intervals, whole.exact)


@pytest.mark.parametrize("least_recall", [None, 0.6])
@pytest.mark.parametrize("kind", ["float32", "float64", "ties", "units", "categories", "tiny"])
def test_several_regions_find_what_one_finds(
    kind: str, least_recall: float | None, tmp_path: Path, running: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, penalty = made(6_000, 10, "float64" if kind == "tiny" else kind)
    if kind == "tiny":  # squares vanish: rows are multiplied by a power of two that all of them decide
        table = table._replace(X=table.X * 1e-200)
    queries = np.random.default_rng(1).permutation(6_000)[:3_000]
    one = searched(Search(), table, penalty, queries)
    monkeypatch.setattr(tree, "REGION_BYTES", 2**17)
    monkeypatch.setattr(indexing, "PART_ROWS", 1_700)
    whole = Search(least_recall=least_recall)
    parted = PartedSearch(Workplace(tmp_path / "a", running), least_recall=least_recall)
    want, got = (searched(one, table, penalty, queries) for one in (whole, parted))
    assert len(list((tmp_path / "a/search/000/region").iterdir())) >= 3
    assert np.array_equal(got, want)
    assert (parted.recall, parted.intervals) == (whole.recall, whole.intervals)
    if least_recall is None:
        assert np.array_equal(got, one)
        return
    shared = np.mean([len(np.intersect1d(a, b)) / K for a, b in zip(got, one, strict=True)])
    assert shared > least_recall - 0.05
    monkeypatch.setattr(indexing, "PART_ROWS", 900)  # another cut, and another order
    shuffle = np.random.default_rng(2).permutation(6_000)
    again = PartedSearch(Workplace(tmp_path / "b", running), least_recall=least_recall)
    at = np.argsort(shuffle)[queries]
    found = searched(again, table.take(shuffle), penalty, at)
    assert np.array_equal(shuffle[found], got)


def test_a_region_of_equal_rows_is_cut_by_their_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    X = np.ones((3_000, 3), dtype=np.float32)
    X[:100] = np.random.default_rng(0).normal(size=(100, 3))
    want = nearest_rows(X, K).indices
    monkeypatch.setattr(tree, "REGION_BYTES", 2**14)
    found, _ = build_regions(X, np.arange(3_000), np.ones(3, X.dtype), -np.ones(3, X.dtype))
    assert max(len(one.ids) for one in found) <= 1.5 * tree.region_rows(3, 4)
    assert sorted(np.concatenate([one.order for one in found])) == list(range(3_000))
    assert np.array_equal(nearest_rows(X, K).indices, want)


def test_what_an_exact_search_takes_is_said_before_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, penalty = made(3_000, 10, "float32")
    monkeypatch.setattr(search, "_MANY_CELLS", 10)
    monkeypatch.setattr(search, "_LONG_S", 1e-6)
    with open_engine(EngineSettings(engine="inline")) as engine:
        parted = PartedSearch(Workplace(tmp_path, engine))
        with pytest.warns(search.CostWarning, match=r"3,000 of 3,072 rows will take about 0 core-seconds: a recall"):
            found = searched(parted, table, penalty, np.arange(3_000))
    assert np.array_equal(found, searched(Search(), table, penalty, np.arange(3_000)))


def test_rows_in_a_file_stay_there_and_a_search_is_not_made_twice(tmp_path: Path, running: Any) -> None:
    table, penalty = made(3_000, 10, "float32")
    np.save(tmp_path / "rows.npy", table.X)
    table = table._replace(X=np.load(tmp_path / "rows.npy", mmap_mode="c"))
    found = [
        searched(PartedSearch(Workplace(tmp_path / "work", running)), table, penalty, np.arange(3_000))
        for _ in range(2)
    ]
    assert np.array_equal(*found)
    assert sorted(one.stem for one in (tmp_path / "work/search/000/rows").glob("*.npy")) == ["ids"]


@pytest.mark.parametrize(("n", "d", "recall"), [(20_000, 16, 0.5), (20_000, 28, 0.9)])
@pytest.mark.parametrize("kind", ["isotropic", "clustered", "mixed"])
def test_the_recall_that_is_said_is_that_of_all_rows(n: int, d: int, recall: float, kind: str) -> None:
    rng = np.random.default_rng(d)
    X = rng.normal(size=(n, d))
    clustered = rng.normal(size=(20, d))[rng.integers(0, 20, n)] * 5 + X @ (rng.normal(size=(d, d)) / d)
    X = {"isotropic": X, "clustered": clustered, "mixed": np.concatenate([X[: n // 2], clustered[n // 2 :]])}[kind]
    X = X.astype(np.float32)
    exact, found = nearest_rows(X, K).indices, nearest_rows(X, K, recall=recall)
    shared = float((found.indices[:, :, None] == exact[:, None, :]).any(axis=2).mean())
    low, high = found.interval or (0, 0)
    assert shared >= recall - 0.01
    assert low - 0.015 <= shared <= high + 0.015  # of 95 %: some are further off


@pytest.mark.parametrize("kind", ["float32", "nulls"])
@pytest.mark.parametrize("rule", ["auto-1", "auto-2"])
def test_what_auto_means_follows_from_all_rows_however_many_regions_they_have(
    rule: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, penalty = made(3_000, 10, kind)
    lowered = {
        "auto-1": search_rule.SearchRule(600, 600, 600),
        "auto-2": search_rule.SearchRule(np.inf, np.inf, 600),
    }
    monkeypatch.setattr(search_rule, "RULES", search_rule.RULES | lowered)
    whole = Search(rule)
    want = searched(whole, table, penalty, np.arange(3_000))
    monkeypatch.setattr(tree, "REGION_BYTES", 2**15)
    with open_engine(EngineSettings(engine="inline")) as engine:
        parted = PartedSearch(Workplace(tmp_path, engine), rule)
        got = searched(parted, table, penalty, np.arange(3_000))
    assert (tmp_path / "search/000/region").exists() == (rule == "auto-2" and kind == "float32")
    assert np.array_equal(got, want)
    assert (parted.exact, parted.recall) == (whole.exact, whole.recall)
