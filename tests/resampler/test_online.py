import dataclasses
import itertools
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive.grids import put
from naive.online import NaiveOnline

from resampler import (
    ContractError,
    CorruptStateError,
    Feature,
    FeatureSchema,
    InvalidInputError,
    Label,
    MicroBatch,
    MinorityBuffer,
    OnlineResampler,
)
from resampler.bases import weigh
from resampler.grids import Grid
from resampler.methods.place import build
from resampler.methods.provenance import Draws, Provenance
from resampler.metric import label_key
from resampler.parameters import STRATEGIES
from resampler.secret import SecretKey

COLUMNS_A_TO_D = FeatureSchema.numeric(list("abcd"))
KEY = SecretKey(b"sixteen bytes or more")
COLUMNS = [field.name for field in dataclasses.fields(MicroBatch) if field.name != "draw"]


def make_rows(seed, n, d, rate=0.1, n_classes=2):
    rng = np.random.default_rng(seed)
    y = np.where(rng.random(n) < rate, rng.integers(1, n_classes, n) if n_classes > 2 else 1, 0)
    X = (rng.normal(size=(n, d)) + y[:, None]).astype(np.float32)
    return X, y.astype(np.int64), rng.permutation(n).astype(np.int64)


def assert_same(a, b):
    for name in COLUMNS:
        left, right = getattr(a, name), getattr(b, name)
        assert left.dtype == right.dtype
        assert left.tobytes() == right.tobytes(), name


def run(resampler, X, y, ids, cuts):
    edges = [0, *sorted(cuts), len(y)]
    parts = [resampler.process(X[a:b], y[a:b], ids[a:b]) for a, b in itertools.pairwise(edges)]
    return MicroBatch.concat(parts)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**64 - 1),
    data_seed=st.integers(0, 1000),
    ratio=st.floats(0.05, 1.0),
    k=st.integers(1, 4),
    spare=st.integers(1, 6),
    window=st.integers(1, 60),
    burst=st.integers(1, 5),
    n_classes=st.integers(2, 4),
    grid=st.booleans(),
    categorical=st.booleans(),
    nulls=st.sampled_from([0.0, 0.0, 0.2, 0.9]),
    kept=st.sampled_from(
        [None, None, Grid(0.1, single=True), Grid(2.0, low=0.0, single=True), Grid(values=(-1.0, 0.5, 7.0))]
    ),
    undersample=st.none() | st.floats(0.1, 1.0),
    quota=st.sampled_from(["exact", "poisson"]),
    emit=st.sampled_from(["owed", "arrival", "both"]),
    advance=st.sampled_from([0.25, 1.0]),
    warmup=st.sampled_from([0, 10]),
    strategy=st.sampled_from([one for one in STRATEGIES if one != "hardened"]),  # of groups: test_grouped.py
    clean=st.booleans(),
    cuts=st.lists(st.integers(0, 80), max_size=6),
    stop=st.integers(0, 80),
    forgotten=st.none() | st.sets(st.integers(0, 79), max_size=40),
    pauses=st.sampled_from([(False, False)] * 3 + [(True, False), (False, True), (True, True)]),
    class_ratio=st.none() | st.dictionaries(st.integers(0, 3), st.floats(0.05, 1.0)),
    growth=st.none() | st.floats(1.0, 20.0),
    cost=st.none() | st.dictionaries(st.integers(0, 3), st.floats(1.0, 20.0)),
    recalls=st.tuples(*[st.none() | st.dictionaries(st.integers(0, 3), st.none() | st.floats(0.0, 1.0))] * 2),
)
def test_output_is_the_naive_one_however_it_is_cut_saved_and_forgotten(
    seed,
    data_seed,
    ratio,
    k,
    spare,
    window,
    burst,
    n_classes,
    grid,
    categorical,
    nulls,
    kept,
    undersample,
    quota,
    emit,
    advance,
    warmup,
    strategy,
    clean,
    cuts,
    stop,
    forgotten,
    pauses,
    class_ratio,
    growth,
    cost,
    recalls,
):
    X, y, ids = make_rows(data_seed, 80, 3, rate=0.3, n_classes=n_classes)
    if grid:  # many equal distances and duplicate rows
        X = np.round(X).astype(np.float32)
    if categorical:
        X[:, 2] = np.abs(np.round(X[:, 2]))
    features = (
        Feature("a", scale=0.5),
        Feature("b"),
        Feature("c", "int64" if categorical else "float32", categorical=categorical),
    )
    schema = FeatureSchema(features)
    schema = schema.with_rules(["a", "c"] if nulls else (), {"b": kept} if kept else None)
    if nulls:
        X[:, [0, 2]] = np.where(np.random.default_rng(data_seed).random((80, 2)) < nulls, np.nan, X[:, [0, 2]])
    settings_ = {"ratio": ratio, "capacity": k + spare, "window": window, "burst": burst, "seed": seed}
    settings_ |= {"undersample": undersample, "quota": quota, "emit": emit, "warmup": warmup}
    settings_ |= {"advance": advance} if emit == "both" else {}
    settings_ |= {"strategy": strategy, "clean": clean, "growth": growth}
    settings_ |= {"class_ratio": class_ratio, "cost": cost}
    resampler = OnlineResampler(schema, k_neighbors=k, **settings_)
    naive = NaiveOnline(
        3, k=k, scale=[0.5, 1, 1], penalty=[-1, -1, 1 if categorical else -1], grids=[None, kept, None], **settings_
    )
    resampler.paused, naive.window.paused = pauses[0], pauses[0]
    resampler.recall, naive.window.recall = recalls[0], recalls[0] or {}
    first = run(resampler, X[:stop], y[:stop], ids[:stop], [cut for cut in cuts if cut <= stop])
    expected = [row for i in range(stop) for row in naive.push(X[i], int(y[i]), int(ids[i]))]
    if forgotten is not None:
        resampler.forget(sorted(forgotten))
        naive.forget(forgotten)
        resampler = OnlineResampler.from_bytes(resampler.to_bytes())
    assert resampler.paused == pauses[0]
    assert resampler.recall == (recalls[0] or {})
    resampler.paused, naive.window.paused = pauses[1], pauses[1]
    resampler.recall, naive.window.recall = recalls[1], recalls[1] or {}
    rest = run(resampler, X[stop:], y[stop:], ids[stop:], [cut - stop for cut in cuts if cut > stop])
    expected += [row for i in range(stop, 80) for row in naive.push(X[i], int(y[i]), int(ids[i]))]
    batch = MicroBatch.concat([first, rest])
    for column, name in enumerate(COLUMNS):
        values = getattr(batch, name)
        naive_values = np.array([row[column] for row in expected], dtype=values.dtype)
        assert values.tobytes() == naive_values.tobytes(), name


