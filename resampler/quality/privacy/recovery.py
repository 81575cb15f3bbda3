"""`Recovery`: how many real rows an attack rebuilt, how many of its guesses were hits, and what chance does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial import KDTree

from resampler.quality.statistics import area, deviations, share_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.quality.privacy.exposure import Exposure

FALSE_POSITIVES = 0.01  # of held-out rows: where the true positives of a membership attack are read


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many.

    Parameters
    ----------
    count, of : int
        Of a sample.
    """

    count: int
    of: int

    @property
    def share(self) -> float:
        """The share, 0 of none."""
        return self.count / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval."""
        return share_interval(self.count, self.of)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it.

        Returns
        -------
        dict
            Share, interval and counts.
        """
        return {"share": self.share, "interval": list(self.interval), "count": self.count, "of": self.of}


@dataclass(frozen=True)
class Recovery:
    """What an attack that guesses rows came to.

    Parameters
    ----------
    exact, near : Share
        Of the real rows, those that a guess equals, up to the precision of the columns; those that a guess is nearer
        to than a tenth of the way to the nearest other real row.
    exact_control, near_control : Share
        The same of held-out rows: what chance does.
    hits : Share
        Of the guesses, those that are near a real row.
    """

    exact: Share
    near: Share
    exact_control: Share
    near_control: Share
    hits: Share


@dataclass(frozen=True)
class Inference:
    """What an attack that scores rows came to: higher means more likely one that synthetic rows were made from.

    Parameters
    ----------
    auc : float
        Area under the receiver operating characteristic, real rows against held-out ones; .5 is chance.
    auc_interval : tuple of float
        95 %.
    tpr : Share
        Of the real rows, those that are told at a false positive rate of 1 % among held-out ones.
    fresh_auc, fresh_tpr : float
        The same two where each row is scored by the other real rows in place of the synthetic ones: what an attack
        says because held-out rows are of another kind, later ones for example. Chance where nothing better is found.
    """

    auc: float
    auc_interval: tuple[float, float]
    tpr: Share
    fresh_auc: float = 0.5
    fresh_tpr: float = 0.0


@dataclass(frozen=True)
class Naming:
    """What an attack that names real rows, or their entities, behind synthetic ones came to.

    Parameters
    ----------
    named : Share
        Of the synthetic rows, those whose base was named, and rightly.
    claims : Share
        Of the names given, those that were right.
    chance : Share
        Of the synthetic rows, those that are named rightly if names are dealt out at random.
    """

    named: Share
    claims: Share
    chance: Share


def recover(exposed: Exposure, guesses: NDArray[np.float64]) -> Recovery:
    """Compare guesses with the real rows, and with the held-out ones.

    Parameters
    ----------
    exposed : Exposure
        The truth.
    guesses : ndarray of shape (n_guesses, n_features), float64
        Rows, in any order; more guesses cost precision.

    Returns
    -------
    Recovery
        With intervals.
    """
    at = exposed.space(guesses)
    near, exact, hits = _found(exposed, exposed.real, exposed.reach, guesses, at)
    near_control, exact_control, _ = _found(exposed, exposed.held_out, exposed.reach_held_out, guesses, at)
    return Recovery(exact, near, exact_control, near_control, hits)


def _found(
    exposed: Exposure,
    rows: NDArray[np.float64],
    reach: NDArray[np.float64],
    guesses: NDArray[np.float64],
    at: NDArray[np.float64],
) -> tuple[Share, Share, Share]:
    """Return how many of some rows are near and equal to a guess, and how many guesses are near a row."""
    if not len(rows) or not len(guesses):
        return Share(0, len(rows)), Share(0, len(rows)), Share(0, len(guesses))
    places = exposed.space(rows)
    # Beyond what is near any row, or equal to it, nothing is looked for: in many columns that is most of the time.
    equal_within = float(np.sqrt(np.square(exposed.precision / exposed.units).sum()))
    bound = float(np.nextafter(max(float(reach.max()), equal_within), np.inf)) * (1 + 1e-9)
    distance, guess = KDTree(at).query(places, distance_upper_bound=bound)
    found = distance < np.inf
    guess = np.where(found, guess, 0)
    off = np.abs(guesses[guess] - rows) <= exposed.precision
    equal = found & (off | (np.isnan(guesses[guess]) & np.isnan(rows))).all(axis=1)
    near = (distance <= reach) & found | equal
    of_guess, row = KDTree(places).query(at, distance_upper_bound=bound)
    hits = of_guess < np.inf
    hits &= of_guess <= reach[np.where(hits, row, 0)]
    hits[guess[equal]] = True
    return (
        Share(int(np.count_nonzero(near)), len(rows)),
        Share(int(np.count_nonzero(equal)), len(rows)),
        Share(int(np.count_nonzero(hits)), len(guesses)),
    )


def infer(real: NDArray[np.float64], held_out: NDArray[np.float64]) -> Inference:
    """Say how well scores tell the rows that synthetic ones were made from.

    Parameters
    ----------
    real, held_out : ndarray of shape (n_rows,), float64
        Scores; higher means more likely a real one.

    Returns
    -------
    Inference
        Of one half and nothing where either is empty.

    References
    ----------
    Carlini et al.: Membership inference attacks from first principles. IEEE S&P 2022, arXiv 2112.03570: why the true
    positives at a low false positive rate, and not the area alone. Hanley, McNeil: The meaning and use of the area
    under a ROC curve. Radiology 143 (1982), doi:10.1148/radiology.143.1.7063747, for its standard error. Newcombe:
    Confidence intervals for an effect size measure based on the Mann-Whitney statistic, part 2. Statistics in Medicine
    25 (2006), doi:10.1002/sim.2324, for the ends of the interval.
    """
    m, n = len(real), len(held_out)
    if not m or not n:
        return Inference(0.5, (0.0, 1.0), Share(0, m))
    auc = area(real, held_out)
    allowed = int(FALSE_POSITIVES * n)  # false positives; of fewer than 100 rows, none
    cutoff = np.sort(held_out)[n - 1 - allowed]
    told = Share(int(np.count_nonzero(real > cutoff)), m)
    return Inference(auc, (_end(auc, 0.0, m, n), _end(auc, 1.0, m, n)), told)


def _end(auc: float, side: float, m: int, n: int) -> float:
    """Return the area on one side from which the one that is measured is just as far as chance goes.

    The standard error is that of the end, not of what is measured: rows that are all told apart leave a doubt too.
    """
    near, far = auc, side
    for _ in range(50):
        middle = (near + far) / 2
        q1, q2 = middle / (2 - middle), 2 * middle * middle / (1 + middle)
        pairs = middle * (1 - middle) + (m - 1) * (q1 - middle**2) + (n - 1) * (q2 - middle**2)
        inside = abs(auc - middle) <= deviations(0.95) * float(np.sqrt(max(pairs, 0.0) / (m * n)))
        near, far = (middle, far) if inside else (near, middle)
    return near
