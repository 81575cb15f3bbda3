"""The training split of a version: what a recipe leaves open is chosen, then rows are dropped, made and cleaned."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from feast_plugin.notices import notice
from feast_plugin.progress import stage
from feast_plugin.versions.files.parts import Parts
from feast_plugin.versions.inputs.contract import check_group
from feast_plugin.versions.inputs.split import LEFT_OUT, TRAIN, SplitRule, undersample
from feast_plugin.versions.making.augmentation import augment
from feast_plugin.versions.making.cleaning import Cleaned, rows_to_remove
from feast_plugin.versions.making.learned import ANEW, Learned
from feast_plugin.versions.making.noise import noisy_rows
from feast_plugin.versions.making.on_demand import chosen, computed
from feast_plugin.versions.making.reached import no_rows, published_as_it_is
from feast_plugin.versions.making.units import spread
from resampler.methods.catalog import METHODS, fitting

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.inputs.rows import CanonicalRows
    from feast_plugin.versions.making.augmentation import Augmentation
    from feast_plugin.versions.making.on_demand import Transformation
    from feast_plugin.versions.making.recipe import Recipe
    from resampler.engines.workplace import Workplace

SHARES = (0.7, 0.15, 0.15)  # of the split that is chosen where none was asked for


class Training(NamedTuple):
    """The training split as a version publishes it.

    Parameters
    ----------
    assignment : ndarray of shape (n_rows,), uint8
        Split of each real row, `LEFT_OUT` for those that cleaning took out too and, of a release, for all but the
        training rows of the largest class.
    made : Augmentation
        The synthetic rows.
    cleaned : ndarray of shape (n_rows,), bool, or None
        Real rows that cleaning took out; None where nothing was cleaned.
    """

    assignment: NDArray[np.uint8]
    made: Augmentation
    cleaned: NDArray[np.bool_] | None


def resolve(recipe: Recipe, contract: Contract) -> Recipe:
    """Choose what a recipe leaves open, and check what it names.

    Parameters
    ----------
    recipe : Recipe
        As it was asked for.
    contract : Contract
        Of the rows.

    Returns
    -------
    Recipe
        With a sampler and a split; nulls are inherited only where the sampler can measure rows that have some.

    Raises
    ------
    InvalidInputError
        If the sampler does not fit the features, or the subgroups' column is none.
    ContractError
        If on-demand features are to be computed and cannot be.
    """
    on_demand = chosen(recipe, contract)
    drawn = contract.drawn if on_demand == "computed" else contract.as_retrieved
    by_default = SplitRule("time" if contract.timestamped else "stratified", None, SHARES)
    sampler = fitting(recipe.sampler, drawn.categorical, drawn.numeric)
    inherited = recipe.missing == "inherit" and not METHODS[sampler].nulls  # said where there are nulls: `augment`
    return dataclasses.replace(
        recipe,
        split=recipe.split or by_default,
        sampler=sampler,
        on_demand=on_demand,
        missing="complete" if inherited else recipe.missing,
        group_by=check_group(recipe.group_by, contract if on_demand == "computed" else contract.as_retrieved),
    )


def assign(rows: CanonicalRows, recipe: Recipe) -> NDArray[np.uint8]:
    """Split the rows, and leave out those that undersampling drops.

    Parameters
    ----------
    rows : CanonicalRows
        In canonical order.
    recipe : Recipe
        From `resolve`.

    Returns
    -------
    ndarray of shape (n_rows,), uint8
        Positions in `SPLITS`, or `LEFT_OUT`.

    Raises
    ------
    InvalidInputError
        As `SplitRule.assign` and `feast_plugin.versions.inputs.split.undersample`.
    """
    rule = recipe.split
    assert rule is not None, "resolved"  # noqa: S101
    assignment = rule.assign(
        timestamps=rows.timestamps,
        row_id=rows.row_id,
        label=rows.label,
        values=rows.table[rule.column] if rule.column else None,
        seed=recipe.seed,
    )
    return undersampled(assignment, rows, recipe)


def undersampled(assignment: NDArray[np.uint8], rows: CanonicalRows, recipe: Recipe) -> NDArray[np.uint8]:
    """Leave out what undersampling drops, where it was asked for.

    Parameters
    ----------
    assignment : ndarray of shape (n_rows,), uint8
        Split of each row.
    rows : CanonicalRows
        The canonical table.
    recipe : Recipe
        Its ratio may be None, which leaves all rows.

    Returns
    -------
    ndarray of shape (n_rows,), uint8
        As `feast_plugin.versions.inputs.split.undersample`.

    Raises
    ------
    DataError
        As `feast_plugin.versions.inputs.split.undersample`.
    """
    if recipe.undersample is None:
        return assignment
    ratio = recipe.exactly(recipe.undersample)
    return undersample(assignment, label=rows.label, row_id=rows.row_id, ratio=ratio, seed=recipe.seed)


def augment_training(
    rows: CanonicalRows,
    assignment: NDArray[np.uint8],
    contract: Contract,
    recipe: Recipe,
    learned: Learned = ANEW,
    *,
    compute: Transformation | None = None,
    parts: Parts | None = None,
    place: Workplace | None = None,
) -> Training:
    """Make the synthetic rows of the training split, and clean where they meet others.

    Parameters
    ----------
    rows : CanonicalRows
        The canonical table.
    assignment : ndarray of shape (n_rows,), uint8
        From `assign`.
    contract : Contract
        Columns.
    recipe : Recipe
        From `resolve`.
    learned : Learned
        What is not learned from the training split anew.
    compute : callable, optional
        Computes on-demand features; None where there are none, or they are interpolated.
    parts : Parts, optional
        Takes what is costly as it is made, or has it; by default nothing is kept.
    place : Workplace, optional
        Whose engine makes it by parts; by default this process makes it.

    Returns
    -------
    Training
        What is to be published.

    Raises
    ------
    InvalidInputError, GateError
        As `feast_plugin.versions.making.augmentation.augment`.
    """
    parts = parts or Parts()
    if compute is not None:
        of_drawn = learned._replace(scale=learned.drawn_scale)
        drawn = _drawn(rows, assignment, contract.drawn, recipe, of_drawn, parts, place)
        made = computed(rows, assignment == TRAIN, drawn.made, contract, compute, learned.scale, place)
        return drawn._replace(made=made)
    return _drawn(rows, assignment, contract, recipe, learned, parts, place)


def _drawn(
    rows: CanonicalRows,
    assignment: NDArray[np.uint8],
    contract: Contract,
    recipe: Recipe,
    learned: Learned,
    parts: Parts,
    place: Workplace | None,
) -> Training:
    train, scale = assignment == TRAIN, learned.scale
    if published_as_it_is(recipe, rows, assignment):
        return Training(assignment, no_rows(rows, train, contract, scale), None)
    barred = None
    if recipe.exclude_noisy:
        measured = contract.measured(rows.table)
        scale = spread(rows, train, measured) if scale is None else scale
        ratio = recipe.exactly(recipe.ratio)
        around = measured, scale, ratio
        barred = parts.arrays("looking for noise", lambda: {"rows": noisy_rows(rows, train, *around)})["rows"]
    with stage("augmenting") as step:
        made = augment(
            rows,
            train,
            contract,
            ratio=recipe.exactly(recipe.ratio),
            sampler=recipe.sampler or "",
            seed=recipe.draw_seed,
            parameters=recipe.methods,
            group_by=recipe.group_by,
            subgroups=recipe.subgroups,
            scale=scale,
            grid=recipe.grid,
            grids=learned.grids,
            relations=recipe.relations,
            related=learned.related,
            barred=barred,
            apart=recipe.apart,
            instead=recipe.release,
            parts=parts,
            place=place,
            recall=recipe.recall,
        )
        step.rows = made.table.num_rows
    if recipe.release:
        codes, sizes = np.unique(rows.label[train], return_counts=True)
        published = train & (rows.label == codes[np.argmax(sizes)])
        return Training(np.where(published, np.uint8(TRAIN), np.uint8(LEFT_OUT)), made, None)
    if recipe.cleaner is None:
        return Training(assignment, made, None)
    with stage("cleaning"):
        asked = recipe.cleaner, recipe.missing, recipe.search
        gone = parts.arrays("cleaning", lambda: rows_to_remove(rows, train, made, contract, *asked, place)._asdict())
        cleaned = Cleaned(**gone)
    assignment = np.where(cleaned.real, np.uint8(LEFT_OUT), assignment)
    lost, n = int(np.count_nonzero(cleaned.synthetic)), len(cleaned.synthetic)
    if 2 * lost > n:
        notice(
            f"cleaning by {recipe.cleaner} took {lost:,} of {n:,} synthetic rows out again, so that "
            f"ratio={recipe.ratio} is missed by far: the classes lie within each other; use no cleaner, or tomek, "
            "which takes the nearest alone"
        )
    return Training(assignment, made.keep(~cleaned.synthetic, place), cleaned.real)