def test_ratio_is_kept_over_the_window_and_each_real_row_comes_out_once():
    X, y, ids = make_rows(1, 20_000, 4, rate=0.03)
    batch = OnlineResampler(FeatureSchema.numeric(list("abcd")), ratio=0.25, window=2_000, seed=9).process(X, y, ids)
    real = ~batch.is_synthetic
    assert np.array_equal(batch.X[real], X)
    assert np.array_equal(batch.row_id[real], ids)
    assert np.array_equal(batch.y[real], y)
    assert (batch.row_id[batch.is_synthetic] == -1).all()
    tail = batch.y[len(batch) // 2 :]
    assert abs((tail == 1).sum() / (tail == 0).sum() - 0.25) < 0.01


def test_synthetic_rows_replay_from_their_provenance_and_lie_between_their_parents():
    X, y, ids = make_rows(2, 5_000, 6, rate=0.1)
    batch = OnlineResampler(FeatureSchema.numeric(list("abcdef")), ratio=0.5, seed=3).process(X, y, ids)
    position = np.argsort(ids)
    made = batch.is_synthetic
    assert made.sum() > 1_000
    base, neighbor = X[position[batch.base_id[made]]], X[position[batch.neighbor_id[made]]]
    assert np.array_equal(base + batch.step[made, None] * (neighbor - base), batch.X[made])
    assert (y[position[batch.base_id[made]]] == 1).all()
    assert (batch.base_id[made] != batch.neighbor_id[made]).all()


def test_under_sampling_drops_majority_rows_only_and_counts_them():
    X, y, ids = make_rows(7, 20_000, 3, rate=0.05)
    resampler = OnlineResampler(FeatureSchema.numeric(list("abc")), ratio=0.6, undersample=0.2, seed=4)
    batch = resampler.process(X, y, ids)
    real = ~batch.is_synthetic
    assert (batch.y[real] == 1).sum() == (y == 1).sum()
    kept = (batch.y[real] == 0).sum()
    assert abs((y == 1).sum() / kept - 0.2) < 0.02
    assert abs((batch.y == 1).sum() / kept - 0.6) < 0.02
    assert resampler.stats().dropped == {0: (y == 0).sum() - kept, 1: 0}


def test_a_trace_tells_what_each_row_became():
    X, y, ids = make_rows(7, 3_000, 3, rate=0.05)
    parameters = {"ratio": 0.6, "undersample": 0.2, "window": 500, "seed": 4}
    batch, starts = OnlineResampler(FeatureSchema.numeric(list("abc")), **parameters).process_traced(X, y, ids)
    single = OnlineResampler(FeatureSchema.numeric(list("abc")), **parameters)
    assert (
        starts.tolist()
        == np.cumsum([0] + [len(single.process(X[[i]], y[[i]], ids[[i]])) for i in range(3_000)]).tolist()
    )
    assert starts[-1] == len(batch)


def test_poisson_quotas_keep_the_ratio_on_average():
    X, y, ids = make_rows(8, 20_000, 3, rate=0.05)
    batch = OnlineResampler(FeatureSchema.numeric(list("abc")), ratio=0.5, quota="poisson", seed=4).process(X, y, ids)
    assert abs((batch.y == 1).sum() / (batch.y == 0).sum() - 0.5) < 0.03


def test_nothing_is_made_before_the_warm_up_is_over():
    X, y, ids = make_rows(9, 4_000, 3, rate=0.1)
    batch = OnlineResampler(FeatureSchema.numeric(list("abc")), ratio=0.5, warmup=3_000).process(X, y, ids)
    first = np.flatnonzero(batch.is_synthetic)[0]
    assert first >= 3_001


def test_two_minorities_flip_with_the_majority():
    rng = np.random.default_rng(5)
    early = rng.choice(3, 4_000, p=[0.9, 0.08, 0.02])
    late = rng.choice(3, 4_000, p=[0.05, 0.9, 0.05])
    y = np.concatenate([early, late])
    X = rng.normal(size=(8_000, 2)).astype(np.float32) + y[:, None]
    resampler = OnlineResampler(FeatureSchema.numeric(list("ab")), ratio=0.3, window=1_000)
    batch = resampler.process(X, y, np.arange(8_000))
    tail = batch.y[-2_000:]
    share = np.bincount(tail, minlength=3) / (tail == 1).sum()
    assert share[1] == 1
    assert abs(share[0] - 0.3) < 0.03
    assert abs(share[2] - 0.3) < 0.03


def test_a_saved_resampler_goes_on_as_if_it_had_not_stopped():
    X, y, ids = make_rows(3, 3_000, 4)
    whole = OnlineResampler(FeatureSchema.numeric(list("abcd")), capacity=50, window=500, seed=8)
    first = OnlineResampler(FeatureSchema.numeric(list("abcd")), capacity=50, window=500, seed=8)
    a = run(whole, X, y, ids, [])
    b = first.process(X[:1_700], y[:1_700], ids[:1_700])
    saved = first.to_bytes()
    assert first.buffer_stats()[1].recall == 1
    assert saved == first.to_bytes()
    second = OnlineResampler.from_bytes(saved)
    assert second.config_hash == first.config_hash
    assert second.to_bytes() == saved
    assert_same(a, MicroBatch.concat([b, second.process(X[1_700:], y[1_700:], ids[1_700:])]))
    assert second.stats() == whole.stats()


def test_resamplers_on_threads_do_not_disturb_each_other():
    X, y, ids = make_rows(4, 4_000, 4)
    schema = FeatureSchema.numeric(list("abcd"))
    expected = OnlineResampler(schema, seed=2).process(X, y, ids)
    results = [None] * 4

    def work(i):
        results[i] = run(OnlineResampler(schema, seed=2), X, y, ids, range(100, 4_000, 100))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        assert_same(result, expected)


def test_forgotten_rows_have_no_later_descendants():
    X, y, ids = make_rows(6, 4_000, 3)
    resampler = OnlineResampler(FeatureSchema.numeric(list("abc")), ratio=0.5)
    resampler.process(X[:2_000], y[:2_000], ids[:2_000])
    minority = ids[:2_000][y[:2_000] == 1]
    gone = minority[::2]
    assert resampler.forget(gone) == len(gone)
    assert resampler.forget(gone) == 0
    later = resampler.process(X[2_000:], y[2_000:], ids[2_000:])
    assert later.n_synthetic > 0
    assert not np.isin(later.base_id, gone).any()
    assert not np.isin(later.neighbor_id, gone).any()
    assert np.isin(minority[1::2], later.base_id).any()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"ratio": 0}, "ratio must be in"),
        ({"ratio": 1.5}, "ratio must be in"),
        ({"ratio": float("nan")}, "ratio must be in"),
        ({"ratio": "0.2"}, "ratio must be in"),
        ({"k_neighbors": 0}, "k_neighbors must be an integer of at least 1, got 0"),
        ({"k_neighbors": 2.0}, "k_neighbors"),
        ({"capacity": 5}, "capacity must be at least k_neighbors \\+ 1 = 6, got 5"),
        ({"capacity": 2**30}, "GiB, this machine has .* GiB: lower capacity"),
        ({"window": 0}, "window"),
        ({"window": 10**13}, "window must be at most"),
        ({"burst": 0}, "burst"),
        ({"undersample": 0.0}, "undersample must be in"),
        ({"strategy": "svm"}, "strategy must be one of"),
        ({"clean": "yes"}, "clean must be True or False"),
        ({"quota": "most"}, "quota must be one of"),
        ({"advance": 0.5}, "advance is of emit 'both' alone, got 0.5 under 'owed': leave it out"),
        ({"emit": "arrival", "advance": 0.0}, "advance is of emit 'both' alone, got 0 under 'arrival'"),
        ({"warmup": -1}, "warmup must be an integer of at least 0"),
        ({"seed": -1}, "seed must be an integer from 0"),
        ({"seed": 2**64}, "seed must be an integer from 0"),
    ],
)
def test_bad_parameters_are_named(parameters, message):
    with pytest.raises(InvalidInputError, match=message):
        OnlineResampler(FeatureSchema.numeric(["a"]), **parameters)


