"""Each check has a table that raises it and one that does not; figures equal naive loops."""

from __future__ import annotations

import dataclasses

import numba
import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from resampler.errors import InvalidInputError
from resampler.quality import detectability, preflight
from resampler.quality.checks.catalog import CHECKS
from resampler.quality.checks.evidence import Evidence, Made, OfClass
from resampler.quality.checks.near import NEIGHBORS, intrinsic_dimension, neighborhood
from resampler.quality.checks.sample import content_ids, keyed
from resampler.quality.finding import in_lines
from resampler.quality.statistics import area, areas, share_interval

COLUMNS = 4


def rows(majority=800, minority=200, columns=COLUMNS, seed=0):
    """Two classes that meet; nothing is wrong with them."""
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1], [majority, minority])
    return {"X": rng.normal(size=(len(y), columns)) + 1.5 * y[:, None], "y": y}


def with_synthetic(case, n=300, seed=1):
    """Synthetic rows as good as real ones."""
    d = case["X"].shape[1]
    return case | {"synthetic": (np.random.default_rng(seed).normal(size=(n, d)) + 1.5, np.ones(n, dtype=int))}


def sane():
    return with_synthetic(rows())


def many_classes():
    case = rows(2000, 400)
    return case | {"y": np.arange(2400) % 150 * (np.arange(2400) > 600)}


def few_rows():
    return rows(minority=30)


def few_parents():
    case = rows()
    case["X"][case["y"] == 1, 2] = np.where(np.arange(200) % 10 > 1, np.nan, case["X"][case["y"] == 1, 2])
    return case | {"missing": "complete"}


def copies():
    return rows(3000, 60)


def leaks():
    case = rows()
    case["X"][:, 1] = -100.0 * case["y"] + case["X"][:, 0]
    return case


def leaks_by_nulls():
    case = rows()
    case["X"][case["y"] == 0, 3] = np.nan
    return case


def leaks_by_categories():
    case = rows()
    case["X"][:, 1] = np.where(case["y"] == 1, np.arange(1000) % 3 * 2, np.arange(1000) % 3 * 2 + 1)
    return case | {"categorical": [1]}


def own_values():
    case = rows()
    case["X"][:, 0] = 0
    case["X"][800:840, 0] = 1
    return case


def constant():
    case = rows()
    case["X"][:, 3] = 7
    return case


def duplicate():
    case = rows()
    case["X"][:, 3] = case["X"][:, 1]
    return case


def related():
    case = rows()
    case["X"][:, 3] = case["X"][:, 1] + case["X"][:, 2]
    return case


def ids():
    case = rows()
    case["X"][:, 2] = np.random.default_rng(3).permutation(1000)
    return case


def ids_by_name():
    case = rows()
    case["X"][:, 2] = np.random.default_rng(3).integers(0, 200, 1000)
    return case | {"names": ["a", "b", "customer_id", "d"]}


def times():
    case = rows()
    time = np.random.default_rng(3).permutation(1000)
    case["X"][:, 2] = time // 2 + 0.25
    return case | {"time": time}


def categorical():
    case = rows()
    case["X"][:, :3] = np.rint(case["X"][:, :3])
    return case | {"categorical": [0, 1, 2]}


def sums():
    case = rows()
    case["X"] = np.rint(case["X"] * 8) / 8
    case["X"][:, 3] = case["X"][:, 0] + case["X"][:, 2]
    return case


def broken_sums():
    case = with_synthetic(sums())
    case["synthetic"][0][:, 3] = case["synthetic"][0][:, 0] + case["synthetic"][0][:, 2] + (np.arange(300) % 4 == 0)
    return case


def multiples():
    case = rows()
    case["X"][:, 1] = case["X"][:, 0] * 60
    return case


def noise():
    rng = np.random.default_rng(5)
    corners = np.concatenate([np.eye(10), -np.eye(10)])  # nearer to the middle than to each other
    own = np.concatenate([corners, rng.normal(size=(30, 10)) / 10 + 9])
    return {"X": np.concatenate([rng.normal(size=(300, 10)) / 50, own]), "y": np.repeat([0, 1], [300, 50])}


def near_duplicates():
    case = rows()
    case["X"][-100:] = case["X"][-200:-100]
    return case


def conflicts():
    case = rows()
    case["X"][-40:] = case["X"][:40]
    return case


def contrast():
    return rows(columns=400)


def repeats():
    case = rows()
    return case | {"synthetic": (case["X"][np.repeat(np.arange(800, 1000), 2)], np.ones(400, dtype=int))}


