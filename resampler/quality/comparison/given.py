"""`Given`: the rows of a comparison, checked, and as many of them as it can afford."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from resampler.errors import DataError, InvalidInputError
from resampler.quality.checks.sample import content_ids, keyed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

_SHOWN = 5


class Given(NamedTuple):
    """Rows.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), float64
        Numbers; NaN is a null, a category its code.
    y : ndarray of shape (n_rows,), int64
        Classes, as positions in `classes`.
    classes : tuple of str
        Their names, in ascending order of the labels.
    code : int
        The positive class.
    mask : ndarray of shape (n_features,), bool
        Which columns are categorical.
    names : tuple of str
        Of the columns.
    groups, times : ndarray of shape (n_rows,), or None
        Whom a row belongs to; when it happened.
    """

    X: NDArray[np.float64]
    y: NDArray[np.int64]
    classes: tuple[str, ...]
    code: int
    mask: NDArray[np.bool_]
    names: tuple[str, ...]
    groups: NDArray[np.int64] | None
    times: NDArray[Any] | None

    @property
    def positive(self) -> NDArray[np.bool_]:
        """Which rows are of the positive class."""
        return self.y == self.code

    @property
    def name(self) -> str:
        """What the positive class is called."""
        return self.classes[self.code]

    @property
    def kind(self) -> Literal["stratified", "groups", "times"]:
        """What test parts are made of."""
        return "times" if self.times is not None else "groups" if self.groups is not None else "stratified"

    @property
    def digest(self) -> str:
        """The sha256 of all that is in it."""
        found = hashlib.sha256(repr((self.X.shape, self.classes, self.code, self.names, self.kind)).encode())
        for array in (self.X, self.y, self.mask, self.groups, self.times):
            if array is not None:
                found.update(np.ascontiguousarray(array).tobytes())
        return found.hexdigest()

    def take(self, rows: NDArray[np.int64]) -> Given:
        """Return some of the rows.

        Parameters
        ----------
        rows : ndarray of int64
            Their positions.

        Returns
        -------
        Given
            In that order.
        """
        groups, times = (None if of is None else of[rows] for of in (self.groups, self.times))
        return self._replace(X=self.X[rows], y=self.y[rows], groups=groups, times=times)


def check_rows(
    X: ArrayLike,
    y: ArrayLike,
    *,
    categorical: Sequence[int] | NDArray[np.bool_] | None,
    names: Sequence[str] | None,
    positive: Any,
    groups: ArrayLike | None,
    times: ArrayLike | None,
) -> Given:
    """Check rows.

    Parameters
    ----------
    X, y, categorical, names, positive, groups, times
        As `resampler.quality.compare` takes them.

    Returns
    -------
    Given
        All of them.

    Raises
    ------
    InvalidInputError
        If shapes do not fit each other, or both groups and times are given.
    DataError
        If there is no row, a value is infinite, a label null, or there is one class only.
    """
    try:
        rows = np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"X must hold numbers, a category as its code: {error}") from error
    labels = np.asarray(y)
    if rows.ndim != 2 or labels.shape != (len(rows),):
        raise InvalidInputError(f"X must have rows and y one class for each, got shapes {rows.shape}, {labels.shape}")
    if not rows.size:
        raise DataError(f"X must have a row and a column at least, got shape {rows.shape}: gather rows first")
    d = rows.shape[1]
    called = tuple(map(str, range(d) if names is None else names))
    mask = np.zeros(d, dtype=np.bool_)
    if categorical is not None:
        try:
            mask[np.asarray(categorical)] = True
        except IndexError as error:
            raise InvalidInputError(f"categorical must name some of {d} columns, got {categorical!r}") from error
    if len(called) != d:
        raise InvalidInputError(f"X has {d} columns, {len(called)} names were given")
    if (wrong := np.isinf(rows).any(axis=0)).any():
        raise DataError(
            f"column {called[int(wrong.argmax())]!r} must be finite, got an infinite value: make it null (NaN)"
        )
    if groups is not None and times is not None:
        raise InvalidInputError("groups and times are two ways to split rows: give one of them")
    classes, codes, code = _classes(labels, positive)
    return Given(
        rows,
        codes,
        classes,
        code,
        mask,
        called,
        None if groups is None else np.unique(_column("groups", groups, len(rows)), return_inverse=True)[1],
        None if times is None else np.unique(_column("times", times, len(rows)), return_inverse=True)[1],
    )


def chosen_rows(given: Given, max_rows: int) -> Given:
    """Choose as many rows as a comparison can afford: the same share of each class, or of each kind of group.

    Parameters
    ----------
    given : Given
        The rows.
    max_rows : int
        About how many at most.

    Returns
    -------
    Given
        In their order; groups are whole.

    Notes
    -----
    The draw is keyed on what is in the rows. Classes keep their shares, for thresholds, probabilities and average
    precision depend on them.
    """
    n = len(given.y)
    if n <= max_rows:
        return given
    if given.groups is None:
        ids = content_ids(np.column_stack([given.X, given.y]))
        taken = [_share(np.flatnonzero(given.y == code), ids, max_rows / n) for code in range(len(given.classes))]
        return given.take(np.sort(np.concatenate(taken)))
    rare = np.bincount(given.groups, given.positive) > 0
    groups = np.arange(len(rare), dtype=np.int64)
    taken = [_share(groups[rare == kind], groups, max_rows / n) for kind in (True, False)]
    return given.take(np.flatnonzero(np.isin(given.groups, np.concatenate(taken))))


def _share(members: NDArray[np.int64], ids: NDArray[np.int64], share: float) -> NDArray[np.int64]:
    return members[keyed(ids[members], round(len(members) * share))]


def _classes(labels: NDArray[Any], positive: Any) -> tuple[tuple[str, ...], NDArray[np.int64], int]:
    nulls = (
        np.isnan(labels) if labels.dtype.kind == "f" else np.array([one is None or one != one for one in labels.flat])
    )
    if labels.dtype.kind in "fO" and nulls.any():
        raise DataError(f"y is null in {int(nulls.sum()):,} of {len(labels):,} rows: leave those rows out")
    try:
        values, codes = np.unique(labels, return_inverse=True)
    except TypeError as error:
        raise DataError(f"labels of y must be of one type: {error}") from error
    if len(values) < 2:
        raise DataError(f"a comparison needs two classes, got {values.tolist()[0]!r} only: gather rows of another")
    plain = values.tolist()
    shown = ", ".join(map(repr, plain[:_SHOWN])) + (", ..." if len(plain) > _SHOWN else "")
    if labels.dtype.kind == "f" and len(values) > max(20, 0.05 * len(labels)):
        raise DataError(f"y must hold classes, got {len(values):,} different numbers in {len(labels):,} rows ({shown})")
    if positive is None:
        return tuple(map(str, plain)), codes.astype(np.int64), int(np.bincount(codes).argmin())
    if isinstance(positive, np.generic):
        positive = positive.item()
    found = [code for code, value in enumerate(plain) if value == positive] or [
        code for code, value in enumerate(plain) if str(value) == str(positive)
    ]
    if not found:
        raise DataError(f"positive {positive!r} is no class of these rows: they have {shown}")
    return tuple(map(str, plain)), codes.astype(np.int64), found[0]


def _column(name: str, values: ArrayLike, n: int) -> NDArray[Any]:
    column = np.asarray(values)
    if column.shape != (n,):
        raise InvalidInputError(f"{name} must have one value for each of {n} rows, got shape {column.shape}")
    kind = column.dtype.kind
    if kind == "O" or (kind == "f" and np.isnan(column).any()) or (kind in "mM" and np.isnat(column).any()):
        if any(one is None or one != one for one in column.tolist()):
            raise DataError(f"{name} must have a value in every row, got nulls: leave those rows out")
        if kind == "O":
            try:
                return np.unique(column, return_inverse=True)[1]
            except TypeError as error:
                raise DataError(f"{name} must be of one type: {error}") from error
    return column