FIRST_OF_1 = int(make_rows(0, 50, 2)[2][make_rows(0, 50, 2)[1] == 1][0])


@pytest.mark.parametrize(
    ("X", "y", "ids", "error", "message"),
    [
        ([[1.0]], [0], [0], ContractError, "shape"),
        ([[1.0, np.nan]], [0], [0], ContractError, "'b' must be finite.*nan in row 0"),
        ([[1.0, 2.0], [np.inf, 2.0]], [0, 0], [0, 1], ContractError, "'a' must be finite.*inf in row 1"),
        ([[1.0, -1e30]], [0], [0], ContractError, "'b'.*units of its scale"),
        ([["x", "y"]], [0], [0], ContractError, "numeric"),
        ([[1.0, 2.0]], [0.5], [0], InvalidInputError, "y must be 1 integers"),
        ([[1.0, 2.0]], [0, 1], [0], InvalidInputError, "y must be 1 integers"),
        ([[1.0, 2.0]], np.array([2**63], dtype=np.uint64), [0], InvalidInputError, "y must fit into int64"),
        ([[1.0, 2.0]], [0], [-3], InvalidInputError, "row_ids must be 0 or more, got -3"),
        ([[1.0, 2.0]] * 3, [0, 1, 0], [90, 80, 90], InvalidInputError, "row_ids must be distinct, got 90 2 times"),
        ([[1.0, 2.0]], [1], [FIRST_OF_1], InvalidInputError, f"row_ids must be new, got {FIRST_OF_1}"),
        ([[1.0, 2.0], [1.0]], [0, 0], [0, 1], ContractError, "X must have shape"),
        ([[1.0, 2.0]], [[0], [1, 2]], [0], InvalidInputError, "y must be 1 integers"),
        ([[1.0, 2.0]], ["1"], [0], InvalidInputError, "y must be 1 integers"),
        ([[1.0, 2.0]], [None], [0], InvalidInputError, "y must be 1 integers"),
        ([[1.0, 2.0]], [0], [0.0], InvalidInputError, "row_ids must be 1 integers"),
        ([[1.0, 2.0]] * 40, np.arange(40), np.arange(100, 140), InvalidInputError, "at most 32 different classes"),
    ],
)
def test_bad_rows_are_named_and_change_nothing(X, y, ids, error, message):
    resampler = OnlineResampler(FeatureSchema.numeric(list("ab")))
    good = make_rows(0, 50, 2)
    resampler.process(*good)
    before = resampler.to_bytes()
    with pytest.raises(error, match=message):
        resampler.process(X, y, ids)
    assert resampler.to_bytes() == before


