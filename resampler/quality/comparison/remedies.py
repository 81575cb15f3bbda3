"""`Remedy`: what is done to a training part before a learner sees it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from resampler.errors import DataError, InvalidInputError
from resampler.methods.catalog import METHODS, resolve
from resampler.methods.clean import CLEANERS, edited, tomek_links
from resampler.methods.oversample import ShortfallWarning, oversample
from resampler.methods.parameters import Parameters
from resampler.methods.quota import wanted
from resampler.methods.table import Table, dense_rows
from resampler.microaggregation import GROUP_SIZE
from resampler.neighbors import nearest_rows
from resampler.quality.comparison.comparison import NOTHING
from resampler.resolution import deviations
from resampler.samplers.matrix import append_synthetic

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

K_NEIGHBORS = 5  # fewer where a class has no more rows
_LEAST = 2  # rows that can be joined


class Training(NamedTuple):
    """A training part.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), float64
        Rows.
    y : ndarray of shape (n_rows,), int64
        Their classes, as codes.
    code : int
        The positive class.
    mask : ndarray of shape (n_features,), bool
        Which columns are categorical.
    ratio : float
        Minority : majority that is wanted.
    seed : int
        Keys every draw.
    weight : ndarray of shape (n_rows,), float64, or None
        What each row counts; None means 1.
    """

    X: NDArray[np.float64]
    y: NDArray[np.int64]
    code: int
    mask: NDArray[np.bool_]
    ratio: float
    seed: int
    weight: NDArray[np.float64] | None = None

    def take(self, rows: NDArray[np.int64]) -> Training:
        """Return some of the rows.

        Parameters
        ----------
        rows : ndarray of int64
            Their positions.

        Returns
        -------
        Training
            In that order.
        """
        return self._replace(X=self.X[rows], y=self.y[rows])

    def share(self, n_classes: int) -> NDArray[np.float64]:
        """Return what a learner takes for the prior.

        Parameters
        ----------
        n_classes : int
            How many codes there are.

        Returns
        -------
        ndarray of shape (n_classes,), float64
            Sums to 1.
        """
        counts = np.bincount(self.y, self.weight, minlength=n_classes)
        return counts / counts.sum()


@dataclass(frozen=True)
class Remedy:
    """What is done to a training part.

    Parameters
    ----------
    name : str
        As it is asked for.
    apply : callable
        ``apply(training)`` returns a `Training`.
    synthetic : bool
        Whether it makes rows that nobody observed, or takes rows again.
    weighs : bool
        Whether the learner must take weights.
    """

    name: str
    apply: Callable[[Training], Training]
    synthetic: bool = False
    weighs: bool = False


def nothing(training: Training) -> Training:
    """Leave all rows as they are.

    Parameters
    ----------
    training : Training
        Rows.

    Returns
    -------
    Training
        The same.
    """
    return training


def weighted(training: Training) -> Training:
    """Let each class count the same, as scikit-learn's ``class_weight="balanced"``.

    Parameters
    ----------
    training : Training
        Rows.

    Returns
    -------
    Training
        With weights.
    """
    counts = np.bincount(training.y)
    return training._replace(weight=len(training.y) / (np.count_nonzero(counts) * counts[training.y]))


def undersampled(training: Training) -> Training:
    """Leave out rows of the larger classes, by a draw, until each has 1 / ratio times the rows of the positive one.

    Parameters
    ----------
    training : Training
        Rows.

    Returns
    -------
    Training
        In their order.
    """
    draw = np.random.Generator(np.random.Philox(key=np.array([training.seed, 1], dtype=np.uint64)))
    most = int(np.count_nonzero(training.y == training.code) / training.ratio)
    kept = []
    for code in np.unique(training.y):
        members = np.flatnonzero(training.y == code)
        kept.append(draw.permutation(members)[:most] if len(members) > most else members)
    return training.take(np.sort(np.concatenate(kept)))


def bootstrapped(training: Training) -> Training:
    """Draw as many rows of each class again, with replacement: what differs from the original is luck.

    Parameters
    ----------
    training : Training
        Rows.

    Returns
    -------
    Training
        Class by class.
    """
    draw = np.random.Generator(np.random.Philox(key=np.array([training.seed, 2], dtype=np.uint64)))
    members = [np.flatnonzero(training.y == code) for code in np.unique(training.y)]
    return training.take(np.concatenate([draw.choice(rows, len(rows)) for rows in members]))


def _grown(training: Training, method: str, cleaner: str | None) -> Training:
    """Make synthetic rows of every class that has too few, then take out what the cleaner finds."""
    rule = METHODS[method]
    counts = {code: int(n) for code, n in enumerate(np.bincount(training.y)) if n}
    # Of other classes than the positive one, those that cannot be joined, or cut into groups, stay as they are.
    least = 2 * GROUP_SIZE if rule.hardens else K_NEIGHBORS + 1 if rule.joins else 1
    lacking = {
        code: n for code, n in wanted(counts, training.ratio).items() if code == training.code or counts[code] >= least
    }
    if not lacking:
        raise DataError(f"no class has fewer rows than ratio {training.ratio:g} asks for")
    k = min(K_NEIGHBORS, min(counts[code] for code in lacking) - 1)
    if rule.joins and k < 1:
        raise DataError(f"a row of the class must have another to be joined with, got {k + 1} row")
    mask = training.mask if training.mask.any() else None
    spread = deviations(training.X)
    units = np.where(training.mask | ~(spread > 0), 1.0, spread)
    table = Table(training.X, training.y, categorical=mask, units=units)
    missing = "inherit" if rule.nulls else "complete"
    parameters = Parameters(k_neighbors=max(k, 1), missing=missing)  # type: ignore[arg-type]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ShortfallWarning)  # where no row is in danger: smote's rows
        made = oversample(table, method, lacking, seed=training.seed, parameters=parameters).provenance
    grown = training._replace(
        X=append_synthetic(training.X, made), y=np.concatenate([training.y, made.label]).astype(np.int64)
    )
    return grown if cleaner is None else _cleaned(grown, cleaner, units)


def _cleaned(training: Training, cleaner: str, units: NDArray[np.float64]) -> Training:
    """Take out rows of any class, as imbalanced-learn's combinations do, but never the last ones of a class."""
    table = Table(training.X, training.y, categorical=training.mask if training.mask.any() else None, units=units)
    penalty = table.penalty_of(np.arange(len(training.y)))
    rows = dense_rows(training.X)

    def nearest(queries: NDArray[np.int64], k: int) -> NDArray[np.int64]:
        return nearest_rows(rows, k, queries=queries, inverse_scale=1.0 / units, penalty=penalty, method="auto").indices

    if cleaner == "tomek":
        gone = tomek_links(nearest, training.y)
    else:
        gone = edited(nearest, training.y, np.arange(len(training.y)))
    left = np.delete(np.arange(len(training.y)), gone)
    if (
        np.bincount(training.y[left], minlength=training.code + 1)[training.code] < _LEAST
        or len(np.unique(training.y[left])) < _LEAST
    ):
        raise DataError(f"cleaning by {cleaner} leaves fewer than two classes with rows")
    return training.take(left)


