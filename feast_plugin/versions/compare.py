"""The real rows of two versions side by side: who came, went and changed, and how far each feature moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tqdm import tqdm

from feast_plugin.versions.files.reading import read_files
from feast_plugin.versions.inputs.contract import Contract
from feast_plugin.versions.inputs.split import SPLITS, TRAIN
from resampler.errors import CorruptStateError
from resampler.identity import hash_keys, hash_values, mix64
from resampler.profile.cells import Cells
from resampler.profile.profile import Profile
from resampler.quality.drift.scores import drift_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from feast_plugin.versions.files.entries import StoredFile
    from feast_plugin.versions.files.manifest import Manifest
    from feast_plugin.versions.inputs.contract import StoredFeature
    from resampler.storage import Location

_NULL = np.uint64(0x9D5C_A1E6_3B0F_7712)  # what a null is hashed to


@dataclass(frozen=True)
class Stored:
    """The rows of a version, read column by column.

    Parameters
    ----------
    manifest : Manifest
        Of the version.
    directory : Location
        Of its files.
    """

    manifest: Manifest
    directory: Location

    @property
    def contract(self) -> Contract:
        """Its columns."""
        return Contract.from_dict(self.manifest.columns)

    @property
    def profile(self) -> Profile | None:
        """Its counts, where it has some."""
        file = self.manifest.profile
        return None if file is None else Profile.from_json((self.directory / file.path).read())

    @property
    def has_synthetic(self) -> bool:
        """Whether every synthetic row is stored, with its parents."""
        return self.manifest.kept is None or all(
            (self.directory / file.path).exists() for file in self.manifest.rebuildable
        )

    def read(self, split: str, names: Sequence[str], *, synthetic: bool = False) -> pa.Table:
        """Read columns of one kind of a split's rows.

        Parameters
        ----------
        split : str
            Of the manifest's.
        names : sequence of str
            Columns.
        synthetic : bool
            Which kind; the real rows stand first in every file.

        Returns
        -------
        pyarrow.Table
            In the order of the file.

        Raises
        ------
        CorruptStateError
            If the file cannot be read.
        """
        entry = self.manifest.splits[split]
        table = self._table(entry.files if synthetic else self.manifest.stored_as(split), names)
        return table.slice(entry.real) if synthetic else table.slice(0, entry.real)

    def lineage(self, names: Sequence[str]) -> pa.Table:
        """Read columns of the lineage.

        Parameters
        ----------
        names : sequence of str
            Columns.

        Returns
        -------
        pyarrow.Table
            A row a synthetic row.

        Raises
        ------
        CorruptStateError
            If the file cannot be read.
        """
        return self._table([self.manifest.lineage], names)

    def _table(self, files: Sequence[StoredFile], names: Sequence[str]) -> pa.Table:
        try:
            return read_files(self.directory, files, names)
        except (OSError, pa.ArrowInvalid) as error:
            where = f"{self.directory.uri}/{', '.join(file.path for file in files)}"
            raise CorruptStateError(f"{where} cannot be read: {error}: rebuild the version") from error

    def real(self, names: Sequence[str]) -> Iterator[tuple[str, pa.Table]]:
        """Read columns of all real rows, split by split.

        Parameters
        ----------
        names : sequence of str
            Columns.

        Yields
        ------
        split : str
            In the order of the manifest.
        rows : pyarrow.Table
            Its real rows.
        """
        for split in self.manifest.splits:
            yield split, self.read(split, names)


class Comparison:
    """Two versions, passed over a column at a time.

    Memory holds a number a row and version, and one column of each.

    Parameters
    ----------
    before, after : Stored
        The versions.
    """

    def __init__(self, before: Stored, after: Stored) -> None:
        self._before, self._after = before, after
        # Each where there are profiles; a version of an earlier release is counted anew.
        self._profiles = before.profile, after.profile

    def run(self) -> tuple[dict[str, Any] | None, dict[str, Any]]:
        """Compare the rows and the features.

        Returns
        -------
        rows : dict or None
            Rows `before`, `after`, `added`, `removed`, `moved` (to another split), `changed` and `changed_by` (rows by
            column); `entities` added and removed. None where the versions are keyed on other columns.
        drift : dict
            By split, then ``real`` or ``synthetic``, then feature: `resampler.quality.drift.scores.Drift.to_dict`. A
            kind that a version does not store, and does not remember in counts that can be compared, is left out; so is
            a feature that became a category, an array, or a category of another type.
        """
        old, new = self._before.contract, self._after.contract
        matched = _Matched(self._before, self._after) if old.keys == new.keys else None
        later = {c.name: c for c in new.columns}
        shared = [c for c in old.columns if c.name in later and _kind(c) == _kind(later[c.name])]
        drift: dict[str, Any] = {}
        for feature in tqdm(shared, desc="comparing", unit="feature", disable=None):
            columns = [
                {split: rows[feature.name] for split, rows in stored.real([feature.name])}
                for stored in (self._before, self._after)
            ]
            if matched is not None:
                known = columns if feature.dtype == later[feature.name].dtype else _of_one_type(*columns)
                matched.see(feature.name, *known)
            for split, kind, found in self._drift(feature, *columns):
                drift.setdefault(split, {}).setdefault(kind, {})[feature.name] = found
        if matched is not None and old.published_label == new.published_label:
            labels = (
                {split: rows[old.published_label] for split, rows in stored.real([old.published_label])}
                for stored in (self._before, self._after)
            )
            matched.see(old.published_label, *labels)
        return (None if matched is None else matched.found()), drift

    def _drift(
        self, feature: StoredFeature, before: dict[str, pa.ChunkedArray], after: dict[str, pa.ChunkedArray]
    ) -> Iterator[tuple[str, str, dict[str, Any]]]:
        first, second = self._profiles
        if first is not None and feature.name in first.cells:
            cells = first.cells[feature.name]
        else:
            cells = Cells.fitted(before[SPLITS[TRAIN]], categorical=feature.categorical)
        sides = ((self._before, first, before), (self._after, second, after))
        for split in before:
            if split not in after:
                continue
            for kind in ("real", "synthetic"):
                a, b = (_counts(*side, cells, feature.name, split, kind) for side in sides)
                if a is not None and b is not None and a.sum() and b.sum():
                    yield split, kind, drift_of(a, b, ordered=not feature.categorical).to_dict()


def _counts(
    stored: Stored,
    profile: Profile | None,
    real: dict[str, pa.ChunkedArray],
    cells: Cells,
    feature: str,
    split: str,
    kind: str,
) -> NDArray[np.int64] | None:
    """Look a feature's counts up, or count where the version counted in other cells; None where there is nothing to."""
    if profile is not None and profile.cells.get(feature) == cells:
        return profile.counts(feature, split, synthetic=kind == "synthetic")
    if kind == "real":
        values = real[split]
    elif stored.manifest.splits[split].synthetic and stored.has_synthetic:
        values = stored.read(split, [feature], synthetic=True)[feature]
    else:
        return None
    return cells.count(values)[0]


