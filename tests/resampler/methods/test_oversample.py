"""The one loop: every method against naive loops, row by row, with and without subgroups."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import methods as naive
from naive.generation import about
from sklearn.cluster import MiniBatchKMeans
from sklearn.svm import SVC

from resampler.errors import DataError, InfeasibleError, InvalidInputError
from resampler.methods.catalog import METHODS
from resampler.methods.oversample import ShortfallWarning, oversample
from resampler.methods.parameters import Parameters
from resampler.methods.place import build
from resampler.methods.table import Table

GROUPINGS = (None, "within", "proportional")
FROM_ROWS = [name for name, method in METHODS.items() if not method.hardens]  # for the other: test_harden.py


def clusters_of(seed):
    return lambda rows: MiniBatchKMeans(min(8, len(rows)), random_state=seed, n_init=1).fit_predict(rows)


@st.composite
def worlds(draw, method, grouped):
    """Few rows of few values, so that distances, votes and turns are often equal; two or three classes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(24, 50) if grouped else st.integers(8, 36))
    d, k = draw(st.integers(1, 4)), draw(st.integers(1, 2 if grouped else 3))
    X = rng.integers(0, 5, size=(n, d)).astype(draw(st.sampled_from([np.float32, np.float64])))
    mask = np.zeros(d, dtype=np.bool_)
    if METHODS[method].categories == "vote" and method != "smote":
        mask = rng.random(d) < 0.4
    elif METHODS[method].categories == "all":
        mask[:] = True
    units = np.where(mask, 1.0, 2.0 ** rng.integers(-1, 2, d))
    y = rng.permutation(np.concatenate([[0, 1], rng.choice(3, n - 2, p=[0.5, 0.3, 0.2])]))
    ids = rng.choice(2**40, n, replace=False)
    groups = None
    if grouped:
        groups = rng.choice(draw(st.sampled_from([[0, 1], ["east", "west", "north"]])), n)
    seed = draw(st.integers(0, 2**32 - 1))
    world = naive.World(
        X, y, ids, None, k, draw(st.integers(1, 6)), mask, units, groups,
        clusters_of=clusters_of(seed), machine=SVC(gamma="scale"),
    )  # fmt: skip
    if METHODS[method].nulls:
        X[rng.random((n, d)) < draw(st.sampled_from([0.0, 0.2, 0.6]))] = np.nan
    labels = draw(st.lists(st.sampled_from(np.unique(y).tolist()), min_size=1, max_size=2, unique=True))
    return world, {label: draw(st.integers(0, 12)) for label in labels}, seed


def table_of(world):
    mask = world.categorical if world.categorical.any() else None
    return Table(world.X, world.y, world.ids, mask, world.units, groups=world.groups)


@pytest.mark.parametrize("grouping", GROUPINGS)
@pytest.mark.parametrize("method", FROM_ROWS)
@given(data=st.data())
@settings(max_examples=10)
def test_every_method_is_its_naive_loop(method, grouping, data):
    world, wanted, seed = data.draw(worlds(method, grouping))
    subgroups = grouping or "within"
    parameters = Parameters(world.k, world.m, missing="inherit")

    def run():
        return oversample(table_of(world), method, wanted, seed=seed, parameters=parameters, subgroups=subgroups)

    with warnings.catch_warnings(record=True) as given_warnings:
        warnings.simplefilter("always")
        try:
            rows, plain = naive.oversampled(world, method, wanted, seed, subgroups)
        except naive.TooFewError:
            with pytest.raises(DataError, match="synthetic rows could be made"):
                run()
            return
        made, grown = run()
    fell_back = [str(one.message) for one in given_warnings if one.category is ShortfallWarning]
    assert len(fell_back) == len(plain) == sum(each.plain for each in grown)
    assert list(made.label) == [label for label, *_ in rows]
    assert list(made.base) == [base for _, base, *_ in rows]
    assert list(made.neighbor) == [neighbor for _, _, neighbor, *_ in rows]
    assert made.step.tobytes() == np.array([step for *_, step, _ in rows], dtype=np.float32).tobytes()
    assert made.donor.tolist() == [donors for *_, donors in rows]
    assert not METHODS[method].own_class or (world.y[made.neighbor] == made.label).all()
    assert sum(each.part.n_synthetic for each in grown) == sum(wanted.values()) == len(rows)


