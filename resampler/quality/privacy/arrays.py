"""`audit_privacy`: arrays, seen class by class as an attacker sees them, and audited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.errors import InvalidInputError
from resampler.metric import check_count, check_seed, label_key
from resampler.quality.privacy.audit import audit_classes
from resampler.quality.privacy.exposure import Exposure, Known, Marks, within
from resampler.quality.privacy.rules import PrivacyRules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from resampler.quality.privacy.attacks.attack import Effort
    from resampler.quality.privacy.audit import PrivacyAudit
    from resampler.storage import Location


def audit_privacy(
    synthetic: ArrayLike,
    real: ArrayLike,
    held_out: ArrayLike | None = None,
    *,
    y_synthetic: ArrayLike | None = None,
    y_real: ArrayLike | None = None,
    y_held_out: ArrayLike | None = None,
    categorical: ArrayLike | None = None,
    precision: ArrayLike | None = None,
    marks: Mapping[str, tuple[ArrayLike, ArrayLike, ArrayLike]] | None = None,
    time: str | None = None,
    seed: int | None = None,
    method: str = "smote",
    k_neighbors: int = 5,
    row_ids: ArrayLike | None = None,
    bases: ArrayLike | None = None,
    attacks: Sequence[str] | None = None,
    limits: Mapping[str, Any] | None = None,
    effort: Effort | None = None,
    budget_s: float | None = None,
    store: Location | str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> PrivacyAudit:
    """Attack synthetic rows with all that an attacker has, and say how far it comes.

    Parameters
    ----------
    synthetic : array-like of shape (n_synthetic, n_features)
        What is published, in its order; a category is its code, NaN a null.
    real : array-like of shape (n_real, n_features)
        What it was made from.
    held_out : array-like of shape (n_held_out, n_features), optional
        Real rows that it was not made from: the control. Without it no attack is told from chance.
    y_synthetic, y_real, y_held_out : array-like, optional
        Classes; by default all rows are of one.
    categorical : array-like of shape (n_features,), bool, optional
        Which columns hold codes, by default none.
    precision : array-like of shape (n_features,), optional
        As `Exposure.of` takes it.
    marks : mapping of str to tuple of array-like, optional
        By name, integers that rows have beside their features, such as event times: of synthetic, real and held-out
        rows.
    time : str, optional
        Which of the marks is the event time.
    seed : int, optional
        That of the synthetic rows, where an attacker may know it.
    method, k_neighbors : str, int
        How the rows were made, where the seed is known.
    row_ids : array-like of int, optional
        Identities of the real rows, as draws are keyed on; by default 0, 1, ... of each class. Another number of them
        than of real rows is a list that bases may be on.
    bases : array-like of shape (n_synthetic,), int, optional
        Which of the real rows each synthetic one was made from, where it is known, below 0 for none of them: names are
        judged by it. By default the nearest real row counts as it.
    attacks : sequence of str, optional
        Of `resampler.quality.privacy.attacks.catalog.ATTACKS`; by default all.
    limits : mapping, optional
        Of `PrivacyRules`; by default the usual ones.
    effort : Effort, optional
        How much an attack may spend.
    budget_s : float, optional
        Seconds after which no attack is begun.
    store : Location, str or Path, optional
        Directory in which each attack is kept as it ends; the next run with the same rows takes it from there.
    progress : callable, optional
        Called as ``progress(done, total)``.

    Returns
    -------
    PrivacyAudit
        Of each class that has synthetic rows.

    Raises
    ------
    InvalidInputError
        If shapes do not fit each other, or a parameter breaks its rule.
    DataError
        If there is no synthetic row, no real row of its class, or an infinite value.

    Notes
    -----
    It says how far these attacks come, not how far any can: there is no formal guarantee in it.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> real, held_out = rng.normal(size=(40, 3)), rng.normal(size=(40, 3))
    >>> found = audit_privacy(real + 1.0, real, held_out)
    >>> found.classes[0].copies.mean
    1.0
    """
    rows = [_matrix(*one) for one in (("synthetic", synthetic), ("real", real))]
    rows.append(np.empty((0, rows[0].shape[1])) if held_out is None else _matrix("held_out", held_out))
    if any(one.shape[1] != rows[0].shape[1] for one in rows):
        raise InvalidInputError(f"rows must have the same columns, got {[one.shape[1] for one in rows]} of them")
    labels = [
        _labels(f"y_{name}", y, part)
        for name, y, part in zip(
            ("synthetic", "real", "held_out"), (y_synthetic, y_real, y_held_out), rows, strict=True
        )
    ]
    ids = None if row_ids is None else np.asarray(row_ids, dtype=np.int64)
    origin = None if bases is None else np.asarray(bases, dtype=np.int64)
    if origin is not None and (origin.shape != (len(rows[0]),) or (len(origin) and origin.max() >= len(rows[1]))):
        raise InvalidInputError(
            f"bases must be a place among {len(rows[1])} real rows for each of {len(rows[0])} synthetic ones, got "
            f"shape {origin.shape} up to {origin.max(initial=-1)}"
        )
    marked = {name: [np.asarray(part, dtype=np.int64) for part in parts] for name, parts in (marks or {}).items()}
    for name, parts in marked.items():
        if [len(part) for part in parts] != [len(part) for part in rows]:
            raise InvalidInputError(f"marks {name!r} must have one value a row, got {[len(part) for part in parts]}")
    if time is not None and time not in marked:
        raise InvalidInputError(f"time must be one of marks, got {time!r}: have {', '.join(marked) or 'none'}")
    known = None if seed is None else (check_seed(seed), method, check_count("k_neighbors", k_neighbors))
    exposures = [
        _exposure(
            label, rows, labels, ids, origin, marked, known, categorical=categorical, precision=precision, time=time
        )
        for label in np.unique(labels[0])
    ]
    return audit_classes(
        exposures,
        bases={} if origin is None else {str(label): origin[labels[0] == label] for label in np.unique(labels[0])},
        attacks=attacks,
        rules=PrivacyRules.of(**(limits or {})),
        effort=effort,
        budget_s=budget_s,
        store=store,
        progress=progress,
    )


def _exposure(
    label: Any,
    rows: list[NDArray[np.float64]],
    labels: list[NDArray[Any]],
    ids: NDArray[np.int64] | None,
    origin: NDArray[np.int64] | None,
    marked: dict[str, list[NDArray[np.int64]]],
    known: tuple[int, str, int] | None,
    **columns: Any,
) -> Exposure:
    """Return one class as an attacker sees it; of rows, labels and marks the synthetic, real and held-out ones."""
    of = [found == label for found in labels]
    # Without identities, those that an estimator gives: the places of a class's rows.
    own = np.arange(np.count_nonzero(of[1])) if ids is None else ids[of[1]] if len(ids) == len(rows[1]) else None
    listed = own if own is not None else np.arange(0) if ids is None else ids
    drawn = None
    if known is not None:
        seed, method, k_neighbors = known
        drawn = Known(seed, label_key(label), method, k_neighbors, listed)
    return Exposure.of(
        *(part[chosen] for part, chosen in zip(rows, of, strict=True)),
        name=str(label),
        marks={
            name: Marks(*(part[chosen] for part, chosen in zip(parts, of, strict=True)))
            for name, parts in marked.items()
        },
        known=drawn,
        base=None if origin is None else within(origin[of[0]], of[1]),
        identity=own,
        **columns,
    )


def _matrix(name: str, rows: ArrayLike) -> NDArray[np.float64]:
    try:
        found = np.asarray(rows, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"{name} must be numbers, a category as its code: {error}") from None
    if found.ndim != 2 or not found.shape[1]:
        raise InvalidInputError(f"{name} must be rows by columns, got shape {found.shape}")
    return found


def _labels(name: str, y: ArrayLike | None, rows: NDArray[np.float64]) -> NDArray[Any]:
    found = np.zeros(len(rows), dtype=np.int64) if y is None else np.asarray(y)
    if found.shape != (len(rows),):
        raise InvalidInputError(f"{name} must have one class a row, got shape {found.shape} of {len(rows)} rows")
    return found
