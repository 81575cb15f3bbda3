"""The loop: drift, snapshot, training, gate, alias.

Each step is taken once, whoever is killed when. A journal says which steps an unfinished run has taken; what a step
makes is found again by a digest of all that decides it, so that a step whose end the journal missed is not taken twice:
a version by its rows, a model by version, command and code, an alias by where it points.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING, Any, NoReturn

from resampler.address import without_secrets
from resampler.budget import StoppedError
from resampler.errors import DataError, GateError, InvalidInputError, ResamplerError
from resampler.ledger import FOLDER, STOPPED, Ledger, Run, key_of, now
from resampler.runs.retrain import journal as journals
from resampler.runs.retrain.journal import BEGUN, FINISHED, Journal
from resampler.runs.retrain.outcome import NOTHING, STEPS, Done, Outcome
from resampler.runs.retrain.process import Finished, run
from resampler.runs.retrain.training import Training
from resampler.training_set import open_version

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from resampler.runs.retrain.settings import Settings
    from resampler.training_set import TrainingSet

_SAID_NO, _USAGE = GateError.exit_code, InvalidInputError.exit_code  # of our own commands


class StepError(ResamplerError):
    """Raise when a step of the loop failed; the alias is where it was.

    Parameters
    ----------
    message : str
        Which step, and why.
    outcome : Outcome
        The steps before it.
    exit_code : int
        1; 2 where the policy is at fault; 4 where the step has spent its budget, and the next run goes on with it.
    """

    def __init__(self, message: str, outcome: Outcome, exit_code: int = 1) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.exit_code = exit_code


class _StoppedError(Exception):
    """The loop ends here, as its outcome says."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Where the alias pointed when the run began.

    Parameters
    ----------
    version : int
        Its number.
    champion : str
        Where the model of it was made; empty if not by this loop.
    """

    version: int
    champion: str


def retrain(
    settings: Settings,
    *,
    force: bool = False,
    restart: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Run the loop once.

    Parameters
    ----------
    settings : Settings
        Of the policy.
    force : bool
        Go on without drift, and with a version that was judged before.
    restart : bool
        Forget what an unfinished run has done.
    say : callable
        Is given a line about each step.

    Returns
    -------
    Outcome
        Its `outcome` is ``pass``, ``no`` or ``nothing``.

    Raises
    ------
    StepError
        If a step failed.
    ResamplerError
        If another run holds the lock, or a file of the snapshot is damaged.
    """
    place = settings.home / journals.FOLDER
    try:
        with place.locked(settings.around.wait_s) as held:
            return _Loop(settings, held, force, say).run(restart)
    except TimeoutError as error:
        raise ResamplerError(
            f"another run of {settings.name!r} is at work, or a command that it started: {error}: run again when it "
            "has ended, or set wait_s in [retrain]"
        ) from error


