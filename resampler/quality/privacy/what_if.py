"""What would lower what attacks find, and by how much: the same real rows, resampled otherwise, in memory."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from resampler.errors import ResamplerError
from resampler.methods.catalog import METHODS, resolve
from resampler.methods.oversample import ShortfallWarning, oversample
from resampler.methods.parameters import Parameters
from resampler.methods.table import Table
from resampler.quality.privacy.attempt import attempt_once, result_to_dict
from resampler.quality.privacy.recovery import Inference, Recovery
from resampler.resolution import deviations
from resampler.samplers.matrix import append_synthetic
from resampler.secret import SecretKey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from resampler.quality.privacy.attacks.attack import Effort
    from resampler.quality.privacy.attempt import Attempt
    from resampler.quality.privacy.exposure import Exposure

SAFE_COPIES = 1.5  # synthetic rows a real one: at which collinear rows are rare
HARDENED, _MIXED = "hardened", "smotenc"
_SOME_KEY = b"any secret serves, for it is never used again"


class Making(NamedTuple):
    """How synthetic rows were made, so that they can be made otherwise.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), float64
        All real rows that they were made from, those of other classes too.
    y : ndarray of shape (n_rows,), str
        Their classes, by name.
    categorical : ndarray of shape (n_features,), bool
        Which columns hold codes.
    method : str
        Of the catalogue.
    k_neighbors : int
        Partners of a base.
    seed : int
        The published one.
    keyed : bool
        Whether a secret key was mixed in.
    """

    X: NDArray[np.float64]
    y: NDArray[Any]
    categorical: NDArray[np.bool_]
    method: str
    k_neighbors: int = 5
    seed: int = 0
    keyed: bool = False


@dataclass(frozen=True)
class Lowered:
    """What the best attacks on a class come to under another option.

    Parameters
    ----------
    label : str
        The class.
    option : str
        In words, as a user would ask for it.
    copies : float
        Synthetic rows a real one.
    before, after : tuple of Attempt
        The best attacks on the rows as they are, and on those that were made otherwise; empty where none could be made.
    why : str
        Why none could be made.
    """

    label: str
    option: str
    copies: float
    before: tuple[Attempt, ...]
    after: tuple[Attempt, ...]
    why: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it.

        Returns
        -------
        dict
            Figures before and after, by attack.
        """
        found = {
            one.attack: {"before": result_to_dict(was.result), "after": result_to_dict(one.result)}
            for was, one in zip(self.before, self.after, strict=False)
            if was.result is not None and one.result is not None
        }
        return {"class": self.label, "option": self.option, "copies": self.copies, "attacks": found, "why": self.why}


def lower(
    exposures: Sequence[Exposure],
    attempts: Sequence[Attempt],
    making: Making,
    effort: Effort,
    progress: Callable[[int, int], None] | None = None,
) -> list[Lowered]:
    """Make the rows of each class otherwise, and attack them by what came furthest.

    Parameters
    ----------
    exposures : sequence of Exposure
        Classes.
    attempts : sequence of Attempt
        What was tried on them.
    making : Making
        How their rows were made.
    effort : Effort
        How much an attack may spend.
    progress : callable, optional
        Called as ``progress(done, total)``.

    Returns
    -------
    list of Lowered
        Of fewer rows, of a secret key and of the hardened method, where these are something else than what is.
    """
    found: list[Lowered] = []
    asked = [(exposed, option) for exposed in exposures for option in _options(exposed, making)]
    for exposed, (words, method, n, seed) in asked:
        best = furthest([one for one in attempts if one.label == exposed.name])
        copies = n / len(exposed.real)
        try:
            rows = _made(exposed, making, method, n, seed)
        except ResamplerError as error:
            found.append(Lowered(exposed.name, words, copies, best, (), str(error)))
        else:
            known = exposed.known if method == making.method else None
            other = replace(exposed, synthetic=rows, known=known, marks={}, time=None, base=None)
            after = tuple(attempt_once(other, one.attack, effort) for one in best)
            found.append(Lowered(exposed.name, words, len(rows) / len(exposed.real), best, after))
        if progress is not None:
            progress(len(found), len(asked))
    return found


def furthest(attempts: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """Choose what came furthest of those that guess rows, and of those that infer membership.

    Parameters
    ----------
    attempts : sequence of Attempt
        On one class.

    Returns
    -------
    tuple of Attempt
        At most one a kind; rows that are made otherwise have no times and keys to be named by.
    """
    best: dict[type[Recovery | Inference], tuple[tuple[float, float], Attempt]] = {}
    for one in attempts:
        if isinstance(one.result, Recovery | Inference):
            kind = type(one.result)
            if kind not in best or _far(one.result) > best[kind][0]:
                best[kind] = _far(one.result), one
    return tuple(best[kind][1] for kind in (Recovery, Inference) if kind in best)


def _far(result: Recovery | Inference) -> tuple[float, float]:
    if isinstance(result, Recovery):
        return result.near.share - result.near_control.share, result.hits.share
    return result.auc, result.tpr.share


def _options(exposed: Exposure, making: Making) -> list[tuple[str, str, int, int]]:
    """Return options that are something else than what is: words, method, rows, and what draws are keyed on."""
    n, n_real = len(exposed.synthetic), len(exposed.real)
    few = max(1, int(SAFE_COPIES * n_real))
    found = []
    if n > few:
        others = [int((making.y == name).sum()) for name in np.unique(making.y) if name != exposed.name]
        ratio = f" (ratio {(n_real + few) / max(others):.2g})" if max(others, default=0) else ""
        found.append((f"{SAFE_COPIES:g} synthetic rows a real one{ratio}", making.method, few, making.seed))
    if not making.keyed:
        found.append(("a secret key", making.method, n, SecretKey(_SOME_KEY).mix(making.seed)))
    if making.method != HARDENED:
        found.append(("the method hardened", HARDENED, n, SecretKey(_SOME_KEY).mix(making.seed)))
    return found


def _made(exposed: Exposure, making: Making, method: str, n: int, seed: int) -> NDArray[np.float64]:
    rule = METHODS[resolve(method)]
    if rule.categories == "none" and making.categorical.any():
        method, rule = _MIXED, METHODS[_MIXED]
    spread = deviations(making.X)
    units = np.where(making.categorical | ~(spread > 0), 1.0, spread)
    table = Table(making.X, making.y, categorical=making.categorical if making.categorical.any() else None, units=units)
    k = max(1, min(making.k_neighbors, len(exposed.real) - 1))
    parameters = Parameters(k_neighbors=k, missing="inherit" if rule.nulls else "complete")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ShortfallWarning)  # where no row is in danger: smote's rows
        made = oversample(table, method, {exposed.name: n}, seed=seed, parameters=parameters).provenance
    rows = append_synthetic(making.X, made)[len(making.X) :]
    values = exposed.synthetic[~np.isnan(exposed.synthetic)]
    if (values == values.astype(np.float32)).all():  # as the rows that are attacked
        rows = rows.astype(np.float32).astype(np.float64)
    whole = (np.isnan(exposed.synthetic) | (exposed.synthetic == np.rint(exposed.synthetic))).all(axis=0)
    return np.where(whole, np.rint(rows), rows)
