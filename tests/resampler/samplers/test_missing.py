"""Estimators and nulls: of every container, of every kind, inherited as they are; refused by default as ever."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from imblearn.pipeline import make_pipeline
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import get_tags

from resampler import samplers
from resampler.errors import InvalidInputError
from resampler.samplers import replay

N, WIDE = 200, 2**60
RNG = np.random.default_rng(0)
LABELS = (RNG.random(N) < 0.25).astype(np.int64)
FLOATS, WHOLE, WIDES = RNG.normal(size=N), RNG.integers(0, 9, N), WIDE + RNG.integers(0, 1000, N)
FLAGS, NAMES = RNG.random(N) < 0.5, RNG.choice(["a", "b", "c"], N)
HOLES = RNG.random((5, N)) < 0.2
ARROW = pa.table(
    {
        "float": pa.array(FLOATS, mask=HOLES[0]),
        "whole": pa.array(WHOLE.astype(np.int16), mask=HOLES[1]),
        "wide": pa.array(WIDES, mask=HOLES[2]),
        "flag": pa.array(FLAGS, mask=HOLES[3]),
    }
)
CELLS = [[None if h else v for v, h in zip(row, holes, strict=True)] for row, holes in zip(
    zip(FLOATS.tolist(), WHOLE.tolist(), WIDES.tolist(), strict=True), HOLES[:3].T, strict=True
)]  # fmt: skip
MATRIX = np.where(HOLES[:2].T, np.nan, np.column_stack([FLOATS, WHOLE]))
SPARSE = np.where(RNG.random((N, 2)) < 0.5, 0, MATRIX)
GIVEN = {
    "float64": MATRIX,
    "float32": MATRIX.astype(np.float32),
    "list": MATRIX.tolist(),
    "list with None": CELLS,
    "objects": np.array(CELLS, dtype=object),
    "csr": sparse.csr_matrix(SPARSE),
    "pandas": pd.DataFrame(MATRIX, columns=["float", "whole"]),
    "pandas nullable": pd.DataFrame({
        "float": pd.array(np.where(HOLES[0], None, FLOATS), dtype="Float64"),
        "whole": pd.array(np.where(HOLES[1], None, WHOLE), dtype="Int32"),
        "wide": pd.array([cells[2] for cells in CELLS], dtype="Int64"),
        "flag": pd.array(np.where(HOLES[3], None, FLAGS), dtype="boolean"),
    }),
    "pandas objects": pd.DataFrame(np.array(CELLS, dtype=object), columns=["float", "whole", "wide"]),
    "pandas of Arrow": ARROW.to_pandas(types_mapper=pd.ArrowDtype),
    "pandas sparse": pd.DataFrame({
        name: pd.arrays.SparseArray(column, fill_value=0.0) for name, column in zip("ab", SPARSE.T, strict=True)
    }),
    "Polars": pl.from_arrow(ARROW),
    "Arrow": ARROW,
    "Arrow batch": ARROW.to_batches()[0],
}  # fmt: skip


def cells_of(rows):
    """Rows as lists of Python's objects; every null is None, but a NaN that stands beside nulls is NaN."""
    if sparse.issparse(rows):
        rows = rows.toarray()
    if isinstance(rows, pa.Table | pa.RecordBatch):
        return [list(row) for row in zip(*(column.to_pylist() for column in rows.columns), strict=True)]
    if isinstance(rows, pl.DataFrame):
        return [list(row) for row in rows.rows()]
    if isinstance(rows, pd.DataFrame):
        columns = [[None if v is pd.NA else v for v in rows[name].tolist()] for name in rows]
        return [list(row) for row in zip(*columns, strict=True)]
    return [list(row) for row in (rows.tolist() if isinstance(rows, np.ndarray) else rows)]


def is_null(cell):
    return cell is None or cell != cell