def _kind(feature: StoredFeature) -> tuple[str | None, bool, bool]:
    """Categories are compared by value, which has a type; numbers of all types are numbers."""
    return feature.dtype if feature.categorical else None, feature.categorical, feature.array


def _of_one_type(*sides: dict[str, pa.ChunkedArray]) -> list[dict[str, pa.ChunkedArray]]:
    """Make numbers of two types comparable, as exact as the less exact of them."""
    types = {column.type for side in sides for column in side.values()}
    single = any(pa.types.is_float32(one.value_type if pa.types.is_list(one) else one) for one in types)
    common = pa.float32() if single else pa.float64()
    target = pa.list_(common) if any(map(pa.types.is_list, types)) else common
    return [{split: column.cast(target, safe=False) for split, column in side.items()} for side in sides]


class _Matched:
    """The rows of two versions, matched by join keys and event timestamp."""

    def __init__(self, before: Stored, after: Stored) -> None:
        (old, old_splits, old_entities), (new, new_splits, new_entities) = map(self._identities, (before, after))
        self._rows = len(old), len(new)
        _, in_old, in_new = np.intersect1d(old, new, assume_unique=True, return_indices=True)
        self._both = in_old, in_new
        self._moved = int(np.count_nonzero(old_splits[in_old] != new_splits[in_new]))
        self._entities = {
            "removed": len(np.setdiff1d(old_entities, new_entities, assume_unique=True)),
            "added": len(np.setdiff1d(new_entities, old_entities, assume_unique=True)),
        }
        self._changed = np.zeros(len(in_old), dtype=np.bool_)
        self._by_column: dict[str, int] = {}

    @staticmethod
    def _identities(stored: Stored) -> tuple[NDArray[np.uint64], NDArray[np.uint8], NDArray[np.uint64]]:
        keys, splits, entities = [], [], []
        contract = stored.contract
        for split, rows in stored.real(contract.keys):
            keys.append(hash_keys([rows[name] for name in contract.keys]))
            splits.append(np.full(rows.num_rows, SPLITS.index(split), dtype=np.uint8))
            entities.append(np.unique(hash_keys([rows[name] for name in contract.join_keys])))
        return np.concatenate(keys), np.concatenate(splits), np.unique(np.concatenate(entities))

    def see(self, name: str, before: dict[str, pa.ChunkedArray], after: dict[str, pa.ChunkedArray]) -> None:
        """Take in one column of both."""
        old, new = (np.concatenate([hash_column(part) for part in side.values()]) for side in (before, after))
        other = old[self._both[0]] != new[self._both[1]]
        self._changed |= other
        if other.any():
            self._by_column[name] = int(np.count_nonzero(other))

    def found(self) -> dict[str, Any]:
        """Return the counts."""
        before, after = self._rows
        both = len(self._changed)
        return {
            "before": before,
            "after": after,
            "removed": before - both,
            "added": after - both,
            "moved": self._moved,
            "changed": int(np.count_nonzero(self._changed)),
            "changed_by": dict(sorted(self._by_column.items(), key=lambda item: -item[1])),
            "entities": self._entities,
        }