# What is no method of the catalogue; `remedies` adds these.
PLAIN = {
    NOTHING: Remedy(NOTHING, nothing),
    "weights": Remedy("weights", weighted, weighs=True),
    "undersample": Remedy("undersample", undersampled),
}


def usual(mask: NDArray[np.bool_]) -> tuple[str, ...]:
    """Return the remedies that are tried where none are asked for.

    Parameters
    ----------
    mask : ndarray of shape (n_features,), bool
        Which columns are categorical.

    Returns
    -------
    tuple of str
        Names.
    """
    smote = "smotenc" if mask.any() else "smote"
    if mask.all():
        smote = "smoten"
    return (
        NOTHING,
        "weights",
        "undersample",
        "random",
        smote,
        f"{smote}+enn",
        *(("borderline", "borderline+enn") if not mask.all() else ()),
    )


def remedy(asked: str, mask: NDArray[np.bool_]) -> Remedy:
    """Find a remedy.

    Parameters
    ----------
    asked : str
        ``nothing``, ``weights``, ``undersample``, or a method of `METHODS`, with ``+enn`` or ``+tomek`` behind it where
        it is cleaned up after.
    mask : ndarray of shape (n_features,), bool
        Which columns are categorical.

    Returns
    -------
    Remedy
        That.

    Raises
    ------
    InvalidInputError
        If there is none of that name, or it does not fit the columns.
    """
    if asked in PLAIN:
        return PLAIN[asked]
    name, plus, cleaner = asked.partition("+")
    try:
        name = resolve(name)
    except InvalidInputError as error:
        raise InvalidInputError(
            f"a remedy is one of {', '.join(PLAIN)} or a method ({', '.join(METHODS)}), with +enn or +tomek for "
            f"cleaning, got {asked!r}"
        ) from error
    if METHODS[name].clean is not None:
        name, cleaner, plus = "smote", METHODS[name].clean or "", "+"
    if plus and cleaner not in CLEANERS:
        raise InvalidInputError(f"remedy {asked!r} cleans by {cleaner!r}: use {' or '.join(CLEANERS)}")
    rule = METHODS[name]
    if mask.any() and rule.categories == "none":
        raise InvalidInputError(f"method {name!r} takes numeric columns only: use smotenc, or leave categories out")
    if not mask.all() and rule.categories == "all":
        raise InvalidInputError(f"method {name!r} takes categorical columns only: use smotenc")
    if name == "smotenc" and not mask.any():
        raise InvalidInputError("method 'smotenc' needs categorical columns: use smote")
    return Remedy(
        f"{name}+{cleaner}" if cleaner else name,
        lambda training: _grown(training, name, cleaner or None),
        synthetic=True,
    )
