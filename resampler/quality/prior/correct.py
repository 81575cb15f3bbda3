"""`correct_prior`: what probabilities are where the classes have their real shares again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.errors import DataError, InvalidInputError
from resampler.quality.prior.counts import by_class, ordered_classes, shares

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

TOLERANCE = 1e-4  # of the sum of a row, above what float32 rounds


def correct_prior(
    proba: ArrayLike,
    *,
    trained: Mapping[Any, float] | Sequence[float],
    real: Mapping[Any, float] | Sequence[float],
    classes: Sequence[Any] | None = None,
) -> NDArray[Any]:
    """Map probabilities of a model that was trained on resampled rows back to the real shares of the classes.

    Parameters
    ----------
    proba : array-like of shape (n_rows, n_classes) or (n_rows,)
        Probabilities. One column is the probability of the second of two classes, as scikit-learn orders them.
    trained : mapping or sequence
        Rows of each class that the model was trained on, after everything that added or removed some, or their shares:
        by class, or in the order of the columns.
    real : mapping or sequence
        The same of the rows as they come.
    classes : sequence of object, optional
        The classes of the columns, ``model.classes_``; by default those that a mapping names, in ascending order.

    Returns
    -------
    ndarray of the shape of `proba`
        In its dtype if that is float32 or float64, else float64; computed in float64. Rows sum to 1.

    Raises
    ------
    InvalidInputError
        If shares break their rules, or a class that has real rows was not trained on.
    DataError
        If a value is no probability, a row does not sum to 1 to within 1e-4, or all of a row's classes have no real
        row.

    Notes
    -----
    ``P(c | x) ~ P_trained(c | x) * real[c] / trained[c]``, which is Bayes' rule where the rows of a class look alike
    before and after: resampling at random does that, SMOTE nearly. The inverse is the same with `trained` and `real`
    exchanged. 0 and 1 stay 0 and 1, a class without real rows gets 0, and two classes keep the order of all rows, to
    the last bit.

    Rows that were balanced within subgroups are corrected subgroup by subgroup, each by its own counts.

    References
    ----------
    Elkan: The foundations of cost-sensitive learning. IJCAI 2001, theorem 2.
    Saerens, Latinne, Decaestecker: Adjusting the outputs of a classifier to new a priori probabilities. Neural
    Computation 14 (2002), doi:10.1162/089976602753284446, equation 2.4.
    Dal Pozzolo et al.: Calibrating probability with undersampling for unbalanced classification. SSCI 2015,
    doi:10.1109/SSCI.2015.33, equation 4: the case of under-sampling.

    Examples
    --------
    >>> correct_prior([0.5, 0.9], trained={0: 100, 1: 100}, real={0: 100, 1: 10}).round(3).tolist()
    [0.091, 0.474]
    """
    given = _probabilities(proba)
    n_classes = 2 if given.ndim == 1 else given.shape[1]
    order = _order(trained, real, classes)
    if len(order) != n_classes:
        raise InvalidInputError(f"proba has columns of {n_classes} classes, shares name {len(order)}: name the same")
    weights = _weights(by_class(trained, "trained", order), by_class(real, "real", order), order)
    done = _weighed(given.astype(np.float64), weights)
    return done.astype(given.dtype, copy=False)


def _order(trained: Any, real: Any, classes: Sequence[Any] | None) -> Sequence[Any]:
    if classes is not None:
        return list(classes)
    for name, counts in (("trained", trained), ("real", real)):
        if isinstance(counts, Mapping):
            return ordered_classes(counts)
        if not hasattr(counts, "__len__"):
            raise InvalidInputError(f"{name} must be rows, or shares, by class or one a column, got {counts!r}")
    return range(len(trained))


def _weights(trained: Sequence[float], real: Sequence[float], order: Sequence[Any]) -> NDArray[np.float64]:
    """Return what each class counts, the most 1."""
    before, after = shares(trained, "trained"), shares(real, "real")
    if (unseen := (before == 0) & (after > 0)).any():
        raise InvalidInputError(
            f"class {order[int(unseen.argmax())]!s} has real rows and was trained on none: no probability of it can be "
            "corrected; leave it out of real, or train on some"
        )
    found = np.divide(after, before, out=np.zeros_like(after), where=before > 0)
    if not found.any():
        raise InvalidInputError("real must have rows of a class that was trained on, got none")
    return found / found.max()


def _probabilities(proba: ArrayLike) -> NDArray[Any]:
    """Check probabilities; return them in float32 or float64."""
    given = np.asarray(proba)
    if given.dtype not in (np.float32, np.float64):
        try:
            given = given.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(f"proba must be numbers, got {given.dtype}") from error
    if given.ndim not in (1, 2) or (given.ndim == 2 and not given.shape[1]):
        raise DataError(f"proba must have a column for each class, or be that of the second of two: got {given.shape}")
    wrong = ~((given >= 0) & (given <= 1))  # so is NaN
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise DataError(
            f"proba must be probabilities from 0 to 1, got {given[at]} in row {at[0]}: scores of another kind are "
            "calibrated first"
        )
    if given.ndim == 2:
        sums = given.sum(axis=1, dtype=np.float64)
        off = np.abs(sums - 1) > TOLERANCE
        if off.any():
            row = int(off.argmax())
            raise DataError(f"rows of proba must sum to 1, got {sums[row]:.6g} in row {row}: divide each by its sum")
    return given


def _weighed(p: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(weights) == 2 and weights.all():
        # Each step of an odds form is monotone, rounding included: no two rows change places.
        second = p if p.ndim == 1 else p[:, 1]
        first = 1 - p if p.ndim == 1 else p[:, 0]
        with np.errstate(divide="ignore", over="ignore"):
            found = 1 / (1 + first / second * (weights[0] / weights[1]))
            if p.ndim == 1:
                return found
            return np.column_stack([1 / (1 + second / first * (weights[1] / weights[0])), found])
    q = np.column_stack([1 - p, p]) if p.ndim == 1 else p
    q = q * weights
    sums = q.sum(axis=1, keepdims=True)
    if not sums.all():
        raise DataError(
            f"row {int((sums == 0).argmax())} of proba names only classes that have no real rows: count more rows"
        )
    q /= sums
    return q[:, 1] if p.ndim == 1 else q
