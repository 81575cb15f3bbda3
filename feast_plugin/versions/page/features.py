"""Before and after, feature by feature, on a scale that says what is much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from feast_plugin.versions.page.svg import outline
from resampler.profile.values import evenly, numbers_of
from resampler.quality.drift.scores import kolmogorov_smirnov, total_variation

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from feast_plugin.versions.inputs.contract import StoredFeature

HALVES = 100  # times that the real minority is parted in two
HALVED_ROWS = 2_000
BINS = 32
VALUES = 6  # of a categorical feature, the most frequent


class Picture(NamedTuple):
    """One feature in the training split.

    Parameters
    ----------
    name : str
        Of the feature.
    distance : float
        Between the real and the synthetic minority: Kolmogorov-Smirnov, or total variation of a categorical one; a
        null counts as a value.
    reference : float
        What two random halves of the real minority differ by less than, 95 times in 100.
    nulls : tuple of float
        Share of nulls of each kind of row.
    low, high : str
        Ends of the axis; empty for a categorical feature.
    curves : list of str
        SVG path of each kind.
    bars : list of tuple
        For a categorical feature, a value and its share of each kind.
    missing : str
        Why there is no picture; empty where there is one.
    """

    name: str
    distance: float = 0.0
    reference: float = 0.0
    nulls: tuple[float, ...] = ()
    low: str = ""
    high: str = ""
    curves: list[str] = []  # noqa: RUF012 - never changed
    bars: list[tuple[str, list[float]]] = []  # noqa: RUF012
    missing: str = ""

    @property
    def much(self) -> bool:
        """Whether chance alone does not give as much."""
        return self.distance > self.reference


def pictures(
    kinds: Sequence[pa.Table], features: Sequence[StoredFeature], seed: int, weights: NDArray[np.float64]
) -> list[Picture]:
    """Compare the real and the synthetic minority.

    Parameters
    ----------
    kinds : sequence of pyarrow.Table
        Rows of `feast_plugin.versions.page.sample.KINDS`.
    features : sequence of StoredFeature
        Of the contract.
    seed : int
        Keys the halves.
    weights : ndarray of shape (n_real_minority,), float64
        Of the real rows of the minority.

    Returns
    -------
    list of Picture
        What is furthest beyond chance first, then by distance. A feature that cannot be drawn says so: a picture never
        stops a publication.
    """
    halves = _halves(min(kinds[1].num_rows, HALVED_ROWS), seed)
    every = [np.ones(kinds[0].num_rows), weights, np.ones(kinds[2].num_rows)]
    drawn = [_picture(f, [kind[f.name] for kind in kinds], every, halves) for f in features]
    return sorted(drawn, key=lambda one: (not one.much, one.reference - one.distance if one.much else -one.distance))


def _halves(n: int, seed: int) -> NDArray[np.bool_]:
    """Part n rows in two, `HALVES` times; row ids play no part, so that equal rows give equal halves."""
    draws = np.random.Generator(np.random.Philox(key=seed)).random((HALVES, n))
    return draws < np.median(draws, axis=1, keepdims=True)


def _picture(
    feature: StoredFeature,
    parts: list[pa.ChunkedArray],
    weights: list[NDArray[np.float64]],
    halves: NDArray[np.bool_],
) -> Picture:
    try:
        if feature.categorical:
            values = [np.array(["" if v is None else str(v) for v in part.to_pylist()], dtype=object) for part in parts]
            nulls = [np.asarray(part.is_null()) for part in parts]
        else:
            values = [numbers_of(part) for part in parts]
            nulls = [np.isnan(part) for part in values]
        found = _compared(values, nulls, weights[1], halves, ordered=not feature.categorical)
        shares = tuple(float(w[null].sum() / w.sum()) for w, null in zip(weights, nulls, strict=True))
        picture = Picture(feature.name, *found, nulls=shares)
        held = [(part[~null], w[~null]) for part, w, null in zip(values, weights, nulls, strict=True)]
        return _bars(picture, held) if feature.categorical else _curves(picture, held)
    except Exception as error:  # the page is for people, and the version is whole without it
        return Picture(feature.name, missing=f"not drawn: {error or type(error).__name__}")


def _compared(
    values: list[NDArray[Any]],
    nulls: list[NDArray[np.bool_]],
    weights: NDArray[np.float64],
    halves: NDArray[np.bool_],
    *,
    ordered: bool,
) -> tuple[float, float]:
    """Return the distance of the synthetic minority from the real one, and what halves of the real one differ by."""
    measure = kolmogorov_smirnov if ordered else total_variation
    held = np.concatenate([part[~null] for part, null in zip(values[1:], nulls[1:], strict=True)])
    cells, codes = np.unique(held, return_inverse=True)
    size = len(cells) + 1  # the last is that of nulls
    real, made = (np.full(len(null), size - 1) for null in nulls[1:])
    n_held = np.count_nonzero(~nulls[1])
    real[~nulls[1]], made[~nulls[2]] = codes[:n_held], codes[n_held:]
    distance = measure(np.bincount(real, weights, size), np.bincount(made, minlength=size).astype(np.float64))

    taken = evenly(len(real), halves.shape[1])
    order = np.argsort(real[taken], kind="stable")
    present, starts = np.unique(real[taken][order], return_index=True)
    weighted = weights[taken][order]
    whole = np.add.reduceat(weighted, starts)
    first = np.add.reduceat(halves[:, order] * weighted, starts, axis=1)
    if present[-1] != size - 1:
        whole, first = np.append(whole, 0.0), np.pad(first, ((0, 0), (0, 1)))
    second = whole - first
    parted = (first.sum(axis=1) > 0) & (second.sum(axis=1) > 0)
    by_chance = measure(first[parted], second[parted]) if parted.any() else np.ones(1)
    return float(distance), float(np.quantile(by_chance, 0.95))


def _curves(picture: Picture, parts: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> Picture:
    held = [(numbers[np.isfinite(numbers)], w[np.isfinite(numbers)]) for numbers, w in parts]
    if not any(len(numbers) for numbers, _ in held[1:]):
        raise ValueError("there is no finite value among the rows of the minority")
    exponent = np.frexp(max(np.abs(numbers).max(initial=0.0) for numbers, _ in held))[1]
    values = [np.ldexp(numbers, -exponent) for numbers, _ in held]  # within 1 of 0, where no difference overflows
    low, high = np.quantile(np.concatenate(values), [0.005, 0.995])
    shares = [_histogram(part, w, low, high) for part, (_, w) in zip(values, held, strict=True)]
    top = max(share.max() for share in shares)
    first, last = (f"{np.ldexp(end, exponent):.4g}" for end in (low, high))
    return picture._replace(low=first, high=last, curves=[outline(share, top) for share in shares])


def _histogram(
    values: NDArray[np.float64], weights: NDArray[np.float64], low: float, high: float
) -> NDArray[np.float64]:
    """Return shares of bins from `low` to `high`, those beyond in the outermost; in the middle if both are one."""
    place = np.full(len(values), 0.5) if not high > low else (np.clip(values, low, high) - low) / (high - low)
    found = np.bincount(np.minimum((place * BINS).astype(np.int64), BINS - 1), weights, BINS)
    return found / max(weights.sum(), 1e-9)


def _bars(picture: Picture, parts: list[tuple[NDArray[Any], NDArray[np.float64]]]) -> Picture:
    if not any(len(values) for values, _ in parts[1:]):
        raise ValueError("there is no value among the rows of the minority")
    shares = []
    for values, weights in parts:
        found, codes = np.unique(values, return_inverse=True)
        of = np.bincount(codes, weights, len(found)) / max(weights.sum(), 1e-9)
        shares.append(dict(zip(found.tolist(), of.tolist(), strict=True)))
    ordered = sorted({*shares[1], *shares[2]}, key=lambda value: (-shares[1].get(value, 0.0), value))
    return picture._replace(bars=[(value, [kind.get(value, 0.0) for kind in shares]) for value in ordered[:VALUES]])
