"""`Parameters`: what the methods can be asked for beside how many rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from resampler.errors import InvalidInputError
from resampler.microaggregation import GROUP_SIZE, check_group_size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NoDanger = Literal["plain", "error"]
NO_DANGER = get_args(NoDanger)
Missing = Literal["inherit", "complete", "refuse"]
MISSING = get_args(Missing)
DANGER_NEIGHBORS = 10  # as many rows of any class decide whether a row is in danger


@dataclass(frozen=True)
class Parameters:
    """Parameters of every method; each reads its own.

    Parameters
    ----------
    k_neighbors : int
        Neighbours that a base may be joined with, and that adasyn weighs it by.
    m_neighbors : int
        Neighbours, of any class, that decide whether a row is in danger.
    no_danger : {"plain", "error"}
        What to do for a class of which no row is in danger, or meets another class: make the plain method's rows and
        warn, or raise `resampler.errors.DataError`.
    clusters : object, optional
        For kmeans: finds them by `fit_predict`.
    cluster_share : float, optional
        For kmeans: share of the class that a cluster must have; by default half of the share of this class's rows in
        all rows wanted.
    sparsity : callable, optional
        For kmeans: sparsity of a cluster, from its rows of the class.
    machine : object, optional
        For svm: gives `support_` when fitted.
    out_step : float
        For svm: how far to extrapolate from a support vector that is in no danger.
    shrinkage : float or dict, optional
        For random: width of the noise, for all classes or for each, in multiples of Silverman's; none by default.
    missing : {"inherit", "complete", "refuse"}
        What rows with a null, that is NaN, are: bases and neighbours whose nulls their synthetic rows inherit; kept,
        and no parents; or an error.
    group_size : int
        For hardened: real rows of a group, at least.
    small_groups : bool
        For hardened: consent to groups of 5 to 9 rows (`resampler.microaggregation.check_group_size`).

    Raises
    ------
    InvalidInputError
        If `no_danger` or `missing` is none of its values, or groups are smaller than was consented to.
    """

    k_neighbors: Any = 5
    m_neighbors: Any = DANGER_NEIGHBORS
    no_danger: NoDanger = "plain"
    clusters: Any = None
    cluster_share: float | None = None
    sparsity: Callable[[Any], float] | None = None
    machine: Any = None
    out_step: float = 0.5
    shrinkage: float | Mapping[Any, float] | None = None
    missing: Missing = "refuse"
    group_size: int = GROUP_SIZE
    small_groups: bool = False

    def __post_init__(self) -> None:
        if self.no_danger not in NO_DANGER:
            raise InvalidInputError(f"no_danger must be one of {NO_DANGER}, got {self.no_danger!r}")
        if self.missing not in MISSING:
            raise InvalidInputError(f"missing must be one of {MISSING}, got {self.missing!r}")
        check_group_size(self.group_size, small_groups=self.small_groups)
