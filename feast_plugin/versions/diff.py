"""What two versions of a snapshot have in common and what not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from feast_plugin.versions.catalog import Catalog
from resampler.errors import CorruptStateError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from feast_plugin.versions.manifest import Manifest


def diff_snapshot(first: int, second: int, *, name: str, root: str | Path) -> dict[str, Any]:
    """Compare two versions.

    Parameters
    ----------
    first, second : int
        Versions.
    name : str
        Of the snapshot.
    root : str or Path
        Where snapshots are kept.

    Returns
    -------
    dict
        `equal` (same digest); `parameters` and `contract`, each name that differs with both values; `counts` of each
        split in both; `distributions`: for each feature of both and each split of both, the shift of a numeric mean
        in standard deviations of the first, or the total variation distance of a categorical one.

    Raises
    ------
    DataError
        If a version does not exist.
    CorruptStateError
        If a file of one cannot be read.
    """
    catalog = Catalog.open(name, root)
    a, b = catalog.load(first), catalog.load(second)
    return {
        "name": catalog.name,
        "versions": [first, second],
        "equal": a.digest == b.digest,
        "parameters": _changes(_parameters(a), _parameters(b)),
        "contract": _changes(_features(a), _features(b)),
        "counts": {
            split: [m.counts.get(split) for m in (a, b)] for split in sorted({*a.splits, *b.splits}, reverse=True)
        },
        "distributions": {split: _shifts(catalog, a, b, split) for split in a.splits if split in b.splits},
    }


def _parameters(manifest: Manifest) -> dict[str, Any]:
    inputs = {f"inputs.{key}": value for key, value in manifest.inputs.items()}
    return {"seed": manifest.seed, "ratio": manifest.ratio, "retain": manifest.retain} | manifest.parameters | inputs


def _features(manifest: Manifest) -> dict[str, Any]:
    features = {
        c["name"]: {k: c[k] for k in ("reference", "dtype", "categorical", "array")} for c in _columns(manifest)
    }
    return features | {manifest.columns["label"]: manifest.contract["label"]}


def _columns(manifest: Manifest) -> list[dict[str, Any]]:
    return list(manifest.columns["features"])


def _changes(a: dict[str, Any], b: dict[str, Any]) -> dict[str, list[Any]]:
    names = [*a, *(name for name in b if name not in a)]
    return {name: [a.get(name), b.get(name)] for name in names if a.get(name) != b.get(name)}


def _shifts(catalog: Catalog, a: Manifest, b: Manifest, split: str) -> dict[str, float]:
    shared = {c["name"] for c in _columns(b)}
    out = {}
    for c in _columns(a):
        if c["name"] in shared:
            pair = [_read(catalog, manifest, split, c["name"]) for manifest in (a, b)]
            out[c["name"]] = _variation(*pair) if c["categorical"] else _mean_shift(*pair)
    return out


def _read(catalog: Catalog, manifest: Manifest, split: str, column: str) -> pa.ChunkedArray:
    entry = manifest.splits[split]
    stored = entry.file if entry.file in manifest.stored else manifest.kept
    location = catalog.directory(manifest.version) / (stored or entry.file).path
    try:
        with location.filesystem.open_input_file(location.path) as file:
            values = pq.read_table(file, columns=[column])[column]
    except (OSError, pa.ArrowInvalid) as error:
        raise CorruptStateError(f"{location.uri} cannot be read: {error}: rebuild the version") from error
    return pc.list_flatten(values) if pa.types.is_list(values.type) else values


def _mean_shift(a: pa.ChunkedArray, b: pa.ChunkedArray) -> float:
    x, y = (_finite(part.drop_null().to_numpy()) for part in (a, b))
    if len(x) == 0 or len(y) == 0:
        return 0.0
    exponent = np.frexp(max(np.abs(x).max(), np.abs(y).max()))[1]
    x, y = np.ldexp(x, -exponent), np.ldexp(y, -exponent)  # within 1 of 0, where no sum and no square overflows
    shift, spread = (y - x[0]).mean() - (x - x[0]).mean(), (x - x[0]).std()  # a constant column has no spread at all
    return float(shift / spread if spread > 0 else np.ldexp(shift, exponent))


def _finite(values: NDArray[Any]) -> NDArray[np.longdouble]:
    """Return the finite values; a long double holds an int64 exactly on most machines."""
    wide = values.astype(np.longdouble)
    return wide[np.isfinite(wide)]


def _variation(a: pa.ChunkedArray, b: pa.ChunkedArray) -> float:
    shares: list[dict[Any, float]] = []
    for part in (a, b):
        counts = pc.value_counts(part.drop_null().combine_chunks())
        total = max(len(part) - part.null_count, 1)
        shares.append({c["values"]: c["counts"] / total for c in counts.to_pylist()})
    every = {*shares[0], *shares[1]}
    return float(0.5 * np.sum([abs(shares[0].get(v, 0.0) - shares[1].get(v, 0.0)) for v in every]))
