"""`profile.json`: counts of the values of every feature, which later versions and streams are compared with."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feast_plugin.versions.files.manifest import StoredFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from feast_plugin.versions.inputs.contract import StoredFeature
    from resampler.storage import Location

FILE = "profile.json"
FORMAT = 1
FITTING_ROWS = 20_000  # evenly spaced real training rows that bins are chosen by
BINS = 20  # quantiles of the rows
TAIL_BINS = 10  # quantiles of the distinct values, for columns most of which is one value
VALUES = 32  # of a categorical feature, the most frequent


@dataclass(frozen=True, slots=True)
class Cells:
    """Where the values of one feature are counted.

    Parameters
    ----------
    categorical : bool
        By value, not by bin.
    edges : tuple of float
        Of a number: cell j holds what is above edge j - 1 and not above edge j; the first and the last are open.
    values : tuple of str, int or bool
        Of a category: each has a cell, and all others have the last one.
    """

    categorical: bool
    edges: tuple[float, ...] = ()
    values: tuple[Any, ...] = ()

    @property
    def n(self) -> int:
        """Number of cells."""
        return len(self.values if self.categorical else self.edges) + 1

    @classmethod
    def fitted(cls, values: pa.ChunkedArray, *, categorical: bool) -> Cells:
        """Choose cells for the values of a feature.

        Parameters
        ----------
        values : pyarrow.ChunkedArray
            Of real training rows.
        categorical : bool
            Whether it is a category.

        Returns
        -------
        Cells
            One alone where there is no value.
        """
        if categorical:
            counts = pc.value_counts(values.drop_null().combine_chunks()).to_pylist()
            ordered = sorted(counts, key=lambda count: (-count["counts"], str(count["values"])))
            return cls(categorical=True, values=tuple(count["values"] for count in ordered[:VALUES]))
        numbers = numbers_of(values)
        numbers = numbers[np.isfinite(numbers)]
        if not len(numbers):
            return cls(categorical=False)
        # Edges are values that occur, so that values of a grid are never parted by rounding.
        found = [
            np.quantile(of, np.linspace(0, 1, n + 1)[1:-1], method="inverted_cdf")
            for of, n in ((numbers, BINS), (np.unique(numbers), TAIL_BINS))
        ]
        return cls(categorical=False, edges=tuple(np.unique(np.concatenate(found)).tolist()))

    def of(self, values: pa.ChunkedArray, numbers: NDArray[np.float64] | None = None) -> NDArray[np.intp]:
        """Find the cell of each value.

        Parameters
        ----------
        values : pyarrow.ChunkedArray of shape (n_rows,)
            A column.
        numbers : ndarray of shape (n_rows,), float64, optional
            The same as `numbers_of` gives it, where it is at hand.

        Returns
        -------
        ndarray of shape (n_rows,), int
            From 0; `n` for a null or NaN.
        """
        if self.categorical:
            known = pa.array(self.values, values.type)
            found = pc.fill_null(pc.index_in(values, value_set=known), len(self.values)).to_numpy().astype(np.intp)
            found[np.asarray(values.is_null())] = self.n
            return found
        numbers = numbers_of(values) if numbers is None else numbers
        # One comparison an edge, many values at once: with so few edges a search a value takes several times as long.
        found = np.zeros(len(numbers), dtype=np.uint8)
        for edge in self.edges:
            found += numbers > edge
        found[np.isnan(numbers)] = self.n
        return found.astype(np.intp)


@dataclass(frozen=True, slots=True)
class Counts:
    """One feature among some rows.

    Parameters
    ----------
    counts : tuple of int
        Rows in each of the feature's cells, then those that are null or NaN.
    mean, spread, low, high : float or None
        Of the finite values: mean, standard deviation, least and greatest; None where there is none, and of categories.
    """

    counts: tuple[int, ...]
    mean: float | None = None
    spread: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def rows(self) -> int:
        """How many rows."""
        return sum(self.counts)

    @property
    def nulls(self) -> int:
        """How many of them are null or NaN."""
        return self.counts[-1]


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one split, kind and class.

    Parameters
    ----------
    split : str
        Of `feast_plugin.versions.inputs.split.SPLITS`.
    synthetic : bool
        Their kind.
    label : str
        Their class.
    rows : int
        How many.
    features : dict of str to Counts
        Of each feature.
    """

    split: str
    synthetic: bool
    label: str
    rows: int
    features: dict[str, Counts]


