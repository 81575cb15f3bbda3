"""`Attempt`: one attack on one class, what it came to, and what limits say to that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from scipy.special import betaincinv

from resampler.quality.intervals import difference_interval
from resampler.quality.privacy.attacks.catalog import ATTACKS
from resampler.quality.privacy.recovery import FALSE_POSITIVES, Inference, Naming, Recovery, Share
from resampler.quality.verdict import NO, PASS, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from resampler.quality.privacy.attacks.attack import Effort
    from resampler.quality.privacy.exposure import Exposure
    from resampler.quality.privacy.rules import PrivacyRules

Result = Recovery | Inference | Naming
_SHARES: dict[str, tuple[type[Any], tuple[str, ...]]] = {
    "rows": (Recovery, ("exact", "near", "exact_control", "near_control", "hits")),
    "names": (Naming, ("named", "claims", "chance")),
}
CONTROLS = {"exact": "exact_control", "near": "near_control", "named": "chance"}


class Ruled(NamedTuple):
    """A limit, and what it says.

    Parameters
    ----------
    rule : str
        Of `PrivacyRules`.
    verdict : {"pass", "no", "unknown"}
        ``unknown`` where there are too few rows to tell.
    value : float
        What was measured.
    limit : float
        The most that is allowed.
    why : str
        In words.
    """

    rule: str
    verdict: str
    value: float
    limit: float
    why: str


@dataclass(frozen=True)
class Attempt:
    """One attack on one class.

    Parameters
    ----------
    label : str
        The class.
    attack : str
        Of `ATTACKS`.
    state : {"done", "nothing", "late"}
        Whether it was run, had nothing to attack with, or time was up.
    result : Recovery, Inference, Naming or None
        What it came to; None where it was not run.
    held_out : int
        Rows of the control.
    """

    label: str
    attack: str
    state: Literal["done", "nothing", "late"]
    result: Result | None = None
    held_out: int = 0

    def rule(self, rules: PrivacyRules) -> list[Ruled]:
        """Hold it against limits.

        Parameters
        ----------
        rules : PrivacyRules
            The limits.

        Returns
        -------
        list of Ruled
            Of those that its figures have.
        """
        found = []
        for name, limit in rules.limits.items():
            if self.state == "nothing" and not self.held_out and ATTACKS[self.attack].kind == "membership":
                if name == "membership_auc":
                    found.append(Ruled(name, UNKNOWN, 0.5, limit, "no row was held out, so nobody can tell"))
            elif isinstance(self.result, Inference):
                if name == "membership_auc":
                    found.append(_of_area(self.result, limit, self.held_out, rules.fewest))
                elif name == "tpr":
                    found.append(_of_told(self.result, limit, self.held_out, rules.fewest))
            elif self.result is not None and isinstance(share := getattr(self.result, name, None), Share):
                control = getattr(self.result, CONTROLS[name])
                found.append(_of_share(name, share, control, limit, rules.fewest))
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it.

        Returns
        -------
        dict
            Figures with intervals and counts.
        """
        said = {"class": self.label, "attack": self.attack, "kind": ATTACKS[self.attack].kind, "state": self.state}
        return said if self.result is None else said | result_to_dict(self.result)


def attempt_once(exposed: Exposure, name: str, effort: Effort) -> Attempt:
    """Run one attack, whatever is kept of it.

    Parameters
    ----------
    exposed : Exposure
        A class.
    name : str
        Of the attack.
    effort : Effort
        How much it may spend.

    Returns
    -------
    Attempt
        What it came to.
    """
    result = ATTACKS[name].run(exposed, effort)
    held_out = len(exposed.held_out)
    return Attempt(exposed.name, name, "nothing" if result is None else "done", result, held_out)


def result_to_dict(result: Result) -> dict[str, Any]:
    """Write what an attack came to as JSON can hold it.

    Parameters
    ----------
    result : Recovery, Inference or Naming
        To be written.

    Returns
    -------
    dict
        `result_from_dict` reads it again.
    """
    if isinstance(result, Inference):
        return {
            "auc": result.auc,
            "auc_interval": list(result.auc_interval),
            "tpr": result.tpr.to_dict(),
            "fresh": {"auc": result.fresh_auc, "tpr": result.fresh_tpr},
        }
    names = next(names for kind, names in _SHARES.values() if isinstance(result, kind))
    return {name: getattr(result, name).to_dict() for name in names}


