"""`Item`: one question of the checklist, and `Answer`, what a look at things says to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from resampler.errors import ResamplerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from resampler.policy import Policy
    from resampler.training_set import TrainingSet

Verdict = Literal["pass", "fail", "unknown"]
Stage = Literal["pre-production", "production"]
PASS: Verdict = "pass"  # noqa: S105 - a verdict
FAIL: Verdict = "fail"
UNKNOWN: Verdict = "unknown"
WORST_FIRST: tuple[Verdict, ...] = (FAIL, UNKNOWN, PASS)
STAGES: tuple[Stage, ...] = ("pre-production", "production")
# By what an item needs, the option that gives it.
OPTIONS = {
    "version": "--snapshot NAME",
    "registry": "--snapshot NAME with --repo or --catalog",
    "policy": "--policy FILE",
    "prometheus": "--prometheus URL",
    "runbooks": "--runbooks DIRECTORY|URL",
    "stream": "--stream NAME",
}


class Answer(NamedTuple):
    """What a look at things says.

    Parameters
    ----------
    verdict : {"pass", "fail", "unknown"}
        ``unknown``: it was not to be looked at, or what was seen does not say.
    reason : str
        What was seen, in a line.
    """

    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What there is to look at.

    Parameters
    ----------
    version : TrainingSet, optional
        The version that is to be used.
    place : mapping of str to str or None
        Where versions are kept, as `resampler.training_set.open_version` takes it.
    policy : Policy, optional
        What is asked of versions, models and runs.
    prometheus : str, optional
        URL of the server that evaluates the alerts.
    runbooks : str, optional
        Directory, or URL, in which runbooks stand.
    stream : str, optional
        Name of a stream.
    url : str, optional
        Of its Redis server, as it was typed; None: the environment's.
    """

    version: TrainingSet | None = None
    place: Mapping[str, str | None] = field(default_factory=dict)
    policy: Policy | None = None
    prometheus: str | None = None
    runbooks: str | None = None
    stream: str | None = None
    url: str | None = None

    def has(self, need: str) -> bool:
        """Say whether something was given.

        Parameters
        ----------
        need : str
            Of `OPTIONS`.

        Returns
        -------
        bool
            Whether it is there.
        """
        if need == "registry":
            return self.version is not None and any(self.place.get(kind) for kind in ("repo", "catalog"))
        return getattr(self, need) is not None


@dataclass(frozen=True, slots=True)
class Item:
    """One question of the checklist.

    Parameters
    ----------
    name : str
        In words with hyphens.
    stage : {"pre-production", "production"}
        Before what it is to be answered: before a version is used, or before and while it is relied on.
    question : str
        What passes, as a question.
    remedy : str
        What to do where it does not.
    needs : tuple of str
        What must be given, of `OPTIONS`; without it the answer is ``unknown``.
    ask : callable
        Takes `Asked`, which has all that is needed, and returns an `Answer`.
    attested : bool
        Whether nobody but a person can say: `resampler doctor --attest` keeps it.
    """

    name: str
    stage: Stage
    question: str
    remedy: str
    needs: tuple[str, ...]
    ask: Callable[[Any], Answer] = field(repr=False)
    attested: bool = False

    def answer(self, asked: Asked) -> Answer:
        """Look.

        Parameters
        ----------
        asked : Asked
            What there is to look at.

        Returns
        -------
        Answer
            ``unknown`` where something was not given or does not answer; never raises for that.
        """
        if missing := [OPTIONS[need] for need in self.needs if not asked.has(need)]:
            return Answer(UNKNOWN, f"not looked at: give {' and '.join(missing)}")
        try:
            return self.ask(asked)
        except (ResamplerError, OSError) as error:
            return Answer(UNKNOWN, f"cannot be looked at: {' '.join(str(error).split())}")
