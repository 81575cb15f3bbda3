"""`resampler gate`: predictions of real rows, held against a policy; exit 0 pass, 3 no."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from resampler.commands.version_option import with_version
from resampler.errors import DataError, InvalidInputError
from resampler.ledger import FOLDER, Ledger, Run, key_of, now
from resampler.policy import read_policy
from resampler.storage import Location
from resampler.table_file import SUFFIXES, TableFile
from resampler.training_set import TRAIN, open_version

if TYPE_CHECKING:
    from resampler.quality.gate.answer import Answer
    from resampler.quality.gate.baseline import Baseline
    from resampler.quality.gate.predictions import Predictions
    from resampler.quality.gate.rules import GateRules
    from resampler.training_set import TrainingSet

_EXIT_NO = 3


@click.command()
@click.argument("predictions", required=False, metavar="[PREDICTIONS]")
@click.option("--policy", metavar="FILE", help="TOML or YAML file whose table [gate] has the limits; else the guide's.")
@click.option("--train", metavar="FILE", help="Predictions of the training rows, synthetic ones too: validation gaps.")
@click.option(
    "--baseline",
    metavar="FILE|NAME:ALIAS",
    help="Predictions of the model in use, best of the same rows; or a version that a gate has measured.",
)
@with_version(place=True)
@click.option(
    "--ledger", "ledger_place", metavar="DIRECTORY", help="Where runs are kept; by default with the snapshot."
)
@click.option("--first", is_flag=True, help="No model is in use yet: [gate.baseline] is left out.")
@click.option("--strict", is_flag=True, help="Exit 3 where there are not enough rows to tell.")
@click.option(
    "--history", type=click.IntRange(1), metavar="N", help="List the last N runs instead, and which share passed."
)
@click.option("--json", "as_json", is_flag=True, help="Print one object on standard output.")
def gate(
    predictions: str | None,
    policy: str | None,
    train: str | None,
    baseline: str | None,
    version: TrainingSet | None,
    place: dict[str, str | None],
    ledger_place: str | None,
    first: bool,
    strict: bool,
    history: int | None,
    as_json: bool,
) -> int:
    """Say whether PREDICTIONS of real rows are good enough.

    PREDICTIONS is a Parquet, CSV or Arrow file with the columns y_true, y_pred and/or score, and optionally keys,
    slices and is_synthetic. Exit 0 pass, 1 the data are at fault, 2 wrong usage, 3 no.
    """
    ledger = _ledger(ledger_place, version)
    if history is not None:
        return _list(ledger, history, as_json)
    if predictions is None:
        raise InvalidInputError("give PREDICTIONS, a file of y_true and y_pred or score; or --history N")
    started = time.monotonic()
    from resampler.quality.gate.answer import ask
    from resampler.quality.gate.origin import check_flags
    from resampler.quality.gate.printing import in_words
    from resampler.quality.gate.rules import GateRules

    settings = None if policy is None else read_policy(policy)
    rules = GateRules.of(settings)
    if first and baseline is not None:
        raise InvalidInputError("give --first or --baseline: the first model has none to be compared with")
    left_out = first and rules.baseline is not None
    if left_out:
        rules = replace(rules, baseline=None)
    source = _Source(rules, version)
    read = source.read(predictions, "predictions", slices=tuple(rules.slices))
    check_flags(read)
    source.check_origin(read)
    learned = None if train is None else source.of_training(train)
    compared = _baseline(baseline, rules, source, ledger, place, read.positive)
    made = None if version is None else _synthetic(version)
    answer = ask(read, rules, train=learned, baseline=compared, synthetic=made)

    subject = predictions if version is None else str(version)
    if left_out:
        answer.notes.insert(0, "this is the first model: what [gate.baseline] asks for is left out")
    if rules.is_guide:
        answer.notes.insert(0, "no policy sets a limit: these are the guide's")
    details = answer.to_dict() | {
        "subject": subject,
        "predictions": {"file": predictions, "sha256": source.digests["predictions"]},
        "policy": None if settings is None else {"file": policy, "sha256": settings.digest},
        "baseline": None if compared is None else compared.name,
        "snapshot": None if version is None else {"version": version.version, "digest": version.digest},
        "strict": strict,
    }
    if ledger is None:
        answer.notes.append("kept in no ledger: give --ledger or --snapshot")
    else:
        key = key_of(
            policy="" if settings is None else settings.digest,
            files=source.digests,
            first=first,
            snapshot=None if version is None else version.digest,
            baseline=None if compared is None else {name: one.to_dict() for name, one in compared.figures.items()},
        )
        ledger.append(Run("gate", answer.verdict, key, subject, now(), round(time.monotonic() - started, 3), details))
    if as_json:
        click.echo(json.dumps(details, allow_nan=False))
    else:
        click.echo("\n".join(in_words(answer, subject, strict=strict)))
    for note in answer.notes:
        click.echo(f"Note: {note}", err=True)
    return _exit_code(answer, strict)


def _exit_code(answer: Answer, strict: bool) -> int:
    return _EXIT_NO if answer.verdict == "no" or (strict and answer.verdict == "unknown") else 0


class _Source:
    """Files of predictions, each opened, hashed and checked in one way."""

    def __init__(self, rules: GateRules, version: TrainingSet | None) -> None:
        self.rules, self.version = rules, version
        self.digests: dict[str, str] = {}
        self.keys = rules.keys or (() if version is None else version.keys)
        at = rules.timestamp or (None if version is None else version.timestamp)
        self.telling = (*self.keys, *(() if at is None else (at,)))

    def read(self, path: str, option: str, slices: tuple[str, ...] = ()) -> Predictions:
        """Read one of them."""
        from resampler.quality.gate.predictions import Predictions, check_rows_differ

        shown = option if option == "predictions" else f"--{option}"
        file = TableFile.open(path, shown)
        for name in self.rules.keys:
            file.check(name, "[gate] keys")
        if self.rules.timestamp is not None:
            file.check(self.rules.timestamp, "[gate] timestamp")
        classes = None if self.version is None else {one for of in self.version.classes.values() for one in of}
        read = Predictions.read(file, self.rules, keys=self.telling, slices=slices, classes=classes)
        missing = [name for name in self.telling if name not in read.keys.column_names]
        if self.keys and not missing:
            check_rows_differ(read.keys, read.where)
        elif self.keys and missing[0] not in self.keys:
            click.echo(
                f"Note: {read.where} has no column {missing[0]!r}, so whether rows stand twice or are training rows is "
                "not known",
                err=True,
            )
        self.digests[option] = Location.parse(path).sha256()
        return read

    def check_origin(self, read: Predictions) -> None:
        """Refuse rows of the version's training split."""
        if (rows := self._training_rows(read)) is None or self.version is None:
            return
        from resampler.quality.gate.origin import check_origin

        check_origin(read, rows, self.version.synthetic, self.version.keys, str(self.version))

    def of_training(self, path: str) -> Predictions:
        """Read predictions of training rows, and say which are synthetic."""
        from resampler.quality.gate.origin import check_learned, found_in

        read = self.read(path, "train")
        if (rows := self._training_rows(read)) is None or self.version is None:
            return read
        check_learned(read, rows, self.version.synthetic, str(self.version))
        made = found_in(read, rows.filter(rows[self.version.synthetic]), self.version.keys)
        return replace(read, synthetic=made if read.synthetic is None else made | read.synthetic)

    def _training_rows(self, read: Predictions) -> Any:
        """Return keys, time and kind of the training rows; None where rows have no keys to find them by."""
        version = self.version
        if version is None:
            return None
        if missing := [name for name in version.keys if name not in read.keys.column_names]:
            click.echo(
                f"Note: {read.where} has no column {missing[0]!r}, so whether rows of it are synthetic or were learned "
                f"from cannot be looked up in {version}",
                err=True,
            )
            return None
        if TRAIN not in version.files:
            click.echo(
                f"Note: {version} does not store its training split, so rows cannot be looked up there", err=True
            )
            return None
        times = () if version.timestamp is None else (version.timestamp,)
        rows = version.read(TRAIN, [*version.keys, *times, version.synthetic])
        n_stored, n_made = rows[version.synthetic].to_numpy().sum(), _synthetic(version)[0]
        if n_stored < n_made:
            click.echo(
                f"Note: {version} stores {n_stored:,} of its {n_made:,} synthetic rows: only those are known by keys",
                err=True,
            )
        return rows


