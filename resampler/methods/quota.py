"""How many synthetic rows, of which class, from which rows."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np

from resampler.errors import DataError, GateError
from resampler.methods.plan import take_turns
from resampler.metric import check_ratio, label_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

Subgroups = Literal["within", "proportional"]
SUBGROUPS = get_args(Subgroups)


class Part(NamedTuple):
    """The rows that one class, or one class of a subgroup, is made from.

    Parameters
    ----------
    label : object
        The class.
    n_synthetic : int
        Rows to make.
    group : object
        The subgroup; None where there are none.
    rows : ndarray of int64, or None
        Positions of the subgroup's rows, of any class; None means all rows.
    called : object
        What messages call the class, where that is not its label.
    """

    label: Any
    n_synthetic: int
    group: Any = None
    rows: NDArray[np.int64] | None = None
    called: Any = None

    @property
    def key(self) -> Any:
        """What the results of this part are kept under: the class, or (class, subgroup)."""
        return self.label if self.rows is None else (self.label, self.group)

    @property
    def name(self) -> str:
        """What messages call this part."""
        label = repr(self._called)
        return f"class {label}" if self.rows is None else f"class {label} in subgroup {self.group!r}"

    @property
    def stream(self) -> int:
        """What the draws of this part are keyed on beside the seed."""
        label = self.label if self.called is None else self.called
        return label_key(label if self.rows is None else f"{label}/{self.group}")

    @property
    def _called(self) -> Any:
        label = self.label if self.called is None else self.called
        return label.item() if isinstance(label, np.generic) else label

    def place(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Turn positions within this part's rows into positions in `X`.

        Parameters
        ----------
        positions : ndarray of int64
            Positions among `rows`.

        Returns
        -------
        ndarray of int64
            Of the same shape.
        """
        return positions if self.rows is None else self.rows[positions]


def wanted(counts: Mapping[Any, int], ratio: float | Decimal) -> dict[Any, int]:
    """Decide how many synthetic rows each class gets.

    Parameters
    ----------
    counts : dict
        Real rows of each class.
    ratio : float or decimal.Decimal
        Minority : majority after augmentation, above 0 and at most 1. Every class that is rarer than that is
        filled up to ``floor(ratio * majority)``. The binary fraction 0.29 is a little less than 29 of 100; a decimal
        number is what it is written as.

    Returns
    -------
    dict
        Rows to make, for the classes that need some.

    Raises
    ------
    InvalidInputError
        If `ratio` is out of range.
    DataError
        If there is one class only.
    GateError
        If every class has that ratio already.
    """
    check_ratio("ratio", float(ratio) if isinstance(ratio, Decimal) else ratio)
    if len(counts) < 2:
        raise DataError(
            f"the training split has class {next(iter(counts))!r} only: another split or more rows are needed"
        )
    majority = max(counts.values())
    target = int(ratio * majority)
    lacking = {label: target - count for label, count in counts.items() if count < target}
    if not lacking:
        rarest = min(counts.values())
        raise GateError(
            f"ratio={ratio} is already reached: it asks for {target} rows of each class ({ratio} x {majority} rows of "
            f"the largest, rounded down), and the rarest has {rarest}; ask for more or leave the data as they are"
        )
    return lacking


def parts_of(
    y: NDArray[Any],
    strategy: Mapping[Any, int],
    groups: NDArray[Any] | None,
    names: Mapping[Any, Any] | None = None,
    around: tuple[NDArray[Any], NDArray[Any] | None] | None = None,
) -> Iterator[Part]:
    """Say what is made from which rows, where each subgroup is balanced within itself.

    Within each subgroup that has rows of a class, the class is owed what it lacks of its wanted share to the largest
    class: as if the subgroup were resampled alone. The rows asked for are shared out in proportion to that, by
    Webster's method, so their number is exact.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        The classes.
    strategy : dict
        Synthetic rows to make of each class.
    groups : ndarray of shape (n_samples,), or None
        The subgroup of each row; None means that there are none.
    names : dict, optional
        What a class is called, and keyed by, where that is not its label in `y`.
    around : tuple of ndarray, optional
        Classes and subgroups of all rows, where `y` and `groups` are of some classes only.

    Yields
    ------
    Part
        Class by class, then subgroup by subgroup; none that has nothing to make.
    """
    names = names or {}
    if groups is None:
        yield from (Part(label, n, called=names.get(label)) for label, n in strategy.items() if n)
        return
    found, codes = np.unique(groups, return_inverse=True)
    all_y, all_groups = y, groups
    if around is not None and around[1] is not None:
        all_y, all_groups = around[0], around[1]
    classes, counts = np.unique(all_y, return_counts=True)
    largest, sizes = np.unique(all_groups[all_y == classes[counts.argmax()]], return_counts=True)
    room = np.zeros(len(found), dtype=np.int64)
    at = np.searchsorted(found, largest)
    there = (at < len(found)) & (found[np.minimum(at, len(found) - 1)] == largest)
    room[at[there]] = sizes[there]
    for label, n in ((label, n) for label, n in strategy.items() if n):
        held = np.bincount(codes[y == label], minlength=len(found))
        wide = np.where(held > 0, room, 0)  # nothing can be made where the class is not
        lacking = np.maximum((held.sum() + n) * wide / max(wide.sum(), 1) - held, 0)
        # All subgroups are at their share already, up to rounding: grow them alike.
        weights = lacking if lacking.sum() > 0 else held.astype(np.float64)
        quotas = np.bincount(take_turns(np.arange(len(found)), n, weights=weights)[0], minlength=len(found))
        for g in np.flatnonzero(quotas):
            yield Part(label, int(quotas[g]), found[g].item(), np.flatnonzero(codes == g), names.get(label))
