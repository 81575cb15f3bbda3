"""`ClassCounts`: how many rows of each class there are, and how many a model was trained on."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from resampler.errors import DataError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_BOOLEANS = {"False", "True"}


class ClassCounts(NamedTuple):
    """Rows of each class before and after resampling.

    Parameters
    ----------
    real : mapping of object to float
        By class, rows as they come: before any was made or left out. Shares do as well.
    trained : mapping of object to float
        By class, rows that the model was trained on: after everything.
    group_by : str or None
        Column within whose values the classes were balanced; the counts of all rows do not say then how each subgroup
        changed.
    """

    real: Mapping[Any, float]
    trained: Mapping[Any, float]
    group_by: str | None = None

    @classmethod
    def of(cls, source: Any) -> ClassCounts:
        """Find the counts that a source has.

        Parameters
        ----------
        source : ClassCounts, TrainingSet, snapshot, manifest, ClassWindow, OnlineStats or pair of mappings
            What has `class_counts`; what counts `real`, `synthetic` and `dropped` rows by class; or (real, trained).

        Returns
        -------
        ClassCounts
            Of it.

        Raises
        ------
        InvalidInputError
            If it is none of these.
        """
        found = getattr(source, "class_counts", source)
        if isinstance(found, cls):
            return found
        if all(hasattr(found, name) for name in ("real", "synthetic", "dropped")):
            made, dropped = found.synthetic, found.dropped
            return cls(found.real, {c: n - dropped.get(c, 0) + made.get(c, 0) for c, n in found.real.items()})
        if isinstance(found, tuple | list) and len(found) == 2 and all(isinstance(part, Mapping) for part in found):
            return cls(*found)
        raise InvalidInputError(
            "counts must be of a version (`open_version`, `create_snapshot`), a ClassWindow, the stats of an "
            f"OnlineResampler, or (real, trained), two mappings of class to rows; got {type(source).__name__}"
        )

    @classmethod
    def of_version(
        cls,
        version: str,
        real: Mapping[str, int] | None,
        train: Mapping[str, Mapping[str, int]],
        parameters: Mapping[str, Any],
    ) -> ClassCounts:
        """Take the counts of a version's training rows.

        Parameters
        ----------
        version : str
            For the message.
        real : mapping of str to int, or None
            By class, real rows before any was left out; None where nobody knows.
        train : mapping of str to mapping
            By class and kind, the rows of its training split.
        parameters : mapping
            By which it was made.

        Returns
        -------
        ClassCounts
            Of it.

        Raises
        ------
        DataError
            If nobody knows the real rows.
        """
        if real is None:
            raise DataError(
                f"{version} was made by a release that did not count the rows it left out: make it again, or give "
                "(real, trained)"
            )
        trained = {name: sum(of.values()) for name, of in train.items()}
        grouped = parameters.get("group_by") if parameters.get("subgroups") == "within" else None
        return cls(real, trained, grouped)

    def among(self, classes: Sequence[Any]) -> tuple[dict[Any, float], dict[Any, float]]:
        """Say real and trained rows of the classes that a model knows.

        Parameters
        ----------
        classes : sequence of object
            As the model names them.

        Returns
        -------
        real, trained : dict of object to float
            By class, in this order.

        Raises
        ------
        InvalidInputError
            If one of them is not counted.
        """
        real, trained = (
            dict(zip(classes, by_class(counts, name, classes, others=True), strict=True))
            for name, counts in (("real", self.real), ("trained", self.trained))
        )
        return real, trained


def by_class(
    counts: Mapping[Any, float] | Sequence[float], name: str, classes: Sequence[Any], *, others: bool = False
) -> list[float]:
    """Put counts in the order of classes.

    Parameters
    ----------
    counts : mapping or sequence
        By class, or in this order already.
    name : str
        What they are, for the message.
    classes : sequence of object
        A class is found by its value, else by its name: files of a version name the class 1 "1".
    others : bool
        Whether more classes may be counted.

    Returns
    -------
    list of float
        One a class.

    Raises
    ------
    InvalidInputError
        If a class has no count, or a count no class.
    """
    if not isinstance(counts, Mapping):
        if len(counts) != len(classes):
            raise InvalidInputError(f"{name} must have one entry for each of {len(classes)} classes, got {len(counts)}")
        return list(counts)
    names = {str(key): value for key, value in counts.items()}
    found, missing = [], []
    for one in classes:
        value = counts.get(one)
        for spelt in _spellings(one, names.keys()):
            value = names.get(spelt) if value is None else value
        if value is None:
            missing.append(one)
        else:
            found.append(value)
    if missing or (len(counts) > len(classes) and not others):
        raise InvalidInputError(
            f"{name} must count the classes {', '.join(map(str, classes))}, got {', '.join(names) or 'none'}: "
            "name them as the model does"
        )
    return found


def _spellings(one: Any, names: Any) -> list[str]:
    """Return how files may name a class: 1.0 as 1, and 1 as True where the column was boolean."""
    spelt = [str(one)]
    if isinstance(one, float | np.floating) and float(one).is_integer():
        spelt.append(str(int(one)))
    if set(names) <= _BOOLEANS and one in (0, 1):
        spelt.append(str(bool(one)))
    return spelt


def ordered_classes(counts: Mapping[Any, float]) -> list[Any]:
    """Return the classes that a mapping counts, as scikit-learn orders the columns of probabilities.

    Parameters
    ----------
    counts : mapping
        By class.

    Returns
    -------
    list of object
        Ascending.

    Raises
    ------
    InvalidInputError
        If names are numbers, whose order as text is another: whether the model has numbers or text is not known here.
    """
    try:
        classes = sorted(counts)
    except TypeError:
        classes = None
    if classes is not None and all(isinstance(one, str) for one in classes):
        with contextlib.suppress(ValueError):  # names that are no numbers
            classes = classes if sorted(classes, key=float) == classes else None
    if classes is None:
        raise InvalidInputError(
            f"the order of the classes {', '.join(map(str, counts))} is not known: give classes=model.classes_"
        )
    return classes


def shares(counts: Sequence[float], name: str) -> NDArray[np.float64]:
    """Turn counts into shares.

    Parameters
    ----------
    counts : sequence of float
        One a class.
    name : str
        What they are, for the message.

    Returns
    -------
    ndarray of shape (n_classes,), float64
        They sum to 1.

    Raises
    ------
    InvalidInputError
        If one is negative, infinite or no number, or all are 0.
    """
    try:
        found = np.asarray(counts, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"{name} must be numbers of rows, or shares, one a class, got {counts!r}") from error
    if found.ndim != 1 or not np.isfinite(found).all() or (found < 0).any() or not found.sum():
        raise InvalidInputError(
            f"{name} must be numbers of rows, or shares, 0 or more and not all 0, one a class, got {found.tolist()}"
        )
    return found / found.sum()
