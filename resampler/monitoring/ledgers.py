"""`LedgerReader`: a ledger as samples, from names of files where that is possible, each file read once."""

from __future__ import annotations

from collections import Counter
from functools import partial
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from resampler.errors import CorruptStateError
from resampler.monitoring import window
from resampler.monitoring.details import OF_STEP, of_any, of_drift
from resampler.monitoring.predictions import RESULTS, Counts
from resampler.monitoring.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from resampler.ledger import Ledger, Run, RunName

OUTCOMES = ("pass", "no", "unknown", "failed")
_MALFORMED = (AttributeError, KeyError, TypeError, ValueError)


class _Told(NamedTuple):
    """What is kept in memory of a run of which there may be thousands."""

    series: str = ""
    predictions: str = ""
    counts: Counts | None = None


class LedgerReader:
    """A ledger that is looked at again and again.

    Parameters
    ----------
    snapshot : str
        Label of its samples.
    ledger : Ledger
        Whose files never change, so that none is read twice.
    say : callable
        Is given a line about each file that cannot be read, once.

    Notes
    -----
    Not for several threads at once. A look lists the files, and reads those that are new of gates and drift, and the
    newest of each step. Counts of predictions stay when a run is removed from the ledger, while the reader lives.
    """

    def __init__(self, snapshot: str, ledger: Ledger, say: Callable[[str], None]) -> None:
        self.snapshot, self.ledger, self._say = snapshot, ledger, say
        self._told: dict[RunName, _Told] = {}
        self._runs: dict[RunName, Run] = {}
        self._unread: set[RunName] = set()
        self._counts: dict[str, Counts] = {}  # by the sha256 of a file of predictions

    def samples(self, now: float) -> list[Sample]:
        """Look at the ledger.

        Parameters
        ----------
        now : float
            Unix time.

        Returns
        -------
        list of Sample
            Of all runs that can be read.

        Raises
        ------
        OSError
            If the ledger does not answer.
        """
        for _ in range(3):
            try:
                return list(self._look(now))
            except FileNotFoundError:  # rows are being forgotten, which writes runs again under other names
                continue
        return list(self._look(now))

    @property
    def unread(self) -> int:
        """Files that could not be read at the last look."""
        return len(self._unread)

    def check(self, name: RunName) -> None:
        """Read one run, and say what is wrong with it.

        Parameters
        ----------
        name : RunName
            Of the ledger.
        """
        self._run(name)
        self._runs.pop(name, None)

    def _look(self, now: float) -> Iterator[Sample]:
        kept = self.ledger.names()
        self._unread &= set(kept)
        # While a run is written again it stands there twice.
        names = [*{name.run: name for name in kept}.values()]
        by_step: dict[str, list[RunName]] = {}
        for name in names:
            by_step.setdefault(name.step, []).append(name)
        windows = by_step.pop(window.STEP, [])
        wanted: dict[RunName, None] = {}
        found: list[Sample] = []
        for step, runs in by_step.items():
            found += self._of_names(step, runs)
            wanted[runs[-1]] = None
            found += self._samples(runs[-1], of_any)
            if step in OF_STEP:
                found += self._samples(runs[-1], OF_STEP[step])
        for name in self._newest_of_series(by_step.get("drift", [])):
            wanted[name] = None
            found += self._samples(name, of_drift)
        found += self._of_predictions(by_step.get("gate", []))
        interval = _interval_s(by_step.get("snapshot", []))
        found.append(Sample("resampler_snapshot_interval_seconds", (self.snapshot,), interval))
        wanted |= dict.fromkeys(windows[-1:])
        said = [one for name in windows[-1:] for one in self._samples(name, partial(_of_window, now))]
        found += said or [Sample("resampler_maintenance", (self.snapshot, "snapshot"), 0.0)]
        found.append(Sample("resampler_ledger_read_timestamp_seconds", (self.snapshot,), now))
        self._runs = {name: self._runs[name] for name in wanted if name in self._runs}
        self._told = {name: self._told[name] for name in names if name in self._told}
        return iter(found)

    def _of_names(self, step: str, runs: list[RunName]) -> Iterator[Sample]:
        """Say what names of files say."""
        labels, last = (self.snapshot, step), runs[-1]
        outcomes = Counter(name.outcome for name in runs)
        for outcome, n in outcomes.items():
            yield Sample("resampler_runs_total", (*labels, outcome), n)
        yield Sample("resampler_last_run_timestamp_seconds", labels, last.timestamp)
        for outcome in dict.fromkeys((*OUTCOMES, *outcomes)):
            yield Sample("resampler_last_run_outcome", (*labels, outcome), float(outcome == last.outcome))

    def _newest_of_series(self, runs: list[RunName]) -> Iterable[RunName]:
        newest: dict[str, RunName] = {}
        for name in runs:
            if (told := self._tell(name, _of_series)) is not None:
                newest[told.series] = name
        return newest.values()

    def _of_predictions(self, runs: list[RunName]) -> Iterator[Sample]:
        """Count rows of predictions; those of one file once, whatever policy they were held against."""
        for name in runs:
            told = self._tell(name, _of_predictions)
            if told is not None and told.counts is not None:
                self._counts.setdefault(told.predictions, told.counts)
        # None yet is 0: what a counter begins with is no increase, so the first file would count for nothing.
        for result, n in zip(RESULTS, sum(self._counts.values(), Counts()), strict=True):
            yield Sample("resampler_gate_predictions_total", (self.snapshot, result), n)

    def _samples(self, name: RunName, of: Callable[[str, Run], Iterator[Sample]]) -> list[Sample]:
        run = self._run(name)
        try:
            return [] if run is None else list(of(self.snapshot, run))
        except _MALFORMED as error:
            self._cannot(name, f"{self._where(name)} has no details of a {name.step} run: {error!r}")
            return []

    def _tell(self, name: RunName, of: Callable[[Run], _Told]) -> _Told | None:
        held = name in self._runs
        if name not in self._told and name not in self._unread and (run := self._run(name)) is not None:
            try:
                self._told[name] = of(run)
            except _MALFORMED as error:
                self._cannot(name, f"{self._where(name)} has no details of a {name.step} run: {error!r}")
            if not held:
                del self._runs[name]
        return self._told.get(name)

    def _run(self, name: RunName) -> Run | None:
        if name not in self._runs and name not in self._unread:
            try:
                self._runs[name] = self.ledger.read(name)
            except CorruptStateError as error:
                self._cannot(name, str(error))
        return self._runs.get(name)

    def _cannot(self, name: RunName, why: str) -> None:
        if name not in self._unread:
            self._unread.add(name)
            self._say(why)

    def _where(self, name: RunName) -> str:
        return f"{self.ledger.directory.uri}/{name.file}"


def _interval_s(runs: Iterable[RunName]) -> float:
    """Return how long it usually is from one version to the next."""
    made = [name for name in runs if name.outcome == "pass"][-11:]
    apart = [after.timestamp - before.timestamp for before, after in pairwise(made)]
    return median(apart) if apart else 0.0


def _of_series(run: Run) -> _Told:
    return _Told(series=str(run.details["series"]))


def _of_predictions(run: Run) -> _Told:
    return _Told(predictions=run.details["predictions"]["sha256"], counts=Counts.of(run.details))


def _of_window(now: float, snapshot: str, run: Run) -> Iterator[Sample]:
    yield Sample("resampler_maintenance", (snapshot, "snapshot"), float(window.is_open(run, now)))