@dataclass(frozen=True, slots=True)
class Profile:
    """What the values of a version's features are, in counts.

    Parameters
    ----------
    cells : dict of str to Cells
        Of each feature; an array is counted by its Euclidean length.
    parts : tuple of Part
        By split, kind and class.
    """

    cells: dict[str, Cells]
    parts: tuple[Part, ...]

    def counts(
        self, feature: str, split: str, *, synthetic: bool, labels: Iterable[str] | None = None
    ) -> NDArray[np.int64]:
        """Add up the counts of a feature.

        Parameters
        ----------
        feature : str
            One of `cells`.
        split : str
            Of which split.
        synthetic : bool
            Of which kind.
        labels : iterable of str, optional
            Of which classes, by default all.

        Returns
        -------
        ndarray of shape (n_cells + 1,), int64
            The last is that of nulls.
        """
        wanted = None if labels is None else set(labels)
        total = np.zeros(self.cells[feature].n + 1, dtype=np.int64)
        for part in self.parts:
            if part.split == split and part.synthetic == synthetic and (wanted is None or part.label in wanted):
                total += part.features[feature].counts
        return total

    def to_json(self) -> str:
        """Return the file's content.

        Returns
        -------
        str
            Canonical, so that equal profiles are equal bytes.
        """
        data = {
            "format": FORMAT,
            "cells": {name: asdict(cells) for name, cells in self.cells.items()},
            "parts": [asdict(part) for part in self.parts],
        }
        return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Profile:
        """Read the file's content.

        Parameters
        ----------
        text : str or bytes
            What `to_json` wrote; its bytes were checked.

        Returns
        -------
        Profile
            Equal to the one that was written.
        """
        data = json.loads(text)
        return cls(
            {
                name: Cells(cells["categorical"], tuple(cells["edges"]), tuple(cells["values"]))
                for name, cells in data["cells"].items()
            },
            tuple(
                Part(
                    **part
                    | {
                        "features": {
                            name: Counts(**counts | {"counts": tuple(counts["counts"])})
                            for name, counts in part["features"].items()
                        }
                    }
                )
                for part in data["parts"]
            ),
        )

    def write(self, directory: Location) -> StoredFile:
        """Write the file.

        Parameters
        ----------
        directory : Location
            Of the version.

        Returns
        -------
        StoredFile
            What the manifest says of it; its `rows` say nothing.
        """
        data = self.to_json().encode()
        (directory / FILE).write_at_once(data)
        return StoredFile(FILE, 0, len(data), hashlib.sha256(data).hexdigest())


