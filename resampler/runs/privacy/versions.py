"""Rows of a version that an audit is of: what it publishes, what that was made from, and its other splits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resampler.errors import DataError
from resampler.grids import Grid
from resampler.methods.catalog import METHODS, resolve
from resampler.runs.privacy.parts import Parts
from resampler.runs.privacy.release import command
from resampler.training_set import TEST, TRAIN, VALIDATION

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.schema import Feature
    from resampler.training_set import TrainingSet


def parts_of_version(version: TrainingSet, *, drop: tuple[str, ...] = ()) -> Parts:
    """Read the rows of a version.

    Parameters
    ----------
    version : TrainingSet
        Published.
    drop : tuple of str
        Features that are left out.

    Returns
    -------
    Parts
        Synthetic and real rows of its training split, in the order in which they are stored; held out are the real rows
        of its other splits.

    Raises
    ------
    DataError
        If it stores no synthetic row, or no training split, or is a release without the real rows.
    """
    if version.parameters.get("release"):
        raise DataError(
            f"{version} is a release, and the real rows behind its synthetic ones are not in it: name a file of those "
            f"that you keep, and one of others: {command(version)}"
        )
    train = version.read(TRAIN)
    flag = train[version.synthetic]
    made = train.filter(flag).drop_columns([version.synthetic])
    real = version.real_training_rows()
    n_made = sum(one["synthetic"] for one in version.classes[TRAIN].values())
    if not made.num_rows:
        raise DataError(f"{version} stores none of its {n_made:,} synthetic rows: rebuild it, and audit that")
    notes = []
    if made.num_rows < n_made:
        notes.append(f"{version} stores {made.num_rows:,} of its {n_made:,} synthetic rows, and these were attacked")
    others = [
        rows.filter(pc.invert(rows[version.synthetic])).drop_columns([version.synthetic])
        for split in (VALIDATION, TEST)
        if split in version.files
        for rows in [version.read(split)]
    ]
    held_out = pa.concat_tables(
        [one.select(real.column_names).cast(real.schema) for one in others] or [real.slice(0, 0)]
    )
    if not held_out.num_rows:
        notes.append(f"{version} has no row of validation or test, so nothing can be told from chance")
    fingerprint = version.parameters.get("secret_key")
    if fingerprint is not None:
        notes.append(
            f"draws of {version} are keyed on the secret {fingerprint}: who knows the seed alone has nothing to go by"
        )
    method = str(version.parameters.get("sampler") or "smote")
    parents, base_rows = _parents(version, made.num_rows)
    features = tuple(name for name in version.features if name not in drop)
    seed: Any = version.parameters.get("seed")
    return Parts(
        made,
        real,
        held_out,
        version.label,
        features,
        categorical=tuple(f.name for f in version.schema.features if f.categorical and f.name in features),
        time=version.timestamp,
        marks=version.keys,
        precision={f.name: step for f in version.schema.features if (step := _step(f)) is not None},
        seed=None if fingerprint is not None or parents is None else seed,
        method=method,
        k_neighbors=int(version.parameters.get("k_neighbors") or 5),  # type: ignore[call-overload]
        keyed=fingerprint is not None,
        parents=parents,
        base_rows=base_rows,
        notes=tuple(notes),
    )


def _step(feature: Feature) -> float | None:
    """Return half of what a column's values are apart, where a grid or an integer says it."""
    grid = feature.grid
    if not isinstance(grid, Grid):
        return grid if grid is None else grid / 2.0
    if grid.step is not None:
        return grid.step / 2.0
    if len(grid.values) > 1:
        return float(np.diff(grid.values).min()) / 2.0
    return None


def _parents(version: TrainingSet, n: int) -> tuple[NDArray[np.int64] | None, NDArray[np.int64] | None]:
    """Return identities of the parents of each stored synthetic row, and places of the bases; None for groups."""
    if METHODS[resolve(str(version.parameters.get("sampler") or "smote"))].hardens:
        return None, None
    table = version.read_lineage()
    if table is None or table.num_rows < n:
        return None, None
    parents = np.stack([np.asarray(table[name])[:n] for name in ("base_id", "neighbor_id")], axis=1)
    return parents, np.asarray(table["base_row"])[:n]
