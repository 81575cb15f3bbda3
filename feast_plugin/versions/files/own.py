"""Values that nobody but a forgotten entity has: where else they stand, they speak of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from feast_plugin.versions.files.reading import read_files
from feast_plugin.versions.files.stored import real_files
from feast_plugin.versions.inputs.contract import Contract
from feast_plugin.versions.inputs.split import SPLITS, TRAIN
from resampler.dtypes import TEXT, family_of
from resampler.profile.values import label_name
from resampler.runs.forgetting import Values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from feast_plugin.versions.files.manifest import Manifest
    from feast_plugin.versions.inputs.tombstones import Tombstones
    from resampler.storage import Location


def own_values(versions: Iterable[tuple[Manifest, Location]], forgotten: Tombstones) -> Values:
    """Find the values of keys and features that only rows of forgotten entities have.

    Parameters
    ----------
    versions : iterable of (Manifest, Location)
        Versions that hold such rows, and where their files are.
    forgotten : Tombstones
        Whose rows are meant.

    Returns
    -------
    Values
        Of no array feature.
    """
    gone: dict[str, set[object]] = {}
    left: dict[str, set[object]] = {}
    text: set[str] = set()
    for manifest, directory in versions:
        contract = Contract.from_dict(manifest.columns)
        names = [*contract.join_keys, *(c.name for c in contract.columns if not c.array)]
        for _, file in real_files(manifest):
            table = read_files(directory, [file], [*dict.fromkeys([*names, contract.published_synthetic])])
            real = table.filter(pc.invert(table[contract.published_synthetic]))
            stays = forgotten.stays(real)
            for name in names:
                column = real[name]
                if family_of(column.type) == TEXT:
                    text.add(name)
                for held, rows in ((gone, None if stays is None else pc.invert(stays)), (left, stays)):
                    if rows is None and held is gone:
                        continue
                    values = column if rows is None else column.filter(rows)
                    held.setdefault(name, set()).update(pc.unique(values).drop_null().to_pylist())
    own = {name: gone[name] - left.get(name, set()) for name in gone}
    return Values(
        {str(value) for name in own if name in text for value in own[name] if value},
        {name: _written(values) for name, values in own.items() if values},
    )


def training_rows_gone(manifest: Manifest, directory: Location, forgotten: Tombstones) -> dict[str, int]:
    """Count the stored training rows of forgotten entities by class.

    Parameters
    ----------
    manifest : Manifest
        Of a version.
    directory : Location
        Of its files.
    forgotten : Tombstones
        Whose rows are meant.

    Returns
    -------
    dict of str to int
        Those that cleaning took out included; of those that undersampling left out no file knows.
    """
    contract = Contract.from_dict(manifest.columns)
    names = [*contract.join_keys, contract.published_label, contract.published_synthetic]
    found: Counter[str] = Counter()
    for split, file in real_files(manifest):
        if split != SPLITS[TRAIN]:
            continue
        table = read_files(directory, [file], [*dict.fromkeys(names)])
        real = table.filter(pc.invert(table[contract.published_synthetic]))
        stays = forgotten.stays(real)
        if stays is not None:
            found.update(map(label_name, real[contract.published_label].filter(pc.invert(stays)).to_pylist()))
    return dict(found)


def _written(values: Iterable[object]) -> set[str]:
    """Write values as reports may."""
    return {
        form
        for value in values
        for form in ((str(value), f"{value:g}", f"{value:.6g}") if isinstance(value, float) else (str(value),))
    }
