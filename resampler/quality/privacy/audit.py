"""`PrivacyAudit`: every attack on every class that has synthetic rows, held against limits."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.errors import DataError, InvalidInputError
from resampler.quality.privacy.attacks.attack import Effort
from resampler.quality.privacy.attacks.catalog import ATTACKS
from resampler.quality.privacy.attempt import (
    Attempt,
    Ruled,
    advantage,
    attempt_once,
    result_from_dict,
    result_to_dict,
)
from resampler.quality.privacy.recovery import Share
from resampler.quality.privacy.rules import PrivacyRules
from resampler.quality.store import Store, key_of_cell
from resampler.quality.verdict import UNKNOWN, worst

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from resampler.quality.privacy.exposure import Exposure
    from resampler.quality.privacy.what_if import Lowered
    from resampler.storage import Location

FORMAT = 1  # of what is kept of an attack


@dataclass(frozen=True, slots=True)
class Copies:
    """How many synthetic rows a real row stands behind, which decides how far attacks come.

    Parameters
    ----------
    mean : float
        Synthetic rows a real row.
    most : int or None
        Of the real row that is used most; None where it is not known who stands behind which.
    """

    mean: float
    most: int | None = None

    @classmethod
    def of(cls, exposed: Exposure, bases: ArrayLike | None = None) -> Copies:
        """Count them.

        Parameters
        ----------
        exposed : Exposure
            The rows of a class.
        bases : array-like of shape (n_synthetic,), int, optional
            Which real row each synthetic one was made from, by any numbering.

        Returns
        -------
        Copies
            Of each real row; without `bases` the mean alone.
        """
        mean = len(exposed.synthetic) / len(exposed.real) if len(exposed.real) else 0.0
        if bases is None or not len(found := np.asarray(bases)):
            return cls(mean)
        return cls(mean, int(np.unique(found, return_counts=True)[1].max()))


@dataclass(frozen=True, slots=True)
class ClassRows:
    """What was audited of a class.

    Parameters
    ----------
    name : str
        Of the class.
    synthetic, real, held_out : int
        How many rows.
    copies : Copies
        Synthetic rows a real row.
    """

    name: str
    synthetic: int
    real: int
    held_out: int
    copies: Copies


@dataclass(frozen=True)
class PrivacyAudit:
    """What attacks came to.

    Parameters
    ----------
    classes : tuple of ClassRows
        What was attacked.
    attempts : tuple of Attempt
        Class by class, attack by attack.
    rules : PrivacyRules
        The limits.
    lowered : tuple of Lowered
        What the best attacks come to where rows are made otherwise; empty where it was not tried.
    notes : tuple of str
        What has to be known to read it.
    """

    classes: tuple[ClassRows, ...]
    attempts: tuple[Attempt, ...]
    rules: PrivacyRules
    lowered: tuple[Lowered, ...] = ()
    notes: tuple[str, ...] = ()

    def ruled(self) -> list[tuple[Attempt, Ruled]]:
        """List what limits say, attack by attack.

        Returns
        -------
        list of tuple
            Which attack, and what a limit says to it.
        """
        return [(one, said) for one in self.attempts for said in one.rule(self.rules)]

    @property
    def outcome(self) -> str:
        """The worst of what limits say: ``pass``, ``no`` or ``unknown``, which attacks that were not run are, too."""
        said = [one.verdict for _, one in self.ruled()]
        if not said or any(one.state == "late" for one in self.attempts):
            said.append(UNKNOWN)
        return worst(said)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it.

        Returns
        -------
        dict
            Counts and figures, nothing of single rows.
        """
        return {
            "outcome": self.outcome,
            "classes": [asdict(one) for one in self.classes],
            "attacks": [
                one.to_dict() | {"limits": [said._asdict() for said in one.rule(self.rules)]} for one in self.attempts
            ],
            "what_if": [one.to_dict() for one in self.lowered],
            "limits": self.rules.to_dict(),
            "notes": list(self.notes),
        }