def overlap():
    case = rows()
    return case | {"synthetic": (np.random.default_rng(1).normal(size=(300, COLUMNS)) - 2, np.ones(300, dtype=int))}


def nulls():
    case = with_synthetic(rows())
    case["X"][::2, 1] = np.nan
    return case


def off_the_grid():
    case = with_synthetic(rows(1600, 400), 400)
    case["X"] = np.rint(case["X"] * 4)
    return case | {"synthetic": (case["synthetic"][0] * 4, case["synthetic"][1])}


RAISED_BY = {
    "many-classes": [many_classes],
    "few-rows": [few_rows],
    "few-parents": [few_parents],
    "copies": [copies],
    "leaks": [leaks, leaks_by_nulls, leaks_by_categories],
    "own-values": [own_values],
    "constant-columns": [constant],
    "duplicate-columns": [duplicate],
    "ids": [ids, ids_by_name],
    "times": [times],
    "mostly-categorical": [categorical],
    "related-columns": [related, sums, broken_sums, multiples],
    "noise": [noise],
    "near-duplicates": [near_duplicates],
    "conflicts": [conflicts],
    "contrast": [contrast],
    "repeats": [repeats],
    "overlap": [overlap],
    "nulls": [nulls],
    "detectability": [off_the_grid],
}
CASES = [(name, case) for name, cases in RAISED_BY.items() for case in cases]


def test_every_check_has_a_table_that_raises_it():
    assert list(RAISED_BY) == list(CHECKS)


@pytest.mark.parametrize(("name", "case"), CASES, ids=[case.__name__ for _, case in CASES])
def test_a_check_is_raised_with_its_rule_and_remedy(name, case):
    found = [one for one in preflight(**case()) if one.name == name]
    assert len(found) == 1
    assert found[0].rule == CHECKS[name].rule
    assert found[0].remedy == CHECKS[name].remedy
    assert found[0].values


@pytest.mark.parametrize("name", CHECKS)
def test_a_sane_table_raises_no_check(name):
    case = sane() | ({"time": np.random.default_rng(9).permutation(1000)} if name == "times" else {})
    assert name not in [one.name for one in preflight(**case)]


@pytest.mark.parametrize("case", [sane, noise, conflicts, nulls, off_the_grid, leaks_by_categories])
def test_findings_do_not_depend_on_the_order_of_rows_or_on_threads(case, monkeypatch):
    given = case()
    expected = preflight(**given)
    order = np.random.default_rng(0).permutation(len(given["y"]))
    given |= {"X": given["X"][order], "y": given["y"][order]}
    if "synthetic" in given:
        other = np.random.default_rng(1).permutation(len(given["synthetic"][1]))
        given["synthetic"] = tuple(part[other] for part in given["synthetic"])
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 1)
    assert preflight(**given) == expected


def test_rows_that_have_the_ratio_are_looked_at_as_well():
    case = leaks()
    assert [one.name for one in preflight(**case, ratio=0.1)] == ["leaks"]


def test_columns_at_fault_are_named():
    assert preflight(**leaks(), names=["a", "b", "c", "d"])[0].columns == ("b",)
    assert preflight(**few_parents(), names=["a", "b", "weight", "d"])[0].columns == ("weight",)


def test_relations_that_synthetic_rows_break_are_a_warning():
    levels = {
        case.__name__: next((one.level, one.figure) for one in preflight(**case()) if one.name == "related-columns")
        for case in (sums, broken_sums, multiples)
    }
    assert levels == {
        "sums": ("note", "3 = 0 + 2"),
        "broken_sums": ("warning", "3 = 0 + 2, not in 25 % of the synthetic rows"),
        "multiples": ("note", "1 = 0 * 60"),
    }


def test_too_few_parents_for_many_copies_is_a_refusal():
    case = rows(9000, 800)
    case["X"][-770:, 2] = np.nan
    found = preflight(**case, missing="complete")[0]
    assert (found.name, found.level) == ("few-parents", "refusal")
    assert "30 of 800 rows" in found.figure
    assert "273 copies" in found.figure


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"y": np.zeros(3)}, "one class for each"),
        ({"names": ["a"]}, "1 names"),
        ({"synthetic": (np.zeros((2, 9)), np.ones(2))}, "columns of X"),
        ({"synthetic": (np.zeros((2, 4)), np.full(2, 7))}, "classes that y has"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(wrong, words):
    with pytest.raises(InvalidInputError, match=words):
        preflight(**(rows() | wrong))


def evidence(X, y, made=None):
    sizes = dict(zip(*(part.tolist() for part in np.unique(y, return_counts=True)), strict=True))
    return Evidence(
        X, y, np.arange(len(y)), tuple("abcdefgh"[: X.shape[1]]), np.zeros(X.shape[1], dtype=bool),
        np.ones(X.shape[1]), {code: OfClass(str(code), n, n, n, int(code == 1)) for code, n in sizes.items()},
        made=made,
    )  # fmt: skip


def test_noise_is_counted_as_a_loop_counts_it():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 6, (60, 2)).astype(float), np.repeat([0, 1], 30)
    found = neighborhood(evidence(X, y), 1)
    for i, foreign in zip(found.own, found.foreign, strict=True):
        order = sorted((j for j in range(60) if j != i), key=lambda j: (((X[i] - X[j]) ** 2).sum(), y[j] != 1, j))
        assert foreign == sum(y[j] != 1 for j in order[:NEIGHBORS])


