"""`report.html`: one self-contained page that shows people what a version is."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import jinja2
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import ks_2samp

from feast_plugin.versions.manifest import StoredFile, version_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from feast_plugin.versions.augmentation import Augmentation
    from feast_plugin.versions.contract import Contract
    from feast_plugin.versions.manifest import Manifest
    from feast_plugin.versions.rows import CanonicalRows
    from feast_plugin.versions.storage import Location

FILE = "report.html"
SAMPLE_ROWS = 5_000  # of a kind; a picture gains nothing from more
BINS = 32
VALUES = 6  # of a categorical feature, the most frequent
WIDTH, HEIGHT = 240.0, 72.0
KINDS = ("other classes", "minority, real", "minority, synthetic")


class Picture(NamedTuple):
    """One feature in the training split.

    Parameters
    ----------
    name : str
        Of the feature.
    distance : float
        Between the real and the synthetic minority: Kolmogorov-Smirnov, or total variation of a categorical one.
    low, high : str
        Ends of the axis; empty for a categorical feature.
    curves : list of str
        SVG path of each of `KINDS`.
    bars : list of tuple
        For a categorical feature, a value and its share among each of `KINDS`.
    missing : str
        Why there is no picture; empty where there is one.
    """

    name: str
    distance: float
    low: str = ""
    high: str = ""
    curves: list[str] = []  # noqa: RUF012 - never changed
    bars: list[tuple[str, list[float]]] = []  # noqa: RUF012
    missing: str = ""


def draw_pictures(
    rows: CanonicalRows, train: NDArray[np.bool_], made: Augmentation, contract: Contract
) -> list[Picture]:
    """Compare the real and the synthetic rows, feature by feature.

    Parameters
    ----------
    rows : CanonicalRows
        The canonical table.
    train : ndarray of shape (n_rows,), bool
        The training split.
    made : Augmentation
        The synthetic rows.
    contract : Contract
        Columns.

    Returns
    -------
    list of Picture
        In contract order; drawn from evenly spaced rows of each kind, so the same in every run. A feature that cannot
        be drawn says so: a picture never stops a publication.
    """
    filled = np.isin(rows.label, np.unique(made.parents.label))
    others, minority = (_evenly(np.flatnonzero(train & part)) for part in (~filled, filled))
    synthetic = _evenly(np.arange(made.table.num_rows))
    names = made.table.column_names
    kinds = [rows.take(names, others), rows.take(names, minority), made.table.take(pa.array(synthetic))]
    return [
        _draw(c.name, [kind[c.name].drop_null() for kind in kinds], categorical=c.categorical) for c in contract.columns
    ]


def _draw(name: str, parts: list[pa.ChunkedArray], *, categorical: bool) -> Picture:
    try:
        if categorical:
            return _bars(name, parts)
        return _curves(name, [_numbers(part) for part in parts])
    except Exception as error:  # the page is for people, and the version is whole without it
        return Picture(name, 0.0, missing=f"not drawn: {error}" if str(error) else f"not drawn: {type(error).__name__}")


def write_report(manifest: Manifest, pictures: list[Picture], directory: Location) -> StoredFile:
    """Write the page.

    Parameters
    ----------
    manifest : Manifest
        Of the version.
    pictures : list of Picture
        From `draw_pictures`.
    directory : Location
        Of the version.

    Returns
    -------
    StoredFile
        What the manifest says of it.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("feast_plugin.versions", "."), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    shown: dict[str, Any] = {"seed": manifest.seed, "ratio": manifest.ratio, "retain": manifest.retain}
    page = environment.get_template(f"{FILE}.jinja").render(
        m=manifest,
        version=version_name(manifest.version),
        parameters=shown | {k: v for k, v in manifest.parameters.items() if k != "algorithm"},
        units={feature.name: feature.scale for feature in manifest.schema.features},
        pictures=sorted(pictures, key=lambda picture: -picture.distance),
        kinds=KINDS,
        width=WIDTH,
        height=HEIGHT,
    )
    data = page.encode()
    (directory / FILE).write_at_once(data)
    return StoredFile(FILE, 0, len(data), hashlib.sha256(data).hexdigest())


def _evenly(positions: NDArray[np.int64]) -> NDArray[np.int64]:
    n = min(len(positions), SAMPLE_ROWS)
    return positions[np.arange(n) * len(positions) // max(n, 1)]


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return what a picture can show: finite values, and the length of an array."""
    if pa.types.is_list(column.type):
        vectors = np.array(column.to_pylist(), dtype=np.float64).reshape(len(column), -1)
        largest = np.abs(vectors).max(axis=1, initial=0.0, keepdims=True)
        shares = np.divide(vectors, largest, out=np.zeros_like(vectors), where=largest > 0)
        values = largest[:, 0] * np.sqrt((shares**2).sum(axis=1))
    else:
        values = np.asarray(column.cast(pa.float64(), safe=False))  # a wide integer is drawn where its double lies
    return values[np.isfinite(values)]


def _curves(name: str, parts: list[NDArray[np.float64]]) -> Picture:
    if not all(len(part) for part in parts[1:]):
        raise ValueError("there is no finite value among the real or among the synthetic rows of the minority")
    exponent = np.frexp(max(np.abs(part).max(initial=0.0) for part in parts))[1]
    values = [np.ldexp(part, -exponent) for part in parts]  # within 1 of 0, where no difference overflows
    low, high = np.quantile(np.concatenate(values), [0.005, 0.995])
    shares = [_histogram(part, low, high) / max(len(part), 1) for part in values]
    top = max(share.max() for share in shares)
    distance = float(ks_2samp(values[1], values[2]).statistic)
    first, last = (f"{np.ldexp(end, exponent):.4g}" for end in (low, high))
    return Picture(name, distance, first, last, [_outline(share / top) for share in shares])


def _histogram(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.int64]:
    """Count values in bins from `low` to `high`, those beyond in the outermost; in the middle if both are one."""
    place = np.full(len(values), 0.5) if not high > low else (np.clip(values, low, high) - low) / (high - low)
    return np.bincount(np.minimum((place * BINS).astype(np.int64), BINS - 1), minlength=BINS)


def _outline(heights: NDArray[np.float64]) -> str:
    step = WIDTH / len(heights)
    points = [f"M0,{HEIGHT:.0f}"]
    for i, height in enumerate(heights):
        y = HEIGHT - height * (HEIGHT - 2)
        points.append(f"L{i * step:.1f},{y:.1f}L{(i + 1) * step:.1f},{y:.1f}")
    return "".join([*points, f"L{WIDTH:.0f},{HEIGHT:.0f}Z"])


def _bars(name: str, parts: list[pa.ChunkedArray]) -> Picture:
    if not all(len(part) for part in parts[1:]):
        raise ValueError("there is no value among the real or among the synthetic rows of the minority")
    counts = [{c["values"]: c["counts"] for c in pc.value_counts(part.combine_chunks()).to_pylist()} for part in parts]
    values = sorted({*counts[1], *counts[2]}, key=lambda value: (-counts[1].get(value, 0), str(value)))
    shares = [[count.get(v, 0) / max(len(part), 1) for v in values] for count, part in zip(counts, parts, strict=True)]
    distance = float(0.5 * np.abs(np.subtract(shares[1], shares[2])).sum())
    return Picture(name, distance, bars=[(str(v), [kind[i] for kind in shares]) for i, v in enumerate(values[:VALUES])])
