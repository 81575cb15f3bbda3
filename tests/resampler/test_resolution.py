"""Rows of any magnitude have the neighbours that exact arithmetic gives, or are refused."""

import numpy as np
import pytest
from harness.one_class import one_class
from hypothesis import given
from hypothesis import strategies as st

from resampler import FeatureSchema, MinorityBuffer, OnlineResampler, samplers
from resampler.errors import ContractError, InvalidInputError
from resampler.metric import make_penalty
from resampler.neighbors import nearest_rows
from resampler.resolution import _spans, at_unit, deviations, reach, resolve, rows_at_unit


def rows(dtype, n=300, d=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(dtype)


def true_neighbors(X, k, unit=0):
    """Neighbours in long double, of rows times a power of two."""
    wide = np.ldexp(X.astype(np.longdouble), unit)
    d2 = ((wide[:, None] - wide[None]) ** 2).sum(axis=2)
    np.fill_diagonal(d2, np.inf)
    return np.argsort(d2, axis=1, kind="stable")[:, :k]


@pytest.mark.parametrize("method", ["exact", "approximate"])
@pytest.mark.parametrize(
    ("dtype", "exponent"),
    [("float32", e) for e in (-60, -76, -120, -126)] + [("float64", e) for e in (-76, -140, -600, -900)],
)
def test_a_power_of_two_changes_no_neighbour(dtype, exponent, method):
    X = rows(dtype)
    tiny = np.ldexp(X, exponent)
    want = nearest_rows(X, 5, method=method)
    got = nearest_rows(tiny, 5, method=method)
    assert np.array_equal(got.indices, want.indices)
    assert got.recall == want.recall


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tiny_columns_beside_large_ones_tell_rows_apart(dtype):
    X = rows(dtype)
    X *= np.array([1e-23, 1e-22, 2e-23], dtype=dtype)
    flag = (np.arange(300) % 2).astype(dtype)
    far = np.where(np.arange(300) == 7, 1.0, X[:, 0]).astype(dtype)
    constant = np.full(300, 1e16, dtype=dtype)
    for Z in (np.column_stack([X, flag]), np.column_stack([far, X[:, 1:]]), np.column_stack([X, constant])):
        assert np.array_equal(nearest_rows(Z, 3).indices, true_neighbors(Z, 3, unit=60))


def test_what_float32_has_no_room_for_is_measured_in_float64():
    X = np.column_stack([rows("float32") * np.float32(1e-30), (np.arange(300) % 2) * 1e12]).astype(np.float32)
    assert resolve(X, np.ones(4, np.float32), np.full(4, -1.0))[0].dtype == np.float64
    assert np.array_equal(nearest_rows(X, 3).indices, true_neighbors(X, 3))
    deepest = np.ldexp(np.random.default_rng(0).integers(1, 99, (50, 2)).astype(np.float32), -149)  # subnormal
    want = true_neighbors(deepest, 1, unit=149)
    d2 = ((deepest.astype(np.longdouble)[:, None] - deepest[None]) ** 2).sum(axis=2)
    got = nearest_rows(deepest, 1).indices
    at = np.arange(50)
    assert np.array_equal(d2[at, got[:, 0]], d2[at, want[:, 0]])


@given(st.integers(-100, 40), st.integers(0, 2**32 - 1), st.sampled_from(["float32", "float64"]), st.booleans())
def test_scale_and_categories_follow(exponent, seed, dtype, mixed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(40, 3)).astype(dtype)
    scale = np.array([0.5, 4.0, 1.0])
    mask = None
    if mixed:
        X[:, 2] = rng.integers(0, 3, 40)
        mask = np.array([False, False, True])
    tiny = X.copy()
    tiny[:, :2] = np.ldexp(X[:, :2], exponent)
    if not mixed:
        tiny[:, 2] = np.ldexp(X[:, 2], exponent)
    want = one_class(X, 60, k_neighbors=3, scale=scale, categorical_mask=mask)
    got = one_class(tiny, 60, k_neighbors=3, scale=scale, categorical_mask=mask)
    assert np.array_equal(got.base_id, want.base_id)
    assert np.array_equal(got.neighbor_id, want.neighbor_id)
    if mixed:
        assert np.array_equal(got.X[:, 2], want.X[:, 2])


def test_units_given_as_scale_are_the_same():
    X = rows("float32")
    want = one_class(X, 100).neighbor_id
    assert np.array_equal(one_class(X, 100, scale=np.full(3, 2.0**80)).neighbor_id, want)
    assert np.array_equal(one_class(np.ldexp(X, -80), 100, scale=np.full(3, 2.0**-80)).neighbor_id, want)


def test_categories_beside_numbers_without_a_square_are_refused():
    X = np.column_stack([rows("float64", d=2) * 1e-170, np.arange(300) % 3])
    with pytest.raises(InvalidInputError, match=r"must spread by 1e-150 units or more, got 9[.]9.*e-171"):
        one_class(X, 10, categorical_mask=np.array([False, False, True]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "sampler",
    [
        samplers.SMOTE(random_state=0),
        samplers.BorderlineSMOTE(random_state=0),
        samplers.ADASYN(random_state=0),
        samplers.KMeansSMOTE(random_state=0, kmeans_estimator=3, cluster_balance_threshold=0.01),
        samplers.SMOTENC([3], random_state=0),
        samplers.EmbeddingSMOTE(random_state=0),
        samplers.EmbeddingSMOTE(random_state=0, metric="cosine"),
        samplers.EmbeddingSMOTE(random_state=0, inverse="nearest"),
        samplers.TomekLinks(),
        samplers.EditedNearestNeighbours(),
        samplers.SMOTETomek(random_state=0),
    ],
    ids=lambda s: f"{type(s).__name__}-{getattr(s, 'metric', '')}-{getattr(s, 'inverse', '')}",
)
def test_samplers_take_rows_of_tiny_units(sampler, dtype):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [150, 50])
    X = (rng.normal(size=(200, 4)) + y[:, None]).astype(dtype)
    if isinstance(sampler, samplers.SMOTENC):
        X[:, 3] = rng.integers(0, 3, 200)
    tiny = np.ldexp(X, np.where(np.arange(4) == 3, 0, -76) if isinstance(sampler, samplers.SMOTENC) else -76)
    attribute = "sample_indices_" if hasattr(sampler, "n_jobs") and not hasattr(sampler, "smote") else "provenance_"
    attribute = "provenance_" if isinstance(sampler, samplers.KMeansSMOTE) else attribute
    # The weights of clusters depend on the unit by imbalanced-learn's formula.
    sampler.fit_resample(at_unit(tiny) if isinstance(sampler, samplers.KMeansSMOTE) else X, y)
    want = getattr(sampler, attribute)
    sampler.fit_resample(tiny, y)
    got = getattr(sampler, attribute)
    if attribute == "sample_indices_":
        assert np.array_equal(got, want)
        return
    assert np.array_equal(got.base, want.base)
    assert np.array_equal(got.neighbor, want.neighbor)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_noise_is_as_wide_as_tiny_rows_ask(dtype):
    X, y = rows(dtype), np.repeat([0, 1], [250, 50])
    sampler = samplers.RandomOverSampler(random_state=0, shrinkage=1.0)
    want = np.ldexp(sampler.fit_resample(X, y)[0], -76)
    assert np.array_equal(sampler.fit_resample(np.ldexp(X, -76), y)[0], want)


def test_helpers_change_nothing_but_the_unit():
    X = rows("float32")
    assert at_unit(X) is X
    assert rows_at_unit(X) is X
    tiny = np.ldexp(X, -90)
    assert np.array_equal(at_unit(tiny) / at_unit(tiny)[0, 0], X / X[0, 0])
    assert (np.abs(rows_at_unit(tiny)).max(axis=1) >= 0.5).all()
    assert np.array_equal(np.sign(rows_at_unit(tiny)), np.sign(X))


def online(X, y, cut, **options):
    schema = FeatureSchema.numeric([f"f{j}" for j in range(X.shape[1])])
    schema = schema.with_scale(options.pop("scale")) if "scale" in options else schema
    resampler = OnlineResampler(schema, ratio=0.5, k_neighbors=3, **options)
    made = [
        resampler.process(X[i : i + cut], y[i : i + cut], np.arange(i, i + len(X[i : i + cut])))
        for i in range(0, len(X), cut)
    ]
    return resampler, [np.concatenate([getattr(batch, name) for batch in made]) for name in ("base_id", "neighbor_id")]


@pytest.mark.parametrize("cut", [1, 37, 600])
def test_a_stream_of_tiny_units_is_refused_and_passes_with_its_scale(cut):
    X, y = rows("float32", n=600), (np.arange(600) % 10 == 0).astype(np.int64)
    tiny = np.ldexp(X, -76)
    with pytest.raises(ContractError, match=r"rows of class 1 must reach 1e-16 units .*: set the features' scale"):
        online(tiny, y, cut)
    _, want = online(X, y, cut)
    _, got = online(tiny, y, cut, scale=np.full(3, 2.0**-76))
    assert np.array_equal(got, want)


def test_a_refused_batch_changes_nothing_and_rows_that_fade_later_pass():
    X, y = rows("float32", n=600), (np.arange(600) % 10 == 0).astype(np.int64)
    schema = FeatureSchema.numeric(["a", "b", "c"])
    resampler = OnlineResampler(schema, ratio=0.5, k_neighbors=3, capacity=40)
    before = resampler.to_bytes()
    with pytest.raises(ContractError):
        resampler.process(np.ldexp(X, -76), y, np.arange(600))
    assert resampler.to_bytes() == before
    resampler.process(X, y, np.arange(600))
    assert np.count_nonzero(resampler.process(np.ldexp(X, -76), y, np.arange(600, 1200)).is_synthetic) > 100
    again = OnlineResampler.from_bytes(resampler.to_bytes())  # holds rows that have faded, no other
    assert again.to_bytes() == resampler.to_bytes()
    assert np.count_nonzero(again.process(np.ldexp(X, -76), y, np.arange(1200, 1800)).is_synthetic) > 100


def test_rows_that_are_all_zero_and_a_majority_that_is_faint_pass():
    X, y = rows("float32", n=600), (np.arange(600) % 10 == 0).astype(np.int64)
    online(X * 0, y, 600)
    online(np.where(y[:, None] == 1, X, np.ldexp(X, -100)), y, 600)


@pytest.mark.parametrize("index", ["exact", "graph"])
def test_a_buffer_of_tiny_rows_is_refused_and_told_apart_with_its_scale(index):
    X = rows("float32")
    tiny = np.ldexp(X, -76)
    buffer = MinorityBuffer(3, 500, index=index)
    buffer.insert(tiny, np.arange(300))
    for ask in (lambda: buffer.sample(1, seed=0), buffer.graph, lambda: buffer.kneighbors(tiny[:1], 1)):
        with pytest.raises(
            InvalidInputError, match=r"must reach 1e-16 units of scale .*: give the columns' spread as scale"
        ):
            ask()
    scaled, plain = MinorityBuffer(3, 500, index=index, scale=np.full(3, 2.0**-76)), MinorityBuffer(3, 500, index=index)
    scaled.insert(tiny, np.arange(300))
    plain.insert(X, np.arange(300))
    assert np.array_equal(scaled.graph()[1], plain.graph()[1])
    buffer.insert(X[:1], [300])
    assert len(buffer.sample(3, seed=0).X) == 3


def test_deviations_are_those_of_the_values_that_are_there():
    X = np.array([[1.0, np.nan, 4.0], [3.0, np.nan, np.nan], [np.nan, np.nan, 4.0]])
    for unit in (1.0, 1e-200):
        found = deviations(X * unit)
        assert found[[0, 2]].tolist() == [unit, 0.0]
        assert np.isnan(found[1])  # without a value: no part of what a differing category counts
        assert make_penalty(np.array([True]), found / unit, 1).tolist() == [0.25]
    assert make_penalty(np.array([True]), found[[1]], 1).tolist() == [1.0]


@pytest.mark.filterwarnings("ignore:invalid value")  # NumPy says of a signalling NaN that it meets one
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [1, 2, 3, 16])
@pytest.mark.parametrize("n", [3, 40])
def test_a_signalling_null_behind_a_value_hides_nothing(dtype, d, n):
    bits = {np.float32: 0x7F800001, np.float64: 0x7FF0000000000001}[dtype]
    X = np.full((n, d), 1e-24, dtype=dtype)
    X[0] = 5
    X[1] = np.array([bits], dtype=f"u{X.itemsize}").view(dtype)
    every = np.ones(d, dtype=bool)
    assert reach(X, np.ones(d), every) == (5.0, True)
    assert reach(-X, np.ones(d), every) == (5.0, True)
    assert (_spans(X, np.ones(d)) == 5).all()
    assert (_spans(-X, np.ones(d)) == 5).all()