def hash_column(column: pa.ChunkedArray) -> NDArray[np.uint64]:
    """Hash each value of a column, nulls included.

    Parameters
    ----------
    column : pyarrow.ChunkedArray of shape (n_rows,)
        Of numbers, booleans, text or lists of numbers.

    Returns
    -------
    ndarray of shape (n_rows,), uint64
        Equal for equal values: all NaN are one value, and so are both zeros.
    """
    if pa.types.is_list(column.type):
        valid = column.drop_null().combine_chunks()
        lengths = pc.list_value_length(valid).to_numpy().astype(np.int64)
        ends = np.cumsum(lengths)
        place = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)
        elements = mix64(_words(valid.flatten()) + place.astype(np.uint64))
        # Sums of hashes by list; an empty list has none.
        totals = np.zeros(len(lengths) + 1, dtype=np.uint64)
        np.cumsum(elements, out=elements)
        sums = np.concatenate([totals[:1], elements])
        hashed = sums[ends] - sums[ends - lengths]
    else:
        hashed = _words(column.drop_null().combine_chunks())
    out = np.full(len(column), _NULL)
    out[np.asarray(column.is_valid())] = mix64(hashed)
    return out


def _words(values: pa.Array) -> NDArray[np.uint64]:
    if pa.types.is_floating(values.type):
        numbers = values.to_numpy(zero_copy_only=False).astype(np.float64) + 0.0  # -0 becomes 0
        numbers[np.isnan(numbers)] = np.nan
        return mix64(numbers.view(np.uint64))
    return hash_values(values)