def types_of(rows):
    if isinstance(rows, pa.Table | pa.RecordBatch):
        return rows.schema
    if isinstance(rows, pd.DataFrame):
        return rows.dtypes.tolist()
    return getattr(rows, "schema", getattr(rows, "dtype", type(rows)))


@pytest.mark.parametrize("sampler", [samplers.SMOTE, lambda **kw: samplers.OverSampler("random", shrinkage=0.4, **kw)])
@pytest.mark.parametrize("kind", GIVEN)
def test_nulls_of_every_container_are_inherited_as_they_are(kind, sampler):
    X = GIVEN[kind]
    over = sampler(missing="inherit", random_state=0)
    X_new, y_new = over.fit_resample(X, LABELS)
    assert types_of(X_new) == types_of(X)
    assert np.bincount(y_new).tolist() == [np.count_nonzero(LABELS == 0)] * 2
    cells, real, base = cells_of(X_new), cells_of(X), over.provenance_.base
    assert len(cells) > N
    for i, row in enumerate(cells):
        of = real[i if i < N else base[i - N]]
        assert [None if is_null(c) else 0 for c in row] == [None if is_null(c) else 0 for c in of]
        assert [type(c) for c in row if is_null(c)] == [type(c) for c in of if is_null(c)]
    for again, row in zip(cells_of(replay(X, over.provenance_)), cells[N:], strict=True):
        assert [None if is_null(c) else c for c in again] == [None if is_null(c) else c for c in row]
    if len(real[0]) > 2:
        wide = [row[2] for row in cells[N:] if row[2] is not None]
        assert {type(value) for value in wide} == {int}
        assert all(WIDE - 500 < value < WIDE + 1500 for value in wide)
        assert any(value % 2 for value in wide)  # a double holds none that is odd


@pytest.mark.parametrize("kind", GIVEN)
def test_by_default_scikit_learn_refuses_them(kind):
    for sampler in (samplers.SMOTE(), samplers.TomekLinks(), samplers.SMOTEENN()):
        assert not get_tags(sampler).input_tags.allow_nan
        with pytest.raises(InvalidInputError, match=r"(?s)contains NaN.*Remedy: impute or drop it first"):
            sampler.fit_resample(GIVEN[kind], LABELS)


@pytest.mark.parametrize("missing", ["inherit", "complete"])
def test_infinity_is_refused_all_the_same_and_the_tag_says_what_is_taken(missing):
    sampler = samplers.SMOTE(missing=missing)
    assert get_tags(sampler).input_tags.allow_nan
    with pytest.raises(InvalidInputError, match="contains infinity"):
        sampler.fit_resample(np.where(MATRIX > 1, np.inf, MATRIX), LABELS)


@pytest.mark.parametrize("kind", [kind for kind in GIVEN if "sparse" not in kind])
def test_complete_rows_alone_are_parents(kind):
    sampler = samplers.SMOTE(missing="complete", random_state=0)
    X_new, _ = sampler.fit_resample(GIVEN[kind], LABELS)
    assert not any(is_null(cell) for row in cells_of(X_new)[N:] for cell in row)


@pytest.mark.parametrize("sampler", [samplers.SVMSMOTE, samplers.KMeansSMOTE])
def test_methods_that_measure_whole_rows_refuse_in_words(sampler):
    with pytest.raises(InvalidInputError, match=r"measures whole rows, got \d+ with nulls.* use missing='complete'"):
        sampler(missing="inherit").fit_resample(MATRIX, LABELS)


def mixed(kind):
    columns = {"float": [None if h else v for v, h in zip(FLOATS.tolist(), HOLES[0], strict=True)],
               "name": [None if h else str(v) for v, h in zip(NAMES, HOLES[4], strict=True)],
               "whole": [None if h else v for v, h in zip(WHOLE.tolist(), HOLES[1], strict=True)]}  # fmt: skip
    if kind == "Polars":
        return pl.DataFrame(columns)
    if kind == "Arrow":
        return pa.table(columns)
    frame = pd.DataFrame(columns)
    return frame.convert_dtypes() if kind == "pandas nullable" else frame.astype({"name": kind})


