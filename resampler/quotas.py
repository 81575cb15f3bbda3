"""`ClassQuotas`: how many rows each class of a stream is to have, by share, by cost or by a learner's recall."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.errors import InvalidInputError
from resampler.kernels.online.window import Quotas

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from resampler.kernels.online.window import Policy, Window
    from resampler.parameters import OnlineParameters
    from resampler.schema import FeatureSchema

MIN_WEIGHT = 0.1  # of its ratio a class keeps, however well it is recalled


def check_recall(schema: FeatureSchema, recall: Mapping[Any, Any] | None) -> dict[int, float | None]:
    """Refuse what is no recall of the classes of a contract.

    Parameters
    ----------
    schema : FeatureSchema
        Says which classes there are.
    recall : mapping of str or int to float or None, or None
        By class, its name or code: the share of its rows that a learner recognises; None where that is not known.

    Returns
    -------
    dict of int to (float or None)
        By code, in order.

    Raises
    ------
    InvalidInputError
        If it is no mapping, a class is unknown or named twice, or a recall is no number from 0 to 1.
    """
    if recall is None:
        return {}
    if not hasattr(recall, "items"):
        raise InvalidInputError(f"recall must be by class, such as {{1: 0.8}}, got {recall!r}")
    found: dict[int, float | None] = {}
    for label, value in recall.items():
        code = code_of(schema, label, "recall")
        if code in found:
            raise InvalidInputError(f"recall must name a class once, got {label!r} twice")
        number = not isinstance(value, bool) and isinstance(value, int | float | np.number)
        if value is not None and not (number and 0 <= value <= 1):
            raise InvalidInputError(f"recall of class {label!r} must be from 0 to 1, or None if unknown, got {value!r}")
        found[code] = None if value is None else float(value)
    return dict(sorted(found.items()))


def code_of(schema: FeatureSchema, label: object, what: str) -> int:
    """Return the code of a class that somebody names.

    Parameters
    ----------
    schema : FeatureSchema
        Says which classes there are.
    label : str or int
        The name of a class, or its code.
    what : str
        What it is named in, for the message.

    Returns
    -------
    int
        What rows hold for it.

    Raises
    ------
    InvalidInputError
        If there is no such class.
    """
    column = schema.label
    if isinstance(label, str) and label in column.classes:
        return column.codes[column.classes.index(label)]
    if not isinstance(label, bool) and isinstance(label, int | np.integer | str):
        try:
            code = int(label)
        except ValueError:
            code = None
        if code is not None and -(2**63) <= code < 2**63 and (not column.codes or code in column.codes):
            return code
    known = ", ".join(map(str, column.classes)) or "any integer; names must be in the contract"
    raise InvalidInputError(f"{what} must name classes of {column.name!r} ({known}), got {label!r}")


def _by_code(schema: FeatureSchema, given: Mapping[str, float] | None, what: str) -> dict[int, float]:
    """Return what is given by names or codes of classes by their codes; a class may have one name of them alone."""
    found: dict[int, float] = {}
    for label, value in (given or {}).items():
        code = code_of(schema, label, what)
        if code in found:
            raise InvalidInputError(f"{what} must name a class once, got {label!r}, which is class {code}, again")
        found[code] = value
    return found


def weights_of(recall: Mapping[int, float | None]) -> dict[int, float]:
    """Say how much of its ratio each class is to have.

    Parameters
    ----------
    recall : mapping of int to (float or None)
        What `check_recall` gave.

    Returns
    -------
    dict of int to float
        What a learner misses of the class : what it misses of the class that it misses most of, from `MIN_WEIGHT` to 1;
        classes whose recall is not known are left out, and have all of it.
    """
    known = {code: value for code, value in recall.items() if value is not None}
    missed = 1.0 - min(known.values(), default=1.0)
    if missed == 0.0:
        return {}
    return {code: max(MIN_WEIGHT, (1.0 - value) / missed) for code, value in known.items()}


def targets(window: Window, policy: Policy, quotas: Quotas) -> tuple[NDArray[np.float64], float]:
    """Return how many rows of a window each class is to have, as `resampler.kernels.online.window.plan` counts them.

    Parameters
    ----------
    window : Window
        Behind the last row.
    policy : Policy
        Says how far the largest class is thinned.
    quotas : Quotas
        How many rows each class is to have.

    Returns
    -------
    targets : ndarray of shape (n_classes,), float64
        By the order in which classes came.
    kept : float
        Rows that the largest class keeps.
    """
    n = int(window.n_classes[0])
    real = window.real[:n]
    kept = float(real.max(initial=0))
    if policy.undersample > 0 and kept:
        second = int(np.sort(real)[-2]) if n > 1 else 0
        kept *= min(1.0, max(second, policy.enough) / (policy.undersample * kept))
    found = quotas.ratio[:n] * kept
    costs = quotas.cost[:n]
    return np.where(costs > 0, np.minimum(found, costs * real), found), kept


class ClassQuotas:
    """The quotas of a resampler's classes, as its kernels take them.

    Parameters
    ----------
    schema : FeatureSchema
        Says which classes there are.
    given : OnlineParameters
        Ratio and growth, and ratios and costs of classes.
    max_classes : int
        That there can be.

    Attributes
    ----------
    arrays : Quotas
        By the order in which classes came.

    Raises
    ------
    InvalidInputError
        If a class is unknown, or named twice.
    """

    def __init__(self, schema: FeatureSchema, given: OnlineParameters, max_classes: int) -> None:
        self._schema = schema
        self._ratio, self._growth = given.ratio, given.growth or 0.0
        self._ratios = _by_code(schema, given.class_ratio, "class_ratio")
        self._costs = _by_code(schema, given.cost, "cost")
        self._recall: dict[int, float | None] = {}
        self._weights: dict[int, float] = {}
        self.arrays = Quotas(np.zeros(max_classes), np.zeros(max_classes))

    @property
    def recall(self) -> dict[int, float | None]:
        """A learner's recall by class code; empty where none is followed."""
        return dict(self._recall)

    def follow(self, recall: Mapping[Any, Any] | None) -> None:
        """Weigh the classes' ratios by a learner's recall, from the next `refresh` on.

        Parameters
        ----------
        recall : mapping of str or int to float or None, or None
            See `check_recall`; None or an empty one follows no learner.

        Raises
        ------
        InvalidInputError
            If it is none; nothing changes.
        """
        self._recall = check_recall(self._schema, recall)
        self._weights = weights_of(self._recall)

    def refresh(self, labels: list[int]) -> None:
        """Write the arrays.

        Parameters
        ----------
        labels : list of int
            Of the classes in use, in the order in which they came.
        """
        for i, label in enumerate(labels):
            self.arrays.ratio[i] = self._ratios.get(label, self._ratio) * self._weights.get(label, 1.0)
            self.arrays.cost[i] = self._costs.get(label, self._growth)
