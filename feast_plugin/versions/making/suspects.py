"""Suspects: the training rows whose labels a person should look at first, ranked, with keys and reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from feast_plugin.versions.inputs.rows import BATCH_ROWS
from feast_plugin.versions.making.matrix import encode
from feast_plugin.versions.making.noise import surroundings
from feast_plugin.versions.making.units import spread
from resampler.errors import InvalidInputError
from resampler.quality.checks.near import NEIGHBORS
from resampler.quality.checks.sample import content_ids
from resampler.quality.checks.space import Space

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.inputs.rows import CanonicalRows
    from feast_plugin.versions.making.noise import Surroundings

SAME = "a row of another class has the same values"
NOISE = f"its {NEIGHBORS} nearest rows are of other classes, where these are as many"


def write_suspects(rows: CanonicalRows, train: NDArray[np.bool_], contract: Contract, path: str | Path) -> None:
    """Write the suspects of the training split to a file.

    Parameters
    ----------
    rows : CanonicalRows
        The canonical table.
    train : ndarray of shape (n_rows,), bool
        The training split.
    contract : Contract
        Columns.
    path : str or Path
        Ends in ``.parquet`` or ``.csv``.

    Raises
    ------
    InvalidInputError
        If it cannot be written there.
    """
    table = suspects(rows, train, contract)
    write = pyarrow.csv.write_csv if str(path).endswith(".csv") else pyarrow.parquet.write_table
    try:
        write(table, path)
    except OSError as error:
        raise InvalidInputError(f"suspects {str(path)!r} cannot be written: {error}: name another file") from error


def suspects(rows: CanonicalRows, train: NDArray[np.bool_], contract: Contract) -> pa.Table:
    """Rank the rows whose labels may be wrong.

    Parameters
    ----------
    rows : CanonicalRows
        The canonical table.
    train : ndarray of shape (n_rows,), bool
        The training split.
    contract : Contract
        Columns.

    Returns
    -------
    pyarrow.Table
        Columns ``rank``, ``reason``, the keys, the label, and distances to the nearest row of the row's own class and
        of another. First the rows, of any class, whose values a row of another class has too; then the noise of all
        classes but the largest, by how much nearer other classes are.

    Notes
    -----
    Memory follows all classes but the largest, whose rows pass through in batches.
    """
    contract = contract.measured(rows.table)
    scale = spread(rows, train, contract)
    mask = contract.feature_schema(rows.classes).categorical_mask
    space = Space.of(np.empty((0, len(mask))), mask, np.where(mask, 1.0, scale))
    codes, sizes = np.unique(rows.label[train], return_counts=True)
    largest = int(codes[sizes.argmax()])
    same = _in_two_classes(rows, train, contract, space, largest)
    same = same[np.lexsort((same, rows.label[same] == largest))]  # rows of the largest class last
    noisy = [np.empty(0, dtype=np.int64)]
    own: list[NDArray[np.float64]] = [np.empty(0)]
    other: list[NDArray[np.float64]] = [np.empty(0)]
    for code in codes[codes != largest].tolist():
        around = surroundings(rows, train, contract, scale, code)
        asked = np.flatnonzero((around.foreign == NEIGHBORS) & ~np.isin(around.own, same))
        noisy.append(around.own[asked])
        for part, distances in zip((own, other), _distances(around, asked), strict=True):
            part.append(distances)
    noise, to_own, to_other = (np.concatenate(part) for part in (noisy, own, other))
    with np.errstate(divide="ignore", invalid="ignore"):
        doubt = np.where(to_other > 0, to_own / to_other, np.inf)
    order = np.lexsort((noise, -doubt))
    positions = np.concatenate([same, noise[order]])
    columns = {
        "rank": pa.array(np.arange(1, len(positions) + 1)),
        "reason": pa.array([SAME] * len(same) + [NOISE] * len(noise), pa.string()),
    }
    keys = rows.take([*contract.keys, contract.label], positions)
    columns |= dict(zip(keys.column_names, keys.columns, strict=True))
    for name, away, own_class in (("own_distance", to_own, True), ("other_distance", to_other, False)):
        known = np.full(len(same), np.nan if own_class else 0.0)
        columns[name] = pa.array(np.concatenate([known, away[order]]), from_pandas=True)
    return pa.table(columns)


def _distances(around: Surroundings, asked: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Measure how far the nearest row of a row's own class is, and that of another."""
    own, others = around.X[: len(around.own)], around.X[len(around.own) :]
    queries = own[asked]
    near = np.zeros(0, dtype=np.int64)
    if len(own) > 1:
        near = around.space.nearest(own, 1, np.arange(len(own)), asked)[:, 0]
    to_own = around.space.between(queries, own[near]) if len(near) else np.full(len(asked), np.inf)
    to_other = around.space.between(queries, others[around.space.nearest_to(queries, others)])
    return to_own, to_other


def _in_two_classes(
    rows: CanonicalRows, train: NDArray[np.bool_], contract: Contract, space: Space, largest: int
) -> NDArray[np.int64]:
    """Find rows whose values a row of another class has."""
    names = [c.name for c in contract.columns]
    small = np.flatnonzero(train & (rows.label != largest))
    values = rows.take(names, small)
    matrix, vocabularies = encode(values, contract)
    content = content_ids(space.rounded(matrix.astype(np.float64)))
    found = np.zeros(len(train), dtype=np.bool_)
    order = np.argsort(content, kind="stable")
    first = np.flatnonzero(np.append(True, np.diff(content[order]) != 0))
    labels = rows.label[small][order]
    least, most = np.minimum.reduceat(labels, first), np.maximum.reduceat(labels, first)
    mixed = content[order][first[least != most]]
    found[small[np.isin(content, mixed)]] = True
    for start in range(0, len(train), BATCH_ROWS):
        part = np.flatnonzero(train[start : start + BATCH_ROWS] & (rows.label[start : start + BATCH_ROWS] == largest))
        batch = rows.take(names, start + part)
        ids = content_ids(space.rounded(_coded(batch, contract, vocabularies)))
        met = np.intersect1d(ids, content)
        found[start + part[np.isin(ids, met)]] = True
        found[small[np.isin(content, met)]] = True
    return np.flatnonzero(found)


def _coded(table: pa.Table, contract: Contract, vocabularies: dict[str, pa.Array]) -> NDArray[np.float64]:
    """Return rows as numbers by the vocabulary of others; a category that these do not have is code -1."""
    matrix, own = encode(table, contract)
    coded = matrix.astype(np.float64)
    for c, span in contract.spans:
        if c.categorical:
            known = pa.compute.index_in(own[c.name], value_set=vocabularies[c.name]).fill_null(-1).to_numpy()
            held = ~np.isnan(coded[:, span.start])
            coded[held, span.start] = known[coded[held, span.start].astype(np.int64)]
    return coded
