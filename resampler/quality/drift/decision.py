"""`decide`: whether drift is such that a model is to be trained again, by what was seen before too."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from resampler.errors import CorruptStateError
from resampler.quality.statistics import percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from resampler.quality.drift.measure import Measured
    from resampler.quality.drift.settings import DriftPolicy


@dataclass(frozen=True, slots=True)
class State:
    """What a decision remembers of those before it.

    Parameters
    ----------
    reference : str
        Digest of the version that rows were compared with; drift from another one is another drift.
    drifting : bool
        Drift was entered, and is not over.
    reached : int
        Runs in a row that reached the limit.
    rest : int
        Runs that are left in which nothing is trained again.
    """

    reference: str = ""
    drifting: bool = False
    reached: int = 0
    rest: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain data.

        Returns
        -------
        dict
            The fields.
        """
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> State:
        """Read what `to_dict` returned.

        Parameters
        ----------
        data : mapping
            Of a run's details.

        Returns
        -------
        State
            The same.

        Raises
        ------
        CorruptStateError
            If it is none.
        """
        try:
            state = cls(**data)
        except TypeError as error:
            raise CorruptStateError(f"a run of the ledger has no state of drift: {error}: remove it") from error
        kinds = {"reference": str, "drifting": bool, "reached": int, "rest": int}
        for name, kind in kinds.items():
            if type(getattr(state, name)) is not kind:
                raise CorruptStateError(
                    f"a run of the ledger has a state of drift with {name}={getattr(state, name)!r}"
                )
        return state


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to train again, and why.

    Parameters
    ----------
    outcome : {"pass", "no", "unknown"}
        ``no``: rows have moved so far that the model is to be trained again. ``unknown``: too few rows to tell.
    reasons : tuple of str
        In words.
    state : State
        For the next decision.
    """

    outcome: str
    reasons: tuple[str, ...]
    state: State

    @property
    def retrain(self) -> bool:
        """Whether to train again."""
        return self.outcome == "no"


def decide(state: State, measured: Measured, policy: DriftPolicy, reference: str = "") -> Decision:
    """Decide by the share of features that drifted, with hysteresis.

    Parameters
    ----------
    state : State
        After the run before; a fresh one at first.
    measured : Measured
        This run's.
    policy : DriftPolicy
        Limits.
    reference : str
        Digest of the version that rows were compared with.

    Returns
    -------
    Decision
        A function of these alone.
    """
    if state.reference != reference:
        state = State(reference, rest=state.rest)
    if measured.share is None:
        return Decision(
            "unknown",
            (f"not enough rows to tell: fewer than {policy.min_rows} on a side of {_few(measured)}",),
            state,
        )
    share, names = measured.share, measured.drifted
    what = "weight" if policy.importance else "features"
    said = f"{percent(share)} of the {what} drifted"
    if names:
        said += f": {', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''}"
    reasons = [said]
    if measured.too_few:
        reasons.append(f"too few rows to tell of {_few(measured)}")
    rest = max(state.rest - 1, 0)
    reached = state.reached + 1 if share >= policy.enter else 0
    drifting = share >= policy.leave if state.drifting else reached >= policy.windows
    if not drifting:
        if state.drifting:
            reasons.append(f"below {percent(policy.leave)}, so drift is over")
        elif reached:
            reasons.append(f"{reached} of {policy.windows} runs in a row have reached {percent(policy.enter)}")
        else:
            reasons.append(f"below {percent(policy.enter)}")
        return Decision("pass", tuple(reasons), replace(state, drifting=False, reached=reached, rest=rest))
    if state.drifting:
        reasons.append(f"not below {percent(policy.leave)} since it reached {percent(policy.enter)}")
    else:
        reasons.append(
            f"{percent(policy.enter)} is reached" + (f", {reached} runs in a row" if policy.windows > 1 else "")
        )
    now = replace(state, drifting=True, reached=reached)
    if state.rest:
        reasons.append(f"training was said so lately: none is for {state.rest} more run{'s' if state.rest > 1 else ''}")
        return Decision("pass", tuple(reasons), replace(now, rest=rest))
    return Decision("no", tuple(reasons), replace(now, rest=policy.cooldown))


def _few(measured: Measured) -> str:
    return f"class {', '.join(measured.too_few)}" if measured.by_class else ", ".join(measured.too_few)