def test_repeats_are_counted_as_a_loop_counts_them():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 4, (40, 2)).astype(float), np.repeat([0, 1], 20)
    made = rng.integers(0, 7, (50, 2)).astype(float)
    seen = evidence(X, y, Made(made, np.ones(50, dtype=int), None))
    held = {tuple(row) for row in X[y == 1]}
    count = 0
    for row in made:
        count += tuple(row) in held
        held.add(tuple(row))
    assert CHECKS["repeats"].findings(seen)[0].values["share"] == count / 50


@pytest.mark.parametrize(("count", "n"), [(0, 10), (3, 10), (10, 10), (499, 1000)])
def test_intervals_of_shares_are_wilsons(count, n):
    expected = binomtest(count, n).proportion_ci(method="wilson")
    assert share_interval(count, n) == pytest.approx((expected.low, expected.high))


def test_areas_are_those_of_scikit_learn_and_leave_nulls_out():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 9, 50).astype(float), rng.integers(2, 12, 70).astype(float)
    assert area(a, b) == pytest.approx(roc_auc_score(np.repeat([1, 0], [50, 70]), np.concatenate([a, b])))
    with_null = np.append(a, np.nan)
    assert areas(with_null[:, None], b[:, None])[0] == area(a, b)
    assert areas(np.full((3, 1), np.nan), b[:, None])[0] == 0.5


def test_the_dimension_of_a_plane_among_many_columns_is_two():
    flat = np.random.default_rng(0).uniform(size=(2000, 2)) @ np.random.default_rng(1).normal(size=(2, 9))
    distances = np.sqrt(((flat[:50, None] - flat[None]) ** 2).sum(axis=2))
    assert intrinsic_dimension(np.sort(distances, axis=1)[:, 1:11].T) == pytest.approx(2, abs=0.4)


def test_samples_are_nested_and_do_not_depend_on_the_order():
    ids = np.random.default_rng(0).permutation(500)
    assert ids[keyed(ids, 30)].tolist() == np.arange(500)[keyed(np.arange(500), 100)][:30].tolist()


def test_equal_rows_have_one_identity():
    X = np.array([[0.0, np.nan], [-0.0, -np.nan], [0.0, 1.0], [1.0, 0.0]])
    first, second, *others = content_ids(X).tolist()
    assert first == second
    assert len({first, *others}) == 3


def test_halves_of_one_sample_are_not_told_apart_and_what_gives_rows_away_is_named():
    rng = np.random.default_rng(0)
    real, alike = rng.normal(size=(600, 3)), rng.normal(size=(600, 3))
    found = detectability(real, alike)
    assert found.low < 0.5 < found.high
    assert found.columns == ()
    alike[:, 1] = np.rint(alike[:, 1] * 4) / 4
    found = detectability(real, alike, names=["a", "b", "c"])
    assert found.low > 0.9
    assert [name for name, _ in found.columns] == ["b"]
    assert 0.4 < found.control < 0.6


def test_rows_of_one_base_tell_nothing_and_that_is_said():
    rng = np.random.default_rng(0)
    real, made = rng.normal(size=(200, 2)), rng.normal(size=(200, 2)) + 9
    found = detectability(real, made, base=np.zeros(200, dtype=int))
    assert (found.area, found.low, found.high) == (0.5, 0.0, 1.0)
    assert detectability(real, made, base=np.arange(200)).low > 0.9


@pytest.mark.parametrize("known", [0, 1])
def test_a_column_of_nulls_keeps_the_others_from_no_comparison(known):
    case = sane()
    for X in (case["X"][800:], case["synthetic"][0]):
        X[known:, 0] = np.nan
    case["synthetic"][0][:, 1] = np.rint(case["synthetic"][0][:, 1])
    (found,) = (one for one in preflight(**case) if one.name == "detectability")
    assert found.values["low"] > 0.9
    assert found.columns[0] == "1"


