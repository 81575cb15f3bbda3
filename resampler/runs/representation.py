"""Whose synthetic rows a version holds: those of one class, by the columns that slices are taken by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resampler.quality.fairness.groups import MOST, Groups
from resampler.quality.fairness.representation import representation
from resampler.training_set import TRAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resampler.quality.fairness.representation import Representation
    from resampler.training_set import TrainingSet


def representation_of(
    version: TrainingSet, columns: Sequence[str], positive: Any
) -> tuple[dict[str, list[Representation]], list[str]]:
    """Compare the groups of a class's synthetic rows with those of its real ones.

    Parameters
    ----------
    version : TrainingSet
        Whose training split is read.
    columns : sequence of str
        A column each; those that the split has not are left out.
    positive : str, int or bool
        The class.

    Returns
    -------
    found : dict of str to list of Representation
        By column; all intervals hold the truth at once in 95 % of cases (Bonferroni).
    notes : list of str
        What cannot be known.
    """
    if not columns:
        return {}, []
    if TRAIN not in version.files:
        return {}, [f"{version} does not store its training split, so whose synthetic rows it holds is not known"]
    notes = [
        f"{name} is a key of {version}, and synthetic rows have keys of their own: they favour no group by it"
        for name in columns
        if name in version.keys
    ]
    there = [name for name in columns if name in version.columns(TRAIN) and name not in (version.label, *version.keys)]
    if not there:
        return {}, notes
    rows = version.read(TRAIN, [*dict.fromkeys([version.label, version.synthetic, *there])])
    of = Groups.of({"class": rows[version.label]})
    code = next((at for at, (value,) in enumerate(of.values) if str(value) in _names(positive)), -1)
    rows = rows.filter(pa.array(of.codes == code))
    made = rows[version.synthetic].to_numpy()
    if not made.any():
        none = f"{version} has no synthetic rows of class {positive!r}, so they favour no group"
        return {name: [] for name in there}, [*notes, none]
    if n_lost := sum(
        one["synthetic"] for name, one in version.classes[TRAIN].items() if name in _names(positive)
    ) - int(np.count_nonzero(made)):
        notes.append(f"{version} does not store {n_lost:,} synthetic rows: whose these are is not known")
    kept = []
    for name in there:
        if pa.types.is_nested(rows[name].type):
            notes.append(f"{name} holds lists in {version}: whose synthetic rows are is not known")
        elif _is_number(rows[name].type) or pc.count_distinct(rows[name], mode="all").as_py() <= MOST:
            kept.append(name)
        else:
            notes.append(f"{name} has more than {MOST:,} values in {version}: whose synthetic rows are is not known")
    level = 1 - 0.05 / max(len(kept), 1)
    label = np.zeros(len(rows), dtype=np.int64)
    found = {name: representation(rows.select([name]), labels=label, is_synthetic=made, level=level) for name in kept}
    return {name: [one._replace(label=str(positive)) for one in groups] for name, groups in found.items()}, notes


def _names(positive: Any) -> set[str]:
    """Return what a class may be called: a version names a boolean by its number, or the other way about."""
    names = {str(positive)}
    if not isinstance(positive, str) and positive in (0, 1):
        names |= {str(int(positive)), str(bool(positive))}
    return names


def _is_number(dtype: pa.DataType) -> bool:
    return pa.types.is_integer(dtype) or pa.types.is_floating(dtype)