def test_ids_of_batches_lie_in_ranges_of_their_own():
    behind = 1 << 61  # as in `stream.formats.identity`: the first row of a batch is below, the others are above
    resampler = OnlineResampler(FeatureSchema.numeric(["a", "b"]))
    for ids in ([0, behind, behind + 1, 1], [2, behind + 2, 3, 3 * behind], [5, 4], [behind + 4, behind + 3, 6]):
        resampler.process([[1.0, 2.0]] * len(ids), [0] * len(ids), ids)
    for held in ([7, behind + 1], [2, behind + 5], [1]):
        with pytest.raises(InvalidInputError, match="row_ids must be new"):
            resampler.process([[1.0, 2.0]] * len(held), [0] * len(held), held)
    for twice in ([8, behind + 6, 8], [behind + 6, 8, behind + 6]):
        with pytest.raises(InvalidInputError, match="row_ids must be distinct"):
            resampler.process([[1.0, 2.0]] * 3, [0] * 3, twice)
    again = OnlineResampler.from_bytes(resampler.to_bytes())
    with pytest.raises(InvalidInputError, match="row_ids must be new"):
        again.process([[1.0, 2.0]], [0], [behind + 1])


@pytest.mark.parametrize(
    ("label", "known", "unknown"),
    [(Label("y", "string", ("buy", "keep")), 1, 2), (Label("y", classes=(10, 20)), 20, 1)],
)
def test_labels_are_classes_of_the_contract(label, known, unknown):
    schema = FeatureSchema((Feature("a"), Feature("b", "string", categorical=True, categories=("u", "v"))), label)
    resampler = OnlineResampler(schema)
    batch = resampler.process([[1.0, 1.0]], [known], [0])
    assert batch.to_arrow(schema)["y"].to_pylist() == [label.classes[-1]]
    before = resampler.to_bytes()
    with pytest.raises(InvalidInputError, match=f"y must hold codes of the classes of 'y', .*, got {unknown}"):
        resampler.process([[1.0, 1.0], [1.0, 1.0]], [known, unknown], [1, 2])
    with pytest.raises(ContractError, match="feature 'b' must hold codes of its 2 categories, 0 to 1, got 2"):
        resampler.process([[1.0, 2.0]], [known], [1])
    with pytest.raises(InvalidInputError, match="row_ids must be a list of integers"):
        resampler.forget([0.5])
    assert resampler.to_bytes() == before


