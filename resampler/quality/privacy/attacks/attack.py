"""`Attack`: what an attack is, and how much it may spend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from resampler.quality.privacy.exposure import Exposure
    from resampler.quality.privacy.recovery import Inference, Naming, Recovery


@dataclass(frozen=True, slots=True)
class Effort:
    """How much an attack may spend: counts, not seconds, so that equal rows give equal figures.

    Parameters
    ----------
    rows : int
        Synthetic rows that are attacked, and real rows that are looked for; beyond, an even share of them.
    neighbors : int
        Synthetic rows around each that are looked at together.
    guesses : int
        Rows that are guessed at most.
    """

    rows: int = 20_000
    neighbors: int = 32
    guesses: int = 200_000


@dataclass(frozen=True, slots=True)
class Attack:
    """An attack on the synthetic rows of a class.

    Parameters
    ----------
    name : str
        One word or two, as limits and reports call it.
    summary : str
        What it does, in one line for people.
    knows : str
        What the attacker has, in one line.
    kind : {"rows", "membership", "names"}
        What it guesses: the values of real rows; whether a row was among them; whose a synthetic row is.
    run : callable
        ``run(exposed, effort)`` gives a `Recovery`, an `Inference` or a `Naming`, as `kind` says; None where the
        exposure has nothing to attack with (no time, no known seed, no held-out row, too few rows).
    remedy : str
        Which option lowers what it finds.
    """

    name: str
    summary: str
    knows: str
    kind: Literal["rows", "membership", "names"]
    run: Callable[[Exposure, Effort], Recovery | Inference | Naming | None]
    remedy: str
