import threading

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from naive.ring import NaiveRing, distances

from resampler import InvalidInputError, MinorityBuffer
from resampler.kernels.buffer.cells import FREE, NO_CELL, WAITING
from resampler.kernels.simd.dots import ABOVE


def clustered(seed, n, d, clusters=8, drift=0.0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, clusters, n)
    centers = rng.normal(size=(clusters, d)) * 4
    move = rng.normal(size=(clusters, d)) * drift * (np.arange(n) / n)[:, None, None]
    return (centers[labels] + move[np.arange(n), labels] + rng.normal(size=(n, d))).astype(np.float32)


def true_neighbors(X, ids, k):
    """Ids of the k nearest by (distance, id), and their squared distances."""
    nearest = np.empty((len(X), k), dtype=np.int64)
    d2 = np.empty((len(X), k), dtype=np.float32)
    numeric = -np.ones(X.shape[1])
    for i in range(len(X)):
        row = distances(X, X[i], numeric)
        row[i] = np.inf
        order = np.lexsort((ids, row))[:k]
        nearest[i], d2[i] = ids[order], row[order]
    return nearest, d2


def recall(buffer, X_by_id):
    ids, found, _ = buffer.graph()
    true, _ = true_neighbors(X_by_id[ids], ids, found.shape[1])
    return np.mean([len(np.intersect1d(a, b)) for a, b in zip(found, true, strict=True)]) / found.shape[1]


