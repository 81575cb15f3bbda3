"""`report.html`: one self-contained page that tells people what a version is."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import jinja2
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import ks_2samp

from feast_plugin.manifest import StoredFile, version_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from feast_plugin.augmentation import Augmentation
    from feast_plugin.contract import Contract
    from feast_plugin.manifest import Manifest
    from feast_plugin.rows import Rows
    from feast_plugin.storage import Location

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
    """

    name: str
    distance: float
    low: str = ""
    high: str = ""
    curves: list[str] = []  # noqa: RUF012 - never changed
    bars: list[tuple[str, list[float]]] = []  # noqa: RUF012


def draw_pictures(rows: Rows, train: NDArray[np.bool_], made: Augmentation, contract: Contract) -> list[Picture]:
    """Compare the real and the synthetic rows, feature by feature.

    Parameters
    ----------
    rows : Rows
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
        In contract order; drawn from evenly spaced rows of each kind, so the same in every run.
    """
    filled = np.isin(rows.label, np.unique(made.parents.label))
    others, minority = (_evenly(np.flatnonzero(train & part)) for part in (~filled, filled))
    synthetic = _evenly(np.arange(made.table.num_rows))
    names = made.table.column_names
    kinds = [rows.take(names, others), rows.take(names, minority), made.table.take(pa.array(synthetic))]
    pictures = []
    for c in contract.columns:
        parts = [_simple(kind[c.name].drop_null()) for kind in kinds]
        if min(len(part) for part in parts[1:]) > 0:
            pictures.append((_bars if c.categorical else _curves)(c.name, parts))
    return pictures


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
        loader=jinja2.PackageLoader("feast_plugin", "."), autoescape=True, trim_blocks=True, lstrip_blocks=True
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
    (directory / FILE).publish(data)
    return StoredFile(FILE, 0, len(data), hashlib.sha256(data).hexdigest())


def _evenly(positions: NDArray[np.int64]) -> NDArray[np.int64]:
    n = min(len(positions), SAMPLE_ROWS)
    return positions[np.arange(n) * len(positions) // max(n, 1)]


def _simple(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Let an array's length stand for it: what a picture can show of an embedding."""
    if not pa.types.is_list(column.type):
        return column
    vectors = np.array(column.to_pylist(), dtype=np.float64).reshape(len(column), -1)
    return pa.chunked_array([pa.array(np.sqrt((vectors**2).sum(axis=1)))])


def _curves(name: str, parts: list[pa.ChunkedArray]) -> Picture:
    values = [np.asarray(part.cast(pa.float64())) for part in parts]
    finite = [part[np.isfinite(part)] for part in values]
    low, high = np.quantile(np.concatenate(finite), [0.005, 0.995])
    if not high > low:
        low, high = low - 0.5, high + 0.5
    shares = [np.histogram(np.clip(v, low, high), BINS, (low, high))[0] / max(len(v), 1) for v in finite]
    top = max(share.max() for share in shares)
    distance = float(ks_2samp(finite[1], finite[2]).statistic)
    return Picture(name, distance, f"{low:.4g}", f"{high:.4g}", [_outline(share / top) for share in shares])


def _outline(heights: NDArray[np.float64]) -> str:
    step = WIDTH / len(heights)
    points = [f"M0,{HEIGHT:.0f}"]
    for i, height in enumerate(heights):
        y = HEIGHT - height * (HEIGHT - 2)
        points.append(f"L{i * step:.1f},{y:.1f}L{(i + 1) * step:.1f},{y:.1f}")
    return "".join([*points, f"L{WIDTH:.0f},{HEIGHT:.0f}Z"])


def _bars(name: str, parts: list[pa.ChunkedArray]) -> Picture:
    counts = [{c["values"]: c["counts"] for c in pc.value_counts(part.combine_chunks()).to_pylist()} for part in parts]
    values = sorted({*counts[1], *counts[2]}, key=lambda value: (-counts[1].get(value, 0), str(value)))
    shares = [[count.get(v, 0) / max(len(part), 1) for v in values] for count, part in zip(counts, parts, strict=True)]
    distance = float(0.5 * np.abs(np.subtract(shares[1], shares[2])).sum())
    return Picture(name, distance, bars=[(str(v), [kind[i] for kind in shares]) for i, v in enumerate(values[:VALUES])])
