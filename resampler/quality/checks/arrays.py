"""`preflight`: what a user should know about rows at hand before a model learns from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.errors import GateError, InvalidInputError
from resampler.methods.quota import wanted
from resampler.quality.checks.catalog import CHECKS
from resampler.quality.checks.evidence import MADE_ROWS, ROWS, Evidence, Made, OfClass, most
from resampler.quality.checks.sample import content_ids, keyed
from resampler.quality.checks.space import spread
from resampler.quality.finding import Finding, worst_first

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from resampler.methods.parameters import Missing
    from resampler.schema import FeatureSchema


def findings_of(evidence: Evidence) -> list[Finding]:
    """Ask every check that the evidence allows.

    Parameters
    ----------
    evidence : Evidence
        The rows.

    Returns
    -------
    list of Finding
        The worst first.
    """
    asked = [check for check in CHECKS.values() if evidence.made is not None or not check.synthetic]
    found = []
    for check in asked:
        try:
            found += check.findings(evidence)
        except Exception as error:  # rows are whole without it; who is strict wants it measured
            found.append(
                Finding(
                    check.name, "warning", f"not measured: {error}", check.rule, "see whether its columns hold numbers"
                )
            )
    return worst_first(found)


def preflight(
    X: ArrayLike,
    y: ArrayLike,
    schema: FeatureSchema | None = None,
    *,
    synthetic: tuple[ArrayLike, ArrayLike] | None = None,
    base: ArrayLike | None = None,
    ratio: float = 1.0,
    missing: Missing = "inherit",
    method: str = "smote",
    categorical: Sequence[int] | NDArray[np.bool_] | None = None,
    names: Sequence[str] | None = None,
    time: ArrayLike | None = None,
) -> list[Finding]:
    """Say what is wrong, or odd, about rows before synthetic ones are made of them; with those, about them as well.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Numbers; NaN is a null, a category its code.
    y : array-like of shape (n_samples,)
        Classes.
    schema : FeatureSchema, optional
        Names of the columns, which are categorical, and units of distance; by default all are numeric, and a standard
        deviation is the unit.
    synthetic : tuple of array-like, optional
        Synthetic rows and their classes.
    base : array-like of shape (n_synthetic,), int, optional
        Position in `X` of the row that each synthetic one started from.
    ratio : float
        Minority : majority that is wanted, which says what classes are filled up and by how many rows.
    missing : {"inherit", "complete", "refuse"}
        What rows with nulls are to the method: parents, or none.
    method : str
        A key of `resampler.methods.catalog.METHODS`.
    categorical : array-like of int or bool, optional
        In place of a schema: which columns are categorical.
    names : sequence of str, optional
        In place of a schema: names of the columns, by default their numbers.
    time : array-like of shape (n_samples,), int, optional
        When each row happened.

    Returns
    -------
    list of Finding
        The worst first; empty where nothing was found. The same for any order of the rows and any number of threads.

    Raises
    ------
    InvalidInputError
        If shapes do not fit each other.
    DataError
        If there is one class only.

    Notes
    -----
    Up to 20,000 rows of a class are looked at, and 100,000 synthetic ones; of hundreds of columns fewer.
    `resampler.quality.checks.catalog.CHECKS` has the questions.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(1000, 3)), np.repeat([0, 1], [960, 40])
    >>> print(preflight(X, y, ratio=0.1)[0].name)
    few-rows
    """
    rows, labels = np.asarray(X, dtype=np.float64), np.asarray(y)
    if rows.ndim != 2 or labels.shape != (len(rows),):
        raise InvalidInputError(f"X must have rows and y one class for each, got shapes {rows.shape}, {labels.shape}")
    if not rows.size:
        raise InvalidInputError(f"X must have a row and a column at least, got shape {rows.shape}: gather rows first")
    d = rows.shape[1]
    mask = np.zeros(d, dtype=np.bool_)
    if schema is not None:
        mask = schema.categorical_mask
    elif categorical is not None:
        mask[np.asarray(categorical)] = True
    called = schema.names if schema is not None else tuple(map(str, range(d) if names is None else names))
    if len(called) != d or len(mask) != d:
        raise InvalidInputError(
            f"X has {d} columns, {len(called)} names and {len(mask)} marks of categories were given"
        )
    values, codes = np.unique(labels, return_inverse=True)
    counts = np.bincount(codes)
    try:
        lacking = wanted(dict(enumerate(counts.tolist())), ratio)
    except GateError:  # every class has the ratio: all but the largest are looked at
        lacking = {}
    lost = np.isinf(rows) if missing == "inherit" else ~np.isfinite(rows)
    usable = ~np.asarray(lost.any(axis=1))
    ids = content_ids(np.column_stack([rows, codes]))
    chosen = np.concatenate(
        [_keyed_in(np.flatnonzero(codes == code), ids, most(ROWS, d)) for code in range(len(values))]
    )
    made = None
    if synthetic is not None:
        made = _made(synthetic, values, d, None if base is None else ids[np.asarray(base, dtype=np.int64)])
        produced = np.bincount(made.y, minlength=len(values))
        lacking = {code: int(n) for code, n in enumerate(produced) if n}
    return findings_of(
        Evidence(
            rows[chosen],
            codes[chosen],
            ids[chosen],
            called,
            mask,
            _units(rows, mask) if schema is None else schema.scale.astype(np.float64),
            {
                code: OfClass(
                    str(value), int(counts[code]), fit := int(usable[codes == code].sum()), fit, lacking.get(code, 0)
                )
                for code, value in enumerate(values.tolist())
            },
            None if time is None else np.asarray(time)[chosen].astype(np.int64),
            None if made is None else _thinned(made),
            method,
        )
    )


def _keyed_in(members: NDArray[np.int64], ids: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    return members[keyed(ids[members], n)]


def _made(synthetic: tuple[ArrayLike, ArrayLike], values: NDArray[Any], d: int, base: Any) -> Made:
    rows, labels = np.asarray(synthetic[0], dtype=np.float64), np.asarray(synthetic[1])
    if rows.ndim != 2 or rows.shape[1] != d or labels.shape != (len(rows),):
        raise InvalidInputError(
            f"synthetic rows must have the {d} columns of X and a class each, got shapes {rows.shape}, {labels.shape}"
        )
    codes = np.searchsorted(values, labels)
    if not np.array_equal(values[np.minimum(codes, len(values) - 1)], labels):
        raise InvalidInputError("synthetic rows must be of classes that y has: give their labels as y has them")
    order = keyed(content_ids(rows), len(rows))
    return Made(rows[order], codes[order], None if base is None else base[order])


def _thinned(made: Made) -> Made:
    chosen = slice(0, most(MADE_ROWS, made.X.shape[1]))  # in the order of a draw
    return Made(made.X[chosen], made.y[chosen], None if made.base is None else made.base[chosen])


def _units(rows: NDArray[np.float64], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return standard deviations of finite values, 1 for constant and categorical columns."""
    units = np.ones(rows.shape[1])
    for j in np.flatnonzero(~mask):
        units[j] = spread(np.sort(rows[:, j])) or 1.0  # sorted, so that no order of the rows shows in the sum
    return units
