"""`resampler gate`: predictions of real rows, held against a policy; exit 0 pass, 3 no."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING

import click

from resampler.commands.version_option import with_version
from resampler.errors import GateError, InvalidInputError
from resampler.ledger import FOLDER, Ledger
from resampler.policy import read_policy

if TYPE_CHECKING:
    from resampler.training_set import TrainingSet


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
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
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
    from resampler.quality.gate.printing import in_words
    from resampler.runs.gate import Asked, ask_files

    settings = None if policy is None else read_policy(policy)
    asked = Asked(predictions, settings, version, place, train, baseline, first, strict)
    answer, details = ask_files(asked, ledger)
    if as_json:
        click.echo(json.dumps(details, allow_nan=False))
    else:
        click.echo("\n".join(in_words(answer, asked.subject, strict=strict)))
    for note in answer.notes:
        click.echo(f"Note: {note}", err=True)
    return GateError.exit_code if answer.verdict == "no" or (strict and answer.verdict == "unknown") else 0


def _ledger(given: str | None, version: TrainingSet | None) -> Ledger | None:
    if given is not None:
        return Ledger(given)
    return None if version is None else Ledger(version.home / FOLDER)


def _list(ledger: Ledger | None, n: int, as_json: bool) -> int:
    from resampler.quality.gate.printing import history

    if ledger is None:
        raise InvalidInputError("--history needs --ledger DIRECTORY, or --snapshot NAME and where it is kept")
    runs = [*islice(ledger.newest("gate"), n)]
    rates = {step: ledger.success(step, n) for step in ("gate", "retrain")}
    if as_json:
        found = [{"at": run.at, "outcome": run.outcome, "subject": run.subject, "key": run.key} for run in runs[::-1]]
        click.echo(json.dumps({"runs": found, "success": rates}))
    else:
        click.echo("\n".join(history(runs, rates)))
    return 0