class Profiler:
    """Counts rows as they pass, in the batches of their files, so that sums are the same bits however often.

    Parameters
    ----------
    cells : dict of str to Cells
        Where each feature is counted.
    label, synthetic : str
        Columns that say class and kind.
    """

    def __init__(self, cells: Mapping[str, Cells], label: str, synthetic: str) -> None:
        self._cells = dict(cells)
        self._label, self._synthetic = label, synthetic
        self._sums: dict[tuple[str, bool, str], dict[str, _Sums]] = {}
        self._rows: dict[tuple[str, bool, str], int] = {}

    @classmethod
    def fitted(cls, sample: pa.Table, features: Iterable[StoredFeature], label: str, synthetic: str) -> Profiler:
        """Choose the cells by real training rows.

        Parameters
        ----------
        sample : pyarrow.Table
            Up to `FITTING_ROWS` of them, evenly spaced.
        features : iterable of StoredFeature
            Of the contract.
        label, synthetic : str
            Columns that say class and kind.

        Returns
        -------
        Profiler
            That has counted nothing yet.
        """
        cells = {f.name: Cells.fitted(sample[f.name], categorical=f.categorical) for f in features}
        return cls(cells, label, synthetic)

    def add(self, split: str, batch: pa.Table) -> None:
        """Count the next rows.

        Parameters
        ----------
        split : str
            That they are of.
        batch : pyarrow.Table
            One row group of the split's file.
        """
        labels = batch[self._label].combine_chunks().dictionary_encode()
        kinds = batch[self._synthetic].to_numpy().astype(np.intp)
        group = labels.indices.to_numpy().astype(np.intp) * 2 + kinds
        order = np.argsort(group, kind="stable")
        present, starts = np.unique(group[order], return_index=True)
        names = [label_name(value) for value in labels.dictionary.to_pylist()]
        keys = [(split, bool(code % 2), names[code // 2]) for code in present.tolist()]
        place = np.searchsorted(present, group)
        for key, rows in zip(keys, np.diff([*starts, len(group)]).tolist(), strict=True):
            self._rows[key] = self._rows.get(key, 0) + rows
        for name, cells in self._cells.items():
            column = batch[name]
            numbers = None if cells.categorical else numbers_of(column)
            size = cells.n + 1
            found = np.bincount(place * size + cells.of(column, numbers), minlength=size * len(keys))
            moments = None if numbers is None else _moments(numbers[order], starts, _origin(cells))
            for at, key in enumerate(keys):
                sums = self._sums.setdefault(key, {}).setdefault(name, _Sums(size))
                sums.counts += found[at * size : (at + 1) * size]
                if moments is not None:
                    sums.add(*(float(part[at]) for part in moments))

    def profile(self) -> Profile:
        """Return what was counted.

        Returns
        -------
        Profile
            Of all rows so far.
        """
        parts = [
            Part(*key, self._rows[key], {name: sums.closed(self._cells[name]) for name, sums in of.items()})
            for key, of in self._sums.items()
        ]
        return Profile(self._cells, tuple(sorted(parts, key=lambda part: (part.split, part.synthetic, part.label))))


class _Sums:
    """Of one feature in one part, counted from its origin in its unit."""

    def __init__(self, size: int) -> None:
        self.counts = np.zeros(size, dtype=np.int64)
        self.n, self.total, self.squares = 0.0, 0.0, 0.0
        self.low, self.high = np.inf, -np.inf

    def add(self, n: float, total: float, squares: float, low: float, high: float) -> None:
        self.n, self.total, self.squares = self.n + n, self.total + total, self.squares + squares
        self.low, self.high = min(self.low, low), max(self.high, high)

    def closed(self, cells: Cells) -> Counts:
        counts = tuple(self.counts.tolist())
        if cells.categorical or not self.n:
            return Counts(counts)
        origin, exponent = _origin(cells)
        shift = self.total / self.n
        spread = np.sqrt(max(self.squares / self.n - shift**2, 0.0))
        mean, deviation = (
            float(v) if np.isfinite(v) else None
            for v in (origin + np.ldexp(shift, exponent), np.ldexp(spread, exponent))
        )
        return Counts(counts, mean, deviation, self.low, self.high)


def _origin(cells: Cells) -> tuple[float, int]:
    """Return what a feature's values are counted from, and the power of two that they are counted in."""
    if not cells.edges:
        return 0.0, 0
    middle = cells.edges[len(cells.edges) // 2]
    exponent = int(np.frexp(max(abs(cells.edges[0]), abs(cells.edges[-1])))[1])
    return middle, max(exponent, -1000)  # the unit's inverse must be finite


def _moments(
    numbers: NDArray[np.float64], starts: NDArray[np.intp], scale: tuple[float, int]
) -> tuple[NDArray[np.float64], ...]:
    """Sum up finite numbers from each start to the next: how many, sum, sum of squares, least, greatest."""
    origin, exponent = scale
    finite = np.isfinite(numbers)
    whole = finite.all()
    with np.errstate(over="ignore"):  # beyond what a double holds there is no mean, and none is written
        unit = np.ldexp(1.0, -exponent)
        offsets = (numbers if whole else np.where(finite, numbers, origin)) * unit - origin * unit
        squares = np.add.reduceat(offsets * offsets, starts)
    return (
        np.add.reduceat(finite.astype(np.float64), starts),
        np.add.reduceat(offsets, starts),
        squares,
        np.minimum.reduceat(numbers if whole else np.where(finite, numbers, np.inf), starts),
        np.maximum.reduceat(numbers if whole else np.where(finite, numbers, -np.inf), starts),
    )


def numbers_of(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return a column as numbers.

    Parameters
    ----------
    column : pyarrow.ChunkedArray of shape (n_rows,)
        Of numbers, booleans, or lists of numbers of one length.

    Returns
    -------
    ndarray of shape (n_rows,), float64
        A null is NaN, an array its Euclidean length, an integer beyond 2**53 the double next to it.
    """
    if not pa.types.is_list(column.type):
        return np.asarray(column.cast(pa.float64(), safe=False).to_numpy())
    out = np.full(len(column), np.nan)
    valid = ~np.asarray(column.is_null())
    vectors = pc.list_flatten(column.drop_null()).to_numpy().astype(np.float64).reshape(np.count_nonzero(valid), -1)
    largest = np.abs(vectors).max(axis=1, initial=0.0, keepdims=True)
    shares = np.divide(vectors, largest, out=np.zeros_like(vectors), where=largest > 0)  # no square overflows
    out[valid] = largest[:, 0] * np.sqrt((shares**2).sum(axis=1))
    return out


def label_name(value: Any) -> str:
    """Return a class as a manifest names it.

    Parameters
    ----------
    value : str, int or bool
        Of the label.

    Returns
    -------
    str
        A boolean's integer, for they are counted as integers there.
    """
    return str(int(value)) if isinstance(value, bool) else str(value)


def evenly(n: int, limit: int) -> NDArray[np.int64]:
    """Choose positions at even distances.

    Parameters
    ----------
    n : int
        How many there are.
    limit : int
        How many to take at most.

    Returns
    -------
    ndarray of int64
        Ascending, the same in every run.
    """
    taken = min(n, limit)
    return np.arange(taken) * n // max(taken, 1)