@pytest.mark.parametrize("missing", ["inherit", "complete"])
def test_what_keeps_rows_from_being_parents_is_named(missing):
    case = rows()
    case["X"][820:, 1] = np.inf
    case["X"][:, 2] = np.where(np.arange(1000) % 2, np.nan, case["X"][:, 2])
    (found,) = (one for one in preflight(**case, missing=missing) if one.name == "few-parents")
    nulls = ", 2 is null in 50 %" if missing == "complete" else ""
    assert found.figure.endswith(f"copies each; 1 is infinite in 90 %{nulls}")


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_an_infinite_value_is_no_distance():
    """In most rows of a class, of which neighbours are sought, and in synthetic ones."""
    case, nulls = sane(), sane()
    for one, value in ((case, -np.inf), (nulls, np.nan)):
        for X in (one["X"][820:], one["synthetic"][0]):
            X[:, 0] = value
        one["X"][:2, 1] = value, -value
    distances = ("noise", "contrast", "overlap", "detectability")
    found, expected = ([one for one in preflight(**each) if one.name in distances] for each in (case, nulls))
    assert not any("not measured" in one.figure for one in found)
    assert [one.name for one in found if one.name != "detectability"] == [
        one.name for one in expected if one.name != "detectability"
    ]
    evidence = Evidence(
        case["X"], case["y"], np.arange(1000), tuple("abcd"), np.zeros(4, dtype=bool), np.ones(4),
        {code: OfClass(str(code), n, n, n, 0) for code, n in ((0, 800), (1, 200))},
    )  # fmt: skip
    spotless = dataclasses.replace(evidence, X=nulls["X"])
    np.testing.assert_array_equal(neighborhood(evidence, 1).foreign, neighborhood(spotless, 1).foreign)


def test_copies_of_a_row_are_tested_with_it():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(400, 2))
    base = np.arange(400)
    found = detectability(real, real[base] + rng.normal(size=(400, 2)) * 1e-6, base=base)
    assert 0.4 < found.area < 0.6


def test_too_few_rows_to_tell_are_refused():
    with pytest.raises(InvalidInputError, match="30 rows of each kind"):
        detectability(np.zeros((10, 2)), np.zeros((50, 2)))
    with pytest.raises(InvalidInputError, match="same columns"):
        detectability(np.zeros((40, 2)), np.zeros((50, 3)))


def test_a_finding_in_many_classes_is_a_line():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(1000, 3)), np.repeat(np.arange(41), [200] + [20] * 40)
    found = [one for one in preflight(X, y) if one.name == "few-rows"]
    assert len(found) == 40
    shown = "warning few-rows of 40 classes: '1': 20 rows; '2': 20 rows; '3': 20 rows and 37 more"
    assert in_lines(found) == [f"{shown}; {found[0].rule}: {found[0].remedy}"]
    assert in_lines(found[:3]) == [str(one) for one in found[:3]]


@pytest.mark.parametrize("factor", [1e-200, 1e290])
def test_findings_do_not_depend_on_units(factor):
    case = noise()
    assert preflight(case["X"] * factor, case["y"]) == preflight(**case)


def test_a_column_without_a_value_is_named():
    case = sane()
    case["X"][:, 1] = np.nan
    found = next(one for one in preflight(case["X"], case["y"]) if one.name == "constant-columns")
    assert (found.columns, found.figure) == (("1",), "1 of 4 columns have one value, or none (1), in 1,000 rows")


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_nothing_to_look_at_is_refused(shape):
    with pytest.raises(InvalidInputError, match="a row and a column at least"):
        preflight(np.empty(shape), np.zeros(shape[0]))


def test_a_class_without_parents_has_no_copies_of_them():
    case = rows(800, 60)
    case["X"][:, 1] = np.nan
    found = [one.name for one in preflight(case["X"], case["y"], missing="complete")]
    assert found == ["few-parents", "constant-columns"]


def test_a_check_that_fails_is_a_warning_so_that_the_strict_publish_nothing_unmeasured(monkeypatch):
    def fail(_evidence):
        raise ArithmeticError("no number")

    monkeypatch.setitem(CHECKS, "noise", dataclasses.replace(CHECKS["noise"], ask=fail))
    X = np.random.default_rng(0).normal(size=(300, 3))
    found = {one.name: one for one in preflight(X, np.arange(300) % 5 == 0)}["noise"]
    assert (found.level, found.figure) == ("warning", "not measured: no number")