@pytest.mark.parametrize("kind", ["object", "category", "pandas nullable", "Polars", "Arrow"])
def test_categories_are_inherited_too_and_a_null_casts_no_vote(kind):
    X = mixed(kind)
    sampler = samplers.SMOTENC(["name"], missing="inherit", random_state=0)
    X_new, _ = sampler.fit_resample(X, LABELS)
    new, real, base = cells_of(X_new)[N:], cells_of(X), sampler.provenance_.base
    assert [is_null(row[1]) for row in new] == [is_null(real[b][1]) for b in base]
    assert [is_null(row[0]) for row in new] == [is_null(real[b][0]) for b in base]
    assert {row[1] for row in new if not is_null(row[1])} == {"a", "b", "c"}
    whole = samplers.SMOTENC(["name"], missing="complete", random_state=0)
    assert not any(is_null(cell) for row in cells_of(whole.fit_resample(X, LABELS)[0])[N:] for cell in row)
    alone = X[["name"]] if hasattr(X, "iloc") else X.select(["name"])
    nominal = samplers.SMOTEN(missing="inherit", random_state=0)
    made = cells_of(nominal.fit_resample(alone, LABELS)[0])[N:]
    assert [is_null(row[0]) for row in made] == [is_null(real[b][1]) for b in nominal.provenance_.base]


@pytest.mark.parametrize("sampler", [samplers.SMOTETomek, samplers.SMOTEENN])
@pytest.mark.parametrize("kind", GIVEN)
def test_rows_with_nulls_are_cleaned_like_others_or_stay(kind, sampler):
    for missing in ("inherit", "complete"):
        both = sampler(missing=missing, random_state=0)
        X_new, y_new = both.fit_resample(GIVEN[kind], LABELS)
        assert (
            len(cells_of(X_new))
            == len(y_new)
            == len(both.provenance_.base) + sum(i < N for i in both._cleaner().sample_indices_)
        )
    cleaner = {samplers.SMOTETomek: samplers.TomekLinks, samplers.SMOTEENN: samplers.EditedNearestNeighbours}[sampler]
    kept = cleaner(missing="complete", sampling_strategy="all").fit(MATRIX, LABELS)
    kept.fit_resample(MATRIX, LABELS)
    assert set(np.flatnonzero(np.isnan(MATRIX).any(axis=1))) <= set(kept.sample_indices_)


def test_a_neighbours_object_is_asked_where_it_can_be():
    near = NearestNeighbors(n_neighbors=6, metric="nan_euclidean")
    X_new, _ = samplers.SMOTE(missing="inherit", k_neighbors=near, random_state=0).fit_resample(MATRIX, LABELS)
    assert np.array_equal(X_new, samplers.SMOTE(missing="inherit", random_state=0).fit_resample(MATRIX, LABELS)[0],
                          equal_nan=True)  # fmt: skip
    with pytest.raises(InvalidInputError, match="a neighbours object is shown categories as columns of 0 and 1"):
        samplers.SMOTENC(["name"], missing="inherit", k_neighbors=near).fit_resample(mixed("object"), LABELS)


def test_in_a_pipeline_before_a_learner_that_takes_nulls():
    model = make_pipeline(samplers.SMOTE(missing="inherit", random_state=0), HistGradientBoostingClassifier(max_iter=5))
    assert model.fit(MATRIX, LABELS).predict(MATRIX).shape == (N,)


def test_cleaners_say_or_know_that_no_row_is_complete():
    rows = np.where(np.arange(2) == 1, np.nan, MATRIX[:, :2])
    kept, _ = samplers.TomekLinks(missing="complete").fit_resample(rows, LABELS)
    assert len(kept) == len(rows)
    with pytest.raises(InvalidInputError, match=r"at least 4 rows without a null, got 0: .*missing='inherit'"):
        samplers.EditedNearestNeighbours(missing="complete").fit_resample(rows, LABELS)