def audit_classes(
    exposures: Sequence[Exposure],
    *,
    bases: Mapping[str, ArrayLike] | None = None,
    attacks: Iterable[str] | None = None,
    rules: PrivacyRules | None = None,
    effort: Effort | None = None,
    budget_s: float | None = None,
    least: int = 0,
    store: Location | str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    notes: tuple[str, ...] = (),
) -> PrivacyAudit:
    """Attack classes, as `audit_privacy` does.

    Parameters
    ----------
    exposures : sequence of Exposure
        A class each.
    bases : mapping of str to array-like, optional
        By class, which real row each synthetic one was made from, by any numbering.
    attacks : iterable of str, optional
        By default all.
    rules : PrivacyRules, optional
        By default the usual limits.
    effort, budget_s, store, progress
        As in `audit_privacy`.
    least : int
        Attacks that are run whatever the budget, so that runs of any budget come to an end.
    notes : tuple of str
        What has to be known to read it.

    Returns
    -------
    PrivacyAudit
        The same for a run that was cut and went on.

    Raises
    ------
    InvalidInputError
        If there is no attack of a name, or the budget is none.
    DataError
        If there is no synthetic row, no real row of its class, or an infinite value.
    """
    names = check_attacks(attacks)
    effort, rules, kept = effort or Effort(), rules or PrivacyRules.of(), Store(store)
    if budget_s is not None and not budget_s > 0:
        raise InvalidInputError(f"budget_s must be above 0 seconds, got {budget_s!r}")
    if not exposures:
        raise DataError("there are no synthetic rows: nothing can be attacked")
    for one in exposures:
        _check(one)
    exposures, copied = zip(*map(_without_copies, exposures), strict=True)
    notes = (*notes, *filter(None, copied))
    end = None if budget_s is None else time.monotonic() + budget_s
    attempts: list[Attempt] = []
    ran = 0
    for exposed in exposures:
        digest = digest_of(exposed)
        for name in names:
            key = key_of_cell(privacy=FORMAT, rows=digest, attack=name, effort=asdict(effort))
            attempt = _kept(exposed, name, key, kept)
            if attempt is None and end is not None and time.monotonic() >= end and ran >= least:
                attempt = Attempt(exposed.name, name, "late", held_out=len(exposed.held_out))
            if attempt is None:
                attempt = attempt_once(exposed, name, effort)
                result = attempt.result
                kept.put(key, {"result": None if result is None else result_to_dict(result)})
                ran += 1
            attempts.append(attempt)
            if progress is not None:
                progress(len(attempts), len(exposures) * len(names))
    late = sum(one.state == "late" for one in attempts)
    if late:
        notes = (*notes, f"time was up before {late} of {len(attempts)} attacks were run: run it again, and it goes on")
    sides = {len(part) > effort.rows for one in exposures for part in (one.synthetic, one.real, one.held_out)}
    if True in sides:
        notes = (*notes, f"of more than {effort.rows:,} rows, an even share was attacked (--max-rows)")
    classes = tuple(
        ClassRows(
            one.name, len(one.synthetic), len(one.real), len(one.held_out), Copies.of(one, (bases or {}).get(one.name))
        )
        for one in exposures
    )
    return PrivacyAudit(classes, tuple(attempts), rules, notes=notes)


def digest_of(exposed: Exposure) -> str:
    """Return the sha256 of all that decides what attacks come to.

    Parameters
    ----------
    exposed : Exposure
        A class.

    Returns
    -------
    str
        The sha256.
    """
    known = exposed.known
    said = (exposed.name, exposed.time, sorted(exposed.marks), None if known is None else known[:-1])
    found = hashlib.sha256(repr(said).encode())
    arrays: list[NDArray[Any]] = [exposed.synthetic, exposed.real, exposed.held_out, exposed.units]
    arrays += [exposed.categorical, exposed.precision]
    arrays += [part for name in sorted(exposed.marks) for part in exposed.marks[name]]
    arrays += [] if known is None else [known.row_ids]
    arrays += [np.arange(0) if part is None else part for part in (exposed.base, exposed.identity)]
    for array in arrays:
        found.update(repr(array.shape).encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def _kept(exposed: Exposure, name: str, key: str, store: Store) -> Attempt | None:
    """Return what an earlier run came to."""
    kept = store.get(key)
    if kept is None:
        return None
    try:
        result = None if kept["result"] is None else result_from_dict(ATTACKS[name].kind, kept["result"])
    except (KeyError, TypeError, ValueError):  # of a release that wrote it otherwise
        return None
    return Attempt(exposed.name, name, "nothing" if result is None else "done", result, len(exposed.held_out))


def check_attacks(attacks: Iterable[str] | None) -> tuple[str, ...]:
    """Refuse what is no attack's name.

    Parameters
    ----------
    attacks : iterable of str or None
        Names; None for all.

    Returns
    -------
    tuple of str
        Each once.

    Raises
    ------
    InvalidInputError
        If there is no attack of a name.
    """
    names = tuple(ATTACKS) if attacks is None else tuple(dict.fromkeys(attacks))
    for name in names:
        if name not in ATTACKS:
            raise InvalidInputError(f"there is no attack {name!r}: have {', '.join(ATTACKS)}")
    return names


def _check(exposed: Exposure) -> None:
    for what, part in (("synthetic", exposed.synthetic), ("real", exposed.real)):
        if not len(part):
            raise DataError(f"class {exposed.name!r} has no {what} row: nothing can be attacked, leave it out")
    for part in (exposed.synthetic, exposed.real, exposed.held_out):
        if np.isinf(part).any():
            raise DataError(f"class {exposed.name!r} has an infinite value: make it null, or leave the column out")


def _without_copies(exposed: Exposure) -> tuple[Exposure, str]:
    """Leave out held-out rows that are real ones, unless real rows are as often each other's, as on coarse grids."""
    held_out, real = exposed.held_out, exposed.real
    # As bits, nulls are equal; 0 is added so that -0 is 0.
    times = Counter((row + 0.0).tobytes() for row in real)
    copies = np.array([(row + 0.0).tobytes() in times for row in held_out], dtype=np.bool_)
    found = Share(int(copies.sum()), len(held_out))
    chance = Share(sum(count for count in times.values() if count > 1), len(real))
    if not found.count or advantage(found, chance)[1] <= 0:
        return exposed, ""
    said = (
        f"class {exposed.name}: {found.count:,} of {found.of:,} held-out rows are real rows too, more than chance "
        "makes: they are no control, and were left out"
    )
    marks = {name: of._replace(held_out=of.held_out[~copies]) for name, of in exposed.marks.items()}
    return replace(exposed, held_out=held_out[~copies], marks=marks), said
