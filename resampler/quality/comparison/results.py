"""From cells to a `Comparison`: parts that all candidates were tried on, their means, the control, the rule."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.errors import DataError
from resampler.quality.comparison.cells import MOVED, OWN, Bench, Cell
from resampler.quality.comparison.comparison import (
    LATE,
    NOTHING,
    Candidate,
    Comparison,
    Control,
    Figure,
    Importance,
    LeftOut,
    Part,
)
from resampler.quality.comparison.overlap import Overlap, is_above_chance
from resampler.quality.comparison.remedies import PLAIN
from resampler.quality.comparison.rule import Learned, advise, gain, judged
from resampler.quality.comparison.runner import Runner
from resampler.quality.comparison.scores import measures_with

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from resampler.quality.comparison.comparison import Asked, Tried
    from resampler.quality.comparison.learners import Learner
    from resampler.quality.comparison.remedies import Remedy
    from resampler.quality.store import Store

_RANKINGS = ("average_precision",)  # measures that a moved threshold does not change
LEAST_RUNS = 5  # of the control: the best of two lies half their difference above their mean, which says little
TOO_GOOD = 0.995  # average precision from which a feature may hold the label
_WIDEST = 100  # columns, up to which each is shuffled


def measured(
    asked: Asked,
    shown: tuple[Tried, ...],
    bench: Bench,
    learners: Sequence[Learner],
    remedies: Sequence[Remedy],
    *,
    left_out: list[LeftOut],
    notes: list[str],
    store: Store,
    threads: int | None,
    budget_s: float | None,
    progress: Callable[[int, int], None] | None,
) -> Comparison:
    """Measure candidates part by part, and put together what came of it.

    Parameters
    ----------
    asked : Asked
        What is compared.
    shown : tuple of Tried
        The learners, in words.
    bench : Bench
        What all cells share.
    learners : sequence of Learner
        In order.
    remedies : sequence of Remedy
        In order.
    left_out : list of LeftOut
        What is left out from the start.
    notes : list of str
        What is to be said anyway.
    store, threads, budget_s, progress
        As `Runner` takes them.

    Returns
    -------
    Comparison
        Of the parts that all candidates were tried on.

    Raises
    ------
    DataError
        If no learner can learn from the rows as they are.
    """
    others = len(remedies) - 1
    n_control = max(others if asked.measure in _RANKINGS else 2 * others, LEAST_RUNS) if others else 0
    shuffles = len(asked.features) <= _WIDEST
    n_parts = asked.folds * asked.seeds
    pairs = [(learner, one) for learner in learners for one in remedies if learner.takes_weights or not one.weighs]
    rounds = len(pairs) + n_control * len(learners)
    makes = any(one.synthetic for one in remedies) and shuffles
    total = n_parts * (rounds + (2 * len(learners) if makes else 0))
    runner = Runner(bench, store, threads=threads, budget_s=budget_s, progress=progress, total=total)

    table = _Table(learners, pairs, n_control)
    parts: list[Part] = []
    for seed, folds in bench.folds.by_seed.items():
        for fold in range(len(folds)):
            cells = table.cells(seed, fold)
            runner.skip(rounds - len(cells))
            found = runner.run(cells)
            if found is None:
                break
            table.add(cells, found)
            parts.append(_part(bench, seed, fold))
        else:
            continue
        break
    table.drop_failed(left_out)
    if parts and not table.learners:
        name, why = next((name, why) for (name, remedy), why in table.failed.items() if remedy == NOTHING)
        raise DataError(f"no learner can learn from these rows: {name}: {why}")
    if len(parts) < n_parts:
        notes.append(f"time was up after {len(parts)} of {n_parts} parts")
    overlap = Overlap(parts, same=asked.split == "times")
    learned = [_learned(asked, bench, table, learner, parts, overlap) for learner in table.learners if parts]
    importance: list[Importance] = []
    if makes and parts:
        importance = _importance(asked, runner, table, learned, parts, overlap, left_out)
    elif any(one.synthetic for one in remedies) and parts:
        left_out.append(LeftOut("importance of features", f"there are {len(asked.features)}, more than {_WIDEST}"))
    runner.report()
    notes += table.unconverged() + [line for one in learned if (line := _too_good(asked, one, importance))]
    advice = advise(asked, parts, learned, overlap)
    return Comparison(
        asked,
        tuple(one for one in shown if not parts or one.name in {learner.name for learner in table.learners}),
        tuple(parts),
        tuple(candidate for one in learned for candidate in one.candidates),
        tuple(one.control for one in learned if one.control is not None),
        tuple(importance),
        advice,
        tuple(left_out),
        tuple(notes),
    )


class _Table:
    """What was measured, by learner and remedy, a value a part."""

    def __init__(self, learners: Sequence[Learner], pairs: Sequence[tuple[Learner, Remedy]], n_control: int) -> None:
        self.learners = list(learners)
        self.pairs = list(pairs)
        self.n_control = n_control
        self.found: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.luck: dict[str, list[list[float]]] = {learner.name: [] for learner in learners}
        self.failed: dict[tuple[str, str], str] = {}

    def cells(self, seed: int, fold: int) -> list[Cell]:
        """Return what is to be measured of a part; what failed before is not tried again."""
        remedies = [
            Cell(learner, one, seed, fold)
            for learner, one in self.pairs
            if (learner.name, one.name) not in self.failed and (learner.name, NOTHING) not in self.failed
        ]
        luck = [
            Cell(learner, PLAIN[NOTHING], seed, fold, luck=run)
            for learner in self.learners
            if (learner.name, NOTHING) not in self.failed
            for run in range(self.n_control)
        ]
        return remedies + luck

    def add(self, cells: Sequence[Cell], found: Sequence[dict[str, Any]]) -> None:
        """Take what was measured of a part."""
        luck: dict[str, list[float]] = {}
        for cell, values in zip(cells, found, strict=True):
            name = cell.learner.name
            if cell.luck is not None:
                luck.setdefault(name, []).append(values.get("value", math.nan))
            elif "error" in values:
                self.failed[name, cell.remedy.name] = values["error"]
            else:
                self.found.setdefault((name, cell.remedy.name), []).append(values)
        for name, runs in luck.items():
            self.luck[name].append(runs)

    def drop_failed(self, left_out: list[LeftOut]) -> None:
        """Leave out what failed in any part, and learners that cannot learn from rows as they are."""
        for (learner, remedy), why in self.failed.items():
            what = learner if remedy == NOTHING else f"{remedy} under {learner}"
            left_out.append(LeftOut(what, why))
            self.found.pop((learner, remedy), None)
        self.learners = [one for one in self.learners if (one.name, NOTHING) not in self.failed]
        self.pairs = [(one, remedy) for one, remedy in self.pairs if (one.name, remedy.name) in self.found]

    def unconverged(self) -> list[str]:
        """Say which learners ran out of iterations, how often."""
        said = []
        for learner in self.learners:
            mine = [one for (name, _), cells in self.found.items() if name == learner.name for one in cells]
            short = sum(not one["converged"] for one in mine)
            if short:
                times = f"{short} of {len(mine)} measurements"
                said.append(f"{learner.name} ran out of iterations in {times}: give it more (max_iter)")
        return said


def _part(bench: Bench, seed: int, fold: int) -> Part:
    learned, tested = bench.folds.by_seed[seed][fold]
    positive = bench.given.positive
    return Part(seed, fold, len(learned), len(tested), int(positive[learned].sum()), int(positive[tested].sum()))


def _learned(
    asked: Asked, bench: Bench, table: _Table, learner: Learner, parts: Sequence[Part], overlap: Overlap
) -> Learned:
    measures = measures_with(bench.costs)
    found = {remedy.name: table.found[learner.name, remedy.name] for of, remedy in table.pairs if of is learner}
    reference = {name: [one[MOVED][name] for one in found[NOTHING]] for name in measures}
    candidates = []
    for remedy, cells in found.items():
        for which in (OWN, MOVED):
            values = {name: [one[which][name] for one in cells] for name in measures}
            is_reference = remedy == NOTHING and which == MOVED
            differences = {
                name: overlap.figure((np.array(values[name]) - np.array(reference[name])).tolist())
                for name in ([] if is_reference else measures)
            }
            candidates.append(
                Candidate(
                    learner.name,
                    remedy,
                    which == MOVED,
                    {name: overlap.figure(of) for name, of in values.items()},
                    differences,
                    overlap.figure([one["threshold"] for one in cells]) if which == MOVED else None,
                )
            )
    control = _control(asked, table.luck[learner.name], learner, overlap)
    above = {remedy: is_above_chance([one["area"] for one in cells], parts) for remedy, cells in found.items()}
    judgements = []
    for one in candidates:
        lucky, fit = judged(one, control, above_chance=above[one.remedy])
        judgements.append(replace(one, beats_control=lucky, recommended=fit))
    return Learned(learner.name, tuple(judgements), control, above[NOTHING])


def _too_good(asked: Asked, one: Learned, importance: Sequence[Importance]) -> str | None:
    """Say where a model is so good that a feature may hold the label."""
    reached = one.candidate(NOTHING, moved=True).figures["average_precision"].mean
    if not reached >= TOO_GOOD:
        return None
    mine = [shuffled for shuffled in importance if shuffled.learner == one.name]
    most = max(mine, key=lambda shuffled: shuffled.without.mean, default=None)
    by = "" if most is None else f"; it goes by {most.feature} most"
    return (
        f"{one.name} finds class {asked.positive!r} nearly without error (average precision {reached:.3f}): see first "
        f"whether a feature gives the label away{by}"
    )


def _control(asked: Asked, luck: Sequence[Sequence[float]], learner: Learner, overlap: Overlap) -> Control:
    """Return how far runs of nothing lie from their mean: that rows drawn again are worth less is no luck."""
    means = np.array([overlap.figure(run).mean for run in zip(*luck, strict=True)])
    means = means[~np.isnan(means)]
    sign = gain(Figure(1.0, 1.0, 1.0), asked.measure)
    return Control(learner.name, asked.measure, tuple((sign * (means - means.mean())).tolist()) if len(means) else ())


def _importance(
    asked: Asked,
    runner: Runner,
    table: _Table,
    learned: Sequence[Learned],
    parts: Sequence[Part],
    overlap: Overlap,
    left_out: list[LeftOut],
) -> list[Importance]:
    """Shuffle features for each learner, with nothing and with the best remedy that makes rows."""
    found: list[Importance] = []
    for learner, one in zip(table.learners, learned, strict=True):
        made = {remedy.name: remedy for of, remedy in table.pairs if of is learner and remedy.synthetic}
        if not made:
            continue
        best = made[one.first([candidate for candidate in one.candidates if candidate.remedy in made]).remedy]
        cells = [
            Cell(learner, remedy, part.seed, part.fold, importance=True)
            for part in parts
            for remedy in (PLAIN[NOTHING], best)
        ]
        values = runner.run(cells)
        if values is None:
            left_out.append(LeftOut(f"importance of features under {learner.name}", LATE))
            continue
        if errors := [value["error"] for value in values if "error" in value]:
            left_out.append(LeftOut(f"importance of features under {learner.name}", errors[0]))
            continue
        lost = np.array([value["features"] for value in values]).reshape(len(parts), 2, -1)
        for j, feature in enumerate(asked.features):
            difference = overlap.figure((lost[:, 1, j] - lost[:, 0, j]).tolist(), among=len(asked.features))
            before, after = (overlap.figure(lost[:, which, j].tolist()) for which in range(2))
            found.append(
                Importance(learner.name, best.name, feature, before, after, difference, difference.excludes_zero)
            )
    return found