def two_classes(n=(40, 14), d=3, seed=0, gap=1.0, dtype=np.float64):
    """Rows of two classes, `gap` apart, in any order, each with an identity."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat([0, 1], n))
    X = (rng.normal(size=(len(y), d)) + gap * y[:, None]).astype(dtype)
    return X, y, rng.choice(2**40, len(y), replace=False)


def equal(a, b):
    return all(x.tobytes() == y.tobytes() for x, y in zip(a[:5], b[:5], strict=True))


NUMERIC = [name for name in FROM_ROWS if METHODS[name].categories != "all"]


@pytest.mark.parametrize("method", NUMERIC)
def test_the_first_rows_of_more_are_those_of_fewer(method):
    X, y, ids = two_classes()
    some, more = (oversample(Table(X, y, ids), method, {1: n}, seed=5).provenance for n in (11, 90))
    assert equal(some, more.take(np.arange(11)))


@pytest.mark.parametrize("method", [name for name in NUMERIC if not METHODS[name].looks_around])
def test_rows_of_other_classes_change_nothing_where_the_method_does_not_look_around(method):
    X, y, ids = two_classes()
    alone = np.flatnonzero(y == 1)
    made = oversample(Table(X, y, ids), method, {1: 30}, seed=5).provenance
    by_itself = oversample(Table(X, y, ids).take(alone), method, {1: 30}, seed=5).provenance
    assert equal(made, by_itself._replace(base=alone[by_itself.base], neighbor=alone[by_itself.neighbor]))


@pytest.mark.parametrize("method", sorted(set(NUMERIC) - {"adasyn", "kmeans", "svm"}))  # whose sums follow it
def test_the_order_of_rows_with_identities_changes_nothing(method):
    X, y, ids = two_classes()
    order = np.random.default_rng(1).permutation(len(y))
    made = oversample(Table(X, y, ids), method, {1: 30}, seed=5).provenance
    other = oversample(Table(X, y, ids).take(order), method, {1: 30}, seed=5).provenance
    assert equal(made, other._replace(base=order[other.base], neighbor=order[other.neighbor]))


def test_without_identities_a_row_is_keyed_by_its_place_within_class_and_subgroup():
    X, y, _ = two_classes((60, 40))
    groups = np.random.default_rng(1).choice(["a", "b"], len(y))
    plain = oversample(Table(X, y), "smote", {1: 30}, seed=5).provenance
    places = np.where(y == 1, np.cumsum(y == 1) - 1, 1_000 + np.arange(len(y)))
    assert equal(plain, oversample(Table(X, y, places), "smote", {1: 30}, seed=5).provenance)
    made, grown = oversample(Table(X, y, groups=groups), "smote", {1: 30}, seed=5)
    for group in "ab":
        at = np.flatnonzero(groups == group)
        one = Table(X[at], y[at], np.where(y[at] == 1, np.cumsum(y[at] == 1) - 1, 1_000 + np.arange(len(at))))
        n = next(each.part.n_synthetic for each in grown if each.part.group == group)
        alone = oversample(one, "smote", {1: n}, seed=5, names={1: f"1/{group}"}).provenance
        assert equal(
            made.take(groups[made.base] == group), alone._replace(base=at[alone.base], neighbor=at[alone.neighbor])
        )


@pytest.mark.parametrize("grouped", [False, True])
def test_smoothed_rows_lie_about_their_bases_as_silverman_says(grouped):
    """The number of rows is that of the subgroup, also where the table holds one class of it."""
    X, y, ids = two_classes((60, 40))
    groups = np.random.default_rng(1).choice(["a", "b"], len(y)) if grouped else None
    parameters = Parameters(shrinkage=0.7)
    made = oversample(Table(X, y, ids, groups=groups), "random", {1: 50}, seed=5, parameters=parameters).provenance
    rows = build(X, made)
    for i, base in enumerate(made.base):
        of = np.ones(len(y), dtype=np.bool_) if groups is None else groups == groups[base]
        width = 0.7 * (4 / (5 * of.sum())) ** (1 / 7) * X[of & (y == 1)].std(axis=0)
        drawn = 5, int(made.draws.stream[i]), int(ids[base]), int(made.draws.number[i])
        assert rows[i] == pytest.approx(about(X[base], drawn, width), abs=1e-12)
    alone = Table(X, y, ids, groups=groups).take(np.flatnonzero(y == 1))._replace(around=(y, groups))
    fewer = oversample(alone, "random", {1: 50}, seed=5, parameters=parameters).provenance
    assert build(alone.X, fewer).tobytes() == rows.tobytes()


DANGEROUS = [name for name, method in METHODS.items() if method.needs_danger]


@pytest.mark.parametrize("method", DANGEROUS)
def test_where_no_row_is_in_danger_the_plain_rows_are_made_and_the_users_own_line_is_warned(method):
    X, y, ids = two_classes(gap=100.0)
    with pytest.warns(ShortfallWarning, match="class 1: the plain method's rows were made: no row of class 1") as told:
        made, grown = oversample(Table(X, y, ids), method, {1: 9}, seed=5)
    assert [warning.filename for warning in told] == [__file__]
    assert [each.plain for each in grown] == [True]
    assert equal(made, oversample(Table(X, y, ids), "smote", {1: 9}, seed=5).provenance)
    with pytest.raises(InfeasibleError, match="0 of 9 synthetic rows could be made: no row of class 1 is in danger"):
        oversample(Table(X, y, ids), method, {1: 9}, seed=5, parameters=Parameters(no_danger="error"))


def test_a_subgroup_with_too_few_rows_stops_the_others_only_where_that_is_asked_for():
    X, y, ids = two_classes((40, 20))
    groups = np.zeros(len(y), dtype=np.int64)
    groups[np.flatnonzero(y == 1)[:3]] = 1
    groups[np.flatnonzero(y == 0)[:15]] = 1
    table = Table(X, y, ids, groups=groups)
    with pytest.raises(DataError, match="at least 6 rows of class 1 in subgroup 1, got 3"):
        oversample(table, "smote", {1: 20}, seed=5)
    with pytest.warns(ShortfallWarning, match="class 1 in subgroup 1: made 0 of .* synthetic rows") as told:
        made, grown = oversample(table, "smote", {1: 20}, seed=5, strict=False)
    assert [warning.filename for warning in told] == [__file__]
    assert [each.part.group for each in grown] == [0]
    assert 0 < len(made.base) < 20
    assert set(groups[made.base]) == {0}


@pytest.mark.parametrize("groups", [None, np.zeros(54)])
@pytest.mark.parametrize("method", METHODS)
def test_a_class_without_rows_is_named(method, groups):
    X, y, ids = two_classes()
    with pytest.raises(DataError, match="0 of 3 synthetic rows could be made: there is no row of class 7"):
        oversample(Table(X, y, ids, groups=groups), method, {1: 2, 7: 3}, seed=5)
    assert len(oversample(Table(X, y, ids, groups=groups), "random", {7: 0}, seed=5).provenance.base) == 0


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if method.categories == "none"])
def test_methods_of_numbers_refuse_categories(method):
    X, y, ids = two_classes()
    with pytest.raises(InvalidInputError, match=f"method '{method}' takes numeric columns only, got 2 categorical"):
        oversample(Table(X, y, ids, np.array([True, False, True])), method, {1: 2}, seed=5)


@pytest.mark.parametrize(
    ("method", "wanted", "options", "message"),
    [
        ("nope", {1: 2}, {}, "the method must be one of .*, got 'nope'"),
        ("smote", {1: 2}, {"subgroups": "proportionate"}, "subgroups must be one of .*, got 'proportionate'"),
        ("smote", {1: -1}, {}, "wanted must be 0 or more synthetic rows of each class, got -1 of 1"),
        ("random", {1: 2.5}, {}, "wanted must be 0 or more .*, got 2.5 of 1"),
    ],
)
def test_what_breaks_a_rule_is_named(method, wanted, options, message):
    table = Table(np.arange(12.0).reshape(6, 2), np.array([0, 0, 0, 0, 1, 1]))
    with pytest.raises(InvalidInputError, match=message):
        oversample(table, method, wanted, seed=0, **options)