def test_no_rows_are_no_rows():
    batch = OnlineResampler(FeatureSchema.numeric(list("ab"))).process(np.empty((0, 2)), [], [])
    assert len(batch) == 0
    assert batch.X.shape == (0, 2)


def test_damaged_state_is_refused():
    resampler = OnlineResampler(FeatureSchema.numeric(list("ab")), capacity=20, window=20)
    resampler.process(*make_rows(0, 50, 2))
    saved = resampler.to_bytes()
    rng = np.random.default_rng(0)
    for at in rng.integers(0, len(saved), 60):
        damaged = bytearray(saved)
        damaged[at] ^= 1 << rng.integers(8)
        with pytest.raises(CorruptStateError):
            OnlineResampler.from_bytes(bytes(damaged))
    for end in (0, 3, 40, len(saved) - 1):
        with pytest.raises(CorruptStateError):
            OnlineResampler.from_bytes(saved[:end])


def test_to_arrow_names_columns_after_the_contract():
    X, y, ids = make_rows(0, 200, 2, rate=0.2)
    schema = FeatureSchema((Feature("a"), Feature("b")), Label("intent", dtype="string", classes=("buy", "return")))
    batch = OnlineResampler(schema, ratio=1.0).process(X, y, ids)
    table = batch.to_arrow(schema)
    assert table.column_names == [
        "a", "b", "intent", "is_synthetic", "row_id", "base_id", "neighbor_id", "step",
    ]  # fmt: skip
    assert set(table["intent"].to_pylist()) == {"buy", "return"}
    assert np.array_equal(table["a"].to_numpy(), batch.X[:, 0])


def test_to_arrow_gives_values_or_codes_for_every_column_alike():
    features = (Feature("a"), Feature("b", "string", True, ("u", "v")), Feature("c", "int64", True, (36, 40)))
    schema = FeatureSchema(features, Label("y", "string", ("no", "yes")))
    batch = OnlineResampler(schema).process([[0.5, 1, 0], [1.5, 0, 1]], [1, 0], [0, 1])
    assert batch.to_arrow(schema).select(["a", "b", "c", "y"]).to_pylist() == [
        {"a": 0.5, "b": "v", "c": 36, "y": "yes"},
        {"a": 1.5, "b": "u", "c": 40, "y": "no"},
    ]
    codes = batch.to_arrow(schema, codes=True)
    assert codes.select(["b", "c", "y"]).to_pylist() == [{"b": 1, "c": 0, "y": 1}, {"b": 0, "c": 1, "y": 0}]
    assert codes.to_pydict() == dict(zip(codes.schema.names, batch.to_arrow().to_pydict().values(), strict=True))
    with pytest.raises(ContractError, match="column 'step' is a column of the batch too"):
        batch.to_arrow(FeatureSchema.numeric(["a", "b", "step"]))


@pytest.mark.parametrize("strategy", ["smote", "adasyn"])
def test_a_large_buffer_searches_within_a_budget_and_still_depends_on_no_cut(strategy):
    X, y, ids = make_rows(10, 12_000, 6, rate=0.45)
    parameters = {"ratio": 1.0, "capacity": 2_500, "window": 1_500, "seed": 3, "strategy": strategy}
    whole = OnlineResampler(FeatureSchema.numeric(list("abcdef")), **parameters)
    expected = run(whole, X, y, ids, range(1_000, 12_000, 1_000))
    assert not whole._bases[1].buffer.exact
    first = OnlineResampler(FeatureSchema.numeric(list("abcdef")), **parameters)
    a = run(first, X[:9_000], y[:9_000], ids[:9_000], range(77, 9_000, 777))
    second = OnlineResampler.from_bytes(first.to_bytes())
    b = run(second, X[9_000:], y[9_000:], ids[9_000:], [1, 2, 1_500])
    assert expected.n_synthetic > 900
    assert_same(expected, MicroBatch.concat([a, b]))


