"""How the synthetic rows of one class are planned: by each sampler that a snapshot offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from feast_plugin.versions.recipe import PLAIN
from resampler.errors import DataError, InvalidInputError
from resampler.generate import Plan, build, draw, elect_donors
from resampler.metric import label_key, make_penalty
from resampler.neighbors import nearest_rows
from resampler.provenance import Synthetic
from resampler.resolution import deviations
from resampler.schema import check_magnitude

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from feast_plugin.versions.contract import Contract
    from resampler.schema import FeatureSchema

DANGER_NEIGHBORS = 10  # borderline: as many rows of any class decide whether a row is in danger


class Subgroups(NamedTuple):
    """Rows that may be joined with each other alone.

    Parameters
    ----------
    column : str
        Join key or feature whose values tell them apart.
    code : ndarray of shape (n_rows,), int64
        Subgroup of each row, as a position in `values`.
    values : pyarrow.Array
        Value of each subgroup.
    """

    column: str
    code: NDArray[np.int64]
    values: pa.Array


def subgroups(column: str, values: pa.ChunkedArray) -> Subgroups:
    """Tell subgroups apart.

    Parameters
    ----------
    column : str
        Name of the column.
    values : pyarrow.ChunkedArray of shape (n_rows,)
        Its values.

    Returns
    -------
    Subgroups
        One a value.

    Raises
    ------
    DataError
        If it is a column of arrays, or has a null.
    """
    if pa.types.is_list(values.type) or values.null_count:
        raise DataError(
            f"group_by must name a column of single values without null, got {column!r}: {values.type} with "
            f"{values.null_count} nulls: group by another"
        )
    encoded = values.combine_chunks().dictionary_encode()
    return Subgroups(column, encoded.indices.to_numpy().astype(np.int64), encoded.dictionary)


class Request(NamedTuple):
    """What is asked for one class.

    Parameters
    ----------
    sampler : str
        One of `feast_plugin.versions.recipe.SAMPLERS`.
    matrix : ndarray of shape (n_rows, n_features)
        Complete rows: of this class alone for a plain sampler, of every class for an adaptive one.
    members : ndarray of shape (n_members,), int64
        Positions of the class in `matrix`.
    row_ids : ndarray of shape (n_rows,), int64
        Identities.
    schema : FeatureSchema
        Units of distance and which columns hold codes.
    label : object
        The class.
    k_neighbors, seed, quota : int
        Neighbours of the class that a row may be joined with, key of the draws, rows to make.
    groups : Subgroups, optional
        Rows of two are never joined, and each grows in proportion to its rows.
    """

    sampler: str
    matrix: NDArray[Any]
    members: NDArray[np.int64]
    row_ids: NDArray[np.int64]
    schema: FeatureSchema
    label: object
    k_neighbors: int
    seed: int
    quota: int
    groups: Subgroups | None = None


def resolve_sampler(sampler: str | None, contract: Contract) -> str:
    """Check a sampler's name, or choose one.

    Parameters
    ----------
    sampler : str, optional
        One of `feast_plugin.versions.recipe.SAMPLERS`.
    contract : Contract
        Whose features it must fit.

    Returns
    -------
    str
        By default smotenc where there are categorical features, else smote.

    Raises
    ------
    InvalidInputError
        If smote or smotenc does not fit.
    """
    mixed = [c.name for c in contract.columns if c.categorical]
    fitting = "smotenc" if mixed else "smote"
    if sampler is None:
        return fitting
    if sampler in PLAIN and sampler != fitting:
        raise InvalidInputError(
            f"sampler {sampler!r} does not fit the contract's categorical features {mixed}: use {fitting!r}"
        )
    return sampler


def sample(request: Request) -> Synthetic:
    """Make the synthetic rows of one class.

    Parameters
    ----------
    request : Request
        What is asked.

    Returns
    -------
    Synthetic
        `quota` rows.

    Raises
    ------
    DataError
        If an adaptive sampler finds no row of the class that meets others, or a subgroup has too few rows.
    InvalidInputError
        If a value is further from 0 than distances can be measured.

    References
    ----------
    SMOTE and SMOTENC: Chawla, Bowyer, Hall, Kegelmeyer, JAIR 16 (2002), doi:10.1613/jair.953. Borderline-SMOTE-1:
    Han, Wang, Mao, ICIC 2005, doi:10.1007/11538059_91. ADASYN: He, Bai, Garcia, Li, IJCNN 2008,
    doi:10.1109/IJCNN.2008.4633969; counts are exact here.
    """
    categorical = request.schema.categorical_mask
    mixed = categorical if categorical.any() else None
    rows, ids, members = request.matrix, request.row_ids, request.members
    units = np.where(categorical, 1.0, request.schema.scale)
    check_magnitude(rows, units, request.schema.names)
    spread = deviations(rows[members][:, ~categorical]) / units[~categorical]
    penalty = make_penalty(mixed, spread, rows.shape[1])
    options: dict[str, Any] = {"inverse_scale": 1.0 / units, "penalty": penalty, "method": "exact"}

    bases, weights = (members, None) if request.sampler in PLAIN else _meeting_others(request, options)
    plan = Plan(bases, ids[bases], _joined_with(request, bases, options), weights)
    parents = draw(plan, request.quota, request.seed, label_key(request.label))
    out = build(rows, parents.base, parents.neighbor, parents.step)
    if mixed is not None:
        donors = elect_donors(rows, plan.bases, plan.neighbors, penalty.astype(rows.dtype))
        for column, j in enumerate(np.flatnonzero(mixed)):
            out[:, j] = rows[donors[parents.turn, column], j]
    return Synthetic(out, ids[parents.base], ids[parents.neighbor], parents.step)


def _joined_with(request: Request, bases: NDArray[np.int64], options: dict[str, Any]) -> NDArray[np.int64]:
    """Find the rows of its class, and of its subgroup where there are such, that each base may be joined with."""
    members, k = request.members, request.k_neighbors
    groups = np.zeros(len(request.matrix), dtype=np.int64) if request.groups is None else request.groups.code
    _check_sizes(request, groups[members], np.unique(groups[bases]))
    found = np.empty((len(bases), k), dtype=np.int64)
    for group in np.unique(groups[bases]):
        within = members[groups[members] == group]
        asked = np.flatnonzero(groups[bases] == group)
        near = nearest_rows(
            np.ascontiguousarray(request.matrix[within]),
            k,
            queries=np.searchsorted(within, bases[asked]),
            row_ids=request.row_ids[within],
            **options,
        )
        found[asked] = within[near.indices]
    return found


def _check_sizes(request: Request, groups: NDArray[np.int64], asked: NDArray[np.int64]) -> None:
    """Check that each subgroup that has bases has neighbours enough; `augment` has checked the class."""
    if request.groups is None:
        return
    k, sizes = request.k_neighbors, np.bincount(groups, minlength=len(request.groups.values))
    small = [code for code in asked if sizes[code] <= k]
    if small:
        shown = [
            f"{request.groups.column}={request.groups.values[code].as_py()!r} ({sizes[code]})" for code in small[:5]
        ]
        more = f" and {len(small) - 5} more" if len(small) > 5 else ""
        raise DataError(
            f"k_neighbors={k} needs at least {k + 1} complete rows of class {request.label!r} in each subgroup of the "
            f"training split, too few have {', '.join(shown)}{more}: lower k_neighbors or group by a coarser column"
        )


def _meeting_others(request: Request, options: dict[str, Any]) -> tuple[NDArray[np.int64], NDArray[np.float64] | None]:
    """Say which rows of the class are bases, and how often each is used relative to the others."""
    borderline = request.sampler == "borderline"
    own = np.zeros(len(request.matrix), dtype=np.bool_)
    own[request.members] = True
    count = DANGER_NEIGHBORS if borderline else request.k_neighbors
    found = nearest_rows(request.matrix, count, queries=request.members, row_ids=request.row_ids, **options)
    others = (~own[found.indices]).mean(axis=1)
    chosen = (others >= 0.5) & (others < 1) if borderline else others > 0
    if not chosen.any():
        need = "in danger (half of its neighbours, not all, of other classes)" if borderline else "near another class"
        raise DataError(
            f"sampler {request.sampler!r} finds no row of class {request.label!r} {need}: use smote, or raise "
            "k_neighbors"
        )
    return request.members[chosen], None if borderline else others[chosen]