class _Loop:
    def __init__(self, settings: Settings, held: IO[str], force: bool, say: Callable[[str], None]) -> None:
        self.settings, self.held, self.force, self.say = settings, held, force, say
        self.ledger = Ledger(settings.home / FOLDER)
        self.journal = Journal(settings.home, settings.policy.digest)
        self.outcome = Outcome(settings.name, settings.alias)

    def run(self, restart: bool) -> Outcome:
        if FINISHED in self.journal.steps:  # an earlier run was ended while it wrote that down
            self.ledger.append(Run(**self.journal.steps[FINISHED]))
            self.journal.close()
        if self.journal.superseded:
            self.say("an unfinished run had another policy: its steps are taken again")
        if restart:
            self.journal.close()
        elif taken := [step for step in STEPS if step in self.journal.steps]:
            self.say(f"an unfinished run has taken {', '.join(taken)}: going on behind that")
        reference = self._reference()
        try:
            self._drift(reference)
            version = self._snapshot(reference)
            training = self._training(version, reference)
            key = key_of(policy=self.settings.policy.digest, version=version.digest, training=training.key)
            self._judged_before(key, version)
            made = self._train(training, version)
            self._gate(made, version, reference, key)
            self._alias(version, reference)
        except _StoppedError:
            return self.outcome
        self._finish("pass", key, f"{self.settings.alias} points to {version}")
        return self.outcome

    # What is there

    def _reference(self) -> Reference | None:
        """Find where the alias points, or pointed when an unfinished run began."""
        if BEGUN in self.journal.steps:
            data = self.journal.steps[BEGUN]["reference"]
            found = None if data is None else Reference(**data)
        else:
            found = self._pointed()
        self.outcome.before = None if found is None else found.version
        return found

    def _pointed(self) -> Reference | None:
        try:
            version = self._open(self.settings.alias)
        except DataError:
            self.say(f"no version is called {self.settings.alias!r} yet")
            return None
        trained = next(
            (run for run in self.ledger.newest("train") if run.details.get("digest") == version.digest), None
        )
        champion = str(trained.details["output"]) if trained is not None and trained.outcome == "pass" else ""
        return Reference(version.version, champion)

    def _open(self, which: object) -> TrainingSet:
        return open_version(f"{self.settings.name}:{which}", **self.settings.place)

    # The steps

    def _drift(self, reference: Reference | None) -> None:
        if self._taken("drift"):
            return
        rows = self.settings.around.rows
        if reference is None:
            done = Done("drift", "left out", "no version to compare with")
        elif self.force:
            done = Done("drift", "left out", "forced")
        elif rows is None:
            done = Done("drift", "left out", "[retrain] names no rows of today")
        else:
            self.say(f"drift: {rows} against {self.settings.name}:{self.settings.alias}")
            found, details = self._ask("drift", self.settings.words("drift"), passes=(_SAID_NO,))
            said = "; ".join(map(str, details.get("reasons", ())))
            if found.code != _SAID_NO:
                verdict = "unknown" if details.get("outcome") == "unknown" else "pass"
                self._add(Done("drift", verdict, said or "no drift", found.seconds, details=details))
                self._stop(NOTHING, f"no drift that asks for training: {said}" if said else "no drift")
            done = Done("drift", "no", said or "rows have drifted", found.seconds, details=details)
        if BEGUN not in self.journal.steps:
            self.journal.keep(BEGUN, {"reference": None if reference is None else asdict(reference)})
        self._take(done)

    def _snapshot(self, reference: Reference | None) -> TrainingSet:
        if "snapshot" in self.journal.steps and "alias" not in self.journal.steps:
            try:
                self._open(self.journal.steps["snapshot"]["details"]["version"])
            except DataError as error:
                self.say(f"snapshot: {error}: taken again")
                self.journal.forget_behind_drift()
        if not self._taken("snapshot"):
            self.say("snapshot: reading rows")
            words = self.settings.words("snapshot")
            found, details = self._ask("snapshot", words, refused="the checks of a snapshot said no")
            number, again = details["version"], " again, of equal rows" if details["reused"] else ""
            version = self._open(number)
            if reference is not None and reference.version == number:
                self._add(Done("snapshot", "pass", f"version {number}{again}", found.seconds, details=details))
                self.outcome.version = number
                self._stop(NOTHING, f"{self.settings.alias} points to {version} already: there are no other rows")
            self._take(Done("snapshot", "pass", f"version {number}{again}", found.seconds, details=details))
        self.outcome.version = self.journal.steps["snapshot"]["details"]["version"]
        return self._open(self.outcome.version)

    def _training(self, version: TrainingSet, reference: Reference | None) -> Training:
        try:
            found = Training.of(self.settings, version, reference.champion if reference else "")
        except ResamplerError as error:
            self._fail("train", str(error), error.exit_code)
        taken = self.journal.steps.get("train")
        if taken is not None and "alias" not in self.journal.steps:
            before = taken["details"]
            if before["key"] != found.key or not found.is_made(before["made"]):
                self.say("train: its code or its predictions are other ones since: taken again")
                self.journal.forget("train", "gate")
        return found

    def _judged_before(self, key: str, version: TrainingSet) -> None:
        """Stop where the same rows, command and policy have come to an answer before."""
        earlier = next((run for run in self.ledger.newest("retrain", key) if run.outcome != "failed"), None)
        if self.force or earlier is None or "train" in self.journal.steps or "gate" in self.journal.steps:
            return
        if earlier.outcome == "no":
            self._stop("no", f"a gate said no to {version} on {earlier.at[:10]}, and nothing has changed since")
        self._stop(
            NOTHING,
            f"{version} passed on {earlier.at[:10]}, and {self.settings.alias} was taken back since: it stays "
            "where it is, unless forced",
        )

    def _train(self, training: Training, version: TrainingSet) -> dict[str, Any]:
        if self._taken("train"):
            return dict(self.journal.steps["train"]["details"]["made"])
        earlier = self.ledger.last("train", training.key)
        if earlier is not None and earlier.outcome == "pass" and training.is_made(earlier.details["made"]):
            self._take(Done("train", "pass", "trained before", earlier.seconds, before=True, details=earlier.details))
            return dict(earlier.details["made"])
        self.say(f"train: {' '.join(training.words)}")
        training.clear()
        try:
            found = run(
                training.words,
                cwd=self.settings.base,
                environment=training.environment,
                timeout_s=self.settings.train.timeout_s,
                held=self.held,
                answers=False,
            )
        except OSError as error:
            self._fail(
                "train", f"its command {training.words[0]!r} cannot be started: {error.strerror or error}", _USAGE
            )
        made = training.made()
        kept = {
            "key": training.key,
            "digest": version.digest,
            "command": list(training.words),
            "output": training.values["output"],
            "exit_code": found.code,
            "made": made,
        }
        details = kept | {"last_lines": list(found.last_lines)}  # may name rows: not for the ledger
        problem = ""
        if found.timed_out:
            problem = f"it took longer than {self.settings.train.timeout_s:g} s"
        elif found.code < 0:
            problem = f"signal {-found.code} ended it"
        elif found.code:
            problem = f"it exited with {found.code}"
        elif "predictions" not in made:
            problem = (
                f"it left no predictions in {training.values['predictions']}: write them there ({{predictions}}, or "
                "the variable RESAMPLER_PREDICTIONS), or say in [train] predictions where they are"
            )
        outcome = "failed" if problem else "pass"
        self.ledger.append(Run("train", outcome, training.key, str(version), now(), round(found.seconds, 3), kept))
        if problem:
            self._fail("train", _with_last(problem, found), details=details, seconds=found.seconds)
        self._take(Done("train", "pass", f"in {training.values['output']}", found.seconds, details=details))
        return made

    def _gate(self, made: dict[str, Any], version: TrainingSet, reference: Reference | None, key: str) -> None:
        if self._taken("gate"):
            return
        path = made["predictions"]["path"]
        self.say(f"gate: {path}")
        words = self.settings.words("gate", version.version, path)
        if "train_predictions" in made:
            words += ["--train", made["train_predictions"]["path"]]
        words += self._baseline(made, reference)
        found, details = self._ask("gate", words, passes=(_SAID_NO,))
        verdict = str(details.get("verdict", "no" if found.code else "pass"))
        done = Done("gate", verdict, _reasons(details) or verdict, found.seconds, details=details)
        if found.code == _SAID_NO:
            self._add(done)
            self._finish("no", key, f"the gate said {verdict} to {version}: {done.words}")
            raise _StoppedError
        self._take(done)

    def _baseline(self, made: dict[str, Any], reference: Reference | None) -> list[str]:
        """Say what the gate compares with: the champion on the same rows, or its own figures of then."""
        if reference is None:
            return ["--first"]
        if "baseline_predictions" in made:
            return ["--baseline", made["baseline_predictions"]["path"]]
        asked = self.settings.policy.table("gate").get("baseline")
        if asked is None or "version" in asked:
            return []
        return ["--baseline", f"{self.settings.name}:{reference.version}"]

    def _alias(self, version: TrainingSet, reference: Reference | None) -> None:
        name, alias = self.settings.name, self.settings.alias
        if not self._taken("alias"):
            self._check_unmoved(version, reference)
            found, details = self._ask("alias", self.settings.words("alias", version.version))
            before = None if reference is None else reference.version
            told = f"{alias} points to version {version.version}"
            nth = len(self.ledger.outcomes("retrain"))  # it may be moved there more than once, but once a run
            key = key_of(step="alias", alias=alias, digest=version.digest, before=before, run=nth)
            if self.ledger.last("alias", key) is None:
                where = {"alias": alias, "before": before}
                self.ledger.append(Run("alias", "pass", key, str(version), now(), round(found.seconds, 3), where))
            self._take(Done("alias", "pass", told, found.seconds, details=details))
        if reference is not None:
            shown = map(without_secrets, self.settings.where)
            self.outcome.rollback = " ".join(["resampler snapshot rollback", name, alias, *shown])

    def _check_unmoved(self, version: TrainingSet, reference: Reference | None) -> None:
        """Refuse to move an alias that somebody has moved since the run began: what was compared is not in use."""
        try:
            now_at: int | None = self._open(self.settings.alias).version
        except DataError:
            now_at = None
        before = None if reference is None else reference.version
        if now_at in (before, version.version):
            return
        where = "nowhere" if now_at is None else f"to version {now_at}"
        was = "nowhere" if before is None else f"to version {before}"
        self.journal.forget("drift")  # it was measured against what is no longer in use
        self._fail(
            "alias",
            f"{self.settings.alias} pointed {was} when the run began, and points {where} now, for somebody moved it: "
            "run again, and the models are compared with that",
        )

    # How a step ends

    def _taken(self, step: str) -> bool:
        if step not in self.journal.steps:
            return False
        self._add(Done(**self.journal.steps[step])._replace(before=True))
        return True

    def _take(self, done: Done) -> None:
        self.journal.keep(done.step, done._asdict())
        self._add(done)

    def _add(self, done: Done) -> None:
        self.outcome.steps.append(done)
        self.say(f"{done.step}: {done.words}{' (by an earlier run)' if done.before else ''}")

    def _stop(self, outcome: str, why: str) -> NoReturn:
        self.outcome.outcome, self.outcome.why = outcome, why
        self.journal.close()
        raise _StoppedError

    def _finish(self, outcome: str, key: str, why: str, more: str = "") -> None:
        """End the run; what `more` a command said is no part of the ledger, for it may name rows."""
        self.outcome.outcome, self.outcome.why = outcome, why + more
        details = {
            "alias": self.settings.alias,
            "version": self.outcome.version,
            "before": self.outcome.before,
            "why": why,
            "steps": {one.step: one.outcome for one in self.outcome.steps},
        }
        seconds = round(sum(one.seconds for one in self.outcome.steps), 3)
        number = self.outcome.version
        subject = self.settings.name if number is None else f"{self.settings.name} version {number}"
        finished = Run("retrain", outcome, key, subject, now(), seconds, details)
        self.journal.keep(FINISHED, asdict(finished))  # written down before it is appended: the same run twice is one
        self.ledger.append(finished)
        self.journal.close()

    def _fail(
        self, step: str, problem: str, code: int = 1, details: dict[str, Any] | None = None, seconds: float = 0.0
    ) -> NoReturn:
        self.outcome.steps.append(Done(step, "failed", problem, seconds, details=details or {}))
        self.outcome.outcome, self.outcome.why = "failed", f"{step} failed: {problem}"
        key = key_of(policy=self.settings.policy.digest, failed=step)
        # of an error only its step: its words may name rows, which can be forgotten anywhere but here
        where = {"alias": self.settings.alias, "version": self.outcome.version, "why": f"{step} failed", "step": step}
        self.ledger.append(Run("retrain", "failed", key, self.settings.name, now(), round(seconds, 3), where))
        self.journal.forget_behind_drift()
        raise StepError(f"{self.outcome.why}: {self.settings.alias} stays where it is", self.outcome, code)

    def _stopped(self, step: str, found: Finished) -> NoReturn:
        """End a run whose step has spent its budget: the journal stays, and the next run goes on with the step."""
        said = _with_last("", found)
        self.outcome.steps.append(Done(step, STOPPED, said, found.seconds))
        self.outcome.outcome, self.outcome.why = STOPPED, f"{step} has spent its budget: run again, and it goes on"
        key = key_of(policy=self.settings.policy.digest, stopped=step)
        where = {"alias": self.settings.alias, "version": self.outcome.version, "why": f"{step} stopped", "step": step}
        self.ledger.append(Run("retrain", STOPPED, key, self.settings.name, now(), round(found.seconds, 3), where))
        raise StepError(f"{self.outcome.why}: {said}", self.outcome, StoppedError.exit_code)

    def _ask(
        self, step: str, words: Sequence[str], *, refused: str = "", passes: Sequence[int] = ()
    ) -> tuple[Finished, dict[str, Any]]:
        """Run one of our own commands; return what it printed."""
        found = run([sys.executable, "-P", "-m", "resampler", *words, "--json"], cwd=self.settings.base, held=self.held)
        if refused and found.code == _SAID_NO:
            self._add(Done(step, "no", _with_last("", found), found.seconds))
            key = key_of(policy=self.settings.policy.digest, refused=step)
            self._finish("no", key, refused, f": {self.outcome.steps[-1].words}")
            raise _StoppedError
        if found.code == StoppedError.exit_code:
            self._stopped(step, found)
        if found.code and found.code not in passes:
            self._fail(step, _with_last("", found), _USAGE if found.code == _USAGE else 1, seconds=found.seconds)
        try:
            return found, dict(json.loads(found.output))
        except (ValueError, TypeError):
            self._fail(step, f"its answer is no JSON: {found.output[:200]!r}", seconds=found.seconds)


def _with_last(problem: str, found: Finished) -> str:
    """Say what a command said last; of our own commands that is the error itself."""
    last = next((line for line in reversed(found.last_lines) if line.strip()), "")
    last = last.removeprefix("Error: ").strip()
    if not problem:
        return last or f"it exited with {found.code}"
    return f"{problem}: {last}" if last else problem


def _reasons(details: dict[str, Any]) -> str:
    """Name the rules that decided a gate's answer, in a few words."""
    rules = [one for one in details.get("rules", ()) if isinstance(one, dict) and one.get("verdict") != "pass"]
    return "; ".join(str(one.get("why") or one.get("rule")) for one in rules[:3])