@pytest.mark.parametrize(
    ("strategy", "clean", "weights"),
    [
        ("smote", False, []),
        ("smote", True, [1, 1, 1, 1, 0]),
        ("borderline", False, [0, 0, 1, 1, 0]),
        ("borderline", True, [0, 0, 1, 1, 0]),
        ("adasyn", False, [0, 1, 2, 3, 4]),
        ("adasyn", True, [0, 1, 2, 3, 0]),
    ],
)
def test_bases_weigh_by_their_foreign_neighbours(strategy, clean, weights):
    assert weigh(strategy, 4, clean=clean).tolist() == weights


def two_islands(n):
    """Class 1: three quarters on an island of its own, the rest strewn over the border of class 0 or deep within it."""
    rng = np.random.default_rng(11)
    y = (rng.random(n) < 0.1).astype(np.int64)
    place = rng.random(n)
    X = rng.normal(size=(n, 2)) * 0.5
    apart = (y == 1) & (place < 0.75)
    border = (y == 1) & (place >= 0.75) & (place < 0.95)
    X[apart] += [20, 0]
    X[border] = X[border] * 0.5 + [1.2, 0]
    return X.astype(np.float32), y, apart, border


@pytest.mark.parametrize(("strategy", "clean"), [("borderline", False), ("adasyn", False), ("smote", True)])
def test_a_strategy_chooses_bases_by_the_classes_around_them(strategy, clean):
    X, y, apart, border = two_islands(8_000)
    deep = (y == 1) & ~apart & ~border
    shares = {}
    for kind, parameters in {"plain": {}, "other": {"strategy": strategy, "clean": clean}}.items():
        schema = FeatureSchema.numeric(list("ab"))
        resampler = OnlineResampler(schema, ratio=0.5, capacity=300, window=2_000, **parameters)
        batch = resampler.process(X, y, np.arange(len(y)))
        assert abs((batch.y == 1).sum() / (batch.y == 0).sum() - 0.5) < 0.05
        bases = batch.base_id[batch.base_id >= 0]
        shares[kind] = [where[bases].mean() for where in (apart, border, deep)]
    plain, other = shares["plain"], shares["other"]
    assert plain[0] == pytest.approx(0.75, abs=0.03)
    if strategy == "smote":  # cleaned
        assert other[2] < 0.7 * plain[2]
        assert other[0] > plain[0]
    else:
        assert other[0] < 0.1
        assert other[1] > 2 * plain[1]


def test_without_danger_all_bases_are_alike():
    X, y, ids = make_rows(12, 3_000, 3)
    X[y == 1] += 100
    schema = FeatureSchema.numeric(list("abc"))
    plain = OnlineResampler(schema, ratio=0.5, seed=1).process(X, y, ids)
    assert plain.n_synthetic > 500
    assert_same(plain, OnlineResampler(schema, ratio=0.5, seed=1, strategy="borderline").process(X, y, ids))


def test_forgotten_rows_leave_the_sample_and_the_weights_follow():
    X, y, _, _ = two_islands(6_000)
    ids = np.arange(len(y))
    parameters = {"ratio": 0.5, "capacity": 300, "strategy": "adasyn", "clean": True}
    online = OnlineResampler(FeatureSchema.numeric(list("ab")), **parameters)
    online.process(X[:4_000], y[:4_000], ids[:4_000])
    bases = online._bases[1]
    gone = bases.row_ids[::3]
    assert y[bases.others.row_ids].sum() == 0
    online.forget(gone)
    assert not np.isin(bases.row_ids, gone).any()
    again = OnlineResampler.from_bytes(online.to_bytes())
    later = online.process(X[4_000:], y[4_000:], ids[4_000:])
    assert not np.isin(later.base_id, gone).any()
    assert_same(later, again.process(X[4_000:], y[4_000:], ids[4_000:]))


def test_rows_of_a_place_that_draws_are_rebuilt_from_what_goes_with_them():
    X, y, ids = make_rows(3, 2_000, 4, rate=0.1)
    schema = FeatureSchema.numeric(list("abcd")).with_scale([1, 2, 0.5, 1])
    batch = OnlineResampler(schema, ratio=0.5, seed=7, strategy="geometric", undersample=0.3).process(X, y, ids)
    made = np.flatnonzero(batch.is_synthetic)
    assert (batch.draw[~batch.is_synthetic] == -1).all()
    n, none = len(made), np.empty((len(made), 0), dtype=np.int64)
    draws = Draws(
        batch.draw[made, 0], batch.draw[made, 1], np.full(n, label_key(1)), np.zeros(n, np.int64), schema.scale[None], 7
    )
    at = np.argsort(ids)
    base, neighbor = (at[np.searchsorted(ids[at], part[made])] for part in (batch.base_id, batch.neighbor_id))
    found = Provenance(batch.y[made], base, neighbor, batch.step[made], none, none[0], "ball", draws)
    assert np.array_equal(build(X, found), batch.X[made])
    reach = np.linalg.norm((X[neighbor] - X[base]) / schema.scale, axis=1)
    assert (np.linalg.norm((batch.X[made] - X[base]) / schema.scale, axis=1) <= reach * (1 + 1e-5)).all()