def _synthetic(version: TrainingSet) -> tuple[int, int]:
    counts = version.classes[TRAIN].values()
    made = sum(one["synthetic"] for one in counts)
    return made, made + sum(one["real"] for one in counts)


def _baseline(
    given: str | None,
    rules: GateRules,
    source: _Source,
    ledger: Ledger | None,
    place: dict[str, str | None],
    positive: Any,
) -> Baseline | None:
    from resampler.quality.gate.baseline import Baseline
    from resampler.quality.gate.figures import Figure
    from resampler.quality.gate.origin import check_flags

    if given is None and rules.baseline is not None:
        given = rules.baseline.version
    if given is None:
        return None
    if given.partition("?")[0].endswith(SUFFIXES):
        read = source.read(given, "baseline")
        check_flags(read)
        return Baseline.of("the baseline", read)
    if source.version is None and not any(place.values()):
        raise InvalidInputError(
            f"--baseline {given!r} is no file of {', '.join(SUFFIXES)}, and as a version it needs --snapshot too"
        )
    other = open_version(given, **place)
    runs = Ledger(other.home / FOLDER) if ledger is None else ledger
    measured = [run for run in runs.runs("gate") if run.subject == str(other)]
    if not measured:
        raise DataError(
            f"no gate has measured {other}, in {runs.directory.uri}: run one on its predictions, or give --baseline "
            "FILE"
        )
    details = measured[-1].details
    if details["positive"] != positive:
        raise DataError(
            f"{other} was measured for class {details['positive']!r}, and these are predictions of {positive!r}: "
            "compare one class"
        )
    return Baseline(str(other), {name: Figure.from_dict(one) for name, one in details["figures"].items()})


def _ledger(given: str | None, version: TrainingSet | None) -> Ledger | None:
    if given is not None:
        return Ledger(given)
    return None if version is None else Ledger(version.home / FOLDER)


def _list(ledger: Ledger | None, n: int, as_json: bool) -> int:
    from resampler.quality.gate.printing import history, success

    if ledger is None:
        raise InvalidInputError("--history needs --ledger DIRECTORY, or --snapshot NAME and where it is kept")
    runs = [run for run in ledger.runs() if run.step in {"gate", "retrain"}]
    if as_json:
        gates = [run for run in runs if run.step == "gate"][-n:]
        found = [{"at": run.at, "outcome": run.outcome, "subject": run.subject, "key": run.key} for run in gates]
        rates = {step: success(runs, n, step) for step in ("gate", "retrain")}
        click.echo(json.dumps({"runs": found, "success": rates}))
    else:
        click.echo("\n".join(history(runs, n)))
    return 0