def assert_cells_fit_together(buffer):
    """Check what the kernels rely on and no result would show at once."""
    rows, lists, cells, _ = buffer.ring.graph
    live = buffer._slots
    if cells.home is None:  # each row is in the lane of its slot
        assert np.array_equal(cells.place[live], live)
        assert np.array_equal(np.flatnonzero(cells.lane_slots.ravel() >= 0), np.sort(live))
        assert (cells.block_cutoff >= cells.cutoff.max(axis=1)).all()
        held = cells.newcomers.transpose(0, 2, 1).reshape(-1, rows.X.shape[1])[live]
        assert np.array_equal(held, rows.X[live] * rows.inverse_scale * rows.inverse_norm[live, None], equal_nan=True)
        return
    lanes = cells.lane_slots.shape[1]
    place = cells.place[live]
    assert np.array_equal(cells.lane_slots.ravel()[place], live)
    assert (cells.lane_slots >= 0).sum() == len(live)
    used = np.flatnonzero(cells.cell_rows != FREE)
    blocks = cells.block_of[used]
    assert np.array_equal(cells.cell_rows[used], (cells.lane_slots[blocks] >= 0).sum(axis=1))
    assert np.array_equal(cells.cell_of[blocks], used)
    free = cells.free_blocks[: cells.counts["free_blocks"]]
    assert sorted([*range(WAITING), *blocks, *free]) == list(range(len(cells.cell_of)))
    in_groups = np.bincount(used // lanes, minlength=len(cells.group_cells))
    assert np.array_equal(in_groups, cells.group_cells)
    for bits, words in ((cells.cell_rows != FREE, cells.cells_in_use), (in_groups > 0, cells.groups_in_use)):
        assert np.array_equal(
            np.flatnonzero(bits), np.flatnonzero([int(words[i // 64]) >> i % 64 & 1 for i in range(len(bits))])
        )
    assert (in_groups > 0).sum() + cells.counts["free_groups"] == len(in_groups)
    changed = cells.touched[: cells.counts["touched"]]
    assert np.array_equal(np.sort(changed), np.flatnonzero(cells.weight != np.maximum(cells.cell_rows, 0)))
    scaled = rows.X[live] * rows.inverse_scale * rows.inverse_norm[live, None]
    assert (cells.block_cutoff >= cells.cutoff.max(axis=1)).all()
    for cell, block in zip(used, blocks, strict=True):
        members = place // lanes == block
        centroid = cells.centroids[cell // lanes, :, cell % lanes]
        d2 = distances(scaled[members], centroid, rows.penalty)
        assert (np.sqrt(d2) <= cells.radius[cell] * (1 + 1e-6)).all()
        assert np.array_equal(cells.origins[block], centroid)
        sketched = (
            cells.blocks[block][:, place[members] % lanes].transpose(1, 0, 2).reshape(-1, cells.blocks[0, :, 0].size)
        )
        sketch = (sketched[:, : len(centroid)] - np.float64(ABOVE)) * np.float64(cells.grain[block])
        lengths = (sketch[:, rows.penalty < 0] ** 2).sum(axis=1)
        assert np.allclose(cells.lengths[block, place[members] % lanes], lengths, rtol=1e-6)
        away = sketch + centroid.astype(np.float64) - scaled[members]
        off = np.sqrt((away[:, rows.penalty < 0] ** 2).sum(axis=1))
        assert (off <= cells.error[block]).all()
    waiting = place < WAITING * lanes
    assert np.array_equal(cells.newcomers[place[waiting] // lanes, :, place[waiting] % lanes], scaled[waiting])
    for i in place[waiting]:
        home = cells.home[i]
        if home != NO_CELL:
            centroid, row = cells.centroids[home // lanes, :, home % lanes], cells.newcomers[i // lanes, :, i % lanes]
            assert cells.home_d2[i] == distances([row], centroid, rows.penalty)[0]
    for slot in live[::7]:
        d2 = lists.d2[slot, : lists.count[slot]]
        assert (np.diff(d2) >= 0).all()


class BufferMachine(RuleBasedStateMachine):
    """A buffer beside a naive one."""

    @initialize(
        d=st.integers(1, 4),
        k=st.integers(1, 6),
        spare=st.sampled_from([1, 3, 40, 330, 600]),
        index=st.sampled_from(["auto", "exact", "graph"]),
        metric=st.sampled_from(["euclidean", "cosine"]),
        n_categories=st.integers(0, 2),
        grid=st.booleans(),
        max_age=st.none() | st.sampled_from([1, 50, 2_000]),
        half_life=st.none() | st.sampled_from([0.1, 20.0, 1e9]),
        nulls=st.sampled_from([0.0, 0.1, 0.8]),
        seed=st.integers(0, 99),
    )
    def begin(self, d, k, spare, index, metric, n_categories, grid, max_age, half_life, nulls, seed):
        self.rng = np.random.default_rng(seed)
        self.d, self.k, self.grid, self.metric = d, k, grid, metric
        self.categorical = list(range(d))[-n_categories:] if n_categories and metric == "euclidean" else []
        self.nulls = nulls if metric == "euclidean" and index != "graph" else 0.0
        self.nullable = list(range(0, d, 2)) if self.nulls else []
        scale = np.linspace(0.5, 2, d)
        shared = {"scale": scale, "max_age": max_age, "half_life": half_life}
        self.buffer = MinorityBuffer(
            d,
            k + spare,
            k,
            categorical_features=self.categorical,
            nullable_features=self.nullable,
            metric=metric,
            index=index,
            **shared,
        )
        if not self.buffer.exact:
            self.buffer.ring.control["budget"] = 10**6  # more than all rows, so that the graph is exact, too
        self.naive = NaiveRing(d, k + spare, k, categorical=self.categorical, cosine=metric == "cosine", **shared)
        self.unused, self.now = self.rng.permutation(100_000), 0

    @rule(
        n=st.sampled_from([0, 1, 2, 5, 90, 300]),
        cluster=st.integers(0, 3),
        spread=st.sampled_from([1.0, 5.0]),
        n_threads=st.integers(1, 3),
    )
    def insert(self, n, cluster, spread, n_threads):
        X = self.rng.normal(size=(n, self.d)) * spread + 3 * cluster
        X = (np.round(X) if self.grid else X).astype(np.float32)
        X[:, self.categorical] = np.abs(np.round(X[:, self.categorical]))
        X[:, self.nullable] = np.where(
            self.rng.random((n, len(self.nullable))) < self.nulls, np.nan, X[:, self.nullable]
        )
        if self.metric == "cosine":
            X[~X.any(axis=1), 0] = 1
        ids, self.unused = self.unused[:n], self.unused[n:]
        times = None
        if self.buffer.max_age is not None:
            times = self.now + np.cumsum(self.rng.integers(0, 3, n))
            self.now = max(self.now, int(times.max(initial=0)))
        for part in np.array_split(np.arange(n), [n // 3]):
            self.buffer.insert(X[part], ids[part], None if times is None else times[part], n_threads=n_threads)
        for i in range(n):
            self.naive.insert(X[i], int(ids[i]), None if times is None else int(times[i]))

    @rule(share=st.sampled_from([0.02, 0.3, 0.9, 1.0]))
    def evict(self, share):
        n = int(share * len(self.naive))
        self.buffer.evict(n)
        self.naive.evict(n)

    @precondition(lambda self: self.buffer.max_age is not None)
    @rule(later=st.sampled_from([0, 3, 500]))
    def expire(self, later):
        before = len(self.naive)
        self.naive.expire(self.now + later)
        assert self.buffer.expire(self.now + later) == before - len(self.naive)

    @rule(share=st.sampled_from([0.02, 0.4, 1.0]))
    def discard(self, share):
        ids = np.array(self.naive.ids, dtype=np.int64)
        gone = ids[self.rng.random(len(ids)) < share]
        assert self.buffer.discard(np.concatenate([gone, [100_001, -5]])) == len(gone)
        self.naive.discard(set(gone.tolist()))

    @rule()
    def save_and_load(self):
        saved = self.buffer.to_bytes()
        self.buffer = MinorityBuffer.from_bytes(saved)
        assert self.buffer.to_bytes() == saved

    def units(self, d2):
        d2 = np.array(d2, dtype=np.float32)
        return d2 / np.float32(2) if self.metric == "cosine" else np.sqrt(d2)

    @rule()
    def graph(self):
        ids, neighbors, found = self.buffer.graph()
        assert ids.tolist() == self.naive.ids
        for i in range(0, len(ids), 1 + len(ids) // 20):
            nearest, d2 = self.naive.nearest(self.naive.rows[i], self.k, i)
            n = len(nearest)
            assert neighbors[i].tolist() == [self.naive.ids[place] for place in nearest] + [-1] * (self.k - n)
            assert np.array_equal(found[i, :n], self.units(d2))
            assert np.isinf(found[i, n:]).all()

    @precondition(lambda self: len(self.naive) > 0)
    @rule()
    def kneighbors(self):
        query = np.array(self.naive.rows[:3]) + np.float32(0.25)
        n = max(1, len(self.naive) // 2)
        found, neighbors = self.buffer.kneighbors(query, n)
        for i in range(len(query)):
            nearest, d2 = self.naive.nearest(query[i], n)
            assert neighbors[i].tolist() == [self.naive.ids[place] for place in nearest]
            assert np.array_equal(found[i], self.units(d2))

    @precondition(lambda self: len(self.naive) > self.k)
    @rule(seed=st.integers(0, 2**64 - 1), start=st.integers(0, 2**40))
    def sample(self, seed, start):
        made = self.buffer.sample(6, seed, start)
        for i in range(6):
            row, base_id, neighbor_id, step = self.naive.sample(start + i, seed)
            assert (made.base_id[i], made.neighbor_id[i], made.step[i]) == (base_id, neighbor_id, step)
            assert made.X[i].tobytes() == row.tobytes()

    @invariant()
    def buffer_holds_the_naive_rows(self):
        if hasattr(self, "buffer"):
            assert self.buffer.row_ids.tolist() == self.naive.ids
            assert_cells_fit_together(self.buffer)


BufferMachine.TestCase.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
TestBufferAgainstNaiveRing = BufferMachine.TestCase


@pytest.mark.compiled
@pytest.mark.parametrize("index", ["exact", "graph"])
def test_output_does_not_depend_on_how_rows_are_cut_or_on_a_save_in_between(index):
    X = clustered(1, 3_000, 6, drift=3)
    whole = MinorityBuffer(6, 1_000, index=index)
    whole.insert(X, np.arange(3_000))
    cut = MinorityBuffer(6, 1_000, index=index)
    for edge in range(0, 3_000, 77):
        cut.insert(X[edge : edge + 77], np.arange(edge, min(edge + 77, 3_000)))
        if edge % 5 == 0:
            cut = MinorityBuffer.from_bytes(cut.to_bytes())
    assert cut.to_bytes() == whole.to_bytes()
    for a, b in zip(cut.sample(500, 3), whole.sample(500, 3), strict=True):
        assert a.tobytes() == b.tobytes()


WINDOWS = [{}, {"max_age": 900}, {"categorical_features": [5]}, {"metric": "cosine", "half_life": 100}]


@pytest.mark.compiled
@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: next(iter(window), "plain"))
@pytest.mark.parametrize(("capacity", "index"), [(7, "graph"), (200, "graph"), (1_500, "graph"), (700, "exact")])
def test_threads_give_the_bytes_of_one_insertion_after_the_other(capacity, index, window):
    X, ids = clustered(7, 4_000, 6, drift=3), np.random.default_rng(0).permutation(4_000)
    X[:, 5] = np.abs(np.round(X[:, 5]))
    times = np.cumsum(np.random.default_rng(1).integers(0, 3, 4_000)) if "max_age" in window else None

    def fill(n_threads, cuts):
        buffer = MinorityBuffer(6, capacity, index=index, **window)
        for part in np.array_split(np.arange(4_000), cuts):
            at = None if times is None else times[part]
            buffer.insert(X[part], ids[part], at, n_threads=n_threads)
            if cuts > 1:
                buffer.sample(50, seed=3)
        return buffer.to_bytes()

    whole = fill(1, 1)
    assert fill(2, 1) == whole
    assert fill(4, 1) == whole
    assert fill(3, 9) == fill(1, 9)


@pytest.mark.compiled
def test_a_wave_with_more_to_tell_than_threads_can_note(monkeypatch):
    monkeypatch.setattr("resampler.buffer.insertion.NOTES", 600)
    X = clustered(8, 3_000, 4, clusters=1)
    one, two = (MinorityBuffer(4, 1_000, 20, index="graph") for _ in range(2))
    one.insert(X, np.arange(3_000))
    two.insert(X, np.arange(3_000), n_threads=2)
    assert two.to_bytes() == one.to_bytes()


@pytest.mark.compiled
def test_cells_fill_many_groups_and_follow_rows_that_move_on():
    X = clustered(9, 24_000, 3, clusters=40, drift=30)
    buffer = MinorityBuffer(3, 8_000, index="graph")
    for edge in range(0, 24_000, 6_000):
        buffer.insert(X[edge : edge + 6_000], np.arange(edge, edge + 6_000), n_threads=2)
        assert_cells_fit_together(buffer)
    assert (buffer.ring.graph.cells.group_cells > 0).sum() > 3
    assert buffer.stats().recall > 0.95
    buffer.evict(7_900)
    assert_cells_fit_together(buffer)
    buffer.insert(X[:5_000] + 100, np.arange(30_000, 35_000))
    assert_cells_fit_together(buffer)


@pytest.mark.compiled
@pytest.mark.slow
def test_a_higher_recall_is_reached_with_more_effort():
    X = clustered(10, 30_000, 8, clusters=3)
    stats = []
    for target in (0.8, 0.99):
        buffer = MinorityBuffer(8, 10_000, index="graph", recall=target)
        buffer.insert(X, np.arange(30_000))
        stats.append(buffer.stats())
    assert stats[0].budget < stats[1].budget
    assert stats[0].recall > 0.8
    assert stats[1].recall > 0.985


@pytest.mark.parametrize("index", ["exact", "graph"])
def test_a_sample_is_one_endless_sequence(index):
    buffer = MinorityBuffer(6, 1_000, index=index)
    buffer.insert(clustered(1, 1_500, 6), np.arange(1_500))
    whole = buffer.sample(300, 5, start=40)
    parts = [buffer.sample(n, 5, start) for n, start in ((100, 40), (1, 140), (199, 141))]
    for column, values in enumerate(whole):
        assert np.concatenate([part[column] for part in parts]).tobytes() == values.tobytes()


@pytest.mark.compiled
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_graph_keeps_its_recall_through_churn_and_drift(metric):
    X = clustered(2, 12_000, 8, clusters=20, drift=6)
    buffer = MinorityBuffer(8, 4_000, metric=metric, index="graph")
    buffer.insert(X, np.arange(12_000))
    assert_cells_fit_together(buffer)
    stats = buffer.stats()
    assert stats.recall > 0.95
    assert stats.rows == 4_000
    if metric == "euclidean":
        assert abs(recall(buffer, X) - stats.recall) < 0.03


@pytest.mark.compiled
def test_recall_survives_a_cluster_that_moves_far_away_constant_columns_and_duplicates():
    rng = np.random.default_rng(3)
    X = clustered(3, 9_000, 6)
    X[:, 2] = 7
    X[6_000:] += 1_000
    X[::10] = X[1::10]
    buffer = MinorityBuffer(6, 3_000, index="graph")
    buffer.insert(X[:7_500], np.arange(7_500))
    assert recall(buffer, X) > 0.95
    buffer.insert(X[7_500:], np.arange(7_500, 9_000))
    buffer.discard(rng.choice(9_000, 2_000, replace=False))
    assert recall(buffer, X) > 0.95
    assert_cells_fit_together(buffer)


@pytest.mark.compiled
def test_all_rows_equal():
    buffer = MinorityBuffer(3, 1_500, 4, index="graph")
    buffer.insert(np.ones((4_000, 3)), np.arange(4_000))
    ids, neighbors, found = buffer.graph()
    assert (found == 0).all()
    assert (neighbors != ids[:, None]).all()
    assert_cells_fit_together(buffer)


@pytest.mark.compiled
@pytest.mark.slow
def test_uniform_rows_make_the_graph_raise_its_effort():
    X = np.random.default_rng(4).random((16_000, 24), dtype=np.float32)
    buffer = MinorityBuffer(24, 8_000, index="graph")
    buffer.insert(X, np.arange(16_000))
    stats = buffer.stats()
    assert stats.budget > 2_000
    assert stats.recall > 0.95


def test_stats_of_an_exact_buffer():
    buffer = MinorityBuffer(4, 500, metric="euclidean")
    empty = buffer.stats()
    assert empty.rows == 0
    assert np.isnan(empty.recall)
    buffer.insert(clustered(5, 900, 4), np.arange(900))
    stats = buffer.stats()
    assert (stats.rows, stats.recall, stats.budget, stats.effort) == (500, 1.0, None, None)
    assert stats.neighbor_distance > 0


@pytest.mark.compiled
def test_buffers_on_threads_do_not_disturb_each_other():
    X = clustered(6, 2_000, 5)

    def run():
        buffer = MinorityBuffer(5, 700, index="graph")
        for edge in range(0, 2_000, 100):
            buffer.insert(X[edge : edge + 100], np.arange(edge, edge + 100))
        return buffer.to_bytes()

    expected = run()
    results = [None] * 4
    threads = [threading.Thread(target=lambda i=i: results.__setitem__(i, run())) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 4


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"capacity": 1, "k_neighbors": 1}, "capacity must be at least k_neighbors \\+ 1 = 2.*got 1"),
        ({"capacity": 5}, "capacity must be at least k_neighbors \\+ 1 = 6.*got 5"),
        ({"capacity": 2**31}, "at most 2\\*\\*30, got 2147483648"),
        ({"capacity": 2**29, "n_features": 2_000}, "GiB.*lower capacity"),
        ({"k_neighbors": 0}, "k_neighbors must be an integer of at least 1, got 0"),
        ({"n_features": 2.5}, "n_features"),
        ({"metric": "manhattan"}, "metric must be one of euclidean, cosine, got 'manhattan'"),
        ({"index": "hnsw"}, "index must be one of auto, exact, graph, got 'hnsw'"),
        ({"effort": "effort-0"}, "effort must be one of auto, effort-1, effort-2, got 'effort-0'"),
        ({"categorical_features": [2]}, "categorical_features must be column numbers below 2"),
        ({"categorical_features": [0], "metric": "cosine"}, "numeric columns only"),
        ({"scale": [1.0, 0.0]}, "scale must be 2 values from 1e-30 to 1e"),
        ({"recall": 0}, r"recall must be a share of true neighbours in \(0, 1\], got 0"),
        ({"recall": float("nan")}, "recall must be"),
    ],
)
def test_bad_parameters_are_named(parameters, message):
    with pytest.raises(InvalidInputError, match=message):
        MinorityBuffer(**{"n_features": 2, "capacity": 10} | parameters)


@pytest.mark.parametrize(
    ("X", "ids", "message"),
    [
        ([[1.0]], [9], "shape"),
        ([[1.0, np.nan]], [9], "finite"),
        ([[1.0, -np.inf]], [9], "finite"),
        ([[1.0, 1e30]], [9], "units of its scale"),
        ([["a", "b"]], [9], "real numbers"),
        ([[1.0 + 2j, 3.0]], [9], "real numbers.*complex128"),
        (np.array([["2026-01-01"] * 2], dtype="datetime64[D]"), [9], "real numbers.*datetime64"),
        ([[1.0, None]], [9], "finite"),
        ([[1.0, 2.0]], [-1], "0 or more"),
        ([[1.0, 2.0]], [1.5], "integers"),
        ([[1.0, 2.0]], [9, 10], "1 integers"),
        ([[1.0, 2.0]], np.array([2**63], dtype=np.uint64), "fit into int64"),
        ([[1.0, 2.0]], [3], "distinct and new"),
        ([[1.0, 2.0], [3.0, 4.0]], [9, 9], "distinct and new"),
    ],
)
def test_bad_rows_are_named_and_change_nothing(X, ids, message):
    buffer = MinorityBuffer(2, 10)
    buffer.insert(clustered(0, 8, 2), np.arange(8))
    before = buffer.to_bytes()
    with pytest.raises(InvalidInputError, match=message):
        buffer.insert(X, ids)
    assert buffer.to_bytes() == before


def test_bad_calls_are_named():
    buffer = MinorityBuffer(2, 10)
    buffer.insert(clustered(0, 4, 2), np.arange(4))
    with pytest.raises(InvalidInputError, match="k_neighbors=5 needs at least 6 minority rows, got 4"):
        buffer.sample(1, 0)
    with pytest.raises(InvalidInputError, match="n must be from 0 to the buffer's 4 rows, got 5"):
        buffer.evict(5)
    with pytest.raises(InvalidInputError, match="n_neighbors must be at most the buffer's 4 rows, got 5"):
        buffer.kneighbors([[0.0, 0.0]], 5)
    for n_threads in (0, -1, True, 1.5):
        with pytest.raises(InvalidInputError, match=f"n_threads must be an integer of at least 1, got {n_threads}"):
            buffer.insert([[0.0, 0.0]], [9], n_threads=n_threads)
    with pytest.raises(InvalidInputError, match="length under the cosine metric"):
        MinorityBuffer(2, 10, metric="cosine").insert([[0.0, 0.0]], [1])