def test_a_class_keeps_its_share_of_nulls_in_synthetic_rows():
    rng = np.random.default_rng(5)
    X, y, ids = make_rows(5, 40_000, 4, rate=0.15, n_classes=3)
    shares = np.array([[0.01, 0.2, 0.0, 0.5], [0.4, 0.2, 0.0, 0.97], [0.1, 0.7, 0.0, 0.02]])
    X[rng.random(X.shape) < shares[y]] = np.nan
    schema = FeatureSchema.numeric(list("abcd")).with_rules(["a", "b", "d"])
    batch = OnlineResampler(schema, ratio=0.9, capacity=20_000, window=5_000, seed=2).process(X, y, ids)
    for label in (1, 2):
        real, made = X[y == label], batch.X[batch.is_synthetic & (batch.y == label)]
        assert len(made) > 10_000
        share = np.isnan(real).mean(axis=0)
        # Bases are drawn from the rows so far: early rows have more children, hence the effective number of them.
        n = np.unique(batch.base_id[batch.is_synthetic & (batch.y == label)], return_counts=True)[1]
        error = np.sqrt(share * (1 - share) * (n @ n / n.sum() ** 2 + 1 / len(real)))
        assert (np.abs(np.isnan(made).mean(axis=0) - share) <= 3 * error).all()
    bases = X[np.argsort(ids)[batch.base_id[batch.is_synthetic]]]
    assert np.array_equal(np.isnan(batch.X[batch.is_synthetic]), np.isnan(bases))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_nullable_contract_without_nulls_gives_the_rows_of_another(strategy):
    X, y, ids = make_rows(8, 3_000, 4, rate=0.2)
    schema = FeatureSchema.numeric(list("abcd"))
    plain, nullable = (
        OnlineResampler(contract, ratio=0.7, capacity=200, strategy=strategy).process(X, y, ids)
        for contract in (schema, schema.with_rules(["b", "d"]))
    )
    assert plain.n_synthetic > 500
    assert_same(plain, nullable)


def test_rows_without_a_column_in_common_are_farthest_of_all_and_copies_are_made_of_them():
    X = np.array([[0, np.nan], [1, np.nan], [np.nan, 5], [np.nan, np.nan]], dtype=np.float32)
    schema = FeatureSchema.numeric(["a", "b"]).with_rules(["a", "b"])
    buffer = MinorityBuffer(2, 8, 2, nullable_features=[0, 1])
    buffer.insert(X, np.arange(4))
    ids, neighbors, distances = buffer.graph()
    assert ids.tolist() == [0, 1, 2, 3]
    assert neighbors.tolist() == [[1, 2], [0, 2], [0, 1], [0, 1]]
    np.testing.assert_array_equal(
        distances, np.sqrt(np.float32([[2, np.inf], [2, np.inf], [np.inf] * 2, [np.inf] * 2]))
    )
    made = OnlineResampler(schema, ratio=1.0, k_neighbors=2, warmup=4).process(
        np.vstack([X, np.zeros((40, 2))]), np.arange(44) < 4, np.arange(44)
    )
    some = made.is_synthetic & (made.y == 1)
    rows, bases, far = made.X[some], X[made.base_id[some]], made.base_id[some] >= 2
    assert far.any()
    assert rows[far].tobytes() == bases[far].tobytes()


def test_a_saved_resampler_of_a_nullable_contract_goes_on_as_if_it_had_not_stopped():
    X, y, ids = make_rows(6, 4_000, 3, rate=0.2)
    X[np.random.default_rng(6).random(X.shape) < 0.3] = np.nan
    schema = FeatureSchema.numeric(list("abc")).with_rules(list("abc"), {"a": 0.5})
    whole = OnlineResampler(schema, ratio=0.8, capacity=150, strategy="adasyn")
    expected = whole.process(X, y, ids)
    part = OnlineResampler(schema, ratio=0.8, capacity=150, strategy="adasyn")
    first = part.process(X[:2_345], y[:2_345], ids[:2_345])
    restored = OnlineResampler.from_bytes(part.to_bytes())
    assert restored.to_bytes() == part.to_bytes()
    rest = run(restored, X[2_345:], y[2_345:], ids[2_345:], [1, 7, 800])
    assert_same(MicroBatch.concat([first, rest]), expected)
    assert restored.to_bytes() == whole.to_bytes()