def result_from_dict(kind: str, said: Mapping[str, Any]) -> Result:
    """Read what `result_to_dict` wrote.

    Parameters
    ----------
    kind : {"rows", "membership", "names"}
        Of the attack.
    said : mapping
        As it was written.

    Returns
    -------
    Recovery, Inference or Naming
        Of the kind.

    Raises
    ------
    KeyError, TypeError
        If it is none.
    """
    if kind == "membership":
        low, high = said["auc_interval"]
        return Inference(said["auc"], (low, high), _share(said["tpr"]), said["fresh"]["auc"], said["fresh"]["tpr"])
    of, names = _SHARES[kind]
    made: Result = of(**{name: _share(said[name]) for name in names})
    return made


def _share(said: Mapping[str, Any]) -> Share:
    return Share(said["count"], said["of"])


def advantage(share: Share, control: Share) -> tuple[float, float, float]:
    """Say how much more of the real rows is found than of the control.

    Parameters
    ----------
    share, control : Share
        Of the real rows, and of the held-out ones.

    Returns
    -------
    tuple of float
        The difference, and the ends of its 95 % interval.
    """
    low, high = difference_interval((share.share, *share.interval), (control.share, *control.interval))
    return share.share - control.share, float(low), float(high)


def _of_share(name: str, share: Share, control: Share, limit: float, fewest: int) -> Ruled:
    value = share.share
    if share.of < fewest:
        return Ruled(name, UNKNOWN, value, limit, f"{share.of} rows, and fewer than {fewest} tell nothing")
    if value <= limit:
        return Ruled(name, PASS, value, limit, "within the limit")
    if name == "exact" and share.interval[0] > limit and not control.of:
        return Ruled(name, NO, value, limit, "above the limit, and no row was held out to say what chance does")
    if control.of < fewest:
        few = f"above the limit, but {control.of} held-out rows do not tell what chance does: give {fewest}"
        more, low, _ = advantage(share, control)
        return Ruled(
            name, NO if control.of and low > limit else UNKNOWN, value, limit, few if low <= limit else _more(more)
        )
    more, low, _ = advantage(share, control)
    if low > 0:
        return Ruled(name, NO, value, limit, _more(more))
    if more <= limit:
        return Ruled(name, PASS, value, limit, "as much as it finds of held-out rows: chance")
    return Ruled(name, UNKNOWN, value, limit, "above the limit, and not told from chance")


def _more(more: float) -> str:
    return f"above the limit, and {100 * more:.3g} points above chance"


def _of_area(result: Inference, limit: float, held_out: int, fewest: int) -> Ruled:
    auc, (low, _) = result.auc, result.auc_interval
    if min(held_out, result.tpr.of) < fewest:
        few = f"{min(held_out, result.tpr.of)} rows on a side, and fewer than {fewest} tell nothing"
        return Ruled("membership_auc", NO if held_out and low > limit else UNKNOWN, auc, limit, few)
    if auc <= limit:
        return Ruled("membership_auc", PASS, auc, limit, "within the limit")
    if low > max(0.5, result.fresh_auc):
        return Ruled("membership_auc", NO, auc, limit, "above the limit, and better than chance")
    if low > 0.5:
        return Ruled("membership_auc", UNKNOWN, auc, limit, _of_another_kind(f"AUC {result.fresh_auc:.2f}"))
    return Ruled("membership_auc", UNKNOWN, auc, limit, "above the limit, and not told from chance")


def _of_told(result: Inference, limit: float, held_out: int, fewest: int) -> Ruled:
    value, low = result.tpr.share, result.tpr.interval[0]
    chance = _beyond(held_out)
    if min(held_out, result.tpr.of) < fewest:
        few = f"{min(held_out, result.tpr.of)} rows on a side, and fewer than {fewest} tell nothing"
        return Ruled("tpr", NO if held_out >= fewest and low > limit else UNKNOWN, value, limit, few)
    if value <= limit:
        return Ruled("tpr", PASS, value, limit, "within the limit")
    if low > max(chance, result.fresh_tpr):
        return Ruled("tpr", NO, value, limit, "above the limit, and better than chance")
    if low > chance:
        return Ruled("tpr", UNKNOWN, value, limit, _of_another_kind(f"TPR {100 * result.fresh_tpr:.3g} %"))
    return Ruled("tpr", UNKNOWN, value, limit, "above the limit, and not told from chance")


def _beyond(held_out: int) -> float:
    """Return how many rows of the control's kind may score beyond the cutoff, which few held-out rows place by chance.

    The upper end of a one-sided 95 % interval: of 20 held-out rows, 14 % may lie beyond the highest.
    """
    allowed = int(FALSE_POSITIVES * held_out)
    return float(betaincinv(allowed + 1, held_out - allowed, 0.95)) if held_out else 1.0


def _of_another_kind(told: str) -> str:
    return (
        f"above the limit, but held-out rows are of another kind: real rows alone tell them apart ({told}), so hold "
        "out rows at random, not later ones"
    )
