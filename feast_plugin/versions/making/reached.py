"""A training split that has its ratio already: refused, or published as it is where that was asked for."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from feast_plugin.notices import notice
from feast_plugin.versions.inputs.split import TRAIN
from feast_plugin.versions.making.augmentation import Augmentation
from feast_plugin.versions.making.units import spread
from resampler.errors import GateError
from resampler.methods.provenance import Provenance
from resampler.methods.quota import wanted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.inputs.rows import CanonicalRows
    from feast_plugin.versions.making.recipe import Recipe


def settled(recipe: Recipe, rows: CanonicalRows, assignment: NDArray[np.uint8]) -> Recipe:
    """Say in a recipe whether rows are published as they are: it is part of the recipe only where it decides them.

    Parameters
    ----------
    recipe : Recipe
        From `feast_plugin.versions.making.training.resolve`.
    rows : CanonicalRows
        The canonical table.
    assignment : ndarray of shape (n_rows,), uint8
        Split of each row.

    Returns
    -------
    Recipe
        Whose `if_reached` is ``publish`` if that was asked for and the ratio is reached, with a notice; else
        ``refuse``.
    """
    if recipe.if_reached == "refuse":
        return recipe
    reached = _why(recipe, rows, assignment)
    if reached is None:
        return dataclasses.replace(recipe, if_reached="refuse")
    uncleaned = ", not cleaned," if recipe.cleaner else ","
    notice(f"{reached}; to be published as they are{uncleaned} with no synthetic row (--if-reached publish)")
    return recipe


def published_as_it_is(recipe: Recipe, rows: CanonicalRows, assignment: NDArray[np.uint8]) -> bool:
    """Say whether a training split gets no synthetic row, and is not refused for that.

    Parameters
    ----------
    recipe : Recipe
        What was asked for.
    rows : CanonicalRows
        The canonical table.
    assignment : ndarray of shape (n_rows,), uint8
        Split of each row.

    Returns
    -------
    bool
        True only if every class has the ratio.
    """
    return recipe.if_reached == "publish" and _why(recipe, rows, assignment) is not None


def no_rows(
    rows: CanonicalRows, train: NDArray[np.bool_], contract: Contract, scale: NDArray[np.float32] | None
) -> Augmentation:
    """Return what augmenting gives where nothing is to be made.

    Parameters
    ----------
    rows : CanonicalRows
        The canonical table.
    train : ndarray of shape (n_rows,), bool
        The training split.
    contract : Contract
        Its columns.
    scale : ndarray of shape (n_features,), float32, optional
        Unit of distance of each column, by default fitted on the training split.

    Returns
    -------
    Augmentation
        Of no rows; its schema is as ever.
    """
    contract = contract.measured(rows.table)
    schema = contract.feature_schema(rows.classes)
    none = np.empty(0, dtype=np.int64)
    return Augmentation(
        table=rows.table.slice(0, 0).select([c.name for c in contract.columns]),
        parents=Provenance(rows.label[:0], none, none, none.astype(np.float32), none.reshape(0, 0), none),
        schema=schema.with_scale(spread(rows, train, contract) if scale is None else scale),
        incomplete=0,
        times=None if rows.timestamps is None else none,
    )


def _why(recipe: Recipe, rows: CanonicalRows, assignment: NDArray[np.uint8]) -> str | None:
    codes, sizes = np.unique(rows.label[assignment == TRAIN], return_counts=True)
    try:
        wanted(dict(zip(codes.tolist(), sizes.tolist(), strict=True)), recipe.exactly(recipe.ratio))
    except GateError as error:
        return str(error).rpartition("; ")[0]
    return None