def test_a_row_on_grids_is_rebuilt_from_its_provenance():
    X, y, ids = make_rows(9, 2_000, 3, rate=0.2)
    kept = (Grid(0.25), None, Grid(values=(-2.0, -0.5, 0.0, 0.3, 4.0)))
    schema = FeatureSchema.numeric(list("abc")).with_rules(grids={"a": kept[0], "c": kept[2]})
    batch = OnlineResampler(schema, ratio=0.8).process(X, y, ids)
    made = batch.is_synthetic
    at = np.argsort(ids)
    base, neighbor = X[at[batch.base_id[made]]], X[at[batch.neighbor_id[made]]]
    between = base + batch.step[made, None] * (neighbor - base)
    assert np.array_equal(between[:, 1], batch.X[made, 1])
    for j in (0, 2):
        on = [
            put(float(value), float(origin), 0.5, kept[j], even=False)
            for value, origin in zip(between[:, j], base[:, j], strict=True)
        ]
        assert np.array_equal(np.array(on, dtype=np.float32), batch.X[made, j])
    assert np.abs(batch.X[made].mean(axis=0) - between.mean(axis=0))[0] < 3 * 0.25 / np.sqrt(12 * made.sum())


@pytest.mark.parametrize("kept", [{"low": 1e39}, {"values": [0.0, 1e40]}, {"step": 1e300}])
def test_a_grid_that_float32_rows_cannot_hold_is_refused(kept):
    schema = FeatureSchema.from_dict({"features": [{"name": "a", "dtype": "float64", "grid": kept}]})
    with pytest.raises(ContractError, match="the grid of feature 'a' must be finite in float32, got Grid"):
        OnlineResampler(schema)


def test_a_synthetic_zero_of_a_grid_has_no_sign():
    X, y, ids = make_rows(0, 3_000, 3, rate=0.3)
    X[:, 2] *= 0.1
    schema = FeatureSchema.numeric(list("abc")).with_rules(grids={"a": 0.5, "b": Grid(values=(-0.0, 1.0)), "c": 1.0})
    batch = OnlineResampler(schema, ratio=1.0).process(X, y, ids)
    zeros = batch.X[batch.is_synthetic]
    assert (zeros == 0).any(axis=0).all()
    assert not np.signbit(zeros[zeros == 0]).any()


def test_a_known_seed_predicts_no_parents_where_the_key_is_not_known():
    """The attack is to run the resampler again: without a key it finds every row."""
    X, y, ids = make_rows(5, 3_000, 4)
    parameters = {"ratio": 1.0, "seed": 42, "quota": "poisson"}
    truth = OnlineResampler(COLUMNS_A_TO_D, **parameters).process(X, y, ids)
    assert_same(OnlineResampler(COLUMNS_A_TO_D, **parameters).process(X, y, ids), truth)
    keyed = OnlineResampler(COLUMNS_A_TO_D, **parameters, secret_key=KEY).process(X, y, ids)
    guessed = {batch.base_id[batch.is_synthetic].tobytes() for batch in (truth, keyed)}
    assert len(guessed) == 2
    n = min(truth.n_synthetic, keyed.n_synthetic)
    same = truth.base_id[truth.is_synthetic][:n] == keyed.base_id[keyed.is_synthetic][:n]
    assert n > 2_000
    assert same.mean() < 0.03  # rows of which some 300 are held in the end, few in the beginning


def test_a_saved_state_needs_the_key_that_it_was_made_with():
    X, y, ids = make_rows(6, 400, 4)
    keyed = OnlineResampler(COLUMNS_A_TO_D, ratio=1.0, secret_key=KEY)
    keyed.process(X[:200], y[:200], ids[:200])
    state = keyed.to_bytes()
    again = OnlineResampler.from_bytes(state, KEY)
    assert again.secret_key == KEY
    assert_same(again.process(X[200:], y[200:], ids[200:]), keyed.process(X[200:], y[200:], ids[200:]))
    with pytest.raises(InvalidInputError, match=rf"with the secret key {KEY.fingerprint}, got none: give that one"):
        OnlineResampler.from_bytes(state)
    other = SecretKey(b"another sixteen bytes")
    with pytest.raises(InvalidInputError, match=rf"the secret key {KEY.fingerprint}, got {other.fingerprint}: give"):
        OnlineResampler.from_bytes(state, other)
    plain = OnlineResampler(COLUMNS_A_TO_D, ratio=1.0)
    with pytest.raises(InvalidInputError, match=rf"without a secret key, got {KEY.fingerprint}: give none"):
        OnlineResampler.from_bytes(plain.to_bytes(), KEY)
    assert (
        len({plain.config_hash, keyed.config_hash, OnlineResampler(COLUMNS_A_TO_D, secret_key=other).config_hash}) == 3
    )
